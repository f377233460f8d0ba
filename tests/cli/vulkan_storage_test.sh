#!/usr/bin/env bash
# Half floats and integers on the first Vulkan device say what they say on the reference device (the
# processor's own kernels round activations).
source tests/cli/setup.bash
export LP_NUM_THREADS=0 ESPALIER_VULKAN_VALIDATION=1
export MESA_SHADER_CACHE_DIR=$PWD/shaders

if ! "$program" devices | grep "^vulkan:0" | grep -v "cannot be used"; then
  echo "no usable Vulkan device: left out"
  exit 0
fi
for type in f16 int8; do
  expect 0 "$program" quantize "$ESPALIER_MODEL" --to "$type" -o "model-$type"
  for device in reference vulkan:0; do
    expect 0 transcribe -m "model-$type" --device "$device" --beam-size 3 -f json speech.wav
    python3 -c 'import json
for s in json.load(open("out"))["segments"]: print(s["start"], s["end"], s["tokens"], s["text"])' \
      > "$device-$type.txt"
    has "$device-$type.txt" "["
  done
  cmp "reference-$type.txt" "vulkan:0-$type.txt"
done
