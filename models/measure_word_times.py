#!/usr/bin/env python3
"""How far word times are from where speech begins and ends.

    measure_word_times.py MANIFEST AUDIO_ROOT --model DIR [--espalier PROGRAM] [--languages en,fr]
                          [--limit N] [--gap S] [--noise DB] [--extra "OPTIONS"]

Clips of MANIFEST (evaluate_wer.py) are cut to their speech, by energy, and joined with S seconds of
silence between them (with --noise white noise over all, so far below the speech): where each begins
and ends is known. `espalier transcribe --word-timestamps`
hears the whole; the first word of a clip should begin where it does, the last one end where it does.
Prints per language, in ms, the median and the 90th percentile of how far they are, how many of the
clips have words, and how many words lie in no clip. Exit status 1 when a run fails.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile

import numpy as np

from wav_file import write_wav

RATE = 16000
FRAME = RATE // 100
SPEECH = 0.03  # of a clip's loudest frame


def read_speech(path):
    """The samples (int16) between the first and the last frame that is not quiet."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"]
    samples = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<i2")
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    loudness = np.sqrt((frames**2).mean(1))
    loud = np.flatnonzero(loudness > SPEECH * loudness.max())
    return samples[loud[0] * FRAME : (loud[-1] + 1) * FRAME]


def join(entries, root, gap_s):
    """All clips in a row; the samples, and (begin, end) of each in seconds."""
    silence = np.zeros(int(gap_s * RATE), "<i2")
    parts, spans, at = [silence], [], len(silence)
    for entry in entries:
        speech = read_speech(os.path.join(root, entry["file"]))
        spans.append((at / RATE, (at + len(speech)) / RATE))
        parts += [speech, silence]
        at += len(speech) + len(silence)
    return np.concatenate(parts), spans


def with_noise(samples, decibels):
    """`samples` and white noise so much weaker than what is not silence in them."""
    loud = samples[samples != 0].astype(np.float64)
    deviation = np.sqrt((loud**2).mean()) * 10 ** (-decibels / 20)
    noise = np.random.default_rng(1).normal(0, deviation, len(samples))
    return np.clip(samples + noise, -32768, 32767).astype("<i2")


def words_of(args, language, samples, folder):
    path = os.path.join(folder, language + ".wav")
    write_wav(path, samples)
    command = [args.espalier, "transcribe", path, "-m", args.model, "-l", language, "-f", "json"]
    command += ["-o", "-", "--word-timestamps", "--quiet", *shlex.split(args.extra)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["words"]


def compare(words, spans, gap_s):
    """(begins, ends) in seconds off, one a clip that has words, and how many words are in no clip."""
    begins, ends, placed = [], [], 0
    for begin, end in spans:
        own = [w for w in words if begin - gap_s / 2 < (w["start"] + w["end"]) / 2 < end + gap_s / 2]
        inside = [w for w in own if w["start"] < end and w["end"] > begin]
        placed += len(inside)
        if own:
            begins.append(own[0]["start"] - begin)
            ends.append(own[-1]["end"] - end)
    return begins, ends, len(words) - placed


def main():
    parser = argparse.ArgumentParser(description="Word times against where speech begins and ends.")
    parser.add_argument("manifest")
    parser.add_argument("audio_root")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--espalier", default="bazel-bin/apps/espalier", metavar="PROGRAM")
    parser.add_argument("--languages", help="comma-separated; default: all")
    parser.add_argument("--limit", type=int, help="clips a language")
    parser.add_argument("--gap", type=float, default=0.7, metavar="S")
    parser.add_argument("--noise", type=float, metavar="DB")
    parser.add_argument("--extra", default="", metavar='"OPTIONS"')
    args = parser.parse_args()
    with open(args.manifest, encoding="utf-8") as file:
        entries = [e for e in json.load(file) if e["seconds"] <= 30]
    languages = args.languages.split(",") if args.languages else sorted({e["language"] for e in entries})
    print("| language | clips with words | begin off: median, p90 | end off: median, p90 | words in no clip |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for language in languages:
            own = [e for e in entries if e["language"] == language][: args.limit]
            samples, spans = join(own, args.audio_root, args.gap)
            if args.noise is not None:
                samples = with_noise(samples, args.noise)
            try:
                words = words_of(args, language, samples, folder)
            except subprocess.CalledProcessError as error:
                print("%s: %s" % (language, error.stderr.decode().strip()), file=sys.stderr)
                return 1
            begins, ends, astray = compare(words, spans, args.gap)
            cells = []
            for off in (begins, ends):
                off = 1000 * np.abs(off)
                cells.append("%.0f, %.0f" % (np.median(off), np.percentile(off, 90)) if len(off) else "-")
            print(
                "| %s | %d of %d | %s | %s | %d of %d |"
                % (language, len(begins), len(spans), *cells, astray, len(words)),
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
