"""16-bit mono WAV at 16 kHz, the only form the measuring scripts exchange."""

import wave

import numpy as np

RATE = 16000


def read_wav(path):
    """float32 samples in [-1, 1)"""
    with wave.open(path, "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise SystemExit("%s: expected 16 kHz, mono, 16 bit" % path)
        data = file.readframes(file.getnframes())
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def write_wav(path, samples):
    """`samples`: int16"""
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
