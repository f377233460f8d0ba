"""Writes a Hugging Face Whisper folder as the .bin file that whisper.cpp loads, to measure it.

The format (whisper.cpp's whisper_model_load): magic, eleven int32 sizes, mel filters, the
vocabulary's byte strings, then tensors under OpenAI's names with reversed shapes. Matrices are f16 or
q8_0 (blocks of 32 i8 numbers behind their f16 scale; convolutions and positions stay as whisper.cpp's
own quantize leaves them), the rest f32: whisper.cpp 1.8 loads f32 matrices too, but its convolution
then aborts.
"""

import json
import os
import re
import struct

import numpy as np

from mel_matrix import mel_matrix
from safetensors_reader import read_safetensors

MAGIC = 0x67676D6C
FILE_TYPES = {
    "f16": 1,
    "q8_0": 2007,
}  # "mostly": of quantised files 1000 times the format's version more
F32, F16, Q8_0 = 0, 1, 8  # types of a tensor
RENAMES = [  # Hugging Face's name -> OpenAI's
    (r"^model\.", ""),
    (r"\.layers\.", ".blocks."),
    (r"embed_positions\.weight$", "positional_embedding"),
    (r"embed_tokens", "token_embedding"),
    (r"self_attn_layer_norm", "attn_ln"),
    (r"encoder_attn_layer_norm", "cross_attn_ln"),
    (r"final_layer_norm", "mlp_ln"),
    (r"^encoder\.layer_norm", "encoder.ln_post"),
    (r"^decoder\.layer_norm", "decoder.ln"),
    (r"self_attn", "attn"),
    (r"encoder_attn", "cross_attn"),
    (r"q_proj", "query"),
    (r"k_proj", "key"),
    (r"v_proj", "value"),
    (r"out_proj", "out"),
    (r"fc1", "mlp.0"),
    (r"fc2", "mlp.2"),
]


def openai_name(name):
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def byte_of_char():
    """GPT-2's table: printable bytes stand for themselves, the others for U+0100 and up."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    table.update({chr(256 + i): byte for i, byte in enumerate(others)})
    return table


def vocabulary(folder):
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as file:
        vocab = json.load(file)["model"]["vocab"]
    table = byte_of_char()
    return [bytes(table[c] for c in token) for token in sorted(vocab, key=vocab.get)]


def q8_0(array):
    """The bytes of a matrix whose rows are whole blocks."""
    blocks = array.astype(np.float32).reshape(-1, 32)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 127
    inverses = np.divide(1, scales, out=np.zeros_like(scales), where=scales > 0)
    stored = np.empty(len(blocks), np.dtype([("scale", "<f2"), ("values", "i1", 32)]))
    stored["scale"] = scales[:, 0]
    stored["values"] = np.rint(blocks * inverses)
    return stored.tobytes()


def write_tensor(out, name, array, precision):
    kind = F32
    if array.ndim > 1 and not name.endswith("positional_embedding"):
        kind = Q8_0 if precision == "q8_0" and array.ndim == 2 else F16
    if re.search(r"conv\d\.bias$", name):
        array = array.reshape(-1, 1)
    text = name.encode("utf-8")
    out.write(struct.pack("<3i", array.ndim, len(text), kind))
    out.write(struct.pack("<%di" % array.ndim, *reversed(array.shape)))
    out.write(text)
    if kind == Q8_0:
        out.write(q8_0(array))
    else:
        out.write(np.ascontiguousarray(array, "<f2" if kind == F16 else "<f4").tobytes())


def write_ggml(folder, path, precision="f16"):
    """Writes `path` from the model folder; precision: "f16" or "q8_0"."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(folder, "preprocessor_config.json"), encoding="utf-8") as file:
        frontend = json.load(file)
    keys = ["vocab_size", "max_source_positions", "d_model", "encoder_attention_heads"]
    keys += ["encoder_layers", "max_target_positions", "d_model", "decoder_attention_heads"]
    sizes = [config[key] for key in keys + ["decoder_layers", "num_mel_bins"]]
    sizes.append(FILE_TYPES[precision])
    mels = mel_matrix(frontend["sampling_rate"], frontend["n_fft"], config["num_mel_bins"]).T
    tensors = read_safetensors(os.path.join(folder, "model.safetensors"))
    tensors.pop("proj_out.weight", None)  # tied to the embedding
    with open(path + ".part", "wb") as out:
        out.write(struct.pack("<12i", MAGIC, *sizes))
        out.write(struct.pack("<2i", *mels.shape) + mels.astype("<f4").tobytes())
        tokens = vocabulary(folder)
        out.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            out.write(struct.pack("<i", len(token)) + token)
        for name, array in tensors.items():
            write_tensor(out, openai_name(name), array, precision)
    os.replace(path + ".part", path)
