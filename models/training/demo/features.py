"""Log-mel frames of clip stores, computed once and kept beside the audio as half floats."""

import os

import numpy as np
import torch

from mel_matrix import mel_matrix
from training.demo.model import FRONTEND

TAIL_FRAMES = 40  # of silence behind every clip; batches take as much of it as they draw
FLOOR = float(np.log(1e-10))
FILE = "log_mel.f16.npy"

_MELS = torch.tensor(
    mel_matrix(FRONTEND["fs"], FRONTEND["n_fft"], FRONTEND["n_mels"]), dtype=torch.float32
)
_WINDOW = torch.hann_window(FRONTEND["win_length"])


def log_mel(samples):
    """samples (N,) float32 -> (N // hop + 1, mels): ESPnet's default front-end (spec section 3)."""
    spectrum = torch.stft(
        torch.as_tensor(samples),
        FRONTEND["n_fft"],
        FRONTEND["hop_length"],
        FRONTEND["win_length"],
        _WINDOW,
        center=True,
        return_complex=True,
    )
    return (spectrum.abs().square().T @ _MELS).clamp_min(1e-10).log()


def with_tail(samples, frames=TAIL_FRAMES):
    return np.concatenate([samples, np.zeros(frames * FRONTEND["hop_length"], np.float32)])


class FeatureStore:
    """frames(clip) -> float32 tensor (frames, mels) of the clip and TAIL_FRAMES of silence."""

    def __init__(self, store, folder):
        path = os.path.join(folder, FILE)
        self.clips = store.clips
        counts = [self._count(clip) for clip in store.clips]
        self._begin = np.concatenate([[0], np.cumsum(counts)])
        if not os.path.exists(path):
            self._compute(store, path)
        self._frames = np.load(path, mmap_mode="r")
        if len(self._frames) != self._begin[-1]:
            raise ValueError("%s: made from other clips; delete it" % path)

    @staticmethod
    def _count(clip):
        return clip["samples"] // FRONTEND["hop_length"] + TAIL_FRAMES + 1

    def _compute(self, store, path):
        frames = np.zeros((self._begin[-1], FRONTEND["n_mels"]), np.float16)
        for index, clip in enumerate(store.clips):
            first, end = self._begin[index : index + 2]
            frames[first:end] = log_mel(with_tail(store.samples(clip))).numpy()
        with open(path + ".part", "wb") as out:
            np.save(out, frames)
        os.replace(path + ".part", path)

    def frames(self, index):
        first, end = self._begin[index : index + 2]
        return torch.from_numpy(self._frames[first:end].astype(np.float32))

    def speech_frames(self, index):
        """How many of them are the clip's own."""
        return int(self._begin[index + 1] - self._begin[index]) - TAIL_FRAMES

    def statistics(self, step=7):
        """(mean, std) over every `step`-th frame of speech, not of the tails."""
        seen = self._frames[::step].astype(np.float32)
        seen = seen[seen.max(1) > FLOOR + 1]
        return torch.from_numpy(seen.mean(0)), torch.from_numpy(seen.std(0))
