#!/usr/bin/env python3
"""Makes a gate pack (docs/gates.md) of a training run: deltas, calibrated predictors, description.

    export_gate_pack.py RUN OUT --model DIR --prompts DIR [--budgets LIST] [--costs FILE] [--card FILE]
                        [--scale S]

The arg-max gates of a predictor that was trained on samples are brought to its budget by one offset to
its open logits, measured on the "dev" and a part of the "train" prompts over every context; one that was
fitted to the masks of a closing run stays as it is. A budget that was not trained for takes the predictor
of the nearest one that was.
"""

import argparse
import copy
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from training import calibrate  # noqa: E402
from training.batches import LANGUAGES, TASKS  # noqa: E402
from training.checkpoint import load_whisper  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.costs import read_costs  # noqa: E402
from training.gate_pack import prefix_of, write_pack  # noqa: E402
from training.gates import GatePredictor, gate_weights  # noqa: E402
from training.whisper_features import true_length  # noqa: E402

ABOUT = {
    "name": "openai/whisper-base",
    "license": "MIT, with attribution of the training prompts: see README.md",
    "recipe": "models/training/README.md",
}


def load_predictors(state, width, gates):
    """budget -> GatePredictor of a run's checkpoint"""
    predictors = {}
    for budget in state["settings"]["budgets"]:
        if budget > 0:
            prefix = prefix_of(budget) + "."
            own = {n[len(prefix) :]: t for n, t in state["predictors"].items() if n.startswith(prefix)}
            predictors[budget] = GatePredictor(width, gates, len(LANGUAGES), len(TASKS))
            predictors[budget].load_state_dict(own)
    return predictors


@torch.no_grad()
def dev_inputs(model, prompts):
    """(clips, width): pooled stem outputs of all dev and every twentieth training prompt."""
    clips = [c for c in prompts.clips if c["split"] == "dev"]
    clips += [c for c in prompts.clips if c["split"] == "train"][::20]
    mels = (true_length(torch.from_numpy(prompts.samples(c))) for c in clips)
    return torch.cat([model.encoder.stem(mel[None]).mean(1) for mel in mels])


def main():
    parser = argparse.ArgumentParser(description="Writes the gate pack of a training run.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--prompts", required=True, metavar="DIR")
    parser.add_argument("--budgets", help="comma-separated; default: those trained for")
    parser.add_argument("--costs", metavar="FILE", help="cost table; default: count gates")
    parser.add_argument("--scale", type=float, default=1.0, help="of the differences from the base model")
    parser.add_argument("--card", metavar="FILE", help="README.md of the pack")
    parser.add_argument("--default-budget", default="0.3")
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = torch.load(os.path.join(args.run, "checkpoint.pt"), weights_only=False)
    model = load_whisper(args.model, state["settings"]["rank"])
    model.load_state_dict(state["model"], strict=False)
    encoder, decoder = (n * m for n, m in zip(model.gate_counts, (2, 3)))
    costs = read_costs(args.costs, model.gate_counts) if args.costs else None
    weights = gate_weights(encoder, decoder, costs)
    predictors = load_predictors(state, model.config["d_model"], encoder + decoder)
    pooled = dev_inputs(model, ClipStore(args.prompts)) if predictors else None
    contexts = range(len(TASKS), len(LANGUAGES) * len(TASKS))  # all but "other", which none trained
    if args.budgets:
        wanted = [float(b) for b in args.budgets.split(",")]
        nearest = {b: min(predictors, key=lambda trained: abs(trained - b)) for b in wanted}
        predictors = {b: copy.deepcopy(predictors[nearest[b]]) for b in wanted}
    for budget, predictor in predictors.items():
        margins = calibrate.context_margins(predictor, pooled, contexts, len(TASKS))
        offset = 0.0
        if not state["settings"]["close_rounds"]:
            offset = calibrate.offset_for(margins, weights, budget)
            predictor.shift_open(offset)
        closed = [calibrate.mean_closed(margins, o, weights) for o in (0.0, offset)]
        print("budget %g: closed %.3f; with an offset of %+.3f %.3f" % (budget, closed[0], offset, closed[1]))
    card = None
    if args.card:
        with open(args.card, encoding="utf-8") as file:
            card = file.read()
    about = {**ABOUT, "default_budget": args.default_budget}
    write_pack(args.out, args.model, model, predictors, card, about, args.scale)


if __name__ == "__main__":
    main()
