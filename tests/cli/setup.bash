# Sourced by every script: a working folder with audio (make_audio.py), the program, and `expect`.
set -euo pipefail
golden="$PWD/tests/golden/data"
program="$PWD/apps/espalier"
maker="$PWD/tests/cli/make_audio.py"
export ESPALIER_MODEL="$golden/model_plain"
cd "$TEST_TMPDIR"
python3 "$maker" "$golden/plain/case0_eng_asr.safetensors"

fail() {
  echo "FAILED: $*"
  echo "--- standard output"; cat out || true
  echo "--- standard error"; cat err || true
  exit 1
}

# expect STATUS COMMAND...: runs it with its output in the files `out` and `err`.
expect() {
  local wanted=$1 status=0
  shift
  "$@" > out 2> err || status=$?
  [[ $status == "$wanted" ]] || fail "$* ended with $status, expected $wanted"
}

# has FILE TEXT: the file contains the text.
has() { grep -qF -- "$2" "$1" || fail "no '$2' in $1"; }

# prompt_sound ID: the file of an English telephone prompt, G.722.
prompt_sound() {
  local found
  found=$(find /usr/share/asterisk/sounds -path '*en_US*' -name "$1.g722" | head -n 1)
  [[ -n "$found" ]] || fail "no $1: third_party/setup.sh installs asterisk-core-sounds-en-g722" >&2
  echo "$found"
}

transcribe() { "$program" transcribe -l eng --threads 1 "$@"; }
