#!/usr/bin/env bash
# The installed tree is enough: plain cc, pkg-config, CMake; only esp_* is exported; nothing leaks.
set -euo pipefail
prefix="$TEST_TMPDIR/prefix" root="$PWD"
model="$root/tests/golden/data/model_plain" gated="$root/tests/golden/data/model_gated"
runtime/capi/install "$prefix"
tests/capi/speech_file "$TEST_TMPDIR/speech"
cd "$TEST_TMPDIR"
fail() { echo "FAILED: $*"; exit 1; }

exported=$(nm -D --defined-only "$prefix/lib/libespalier.so" | awk '$2 != "A" {print $3}')
declared=$(grep -o '\besp_[a-z0-9_]*(' "$prefix/include/espalier.h" | tr -d '(' | sort -u)
for symbol in $exported; do [[ $symbol == esp_* ]] || fail "$symbol is exported"; done
for symbol in $declared; do
  grep -q "^$symbol\(@.*\)\?$" <<< "$exported" || fail "$symbol is declared but not exported"
done
# Unique symbols (u) are constants of templates, which linkers merge by design.
visible=$(nm -g --defined-only "$prefix/lib/libespalier.a" | awk 'NF == 3 && $2 != "u" {print $3}' |
  grep -v '^esp_' || true)
[[ -z $visible ]] || fail "the archive shows $visible"

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
strict=(-std=c99 -pedantic -Wall -Wextra -Werror)
for program in runtime/capi/examples/{file,live,transcribe} tests/capi/{capi_test,offline_test}; do
  cc "${strict[@]}" "$root/$program.c" -o "$(basename "$program")" $(pkg-config --cflags --libs espalier)
done
cc "${strict[@]}" "$root/tests/capi/capi_test.c" -o capi_test_static $(pkg-config --cflags espalier) \
  "$prefix/lib/libespalier.a" $(pkg-config --static --libs-only-other --libs-only-l espalier | sed 's/-lespalier//')
./capi_test "$model" speech || fail "capi_test"
LD_LIBRARY_PATH= ./capi_test_static "$model" speech || fail "capi_test, statically linked"

./offline_test "$model" "$gated" speech.wav || fail "offline_test"

./file "$model" eng speech.wav > file.out
[[ $(grep -c '^\[' file.out) == 2 ]] || fail "expected two utterances: $(cat file.out)"
./live "$model" eng < speech > live.out 2> live.err
[[ -s live.err ]] || fail "live showed no partial text"
[[ "$(cat live.out)" == "$(sed 's/^\[[^]]*\] //' file.out)" ]] || fail "live and file differ"
./transcribe "$model" eng speech.wav speech.wav > transcribe.out 2> transcribe.err
lines=$(wc -l < transcribe.out)
[[ $lines -ge 2 && $(head -n $((lines / 2)) transcribe.out) == "$(tail -n $((lines / 2)) transcribe.out)" ]] ||
  fail "transcribe: $(cat transcribe.out)"
grep -q "speech.wav: .* s of sound" transcribe.err || fail "transcribe: $(cat transcribe.err)"
status=0; ./transcribe "$model" eng /dev/null > file.out2 2> file.err || status=$?
[[ $status == 1 ]] || fail "transcribe of no audio ended with $status"
status=0; ./file "$model" eng /dev/null 2> file.err || status=$?
[[ $status == 2 ]] || fail "no WAV file ended with $status"

if command -v valgrind > /dev/null; then
  ESPALIER_CPU_ISA=sse4 valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect \
    --error-exitcode=9 ./file "$model" eng speech.wav > valgrind.out || fail "valgrind"
  [[ $(grep -c '^\[' valgrind.out) == 2 ]] || fail "other text under valgrind"
  ESPALIER_CPU_ISA=sse4 valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect \
    --error-exitcode=9 ./offline_test "$model" "$gated" speech.wav || fail "valgrind, offline_test"
  ESPALIER_CPU_ISA=sse4 valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect \
    --error-exitcode=9 ./transcribe "$model" eng speech.wav > valgrind.out 2> valgrind.err || fail "valgrind, transcribe"
  ESPALIER_CPU_ISA=sse4 valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect \
    --error-exitcode=9 ./live "$model" eng < speech > valgrind.out 2> valgrind.err || fail "valgrind, live"
  [[ $(wc -l < valgrind.out) == 2 ]] || fail "live says something else under valgrind"
else
  echo "SKIPPED: no valgrind"
fi
if command -v cmake > /dev/null; then
  mkdir -p cmake && cat > cmake/CMakeLists.txt <<EOF
cmake_minimum_required(VERSION 3.13)
project(app C)
find_package(espalier 0.1 REQUIRED)
add_executable(app $root/runtime/capi/examples/file.c)
target_link_libraries(app espalier::espalier)
EOF
  cmake -S cmake -B cmake/out -DCMAKE_PREFIX_PATH="$prefix" > cmake.log && cmake --build cmake/out >> cmake.log
  ./cmake/out/app "$model" eng speech.wav | cmp - file.out || fail "CMake's program"
else
  echo "SKIPPED: no cmake"
fi
