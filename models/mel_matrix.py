"""The mel filter bank that ESPnet's front-end stores as frontend.logmel.melmat (spec §3.3)."""

import numpy as np

# Slaney's scale (Auditory Toolbox, 1998): linear below 1 kHz, 27 logarithmic steps per factor 6.4.
HZ_PER_MEL = 200.0 / 3.0
BREAK_HZ = 1000.0
LOG_STEP = np.log(6.4) / 27.0


def _mel(hz):
    linear = hz / HZ_PER_MEL
    above = BREAK_HZ / HZ_PER_MEL + np.log(np.maximum(hz, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(hz < BREAK_HZ, linear, above)


def _hz(mel):
    break_mel = BREAK_HZ / HZ_PER_MEL
    above = BREAK_HZ * np.exp(LOG_STEP * (np.maximum(mel, break_mel) - break_mel))
    return np.where(mel < break_mel, mel * HZ_PER_MEL, above)


def mel_matrix(sample_rate, n_fft, mel_count):
    """(n_fft / 2 + 1, mel_count) float64: triangles from 0 Hz to half the rate, each of area 1."""
    bins = np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    edges = _hz(np.linspace(0.0, _mel(np.array(sample_rate / 2)), mel_count + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (centre - low)
    falling = (high - bins[:, None]) / (high - centre)
    return np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
