#!/usr/bin/env bash
# The bundled model on a human voice saying what it was not trained on: whole, and with gates closed.
demo="$PWD/models/demo"
source tests/cli/setup.bash
export ESPALIER_MODEL="$demo"

expect 0 "$program" models info --gates pack
has out "budget"

hear() { "$program" transcribe -l en --beam-size 5 --ctc-weight 0.3 --no-timestamps "$@"; }
heard=0
while IFS=: read -r prompt words; do
  sound=$(prompt_sound "$prompt")
  ffmpeg -nostdin -loglevel error -y -f g722 -i "$sound" "$prompt.wav"
  for gates in budget=0 budget=0.3 "$demo/gate_pack_decoder"; do
    expect 0 hear --gates "$gates" "$prompt.wav"
    [[ "$(cat out)" == "$words" ]] || fail "$prompt, $gates"
    heard=$((heard + 1))
  done
done << 'PROMPTS'
confbridge-lock-in:to lock or unlock the conference
vm-advopts:press three for advanced options
vm-tempgreeting:press one to record your temporary greeting
PROMPTS
[[ $heard == 9 ]] || fail "heard $heard times"

expect 0 "$program" gates vm-advopts.wav --gates budget=0.3 --all-contexts
has out "en st_fra"
expect 0 "$program" gates vm-advopts.wav --gates budget=0.3
has out "of 41 gates closed"
