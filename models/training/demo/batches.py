"""Batches for the demo's trainer: clips of similar length, languages and tasks mixed."""

import math
import random

import torch

from training.demo.clips import LANGUAGES, prompt_task
from training.demo.features import FLOOR, TAIL_FRAMES
from training.demo.model import FRAMES_PER_STEP, FRONTEND


BATCH_FRAMES = 2200  # 44 s of sound and tails
MOST_WORDS = 7  # in a string of single words
JOINED_FRAMES = 550  # most speech in two sentences that are joined
SILENCE_FRAMES = 10, 60  # least and most between them
REPEATS = {"prompt": 6, "grammar": 1, "prompt read": 1}  # an epoch
MARGIN_FRAMES = 5  # that clip_store.trim leaves at both ends
FRAME_SECONDS = FRONTEND["hop_length"] / FRONTEND["fs"]
TRANSLATED, TIMED = 0.5, 0.15  # shares of the items


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


def spread_pieces(spans):
    """(piece, first frame, end frame) of each piece, if within a span every letter takes the same time.

    spans: (pieces, letters of each piece, first frame, end frame), in order. Exact to a step or two
    where a span is a word; a guess where it is a sentence.
    """
    found = []
    for pieces, letters, first, end in spans:
        at, total, begin = 0, sum(letters), first
        for piece, count in zip(pieces, letters):
            at += count
            upto = first + (end - first) * at / total
            found.append((piece, begin, upto))
            begin = upto
    return found


def spread_labels(pieces, steps):
    """The piece each encoder step hears, of spread_pieces; between them blank, 0."""
    labels = torch.zeros(steps, dtype=torch.long)
    for piece, *frames in pieces:
        # The step whose middle, 3 frames after its first, is the next one at or after the frame.
        labels[slice(*(max(0, math.ceil((f - 3) / FRAMES_PER_STEP)) for f in frames))] = piece
    return labels


class Batch:
    """x (B, T, mels), lengths (B,), source ids and counts for CTC, spread labels (B, S) with -1 as
    padding, decoder inputs and targets (B, U), -1 as padding, and their counts; contexts: (language,
    task) of each item; heard_at (B, U): the encoder step of each target's sound, -1 where that is
    unknown, and how far off it may be, heard_within (B,)."""

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
        self.contexts = [i["context"] for i in items]
        self.heard_at = pad([torch.tensor(i["heard_at"]) for i in items], True, -1.0)
        self.heard_within = torch.tensor([i["heard_within"] for i in items])


def steps_of(frames):
    for _ in range(2):
        frames = (frames - 3) // 2 + 1
    return frames


def fits_ctc(ids, steps):
    repeats = sum(a == b for a, b in zip(ids, ids[1:]))
    return len(ids) + repeats <= steps


