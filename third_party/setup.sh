#!/usr/bin/env bash
# Installs every Debian 12 package that building, testing and the demo need. Run again at will.
#   third_party/setup.sh [--no-fuzz]
set -euo pipefail

packages=(
  bazel-bootstrap g++ pkg-config git ca-certificates
  libsentencepiece-dev libsndfile1-dev libsoxr-dev libutf8proc-dev zlib1g-dev
  libhwy-dev nlohmann-json3-dev libcli11-dev portaudio19-dev
  libvulkan-dev glslang-tools spirv-tools                    # headers, shader compiler, its checker
  mesa-vulkan-drivers vulkan-validationlayers                # tests only: a Vulkan device in software
  libwebrtc-audio-processing-dev                             # voice activity
  libboost-context-dev                                       # tests only: CUDA threads as fibers
  libgtest-dev libbenchmark-dev libopenblas-dev libdnnl-dev  # tests and benchmarks only
  python3 python3-numpy python3-yaml                         # models/convert.py
  python3-pip                                                # a newer glslang, see below
  pulseaudio pulseaudio-utils libasound2-plugins             # tests only: a microphone in software
  valgrind cmake                                             # tests of the C library
  ffmpeg                                                     # formats that libsndfile does not read
  asterisk-core-sounds-en-g722                               # real speech for demo and tests
  asterisk-moh-opsound-g722                                  # tests only: real music
)
if [[ "${1:-}" != "--no-fuzz" ]]; then
  packages+=(clang-14 libclang-rt-14-dev)
fi

native=$(dpkg --print-architecture) # another architecture's package does not count
missing=()
for package in "${packages[@]}"; do
  states=$(dpkg-query -W -f '${db:Status-Status} ${Architecture}\n' "$package" 2>/dev/null || true)
  grep -qE "^installed ($native|all)\$" <<< "$states" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "setup: all ${#packages[@]} packages are installed"
else
  as_root=()
  if [[ "$(id -u)" != 0 ]]; then
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

# Debian 12's glslang does not know cooperative matrices. Without a newer one everything builds, and the
# matrix units of GPUs stay unused (local_glslang.bzl).
here=$(dirname "$0")
version=$(glslangValidator --version | sed -n 's/^Glslang Version: [0-9]*:\([0-9]*\)\..*/\1/p')
if ((${version:-0} < 13)) && [[ ! -d $here/glslang ]]; then
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --require-hashes --target "$here/glslang" -r "$here/glslang.txt" ||
    echo "setup: no newer glslang: matrix units of GPUs will stay unused" >&2
fi
