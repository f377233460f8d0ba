# Sourced: a sound daemon of the test's own whose microphone hears what is written to mic.fifo, 16-bit
# samples at 16 kHz. PortAudio finds it through ALSA's plugin.
for tool in pulseaudio pactl; do
  command -v "$tool" > /dev/null || fail "no $tool: third_party/setup.sh installs it"
done
plug=(module-pipe-source source_name=mic "file=$PWD/mic.fifo" format=s16le rate=16000 channels=1)

start_sound_daemon() {
  export HOME="$PWD"
  XDG_RUNTIME_DIR=$(TMPDIR='' mktemp -d)  # sockets have short names only
  export XDG_RUNTIME_DIR
  printf 'pcm.!default { type pulse }\nctl.!default { type pulse }\n' > .asoundrc
  pulseaudio -n --daemonize=yes --exit-idle-time=-1 -L module-native-protocol-unix -L "${plug[*]}" \
    > pulse.log 2>&1 || { cat pulse.log; fail "the sound daemon does not start"; }
  trap 'pulseaudio --kill; rm -rf "$XDG_RUNTIME_DIR"' EXIT
}
unplug_microphone() { pactl unload-module module-pipe-source; }
plug_microphone() { pactl load-module "${plug[@]}" > pulse.log; }

# wait_for FILE TEXT: until the file has it.
wait_for() {
  for _ in $(seq 300); do grep -qsF -- "$2" "$1" && return; sleep 0.1; done
  fail "no '$2' in $1"
}
