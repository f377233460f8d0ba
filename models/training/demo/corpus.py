#!/usr/bin/env python3
"""Synthesised speech for the demo model: sentences of the grammar, the prompts' texts, single words.

    corpus.py OUT LANGUAGE --prompts PROMPTS [--train N] [--dev N] [--test N] [--takes N]

PROMPTS: what ../prompt_corpus.py made; the texts of its training clips are read too, so that a word
of the prompts is not known from one voice only. The grammar's splits go by a hash of the English text.
Every word of grammar and training prompts is also said alone, --takes times: batches.py strings them
together, and knows then where each word is.
Voices: pico2wave, espeak-ng with variants, in English flite; those in UNSEEN speak in tests alone.
Needs num2words (grammar.py), soundfile, soxr.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
import soxr

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from training.clip_store import RATE, ClipStore, ClipWriter, hours_by, trim  # noqa: E402
from training.demo.grammar import sentence  # noqa: E402
from training.demo.texts import plain_words  # noqa: E402

PICO = {"en": ["en-GB", "en-US"], "fr": ["fr-FR"], "it": ["it-IT"]}
ESPEAK = {"en": ["en-us", "en-gb"], "fr": ["fr-fr", "fr-be"], "it": ["it"]}
VARIANTS = ["m1", "m2", "m3", "m4", "m6", "f1", "f2", "f3", "f4"]
FLITE = ["kal16", "awb", "slt"]
UNSEEN = {
    "en": [("flite", "rms"), ("espeak", "en-gb-scotland+m7")],
    "fr": [("espeak", "fr-ch+m7"), ("espeak", "fr-fr+f5")],
    "it": [("espeak", "it+m7"), ("espeak", "it+f5")],
}
SHARES = {"pico": 0.74, "espeak": 0.18, "flite": 0.08}  # where there is no flite, pico


def split_of(english):
    """A sentence has one split, whatever its language, voice or task."""
    value = int(hashlib.md5(english.encode()).hexdigest(), 16) % 40
    return {0: "test", 1: "test", 2: "dev"}.get(value, "train")


def choose_voice(language, rng):
    engine = rng.choices(list(SHARES), list(SHARES.values()))[0]
    if engine == "flite" and language != "en":
        engine = "pico"
    if engine == "espeak":
        return engine, "%s+%s" % (rng.choice(ESPEAK[language]), rng.choice(VARIANTS))
    return engine, rng.choice(PICO[language] if engine == "pico" else FLITE)


def _command(text, engine, voice, rng, path):
    if engine == "pico":
        marked = "<pitch level='%d'><speed level='%d'>%s.</speed></pitch>" % (
            rng.randrange(75, 131),
            rng.randrange(85, 121),
            text,
        )
        return ["pico2wave", "-l", voice, "-w", path, marked]
    if engine == "espeak":
        speed, pitch = rng.randrange(130, 176), rng.randrange(30, 71)
        return ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", path, text]
    stretch = "duration_stretch=%.2f" % rng.uniform(0.9, 1.15)
    return ["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", path]


def speak(text, engine, voice, rng):
    """Samples at 16 kHz, at a level from the draw."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        command = _command(text, engine, voice, rng, out.name)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        samples, rate = soundfile.read(out.name, dtype="float32")
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE)
    level = 10 ** rng.uniform(-1.0, 0.0)
    return trim(samples) * level * 0.9 / max(1e-3, float(np.abs(samples).max()))


def test_words(folder):
    """(language, words) of the human test prompts: nothing that is trained on says the same."""
    return {
        (c["language"], plain_words(c["texts"][c["language"]], c["language"]))
        for c in ClipStore(folder).clips
        if c["split"] == "test" and c["language"] in PICO
    }


def sentences(count, split, rng, forbidden):
    """Different sentences of one split, as language -> text; in no language one of `forbidden`."""
    seen = set()
    while len(seen) < count:
        texts = sentence(rng)
        known = texts["en"] in seen or not forbidden.isdisjoint(texts.items())
        if not known and split_of(texts["en"]) == split:
            seen.add(texts["en"])
            yield texts


def prompt_texts(folder, language):
    """(id, language -> text) of the training prompts of this language, translations by id."""
    clips = [c for c in ClipStore(folder).clips if c["split"] == "train"]
    by_id = {}
    for clip in clips:
        if clip["language"] in PICO:
            code = clip["language"]
            by_id.setdefault(clip["id"], {})[code] = plain_words(clip["texts"][code], code)
    for name, texts in sorted(by_id.items()):
        if texts.get(language):
            yield name, texts


def all_words(language, prompts, rng, samples=20000):
    """Every word of the grammar's sentences (of `samples` draws) and of the training prompts."""
    texts = [sentence(rng)[language] for _ in range(samples)]
    texts += [of[language] for _, of in prompt_texts(prompts, language)]
    return sorted({word for text in texts for word in text.split()})


def build(out, language, prompts, counts, takes, seed):
    writer = ClipWriter(out)
    rng = random.Random("%d %s" % (seed, language))
    forbidden = test_words(prompts)

    def add(texts, source, split, voice, name=""):
        samples = speak(texts[language], *voice, rng)
        about = {"id": name, "language": language, "texts": texts, "source": source}
        writer.add(samples, voice=" ".join(voice), split=split, **about)

    # Other languages draw the same sentences only by chance: the same clip is not said thrice.
    for split, count in counts.items():
        for texts in sentences(count, split, rng, forbidden):
            add(texts, "grammar", split, choose_voice(language, rng))
    for texts in sentences(counts["test"], "test", rng, forbidden):
        add(texts, "unseen voice", "test", rng.choice(UNSEEN[language]))
    for name, texts in prompt_texts(prompts, language):
        add(texts, "prompt read", "train", choose_voice(language, rng), name)
    for word in all_words(language, prompts, rng):
        for _ in range(takes):
            add({language: word}, "word", "train", choose_voice(language, rng))
    return writer.close()


def main():
    parser = argparse.ArgumentParser(description="Synthesised sentences of the demo's grammar.")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("language", choices=sorted(PICO))
    parser.add_argument("--prompts", required=True, metavar="FOLDER", help="of prompt_corpus.py")
    parser.add_argument("--train", type=int, default=4000)
    parser.add_argument("--dev", type=int, default=40)
    parser.add_argument("--test", type=int, default=60)
    parser.add_argument("--takes", type=int, default=6, help="of each single word")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    counts = {"test": args.test, "dev": args.dev, "train": args.train}
    clips = build(args.out, args.language, args.prompts, counts, args.takes, args.seed)
    for row in hours_by(clips, "split", "source"):
        print("%-6s %-12s %5d clips %6.1f minutes" % row)


if __name__ == "__main__":
    main()
