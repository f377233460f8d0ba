#!/usr/bin/env bash
# Everything that only a machine with an NVIDIA GPU can show, as one table:
#   cuda/check_on_gpu.sh MODEL_FOLDER AUDIO_FOLDER [OUT_FILE]
# Conformance and goldens on the GPU, compute-sanitizer over the conformance cases, the CPU's words on
# every audio file with f32, f16 and i8 weights, the benchmark, and the prediction beside it.
# MODEL_FOLDER: one that stores f32 or f16. Needed: third_party/setup.sh has been run; an NVIDIA
# driver for CUDA 13 or newer; the CUDA toolkit in /usr/local/cuda with nvcc, cuBLAS and
# compute-sanitizer. Some minutes, and the model twice more in $TMPDIR.
set -euo pipefail
export PATH=$PATH:/usr/local/cuda/bin

if (($# < 2)); then
  echo "usage: $0 MODEL_FOLDER AUDIO_FOLDER [OUT_FILE]" >&2
  exit 2
fi
model=$(realpath "$1") audio=$(realpath "$2") out=$(realpath -m "${3:-gpu_report.md}")
cd "$(dirname "$0")/.."
[[ -f "$model/config.json" ]] || { echo "$0: $1: no model folder" >&2; exit 2; }
shopt -s nullglob
files=("$audio"/*.{wav,flac,mp3,ogg})
((${#files[@]} > 0)) || { echo "$0: $2: no audio files" >&2; exit 2; }
nvidia-smi > /dev/null 2>&1 || { echo "$0: no NVIDIA GPU here" >&2; exit 4; }

bazel build --config=cuda //apps:espalier //runtime/backend/cuda:libespalier_cuda.so \
  //tests/conformance:gpu_conformance_test
espalier=bazel-bin/apps/espalier
export ESPALIER_CUDA_LIBRARY=$PWD/bazel-bin/runtime/backend/cuda/libespalier_cuda.so
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

row() { echo "| $1 | $2 |" >> "$out"; }
check() { # check NAME COMMAND...
  local name=$1 log=$scratch/log
  shift
  if "$@" > "$log" 2>&1; then
    row "$name" "passed"
  else
    row "$name" "FAILED"
    echo "$name:" >&2
    tail -n 40 "$log" >&2
    failures=$((failures + 1))
  fi
}
# A test that was skipped because there is no device is no passed one.
on_device() {
  local output
  output=$("$@" 2>&1) || { echo "$output"; return 1; }
  echo "$output"
  ! grep -q "cannot be used" <<< "$output"
}
# same_words MODEL FILE [ENVIRONMENT...]: the transcript of the GPU is the CPU's. AVX2, since a CPU
# with VNNI rounds the activations of i8 products to 8 bits.
same_words() {
  local model=$1 file=$2
  shift 2
  ESPALIER_CPU_ISA=avx2 "$espalier" transcribe -m "$model" --device cpu "$file" > "$scratch/cpu" ||
    return 1
  env "$@" "$espalier" transcribe -m "$model" --device cuda:0 "$file" > "$scratch/gpu" || return 1
  diff "$scratch/cpu" "$scratch/gpu"
}
# The name under which `profile --predict` knows the device.
case "$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1)" in
  *A100*) hardware=a100 ;;
  *H100* | *H200*) hardware=h100 ;;
  *L4) hardware=l4 ;;
  *) hardware=a40 ;;
esac

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
  --strategy=TestRunner=local //tests/golden:gpu_golden_test
# Not initcheck: cuBLASLt reads rows beyond the present count, whose results nobody reads.
for tool in memcheck racecheck synccheck; do
  check "compute-sanitizer $tool" on_device compute-sanitizer --tool "$tool" --error-exitcode 1 \
    "$conformance" --gtest_filter='*cuda_*_f16:*cuda_*_i8'
done
for storage in f16 int8; do
  check "weights as $storage" "$espalier" quantize "$model" --to "$storage" -o "$scratch/$storage"
done
for file in "${files[@]}"; do
  for weights in "$model" "$scratch/f16" "$scratch/int8"; do
    name="words of $(basename "$file"), $(basename "$weights")"
    check "$name" same_words "$weights" "$file"
    check "$name, f32 products" same_words "$weights" "$file" ESPALIER_CUDA_PRODUCTS=f32
  done
done

{
  echo
  echo "## Measured"
  echo
  echo '```'
  for weights in "$model" "$scratch/f16" "$scratch/int8"; do
    "$espalier" bench -m "$weights" --device cuda:0
    "$espalier" profile -m "$weights" --device cuda:0
  done
  echo '```'
  echo
  echo "## Predicted"
  echo
  echo '```'
  for weights in "$model" "$scratch/f16" "$scratch/int8"; do
    "$espalier" profile -m "$weights" --device cuda:0 --predict --hardware "$hardware"
  done
  echo '```'
} >> "$out"
echo "$out: $failures failed"
exit $((failures > 0))
