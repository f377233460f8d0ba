#!/usr/bin/env bash
# Everything that only a machine with an NVIDIA GPU can show, as one table:
#   cuda/check_on_gpu.sh MODEL_FOLDER AUDIO_FOLDER [OUT_FILE]
# Conformance and goldens on the GPU, compute-sanitizer over the conformance cases, the CPU's words on
# every audio file, the benchmark, and the prediction beside it.
set -euo pipefail

if (($# < 2)); then
  echo "usage: $0 MODEL_FOLDER AUDIO_FOLDER [OUT_FILE]" >&2
  exit 2
fi
model=$(realpath "$1") audio=$(realpath "$2") out=$(realpath -m "${3:-gpu_report.md}")
cd "$(dirname "$0")/.."
nvidia-smi > /dev/null || { echo "$0: no NVIDIA GPU here" >&2; exit 4; }

bazel build --config=cuda //apps:espalier //runtime/backend/cuda:libespalier_cuda.so \
  //tests/conformance:gpu_conformance_test
espalier=bazel-bin/apps/espalier
export ESPALIER_CUDA_LIBRARY=$PWD/bazel-bin/runtime/backend/cuda/libespalier_cuda.so
failures=0

row() { echo "| $1 | $2 |" >> "$out"; }
check() { # check NAME COMMAND...
  local name=$1 log
  shift
  log=$(mktemp)
  if "$@" > "$log" 2>&1; then
    row "$name" "passed"
  else
    row "$name" "FAILED"
    tail -n 40 "$log" >&2
    failures=$((failures + 1))
  fi
  rm -f "$log"
}
# A test that was skipped because there is no device is no passed one.
on_device() {
  local output
  output=$("$@" 2>&1) || { echo "$output"; return 1; }
  echo "$output"
  ! grep -q "cannot be used" <<< "$output"
}
same_words() { # same_words FILE [ENVIRONMENT...]: the transcript of the GPU is the CPU's
  local file=$1 cpu gpu
  shift
  cpu=$("$espalier" transcribe -m "$model" --device cpu "$file") || return 1
  gpu=$(env "$@" "$espalier" transcribe -m "$model" --device cuda:0 "$file") || return 1
  diff <(echo "$cpu") <(echo "$gpu")
}

{
  echo "# CUDA on a GPU"
  echo
  echo "$(date -u +%F), commit $(git rev-parse --short HEAD)," \
    "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -1)," \
    "\`cuda/check_on_gpu.sh $1 $2\`"
  echo
  echo "| check | result |"
  echo "|---|---|"
} > "$out"

conformance=bazel-bin/tests/conformance/gpu_conformance_test
check "conformance, all cases" on_device "$conformance"
check "goldens" on_device bazel test --config=cuda --test_output=all --cache_test_results=no \
  //tests/golden:gpu_golden_test
# Not initcheck: cuBLASLt reads rows beyond the present count, whose results nobody reads.
for tool in memcheck racecheck synccheck; do
  check "compute-sanitizer $tool" compute-sanitizer --tool "$tool" --error-exitcode 1 \
    "$conformance" --gtest_filter='*cuda_*_f16'
done
for file in "$audio"/*.{wav,flac,mp3,ogg}; do
  [[ -f "$file" ]] || continue
  check "words of $(basename "$file")" same_words "$file"
  check "words of $(basename "$file"), f32 products" same_words "$file" ESPALIER_CUDA_PRODUCTS=f32
done

{
  echo
  echo "## Measured"
  echo
  echo '```'
  "$espalier" bench -m "$model" --device cuda:0
  "$espalier" profile -m "$model" --device cuda:0
  echo '```'
  echo
  echo "## Predicted"
  echo
  echo '```'
  "$espalier" profile -m "$model" --device cuda:0 --predict
  echo '```'
} >> "$out"
echo "$out: $failures failed"
exit $((failures > 0))
