#!/usr/bin/env python3
"""Writes a run's averaged weights as the ESPnet folder that convert.py reads.

    package.py RUN ESPNET_DIR && ../../convert.py ESPNET_DIR MODEL --dtype f16

The predictors of a gated run are left out: package_gates.py makes the model's gate pack of them.
Needs PyTorch and ESPnet (the shape is model.py's).
"""

import argparse
import os
import shutil
import sys

import torch
import yaml

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from training.demo import model  # noqa: E402
from training.demo import vocabulary as words  # noqa: E402

# The silence behind training's clips was 0.1 to 0.8 s long.
TRUE_LENGTH = {"tail_seconds": 0.4, "min_seconds": 0.8}


def espnet_config(tokens):
    """config.yaml as a dictionary: what ESPnet's own training would have saved, and true length."""
    return {
        "token_type": "bpe",
        "token_list": tokens,
        "bpemodel": "data/bpe.model",
        "frontend": "default",
        "frontend_conf": dict(model.FRONTEND),
        "normalize": "global_mvn",
        "normalize_conf": {},
        "encoder": "e_branchformer",
        "encoder_conf": dict(model.ENCODER),
        "decoder": "transformer",
        "decoder_conf": dict(model.DECODER),
        "model_conf": {"ctc_weight": 0.3, "sym_na": "<na>"},
        "preprocessor_conf": {
            "fs": model.FRONTEND["fs"],
            "speech_length": words.SPEECH_SECONDS,
            "speech_resolution": words.TIME_SECONDS,
            "notime_symbol": words.NO_TIMES,
            "first_time_symbol": words.TIMES[0],
            "last_time_symbol": words.TIMES[-1],
        },
        "true_length_conf": dict(TRUE_LENGTH),
    }


def write_package(tokens, state, bpe_path, out):
    folder = os.path.join(out, "exp", "demo")
    os.makedirs(folder, exist_ok=True)
    os.makedirs(os.path.join(out, "data"), exist_ok=True)
    with open(os.path.join(folder, "config.yaml"), "w", encoding="utf-8") as file:
        yaml.safe_dump(espnet_config(tokens), file, allow_unicode=True)
    state = {n: tensor.clone() for n, tensor in state.items() if not n.startswith("predictors.")}
    torch.save(state, folder + "/model.pth")
    shutil.copyfile(bpe_path, os.path.join(out, "data", "bpe.model"))


def main():
    parser = argparse.ArgumentParser(description="A run's averaged weights as an ESPnet folder.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("out", metavar="ESPNET_DIR")
    args = parser.parse_args()
    path = os.path.join(args.run, "checkpoint.pt")
    state = torch.load(path, weights_only=False)
    write_package(state["tokens"], state["average"], os.path.join(args.run, "bpe.model"), args.out)
    print("%s: update %d" % (args.out, state["progress"][0]))


if __name__ == "__main__":
    main()
