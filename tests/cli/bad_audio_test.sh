#!/usr/bin/env bash
# What is not whole audio: one clear line and the right exit status.
source tests/cli/setup.bash

for bad in empty.wav text.wav nan.wav missing.wav; do
  expect 2 transcribe "$bad"
  has err "$bad"
  [[ "$(wc -l < err)" == 1 ]] || fail "more than one line about $bad"
  [[ ! -s out ]] || fail "text from $bad"
  expect 2 transcribe -o "$bad.txt" "$bad"
  [[ ! -e "$bad.txt" ]] || fail "a result of $bad"
done

expect 0 transcribe truncated.wav
has err "warning: truncated.wav"
expect 0 transcribe --quiet truncated.wav
has err "warning: truncated.wav" # never silent
expect 2 transcribe - < /dev/null
has err "standard input"

# An error as one JSON object.
expect 2 transcribe --json nan.wav
python3 - <<'END'
import json
error = json.load(open("err"))["error"]
assert error["type"] == "invalid_argument" and error["code"] == 2, error
assert "nan.wav" in error["message"], error
END
expect 2 transcribe --json --beam-size x speech.wav
python3 -c 'import json; assert json.load(open("err"))["error"]["code"] == 2'
