#!/usr/bin/env python3
"""What the demo's gates do, as a page: maps, agreement, accuracy against time, controls.

    gate_report.py MODEL OUT --store FOLDER [--store FOLDER …] [--costs FILE] [--espalier PROGRAM] [--limit N]

MODEL: with its gate packs (package_gates.py). OUT gets README.md, results.csv, gates.svg, accuracy.svg.
Every budget runs as it is, with its encoder's or decoder's gates alone, and against controls of the
same cost: one mask for all contexts (what most of them close), random masks, and every context's
gates given to another one. Gates are fixed by context, by a look at one clip each; texts and times come
from `espalier`: the error rates of all test clips, and `bench` over some of them, all in turn,
recognised and translated. --costs as in the run.
"""

import argparse
import copy
import csv
import json
import os
import random
import subprocess
import sys
import tempfile

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
import measuring  # noqa: E402
from svg_chart import line_chart  # noqa: E402
from text_errors import error_rate  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.demo import gating  # noqa: E402
from training.demo.bleu import corpus_bleu  # noqa: E402
from training.demo.clips import LANGUAGES, join_translations  # noqa: E402
from training.demo.evaluate import results, test_sets  # noqa: E402
from training.masks import random_mask, static_mask  # noqa: E402
from wav_file import write_wav  # noqa: E402

STACKS = ("encoder", "decoder")
TIMED_CLIPS = 12
TIMED_TASKS = ((), ("--task", "st:fra"))  # of English clips
HEAD = ["budget", "gates", "closed %", "time %", "decoder's %", "WER %", "WER % human", "BLEU"]


def flat(mask):
    """Gates of a mask (as gate files have it) as one list, the encoder's first."""
    return [gate for stack in STACKS for layer in mask[stack]["layers"] for gate in layer]


def like(mask, gates):
    """A mask of the shape of `mask` from a flat list."""
    mask, gates = copy.deepcopy(mask), [int(g) for g in gates]
    for stack in STACKS:
        for layer in mask[stack]["layers"]:
            layer[:], gates = gates[: len(layer)], gates[len(layer) :]
    return mask


def with_masks(contexts, masks):
    """Contexts (of a gate file) with other masks, in the same order."""
    return [{**c, **{s: m[s] for s in STACKS}} for c, m in zip(contexts, masks)]


def opened(contexts, stack):
    """The contexts with every gate of a stack open."""
    masks = copy.deepcopy(contexts)
    for mask in masks:
        mask[stack]["layers"] = [[1] * len(layer) for layer in mask[stack]["layers"]]
    return masks


def variants(contexts, budget, costs_path):
    """name -> contexts: the gates themselves, halves of them, and controls of the same cost."""
    weights = gating.budget_weights(budget, costs_path)
    rows = torch.tensor([flat(c) for c in contexts], dtype=torch.float32)
    cost = float(((1 - rows) * weights).sum(1).mean())
    found = {"by context": contexts}
    if not budget.of_decoder:
        found["encoder alone"] = opened(contexts, "decoder")
        found["decoder alone"] = opened(contexts, "encoder")
    found |= {
        "one mask": [like(c, static_mask(rows.mean(0), weights, cost)) for c in contexts],
        "another context's": with_masks(contexts, contexts[4:] + contexts[:4]),
    }
    for seed in (1, 2):
        mask = random_mask(weights, cost, seed)
        found["random %d" % seed] = [like(c, mask) for c in contexts]
    return {name: with_masks(contexts, masks) for name, masks in found.items()}


def choices_of(model):
    """Budget -> what --gates calls it: the pack's budgets above 0, and the decoder pack's."""
    found = {}
    for folder, of_decoder in (("gate_pack", False), ("gate_pack_decoder", True)):
        path = os.path.join(model, folder)
        if not os.path.exists(path):
            continue
        with open(os.path.join(path, "gate_pack.json"), encoding="utf-8") as file:
            shares = map(float, json.load(file)["gates"]["budgets"])
        found |= {gating.Budget(s, of_decoder): "%s,budget=%g" % (path, s) for s in shares if s > 0}
    return found


def name_of(budget):
    return "%s%g" % ("decoder " * budget.of_decoder, budget.share)


def gates_of(args, choice, clip):
    """The gates of all trained contexts, from `espalier gates`: a gate file's contexts."""
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "gates.json")
        command = [args.espalier, "gates", clip, "-m", args.model, "--gates", choice]
        subprocess.run([*command, "--all-contexts", "--json-out", out], check=True, stdout=subprocess.DEVNULL)
        with open(out, encoding="utf-8") as file:
            contexts = json.load(file)["contexts"]
    return [c for c in contexts if c["language"] != "other" and c["task"] != "st_" + c["language"]]


def agreement(contexts):
    """Rows: mean share of equal gates over pairs of contexts, by what the two have in common."""
    groups = {"task": [], "language": [], "neither": []}
    for i, one in enumerate(contexts):
        for two in contexts[:i]:
            pair = list(zip(flat(one), flat(two)))
            kind = "neither"
            for key in ("task", "language"):
                kind = key if one[key] == two[key] else kind
            groups[kind].append(sum(a == b for a, b in pair) / len(pair))
    return [[k, "%.1f" % (100 * sum(v) / len(v))] for k, v in groups.items() if v]


