#!/usr/bin/env bash
# The first Vulkan device says the same words as the CPU, and --timings what it did.
source tests/cli/setup.bash
export LP_NUM_THREADS=0 ESPALIER_VULKAN_VALIDATION=1

expect 0 "$program" devices --json
cp out devices.json
if ! python3 - <<'END'
import json
devices = {d["id"]: d for d in json.load(open("out"))["devices"]}
vulkan = [d for d in devices.values() if d["id"].startswith("vulkan")]
assert vulkan, "devices always says something about Vulkan"
for d in vulkan:
    print(d["id"], d["name"], d["refusal"] or d["uuid"])
    assert d["refusal"] or len(d["uuid"]) == 32, d
raise SystemExit(bool(devices.get("vulkan:0", {"refusal": "no device"})["refusal"]))
END
then
  expect 4 transcribe --device vulkan:0 speech.wav
  echo "no usable Vulkan device: the rest is left out"
  exit 0
fi

expect 0 transcribe --device cpu --no-timestamps --duration-ms 1000 speech.wav
cp out cpu.txt
expect 0 transcribe --device vulkan:0 --no-timestamps --duration-ms 1000 --timings speech.wav
cmp out cpu.txt
has err "a window"
has err "in decoder steps 0, 0" # recorded once
has err "multiply-adds a window"

# Software devices are never taken unasked.
expect 0 transcribe --device auto --no-timestamps --duration-ms 1000 --timings -f json speech.wav
python3 - <<'END'
import json
devices = json.load(open("devices.json"))["devices"]
backend = json.load(open("out"))["runtime"]["backend"]
kinds = {d["id"]: d["kind"] for d in devices}
assert kinds[backend] != "software", backend
END
