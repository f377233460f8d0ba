"""word_errors.py SAID OFFLINE LIVE: fails where LIVE has a word error rate of more than one point
above that of OFFLINE. A digit and its name are one word."""

import re
import sys

MOST_POINTS = 1.0
DIGITS = {"one": "1", "two": "2"}


def words(path):
    with open(path, encoding="utf-8") as text:
        found = re.findall(r"[a-z0-9]+", text.read().lower().replace("'", ""))
    return [DIGITS.get(word, word) for word in found]


def errors(reference, heard):
    row = list(range(len(heard) + 1))
    for i, word in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(diagonal + (word != other), row[j] + 1, row[j - 1] + 1)
    return row[-1]


said = words(sys.argv[1])
offline, live = (100 * errors(said, words(path)) / len(said) for path in sys.argv[2:4])
print(f"{len(said)} words, word error rate offline {offline:.1f} %, live {live:.1f} %")
sys.exit(live > offline + MOST_POINTS)
