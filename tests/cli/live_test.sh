#!/usr/bin/env bash
# Live sessions on files: text, JSON lines, documents, recordings, silence, Ctrl-C.
source tests/cli/setup.bash
"$OLDPWD/tests/capi/speech_file" talk
live() { "$program" live -l eng --threads 1 "$@"; }

expect 0 live --fast talk.wav
[[ $(wc -l < out) == 2 ]] || fail "expected two utterances"
[[ ! -s err ]] || fail "something was said about it"
cp out text
expect 0 live --fast --json-lines -o talk.srt --record copy.wav - < talk.wav
cp out lines
python3 "$OLDPWD/tests/cli/check_live.py" lines text || fail "JSON lines"
[[ $(grep -c -- '-->' talk.srt) -ge 2 ]] || fail "no cues in talk.srt"
expect 0 live --fast copy.wav
cmp -s out text || fail "the recording says something else"
expect 5 live --fast --record copy.wav talk.wav
cp talk.wav own.wav
expect 2 live --fast --record own.wav --force own.wav
has err "would replace an input"
cmp -s own.wav talk.wav || fail "its own input was recorded over"
expect 0 live --fast -f tsv talk.wav
[[ $(wc -l < out) == 3 ]] || fail "expected a head and two utterances"
expect 2 live --fast --json-lines -f srt talk.wav

# As fast as it would be spoken, and no faster; a pipe as fast as it comes.
started=$(date +%s%N)
expect 0 live talk.wav
(($(date +%s%N) - started > 3500000000)) || fail "3.8 s were played in less"
[[ $(wc -l < out) -ge 2 ]] || fail "utterances are missing"
expect 0 live - < <(sleep 0.5; cat talk)
[[ $(wc -l < out) -ge 2 ]] || fail "utterances of a pipe are missing"

expect 0 live --fast silence.wav
[[ ! -s out ]] || fail "text from silence"
expect 0 live --fast --no-vad --policy local-agreement speech.wav
[[ -s out ]] || fail "no text without the detector"
expect 4 live -l Klingon --fast talk.wav
expect 2 live --fast
expect 2 live --fast --end-silence-ms 30 talk.wav
expect 3 "$program" live --fast -m nowhere talk.wav
