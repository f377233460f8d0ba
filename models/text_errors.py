"""Word and character error rates.

Text is compared in lower case, without punctuation and diacritics: the references are scripts with
missing accents.
"""

import unicodedata


def normalise(text):
    """Words of the text: lower case, no diacritics, punctuation and symbols as spaces."""
    out = []
    for char in unicodedata.normalize("NFKD", text.lower()):
        kind = unicodedata.category(char)
        if kind != "Mn":
            out.append(" " if kind[0] in "PSZC" else char)
    return "".join(out).split()


def edit_distance(a, b):
    """Fewest substitutions, insertions and deletions that turn sequence a into b."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def count_errors(reference, hypothesis):
    """(word errors, words, character errors, characters); spaces are no characters here."""
    ref, hyp = normalise(reference), normalise(hypothesis)
    ref_chars, hyp_chars = "".join(ref), "".join(hyp)
    return (
        edit_distance(ref, hyp),
        len(ref),
        edit_distance(ref_chars, hyp_chars),
        len(ref_chars),
    )


def error_rate(pairs):
    """Word errors in % over (reference, hypothesis) pairs, each word counting alike."""
    counts = [count_errors(*pair)[:2] for pair in pairs]
    return 100.0 * sum(errors for errors, _ in counts) / max(1, sum(words for _, words in counts))
