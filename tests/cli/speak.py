"""speak.py FIFO SAMPLES: writes 16-bit samples of 16 kHz as fast as they would be spoken, with half
a second of silence before and two seconds behind."""

import sys
import time

BYTES_PER_SECOND = 32000
CHUNK = 640

with open(sys.argv[2], "rb") as samples:
    data = bytes(BYTES_PER_SECOND // 2) + samples.read() + bytes(2 * BYTES_PER_SECOND)
with open(sys.argv[1], "wb", buffering=0) as fifo:
    start = time.monotonic()
    for at in range(0, len(data), CHUNK):
        fifo.write(data[at:at + CHUNK])
        time.sleep(max(0.0, start + at / BYTES_PER_SECOND - time.monotonic()))
