#!/usr/bin/env bash
# The emulated CUDA library says the CPU's words with f32, f16 and i8 weights, rounded activations and
# not, and counts what it does.
export ESPALIER_CUDA_LIBRARY="$PWD/runtime/backend/cuda/libespalier_cuda_emulated.so"
source tests/cli/setup.bash

expect 0 "$program" devices
has out "cuda:0       software"
cp -rL "$ESPALIER_MODEL" f32
for storage in f16 int8; do
  expect 0 "$program" quantize f32 --to "$storage" -o "$storage"
done
for storage in f32 f16 int8; do
  words() { transcribe -m "$storage" --no-timestamps --duration-ms 2000 "$@" speech.wav; }
  expect 0 words --device cpu
  cp out cpu.txt
  expect 0 words --device cuda:0 --timings
  cmp out cpu.txt
  has err "dispatches"
  ESPALIER_CUDA_PRODUCTS=f32 expect 0 words --device cuda:0
  cmp out cpu.txt
done
