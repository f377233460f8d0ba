"""A vocabulary of OWSM's size and order, for models with random weights (spec §8).

The pieces are invented; the 1681 special tokens, their order and V = 50002 are the public ones
unless another size is asked for.
"""

import random
import struct

VOCABULARY = 50002
TIMES = 1501  # <0.00> ... <30.00>
LANGUAGES = """
abk afr amh ara asm ast aze bak bas bel ben bos bre bul cat ceb ces chv ckb cmn cnh cym dan deu dgd
div ell eng epo est eus fas fil fin fra frr ful gle glg grn guj hat hau heb hin hrv hsb hun hye ibo
ina ind isl ita jav jpn kab kam kan kat kaz kea khm kin kir kmr kor kyr lao lav lga lin lit ltz lug
luo mal mar mas mdf mhr mkd mlt mon mri mrj mya myv nan nep nld nno nob npi nso nya oci ori orm
pan pol por pus quy roh ron rus sah san sat sin skr slk slv sna snd som sot spa srd srp sun swa swe
swh tam tat tel tgk tgl tha tig tir tok tpi tsn tuk tur twi uig ukr umb urd uzb vie vot wol xho yor
yue
""".split() + ["zul"]
TARGETS = """
ara cat ces cym deu eng est fas fra ind ita jpn lav mon nld por ron rus slv spa swe tam tur vie zho
""".split()
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4  # SentencePiece's piece types


def special_tokens(languages, targets, times, resolution):
    tokens = ["<na>", "<nospeech>"] + ["<%s>" % code for code in languages] + ["<asr>"]
    tokens += ["<st_%s>" % code for code in targets] + ["<notimestamps>"]
    return tokens + ["<%.2f>" % (resolution * i) for i in range(times)]


def pieces(
    seed=1, size=VOCABULARY, languages=LANGUAGES, targets=TARGETS, times=TIMES, resolution=0.02
):
    """[(piece, score, type)] in SentencePiece's order: its own three, specials, ordinary pieces.

    `size` counts ESPnet's tokens, of which `times` are time tokens.
    """
    rng = random.Random(seed)
    specials = special_tokens(languages, targets, times, resolution)
    out = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    out += [(token, 0.0, USER_DEFINED) for token in specials]
    ordinary = list("\u2581abcdefghijklmnopqrstuvwxyz',.?")
    ordinary = ordinary[: size - 5 - len(specials)]
    seen = set(ordinary)
    while len(ordinary) < size - 5 - len(specials):
        syllables = (
            rng.choice("bcdfghjklmnprstvwz") + rng.choice("aeiou") for _ in range(rng.randint(1, 4))
        )
        piece = rng.choice(("\u2581", "")) + "".join(syllables)
        if piece not in seen:
            seen.add(piece)
            ordinary.append(piece)
    return out + [(piece, -8.0 - 0.0001 * i, NORMAL) for i, piece in enumerate(ordinary)]


def token_list(model):
    """ESPnet's order: blank, unk, the pieces after SentencePiece's own three, sos, eos, sop."""
    return ["<blank>", "<unk>"] + [piece for piece, _, _ in model[3:]] + ["<sos>", "<eos>", "<sop>"]


def _varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes_field(number, data):
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _int_field(number, value):
    return _varint(number << 3) + _varint(value)


def sentencepiece_model(model):
    """The pieces as a serialised ModelProto (sentencepiece_model.proto): unigram, no normaliser."""
    out = bytearray()
    for piece, score, kind in model:
        body = _bytes_field(1, piece.encode("utf-8"))
        body += _varint(2 << 3 | 5) + struct.pack("<f", score) + _int_field(3, kind)
        out += _bytes_field(1, body)
    trainer = _int_field(3, 1) + _int_field(4, len(model))  # unigram, vocab_size
    normalizer = (
        _bytes_field(1, b"identity") + _int_field(3, 1) + _int_field(4, 1) + _int_field(5, 1)
    )
    return bytes(out + _bytes_field(2, trainer) + _bytes_field(3, normalizer))
