"""Batches for the trainer: prompts with their transcripts or translations, and the guard set.

A batch holds clips of similar length, languages and tasks mixed; each gets a random tail, and the
shorter ones' silence fills the rest, so no mask is needed. Long form: windows of several clips of one
language in a row, up to 30 s, where the last one may be cut off, as the runtime's windows cut it.
"""

import random

import soxr
import torch

from training.clip_store import RATE
from training.whisper_features import FRAMES_PER_SECOND, WINDOW_SECONDS, log_mel, stack_padded

TAIL_SECONDS = (0.25, 1.5)
GAP_SECONDS = (0.1, 1.2)  # between the clips of a row
PAUSED_SHARE = 0.4  # of sentences with times get longer pauses inside: they end no sentence
PAUSE_SECONDS = (0.3, 1.2)
MARGIN_SECONDS = 0.1  # of silence that clip_store.trim leaves at both ends
SPEEDS = (0.93, 1.0, 1.07)  # of prompts: more voices than five
BATCH_SECONDS = 10.0  # of sound and tails; three or four prompts
LANGUAGES = ["other", "en", "es", "fr", "it", "ru"]
TASKS = ["transcribe", "translate"]
IGNORED = -100
SHARES = {"prompt": 0.52, "guard": 0.22, "window": 0.04, "row": 0.22}
MASKED_SHARE = 0.5  # of the batches
MOST_IDS = 440  # of a row: Whisper's decoder has 448 positions


def language_row(code):
    return LANGUAGES.index(code) if code in LANGUAGES else 0


class Batch:
    """mel (B, 80, frames), ids (B, T), labels (B, T) or IGNORED.

    teacher: None or (positions (N, 2), ids (N, K), probabilities (N, K)) that replace labels there.
    """

    def __init__(self, kind, mels, sequences, labels, teacher=None):
        self.kind, self.mel = kind, stack_padded(mels)
        longest = max(len(s) for s in sequences)
        self.ids = torch.tensor([s + [s[-1]] * (longest - len(s)) for s in sequences])
        self.labels = torch.tensor([lab + [IGNORED] * (longest - len(lab)) for lab in labels])
        self.teacher = teacher


def next_token_labels(ids, prompt_length):
    """Labels of ids[:-1]: the next token, after the prompt."""
    return [IGNORED] * (prompt_length - 1) + ids[prompt_length:]


