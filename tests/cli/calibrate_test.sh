#!/usr/bin/env bash
# calibrate: heads of the bundled model that look where words are said, written into a folder of it.
demo="$PWD/models/demo"
source tests/cli/setup.bash
cp -rL "$demo" model && chmod -R u+w model
python3 - <<'EOP'
import json
config = json.load(open("model/config.json"))
del config["alignment_heads"]
json.dump(config, open("model/config.json", "w"), indent=1)
EOP
export ESPALIER_MODEL="$PWD/model"
clips=()
for prompt in vm-toreply vm-toforward vm-undelete vm-review-urgent vm-prev vm-tempgreeting; do
  sound=$(prompt_sound "$prompt")
  ffmpeg -nostdin -v error -f g722 -i "$sound" -ar 16000 -ac 1 "$prompt.wav"
  clips+=("$prompt.wav")
done

cp model/config.json before
expect 0 "$program" calibrate -l en "${clips[@]}"
has out "chosen:"
cmp -s before model/config.json || fail "the model changed unasked"
expect 0 "$program" calibrate -l en --json --save "${clips[@]}"
python3 - <<'EOP' || fail "what was chosen"
import json
report = json.load(open("out"))
before, after = json.load(open("before")), json.load(open("model/config.json"))
assert after.pop("alignment_heads") == report["chosen"] and after == before
assert len(report["heads"]) == 12 and report["clips"] == 6 and report["tokens"] > 40
# Less than a syllable, and nearer than what is taken where nobody knows.
assert report["chosen_ms"] < 140 and report["chosen_ms"] < report["present_ms"]
EOP
expect 0 "$program" live --fast -l en vm-toreply.wav
has out "press one to send a reply"

expect 2 "$program" calibrate -l en silence.wav
has err "clear speech"
expect 2 "$program" calibrate -l en nowhere.wav
expect 3 "$program" calibrate -m nowhere vm-toreply.wav
expect 4 "$program" calibrate -l Klingon vm-toreply.wav
