#!/usr/bin/env python3
"""A gate pack for an OWSM folder, in plain Python: the format's second implementation.

    make_pack.py MODEL_DIR OUT

Budget 0.3 closes encoder gate 1 for every context, and decoder gate 2 besides for <asr>; the pack adds
0 to one bias, so that nothing but the gates changes.
"""

import hashlib
import json
import os
import struct
import sys


def read_header(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    return header, data


def fingerprint(header, data):
    digest = hashlib.sha256()
    for name in sorted(header, key=lambda n: n.encode()):
        info = header[name]
        begin, end = info["data_offsets"]
        for field in (name, info["dtype"], ",".join(map(str, info["shape"]))):
            digest.update(field.encode() + b"\0")
        part = min(4096, end - begin)
        digest.update(data[begin:begin + part] + data[end - part:end])
    return digest.hexdigest()


def write_tensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        part = struct.pack("<%df" % len(values), *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    folder, out = sys.argv[1:]
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    header, data = read_header(os.path.join(folder, "model.safetensors"))
    encoder, decoder = config["encoder"], config["decoder"]
    width, count = encoder["output_size"], 4 * encoder["num_blocks"] + 3 * decoder["num_blocks"]
    tasks = config["tasks"]
    tensors = {}
    for prefix, closes in (("gate_predictor", False), ("gate_predictor_30", True)):
        tensors[prefix + ".language_embedding.weight"] = ([1, 1], [1])
        tensors[prefix + ".task_embedding.weight"] = ([len(tasks), 1], [float(t == "<asr>") for t in tasks])
        first = [0.0] * (2 * (width + 2))
        first[width], first[2 * width + 3] = 1, 1  # hidden 0 the language's row, hidden 1 the task's
        tensors[prefix + ".mlp.0.weight"] = ([2, width + 2], first)
        tensors[prefix + ".mlp.0.bias"] = ([2], [0, 0])
        second = [0.0] * (4 * count)
        if closes:
            second[2 * 2 * 1] = 2  # closed logit of gate 1, from hidden 0
            second[2 * 2 * (4 * encoder["num_blocks"] + 2) + 1] = 2  # of decoder gate 2, from hidden 1
        tensors[prefix + ".mlp.2.weight"] = ([2 * count, 2], second)
        tensors[prefix + ".mlp.2.bias"] = ([2 * count], [0.0, 1.0] * count)
    tensors["add.encoder.after_norm.bias"] = ([width], [0.0] * width)
    os.makedirs(out, exist_ok=True)
    write_tensors(os.path.join(out, "gate_pack.safetensors"), tensors)
    pack = {
        "format": "espalier-gate-pack",
        "version": 1,
        "base": {"family": "owsm", "fingerprint": fingerprint(header, data), "name": "tests/plain"},
        "gates": {
            "context_size": 1, "hidden_size": 2, "pooling": "mean", "pool_input": "encoder_embed_output",
            "closed_index": 0, "open_index": 1,
            "encoder_modules": ["feed_forward_macaron", "attn", "cgmlp", "feed_forward"],
            "decoder_modules": ["self_attn", "src_attn", "feed_forward"],
            "languages": ["other"], "tasks": tasks,
            "budgets": {"0": "gate_predictor", "0.3": "gate_predictor_30"}, "default_budget": "0.3",
        },
        "input": {"true_length": False},
        "license": "CC0-1.0",
    }
    with open(os.path.join(out, "gate_pack.json"), "w", encoding="utf-8") as file:
        json.dump(pack, file, indent=1)


if __name__ == "__main__":
    main()
