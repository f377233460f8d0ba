#!/usr/bin/env bash
# Without the CUDA library: one line and an exit status; the prediction needs no device.
source tests/cli/setup.bash
export ESPALIER_CUDA_LIBRARY=/there/is/none/libespalier_cuda.so

expect 0 "$program" devices --json
python3 - <<'END'
import json
cuda = [d for d in json.load(open("out"))["devices"] if d["id"].startswith("cuda")]
assert len(cuda) == 1 and "libespalier_cuda.so" in cuda[0]["refusal"], cuda
END
expect 4 transcribe --device cuda:0 speech.wav
has err "the CUDA library cannot be opened"
expect 0 transcribe --device auto --no-timestamps --duration-ms 1000 speech.wav

expect 0 "$program" profile --device cuda:0 --predict
has out "on a40 at its limits"
has out "30 % of the modules closed"
expect 0 "$program" profile --device cuda:0 --predict --json --tokens 10
python3 - <<'END'
import json
table = json.load(open("out"))
dense, gated = table["dense"], table["gated"]
assert gated["window_s"] < dense["window_s"] and gated["step"]["seconds"] < dense["step"]["seconds"]
assert abs(dense["sum_s"] - dense["window_s"] - 10 * dense["step"]["seconds"]) < 1e-9
END
expect 2 "$program" profile --predict
has err "cuda:0"
expect 2 "$program" profile --device cuda:0 --predict --hardware z80
