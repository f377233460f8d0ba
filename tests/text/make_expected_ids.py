#!/usr/bin/env python3
"""Writes testdata/: ids that Hugging Face's `tokenizers` gives, for the tests to compare with.

    make_expected_ids.py WHISPER_TOKENIZER_JSON OUT_DIR

Needs the PyPI package tokenizers; 0.23.3 wrote the files that are checked in. Three files:
  small_tokenizer.json  a byte-level BPE trained on the strings below, Whisper's settings
  small_ids.json        [[text, ids], ...] by it
  whisper_ids.json      the same by Whisper's own tokenizer.json
"""

import json
import pathlib
import random
import sys
import unicodedata

import tokenizers

FIXED = [
    "", " ", "  ", "   a", "a   ", "a  b", "\n", "\n\n", " \n", "\n a", "a\n\n b", "\t\tx", "\r\n",
    "\u00a0a", " \u00a0a", "\u3000\u3000字", "\u2028x", "\u0085 x", "\u200bx", "\ufeffx", "\x00", "a\x00b",
    "'s", "it's", "I'LL", "I'll", "we've", "they're", "don't", "'S", "''s", " 's", "x'sy", "'t't", "'dd",
    "123", " 123abc", "3.14", "1,000,000", "½", "٣٤٥", "Ⅻ", "x²", "!!!", " !!!", "...a", "a...", "-- --",
    "e\u0301", "\u0301", "नमस्ते दुनिया", "ไทย", "日本語です。", "你好，世界", "안녕하세요", "Привет, мир!",
    "مرحبا", "שלום", "👍🏽", "👨\u200d👩\u200d👧", "🇩🇪🇫🇷", "\U0010ffff", "\ue000", "ﬀ", "ǅ", "ªº", "ʰ",
    "Ünknown Zeichen ☃", "naïve café", "Grüße aus Köln", "Zażółć gęślą jaźń", "tiếng Việt", "İstanbul",
    "And so my fellow Americans, ask not what your country can do for you.",
    " The quick brown fox jumps over the lazy dog", "HELLO WORLD", "http://example.org/a?b=c&d=%20",
    "for (int i = 0; i < 10; ++i) { x[i] += 2; }", "a" * 300, "ab" * 100, "aaa " * 50, " " * 100 + "x",
    "!?" * 80, "é" * 90, "語" * 60, "x" * 5 + " " * 5 + "\n" * 5 + "y",
]
WORDS = """the of and to in is you that it he was for on are as with his they I at be this have from
or one had by word but not what all were we when your can said there use an each which she do how their
straße über für nicht et les des que el la los una di il che é não está på och är ja nie są że
и в не на я что он с это как の は を に た です ます 我 的 你 是 了 不 在 그 이 는 을 의""".split()


def assigned(rng, low, high):
    while True:
        c = chr(rng.randrange(low, high))
        # Old characters only: their classes are the same in every library's Unicode version.
        if unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs"):
            return c


def strings():
    rng = random.Random(7)
    texts = list(FIXED)
    for _ in range(120):
        glue = rng.choice([" ", " ", "  ", ", ", "\n", ""])
        texts.append(glue.join(rng.choice(WORDS) for _ in range(rng.randint(1, 12))))
    ranges = [(0, 0x80), (0x20, 0x250), (0x250, 0x2000), (0x2000, 0x3100), (0x3000, 0xE000), (0xF900, 0x20000)]
    for _ in range(160):
        low, high = rng.choice(ranges)
        texts.append("".join(assigned(rng, low, high) if rng.random() < 0.7 else rng.choice(" '1a\n")
                             for _ in range(rng.randint(1, 24))))
    return texts


def small_tokenizer(texts):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=600, show_progress=False,
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|startoftranscript|>", "<|en|>"])
    tokenizer.add_tokens(["<|0.00|>", "<|0.02|>"])
    return tokenizer


def write_ids(path, tokenizer, texts):
    rows = [json.dumps([t, tokenizer.encode(t, add_special_tokens=False).ids]) for t in texts]
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def main():
    source, out = sys.argv[1], pathlib.Path(sys.argv[2])
    texts = strings()
    small = small_tokenizer(texts)
    (out / "small_tokenizer.json").write_text(small.to_str(pretty=False) + "\n", encoding="utf-8")
    write_ids(out / "small_ids.json", small, texts)
    write_ids(out / "whisper_ids.json", tokenizers.Tokenizer.from_file(source), texts)


if __name__ == "__main__":
    main()
