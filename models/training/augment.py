"""Sounds made unlike themselves: other rates, rooms, telephones and noises, so that a few voices become many."""

import math

import numpy as np
import soxr
import torch

from training.clip_store import RATE

SPEED = (0.85, 1.15)  # and pitch: a resampled sound
SPEED_SHARE, ROOM_SHARE, NOISE_SHARE, TELEPHONE_SHARE = 0.7, 0.25, 0.4, 0.25
EQUALISER_DB = 7.0
GAIN_DB = (-14.0, 4.0)
NOISE_DB = (12.0, 40.0)  # below the speech
ROOM_SECONDS = (0.1, 0.5)  # until the echoes are 60 dB down


def resampled(samples, speed):
    """float32 array, spoken `speed` times as fast and that much higher"""
    return soxr.resample(samples, RATE * speed, RATE, "MQ")


def draw_speed(rng):
    return rng.uniform(*SPEED) if rng.random() < SPEED_SHARE else 1.0


def coloured(samples, rng):
    """float32 array -> tensor as long: equaliser, band limits, room, noise, gain; the words stay as they were."""
    sound = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
    count = len(sound)
    size = 1 << (count + int(ROOM_SECONDS[1] * RATE)).bit_length()
    spectrum = torch.fft.rfft(sound, size) * _equaliser(size // 2 + 1, rng)
    if rng.random() < ROOM_SHARE:
        spectrum = spectrum * torch.fft.rfft(_room(rng), size)
    sound = torch.fft.irfft(spectrum, size)[:count]
    if rng.random() < NOISE_SHARE:
        level = float(sound.square().mean().sqrt()) * 10 ** (-rng.uniform(*NOISE_DB) / 20)
        sound = sound + level * _noise(count, rng)
    peak = float(sound.abs().max())
    gain = 10 ** (rng.uniform(*GAIN_DB) / 20) * float(np.abs(samples).max()) / max(peak, 1e-5)
    return (sound * gain).clamp(-1.0, 1.0)


def _equaliser(bins, rng):
    """(bins,) gains: a smooth random curve over the octaves, sometimes a telephone's band"""
    octaves = torch.linspace(0, 1, bins).mul(RATE / 2 / 60).clamp_min(1.0).log2() / math.log2(RATE / 2 / 60)
    knots = torch.tensor([rng.uniform(-EQUALISER_DB, EQUALISER_DB) for _ in range(7)])
    at = octaves * 6
    left = at.long().clamp_max(5)
    curve = knots[left] + (knots[left + 1] - knots[left]) * (at - left)
    if rng.random() < TELEPHONE_SHARE:
        hertz = torch.linspace(0, RATE / 2, bins)
        low, high = rng.uniform(80, 350), rng.uniform(3200, 7000)
        curve = curve - 24 * (low / hertz.clamp_min(1)).log2().clamp(0, 3)
        curve = curve - 40 * (hertz.clamp_min(1) / high).log2().clamp(0, 2)
    return 10 ** (curve / 20)


def _generator(rng):
    return torch.Generator().manual_seed(rng.getrandbits(40))


def _room(rng):
    """Impulse response: the sound itself, then echoes of noise that die away."""
    seconds = rng.uniform(*ROOM_SECONDS)
    count = int(seconds * RATE)
    echoes = torch.randn(count, generator=_generator(rng))
    echoes *= 10 ** (-3 * torch.arange(count) / count)
    echoes *= rng.uniform(0.1, 0.6) / float(echoes.square().sum().sqrt())
    echoes[: int(0.002 * RATE)] = 0.0
    echoes[0] = 1.0
    return echoes


def _noise(count, rng):
    """(count,) of mean square 1, between white and brown"""
    spectrum = torch.fft.rfft(torch.randn(count, generator=_generator(rng)))
    tilt = torch.arange(1, len(spectrum) + 1).float() ** -rng.uniform(0.0, 1.0)
    noise = torch.fft.irfft(spectrum * tilt, count)
    return noise / noise.square().mean().sqrt().clamp_min(1e-6)
