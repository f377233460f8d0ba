#!/usr/bin/env bash
# 0 done, 2 bad option, 3 model, 4 capability, 5 output not written (1: batch_test, 130: signal_test).
source tests/cli/setup.bash

expect 0 "$program" --version
has out "espalier "
expect 0 "$program" --help
expect 0 "$program" transcribe --help
has out "--beam-size"
expect 2 "$program"
expect 2 "$program" sing
expect 2 "$program" transcribe
expect 2 transcribe --nonsense speech.wav
expect 2 transcribe --beam-size 0 speech.wav
expect 2 transcribe --temperature nan speech.wav
expect 2 transcribe -f docx speech.wav
expect 2 transcribe --task sing speech.wav
expect 2 transcribe --gates nothing.json speech.wav

expect 3 transcribe -m nowhere speech.wav
has err "nowhere"
expect 3 env -u ESPALIER_MODEL "$program" transcribe speech.wav
has err "ESPALIER_MODEL"
mkdir broken
cp "$ESPALIER_MODEL"/* broken && chmod u+w broken/*
truncate -s 1000 broken/model.safetensors
expect 3 transcribe -m broken speech.wav

expect 4 transcribe -l klingon speech.wav
expect 4 transcribe --device vulkan:99 speech.wav
expect 4 transcribe --temperature 0.5 speech.wav # OWSM has no ladder
has err "--temperature"

expect 5 transcribe -o no/such/folder/x.txt speech.wav
expect 5 transcribe --output-dir speech.wav/x speech.wav
expect 5 bash -c "'$program' transcribe -l eng speech.wav > /dev/full"
expect 5 bash -c "'$program' transcribe -l eng speech.wav >&-"
expect 5 bash -c "'$program' devices >&-"
expect 5 transcribe -o /dev/full speech.wav
