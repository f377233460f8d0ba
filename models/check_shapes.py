#!/usr/bin/env python3
"""Compares `espalier dump` of one device with another's on random models of odd shapes.

    check_shapes.py [--espalier PROGRAM] [--device vulkan:0] [--against reference]
                    [--only NAME,NAME] [--seed N] [--work DIR] [--verbose]

The public models have widths, heads and vocabularies that suit every kernel; these have not: one
column, head widths of 1 to 258, kernels of 1 to 101 rows (longer than the audio too), vocabularies
of 37 to 4099 tokens, windows down to the shortest that the subsampling takes. Compared are every
stage of a forced prompt within the bounds of check_goldens.py, and the hypotheses of a beam search (of
a Whisper model the transcript).
Exit status 1 when anything is missing or out of bounds.
"""

import argparse
import json
import os
import sys
import tempfile

import numpy as np

import measuring
import random_whisper
import synthetic_vocabulary
from check_goldens import ABSOLUTE, EXACT, SCORE_BOUND, STAGE_BOUND, Failure, run
from make_random_owsm import make_config, write_model
from safetensors_reader import read_safetensors
from wav_file import write_wav

SAMPLE_RATE = 16000
LANGUAGES, TARGETS = ["deu", "eng"], ["eng"]

# name -> what differs from PLAIN. `seconds` is the window, `audio_s` what is played.
PLAIN = {
    "family": "owsm",
    "width": 48,
    "heads": 4,
    "decoder_heads": 4,
    "layers": 1,
    "units": 96,
    "cgmlp_units": 64,
    "kernel": 31,
    "merge_kernel": 3,
    "macaron": True,
    "input_layer": "conv2d",
    "mels": 80,
    "vocabulary": 333,
    "seconds": 1.5,
    "audio_s": 1.2,
    "gates": False,
    "tail_s": None,
    "dtype": "f32",
    "to": None,
    "beam": 5,
}
SHAPES = {
    "narrowest": {
        "width": 2,
        "heads": 1,
        "decoder_heads": 2,
        "units": 1,
        "cgmlp_units": 2,
        "kernel": 1,
        "merge_kernel": 1,
        "mels": 7,
        "vocabulary": 37,
    },
    "odd_heads": {
        "width": 66,
        "heads": 6,
        "decoder_heads": 22,
        "units": 75,
        "cgmlp_units": 62,
        "vocabulary": 1021,
        "beam": 3,
    },
    "one_head": {"width": 258, "heads": 1, "decoder_heads": 1, "layers": 2, "vocabulary": 257},
    "many_heads": {
        "width": 130,
        "heads": 65,
        "decoder_heads": 130,
        "units": 129,
        "cgmlp_units": 130,
        "kernel": 3,
        "merge_kernel": 31,
        "macaron": False,
        "beam": 8,
    },
    "long_kernel": {
        "width": 34,
        "heads": 17,
        "decoder_heads": 1,
        "kernel": 101,
        "merge_kernel": 63,
    },
    "shortest_window": {
        "width": 10,
        "heads": 5,
        "decoder_heads": 5,
        "seconds": 0.07,
        "audio_s": 0.07,
    },
    "two_steps": {"width": 14, "heads": 7, "decoder_heads": 2, "seconds": 0.1, "audio_s": 0.1},
    "true_length": {
        "width": 54,
        "heads": 6,
        "decoder_heads": 9,
        "seconds": 4.0,
        "audio_s": 0.9,
        "tail_s": 0.2,
        "layers": 2,
    },
    "three_convolutions": {
        "width": 42,
        "heads": 3,
        "decoder_heads": 14,
        "input_layer": "conv2d8",
        "mels": 37,
        "vocabulary": 4099,
        "seconds": 3.0,
        "audio_s": 2.9,
    },
    "gates": {
        "width": 62,
        "heads": 2,
        "decoder_heads": 31,
        "layers": 4,
        "cgmlp_units": 58,
        "units": 63,
        "gates": True,
        "seconds": 3.0,
        "tail_s": 0.1,
        "vocabulary": 101,
    },
    "half_floats": {
        "width": 70,
        "heads": 7,
        "decoder_heads": 5,
        "units": 141,
        "dtype": "f16",
        "kernel": 5,
        "vocabulary": 379,
        "beam": 1,
    },
    "integers": {
        "width": 78,
        "heads": 3,
        "decoder_heads": 13,
        "units": 101,
        "vocabulary": 511,
        "to": "int8",
        "beam": 9,
    },
    "whisper_narrowest": {
        "family": "whisper",
        "width": 2,
        "heads": 1,
        "decoder_heads": 2,
        "units": 1,
        "mels": 3,
        "vocabulary": 256,
        "seconds": 1,
        "audio_s": 0.7,
        "beam": 1,
    },
    "whisper_odd": {
        "family": "whisper",
        "width": 66,
        "heads": 11,
        "decoder_heads": 3,
        "layers": 3,
        "units": 131,
        "mels": 37,
        "vocabulary": 1021,
        "seconds": 2,
        "audio_s": 1.3,
        "dtype": "f16",
    },
    "whisper_one_head": {
        "family": "whisper",
        "width": 154,
        "heads": 1,
        "decoder_heads": 77,
        "units": 61,
        "vocabulary": 601,
        "seconds": 3,
        "audio_s": 2.9,
        "to": "int8",
        "beam": 3,
    },
}


