#!/usr/bin/env python3
"""Synthesised speech of another domain than the prompts: what a trained model must not forget.

    speech_corpus.py OUT [--train N] [--test N]

Sentences: descriptions of Debian packages in English and their translations (apt's Translation files:
`apt-get -o Acquire::Languages=de,es,fr,it,ru,en update`). Voices: pico2wave (not for Russian) and
espeak-ng with many variants. No test sentence is read in training, whatever its voice.
"""

import argparse
import glob
import os
import random
import re
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
import soxr

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training.clip_store import RATE, ClipWriter, hours_by, trim  # noqa: E402

PICO = {
    "en": ["en-GB", "en-US"],
    "de": ["de-DE"],
    "fr": ["fr-FR"],
    "es": ["es-ES"],
    "it": ["it-IT"],
    "ru": [],
}
ESPEAK = {"en": ["en-us", "en-gb"], "fr": ["fr-fr", "fr-ch"], "es": ["es", "es-419"]}
VARIANTS = ["m1", "m2", "m3", "m4", "m6", "m7", "f1", "f2", "f3", "f4", "f5"]
LISTS = "/var/lib/apt/lists/*_dists_bookworm_main_i18n_Translation-%s*"
LETTERS = r"[^\W\d_]"


def sentences(language, seed):
    """Plain sentences of 5 to 20 words, shuffled: no digits, code words, lists or brackets."""
    path = glob.glob(LISTS % language)[0]
    text = subprocess.run(
        ["/usr/lib/apt/apt-helper", "cat-file", path], check=True, capture_output=True
    ).stdout.decode("utf-8")
    found = set()
    for block in re.split(r"\n \.\n|\n\n|\nDescription[^\n]*\n", text):
        block = re.sub(r"\s+", " ", block)
        for sentence in re.split(r"(?<=[.!?]) ", block):
            if not 5 <= len(sentence.split()) <= 20 or not sentence.endswith("."):
                continue
            if not re.fullmatch(r"[A-ZÀ-ÜА-Я](%s|[ ,'’])*\." % LETTERS, sentence):
                continue
            if re.search(r"[a-zа-я][A-ZА-Я]|[A-ZА-Я]{2}", sentence):  # names of programs
                continue
            found.add(sentence.replace("’", "'"))
    ordered = sorted(found)
    random.Random(seed).shuffle(ordered)
    return ordered


def read_voice(path, random_source):
    """What an engine spoke into a file: at 16 kHz, without the silence around it, of any level."""
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE)
    level = 10 ** random_source.uniform(-1.0, 0.0)
    return trim(samples) * level * 0.9 / max(1e-3, float(np.abs(samples).max()))


def speak(text, language, random_source, engine):
    """(samples at 16 kHz, voice)"""
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        if engine == "pico":
            voice = random_source.choice(PICO[language])
            marked = "<pitch level='%d'><speed level='%d'>%s</speed></pitch>" % (
                random_source.randrange(75, 131),
                random_source.randrange(85, 121),
                text,
            )
            command = ["pico2wave", "-l", voice, "-w", out.name, marked]
        else:
            dialect = random_source.choice(ESPEAK.get(language, [language]))
            voice = "%s+%s" % (dialect, random_source.choice(VARIANTS))
            speed, pitch = random_source.randrange(130, 181), random_source.randrange(30, 71)
            command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch)]
            command += ["-w", out.name, text]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return read_voice(out.name, random_source), "%s %s" % (engine, voice)


def build(out, counts, seed):
    writer = ClipWriter(out)
    random_source = random.Random(seed)
    for language in PICO:
        texts = iter(sentences(language, seed))
        for split, count in counts.items():
            for _ in range(count):
                text = next(texts)
                pico = PICO[language] and random_source.random() < 0.65
                samples, voice = speak(text, language, random_source, "pico" if pico else "espeak")
                writer.add(
                    samples,
                    id="",
                    language=language,
                    texts={language: text},
                    source="speech",
                    voice=voice,
                    split=split,
                )
    return writer.close()


def main():
    parser = argparse.ArgumentParser(description="Synthesised sentences of another domain.")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--train", type=int, default=40, help="clips a language")
    parser.add_argument("--test", type=int, default=10, help="clips a language")
    parser.add_argument("--seed", type=int, default=4)
    args = parser.parse_args()
    counts = {"test": args.test, "train": args.train}
    for row in hours_by(build(args.out, counts, args.seed), "split", "language"):
        print("%-6s %-3s %5d clips %6.1f minutes" % row)


if __name__ == "__main__":
    main()
