#!/usr/bin/env bash
# Music on hold, hum and noise say nothing to a live session, whatever language it listens for.
if [[ -z "${ESPALIER_WHISPER_FOLDER:-}" ]]; then
  echo "SKIPPED: ESPALIER_WHISPER_FOLDER names no Whisper folder"
  exit 0
fi
source tests/cli/setup.bash
export ESPALIER_MODEL="$ESPALIER_WHISPER_FOLDER"

pieces=(/usr/share/asterisk/moh/*.g722)
[[ -e "${pieces[0]}" ]] || fail "no music: third_party/setup.sh installs asterisk-moh-opsound-g722"
for piece in "${pieces[@]}"; do
  ffmpeg -nostdin -v error -t 60 -f g722 -i "$piece" -ar 16000 -ac 1 "$(basename "$piece").wav"
done
ffmpeg -v error -f lavfi -i "anoisesrc=r=16000:c=white:a=0.1:d=20:seed=1" white.wav
ffmpeg -v error -f lavfi -i "anoisesrc=r=16000:c=pink:a=0.3:d=20:seed=1" pink.wav
ffmpeg -v error -f lavfi -i "aevalsrc=0.2*sin(314*t)+0.05*sin(942*t):s=16000:d=20" hum.wav
for sound in *.g722.wav white.wav pink.wav hum.wav silence.wav; do
  for language in en auto; do
    expect 0 "$program" live --fast -l "$language" "$sound"
    [[ ! -s out ]] || fail "$sound, $language: text"
  done
done
