#!/usr/bin/env python3
"""Error rates of the demo model by `espalier transcribe`: per kind of voice, language and task.

    evaluate.py MODEL --store FOLDER [--store FOLDER …] [--espalier PROGRAM] [--limit N]
                [--split test] [--csv FILE] [--ctc-weight X] [-- OPTIONS OF espalier transcribe]

FOLDERs as for train.py. Kinds: the grammar's sentences by voices of the training, by voices that it
never heard, and human prompts. Translations are scored by word error rate and BLEU.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
import measuring  # noqa: E402
from text_errors import error_rate, normalise  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.demo.bleu import corpus_bleu  # noqa: E402
from training.demo.clips import LANGUAGES, join_translations  # noqa: E402
from wav_file import write_wav  # noqa: E402

HEAD = ["voice", "language", "task", "clips", "words", "WER %", "BLEU"]


def test_sets(stores, split, limit):
    """(kind, language) -> list of (store, clip)"""
    sets = {}
    for store in stores:
        for clip in store.clips:
            if clip["split"] == split and clip["language"] in LANGUAGES:
                sets.setdefault((clip["source"], clip["language"]), []).append((store, clip))
    for members in sets.values():
        random.Random(1).shuffle(members)
        del members[limit:]
    return dict(sorted(sets.items()))


def transcribe(args, language, target, files, out):
    command = [args.espalier, "transcribe", *files, "-m", args.model, "-l", language, "-f", "json"]
    command += ["--output-dir", out, "--quiet", "--no-timestamps", *args.options]
    if target == language:
        command += ["--ctc-weight", str(args.ctc_weight)]  # CTC spells the source
    else:
        command += ["--task", "st:%s" % LANGUAGES[target].strip("<>")]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit("evaluate.py: %s: exit status %d" % (args.espalier, done.returncode))


def results(args, members, language, target, scratch):
    """(reference, hypothesis) of each clip whose text in `target` is known."""
    members = [m for m in members if target in m[1]["texts"]]
    files = []
    for index, (store, clip) in enumerate(members):
        path = os.path.join(scratch, "%d.wav" % index)
        write_wav(path, (store.samples(clip) * 32768).round())
        files.append(path)
    out = os.path.join(scratch, "out-%s" % target)
    if members:
        transcribe(args, language, target, files, out)
    pairs = []
    for index, (_, clip) in enumerate(members):
        with open(os.path.join(out, "%d.json" % index), encoding="utf-8") as file:
            pairs.append((clip["texts"][target], json.load(file)["text"]))
    return pairs


def row_of(kind, language, target, pairs):
    same = target == language
    return [
        kind,
        language,
        "recognition" if same else "to %s" % target,
        len(pairs),
        sum(len(normalise(reference)) for reference, _ in pairs),
        "%.1f" % error_rate(pairs),
        "" if same else "%.1f" % corpus_bleu(pairs),
    ]


def evaluate(args):
    stores = [ClipStore(folder) for folder in args.store]
    join_translations(stores)
    for (kind, language), members in test_sets(stores, args.split, args.limit).items():
        with tempfile.TemporaryDirectory() as scratch:
            for target in LANGUAGES:
                pairs = results(args, members, language, target, scratch)
                if args.errors:
                    for pair in pairs:
                        print("%s\n  said %s" % pair)
                if pairs:
                    yield row_of(kind, language, target, pairs)


def main():
    parser = argparse.ArgumentParser(description="Error rates per voice, language and task.")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--store", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--espalier", metavar="PROGRAM", default="bazel-bin/apps/espalier")
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    parser.add_argument("--limit", type=int, default=1000, help="clips of each kind and language")
    parser.add_argument("--csv", metavar="FILE")
    parser.add_argument("--ctc-weight", type=float, default=0.0, help="in recognition")
    parser.add_argument("--errors", action="store_true", help="print every clip's two texts")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    args = parser.parse_args(words[:end])
    args.options = words[end + 1 :]  # argparse gives them to --store
    rows = list(evaluate(args))
    print("%s; %s\n" % (os.path.basename(os.path.abspath(args.model)), measuring.machine()))
    print(measuring.markdown_table(HEAD, rows))
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEAD, *rows])


if __name__ == "__main__":
    main()
