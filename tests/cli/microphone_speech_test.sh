#!/usr/bin/env bash
# Real speech through a microphone that is pulled out half way: as many words as offline, within a point.
if [[ -z "${ESPALIER_WHISPER_FOLDER:-}" ]]; then
  echo "SKIPPED: ESPALIER_WHISPER_FOLDER names no Whisper folder"
  exit 0
fi
source tests/cli/setup.bash
tools="$OLDPWD/tests/cli"
source "$tools/sound_daemon.bash"
export ESPALIER_MODEL="$ESPALIER_WHISPER_FOLDER"

# Two halves of prompts with 1.2 s of silence behind each.
: > half1 && : > half2
while read -r name text; do
  prompt=$(prompt_sound "$name")
  part=half$(($(stat -c %s half1) > 600000 ? 2 : 1))
  { ffmpeg -nostdin -v error -f g722 -i "$prompt" -ar 16000 -ac 1 -f s16le -; head -c 38400 /dev/zero; } >> $part
  echo "$text" >> said
done < "$tools/spoken_prompts.txt"
cat half1 half2 | ffmpeg -v error -f s16le -ar 16000 -ac 1 -i - all.wav
expect 0 "$program" transcribe -l en --no-timestamps all.wav
cp out offline

start_sound_daemon
set -m
"$program" live -l en --record heard.wav > live 2> err &
pid=$!
wait_for err ": listening"
python3 "$tools/speak.py" mic.fifo half1
unplug_microphone
wait_for err "is gone"
plug_microphone
wait_for err "listening again"
python3 "$tools/speak.py" mic.fifo half2
sleep 2
kill -INT "$pid"
wait "$pid" || fail "Ctrl-C ended it with $?"
python3 "$tools/word_errors.py" said offline live || fail "heard live: $(cat live)"
