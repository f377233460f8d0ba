#!/usr/bin/env bash
# A real capture device, fed from a file: heard through PortAudio, pulled out and plugged in again.
source tests/cli/setup.bash
"$OLDPWD/tests/capi/speech_file" talk
source "$OLDPWD/tests/cli/sound_daemon.bash"
speak() { python3 "$OLDPWD/tests/cli/speak.py" mic.fifo talk; }
finals() { grep -c '"type":"final"' heard || true; }

start_sound_daemon
expect 0 "$program" devices
has out pulse
expect 2 "$program" live -l eng --microphone no-such-microphone
set -m
"$program" live -l eng --threads 1 --microphone pulse --record heard.wav --json-lines > heard 2> err &
pid=$!
wait_for err "pulse: listening"
speak
for _ in $(seq 100); do [[ $(finals) -ge 2 ]] && break; sleep 0.1; done
[[ $(finals) -ge 2 ]] || fail "heard $(finals) utterances, two were spoken"

unplug_microphone
wait_for err "is gone"
kill -0 "$pid" || fail "it ended when the microphone went away"
before=$(finals)
plug_microphone
wait_for err "listening again"
speak
for _ in $(seq 100); do [[ $(finals) -ge $((before + 2)) ]] && break; sleep 0.1; done
[[ $(finals) -ge $((before + 2)) ]] || fail "deaf after it was plugged in again"

status=0
kill -INT "$pid"
wait "$pid" || status=$?
[[ $status == 0 ]] || fail "Ctrl-C ended it with $status"
tail -1 heard | grep -q '"type":"end"' || fail "the last line is no end"
python3 -c 'import json; [json.loads(line) for line in open("heard")]' || fail "JSON lines"
# What was recorded is what was heard: played as a file it says the same at the start.
python3 -c 'import wave; assert wave.open("heard.wav").getnframes() > 2 * 3.8 * 16000' || fail "the recording"
