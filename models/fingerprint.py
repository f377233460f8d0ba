"""The name of a checkpoint's weights: cheap on a mapped file, and any retraining changes it."""

import hashlib
import json

PART_BYTES = 4096  # of each tensor's beginning and of its end


def fingerprint(path):
    """64 hex digits for a .safetensors file (docs/gates.md says over which bytes)."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        digest = hashlib.sha256()
        for name in sorted(header, key=lambda n: n.encode("utf-8")):
            info = header[name]
            begin, end = info["data_offsets"]
            shape = ",".join(str(n) for n in info["shape"])
            for field in (name, info["dtype"], shape):
                digest.update(field.encode("utf-8") + b"\0")
            part = min(PART_BYTES, end - begin)
            for at in (begin, end - part):
                file.seek(8 + size + at)
                digest.update(file.read(part))
    return digest.hexdigest()
