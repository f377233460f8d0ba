"""Batches for distilling: varied sound with the words that are said, for a teacher to judge.

Clips come from several stores, each drawn with a weight of its own. Every clip is another sound each
time (augment.py). "row": up to 30 s of clips of one language in a row with time tokens, as batches.py
lays them.
"""

import random

import torch

from training.augment import coloured, draw_speed, resampled
from training.batches import LANGUAGES, TAIL_SECONDS, Batch, next_token_labels
from training.clip_store import RATE
from training.whisper_features import log_mel

ROW_SHARE = 0.2  # of the batches
ROW_SECONDS = (6.0, 20.0)
TRANSLATE_SHARE = 0.3
TIMES_SHARE = 0.25
CUT_SHARE = 0.25  # of the clips lose an end or both, their words stay: the teacher says what it makes of that
CUT_LEAST = 0.5
PLAIN_SHARE = 0.2  # of the clips stay as they are
MASKED_SHARE = 0.3  # of the batches
PLANNED_BATCHES = 40
MARGIN_SECONDS = 0.1  # of silence that clip_store.trim leaves at both ends
GAP_SECONDS = (0.1, 1.0)


class DistilSource:
    """Endless batches. All randomness comes from `rng`, whose state a checkpoint keeps.

    stores: [(ClipStore, weight)]; batch_seconds: of sound and tails in a batch.
    """

    def __init__(self, stores, tokens, seed, batch_seconds):
        self._tokens, self._batch_seconds = tokens, batch_seconds
        self.rng = random.Random(seed)
        self._stores = [s for s, _ in stores]
        self._weights = [w for _, w in stores]
        self._train = [[i for i, c in enumerate(s.clips) if c["split"] == "train"] for s in self._stores]
        heard = {self._clip((s, i))["language"] for s, own in enumerate(self._train) for i in own}
        self._languages = [code for code in LANGUAGES[1:] if code in heard]
        self._queue = []

    def state(self):
        return {"rng": self.rng.getstate(), "queue": self._queue}

    def restore(self, state):
        self.rng.setstate(state["rng"])
        self._queue = state["queue"]

    def next(self):
        if self.rng.random() < ROW_SHARE:
            batch = self._row()
        else:
            if not self._queue:
                self._queue = self._plan()
            batch = self._clips(self._queue.pop())
        if self.rng.random() < MASKED_SHARE:
            self._mask(batch.mel)
        return batch

    def _draw(self, languages=None):
        """(store, clip index)"""
        while True:
            s = self.rng.choices(range(len(self._stores)), self._weights)[0]
            i = self.rng.choice(self._train[s])
            if languages is None or self._clip((s, i))["language"] in languages:
                return s, i

    def _clip(self, item):
        return self._stores[item[0]].clips[item[1]]

    def _plan(self):
        """Batches of clips of similar length: [[(store, clip, speed)]]"""
        drawn, seconds = [], 0.0
        while seconds < PLANNED_BATCHES * self._batch_seconds:
            item, speed = self._draw(), draw_speed(self.rng)
            length = self._clip(item)["samples"] / RATE / speed + 0.8
            drawn.append((length, (*item, speed)))
            seconds += length
        batches, current = [], []
        for length, item in sorted(drawn):
            if current and length * (len(current) + 1) > self._batch_seconds:
                batches.append(current)
                current = []
            current.append(item)
        batches.append(current)
        self.rng.shuffle(batches)
        return batches

    def _sound(self, item, speed):
        samples = self._stores[item[0]].samples(self._clip(item))
        if speed != 1.0:
            samples = resampled(samples, speed)
        if self.rng.random() < PLAIN_SHARE:
            return torch.from_numpy(samples)
        return coloured(samples, self.rng)

    def _task(self, clip):
        able = clip["language"] != "en" and "en" in clip["texts"]
        return "translate" if able and self.rng.random() < TRANSLATE_SHARE else "transcribe"

    def _clips(self, items):
        mels, sequences, labels = [], [], []
        for *item, speed in items:
            clip, sound = self._clip(item), self._sound(item, speed)
            task, times = self._task(clip), self.rng.random() < TIMES_SHARE
            end = max(0.1, len(sound) / RATE - MARGIN_SECONDS)
            if self.rng.random() < CUT_SHARE:
                kept = int(len(sound) * self.rng.uniform(CUT_LEAST, 1.0))
                first = self.rng.randrange(len(sound) - kept + 1)
                sound = sound[first : first + kept]
            text = clip["texts"]["en" if task == "translate" else clip["language"]]
            ids = self._tokens.sequence([(0.0, end, text)], clip["language"], task, times)
            mels.append(log_mel(sound, self.rng.uniform(*TAIL_SECONDS)))
            sequences.append(ids[:-1])
            labels.append(next_token_labels(ids, 3 if times else 4))
        return Batch("clips", mels, sequences, labels)

    def _row(self):
        language, times = self.rng.choice(self._languages), self.rng.random() < 0.75
        seconds, at = self.rng.uniform(*ROW_SECONDS), self.rng.uniform(0.0, 0.6)
        parts, segments = [], []
        while at < seconds:
            item, speed = self._draw((language,)), draw_speed(self.rng)
            sound = self._sound(item, speed)
            end = at + len(sound) / RATE
            if end > 29.0:
                break
            parts.append((at, sound))
            segments.append((at, end - MARGIN_SECONDS, self._clip(item)["texts"][language]))
            at = end + self.rng.uniform(*GAP_SECONDS)
        longest = max(int(begin * RATE) + len(sound) for begin, sound in parts)
        samples = torch.zeros(longest)
        for begin, sound in parts:
            first = int(begin * RATE)
            samples[first : first + len(sound)] = sound
        ids = self._tokens.sequence(segments, language, "transcribe", times)
        mel = log_mel(samples, self.rng.uniform(*TAIL_SECONDS))
        labels = next_token_labels(ids, 3 if times else 4)
        return Batch("row", [mel], [ids[:-1]], [labels])

    def _mask(self, mel):
        """SpecAugment, light: two bands and two moments of each clip give way to its mean."""
        for row in mel:
            mean = float(row.mean())
            for axis, widest in ((0, 10), (0, 10), (1, 20), (1, 20)):
                width = self.rng.randrange(widest)
                row.narrow(axis, self.rng.randrange(row.shape[axis] - width), width).fill_(mean)


def plain_batch(clips, store, tokens, task="transcribe"):
    """Clips as they are with 0.5 s of silence after each, for measuring."""
    texts = [c["texts"]["en" if task == "translate" else c["language"]] for c in clips]
    ids = [tokens.sequence([(0, 0, t)], c["language"], task, False) for t, c in zip(texts, clips)]
    mels = [log_mel(torch.from_numpy(store.samples(c)), 0.5) for c in clips]
    labels = [next_token_labels(i, 4) for i in ids]
    return Batch("plain", mels, [i[:-1] for i in ids], labels)


def plain_batches(store, split, tokens, batch_seconds):
    """plain_batch of all clips of a split, those of similar length together."""
    groups, current = [], []
    for clip in sorted((c for c in store.clips if c["split"] == split), key=lambda c: c["samples"]):
        if current and (clip["samples"] / RATE + 0.5) * (len(current) + 1) > batch_seconds:
            groups.append(current)
            current = []
        current.append(clip)
    return [plain_batch(clips, store, tokens) for clips in groups + [current] if clips]
