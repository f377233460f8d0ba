#!/usr/bin/env bash
# The verbs beside transcribe.
source tests/cli/setup.bash
gated="$golden/model_gated"

expect 0 "$program" devices
has out "cpu"
expect 0 "$program" devices --json
python3 -c 'import json; assert json.load(open("out"))["devices"][0]["id"] == "cpu"'

expect 0 "$program" models info -m "$gated"
has out "owsm"
expect 0 "$program" models info "$gated" --json
python3 - <<'END'
import json
info = json.load(open("out"))
assert info["family"] == "owsm" and info["gates"]["predictor"] and info["precision"] == "f32", info
END
expect 2 "$program" models
expect 3 "$program" models info nowhere

expect 0 "$program" quantize "$golden/model_plain" --to int8 -o small
has out "tensors as int8"
expect 0 "$program" models info small
has out "i8"
expect 0 transcribe -m small --no-timestamps speech.wav
expect 2 "$program" quantize "$golden/model_plain" --to int8 -o small
expect 2 "$program" quantize "$golden/model_plain" --to int3 -o smaller
expect 3 "$program" quantize nowhere --to int8 -o smaller

expect 0 "$program" doctor
has out "model_plain"
expect 3 "$program" doctor -m nowhere
has out "failed"

expect 0 "$program" gates -m "$gated" -l deu speech.wav --svg gates.svg --json-out gates.json
has out "closed"
has gates.svg "<svg"
expect 0 transcribe -m "$gated" --gates gates.json speech.wav
expect 2 transcribe --gates notes.txt speech.wav

expect 0 "$program" dump -l eng --task asr --ids 76,5,7,10 --out d.safetensors --nbest n.json speech.wav
python3 -c 'import json; assert json.load(open("n.json"))["hyps"][0]["nbest"][0]["yseq"][0] == 76'
[[ -s d.safetensors ]] || fail "no tensors"
expect 2 "$program" dump speech.wav
expect 2 "$program" dump --ids 99999 --out d.safetensors speech.wav

expect 0 "$program" bench --seconds 2.4 --runs 2 -l eng --json
python3 -c 'import json; b = json.load(open("out")); assert b["total_s"] > 0 < b["peak_rss_mb"], b'
