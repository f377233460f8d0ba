#!/usr/bin/env python3
"""Word and character error rates of `espalier transcribe` over a manifest of clips, per language.

    evaluate_wer.py MANIFEST AUDIO_ROOT --model DIR [--espalier PROGRAM] [--beam-size N]
                    [--languages en,fr] [--limit N] [--max-seconds S] [--threads N] [--errors]
                    [--extra "OPTIONS"] [--against "OPTIONS"]
    evaluate_wer.py MANIFEST AUDIO_ROOT --hyp-dir DIR

MANIFEST: JSON, a list of {"file", "language", "text", "seconds"}; clips over 30 s are left out
unless --max-seconds says otherwise. One process per language, so that
loading is paid once. --against runs the clips with its options in place of --extra too and lists
those whose text differs: two devices, say. --hyp-dir scores what is there: DIR/<language>/<stem>.json or .txt.
Exit status 1 when a clip has no result.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

import measuring
from text_errors import count_errors, normalise


def read_manifest(args):
    with open(args.manifest, encoding="utf-8") as file:
        entries = [e for e in json.load(file) if e["seconds"] <= args.max_seconds]
    by_language = {}
    for entry in entries:
        by_language.setdefault(entry["language"], []).append(entry)
    wanted = args.languages.split(",") if args.languages else sorted(by_language)
    missing = [language for language in wanted if language not in by_language]
    if missing:
        raise SystemExit("evaluate_wer.py: %s: no clips in %s" % (args.manifest, missing[0]))
    return {language: by_language[language][: args.limit] for language in wanted}


def stem(entry):
    return os.path.splitext(os.path.basename(entry["file"]))[0]


def transcribe(args, language, entries, out_dir, options):
    """Runs the program once over all clips of a language; returns wall seconds."""
    os.makedirs(out_dir)
    files = [os.path.join(args.audio_root, entry["file"]) for entry in entries]
    command = [args.espalier, "transcribe", *files, "-m", args.model, "-l", language, "-f", "json"]
    command += ["--beam-size", str(args.beam_size), "--output-dir", out_dir, "--quiet"]
    if args.threads:
        command += ["--threads", str(args.threads)]
    start = time.monotonic()
    done = subprocess.run(command + shlex.split(options), stdout=subprocess.DEVNULL)
    if done.returncode:
        print("%s: exit status %d" % (language, done.returncode), file=sys.stderr)
    return time.monotonic() - start


def hypothesis(folder, entry):
    """The clip's text, or None when there is no result."""
    base = os.path.join(folder, stem(entry))
    if os.path.isfile(base + ".json"):
        with open(base + ".json", encoding="utf-8") as file:
            return json.load(file)["text"]
    if os.path.isfile(base + ".txt"):
        with open(base + ".txt", encoding="utf-8") as file:
            return file.read()
    return None


def score(args, folder, entries):
    """(sums of count_errors, clips without a result)"""
    sums, absent = [0, 0, 0, 0], 0
    for entry in entries:
        text = hypothesis(folder, entry)
        absent += text is None
        counts = count_errors(entry["text"], text or "")
        sums = [a + b for a, b in zip(sums, counts)]
        if args.errors and counts[0]:
            words = [" ".join(normalise(t or "")) for t in (entry["text"], text)]
            print("%s\n  ref %s\n  hyp %s" % (entry["file"], *words))
    return sums, absent


def count_different(args, folder, language, entries):
    """Clips whose text is another one with --against; prints both texts."""
    other = folder + "-against"
    transcribe(args, language, entries, other, args.against)
    count = 0
    for entry in entries:
        texts = [hypothesis(f, entry) for f in (folder, other)]
        if texts[0] != texts[1]:
            count += 1
            print("%s\n  %s\n  %s" % (entry["file"], *texts))
    return count


def result_row(name, sums, clips, absent, seconds, wall):
    speed = "%.1f (%.3f)" % (wall, wall / seconds) if wall else "-"
    word, words, char, chars = sums
    return [
        name,
        clips,
        absent,
        "%.1f" % (100 * word / words),
        "%.1f" % (100 * char / chars),
        speed,
    ]


def evaluate(args, scratch):
    rows, total, all_clips, all_absent, all_seconds, all_wall = [], [0] * 4, 0, 0, 0.0, 0.0
    different = 0
    for language, entries in read_manifest(args).items():
        folder, wall = os.path.join(args.hyp_dir or scratch, language), 0.0
        if not args.hyp_dir:
            wall = transcribe(args, language, entries, folder, args.extra)
            if args.against is not None:
                different += count_different(args, folder, language, entries)
        sums, absent = score(args, folder, entries)
        seconds = sum(entry.get("seconds", 0.0) for entry in entries)
        rows.append(result_row(language, sums, len(entries), absent, seconds, wall))
        total = [a + b for a, b in zip(total, sums)]
        all_clips, all_absent = all_clips + len(entries), all_absent + absent
        all_seconds, all_wall = all_seconds + seconds, all_wall + wall
    rows.append(result_row("all", total, all_clips, all_absent, all_seconds, all_wall))
    if not args.hyp_dir:
        model = os.path.basename(os.path.abspath(args.model))
        print("%s, beam %d; %s\n" % (model, args.beam_size, measuring.machine()))
    head = ["language", "clips", "no result", "WER %", "CER %", "wall s (per s of audio)"]
    print(measuring.markdown_table(head, rows))
    if args.against is not None:
        print("\n%d of %d clips have another text with %r" % (different, all_clips, args.against))
    return 1 if all_absent else 0


def main():
    parser = argparse.ArgumentParser(description="WER and CER per language over a manifest.")
    parser.add_argument("manifest", metavar="MANIFEST")
    parser.add_argument("audio_root", metavar="AUDIO_ROOT")
    parser.add_argument("--model", metavar="DIR")
    parser.add_argument("--espalier", metavar="PROGRAM", default="bazel-bin/apps/espalier")
    parser.add_argument("--hyp-dir", metavar="DIR", help="score these results instead of running")
    parser.add_argument("--languages", help="comma-separated; default: all of the manifest")
    parser.add_argument("--limit", type=int, help="first N clips of each language")
    parser.add_argument("--max-seconds", type=float, default=30, help="leave longer clips out")
    parser.add_argument("--beam-size", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--extra", default="", help="more options for espalier transcribe")
    parser.add_argument("--against", help="options to compare the text with, in place of --extra")
    parser.add_argument("--errors", action="store_true", help="print the clips with errors")
    args = parser.parse_args()
    if not args.model and not args.hyp_dir:
        parser.error("--model or --hyp-dir is needed")
    with tempfile.TemporaryDirectory() as scratch:
        return evaluate(args, scratch)


if __name__ == "__main__":
    sys.exit(main())
