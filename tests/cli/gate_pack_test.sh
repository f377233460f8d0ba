#!/usr/bin/env bash
# A gate pack, from a word on the command line to fewer modules.
source tests/cli/setup.bash
python3 "${maker%audio.py}pack.py" "$golden/model_plain" tiny

expect 0 "$program" models info tiny
has out "tests/plain"
has out "budgets"
expect 0 "$program" models info --gates tiny
has out "budget 0.3"

expect 0 "$program" gates --gates tiny -l eng speech.wav
has out "2 of 14 gates closed"
has out "weights touched"
expect 0 "$program" gates --gates tiny -l eng --task st:jpn speech.wav
has out "1 of 14 gates closed"
expect 0 "$program" gates --gates tiny,budget=0 -l eng speech.wav
has out "0 of 14 gates closed"

expect 0 transcribe --no-timestamps --gates all speech.wav
cp out dense.txt
expect 0 transcribe --no-timestamps --gates tiny,all speech.wav
cmp out dense.txt # the pack adds nothing but zeros
expect 0 transcribe --no-timestamps --gates tiny --timings speech.wav
has err "2 of 14 closed"
expect 2 transcribe --gates tiny,budget=0.7 speech.wav
has err "this gate pack has 0 0.3"
expect 3 transcribe -m "$golden/model_gated" --gates tiny speech.wav
has err "fingerprint"

# A smaller copy takes the pack in: its predictors come along, made for the copy.
expect 0 "$program" quantize "$golden/model_plain" --to f16 --gates tiny -o merged
expect 0 "$program" gates -m merged -l eng speech.wav
has out "2 of 14 gates closed"
expect 3 transcribe -m merged --gates tiny speech.wav
has err "fingerprint"
expect 0 "$program" quantize "$golden/model_plain" --to int8 -o small
expect 0 transcribe -m small --gates tiny,all --no-timestamps speech.wav # changes of what is no integer
expect 3 "$program" quantize "$golden/model_gated" --to int8 --gates tiny -o wrong
test ! -e wrong
