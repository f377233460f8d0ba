#!/usr/bin/env python3
"""Real human speech: the telephone prompts of Debian's asterisk-core-sounds packages, with their texts.

    prompt_corpus.py OUT --test-ids FILE

Needs the packages asterisk-core-sounds-{en,es,fr,it,ru} (texts) and …-g722 (sound) and ffmpeg.
A prompt id is the same sentence in every language, hence a translation. Splits go by id, never by
clip: FILE names the ids that are test data in every language, and a prompt whose words equal those of
a test prompt of its language is left out. One id in twenty of the rest (by a hash) is "dev".
"""

import argparse
import glob
import gzip
import hashlib
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from text_errors import normalise  # noqa: E402
from training.clip_store import RATE, ClipWriter, hours_by, trim  # noqa: E402

VOICES = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
SOUNDS = "/usr/share/asterisk/sounds"
TEXTS = "/usr/share/doc/asterisk-core-sounds-%s/core-sounds-%s.txt.gz"
LINE = re.compile(r"^([\w/\-]+)\s*:\s*(.+)$")
CHARS_PER_SECOND = (4, 26)  # outside of this the text is not what is said


def read_texts(path):
    """id -> text; lines that describe a sound ("[tones]", "(ahooga)") are left out."""
    texts = {}
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            match = LINE.match(line.strip())
            if not match:
                continue
            name, text = match.groups()
            text = text.replace(name + ":", "").replace("\u2019", "'").replace("\u2026", "...")
            # Dots that say "to be continued" would be learnt for any pause.
            text = re.sub(r'["\u201c\u201d\u00ab\u00bb]|\.\.\.|\ufffd', "", text)
            text = re.sub(r"\s+", " ", text).strip()
            if text and not re.search(r"[\[\]()<>{}]| \? ", text):
                texts[name] = text
    return texts


def decode_g722(paths, batch=80):
    """Yields int16 samples for each file; one ffmpeg for many files, for its start is the cost."""
    with tempfile.TemporaryDirectory() as scratch:
        for first in range(0, len(paths), batch):
            part = paths[first : first + batch]
            outs = [os.path.join(scratch, "%d.raw" % i) for i in range(len(part))]
            command = ["ffmpeg", "-v", "error", "-y"]
            for path in part:
                command += ["-f", "g722", "-i", path]
            for i, out in enumerate(outs):
                command += ["-map", "%d:a" % i, "-ar", str(RATE), "-ac", "1", "-f", "s16le", out]
            subprocess.run(command, check=True)
            for out in outs:
                yield np.fromfile(out, "<i2")


def test_words(texts, test_ids):
    """language -> the word sequences of its test prompts"""
    return {
        language: {tuple(normalise(t)) for name, t in of.items() if name in test_ids}
        for language, of in texts.items()
    }


def split_of(name, words, test_ids, forbidden):
    """"test", "dev", "train", or None for a prompt that repeats a test prompt's words."""
    if name in test_ids:
        return "test"
    if words in forbidden:
        return None
    return "dev" if int(hashlib.md5(name.encode()).hexdigest(), 16) % 20 == 0 else "train"


def build(out, test_ids):
    texts = {language: read_texts(TEXTS % (language, language)) for language in VOICES}
    forbidden = test_words(texts, test_ids)
    writer = ClipWriter(out)
    for language, voice in VOICES.items():
        root = os.path.join(glob.escape(SOUNDS), voice)
        names = [n for n in sorted(texts[language]) if os.path.exists("%s/%s.g722" % (root, n))]
        for name, samples in zip(names, decode_g722(["%s/%s.g722" % (root, n) for n in names])):
            text = texts[language][name]
            samples = trim(samples.astype(np.float32) / 32768)
            seconds = len(samples) / RATE
            low, high = CHARS_PER_SECOND
            split = split_of(name, tuple(normalise(text)), test_ids, forbidden[language])
            if split is None or not 0.4 < seconds < 28 or not low < len(text) / seconds < high:
                continue
            known = {language: text}
            # An English text that repeats a test prompt's words would teach them by translation.
            english = texts["en"].get(name)
            if english and (split == "test" or tuple(normalise(english)) not in forbidden["en"]):
                known["en"] = english
            writer.add(
                samples,
                id=name,
                language=language,
                texts=known,
                source="prompt",
                voice=voice,
                split=split,
            )
    return writer.close()


def main():
    parser = argparse.ArgumentParser(description="Clips of the Asterisk prompts, split by id.")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--test-ids", required=True, metavar="FILE", help="ids never trained on")
    args = parser.parse_args()
    with open(args.test_ids, encoding="utf-8") as file:
        test_ids = set(file.read().split())
    for row in hours_by(build(args.out, test_ids), "split", "language"):
        print("%-6s %-3s %5d clips %6.1f minutes" % row)


if __name__ == "__main__":
    main()
