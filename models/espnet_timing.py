#!/usr/bin/env python3
"""Runs inside a Python that has ESPnet, for bench_espnet.py.

    espnet_timing.py make FOLDER --size base|small|medium [--version v3.1|v4]
    espnet_timing.py time FOLDER --audio FILE.wav [--threads N]

make: an ESPnet package of a public model's shape with random weights. time: loads it, encodes once
untimed, decodes FILE with beam 5 and TOKENS tokens; prints JSON.
"""

import argparse
import json
import os
import time

import numpy as np

import measuring
import synthetic_vocabulary
from make_random_owsm import SIZES, VERSIONS, shape_of
from wav_file import read_wav

TOKENS = 60
STATS = "exp/s2t_stats_raw_bpe50000/train/feats_stats.npz"


def espnet_config(size, version, tokens):
    shape = shape_of(size, version)
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
            "n_mels": shape["frontend"]["mel_count"],
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


def make_espnet_folder(folder, size, version):
    """Config, statistics, tokenizer and a .pth with PyTorch's own initial weights (seed 1)."""
    import torch
    import yaml
    from espnet2.tasks.s2t import S2TTask

    os.makedirs(os.path.join(folder, "exp/s2t"))
    os.makedirs(os.path.join(folder, os.path.dirname(STATS)))
    os.makedirs(os.path.join(folder, "data/token_list/bpe_unigram50000"))
    os.chdir(folder)
    model = synthetic_vocabulary.pieces()
    config = espnet_config(size, version, synthetic_vocabulary.token_list(model))
    with open(config["bpemodel"], "wb") as file:
        file.write(synthetic_vocabulary.sentencepiece_model(model))
    count, mean, std = 1000.0, -8.0, 4.0
    ones = np.ones(config["frontend_conf"]["n_mels"], np.float32)
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


def main():
    parser = argparse.ArgumentParser(description="ESPnet's own inference, timed.")
    parser.add_argument("action", choices=("make", "time"))
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--version", choices=VERSIONS, default="v3.1")
    parser.add_argument("--audio", metavar="FILE")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.action == "make":
        make_espnet_folder(args.folder, args.size, args.version)
    else:
        time_espnet(args.folder, args.audio, args.threads)


if __name__ == "__main__":
    main()
