#!/usr/bin/env python3
"""Which modules a pack's gates close in each context, as Markdown: map, agreement, spread.

    context_report.py MODEL --pack DIR --prompts DIR [--budget 0.3] [--clips N] [--split dev]

A context is a language and a task. Every clip is looked at in every context, so that a difference
between contexts is the context's and not the clips'.
"""

import argparse
import itertools
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from measuring import markdown_table  # noqa: E402
from training.batches import LANGUAGES, TASKS, language_row  # noqa: E402
from training.checkpoint import load_whisper  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.gate_pack import load_predictor, read_pack  # noqa: E402
from training.gates import hard_gates  # noqa: E402
from training.whisper_features import true_length  # noqa: E402


@torch.inference_mode()
def gates_in_contexts(model, predictor, prompts, clips):
    """{(language, task): (clips, gates)}: the same clips in every context"""
    mels = [true_length(torch.from_numpy(prompts.samples(c))) for c in clips]
    pooled = torch.cat([model.encoder.stem(mel[None]).mean(1) for mel in mels])
    found = {}
    for language, task in itertools.product(LANGUAGES[1:], TASKS):
        if language == "en" and task == "translate":
            continue
        rows = torch.full((len(pooled),), language_row(language))
        tasks = torch.full((len(pooled),), TASKS.index(task))
        found[(language, task)] = hard_gates(predictor.raw(pooled, rows, tasks))
    return found


def module_names(layer_counts, modules):
    return [
        "%s %d %s" % (stack, layer, name)
        for stack, layers, names in zip(("encoder", "decoder"), layer_counts, modules)
        for layer in range(layers)
        for name in names
    ]


def context_map(found, names):
    """Rows of modules that any context closes: percentage of clips that close it, by context."""
    rows = []
    for gate, name in enumerate(names):
        closed = [float(1 - gates[:, gate].mean()) for gates in found.values()]
        if max(closed) > 0:
            rows.append([name, *("%d" % round(100 * c) if c else "" for c in closed)])
    head = ["closed, % of clips", *("%s %s" % context for context in found)]
    return markdown_table(head, rows)


def agreement(found):
    """(name, mean number of gates that differ) for pairs of contexts, by what sets them apart."""
    groups = {"language": [], "task": [], "both": []}
    for (one, a), (two, b) in itertools.combinations(found.items(), 2):
        kind = "task" if one[0] == two[0] else "language" if one[1] == two[1] else "both"
        groups[kind].append(float((a != b).float().sum(1).mean()))
    spread = [float((g != g.mode(0).values).float().sum(1).mean()) for g in found.values()]
    rows = [["contexts that differ in " + k, "%.2f" % (sum(v) / len(v))] for k, v in groups.items() if v]
    rows.append(["clips of one context, from its commonest mask", "%.2f" % (sum(spread) / len(spread))])
    return markdown_table(["gates that differ, mean", ""], rows)


def main():
    parser = argparse.ArgumentParser(description="Gates by context, as Markdown.")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--pack", required=True, metavar="DIR")
    parser.add_argument("--prompts", required=True, metavar="DIR")
    parser.add_argument("--budget", default="0.3")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--split", default="dev")
    args = parser.parse_args()
    torch.set_num_threads(1)
    config, arrays = read_pack(args.pack, args.model)
    model, prompts = load_whisper(args.model).eval(), ClipStore(args.prompts)
    clips = [c for c in prompts.clips if c["split"] == args.split]
    clips = clips[:: max(1, len(clips) // args.clips)][: args.clips]
    found = gates_in_contexts(model, load_predictor(config, arrays, args.budget), prompts, clips)
    modules = (config["gates"]["encoder_modules"], config["gates"]["decoder_modules"])
    print("Budget %s, %d clips of the %s split.\n" % (args.budget, len(clips), args.split))
    print(context_map(found, module_names(model.gate_counts, modules)) + "\n")
    print(agreement(found))


if __name__ == "__main__":
    main()
