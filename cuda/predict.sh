#!/usr/bin/env bash
# What OWSM v3.1 base, small and medium would take on an A40 at its limits: the tables that end
# docs/cuda.md.
#   cuda/predict.sh
# Needs no GPU. The models are made with random weights in their exact shapes (3 GB in $TMPDIR).
set -euo pipefail
cd "$(dirname "$0")/.."

bazel build //apps:espalier >&2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "\`cuda/predict.sh\`, $(date -u +%F), commit $(git rev-parse --short HEAD); f16 weights, no device used."
for size in base small medium; do
  models/make_random_owsm.py "$folder/owsm-v3.1-$size" --size "$size" --dtype f16 >&2
  echo
  echo '```'
  bazel-bin/apps/espalier profile -m "$folder/owsm-v3.1-$size" --device cuda:0 --predict
  echo '```'
  rm -rf "$folder/owsm-v3.1-$size"
done
