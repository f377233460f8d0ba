"""Whisper's tokens and prompts, from the model folder's tokenizer.json (package `tokenizers`)."""

import os

from tokenizers import Tokenizer

TIME_STEP = 0.02  # seconds per time token


class WhisperTokens:
    def __init__(self, folder):
        self._tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.sot = self._id("<|startoftranscript|>")
        self.end = self._id("<|endoftext|>")
        self.no_timestamps = self._id("<|notimestamps|>")
        self.tasks = {t: self._id("<|%s|>" % t) for t in ("transcribe", "translate")}
        # The file names no time tokens; they follow <|notimestamps|>.
        self.first_time = self.no_timestamps + 1

    def _id(self, token):
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError("tokenizer.json: no %s" % token)
        return found

    def language(self, code):
        return self._id("<|%s|>" % code)

    def time(self, seconds):
        return self.first_time + round(min(seconds, 30.0) / TIME_STEP)

    def text(self, text):
        """Ids of a text as it follows a prompt or a time token: with a leading space."""
        return self._tokenizer.encode(" " + text.strip(), add_special_tokens=False).ids

    def words(self, ids):
        """Text of the ids below the special tokens."""
        return self._tokenizer.decode([i for i in ids if i < self.end]).strip()

    def prompt(self, language, task, timestamps=False):
        start = [self.sot, self.language(language), self.tasks[task]]
        return start if timestamps else [*start, self.no_timestamps]

    def sequence(self, segments, language, task, timestamps):
        """Prompt, text and end of `segments`: a list of (begin seconds, end seconds, text)."""
        ids = self.prompt(language, task, timestamps)
        for begin, end, text in segments:
            body = self.text(text)
            ids += [self.time(begin), *body, self.time(end)] if timestamps else body
        return [*ids, self.end]
