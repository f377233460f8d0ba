"""Writes the audio that the command line's tests decode into the current folder.

    make_audio.py GOLDEN.safetensors

speech.wav is the golden's utterance; the rest is made from it, or broken on purpose.
"""

import json
import struct
import sys


def golden_waveform(path):
    """16-bit samples at 16 kHz, as bytes."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        begin, end = json.loads(file.read(size))["waveform_i16"]["data_offsets"]
        file.seek(8 + size + begin)
        return file.read(end - begin)


def wav(data, rate=16000, channels=1, tag=1, bits=16, promised=None):
    """A WAV file's bytes; `promised`: the data size that the header states."""
    promised = len(data) if promised is None else promised
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    return (
        b"RIFF" + struct.pack("<I", 36 + promised) + b"WAVEfmt " + struct.pack("<I", 16) + head
        + b"data" + struct.pack("<I", promised) + data
    )


def resampled(samples, rate):
    """Linear interpolation: good enough for tones far below the Nyquist frequency."""
    count = len(samples) * rate // 16000
    out = []
    for i in range(count):
        at = i * 16000 / rate
        left = int(at)
        right = min(left + 1, len(samples) - 1)
        out.append(int(samples[left] + (at - left) * (samples[right] - samples[left])))
    return out


def shorts(samples):
    return struct.pack("<%dh" % len(samples), *samples)


def main():
    pcm = golden_waveform(sys.argv[1])
    samples = struct.unpack("<%dh" % (len(pcm) // 2), pcm)
    stereo = [value for s in resampled(samples, 44100) for value in (s, s)]
    files = {
        "speech.wav": wav(pcm),
        "speech.raw": pcm,
        "stereo.wav": wav(shorts(stereo), 44100, 2),
        "telephone.wav": wav(shorts(resampled(samples, 8000)), 8000),
        "silence.wav": wav(bytes(32000)),
        "truncated.wav": wav(pcm[: len(pcm) // 2], promised=len(pcm)),
        "nosamples.wav": wav(b""),
        "onesample.wav": wav(b"\1\0"),
        "nan.wav": wav(struct.pack("<f", float("nan")) * 16000, tag=3, bits=32),
        "empty.wav": b"",
        "text.wav": b"This is no audio, whatever its name says.\n" * 50,
        "notes.txt": b"Neither is this.\n" * 50,
        "long.wav": wav(pcm * 400),
    }
    for name, data in files.items():
        with open(name, "wb") as file:
            file.write(data)


main()
