#!/usr/bin/env bash
# Live on a terminal of its own.
source tests/cli/setup.bash
"$OLDPWD/tests/capi/speech_file" talk
python3 "$OLDPWD/tests/cli/live_terminal.py" "$program" talk.wav
