"""A folder of clips: `audio.i16` (16 kHz mono samples, one clip after another) and `clips.json`.

A clip is a dictionary: begin, samples (its place in audio.i16), id, language, texts (language -> text,
the spoken one and, where known, the English one), source ("prompt" or "speech"), voice,
split ("train", "dev" or "test").
"""

import json
import os

import numpy as np

RATE = 16000


class ClipWriter:
    """Appends clips to a folder; nothing is valid before `close`."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self._folder = folder
        self._audio = open(os.path.join(folder, "audio.i16"), "wb")
        self._clips, self._begin = [], 0

    def add(self, samples, **about):
        """`samples`: float in [-1, 1] or int16."""
        if samples.dtype != np.int16:
            samples = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        samples.astype("<i2").tofile(self._audio)
        self._clips.append({"begin": self._begin, "samples": len(samples), **about})
        self._begin += len(samples)

    def close(self):
        self._audio.close()
        with open(os.path.join(self._folder, "clips.json"), "w", encoding="utf-8") as file:
            json.dump(self._clips, file, ensure_ascii=False, indent=0)
        return self._clips


class ClipStore:
    """Reads what ClipWriter wrote; the audio stays on disk until it is asked for."""

    def __init__(self, folder):
        with open(os.path.join(folder, "clips.json"), encoding="utf-8") as file:
            self.clips = json.load(file)
        self._audio = np.memmap(os.path.join(folder, "audio.i16"), "<i2", "r")

    def samples(self, clip):
        """float32 in [-1, 1)"""
        begin = clip["begin"]
        return self._audio[begin : begin + clip["samples"]].astype(np.float32) / 32768


def trim(samples, threshold=0.01, margin=0.1):
    """Cuts silence from both ends, leaving `margin` seconds."""
    loud = np.flatnonzero(np.abs(samples) > threshold * max(1e-4, float(np.abs(samples).max())))
    if not len(loud):
        return samples
    keep = int(margin * RATE)
    return samples[max(0, loud[0] - keep) : loud[-1] + keep]


def hours_by(clips, *keys):
    """Rows (key values..., clips, minutes) for a table."""
    sums = {}
    for clip in clips:
        key = tuple(clip[k] for k in keys)
        count, seconds = sums.get(key, (0, 0.0))
        sums[key] = (count + 1, seconds + clip["samples"] / RATE)
    return [(*key, count, round(s / 60, 1)) for key, (count, s) in sorted(sums.items())]
