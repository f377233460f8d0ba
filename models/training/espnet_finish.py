#!/usr/bin/env python3
"""Turns what espnet_train.py wrote into the ESPnet package that convert.py reads.

    espnet_finish.py EXP_DIR MODEL.pth OUT_DIR

EXP_DIR: holds config.yaml. OUT_DIR gets exp/s2t/{config.yaml,model.pth}: the gate options move to
`gate_conf` (spec/owsm.md section 11), training's own numbers go, and the predictor's input
normalisation is folded in. The files that config.yaml names (bpemodel, stats_file; found from the
working directory, as in training) are copied beside it.
"""

import argparse
import os
import shutil
import sys

import torch
import yaml

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training.espnet_gates import tokens_of  # noqa: E402

GATE_KEYS = ("languages", "tasks", "context_size", "hidden_size")
TRAINING_KEYS = (
    "tau_ini",
    "tau_end",
    "tau_cooldown_steps",
    "sparsity_init",
    "sparsity_end",
    "sparsity_steps",
    "sparsity_weight",
    "cost_table",
)
DEFAULTS = {"context_size": 32, "hidden_size": 128}


def finished_config(config):
    """A copy of the parsed training YAML with gates as convert.py wants them."""
    if config.get("encoder") != "e_branchformer_token_condition":
        raise SystemExit("espnet_finish.py: encoder: %s has no gates" % config.get("encoder"))
    encoder = dict(config["encoder_conf"])
    gate = {key: encoder.pop(key, DEFAULTS.get(key)) for key in GATE_KEYS}
    for kind, found in zip(("languages", "tasks"), tokens_of(config["token_list"])):
        gate[kind] = gate[kind] or found
    decoder = dict(config["decoder_conf"])
    for key in TRAINING_KEYS:
        encoder.pop(key, None)
        decoder.pop(key, None)
    gate.update(
        activation="relu",
        pooling="mean",
        pool_input="encoder_embed_output",
        closed_index=0,
        open_index=1,
        closed_branch="zero",
        encoder_modules=["feed_forward_macaron", "attn", "cgmlp", "feed_forward"],
        decoder_modules=["self_attn", "src_attn", "feed_forward"],
    )
    return {
        **config,
        "encoder": "e_branchformer",
        "encoder_conf": encoder,
        "decoder": "transformer",
        "decoder_conf": decoder,
        "gate": "token_conditioned",
        "gate_conf": gate,
    }


def finished_state(state):
    """The state_dict with the predictor's normalisation folded into mlp.0, without counters."""
    state = dict(state)
    state.pop("gate_step")
    mean, spread = state.pop("gate_predictor.mean"), state.pop("gate_predictor.spread")
    weight = state["gate_predictor.mlp.0.weight"].clone()
    width = len(mean)
    weight[:, :width] /= spread
    state["gate_predictor.mlp.0.weight"] = weight
    state["gate_predictor.mlp.0.bias"] = (
        state["gate_predictor.mlp.0.bias"] - weight[:, :width] @ mean
    )
    return state


def _take(path, out_dir, folder):
    """Copies a file into the package; returns its path there, relative to the package."""
    relative = os.path.join(folder, os.path.basename(path))
    os.makedirs(os.path.join(out_dir, folder), exist_ok=True)
    shutil.copyfile(path, os.path.join(out_dir, relative))
    return relative


def finish(exp_dir, model_path, out_dir):
    with open(os.path.join(exp_dir, "config.yaml"), encoding="utf-8") as file:
        config = finished_config(yaml.safe_load(file))
    out = os.path.join(out_dir, "exp", "s2t")
    os.makedirs(out, exist_ok=True)
    config["bpemodel"] = _take(config["bpemodel"], out_dir, "data")
    normalize = config["normalize_conf"]
    normalize["stats_file"] = _take(normalize["stats_file"], out_dir, "exp")
    with open(os.path.join(out, "config.yaml"), "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, allow_unicode=True)
    state = torch.load(model_path, map_location="cpu", weights_only=True)
    torch.save(finished_state(state), os.path.join(out, "model.pth"))


def main():
    parser = argparse.ArgumentParser(description="Makes a trained gated model ready for convert.py.")
    parser.add_argument("exp_dir", metavar="EXP_DIR")
    parser.add_argument("model", metavar="MODEL.pth")
    parser.add_argument("out_dir", metavar="OUT_DIR")
    args = parser.parse_args()
    finish(args.exp_dir, args.model, args.out_dir)


if __name__ == "__main__":
    main()
