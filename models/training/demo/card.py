#!/usr/bin/env python3
"""Puts what the demo model is, was trained on and can do into the card that convert.py wrote.

    card.py MODEL --results FILE --run RUN

FILE: evaluate.py's --csv, of this very model. RUN: train.py's, for how long it trained. The table
of dimensions and the origin's checksum stay as convert.py has them.
"""

import argparse
import csv
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
import measuring  # noqa: E402

LEAD = """# {name}

A small speech model for trying Espalier without a network: recognition of English, French and
Italian, and translation between them. It knows the sentences of a grammar (travel, time, numbers,
home, telephone) and telephone prompts, in lower case without punctuation. It is no general
recogniser: other words, free speech, noise and other languages are beyond it.
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

`models/training/demo/evaluate.py`, greedy, through `espalier transcribe`; {machine}.
"grammar": unseen sentences, voices of the training; "unseen voice": unseen sentences and voices;
"prompt": human prompts of unseen ids, voices of the training.

{table}
"""


def converted_parts(text):
    """(table of dimensions, origin) of the card that convert.py wrote."""
    blocks = text.split("\n\n")
    table = next(b for b in blocks if b.startswith("| "))
    return table, blocks[-1].split("Licence and training data")[0].strip()


def card(name, converted, results, curve, machine):
    dimensions, origin = converted_parts(converted)
    last = curve[-1]
    data = DATA.format(updates=last["update"], hours=int(last["seconds"]) / 3600)
    table = measuring.markdown_table(results[0], results[1:])
    measured = MEASURED.format(machine=machine, table=table)
    return "\n".join([LEAD.format(name=name), dimensions, data, origin, measured])


def main():
    parser = argparse.ArgumentParser(description="The demo model's card, with measured figures.")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--results", required=True, metavar="FILE")
    parser.add_argument("--run", required=True, metavar="RUN")
    args = parser.parse_args()
    path = os.path.join(args.model, "README.md")
    with open(path, encoding="utf-8") as file:
        converted = file.read()
    with open(args.results, encoding="utf-8", newline="") as file:
        results = list(csv.reader(file))
    with open(os.path.join(args.run, "curve.csv"), encoding="utf-8", newline="") as file:
        curve = list(csv.DictReader(file))
    name = os.path.basename(os.path.abspath(args.model))
    text = card(name, converted, results, curve, measuring.machine())
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
