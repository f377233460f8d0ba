#!/usr/bin/env python3
"""What closing each module of a pack's model does to it, by context: which gates may close.

    ablate.py --model DIR --pack PACK --prompts DIR [--costs FILE] [--clips N] [--sets GATES ...] [--out FILE]

Gates are numbers, encoder's first, layer by layer. Without --sets: for every language and task, the
divergence in nats a token (KL) from the open model on training prompts with each gate closed by itself,
and how alike the contexts' orders are (rank correlation, mean over pairs). With it: for every set of
gates the divergence on the dev prompts without and with a bridge (bridge.py) fitted to it, which is
where distil_gates.py begins. Modules closed by themselves say little about sets: whole layers go best.
"""

import argparse
import itertools
import json
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training.batches import LANGUAGES, TASKS  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.context_report import module_names  # noqa: E402
from training.costs import read_costs  # noqa: E402
from training.bridge import Bridge  # noqa: E402
from training.distil_batches import DistilSource, plain_batch, plain_batches  # noqa: E402
from training.distil_gates import divergence, fit_bridge, load_teacher, measure, teach  # noqa: E402
from training.gates import gate_weights  # noqa: E402
from training.whisper_model import DECODER_MODULES, ENCODER_MODULES  # noqa: E402
from training.whisper_tokens import WhisperTokens  # noqa: E402


def context_batches(prompts, tokens, count):
    """{(language, task): Batch of `count` training prompts of 2 to 5 s}"""
    batches = {}
    for language, task in itertools.product(LANGUAGES[1:], TASKS):
        able = [c for c in prompts.clips if c["language"] == language and c["split"] == "train"]
        able = [c for c in able if 2 < c["samples"] / 16000 < 5]
        if task == "translate":
            able = [c for c in able if language != "en" and "en" in c["texts"]]
        if able:
            chosen = able[:: max(1, len(able) // count)][:count]
            batches[language, task] = plain_batch(chosen, prompts, tokens, task)
    return batches


@torch.no_grad()
def added_divergence(model, batch):
    """(gates,) KL from the open model with each gate closed by itself."""
    taught = teach(model, batch)
    masks = 1 - torch.eye(sum(n * m for n, m in zip(model.gate_counts, (2, 3))))
    return torch.tensor([divergence(model, batch, m.expand(len(batch.mel), -1), taught) for m in masks])


def set_divergence(model, teacher, closed, dev, source):
    """KL on `dev` with the gates `closed`, without and with a bridge fitted on batches of `source`."""
    mask = torch.ones(sum(n * m for n, m in zip(model.gate_counts, (2, 3))))
    mask[closed] = 0.0
    model.bridge = Bridge(model.config["d_model"])
    found = []
    for fitted in (False, True):
        if fitted:
            fit_bridge(model, teacher, mask, source)
        found.append(measure(model, teacher, dev, mask)["kl"])
    return found


def rank_correlation(a, b):
    """Spearman's, of two tensors without ties"""
    ranks = [x.argsort().argsort().double() for x in (a, b)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


def main():
    parser = argparse.ArgumentParser(description="What closing each module costs, by context.")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--pack", required=True, metavar="PACK")
    parser.add_argument("--prompts", required=True, metavar="DIR")
    parser.add_argument("--clips", type=int, default=6, help="a context")
    parser.add_argument("--costs", metavar="FILE", help="of espalier profile; default: count gates")
    parser.add_argument("--out", metavar="FILE", help="the table as JSON")
    parser.add_argument("--sets", nargs="+", metavar="GATES", help="comma-separated")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model, prompts = load_teacher(args.model, args.pack), ClipStore(args.prompts)
    tokens = WhisperTokens(args.model)
    names = module_names(model.gate_counts, (ENCODER_MODULES, DECODER_MODULES))
    costs = read_costs(args.costs, model.gate_counts) if args.costs else None
    weights = gate_weights(12, 18, costs)
    if args.sets:
        teacher, dev = load_teacher(args.model, args.pack), plain_batches(prompts, "dev", tokens, 20.0)
        for each in args.sets:
            closed, source = [int(g) for g in each.split(",")], DistilSource([(prompts, 1.0)], tokens, 1, 12.0)
            share = float(weights[closed].sum())
            found = set_divergence(model, teacher, closed, dev, source)
            print("%s: %.3f of the cost, KL %.2f, with a bridge %.2f" % (each, share, *found), flush=True)
        return
    table = {}
    for context, batch in context_batches(prompts, tokens, args.clips).items():
        table["%s %s" % context] = added_divergence(model, batch)
        print("%s %s" % context, flush=True)
    rows = torch.stack(list(table.values()))
    for gate in (rows.mean(0) / weights).argsort().tolist():
        own = " ".join("%6.2f" % v for v in rows[:, gate])
        about = gate, names[gate], weights[gate], rows[:, gate].mean(), own
        print("%2d %-22s %.3f of the cost %6.2f | %s" % about)
    alike = [rank_correlation(a, b) for a, b in itertools.combinations(rows, 2)]
    print("rank correlation of two contexts: mean %.3f, least %.3f" % (sum(alike) / len(alike), min(alike)))
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump({"gates": names, "kl": {k: v.tolist() for k, v in table.items()}}, file, indent=1)


if __name__ == "__main__":
    main()
