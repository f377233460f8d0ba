"""Corpus BLEU of up to four words, on the words that text_errors compares."""

import math
from collections import Counter

from text_errors import normalise


def _grams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def corpus_bleu(pairs):
    """0 to 100 over (reference, hypothesis) pairs: one reference each, no smoothing."""
    hits, tries, lengths = [0] * 4, [0] * 4, [0, 0]
    for pair in pairs:
        reference, hypothesis = (normalise(text) for text in pair)
        lengths[0] += len(reference)
        lengths[1] += len(hypothesis)
        for n in range(1, 5):
            said = _grams(hypothesis, n)
            hits[n - 1] += (said & _grams(reference, n)).total()
            tries[n - 1] += said.total()
    if not all(hits):
        return 0.0
    precision = sum(math.log(h / t) for h, t in zip(hits, tries)) / 4
    brevity = min(0.0, 1.0 - lengths[0] / lengths[1])
    return 100.0 * math.exp(precision + brevity)
