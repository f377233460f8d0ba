"""Batches for the trainer: prompts with their transcripts or translations, and the guard set.

A batch holds clips of similar length, languages and tasks mixed; each gets a random tail, and the
shorter ones' silence fills the rest, so no mask is needed.
"""

import random

import torch

from training.whisper_features import FRAMES_PER_SECOND, log_mel, stack_padded

TAIL_SECONDS = (0.25, 1.5)
BATCH_SECONDS = 10.0  # of sound and tails; three or four prompts
LANGUAGES = ["other", "en", "es", "fr", "it", "ru"]
TASKS = ["transcribe", "translate"]
IGNORED = -100
SHARES = {"prompt": 0.70, "guard": 0.24, "window": 0.06}


def language_row(code):
    return LANGUAGES.index(code) if code in LANGUAGES else 0


class Batch:
    """mel (B, 80, frames), ids (B, T), labels (B, T) or IGNORED, language and task rows (B,).

    teacher: None or (positions (N, 2), ids (N, K), probabilities (N, K)) that replace labels there.
    """

    def __init__(self, kind, mels, sequences, labels, languages, tasks, teacher=None):
        self.kind, self.mel = kind, stack_padded(mels)
        longest = max(len(s) for s in sequences)
        self.ids = torch.tensor([s + [s[-1]] * (longest - len(s)) for s in sequences])
        self.labels = torch.tensor([lab + [IGNORED] * (longest - len(lab)) for lab in labels])
        self.languages = torch.tensor([language_row(code) for code in languages])
        self.tasks = torch.tensor([TASKS.index(task) for task in tasks])
        self.teacher = teacher

    @property
    def contexts(self):
        return self.languages * len(TASKS) + self.tasks


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
        self._mels = {}

    def state(self):
        return {"rng": self.rng.getstate(), "queues": self._queues}

    def restore(self, state):
        self.rng.setstate(state["rng"])
        self._queues = state["queues"]

    def next(self):
        kind = self.rng.choices(list(SHARES), list(SHARES.values()))[0]
        kind = kind if self._teacher else "prompt"
        if kind == "window":
            return self._window(self.rng.randrange(len(self._teacher)))
        if not self._queues[kind]:
            self._queues[kind] = self._plan(kind)
        batch = self._queues[kind].pop()
        return self._prompt(batch) if kind == "prompt" else self._guard_clips(batch)

    def _clip(self, kind, item):
        if kind == "prompt":
            return self._prompts.clips[item]
        window, j = item
        return self._speech.clips[self._teacher[window]["clips"][j]]

    def _plan(self, kind):
        """All clips once: sorted by length, with noise, cut into batches, the batches shuffled."""
        items = list(self._train if kind == "prompt" else self._guard)

        def seconds(item):
            return self._clip(kind, item)["samples"] / 16000

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

    def _mel(self, store, clip):
        key = (id(store), clip["begin"])
        if key not in self._mels:
            self._mels[key] = log_mel(torch.from_numpy(store.samples(clip)), TAIL_SECONDS[1])
        mel = self._mels[key]
        tail = self.rng.uniform(*TAIL_SECONDS)
        frames = mel.shape[1] - int((TAIL_SECONDS[1] - tail) * FRAMES_PER_SECOND)
        return mel[:, : max(FRAMES_PER_SECOND, frames - frames % 2)]

    def _prompt(self, items):
        mels, sequences, labels, languages, tasks = [], [], [], [], []
        for item in items:
            clip = self._prompts.clips[item]
            language, texts = clip["language"], clip["texts"]
            translate = language != "en" and "en" in texts and self.rng.random() < 0.35
            task = "translate" if translate else "transcribe"
            times = self.rng.random() < 0.35
            end = max(0.1, clip["samples"] / 16000 - 0.1)
            text = texts["en" if translate else language]
            ids = self._tokens.sequence([(0.0, end, text)], language, task, times)
            mels.append(self._mel(self._prompts, clip))
            sequences.append(ids[:-1])
            labels.append(next_token_labels(ids, 3 if times else 4))
            labels[-1][0] = self._tokens.language(language)  # detection must not drift
            languages.append(language)
            tasks.append(task)
        return Batch("prompt", mels, sequences, labels, languages, tasks)

    def _guard_clips(self, items):
        mels, sequences, labels, languages, rows = [], [], [], [], []
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
            languages.append(language)
            for t in range(end - first):  # row first - 1 + t is the opinion on ids[first + t]
                rows.append((at, len(prompt) - 1 + t, w, first - 1 + t))
        teacher = self._soft(rows)
        return Batch("guard", mels, sequences, labels, languages, ["transcribe"] * len(items), teacher)

    def _window(self, w):
        window = self._teacher[w]
        clips = [self._speech.clips[i] for i in window["clips"]]
        last = clips[-1]
        samples = torch.zeros(int(window["begins"][-1] * 16000 + 0.5) + last["samples"])
        for begin, clip in zip(window["begins"], clips):
            at = int(begin * 16000 + 0.5)
            samples[at : at + clip["samples"]] = torch.from_numpy(self._speech.samples(clip))
        mel = log_mel(samples, self.rng.uniform(*TAIL_SECONDS))
        ids = window["ids"][:-1]
        labels = [IGNORED] * len(ids)
        teacher = self._soft([(0, t, w, t) for t in range(2, len(ids))])
        return Batch("window", [mel], [ids], [labels], [window["language"]], ["transcribe"], teacher)

    def _soft(self, rows):
        positions = torch.tensor([(row, t) for row, t, _, _ in rows])
        ids = torch.stack([self._teacher[w]["top_ids"][t] for _, _, w, t in rows]).long()
        logs = torch.stack([self._teacher[w]["top_log_probs"][t] for _, _, w, t in rows]).float()
        return positions, ids, logs.softmax(-1)