def config_of(shape, tokens, times, resolution):
    width = shape["width"]
    encoder = {
        "type": "e_branchformer",
        "input_layer": shape["input_layer"],
        "output_size": width,
        "attention_heads": shape["heads"],
        "num_blocks": shape["layers"],
        "linear_units": shape["units"],
        "cgmlp_linear_units": shape["cgmlp_units"],
        "cgmlp_conv_kernel": shape["kernel"],
        "merge_conv_kernel": shape["merge_kernel"],
        "macaron_ffn": shape["macaron"],
    }
    decoder = {
        "type": "transformer",
        "attention_heads": shape["decoder_heads"],
        "num_blocks": shape["layers"],
        "linear_units": shape["units"] + 1,
    }
    frontend = {
        "sample_rate": SAMPLE_RATE,
        "n_fft": 512,
        "win_length": 400,
        "hop_length": 160,
        "mel_count": shape["mels"],
    }
    sizes = {"frontend": frontend, "encoder": encoder, "decoder": decoder}
    config = make_config(sizes, tokens, shape["gates"], LANGUAGES, TARGETS)
    config["symbols"]["last_time"] = "<%.2f>" % (resolution * (times - 1))
    config["speech_length"] = shape["seconds"]
    config["speech_resolution"] = resolution
    if shape["tail_s"] is not None:
        config["input"] = {
            "true_length": True,
            "tail_seconds": shape["tail_s"],
            "min_seconds": 0.3,
        }
    return config


def make_model(shape, folder, seed):
    """Writes the model; returns the ids of its prompt and of the last token."""
    if shape["family"] == "whisper":
        vocabulary = random_whisper.write_model(folder, shape, shape["dtype"], seed)
        symbols = ("startoftranscript", "en", "transcribe", "notimestamps")
        return [vocabulary.id(symbol) for symbol in symbols], len(vocabulary) - 1
    times = 4
    resolution = shape["seconds"] / (times - 1)
    pieces = synthetic_vocabulary.pieces(
        seed, shape["vocabulary"], LANGUAGES, TARGETS, times, resolution
    )
    tokens = synthetic_vocabulary.token_list(pieces)
    config = config_of(shape, tokens, times, resolution)
    write_model(folder, config, pieces, shape["dtype"], seed)
    symbols = ("<sos>", "<deu>", "<asr>", "<notimestamps>")
    return [tokens.index(symbol) for symbol in symbols], len(tokens) - 1


