#!/usr/bin/env python3
"""Makes a gate pack (docs/gates.md) of a training run of whisper's: differences, gates, description.

    export_gate_pack.py RUN OUT --model DIR [--budget B] [--card FILE] [--scale S]

RUN is train_whisper.py's (no gate closed) or distil_gates.py's, whose closed modules' differences are
left out. A pack has one budget, for the differences serve that one.
"""

import argparse
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from training.bridge import Bridge  # noqa: E402
from training.checkpoint import load_whisper  # noqa: E402
from training.gate_pack import write_pack  # noqa: E402

ABOUT = {
    "name": "openai/whisper-base",
    "license": "MIT, with attribution of the training prompts: see README.md",
    "recipe": "models/training/README.md",
}


def main():
    parser = argparse.ArgumentParser(description="Writes the gate pack of a training run.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--budget", default="0", metavar="B", help="what users ask for")
    parser.add_argument("--scale", type=float, default=1.0, help="of the differences from the base model")
    parser.add_argument("--card", metavar="FILE", help="README.md of the pack")
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = torch.load(os.path.join(args.run, "checkpoint.pt"), weights_only=False)
    model = load_whisper(args.model, state["settings"]["rank"])
    if "bridge.linear.weight" in state["model"]:
        model.bridge = Bridge(model.config["d_model"])
    model.load_state_dict(state["model"], strict=False)
    card = None
    if args.card:
        with open(args.card, encoding="utf-8") as file:
            card = file.read()
    about = {**ABOUT, "default_budget": args.budget}
    write_pack(args.out, args.model, model, state.get("closed", ()), card, about, args.scale)


if __name__ == "__main__":
    main()
