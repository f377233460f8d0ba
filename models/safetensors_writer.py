"""Writes a .safetensors file, one tensor at a time.

Goals: bounded memory (one tensor), and tensors that a memory-mapped reader can use in place.
Format: 8 bytes header length, JSON header, raw little-endian data without holes
(https://github.com/huggingface/safetensors). Non-goal: reading.
"""

import json
import math

import numpy as np

ALIGNMENT = 64  # bytes; a cache line, and the widest vector load
NAMES = {np.dtype("<f4"): "F32", np.dtype("<f2"): "F16"}


def _alignment(size):
    return min(ALIGNMENT, size & -size) if size else ALIGNMENT


def file_order(table):
    """Names in the order in which they are written.

    The format forbids holes, so a tensor whose size is no multiple of 64 bytes shifts what follows.
    Such tensors go last: all others start on 64 bytes, and these on at least their element size.
    """

    def size_of(name):
        shape, dtype = table[name]
        return math.prod(shape) * dtype.itemsize

    return sorted(table, key=lambda name: -_alignment(size_of(name)))


def write_safetensors(out, table, read, metadata):
    """Writes `table` (name -> (shape, numpy dtype)) to the open binary file `out`.

    `read(name)` gives each array, of that shape and dtype, once and in `file_order`.
    `metadata`: text -> text.
    """
    order = file_order(table)
    header, offset = {"__metadata__": metadata}, 0
    for name in order:
        shape, dtype = table[name]
        end = offset + math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    out.write(len(text).to_bytes(8, "little"))
    out.write(text)
    for name in order:
        array = read(name)
        assert (array.shape, array.dtype) == table[name], name
        out.write(np.ascontiguousarray(array).data)
