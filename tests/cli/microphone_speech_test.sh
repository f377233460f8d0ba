#!/usr/bin/env bash
# Real speech through a microphone that is pulled out half way: as many words as offline, within a point.
# The bundled model always, Whisper where ESPALIER_WHISPER_FOLDER names one.
demo="$PWD/models/demo"
source tests/cli/setup.bash
tools="$OLDPWD/tests/cli"
source "$tools/sound_daemon.bash"
start_sound_daemon
set -m

# hear MODEL PROMPTS: live what the offline decoder hears prompt by prompt.
hear() {
  local pid part sound name text sounds=()
  export ESPALIER_MODEL=$1
  : > said && : > half1 && : > half2
  while read -r name text; do
    sound=$(prompt_sound "$name")
    ffmpeg -nostdin -v error -y -f g722 -i "$sound" -ar 16000 -ac 1 "$name.wav"
    sounds+=("$name.wav")
    part=half$(($(stat -c %s half1) > 600000 ? 2 : 1))
    # 1.2 s of silence behind each.
    { ffmpeg -nostdin -v error -i "$name.wav" -f s16le -; head -c 38400 /dev/zero; } >> $part
    echo "$text" >> said
  done < "$2"
  expect 0 "$program" transcribe -l en --no-timestamps "${sounds[@]}"
  mv out offline

  "$program" live -l en --record heard.wav --force > live 2> err &
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
}
hear "$demo" "$tools/prompts_demo.txt"
if [[ -z "${ESPALIER_WHISPER_FOLDER:-}" ]]; then
  echo "SKIPPED: Whisper, ESPALIER_WHISPER_FOLDER names no folder"
  exit 0
fi
hear "$ESPALIER_WHISPER_FOLDER" "$tools/prompts_whisper.txt"
