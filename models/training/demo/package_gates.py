#!/usr/bin/env python3
"""Makes the gate pack of a packaged demo model: a gated run's predictors, brought to their budgets.

    package_gates.py RUN MODEL --store FOLDER [--store FOLDER …] [--costs FILE] [--also LIST]
                     [--default-budget B]

MODEL: what package.py and convert.py made of the same RUN; its gate_pack folder is written, and
gate_pack_decoder with the budgets of the decoder alone, if the run has any. Gates that were trained are
taken as they stand, for these the weights have learnt to do without. Budgets in --also take the nearest
one's predictor, with an offset that makes the arg-max gates meet the budget, recognition and translation
alike, on dev clips and a part of the training's (training/calibrate.py). --costs as in the run.
"""

import argparse
import copy
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from training import calibrate  # noqa: E402
from training.demo import gating  # noqa: E402
from training.demo.clips import LANGUAGES, prompt_task  # noqa: E402
from training.demo.features import TAIL_FRAMES  # noqa: E402
from training.demo.model import DECODER_MODULES, ENCODER_MODULES, GATES, WIDTH, DemoModel  # noqa: E402
from training.demo.train import budget_list, load_stores  # noqa: E402
from training.demo.vocabulary import TASKS  # noqa: E402
from training.gates import OPEN  # noqa: E402
from training.gate_pack import fixed_predictor, write_folder  # noqa: E402

ABOUT = {
    "name": "demo",
    "license": "CC BY-SA 3.0, with the model's names: see its README.md",
    "recipe": "models/training/demo/README.md",
}
ALWAYS_OPEN = 100.0  # a margin that no offset takes away
CLIPS = 300  # that the offsets are measured on


def load(run):
    """The averaged DemoModel of a gated run, its Budgets in ascending order"""
    state = torch.load(os.path.join(run, "checkpoint.pt"), weights_only=False)
    names = {n.split(".")[1] for n in state["average"] if n.startswith("predictors.")}
    if not names:
        raise SystemExit("package_gates.py: %s is not a gated run" % run)
    budgets = sorted(map(gating.budget_named, names))
    model = DemoModel(len(state["tokens"]), predictors=gating.new_predictors(WIDTH, budgets))
    model.load_state_dict(state["average"])
    return model.eval(), budgets


@torch.no_grad()
def pooled_inputs(model, stores):
    """(clips, WIDTH): pooled stem outputs of dev clips and of training clips, CLIPS in all."""
    found = [
        (store, i)
        for store in stores
        for i, clip in enumerate(store.clips)
        if clip["language"] in LANGUAGES and clip["source"] != "word" and clip["split"] != "test"
    ]
    found.sort(key=lambda at: at[0].clips[at[1]]["split"] != "dev")
    dev = sum(store.clips[i]["split"] == "dev" for store, i in found)
    rest = max(1, CLIPS - dev)
    found = found[:dev] + found[dev :: max(1, (len(found) - dev) // rest)]
    pooled = []
    for store, i in found[:CLIPS]:
        frames = store.frames(i)[: store.speech_frames(i) + TAIL_FRAMES // 2]
        model.encode(frames[None], torch.tensor([len(frames)]), pooled.append)
    return torch.cat(pooled)


def contexts():
    """All (language row, task row) that are trained, as language row * tasks + task row.

    Each language's recognition as often as its translations together, as the training has it.
    """
    others = len(LANGUAGES) - 1
    pairs = [(a, prompt_task(a, b)) for a in LANGUAGES for b in LANGUAGES for _ in range(others if a == b else 1)]
    return [row * len(TASKS) + task for row, task in (gating.context_of(*pair) for pair in pairs)]


@torch.no_grad()
def brought_to(budget, trained, predictor, weights, pooled):
    """(copy of the predictor trained for a budget, for this one, closed share before, after)"""
    predictor = copy.deepcopy(predictor)
    if budget.of_decoder:
        last = predictor.mlp[2]
        last.weight[: 2 * GATES[0]] = 0.0
        last.bias[: 2 * GATES[0]].view(-1, 2)[:, OPEN] = ALWAYS_OPEN
    margins = calibrate.context_margins(predictor, pooled, contexts(), len(TASKS))
    offset = 0.0 if budget == trained else calibrate.offset_for(margins, weights, budget.share)
    predictor.shift_open(offset)
    return predictor, *(calibrate.mean_closed(margins, o, weights) for o in (0.0, offset))


def write(run, model_folder, stores, costs_path, default_budget, also=()):
    """Writes the packs; returns (Budget, closed share before the offset, after it) rows.

    also: shares that were not trained.
    """
    model, trained = load(run)
    pooled = pooled_inputs(model, stores)
    meaning = {
        "encoder_modules": list(ENCODER_MODULES),
        "decoder_modules": list(DECODER_MODULES),
        "languages": gating.ROWS,
        "tasks": list(TASKS),
    }
    base = "owsm", os.path.join(model_folder, "model.safetensors")
    rows = []
    for of_decoder, folder in ((False, "gate_pack"), (True, "gate_pack_decoder")):
        known = [budget for budget in trained if budget.of_decoder == of_decoder]
        if not known:
            continue
        wanted = {*known, *(() if of_decoder else map(gating.Budget, also))}
        predictors = {}
        for budget in sorted(wanted):
            nearest = min(known, key=lambda each: abs(each.share - budget.share))
            weights = gating.budget_weights(budget, costs_path)
            found = brought_to(budget, nearest, model.predictors[nearest.name], weights, pooled)
            predictors[budget.share] = found[0]
            rows.append((budget, *found[1:]))
        predictors[0.0] = fixed_predictor(next(iter(predictors.values())))
        default = "%g" % known[0].share if of_decoder else default_budget
        about = {**ABOUT, "default_budget": default}
        write_folder(os.path.join(model_folder, folder), base, meaning, predictors, {}, about)
    return rows


def main():
    parser = argparse.ArgumentParser(description="Writes the gate pack of a gated demo run.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--store", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--costs", metavar="FILE", help="cost table; default: count gates")
    parser.add_argument("--default-budget", default="0", help="of --gates auto and pack")
    parser.add_argument("--also", type=budget_list, default=(), metavar="LIST", help="untrained budgets")
    args = parser.parse_args()
    torch.set_num_threads(1)
    stores = load_stores(args.store)
    for row in write(args.run, args.model, stores, args.costs, args.default_budget, args.also):
        print("%s: closed %.3f before the offset, %.3f after it" % (row[0].name, *row[1:]))


if __name__ == "__main__":
    main()
