#!/usr/bin/env python3
"""Times the parts of Espalier's Whisper and of its peers: encoder, decoder steps, prompt.

    bench_stages.py --model DIR --stage-benchmark PROGRAM [--peers-python PYTHON] [--work DIR]
                    [--audio WAV] [--rounds N] [--threads 1,2] [--avx2]

PROGRAM: bazel build //tests/bench:stage_benchmark. WORK as bench_peers.py leaves it, which makes
the other programs' models and the int8 copy of DIR, and with WORK/onnx by whisper_onnx.py. One
process at a time, rounds interleaved; f32 weights are DIR's widened; peer_stages.py says what each
part is. Every encoder makes the decoder's keys and values of the window too, but faster-whisper's: its
first step makes them. --avx2: as on a processor without AVX-512; the peers run in gdb, which hides it from them
(without_avx512.py).
"""

import argparse
import os
import re
import shutil

import measuring
import numpy as np
from safetensors_reader import read_safetensors
from safetensors_writer import write_safetensors

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = ("encoder", "token", "beams", "prompt")
# Parts as sums of the stages that stage_benchmark prints.
STAGES = {
    "encoder": ("stem", "encoder", "source"),
    "token": ("decoder x1",),
    "beams": ("decoder x5",),
    "prompt": ("decoder x224 -> 1",),
}


def widen(model, out):
    """A copy of a model folder with f32 weights, as the f32 peers have them; made where missing."""
    if os.path.isdir(out):
        return
    shutil.copytree(model, out + ".part", dirs_exist_ok=True)
    arrays = read_safetensors(os.path.join(model, "model.safetensors"))
    f32 = np.dtype("<f4")
    table = {name: (array.shape, f32) for name, array in arrays.items()}
    path = os.path.join(out + ".part", "model.safetensors")
    os.remove(path)
    with open(path, "wb") as file:
        write_safetensors(file, table, lambda name: arrays[name].astype(f32), {"format": "pt"})
    os.rename(out + ".part", out)


def espalier_parts(command):
    out, cost = measuring.timed_process(command)
    stages = {}
    for line in out.decode().splitlines():
        found = re.match(r"(\w[\w >-]*?) +([\d.]+) ms", line)
        if found:
            stages[found.group(1)] = float(found.group(2))
    return {part: sum(stages[name] for name in names) for part, names in STAGES.items()}, cost


def peer_parts(command):
    out, cost = measuring.timed_process(command)
    return measuring.last_json(out), cost


def commands(args, threads):
    """Name -> (function, command line)."""

    def at(name):
        return os.path.join(args.work, name)

    def espalier(model):
        isa = ["env", "ESPALIER_CPU_ISA=avx2"] if args.avx2 else []
        return espalier_parts, [*isa, args.stage_benchmark, model, "cpu", str(threads)]

    def peer(*words):
        script = [args.peers_python, "-B", os.path.join(HERE, "peer_stages.py"), *words]
        hide = os.path.join(HERE, "without_avx512.py")
        gdb = ["gdb", "-q", "-batch", "-x", hide, "--args"] if args.avx2 else []
        return peer_parts, [*gdb, *script, args.audio, "--threads", str(threads)]

    return {
        "espalier": espalier(args.model),
        "espalier f32": espalier(at("espalier-f32")),
        "espalier int8": espalier(at("espalier-int8")),
        "faster-whisper f32": peer("--compute-type=float32", "faster-whisper", at("ct2-f32")),
        "faster-whisper int8": peer("--compute-type=int8", "faster-whisper", at("ct2-f32")),
        "whisper.cpp f16": peer("whisper.cpp", at("ggml-f16.bin")),
        "whisper.cpp q8_0": peer("whisper.cpp", at("ggml-q8_0.bin")),
        "onnxruntime f32": peer("onnxruntime", at("onnx/encoder.onnx")),
        "onnxruntime int8": peer("onnxruntime", at("onnx/encoder-int8.onnx")),
    }


def main():
    parser = argparse.ArgumentParser(description="Parts of Espalier against other programs'.")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--stage-benchmark", required=True, metavar="PROGRAM")
    parser.add_argument("--peers-python", default="python3", metavar="PYTHON")
    parser.add_argument("--work", default="/tmp/espalier-peers", metavar="DIR")
    parser.add_argument("--audio", default="../shared/audio/jfk.wav", metavar="WAV")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=lambda t: t.split(","), default=["1", "2"])
    parser.add_argument("--avx2", action="store_true", help="nobody has AVX-512")
    args = parser.parse_args()
    widen(args.model, os.path.join(args.work, "espalier-f32"))
    runs, others = {}, []
    for _ in range(args.rounds):
        for threads in args.threads:
            for name, (function, command) in commands(args, threads).items():
                parts, cost = function(command)
                runs.setdefault((threads, name), []).append(parts)
                others.append(cost["others"])
    conditions = (measuring.machine(), args.rounds, max(others))
    print("%s; %d rounds, others' share at most %.2f\n" % conditions)
    rows = [
        [threads, name]
        + [measuring.spread([run[part] for run in found if part in run], 1) for part in PARTS]
        for (threads, name), found in sorted(runs.items(), key=lambda item: item[0][0])
    ]
    head = ["threads", "program", "encoder ms", "token ms", "5 beams ms", "224 tokens ms"]
    print(measuring.markdown_table(head, rows))


if __name__ == "__main__":
    main()
