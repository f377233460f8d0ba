#!/usr/bin/env bash
# Ctrl-C while a file is played: what was said last is decoded, recorded and written.
source tests/cli/setup.bash
"$OLDPWD/tests/capi/speech_file" talk

set -m
status=0
"$program" live -l eng --threads 1 --record cut.wav --output-dir results -f txt,jsonl talk.wav \
  > out 2> err &
pid=$!
until [[ -s cut.wav ]]; do kill -0 "$pid" || fail "it did not begin"; sleep 0.1; done
sleep 2
kill -INT "$pid"
wait "$pid" || status=$?
[[ $status == 130 ]] || fail "interrupted: status $status"
[[ -s out ]] || fail "the text is lost"
cmp out results/talk.txt || fail "the document says something else"
tail -1 results/talk.jsonl | grep -q '"type":"end"' || fail "the document has no end"
python3 - <<'EOP' || fail "the recording"
import wave
with wave.open("cut.wav") as cut, wave.open("talk.wav") as talk:
    heard = cut.readframes(cut.getnframes())
    assert 1.0 < cut.getnframes() / 16000 < 3.7, cut.getnframes()
    said = talk.readframes(cut.getnframes())
    assert max(abs(a - b) for a, b in zip(heard[1::2], said[1::2])) <= 1
EOP

# A process that is killed leaves a recording that can be played.
"$program" live -l eng --threads 1 --record killed.wav talk.wav > out 2> err &
pid=$!
until [[ $(stat -c %s killed.wav 2> stat.err || echo 0) -gt 70000 ]]; do
  kill -0 "$pid" || fail "it ended by itself"; sleep 0.1
done
kill -KILL "$pid"
wait "$pid" || true
python3 -c 'import wave; assert wave.open("killed.wav").getnframes() >= 32000'
