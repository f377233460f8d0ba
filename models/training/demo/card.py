#!/usr/bin/env python3
"""Puts what the demo model is, was trained on and can do into the card that convert.py wrote.

    card.py MODEL --results LABEL=FILE [--results LABEL=FILE …] --run RUN [--run GATED]

FILE: evaluate.py's --csv, of this very model; a LABEL for each choice of gates. RUN: train.py's, for how
long it trained. The table of dimensions and the origin's checksum stay as convert.py has them.
"""

import argparse
import csv
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
import measuring  # noqa: E402

NO_GATES = "none (always the whole network)"  # as convert.py says it

LEAD = """# {name}

A small speech model for trying Espalier without a network: recognition of English, French and
Italian, and translation between them. It knows the sentences of a grammar (travel, time, numbers,
home, telephone) and telephone prompts, in lower case without punctuation. It is no general
recogniser: other words, free speech, noise and other languages are beyond it, and so are more than two
sentences at a time: it has heard nothing longer.
"""

DATA = """
## Trained on

From scratch, by `models/training/demo` ({updates} updates, {hours:.1f} hours): sentences of a
grammar with exact translations, spoken by SVOX Pico, espeak-ng variants and flite, and human
telephone prompts with their translations by prompt id. Test sentences, test prompts (with their
words) and the unseen voices were never trained on, in any language or task.

The prompts are those of Debian's asterisk-core-sounds packages: English by Allison Smith and French
by June Wallack (CC BY-SA 3.0), Italian by Carlo Flora (CC BY 3.0). The weights are offered under
CC BY-SA 3.0 with these names.
"""

MEASURED = """
## Measured

`models/training/demo/evaluate.py --ctc-weight 0.3 -- --gates budget=B --beam-size 5`, through
`espalier transcribe`; {machine}. Columns by B, a share of the time; with 0 nothing is closed; "decoder 0.5": `--gates gate_pack_decoder`, half
of the decoder's gates by cost; "no CTC": `--ctc-weight 0`. ESPnet's
CTC score swallows the first 0.3 s (models/training/demo/README.md), which costs a known sentence its first word
and keeps prompts of unknown words nearer to their sound.
"grammar": unseen sentences, voices of the training; "unseen voice": unseen sentences and voices;
"prompt": human prompts of unseen ids, voices of the training.

{table}
"""


def converted_parts(text):
    """(table of dimensions, origin) of the card that convert.py wrote."""
    blocks = text.split("\n\n")
    table = next(b for b in blocks if b.startswith("| "))
    return table, blocks[-1].split("Licence and training data")[0].strip()


def merged(results):
    """(head, rows) of one table from label -> rows of evaluate.py's file, head first, alike but for figures."""
    tables = list(results.values())
    head = tables[0][0][:5] + ["%s, %s" % (name, label) for label in results for name in tables[0][0][5:]]
    rows = []
    for parts in zip(*(table[1:] for table in tables)):
        assert all(part[:5] == parts[0][:5] for part in parts), parts
        rows.append(parts[0][:5] + [figure for part in parts for figure in part[5:]])
    return head, rows


def card(name, converted, results, curves, budgets, machine):
    """results: label -> rows; curves: of the runs, one after another; budgets: of its gate pack."""
    dimensions, origin = converted_parts(converted)
    dimensions = dimensions.replace(NO_GATES, "`gate_pack`: budgets " + ", ".join(budgets))
    ends = [curve[-1] for curve in curves]
    hours = sum(int(end["seconds"]) for end in ends) / 3600
    data = DATA.format(updates=sum(int(end["update"]) for end in ends), hours=hours)
    table = measuring.markdown_table(*merged(results))
    measured = MEASURED.format(machine=machine, table=table)
    return "\n".join([LEAD.format(name=name), dimensions, data, origin, measured])


def read_rows(path, reader):
    with open(path, encoding="utf-8", newline="") as file:
        return list(reader(file))


def main():
    parser = argparse.ArgumentParser(description="The demo model's card, with measured figures.")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--results", action="append", required=True, metavar="LABEL=FILE")
    parser.add_argument("--run", action="append", required=True, metavar="RUN")
    args = parser.parse_args()
    path = os.path.join(args.model, "README.md")
    with open(path, encoding="utf-8") as file:
        converted = file.read()
    named = (each.partition("=") for each in args.results)
    results = {label: read_rows(file, csv.reader) for label, _, file in named}
    curves = [read_rows(os.path.join(run, "curve.csv"), csv.DictReader) for run in args.run]
    name = os.path.basename(os.path.abspath(args.model))
    with open(os.path.join(args.model, "gate_pack", "gate_pack.json"), encoding="utf-8") as file:
        budgets = list(json.load(file)["gates"]["budgets"])
    text = card(name, converted, results, curves, budgets, measuring.machine())
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
