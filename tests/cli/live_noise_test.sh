#!/usr/bin/env bash
# The bundled model, live: noise and hum say nothing even where no detector keeps them away, because its
# CTC hears blanks; sentences with rests between them are heard one by one.
demo="$PWD/models/demo"
source tests/cli/setup.bash
export ESPALIER_MODEL="$demo"
ffmpeg -v error -f lavfi -i "anoisesrc=r=16000:c=white:a=0.1:d=6:seed=1" white.wav
ffmpeg -v error -f lavfi -i "anoisesrc=r=16000:c=pink:a=0.3:d=6:seed=1" pink.wav
ffmpeg -v error -f lavfi -i "aevalsrc=0.2*sin(314*t)+0.05*sin(942*t):s=16000:d=6" hum.wav
for sound in white hum silence; do
  expect 0 "$program" live --fast --no-vad -l en "$sound.wav"
  [[ ! -s out ]] || fail "$sound: text"
done
expect 0 "$program" live --fast -l en pink.wav
[[ ! -s out ]] || fail "pink noise: text"

for prompt in vm-tempgreeting vm-undelete vm-toreply; do
  sound=$(prompt_sound "$prompt")
  ffmpeg -nostdin -v error -f g722 -i "$sound" -ar 16000 -ac 1 -f s16le -
  head -c 32000 /dev/zero
done > talk
expect 0 "$program" live --fast -l en - < talk
cat > said << 'TEXT'
press one to record your temporary greeting
press seven to undelete this message
press one to send a reply
TEXT
cmp out said || fail "three sentences"
