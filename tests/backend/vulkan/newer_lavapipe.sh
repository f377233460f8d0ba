#!/usr/bin/env bash
# Runs kernels_test on a lavapipe with matrix units, which Debian 12's lacks: Mesa of Debian testing, in a
# folder of its own (700 MB, kept for the next run). Needs root, debootstrap and Debian's servers.
#   tests/backend/vulkan/newer_lavapipe.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?the folder is missing}
if [[ ! -x $folder/usr/bin/vulkaninfo ]]; then
  debootstrap --variant=minbase --include=mesa-vulkan-drivers,vulkan-validationlayers,vulkan-tools \
    testing "$folder"
fi
bazel build //tests/backend/vulkan:kernels_test
cp -f bazel-bin/tests/backend/vulkan/kernels_test "$folder/tmp/"
for mounted in proc dev; do
  mountpoint -q "$folder/$mounted" || mount --bind "/$mounted" "$folder/$mounted"
done
trap 'umount "$folder/proc" "$folder/dev"' EXIT
chroot "$folder" vulkaninfo --summary | grep -E 'deviceName|driverInfo'
ESPALIER_VULKAN_VALIDATION=1 LP_NUM_THREADS=0 chroot "$folder" /tmp/kernels_test
