"""The demo's tokens: OWSM's order (spec section 8), three languages, few pieces."""

import os

import sentencepiece

from training.demo.clips import LANGUAGES

TASKS = ("<asr>", "<st_eng>", "<st_fra>", "<st_ita>")
NO_TIMES = "<notimestamps>"
SPEECH_SECONDS, TIME_SECONDS = 16.0, 0.08  # the window; a time token for each encoder step
STEPS = round(SPEECH_SECONDS / TIME_SECONDS)
TIMES = tuple("<%.2f>" % (i * TIME_SECONDS) for i in range(STEPS + 1))
SPECIAL = ("<na>", "<nospeech>", *LANGUAGES.values(), *TASKS, NO_TIMES, *TIMES)
PIECES = 400


def train(texts, folder):
    """Writes bpe.model from lines of text."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_prefix=os.path.join(folder, "bpe"),
        vocab_size=3 + len(SPECIAL) + PIECES,
        model_type="unigram",
        character_coverage=1.0,
        user_defined_symbols=list(SPECIAL),
        num_threads=1,
        minloglevel=2,
    )


class Vocabulary:
    """Text to ids and back; `tokens` is the token list of config.yaml."""

    def __init__(self, path):
        self._pieces = sentencepiece.SentencePieceProcessor(model_file=path)
        own = [self._pieces.id_to_piece(i) for i in range(3, self._pieces.vocab_size())]
        self.tokens = ["<blank>", "<unk>", *own, "<sos>", "<eos>", "<sop>"]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.sos, self.eos = self.ids["<sos>"], self.ids["<eos>"]
        self.first_piece = self.ids[TIMES[-1]] + 1

    def __len__(self):
        return len(self.tokens)

    def encode(self, text):
        return [self.ids.get(p, self.ids["<unk>"]) for p in self._pieces.encode(text, out_type=str)]

    def decode(self, ids):
        """Words of `ids`, without special tokens."""
        pieces = [self.tokens[i] for i in ids if self.first_piece <= i < self.sos]
        return self._pieces.decode(pieces)

    def prompt(self, language, task):
        return [self.ids[LANGUAGES[language]], self.ids[task], self.ids[NO_TIMES]]

    def time(self, seconds):
        return self.ids[TIMES[0]] + min(len(TIMES) - 1, round(seconds / TIME_SECONDS))
