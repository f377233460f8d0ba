#!/usr/bin/env python3
"""Times Espalier against ESPnet's own PyTorch inference, in turn on one machine.

    bench_espnet.py [--espnet-python PYTHON] [--espalier PROGRAM] [--work DIR] [--audio FILE]
                    [--rounds N] [--threads N] [--size base|small|medium]

OWSM v3.1 shape with random weights, 30 s of audio, beam 5, no CTC, exactly up to 60 tokens, f32.
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
import time
import wave

import numpy as np

import measuring
import synthetic_vocabulary
from make_random_owsm import SIZES, shape_of

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENS = 60
STATS = "exp/s2t_stats_raw_bpe50000/train/feats_stats.npz"


def espnet_config(size, tokens):
    shape = shape_of(size, "v3.1")
    encoder = {
        **{key: value for key, value in shape["encoder"].items() if key != "type"},
        "attention_layer_type": "selfattn",
        "pos_enc_layer_type": "abs_pos",
        "use_ffn": True,
        "use_flash_attn": False,
    }
    decoder = {key: value for key, value in shape["decoder"].items() if key != "type"}
    return {
        "token_list": tokens,
        "token_type": "bpe",
        "bpemodel": "data/token_list/bpe_unigram50000/bpe.model",
        "input_size": None,
        "init": None,
        "ctc_conf": {},
        "frontend": "default",
        "frontend_conf": {
            "fs": 16000,
            "n_fft": 512,
            "win_length": 400,
            "hop_length": 160,
            "n_mels": 80,
        },
        "specaug": None,
        "normalize": "global_mvn",
        "normalize_conf": {"stats_file": STATS},
        "encoder": "e_branchformer",
        "encoder_conf": encoder,
        "decoder": "transformer",
        "decoder_conf": {**decoder, "use_flash_attn": False},
        "model": "espnet",
        "model_conf": {"ctc_weight": 0.3, "lsm_weight": 0.1},
        "preprocessor": "s2t",
        "preprocessor_conf": {
            "fs": 16000,
            "speech_length": 30,
            "speech_resolution": 0.02,
            "na_symbol": "<na>",
            "notime_symbol": "<notimestamps>",
            "first_time_symbol": "<0.00>",
            "last_time_symbol": "<30.00>",
        },
    }


# ---------------------------------------------------------------- inside ESPnet's Python


def make_espnet_folder(folder, size):
    """Config, statistics, tokenizer and a .pth with PyTorch's own initial weights (seed 1)."""
    import torch
    import yaml
    from espnet2.tasks.s2t import S2TTask

    os.makedirs(os.path.join(folder, "exp/s2t"))
    os.makedirs(os.path.join(folder, os.path.dirname(STATS)))
    os.makedirs(os.path.join(folder, "data/token_list/bpe_unigram50000"))
    os.chdir(folder)
    model = synthetic_vocabulary.pieces()
    config = espnet_config(size, synthetic_vocabulary.token_list(model))
    with open(config["bpemodel"], "wb") as file:
        file.write(synthetic_vocabulary.sentencepiece_model(model))
    count, mean, std = 1000.0, -8.0, 4.0
    ones = np.ones(80, np.float32)
    square = ones * count * (mean**2 + std**2)
    np.savez(STATS, count=np.int64(count), sum=ones * count * mean, sum_square=square)
    torch.manual_seed(1)
    network = S2TTask.build_model(argparse.Namespace(**config))
    torch.save(network.state_dict(), "exp/s2t/model.pth")
    with open("exp/s2t/config.yaml", "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, allow_unicode=True)


def time_espnet(folder, audio, threads):
    """Loads, warms up, decodes once; prints what `espalier bench --json` prints, and the ids."""
    import torch
    from espnet2.bin.s2t_inference import Speech2Text

    torch.set_num_threads(threads)
    samples = read_wav(audio)
    os.chdir(folder)
    start = time.monotonic()
    speech2text = Speech2Text(
        "exp/s2t/config.yaml",
        "exp/s2t/model.pth",
        device="cpu",
        beam_size=5,
        ctc_weight=0.0,
        maxlenratio=-TOKENS,
        minlenratio=-(TOKENS - 1),
        nbest=5,
    )
    load_s = time.monotonic() - start
    encode = speech2text.s2t_model.encode
    spans = []

    def timed_encode(**batch):
        begin = time.monotonic()
        result = encode(**batch)
        spans.append(time.monotonic() - begin)
        return result

    speech2text.s2t_model.encode = timed_encode
    with torch.no_grad():
        padded = torch.zeros(1, 480000)
        timed_encode(speech=padded, speech_lengths=torch.tensor([480000]))
    cpu, start = time.process_time(), time.monotonic()
    nbest = speech2text(samples, lang_sym="<eng>", task_sym="<asr>")
    total_s = time.monotonic() - start
    best = [hypothesis for *_, hypothesis in nbest]
    report = {
        "load_s": load_s,
        "encode_s": spans[-1],
        "decode_s": total_s - spans[-1],
        "total_s": total_s,
        "cpu_s": time.process_time() - cpu,
        "tokens": TOKENS,
        "peak_rss_mb": measuring.peak_rss_mb(),
        "ids": [[int(i) for i in hypothesis.yseq] for hypothesis in best],
        "scores": [float(hypothesis.score) for hypothesis in best],
    }
    print(json.dumps(report))


# ---------------------------------------------------------------- outside


def read_wav(path):
    with wave.open(path, "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, 16000):
            raise SystemExit("bench_espnet.py: %s: expected 16 kHz, mono, 16 bit" % path)
        data = file.readframes(file.getnframes())
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def write_noise(path):
    """30 s of tones in noise. Speed does not depend on what is said."""
    rng = np.random.default_rng(1)
    t = np.arange(480000) / 16000
    x = 0.1 * np.sin(2 * np.pi * (200 + 150 * np.sin(t)) * t) + 0.02 * rng.standard_normal(480000)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())


def prepare(args):
    """(ESPnet folder, model folder, audio), made where missing."""
    work = os.path.abspath(args.work)
    os.makedirs(work, exist_ok=True)
    espnet_dir = os.path.join(work, "espnet-" + args.size)
    model_dir = os.path.join(work, "owsm-" + args.size)
    if not os.path.isfile(os.path.join(espnet_dir, "exp/s2t/config.yaml")):
        this = os.path.abspath(__file__)
        command = [args.espnet_python, this, "--size", args.size, "--make", espnet_dir]
        subprocess.run(command, check=True)
    if not os.path.isdir(model_dir):
        command = [sys.executable, os.path.join(HERE, "convert.py"), espnet_dir, model_dir]
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
        ours = json.load(file)
    while isinstance(ours, dict):
        ours = ours.get("nbest", ours.get("hyps"))
    while isinstance(ours[0], dict) and "nbest" in ours[0]:
        ours = ours[0]["nbest"]
    mine, theirs = ours[0]["yseq"], espnet["ids"][0]
    same = next((i for i, (a, b) in enumerate(zip(mine, theirs)) if a != b), len(theirs))
    margin = (
        espnet["scores"][0] - espnet["scores"][1] if len(espnet["scores"]) > 1 else float("inf")
    )
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
    this = os.path.abspath(__file__)
    espnet = [args.espnet_python, this, "--time", espnet_dir, "--audio", audio]
    commands = {"ESPnet": espnet + ["--threads=%d" % args.threads]}
    if args.espalier:
        bench = espalier_command(args, "bench", model_dir, audio)
        commands["Espalier"] = bench + ["--json"]
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
    what = (args.size, TOKENS, args.threads)
    print("OWSM v3.1 %s shape, random weights, 30 s, beam 5, %d tokens, f32, %d threads" % what)
    print(measuring.machine())
    print("median (smallest-largest) of %d rounds, in s and MB\n" % args.rounds)
    head = [
        "",
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


def main():
    parser = argparse.ArgumentParser(description="Espalier against ESPnet on OWSM's shape.")
    parser.add_argument("--espnet-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--espalier", metavar="PROGRAM")
    parser.add_argument("--work", default="/tmp/espalier-bench", metavar="DIR")
    parser.add_argument("--audio", metavar="FILE", help="16 kHz mono 16-bit WAV; default: noise")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    parser.add_argument("--time", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.make:
        make_espnet_folder(args.make, args.size)
    elif args.time:
        time_espnet(args.time, args.audio, args.threads)
    else:
        folders = prepare(args)
        runs = run_rounds(args, *folders)
        report(args, runs)
        if args.espalier:
            print(compare_hypotheses(args, runs["ESPnet"][0], *folders[1:]))


if __name__ == "__main__":
    main()
