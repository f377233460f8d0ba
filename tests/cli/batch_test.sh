#!/usr/bin/env bash
# Several files: one bad file does not stop the others; folders hold more than audio.
source tests/cli/setup.bash

expect 1 transcribe --output-dir out1 speech.wav nan.wav telephone.wav
has err "nan.wav"
has err "1 of 3 inputs failed"
[[ "$(ls out1)" == "speech.txt"$'\n'"telephone.txt" ]] || fail "not the two good ones"

mkdir folder folder/below
cp speech.wav telephone.wav notes.txt folder
cp speech.wav folder/.hidden.wav
expect 0 transcribe --output-dir out2 folder
has err "skipped, no audio: folder/notes.txt"
has err "skipped folder/below"
[[ "$(ls out2)" == "speech.txt"$'\n'"telephone.txt" ]] || fail "not the two good ones"
cmp out1/speech.txt out2/speech.txt # alone or in a batch

# At once as one after the other, words, order and failures.
expect 1 transcribe telephone.wav nan.wav speech.wav notes.txt
cp out serial_out; cp err serial_err
for options in "--jobs 2" "--jobs 3 -t 2"; do
  expect 1 transcribe $options telephone.wav nan.wav speech.wav notes.txt
  cmp out serial_out; cmp err serial_err
done
expect 0 transcribe --jobs 2 --output-dir out5 folder
cmp out1/speech.txt out5/speech.txt
cmp out1/telephone.txt out5/telephone.txt
expect 2 transcribe --jobs 0 speech.wav

cp text.wav folder # called like audio: a failure
expect 1 transcribe --output-dir out3 folder
has err "folder/text.wav"

expect 0 transcribe folder/speech.wav speech.wav
has err "[2/2] speech.wav"
[[ "$(cat out)" == "$(cat out1/speech.txt out1/speech.txt)" ]] || fail "not both texts"
expect 2 transcribe --output-dir out4 folder/speech.wav speech.wav
has err "same name"
[[ ! -e out4 ]] || fail "began before it was planned"

mkdir nothing
expect 2 transcribe nothing
expect 1 transcribe nan.wav text.wav
expect 4 transcribe -l xyz speech.wav telephone.wav
[[ "$(wc -l < err)" -le 2 ]] || fail "an error of every file said for each"
