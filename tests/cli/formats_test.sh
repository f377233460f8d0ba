#!/usr/bin/env bash
# Every format to files; names, existing files, valid JSON.
source tests/cli/setup.bash
formats="txt srt vtt json tsv csv lrc jsonl"

expect 0 transcribe -f all --output-dir results speech.wav
[[ ! -s out ]] || fail "files were asked for"
for format in $formats; do
  [[ -s results/speech.$format ]] || fail "no speech.$format"
done
[[ "$(ls results | wc -l)" == 8 ]] || fail "more than the results: $(ls results)"
has results/speech.srt "1"$'\n'
has results/speech.srt " --> "
[[ "$(head -n 1 results/speech.vtt)" == WEBVTT ]] || fail "no header"
[[ "$(stat -c %a results/speech.txt)" == 644 ]] || fail "not readable by all"
python3 - <<'END'
import json
document = json.load(open("results/speech.json"))
assert set(document) >= {"task", "language", "duration", "text", "segments", "runtime", "timings"}
assert document["runtime"]["model"] == "model_plain" and document["language"] == "en"
events = [json.loads(line) for line in open("results/speech.jsonl")]
assert [e["type"] for e in events] == ["final"] * (len(events) - 1) + ["end"]
assert len(document["segments"]) == len(events) - 1
END

# Words have times where they are asked for, and are the text.
expect 0 transcribe -f json,jsonl,srt --word-timestamps --output-dir words speech.wav
python3 - <<'END'
import json
plain = json.load(open("results/speech.json"))
document = json.load(open("words/speech.json"))
assert "words" not in plain and document["text"] == plain["text"]
words = document["words"]
assert "".join(w["word"] for w in words).replace(" ", "") == plain["text"].replace(" ", "")
ends = [0.0] + [w["end"] for w in words]
for before, word in zip(ends, words):
    assert before <= word["start"] <= word["end"] <= document["duration"], word
    assert 0 < word["probability"] <= 1, word
events = [json.loads(line) for line in open("words/speech.jsonl")][:-1]
assert [w for e in events for w in e["words"]] == words
END

# Standard output streams the same bytes; -o takes its format from the suffix.
expect 0 transcribe -f srt speech.wav
cmp out results/speech.srt
expect 0 transcribe -o one.vtt speech.wav
cmp one.vtt results/speech.vtt

# Nothing is replaced unasked.
expect 5 transcribe -o one.vtt speech.wav
has err "--force"
expect 0 transcribe --force -o one.vtt speech.wav
expect 2 transcribe --force -o speech.wav speech.wav
