#!/usr/bin/env bash
# Builds every fuzz target with clang and libFuzzer and runs each for a bounded time.
#   tests/fuzz/run.sh SECONDS [TARGET...]
# Ends with 1 at the first finding and says where the input lies. The corpus is not changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds="${1:?usage: tests/fuzz/run.sh SECONDS [TARGET...]}"
shift
targets=("$@")
if ((${#targets[@]} == 0)); then
  for source in tests/fuzz/*_fuzzer.cc; do
    targets+=("$(basename "$source" .cc)")
  done
fi

bazel build --config=fuzz "${targets[@]/#///tests/fuzz:}"
work="$(mktemp -d)"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export LSAN_OPTIONS=print_suppressions=0
for target in "${targets[@]}"; do
  mkdir "$work/$target"
  echo "fuzz: $target for $seconds s"
  if ! "bazel-bin/tests/fuzz/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -max_len=65536 -print_final_stats=0 -verbosity=0 -close_fd_mask=1 \
    -artifact_prefix="$work/found-$target-" "$work/$target" "tests/fuzz/corpus/$target" \
    2>"$work/$target.log"; then
    tail -60 "$work/$target.log"
    echo "fuzz: $target failed; its input and log are in $work"
    exit 1
  fi
done
rm -rf "$work"
echo "fuzz: nothing found in ${#targets[@]} targets"
