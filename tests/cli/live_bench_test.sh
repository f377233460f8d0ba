#!/usr/bin/env bash
# bench live: both policies, every figure, SimulStreaming's lines.
source tests/cli/setup.bash
"$OLDPWD/tests/capi/speech_file" talk
bench() { "$program" bench live -l eng --threads 1 "$@"; }

expect 0 bench talk.wav
has out "word delay, with computation"
has out "committed text changed 0 times"
sed -n 's/^alignatt: //p' out > said
expect 0 bench --json --policy both --reference said talk.wav
python3 - <<'EOP' || fail "figures"
import json
report = json.load(open("out"))
by_policy = {p["policy"]: p for p in report["policies"]}
assert set(by_policy) == {"alignatt", "local-agreement"}
for figures in by_policy.values():
    assert figures["committed_text_changed"] == 0 and figures["utterances"] == 2
    aware, unaware = figures["word_delay_aware"], figures["word_delay_unaware"]
    assert aware["count"] == unaware["count"] == figures["words"] > 0
    assert aware["mean_s"] >= unaware["mean_s"] and aware["p95_s"] >= aware["p50_s"]
    assert len(figures["lag_over_time_s"]) >= 3
assert by_policy["alignatt"]["word_error_rate"] == 0
assert report["peak_rss_mb"] > 1
EOP

expect 0 bench --simul-lines lines talk.wav
sed -n 's/^alignatt: //p' out > said
python3 - <<'EOP' || fail "SimulStreaming's lines"
import json
lines = [json.loads(line) for line in open("lines")]
assert "".join(line["text"] for line in lines) == open("said").read().rstrip("\n")
assert sum(line["is_final"] for line in lines) == 2
for line in lines:
    assert "".join(word["text"] for word in line["words"]) == line["text"]
    assert line["emission_time"] >= line["emission_time_unaware"] >= 0
    assert line["start"] <= line["end"]
assert lines == sorted(lines, key=lambda line: line["emission_time"])
EOP
expect 2 bench --policy both --simul-lines lines talk.wav
expect 2 bench --policy guesswork talk.wav
