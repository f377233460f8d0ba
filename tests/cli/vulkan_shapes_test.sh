#!/usr/bin/env bash
# Random models of odd shapes: every stage and every hypothesis on the first Vulkan device as on the
# reference device. models/check_shapes.py has more shapes than fit here.
shapes="$PWD/models/check_shapes.py"
source tests/cli/setup.bash
export LP_NUM_THREADS=0 ESPALIER_VULKAN_VALIDATION=1
export MESA_SHADER_CACHE_DIR=$PWD/shaders # shapes share most kernels

if ! "$program" devices | grep "^vulkan:0" | grep -v "cannot be used"; then
  echo "no usable Vulkan device: left out"
  exit 0
fi
/usr/bin/python3 -B "$shapes" --espalier "$program" --device vulkan:0 \
  --only narrowest,odd_heads,gates,half_floats,integers,whisper_odd