class BatchSource:
    """Endless batches from feature stores. All randomness comes from `rng`.

    An item is a sentence, or two of them one after the other, or a string of clips of single words: sound
    whose alignment is known, and that no knowledge of the language helps to guess. `strings` is the
    share of these, `joined` that of the pairs.
    limit: of clips; None: all. `items`: (store, clip) index pairs of what is not a single word.
    """

    def __init__(self, stores, vocabulary, mean, seed, limit=None):
        self._stores, self._vocabulary, self._mean = stores, vocabulary, mean
        self.rng = random.Random(seed)
        self._queue = []
        self.items, words = [], {}
        for s, store in enumerate(stores):
            for i, clip in enumerate(store.clips):
                if clip["split"] != "train" or clip["language"] not in LANGUAGES:
                    continue
                if clip["source"] == "word":
                    words.setdefault(clip["language"], []).append((s, i))
                else:
                    self.items.append((s, i))
        self._words = [words[language] for language in sorted(words)]
        if limit:
            self.items = random.Random(seed).sample(self.items, limit)
        self.strings, self.plain_voices, self.strength, self.joined = 0.0, False, 1.0, 0.0

    def mix(self, strings, plain_voices, strength, joined=0.0):
        """What the next batches are made of; another mix of clips begins an epoch anew."""
        if (strings, plain_voices, joined) != (self.strings, self.plain_voices, self.joined):
            self._queue = []
        self.strings, self.plain_voices = strings, plain_voices
        self.strength, self.joined = strength, joined

    def state(self):
        mixed = self.strings, self.plain_voices, self.strength, self.joined
        return {"rng": self.rng.getstate(), "queue": self._queue, "mix": mixed}

    def restore(self, state):
        self.rng.setstate(state["rng"])
        self._queue = state["queue"]
        self.strings, self.plain_voices, self.strength, self.joined = state["mix"]

    def _plain(self, store, index):
        voice = self._stores[store].clips[index]["voice"]
        return not (self.plain_voices and voice.startswith(("espeak", "flite")))

    def _string(self):
        """A few (store, clip) of words of one language."""
        words = self.rng.choice(self._words)
        drawn = self.rng.choices(words, k=self.rng.randrange(1, MOST_WORDS + 1))
        return [at for at in drawn if self._plain(*at)] or drawn[:1]

    def _pairs(self, drawn):
        """`drawn` with `joined` of it as pairs of sentences of one language."""
        by_language, kept = {}, []
        for parts in drawn:
            store, index = parts[0]
            clip = self._stores[store].clips[index]
            if clip["source"] != "word" and self.rng.random() < self.joined:
                by_language.setdefault(clip["language"], []).append(parts[0])
            else:
                kept.append(parts)
        for _, sentences in sorted(by_language.items()):
            self.rng.shuffle(sentences)
            for pair in zip(sentences[::2], sentences[1::2]):
                short = sum(self._stores[s].speech_frames(i) for s, i in pair) <= JOINED_FRAMES
                kept += [list(pair)] if short else [[at] for at in pair]
        return kept

    def _plan(self):
        """An epoch of clips, mixed with strings of words, in batches of about equal lengths."""
        drawn = []
        for store, index in self.items:
            if self._plain(store, index):
                source = self._stores[store].clips[index]["source"]
                drawn += [[(store, index)]] * REPEATS[source]
        if self.strings and self._words:
            kept = [at for at in drawn if self.rng.random() >= self.strings]
            drawn = kept + [self._string() for _ in range(len(drawn) - len(kept))]
        drawn = self._pairs(drawn) if self.joined else drawn
        keyed = []
        for parts in drawn:
            length = sum(self._stores[store].speech_frames(index) for store, index in parts)
            keyed.append((length * self.rng.uniform(0.9, 1.1), parts))
        batches, current = [], []
        for length, parts in sorted(keyed):
            if current and (length + 20) * (len(current) + 1) > BATCH_FRAMES:
                batches.append(current)
                current = []
            current.append(parts)
        batches += [current] if current else []
        self.rng.shuffle(batches)
        return batches

    def next(self):
        while True:
            if not self._queue:
                self._queue = self._plan()
            items = [self._item(parts) for parts in self._queue.pop()]
            items = [item for item in items if item]
            if items:
                return Batch(items)

    def _sound(self, parts):
        """(frames of the parts' speech one after another, their spans for spread_labels)"""
        vocabulary, sounds, spans, at = self._vocabulary, [], [], 0
        for store, index in parts:
            stored = self._stores[store]
            clip, speech = stored.clips[index], stored.speech_frames(index)
            string = clip["source"] == "word" and len(parts) > 1
            if sounds and not string:
                silence = self.rng.randint(*SILENCE_FRAMES)
                sounds.append(torch.full((silence, len(self._mean)), FLOOR))
                at += silence
            pause = self.rng.randrange(MARGIN_FRAMES) if string else MARGIN_FRAMES
            cut = min(MARGIN_FRAMES - pause, speech // 4)
            sounds.append(stored.frames(index)[cut : speech - cut])
            pieces = vocabulary.encode(clip["texts"][clip["language"]])
            letters = [max(1, len(vocabulary.tokens[i])) for i in pieces]
            end = at + len(sounds[-1])
            spans.append((pieces, letters, at + pause, max(at + pause + 1, end - pause)))
            at = end
        return torch.cat(sounds), spans

    def _text(self, clips, spans, target):
        """Target ids of the clips, and the frame at which each is heard, if it is; without times."""
        if target == clips[0]["language"]:
            return [(piece, (a + b) / 2) for piece, a, b in spread_pieces(spans)]
        texts = (self._vocabulary.encode(clip["texts"][target]) for clip in clips)
        return [(piece, None) for text in texts for piece in text]

    def _timed_text(self, clips, spans, target):
        """The same with times: around each sentence, around a string of words."""
        parts = [(clips, spans)]
        if clips[0]["source"] != "word":
            parts = [([clip], [span]) for clip, span in zip(clips, spans)]
        found = []
        for part, within in parts:
            begin, end = (f * FRAME_SECONDS for f in (within[0][2], within[-1][3]))
            found.append((self._vocabulary.time(begin), None))
            found += self._text(part, within, target)
            found.append((self._vocabulary.time(end), None))
        return found

    def _item(self, parts):
        clips = [self._stores[store].clips[index] for store, index in parts]
        frames, spans = self._sound(parts)
        untouched = len(frames)
        frames = augment(frames, self._mean, self.rng, self.strength)
        speech = len(frames)
        spans = [(p, n, *(f * speech / untouched for f in ends)) for p, n, *ends in spans]
        tail = self.rng.randrange(5, TAIL_FRAMES)
        frames = torch.nn.functional.pad(frames, (0, 0, 0, tail), value=FLOOR)
        steps = steps_of(len(frames))
        language, vocabulary = clips[0]["language"], self._vocabulary
        pieces = spread_pieces(spans)
        source = [piece for piece, *_ in pieces]
        if not source or not fits_ctc(source, steps):
            return None
        others = [c for c in LANGUAGES if c != language and all(c in clip["texts"] for clip in clips)]
        target = language
        if others and self.rng.random() < TRANSLATED:
            target = self.rng.choice(others)
        task = prompt_task(language, target)
        prompt = [vocabulary.sos, *vocabulary.prompt(language, task)]
        if self.rng.random() < TIMED:
            prompt, text = prompt[:-1], self._timed_text(clips, spans, target)
        else:
            text = self._text(clips, spans, target)
        whole = [*prompt, *(token for token, _ in text), vocabulary.eos]
        centres = [-1.0 if f is None else max(0.0, (f - 3) / FRAMES_PER_STEP) for _, f in text]
        heard_at = [-1.0] * (len(prompt) - 1) + centres + [-1.0]
        return {
            "frames": frames,
            "source": source,
            "spread": spread_labels(pieces, steps),
            "heard_at": heard_at,
            "heard_within": 2.0 if len(parts) > 1 else max(2.0, 0.1 * steps),
            "target": whole,
            "context": (language, task),
            # Language and task are given, not guessed; the first of them is, for detection.
            "labels": [whole[1], *[-1] * (len(prompt) - 2), *whole[len(prompt) :]],
        }