def make_audio(path, seconds, seed):
    """Tones that come and go in noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = np.sin(2 * np.pi * (300 + 900 * t) * t) * (np.sin(20 * t) > 0)
    samples = 0.3 * tones + 0.05 * rng.standard_normal(len(t))
    write_wav(path, np.round(samples * 32767).astype(np.int16))


class Comparison:
    """One shape on two devices."""

    def __init__(self, args, name, work):
        self.args, self.name = args, name
        self.folder = os.path.join(work, name)
        self.shape = {**PLAIN, **SHAPES[name]}
        self.misses, self.worst, self.compared = [], {}, 0

    def within(self, what, difference, bound):
        self.compared += 1
        self.worst[what] = max(self.worst.get(what, 0.0), difference / bound)
        if not difference <= bound:
            words = "%s: %s off by %.3g, bound %.3g" % (self.name, what, difference, bound)
            self.misses.append(words)

    def same(self, what, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.misses.append("%s: %s: %s, expected %s" % (self.name, what, ours, theirs))

    def dump(self, model, audio, ids, device):
        """Tensors of a forced prompt, and hypotheses as dump's --nbest has them."""
        stem = os.path.join(self.folder, device.replace(":", "-"))
        tensors = stem + ".safetensors"
        common = ["-m", model, "--device", device, "--beam-size", str(self.shape["beam"])]
        command = [self.args.espalier, "dump", audio, *common, "--out", tensors]
        command += ["--ids", ",".join(map(str, ids))]
        if self.shape["family"] == "whisper":
            run(command + ["-l", "en"])
            search = [self.args.espalier, "transcribe", audio, *common, "-l", "en"]
            search += ["--no-fallback", "--no-speech-threshold", "1", "-f", "json", "--output-dir", stem]
            run(search)
            with open(os.path.join(stem, "audio.json"), encoding="utf-8") as file:
                segments = json.load(file)["segments"]
            hypotheses = [
                {"yseq": s["tokens"], "text": s["text"], "score": s["avg_logprob"]}
                for s in segments
            ]
            return read_safetensors(tensors), hypotheses
        command += ["-l", "deu", "--task", "asr", "--nbest", stem + ".json", "--maxlen-ratio=-9"]
        run(command)
        with open(stem + ".json", encoding="utf-8") as file:
            return read_safetensors(tensors), json.load(file)["hyps"][0]["nbest"]

    def check_tensors(self, ours, theirs):
        self.same("stages", sorted(ours), sorted(theirs))
        for name in set(ours) & set(theirs):
            if ours[name].shape != theirs[name].shape or name in EXACT:
                self.same(name, ours[name].tolist(), theirs[name].tolist())
                continue
            expected = theirs[name].astype(np.float64)
            bound = ABSOLUTE.get(name, STAGE_BOUND * max(np.abs(expected).max(), 1e-30))
            self.within(name, np.abs(ours[name] - expected).max(), bound)

    def check_hypotheses(self, ours, theirs):
        for key in ("yseq", "text"):
            self.same(key, [h[key] for h in ours], [h[key] for h in theirs])
        for our, their in zip(ours, theirs):
            self.within("score", abs(our["score"] - their["score"]), SCORE_BOUND)

    def check(self, seed):
        model, audio = os.path.join(self.folder, "model"), os.path.join(self.folder, "audio.wav")
        os.makedirs(self.folder)
        make_audio(audio, self.shape["audio_s"], seed)
        prompt, last = make_model(self.shape, model, seed)
        # A prompt of a row more than a beam step, and a token from either end of the vocabulary.
        ids = prompt + [last - 3, 2, 9, 5, 7]
        try:
            if self.shape["to"]:
                stored, model = model, model + "-stored"
                run([self.args.espalier, "quantize", stored, "--to", self.shape["to"], "-o", model])
            our, their = (
                self.dump(model, audio, ids, device)
                for device in (self.args.device, self.args.against)
            )
        except Failure as failure:
            self.misses.append("%s: %s" % (self.name, failure))
            return
        self.check_tensors(our[0], their[0])
        self.check_hypotheses(our[1], their[1])

    def rows(self):
        order = sorted(self.worst.items(), key=lambda item: -item[1])
        shown = order if self.args.verbose else order[:1]
        return [[self.name, what, "%.2f %%" % (100 * share)] for what, share in shown]


def main():
    parser = argparse.ArgumentParser(description="Odd model shapes on two devices.")
    parser.add_argument("--espalier", default="bazel-bin/apps/espalier", metavar="PROGRAM")
    parser.add_argument("--device", default="vulkan:0")
    parser.add_argument("--against", default="reference", metavar="DEVICE")
    parser.add_argument("--only", metavar="NAME,…", help="some of: " + ", ".join(SHAPES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", metavar="DIR", help="keep models and dumps here")
    parser.add_argument("--verbose", action="store_true", help="all stages, not the worst ones")
    args = parser.parse_args()
    unknown = set(args.only.split(",") if args.only else ()) - set(SHAPES)
    if unknown:
        parser.error("no shape %s" % ", ".join(sorted(unknown)))
    rows, misses, compared = [], [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.only.split(",") if args.only else SHAPES:
            comparison = Comparison(args, name, args.work or scratch)
            comparison.check(args.seed)
            rows, misses = rows + comparison.rows(), misses + comparison.misses
            compared += comparison.compared
    print(measuring.markdown_table(["shape", "nearest to its bound", "of the bound"], rows))
    for words in misses:
        print(words)
    print("%d comparisons, %d failed" % (compared, len(misses)))
    return 1 if misses or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
