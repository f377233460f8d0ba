#!/usr/bin/env bash
# Sets the machine up, builds the program and transcribes real human speech.
#   apps/demo.sh [MODEL_FOLDER [AUDIO_FILE]]
# The model: the folder named, else $ESPALIER_MODEL, else ../shared/models/whisper-base beside the
# repository. The audio: the file named, else ../shared/audio/jfk.wav, else a prompt from Debian's
# package asterisk-core-sounds-en-g722 (a human speaker; CC BY-SA 3.0).
set -euo pipefail
cd "$(dirname "$0")/.."

model="${1:-${ESPALIER_MODEL:-../shared/models/whisper-base}}"
audio="${2:-../shared/audio/jfk.wav}"
if [[ ! -e "$model/config.json" ]]; then
  echo "demo: no model at $model; get one with: pip install huggingface_hub && hf download openai/whisper-base --local-dir whisper-base, then: apps/demo.sh whisper-base" >&2
  exit 3
fi
third_party/setup.sh --no-fuzz
bazel build //apps:espalier
if [[ ! -e "$audio" ]]; then
  audio=$(mktemp --suffix=.wav)
  trap 'rm -f "$audio"' EXIT
  prompt=$(find /usr/share/asterisk/sounds -name 'basic-pbx-ivr-main.g722' | head -n 1)
  ffmpeg -nostdin -loglevel error -y -f g722 -i "$prompt" "$audio"
fi
bazel-bin/apps/espalier transcribe -m "$model" -l en --timings "$audio"
