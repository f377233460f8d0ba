#!/usr/bin/env bash
# Sets the machine up, builds the program and transcribes real human speech.
#   apps/demo.sh [MODEL_FOLDER [AUDIO_FILE]]
# The model: the folder named, else $ESPALIER_MODEL, else the bundled one (models/demo). The audio: the
# file named, else a telephone prompt that the bundled model was not trained on, from Debian's package
# asterisk-core-sounds-en-g722 (a human speaker; CC BY-SA 3.0).
set -euo pipefail
cd "$(dirname "$0")/.."

bundled=models/demo
model="${1:-${ESPALIER_MODEL:-$bundled}}"
options=()
if [[ "$model" == "$bundled" ]]; then
  options=(--beam-size 5 --ctc-weight 0.3 --no-timestamps) # what its card was measured with
fi
if [[ ! -e "$model/config.json" ]]; then
  echo "demo: no model at $model: name a model folder, or none for the bundled one" >&2
  exit 3
fi
third_party/setup.sh --no-fuzz
bazel build //apps:espalier
audio="${2:-}"
if [[ -z "$audio" ]]; then
  audio=$(mktemp --suffix=.wav)
  trap 'rm -f "$audio"' EXIT
  prompt=$(find /usr/share/asterisk/sounds -path '*en_US*' -name vm-tempgreeting.g722 | head -n 1)
  ffmpeg -nostdin -loglevel error -y -f g722 -i "$prompt" "$audio"
fi
bazel-bin/apps/espalier transcribe -m "$model" -l en --timings "${options[@]}" "$audio"
