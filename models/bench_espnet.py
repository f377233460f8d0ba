#!/usr/bin/env python3
"""Times Espalier against ESPnet's own PyTorch inference, in turn on one machine.

    bench_espnet.py [--espnet-python PYTHON] [--espalier PROGRAM] [--work DIR] [--audio FILE]
                    [--rounds N] [--threads N] [--size base|small|medium] [--version v3.1|v4]
                    [--to int8|f16] [--out FILE.json]

OWSM's shape with random weights, 30 s of audio, beam 5, no CTC, exactly up to 60 tokens. ESPnet
computes in f32, Espalier with the weights that --to says, without it in f32.
PYTHON must have ESPnet 202511 and PyTorch (models/README.md has the commands). Both programs load
before the clock starts and get one untimed run of the encoder. DIR keeps the model between calls.
Without PROGRAM, ESPnet alone is timed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

import numpy as np

import measuring
from espnet_timing import TOKENS
from make_random_owsm import SIZES, VERSIONS
from wav_file import write_wav

HERE = os.path.dirname(os.path.abspath(__file__))
ESPNET_TIMING = os.path.join(HERE, "espnet_timing.py")


def write_noise(path):
    """30 s of tones in noise. Speed does not depend on what is said."""
    rng = np.random.default_rng(1)
    t = np.arange(480000) / 16000
    x = 0.1 * np.sin(2 * np.pi * (200 + 150 * np.sin(t)) * t) + 0.02 * rng.standard_normal(480000)
    write_wav(path, (np.clip(x, -1, 1) * 32767).astype(np.int16))


def prepare(args):
    """(ESPnet folder, model folder, audio), made where missing."""
    work = os.path.abspath(args.work)
    os.makedirs(work, exist_ok=True)
    espnet_dir = os.path.join(work, "espnet-%s-%s" % (args.version, args.size))
    model_dir = os.path.join(work, "owsm-%s-%s" % (args.version, args.size))
    if not os.path.isfile(os.path.join(espnet_dir, "exp/s2t/config.yaml")):
        command = [args.espnet_python, ESPNET_TIMING, "make", espnet_dir, "--size", args.size]
        subprocess.run(command + ["--version", args.version], check=True)
    if not os.path.isdir(model_dir):
        command = [sys.executable, os.path.join(HERE, "convert.py"), espnet_dir, model_dir]
        subprocess.run(command, check=True)
    if args.espalier and args.to:
        stored, model_dir = model_dir, "%s-%s" % (model_dir, args.to)
        if not os.path.isdir(model_dir):
            command = [args.espalier, "quantize", stored, "--to", args.to, "-o", model_dir]
            subprocess.run(command, check=True)
    audio = args.audio and os.path.abspath(args.audio)
    if not audio:
        audio = os.path.join(work, "noise.wav")
        write_noise(audio)
    return espnet_dir, model_dir, audio


def espalier_command(args, verb, model_dir, audio):
    return [args.espalier, verb, "-m", model_dir, audio, "-l", "eng", "--task", "asr"] + [
        "--beam-size=5",
        "--maxlen-ratio=-%d" % TOKENS,
        "--minlen-ratio=-%d" % (TOKENS - 1),
        "--threads=%d" % args.threads,
    ]


def compare_hypotheses(args, espnet, model_dir, audio):
    """One line on whether both found the same token ids. Random weights leave thin margins."""
    nbest = os.path.join(os.path.abspath(args.work), "nbest.json")
    dump = os.path.join(os.path.abspath(args.work), "dump.safetensors")
    command = espalier_command(args, "dump", model_dir, audio)
    subprocess.run(command + ["--out", dump, "--nbest", nbest], check=True, capture_output=True)
    with open(nbest, encoding="utf-8") as file:
        ours = json.load(file)["hyps"][0]["nbest"]
    mine, theirs = ours[0]["yseq"], espnet["ids"][0]
    same = next((i for i, (a, b) in enumerate(zip(mine, theirs)) if a != b), len(theirs))
    margin = espnet["scores"][0] - espnet["scores"][1]
    return "best hypothesis %s: %d of %d ids alike; score %.4f, ESPnet %.4f (margin %.4f)" % (
        "the same" if mine == theirs else "differs",
        same,
        len(theirs),
        ours[0]["score"],
        espnet["scores"][0],
        margin,
    )


def row(name, runs):
    def column(key, digits=2):
        return measuring.spread([run[key] for run in runs if key in run], digits)

    return [
        name,
        "/".join(sorted({str(run["tokens"]) for run in runs})),
        column("encode_s"),
        column("decode_s"),
        column("total_s"),
        column("cpu_s"),
        column("process_s"),
        column("peak_rss_mb", 0),
        column("others"),
    ]


def run_rounds(args, espnet_dir, model_dir, audio):
    env = {name: str(args.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    espnet = [args.espnet_python, ESPNET_TIMING, "time", espnet_dir, "--audio", audio]
    commands = {"ESPnet": espnet + ["--threads=%d" % args.threads]}
    if args.espalier:
        bench = espalier_command(args, "bench", model_dir, audio)
        commands["Espalier"] = bench + ["--runs=1", "--json"]
    runs = {name: [] for name in commands}
    for i in range(args.rounds):
        order = list(commands)[:: 1 if i % 2 == 0 else -1]  # neither is always the one after
        for name in order:
            out, cost = measuring.timed_process(commands[name], env)
            run = measuring.last_json(out)
            run.setdefault("peak_rss_mb", cost["rss_mb"])
            run.update(process_s=cost["wall_s"], others=cost["others"])
            runs[name].append(run)
            print("round %d %s: %.2f s" % (i + 1, name, run["total_s"]), file=sys.stderr)
    return runs


def report(args, runs):
    what = "OWSM %s %s shape, random weights, 30 s, beam 5, %d tokens, Espalier %s, %d threads"
    what %= (args.version, args.size, TOKENS, args.to or "f32", args.threads)
    print(what)
    print(measuring.machine())
    print("median (smallest-largest) of %d rounds, in s and MB\n" % args.rounds)
    head = [
        "",
        "tokens",
        "encode",
        "decode",
        "both",
        "CPU",
        "whole process",
        "peak RSS",
        "others' share of CPU",
    ]
    print(measuring.markdown_table(head, [row(name, runs[name]) for name in runs]))
    if "Espalier" in runs:
        medians = [statistics.median(r["total_s"] for r in runs[n]) for n in ("ESPnet", "Espalier")]
        print("\nESPnet / Espalier: %.1f" % (medians[0] / medians[1]))
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump({"machine": measuring.machine(), "what": what, "runs": runs}, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description="Espalier against ESPnet on OWSM's shape.")
    parser.add_argument("--espnet-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--espalier", metavar="PROGRAM")
    parser.add_argument("--work", default="/tmp/espalier-bench", metavar="DIR")
    parser.add_argument("--audio", metavar="FILE", help="16 kHz mono 16-bit WAV; default: noise")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--version", choices=VERSIONS, default="v3.1")
    parser.add_argument("--to", choices=("int8", "f16"), help="storage of Espalier's matrices")
    parser.add_argument("--out", metavar="FILE", help="every run as JSON")
    args = parser.parse_args()
    folders = prepare(args)
    runs = run_rounds(args, *folders)
    report(args, runs)
    if args.espalier:
        print(compare_hypotheses(args, runs["ESPnet"][0], *folders[1:]))


if __name__ == "__main__":
    main()
