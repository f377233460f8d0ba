"""Whisper's input: log-mel frames of 10 ms, at the sound's true length plus a tail of silence."""

import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mel_matrix import mel_matrix  # noqa: E402

RATE, HOP, N_FFT, MELS = 16000, 160, 400, 80
FRAMES_PER_SECOND = RATE // HOP
WINDOW_SECONDS = 30
FLOOR_BELOW_PEAK = 8.0  # log10 units; quieter than that is cut, as Whisper's extractor does

_FILTERS = torch.tensor(mel_matrix(RATE, N_FFT, MELS), dtype=torch.float32).T
_WINDOW = torch.hann_window(N_FFT)


def log_mel(samples, tail_seconds):
    """(80, frames) float32: frames cover `samples` (1-D float32 tensor) and `tail_seconds` of zeros.

    An even number of frames, for the stem halves them.
    """
    frames = -(-len(samples) // HOP) + int(tail_seconds * FRAMES_PER_SECOND)
    frames = min(frames + frames % 2, WINDOW_SECONDS * FRAMES_PER_SECOND)
    padded = torch.zeros(frames * HOP)
    count = min(len(samples), len(padded))
    padded[:count] = samples[:count]
    spectrum = torch.stft(padded, N_FFT, HOP, window=_WINDOW, center=True, return_complex=True)
    power = spectrum[:, :frames].abs().square()
    mel = (_FILTERS @ power).clamp_min(1e-10).log10()
    return (torch.maximum(mel, mel.max() - FLOOR_BELOW_PEAK) + 4.0) / 4.0


def full_window(samples):
    """(80, 3000): what the unchanged model expects."""
    return log_mel(samples, WINDOW_SECONDS)


def true_length(samples, tail_seconds=0.5, min_seconds=1.0):
    """(80, frames) of the sound plus its tail, at least `min_seconds` in all."""
    return log_mel(samples, max(tail_seconds, min_seconds - len(samples) / RATE))


def stack_padded(mels):
    """(batch, 80, frames): shorter ones get more silence, i.e. a longer tail."""
    frames = max(m.shape[1] for m in mels)
    rows = []
    for mel in mels:
        silence = mel.max() - FLOOR_BELOW_PEAK / 4.0
        rows.append(torch.nn.functional.pad(mel, (0, frames - mel.shape[1]), value=float(silence)))
    return torch.stack(rows)