def errors_and_bleu(args, sets, gates):
    """(WER % of synthesised clips, of human ones, BLEU of all translations)"""
    scored = argparse.Namespace(**vars(args), options=["--gates", gates])
    said, translated = {True: [], False: []}, []
    for (kind, language), members in sets.items():
        with tempfile.TemporaryDirectory() as scratch:
            for target in LANGUAGES:
                pairs = results(scored, members, language, target, scratch)
                if target == language:
                    said[kind == "prompt"] += pairs
                else:
                    translated += pairs
    return error_rate(said[False]), error_rate(said[True]), corpus_bleu(translated)


def times(args, files, choices):
    """name -> (seconds, seconds of the decoder) of the files in TIMED_TASKS, in interleaved runs."""
    sums = {name: [0.0, 0.0] for name in choices}
    for task in TIMED_TASKS:
        command = [args.espalier, "bench", "-m", args.model, "-l", "en", *task, "-t", "1", "--runs", "9", "--json"]
        for i, choice in enumerate(choices.values()):
            command += ["--compare" if i else "--gates", choice]
        clock = {**os.environ, "ESPALIER_CLOCK": "cpu"}  # whatever else runs meanwhile
        out = subprocess.run([*command, *files], check=True, capture_output=True, env=clock).stdout
        for name, found in zip(choices, json.loads(out)["variants"]):
            sums[name][0] += found["total_s"]
            sums[name][1] += found["decode_s"]
    return sums


def write_gates(folder, name, contexts):
    path = os.path.join(folder, name.replace(" ", "-") + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"contexts": contexts}, file)
    return path


def page(args, clips, rows, agree, shown):
    parts = [
        "# Gates of the demo model\n",
        "Made by `models/training/demo/gate_report.py`; %s.\n" % measuring.machine(),
        "Error rates over %d test clips, synthesised and human; time: `espalier bench` over %d of them, "
        "recognised and translated, processor time of one thread, as a share of the time with every gate "
        "open. A budget is a share of the time, \"decoder 0.5\" of what the decoder's gates cost "
        "(gate_pack_decoder). \"by context\" are the pack's gates; the others are the controls that the "
        "script's first lines name.\n" % (clips, TIMED_CLIPS),
        "![accuracy against time](accuracy.svg)\n",
        measuring.markdown_table(HEAD, rows),
        "\n## Contexts\n",
        "Mean share of equal gates over pairs of contexts that share …\n",
        measuring.markdown_table(["budget", "in common", "equal gates %"], agree),
        "\nAt budget %s:\n\n![gates by context](gates.svg)\n" % shown,
    ]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description="Markdown and SVG about the demo's gates.")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--store", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--costs", metavar="FILE", help="cost table; default: count gates")
    parser.add_argument("--espalier", metavar="PROGRAM", default="bazel-bin/apps/espalier")
    parser.add_argument("--limit", type=int, default=40, help="clips of each kind and language")
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    parser.add_argument("--shown", default="0.3", help="budget of the map and the agreement")
    args = parser.parse_args()
    args.ctc_weight = 0.0
    os.makedirs(args.out, exist_ok=True)
    budgets = choices_of(args.model)
    stores = [ClipStore(folder) for folder in args.store]
    join_translations(stores)
    sets = test_sets(stores, args.split, args.limit)
    with tempfile.TemporaryDirectory() as scratch:
        english = [m for (_, language), members in sets.items() if language == "en" for m in members]
        files = []
        for i, (store, clip) in enumerate(random.Random(1).sample(english, TIMED_CLIPS)):
            files.append(os.path.join(scratch, "%d.wav" % i))
            write_wav(files[-1], (store.samples(clip) * 32768).round())
        choices, closed = {("0", "all open"): "all"}, {("0", "all open"): 0.0}
        gates = {name_of(budget): gates_of(args, choice, files[0]) for budget, choice in budgets.items()}
        for budget in budgets:
            for name, masks in variants(gates[name_of(budget)], budget, args.costs).items():
                key = name_of(budget), name
                choices[key] = write_gates(scratch, " ".join(key), masks)
                shares = [1 - sum(flat(m)) / len(flat(m)) for m in masks]
                closed[key] = 100 * sum(shares) / len(shares)
        taken = times(args, files, choices)
        whole = taken["0", "all open"]
        rows, series = [], {}
        for key, choice in choices.items():
            shares = [100 * part / of for part, of in zip(taken[key], whole)]
            errors = errors_and_bleu(args, sets, choice)
            rows.append([*key, "%.0f" % closed[key], *("%.1f" % figure for figure in (*shares, *errors))])
            if not key[0].startswith("decoder"):
                series.setdefault(key[1], []).append((shares[0], errors[0]))
            print(*rows[-1], flush=True)
        agree = [
            [name, *row]
            for name in (args.shown, "decoder 0.5")
            if name in gates
            for row in agreement(gates[name])
        ]
        command = [args.espalier, "gates", files[0], "-m", args.model, "--gates", "budget=" + args.shown]
        svg = os.path.join(args.out, "gates.svg")
        subprocess.run([*command, "--all-contexts", "--svg", svg], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(args.out, "results.csv"), "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEAD, *rows])
    dense = series.pop("all open")
    series = {name: dense + points for name, points in series.items()}
    chart = line_chart(
        series, "time, % of every gate open", "word errors, % (synthesised)", (40, 100), (0, 60)
    )
    with open(os.path.join(args.out, "accuracy.svg"), "w", encoding="utf-8") as file:
        file.write(chart)
    clips = sum(len(members) for members in sets.values())
    with open(os.path.join(args.out, "README.md"), "w", encoding="utf-8") as file:
        file.write(page(args, clips, rows, agree, args.shown))


if __name__ == "__main__":
    main()
