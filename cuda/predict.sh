#!/usr/bin/env bash
# What OWSM v3.1 base, small and medium would take on an A40 at its limits, as docs/cuda.md has it:
#   cuda/predict.sh > docs/cuda.md
# Needs no GPU. The models are made with random weights in their exact shapes (3 GB in $TMPDIR).
set -euo pipefail
cd "$(dirname "$0")/.."

bazel build //apps:espalier >&2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat << 'END'
# CUDA: what an A40 could do

On paper: for each op of the plans the longer of computing and of moving its bytes, at the figures of the
data sheet; no launch costs, no share of the peak. A measured run (`cuda/check_on_gpu.sh`) belongs beside it.
Nothing here was run on a GPU: none was at hand.

Read it so: a window's time is mostly decoding, and decoding is reading weights. A beam of five costs hardly
more than one hypothesis because `gemv` reads each weight once for all of them. Closing 30 % of the modules
saves less than 30 %, because the convolutions in front, the CTC head and the output layer have no gates. What
a step moves beside weights is mostly the window's keys and values, which the plans hold as f32.

END
echo "\`cuda/predict.sh\`, $(date -u +%F), commit $(git rev-parse --short HEAD); f16 weights, no device used."
for size in base small medium; do
  models/make_random_owsm.py "$folder/owsm-v3.1-$size" --size "$size" --dtype f16 >&2
  echo
  echo '```'
  bazel-bin/apps/espalier profile -m "$folder/owsm-v3.1-$size" --device cuda:0 --predict
  echo '```'
  rm -rf "$folder/owsm-v3.1-$size"
done