class BatchSource:
    """Endless batches. All randomness comes from `rng`, whose state a checkpoint keeps."""

    def __init__(self, prompts, speech, teacher, tokens, seed):
        self._prompts, self._speech, self._tokens = prompts, speech, tokens
        self._teacher = teacher
        self.rng = random.Random(seed)
        self._train = [i for i, c in enumerate(prompts.clips) if c["split"] == "train"]
        self._guard = [(w, j) for w, window in enumerate(teacher) for j in range(len(window["clips"]))]
        self._queues = {"prompt": [], "guard": []}
        self._mels, self._sounds = {}, {}
        self._of_language = {
            name: {code: [c for c in clips if c["language"] == code] for code in LANGUAGES[1:]}
            for name, clips in self._row_clips().items()
        }

    def _row_clips(self):
        guard = [self._clip("guard", item) for item in self._guard]
        return {"prompt": [self._prompts.clips[i] for i in self._train], "guard": guard}

    def state(self):
        return {"rng": self.rng.getstate(), "queues": self._queues}

    def restore(self, state):
        self.rng.setstate(state["rng"])
        self._queues = state["queues"]

    def next(self):
        kind = self.rng.choices(list(SHARES), list(SHARES.values()))[0]
        if kind in ("guard", "window") and not self._teacher:
            kind = "prompt"
        batch = self._make(kind)
        if self.rng.random() < MASKED_SHARE:
            self._mask(batch.mel)
        return batch

    def _make(self, kind):
        if kind == "window":
            return self._window(self.rng.randrange(len(self._teacher)))
        if kind == "row":
            return self._row()
        if not self._queues[kind]:
            self._queues[kind] = self._plan(kind)
        batch = self._queues[kind].pop()
        return self._prompt(batch) if kind == "prompt" else self._guard_clips(batch)

    def _mask(self, mel):
        """SpecAugment, light: two bands and two moments of each clip give way to its mean."""
        for row in mel:
            mean = float(row.mean())
            for axis, widest in ((0, 10), (0, 10), (1, 25), (1, 25)):
                width = self.rng.randrange(widest)
                row.narrow(axis, self.rng.randrange(row.shape[axis] - width), width).fill_(mean)

    def _clip(self, kind, item):
        if kind == "prompt":
            return self._prompts.clips[item]
        window, j = item
        return self._speech.clips[self._teacher[window]["clips"][j]]

    def _plan(self, kind):
        """All clips once: sorted by length, with noise, cut into batches, the batches shuffled."""
        items = list(self._train if kind == "prompt" else self._guard)

        def seconds(item):
            return self._clip(kind, item)["samples"] / RATE

        keyed = sorted((seconds(i) * self.rng.uniform(0.9, 1.1), n) for n, i in enumerate(items))
        batches, current = [], []
        for _, n in keyed:
            current.append(items[n])
            longest = max(seconds(i) for i in current) + 0.8
            if longest * len(current) >= BATCH_SECONDS:
                batches.append(current)
                current = []
        batches += [current] if current else []
        self.rng.shuffle(batches)
        return batches

    def _sound(self, store, clip, speed=1.0):
        """(samples,) float32 of the clip, spoken `speed` times as fast and that much higher."""
        if speed == 1.0:
            return torch.from_numpy(store.samples(clip))
        key = (id(store), clip["begin"], speed)
        if key not in self._sounds:
            sound = soxr.resample(store.samples(clip), RATE * speed, RATE)
            self._sounds[key] = torch.from_numpy(sound).half()
        return self._sounds[key].float()

    def _paused(self, sound):
        """`sound` with silence put in once or twice where it is quietest, 0.5 s from either end."""
        once = self._paused_once(sound)
        return self._paused_once(once) if self.rng.random() < 0.5 else once

    def _paused_once(self, sound):
        frame, edge = RATE // 50, RATE // 2
        inner = sound[edge : len(sound) - edge]
        count = len(inner) // frame
        if count < 10:
            return sound
        level = inner[: count * frame].view(count, frame).abs().amax(1)
        level = level[:-2] + level[1:-1] + level[2:]  # 60 ms: more than the stop of a consonant
        level = level + (level == 0) * level.max()  # not the pause that was put in before
        at = edge + (int(level.argmin()) + 1) * frame
        if float(level.min()) > 0.1 * float(sound.abs().max()):
            return sound
        silence = torch.zeros(int(self.rng.uniform(*PAUSE_SECONDS) * RATE))
        return torch.cat([sound[:at], silence, sound[at:]])

    def _mel(self, store, clip, speed=1.0):
        key = (id(store), clip["begin"], speed)
        if key not in self._mels:
            self._mels[key] = log_mel(self._sound(store, clip, speed), TAIL_SECONDS[1])
        mel = self._mels[key]
        tail = self.rng.uniform(*TAIL_SECONDS)
        frames = mel.shape[1] - int((TAIL_SECONDS[1] - tail) * FRAMES_PER_SECOND)
        return mel[:, : max(FRAMES_PER_SECOND, frames - frames % 2)]

    def _prompt(self, items):
        mels, sequences, labels = [], [], []
        for item in items:
            clip = self._prompts.clips[item]
            language, texts = clip["language"], clip["texts"]
            translate = language != "en" and "en" in texts and self.rng.random() < 0.35
            task = "translate" if translate else "transcribe"
            times = self.rng.random() < 0.35
            speed, paused = self.rng.choice(SPEEDS), None
            if times and self.rng.random() < PAUSED_SHARE:
                paused = self._paused(self._sound(self._prompts, clip, speed))
            samples = clip["samples"] / speed if paused is None else len(paused)
            end = max(0.1, samples / RATE - MARGIN_SECONDS)
            text = texts["en" if translate else language]
            ids = self._tokens.sequence([(0.0, end, text)], language, task, times)
            if paused is None:
                mels.append(self._mel(self._prompts, clip, speed))
            else:
                mels.append(log_mel(paused, self.rng.uniform(*TAIL_SECONDS)))
            sequences.append(ids[:-1])
            labels.append(self._labels(ids, times, language))
        return Batch("prompt", mels, sequences, labels)

    def _labels(self, ids, times, language):
        labels = next_token_labels(ids, 3 if times else 4)
        labels[0] = self._tokens.language(language)  # detection must not drift
        return labels

    def _row(self):
        """One window of clips in a row: filled to its 30 s or with an end of its own."""
        language = self.rng.choice([code for code, own in self._of_language["prompt"].items() if own])
        times, is_full = self.rng.random() < 0.75, self.rng.random() < 0.6
        seconds = float(WINDOW_SECONDS) if is_full else self.rng.uniform(6.0, WINDOW_SECONDS - 1.0)
        translate = language != "en" and self.rng.random() < 0.2
        at, parts, segments, cut_begin = self.rng.uniform(0.0, 0.6), [], [], None
        while at < seconds:
            store, clip, speed = self._row_clip(language, translate)
            sound = self._sound(store, clip, speed)
            if times and self.rng.random() < PAUSED_SHARE:
                sound = self._paused(sound)
            end = at + len(sound) / RATE
            is_cut = end - MARGIN_SECONDS > seconds
            if is_cut and not (is_full and times):
                break  # without time tokens nothing could say that its text is missing
            parts.append((at, sound))
            if is_cut:
                cut_begin = at
                break
            text = clip["texts"]["en" if translate else language]
            segments.append((at, min(end - MARGIN_SECONDS, seconds), text))
            at = end + self.rng.uniform(*GAP_SECONDS)
        task = "translate" if translate else "transcribe"
        ids = self._tokens.sequence(segments, language, task, times)
        if cut_begin is not None:  # a start without an end: the next window begins there
            ids = [*ids[:-1], self._tokens.time(cut_begin), ids[-1]]
        if not segments or len(ids) > MOST_IDS:
            return self._row()
        tail = 0.0 if is_full else self.rng.uniform(*TAIL_SECONDS)
        mel = log_mel(self._lay(parts, seconds if is_full else None), tail)
        labels = self._labels(ids, times, language)
        return Batch("row", [mel], [ids[:-1]], [labels])

    def _row_clip(self, language, translate):
        """(store, clip, speed): mostly prompts, and of them mostly sentences"""
        if not translate and self._of_language["guard"][language] and self.rng.random() < 0.25:
            return self._speech, self.rng.choice(self._of_language["guard"][language]), 1.0
        pool = self._of_language["prompt"][language]
        while True:
            clip = self.rng.choice(pool)
            is_short = clip["samples"] < 1.8 * RATE
            if not (translate and "en" not in clip["texts"]) and not (is_short and self.rng.random() < 0.6):
                return self._prompts, clip, self.rng.choice(SPEEDS)

    @staticmethod
    def _lay(parts, seconds):
        """Sounds at their begins, in one; `seconds`: cut or filled to that, None: as long as they are."""
        longest = max(int(at * RATE) + len(sound) for at, sound in parts)
        samples = torch.zeros(longest if seconds is None else int(seconds * RATE))
        for at, sound in parts:
            begin = int(at * RATE)
            room = samples[begin : begin + len(sound)]
            room.copy_(sound[: len(room)])
        return samples

    def _guard_clips(self, items):
        mels, sequences, labels, rows = [], [], [], []
        for at, (w, j) in enumerate(items):
            window = self._teacher[w]
            first, end = window["spans"][j]
            language = window["language"]
            prompt = self._tokens.prompt(language, "transcribe")
            text = window["ids"][first:end]
            mels.append(self._mel(self._speech, self._clip("guard", (w, j))))
            sequences.append(prompt + text)
            only_end = [IGNORED] * (len(prompt) - 1 + len(text)) + [self._tokens.end]
            only_end[0] = self._tokens.language(language)
            labels.append(only_end)
            for t in range(end - first):  # row first - 1 + t is the opinion on ids[first + t]
                rows.append((at, len(prompt) - 1 + t, w, first - 1 + t))
        teacher = self._soft(rows)
        return Batch("guard", mels, sequences, labels, teacher)

    def _window(self, w):
        window = self._teacher[w]
        clips = [self._speech.clips[i] for i in window["clips"]]
        sounds = [self._sound(self._speech, clip) for clip in clips]
        samples = self._lay(list(zip(window["begins"], sounds)), None)
        mel = log_mel(samples, self.rng.uniform(*TAIL_SECONDS))
        ids = window["ids"][:-1]
        labels = [IGNORED] * len(ids)
        teacher = self._soft([(0, t, w, t) for t in range(2, len(ids))])
        return Batch("window", [mel], [ids], [labels], teacher)

    def _soft(self, rows):
        positions = torch.tensor([(row, t) for row, t, _, _ in rows])
        ids = torch.stack([self._teacher[w]["top_ids"][t] for _, _, w, t in rows]).long()
        logs = torch.stack([self._teacher[w]["top_log_probs"][t] for _, _, w, t in rows]).float()
        return positions, ids, logs.softmax(-1)
