"""Text as the demo model writes it: lower case, words for digits, apostrophes, nothing else."""

import re

from num2words import num2words


def plain_words(text, language):
    text = text.lower().replace("\u2019", "'")
    text = re.sub(r"\d+", lambda found: " %s " % num2words(int(found.group()), lang=language), text)
    text = re.sub(r"[^\w' ]|_", " ", text)
    text = re.sub(r"(?<!\w)'|'(?!\w)", " ", text)  # quotation marks
    return " ".join(text.split())
