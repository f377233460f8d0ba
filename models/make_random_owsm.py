#!/usr/bin/env python3
"""Writes an OWSM model folder with random weights in a public model's exact shape.

    make_random_owsm.py OUT_DIR --size base|small|medium [--version v3.1|v4] [--dtype f32|f16]
                        [--gates] [--seed N] [--force]

For benchmarks and for tests of loading: speed and memory do not depend on what the weights say.
The same seed gives the same folder.
"""

import argparse
import json
import math
import os
import sys

import numpy as np

import synthetic_vocabulary
from convert import OutputError, check_output, stored_type, write_folder, write_text
from mel_matrix import mel_matrix
from model_card import model_card
from owsm_config import DECODER_MODULES, ENCODER_MODULES
from owsm_tensors import tensor_table
from safetensors_writer import write_safetensors

SIZES = {
    "base": (384, 6, 6),
    "small": (768, 9, 12),
    "medium": (1024, 18, 16),
}  # width, layers, heads
VERSIONS = {"v3.1": ("conv2d", 80), "v4": ("conv2d8", 128)}


def shape_of(size, version):
    """The part of config.json that the size and version decide (spec §1)."""
    width, layers, heads = SIZES[size]
    input_layer, mel_count = VERSIONS[version]
    units = 4 * width
    decoder = {
        "type": "transformer",
        "attention_heads": heads,
        "num_blocks": layers,
        "linear_units": units,
    }
    encoder = {
        "type": "e_branchformer",
        "input_layer": input_layer,
        "output_size": width,
        "attention_heads": heads,
        "num_blocks": layers,
        "linear_units": units,
        "cgmlp_linear_units": units,
        "cgmlp_conv_kernel": 31,
        "merge_conv_kernel": 31,
        "macaron_ffn": True,
    }
    frontend = {
        "sample_rate": 16000,
        "n_fft": 512,
        "win_length": 400,
        "hop_length": 160,
        "mel_count": mel_count,
    }
    return {"frontend": frontend, "encoder": encoder, "decoder": decoder}


def make_config(
    shape,
    tokens,
    gates,
    languages=synthetic_vocabulary.LANGUAGES,
    targets=synthetic_vocabulary.TARGETS,
):
    """config.json of a window of 30 s; `shape` as shape_of gives it."""
    config = {"model_type": "owsm", "format_version": 1, **shape}
    config["ctc"] = {"blank": "<blank>"}
    config["tokenizer"] = {"type": "sentencepiece", "model": "bpe.model"}
    config["token_list"] = tokens
    config["symbols"] = {
        **{name: "<%s>" % name for name in ("unk", "na", "sos", "eos", "sop", "notimestamps")},
        "first_time": "<0.00>",
        "last_time": "<30.00>",
    }
    config["speech_length"], config["speech_resolution"] = 30.0, 0.02
    config["languages"] = ["<%s>" % code for code in languages]
    config["tasks"] = ["<asr>"] + ["<st_%s>" % code for code in targets]
    if gates:
        config["gate"] = {
            "context_size": 32,
            "hidden_size": 128,
            "languages": config["languages"],
            "tasks": config["tasks"],
            "encoder_modules": ENCODER_MODULES,
            "decoder_modules": DECODER_MODULES,
        }
    return config


def random_tensor(rng, name, shape, frontend):
    """Values of a size that keeps activations near 1, as training starts from."""
    if name == "frontend.logmel.melmat":
        return mel_matrix(frontend["sample_rate"], frontend["n_fft"], frontend["mel_count"])
    if name.startswith("normalize."):
        return np.full(shape, -8.0 if name.endswith("mean") else 4.0)
    if name.endswith(".weight") and len(shape) == 1:
        return np.ones(shape)
    if len(shape) == 1:
        return np.zeros(shape)
    fan_in = math.prod(shape[1:])
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(1.0 / math.sqrt(fan_in))


def write_model(out_dir, config, pieces, dtype, seed, force=False):
    """A model folder of `config`; its vocabulary as synthetic_vocabulary.pieces gives it."""
    check_output(out_dir, force)
    table = tensor_table(config)
    stored = {name: (shape, stored_type(name, shape, dtype)) for name, shape in table.items()}
    rng = np.random.default_rng(seed)

    def read(name):
        shape, numpy_type = stored[name]
        return random_tensor(rng, name, shape, config["frontend"]).astype(numpy_type)

    def write_files(folder):
        with open(os.path.join(folder, "model.safetensors"), "wb") as out:
            write_safetensors(out, stored, read, {"format": "pt"})
        with open(os.path.join(folder, "bpe.model"), "wb") as out:
            out.write(synthetic_vocabulary.sentencepiece_model(pieces))
        text = json.dumps(config, ensure_ascii=False, indent=1)
        write_text(os.path.join(folder, "config.json"), text + "\n")
        origin = (
            "Random weights (seed %d) from `models/make_random_owsm.py`, for benchmarks only."
            % seed
        )
        card = model_card(os.path.basename(out_dir), config, table, dtype, origin)
        write_text(os.path.join(folder, "README.md"), card)

    write_folder(out_dir, write_files)


def make(args):
    pieces = synthetic_vocabulary.pieces()
    tokens = synthetic_vocabulary.token_list(pieces)
    config = make_config(shape_of(args.size, args.version), tokens, args.gates)
    write_model(os.path.abspath(args.out_dir), config, pieces, args.dtype, args.seed, args.force)


def main(argv):
    parser = argparse.ArgumentParser(description="OWSM model folder with random weights.")
    parser.add_argument("out_dir", metavar="OUT_DIR")
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--version", choices=VERSIONS, default="v3.1")
    parser.add_argument("--dtype", choices=("f32", "f16"), default="f32")
    parser.add_argument("--gates", action="store_true", help="with a (random) gate predictor")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--force", action="store_true", help="replace an existing model folder")
    try:
        make(parser.parse_args(argv))
    except OutputError as error:
        print("make_random_owsm.py: %s" % error, file=sys.stderr)
        return 5
    except KeyboardInterrupt:
        print("make_random_owsm.py: interrupted, nothing written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
