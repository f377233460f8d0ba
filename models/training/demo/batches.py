"""Batches for the demo's trainer: clips of similar length, languages and tasks mixed."""

import random

import torch

from training.demo.clips import LANGUAGES, prompt_task
from training.demo.features import FLOOR, TAIL_FRAMES
from training.demo.model import FRAMES_PER_STEP, FRONTEND


BATCH_FRAMES = 1100  # 22 s of sound and tails: many small updates, for CTC needs thousands
REPEATS = {"prompt": 3, "grammar": 1, "prompt read": 1}  # an epoch
MARGIN_FRAMES = 5  # that clip_store.trim leaves at both ends
FRAME_SECONDS = FRONTEND["hop_length"] / FRONTEND["fs"]
TRANSLATED, TIMED = 0.4, 0.15  # shares of the items


def augment(frames, mean, rng, strength):
    """Gain, noise, tempo and masks on log-mel frames (T, mels); strength 0 to 1 scales them all."""
    frames = frames + rng.uniform(-1.5, 1.5) * strength
    if rng.random() < 0.3 * strength:
        level = rng.uniform(-10, -4)
        frames = torch.logaddexp(frames, level + 0.7 * torch.randn_like(frames))
    if rng.random() < 0.6 * strength:
        rate = rng.uniform(0.88, 1.12)
        row = frames.T[None]
        row = torch.nn.functional.interpolate(row, scale_factor=rate, mode="linear")
        frames = row[0].T.contiguous()
    mels = frames.shape[1]
    for _ in range(rng.randrange(3) if rng.random() < strength else 0):
        width = rng.randrange(1, 8)
        first = rng.randrange(mels - width)
        frames[:, first : first + width] = mean[first : first + width]
        width = rng.randrange(1, max(2, min(15, len(frames) // 8)))
        first = rng.randrange(len(frames) - width)
        frames[first : first + width] = mean
    return frames


def spread_labels(pieces, lengths, speech_frames, steps):
    """A guess of which piece each encoder step hears: as if every letter took the same time.

    Synthesised speech is even enough for that to be about right, which spares CTC many of the
    updates in which it finds no alignment at all. Steps outside of the speech: blank, 0.
    """
    labels = torch.zeros(steps, dtype=torch.long)
    total = sum(lengths)
    first, spoken = MARGIN_FRAMES, max(1, speech_frames - 2 * MARGIN_FRAMES)
    ends, at = [], 0
    for length in lengths:
        at += length
        ends.append(first + spoken * at / total)
    piece = 0
    for step in range(steps):
        middle = step * FRAMES_PER_STEP + 3
        while piece < len(ends) and middle >= ends[piece]:
            piece += 1
        if first <= middle and piece < len(ends):
            labels[step] = pieces[piece]
    return labels


class Batch:
    """x (B, T, mels), lengths (B,), source ids and counts for CTC, spread labels (B, S) with -1 as
    padding, decoder inputs and targets (B, U), -1 as padding, and their counts."""

    def __init__(self, items):
        pad = torch.nn.utils.rnn.pad_sequence
        self.x = pad([i["frames"] for i in items], True, FLOOR)
        self.lengths = torch.tensor([len(i["frames"]) for i in items])
        self.source = torch.tensor(sum((i["source"] for i in items), []))
        self.source_counts = torch.tensor([len(i["source"]) for i in items])
        self.spread = pad([i["spread"] for i in items], True, -1)
        self.inputs = pad([torch.tensor(i["target"][:-1]) for i in items], True, 0)
        self.targets = pad([torch.tensor(i["labels"]) for i in items], True, -1)
        self.target_counts = torch.tensor([len(i["labels"]) for i in items])


def steps_of(frames):
    for _ in range(2):
        frames = (frames - 3) // 2 + 1
    return frames


def fits_ctc(ids, steps):
    repeats = sum(a == b for a, b in zip(ids, ids[1:]))
    return len(ids) + repeats <= steps


class BatchSource:
    """Endless batches from feature stores. All randomness comes from `rng`.

    limit: of clips; None: all. `items`: (store, clip) index pairs.
    """

    def __init__(self, stores, vocabulary, mean, seed, limit=None):
        self._stores, self._vocabulary, self._mean = stores, vocabulary, mean
        self.rng = random.Random(seed)
        self._queue = []
        self.items = [
            (s, i)
            for s, store in enumerate(stores)
            for i, clip in enumerate(store.clips)
            if clip["split"] == "train" and clip["language"] in LANGUAGES
        ]
        if limit:
            self.items = random.Random(seed).sample(self.items, limit)
        self.strength, self.plain_voices = 1.0, False

    def state(self):
        return {"rng": self.rng.getstate(), "queue": self._queue}

    def restore(self, state):
        self.rng.setstate(state["rng"])
        self._queue = state["queue"]

    def _plan(self):
        keyed = []
        for store, index in self.items:
            clip = self._stores[store].clips[index]
            if self.plain_voices and clip["voice"].startswith(("espeak", "flite")):
                continue
            length = self._stores[store].speech_frames(index)
            for _ in range(REPEATS[clip["source"]]):
                keyed.append((length * self.rng.uniform(0.9, 1.1), store, index))
        batches, current = [], []
        for length, store, index in sorted(keyed):
            if current and (length + 20) * (len(current) + 1) > BATCH_FRAMES:
                batches.append(current)
                current = []
            current.append((store, index))
        batches += [current] if current else []
        self.rng.shuffle(batches)
        return batches

    def next(self):
        while True:
            if not self._queue:
                self._queue = self._plan()
            items = [self._item(*at) for at in self._queue.pop()]
            items = [item for item in items if item]
            if items:
                return Batch(items)

    def _item(self, store, index):
        stored = self._stores[store]
        clip, speech = stored.clips[index], stored.speech_frames(index)
        frames = augment(stored.frames(index)[:speech], self._mean, self.rng, self.strength)
        speech = len(frames)
        tail = self.rng.randrange(5, TAIL_FRAMES)
        frames = torch.nn.functional.pad(frames, (0, 0, 0, tail), value=FLOOR)
        steps = steps_of(len(frames))
        language, vocabulary = clip["language"], self._vocabulary
        source = vocabulary.encode(clip["texts"][language])
        if not source or not fits_ctc(source, steps):
            return None
        others = [code for code in clip["texts"] if code != language and code in LANGUAGES]
        target = language
        if others and self.rng.random() < TRANSLATED:
            target = self.rng.choice(others)
        prompt = [vocabulary.sos, *vocabulary.prompt(language, prompt_task(language, target))]
        text = vocabulary.encode(clip["texts"][target])
        if self.rng.random() < TIMED:
            times = [MARGIN_FRAMES * FRAME_SECONDS, (speech - MARGIN_FRAMES) * FRAME_SECONDS]
            begin, end = (vocabulary.time(t) for t in times)
            prompt, text = prompt[:-1], [begin, *text, end]
        whole = [*prompt, *text, vocabulary.eos]
        lengths = [max(1, len(vocabulary.tokens[i])) for i in source]
        return {
            "frames": frames,
            "source": source,
            "spread": spread_labels(source, lengths, speech, steps),
            "target": whole,
            # Language and task are given, not guessed; the first of them is, for detection.
            "labels": [whole[1], *[-1] * (len(prompt) - 2), *whole[len(prompt) :]],
        }
