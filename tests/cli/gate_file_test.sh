#!/usr/bin/env bash
# Gates fixed per context in a file; what modules cost, what that predicts, what is measured.
source tests/cli/setup.bash
python3 "${maker%audio.py}pack.py" "$golden/model_plain" tiny

expect 0 "$program" gates --gates tiny -l eng --save contexts.json speech.wav
expect 0 "$program" gates --gates tiny -l eng --task st:jpn --save contexts.json speech.wav
expect 0 transcribe --gates contexts.json --timings speech.wav
has err "2 of 14 closed"
expect 0 transcribe --gates contexts.json --task st:jpn --timings speech.wav
has err "1 of 14 closed"
expect 4 transcribe --gates contexts.json -l deu speech.wav
has err "the gate file has no gates for de, asr"

expect 0 "$program" gates --gates tiny --all-contexts --svg map.svg --json-out map.json speech.wav
has out "of gates alike"
has map.svg "<svg"
expect 0 transcribe -l deu --gates map.json --timings speech.wav # by the row "other"
has err "2 of 14 closed"
expect 4 "$program" gates --all-contexts speech.wav

expect 0 "$program" profile --rounds 1 --gates tiny --out costs.json
has out "feed_forward_macaron"
expect 0 "$program" gates --gates tiny -l eng --costs costs.json speech.wav
has out "decoder step, predicted"
expect 0 "$program" bench --runs 1 -l eng --gates tiny --compare all --costs costs.json speech.wav
has out "against --gates all"
expect 0 "$program" bench --runs 1 -l eng --gates tiny --compare all --json speech.wav
python3 -c '
import json
run = json.load(open("out"))
assert run["text"] and run["timings"]["decoder_multiply_adds"] > 0, run
'
python3 -c 'import json; v = json.load(open("out"))["variants"]; assert v[1]["gates"] == "all", v
assert [variant["closed_gates"] for variant in v] == [2, 0], v  # each its own, none a sum of both'
expect 2 "$program" gates --costs map.json speech.wav
