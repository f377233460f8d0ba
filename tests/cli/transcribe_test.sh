#!/usr/bin/env bash
# The golden utterance comes out as ESPnet heard it, from every source.
source tests/cli/setup.bash
text="ellumum umri umri" # case0_eng_asr.json, greedy

expect 0 transcribe --no-timestamps speech.wav
[[ "$(cat out)" == "$text" ]] || fail "another text"
[[ ! -s err ]] || fail "something was said about it"
expect 0 transcribe --no-timestamps - < speech.wav
[[ "$(cat out)" == "$text" ]] || fail "another text from standard input"
expect 0 transcribe --no-timestamps - < <(cat speech.raw)
[[ "$(cat out)" == "$text" ]] || fail "another text from raw samples"
expect 0 transcribe --no-timestamps stereo.wav
[[ "$(cat out)" == "$text" ]] || fail "another text at 44.1 kHz, stereo"
expect 0 transcribe --no-timestamps telephone.wav
[[ -s out ]] || fail "no text at 8 kHz"
expect 0 transcribe --no-timestamps --raw-sample-rate 44100 --raw-channels 2 - \
  < <(tail -c +45 stereo.wav)
[[ "$(cat out)" == "$text" ]] || fail "another text from raw stereo"

# Joint decoding, and what it excludes.
expect 0 transcribe --no-timestamps --beam-size 5 --ctc-weight 0.3 speech.wav
expect 2 transcribe --ctc-weight 0.3 speech.wav
has err "--no-timestamps"

# Time limits, timings, threads.
expect 0 transcribe --offset-ms 1000 --duration-ms 1000 --timings -f json speech.wav
python3 -c 'import json; assert json.load(open("out"))["duration"] == 2.0'
has err "real time"
expect 0 transcribe --json --timings speech.wav
has err '{"timings":{'

# Silence may be misheard by a toy model; too short is no speech for any.
for short in nosamples.wav onesample.wav; do
  expect 0 transcribe "$short"
  [[ ! -s out ]] || fail "text from $short"
done
