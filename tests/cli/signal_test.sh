#!/usr/bin/env bash
# Interrupted: status 130 and no part of a file. A pipe that nobody reads: status 5.
source tests/cli/setup.bash
set -m # jobs of their own process groups do not ignore SIGINT

# interrupted SIGNAL ARGUMENTS...: sends it in the middle of long.wav.
interrupted() {
  local signal=$1 status=0
  shift
  : > err
  "$program" transcribe -l eng --threads 1 --verbose "$@" > out 2>> err &
  local pid=$!
  until grep -q long.wav err; do sleep 0.05; done # decoding has begun
  kill -"$signal" "$pid"
  wait "$pid" || status=$?
  [[ $status == 130 ]] || fail "SIG$signal $*: status $status"
  has err interrupted
}

interrupted INT long.wav
interrupted TERM long.wav
interrupted INT --output-dir results -f all long.wav
[[ -z "$(ls -A results)" ]] || fail "left behind: $(ls -A results)"

# A read that never ends: the process ends soon after.
mkfifo silent
sleep 30 > silent &
sleeper=$!
status=0
"$program" transcribe -l eng - < silent > out 2> err &
sleep 1
kill -INT $!
wait $! || status=$?
kill "$sleeper"
[[ $status == 130 ]] || fail "blocked on standard input: status $status"

status=$("$program" transcribe -l eng long.wav 2> err | head -n 1 > out; echo "${PIPESTATUS[0]}")
[[ $status == 5 ]] || fail "closed pipe: status $status"
has err "standard output"
