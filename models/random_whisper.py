"""Whisper folders with random weights, of any shape, as Hugging Face's transformers stores them.

The vocabulary is the 256 bytes and made-up pairs of them; it knows one language, and time tokens 0.02 s
apart up to the window's length. For tests and benchmarks only.
"""

import json
import math
import os

import numpy as np

from convert import stored_type, write_text
from safetensors_writer import write_safetensors
from whisper_ggml import byte_of_char

TIME_STEP = 0.02  # s, two frames of 10 ms
SYMBOLS = ["endoftext", "startoftranscript", "en", "translate", "transcribe", "startofprev"]
SYMBOLS += ["nospeech", "notimestamps"]
POSITIONS = 64  # of the decoder


class Vocabulary:
    """`text_tokens`, at least 256, and the special ones after them for a window of `seconds`."""

    def __init__(self, text_tokens, seconds):
        bytes_of = byte_of_char()
        letters = sorted(bytes_of, key=bytes_of.get)
        lower = [chr(code) for code in range(ord("a"), ord("z") + 1)]
        pairs = [[a, b] for a in lower for b in lower + letters[:26]]
        self.merges = pairs[: text_tokens - 256]
        self.text = letters + ["".join(pair) for pair in self.merges]
        assert len(self.text) == text_tokens == len(set(self.text)), "256 to 1608 text tokens"
        self.steps = round(seconds / TIME_STEP)
        times = ["<|%.2f|>" % (TIME_STEP * step) for step in range(self.steps + 1)]
        self.special = ["<|%s|>" % symbol for symbol in SYMBOLS] + times

    def __len__(self):
        return len(self.text) + len(self.special)

    def id(self, symbol):
        return len(self.text) + self.special.index("<|%s|>" % symbol)

    def tokenizer(self):
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        added = [
            {"id": len(self.text) + i, "content": content, "special": True, **flags}
            for i, content in enumerate(self.special)
        ]
        ids = {piece: i for i, piece in enumerate(self.text)}
        return {
            "version": "1.0",
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": {**byte_level, "use_regex": True},
            "post_processor": None,
            "decoder": {**byte_level, "use_regex": True},
            "model": {"type": "BPE", "vocab": ids, "merges": self.merges},
        }


def _configs(shape, vocabulary):
    model = {
        "model_type": "whisper",
        "activation_function": "gelu",
        "d_model": shape["width"],
        "encoder_attention_heads": shape["heads"],
        "decoder_attention_heads": shape["decoder_heads"],
        "encoder_layers": shape["layers"],
        "decoder_layers": shape["layers"],
        "encoder_ffn_dim": shape["units"],
        "decoder_ffn_dim": shape["units"] + 1,
        "max_source_positions": vocabulary.steps,
        "max_target_positions": POSITIONS,
        "vocab_size": len(vocabulary),
        "num_mel_bins": shape["mels"],
        "decoder_start_token_id": vocabulary.id("startoftranscript"),
        "eos_token_id": vocabulary.id("endoftext"),
    }
    features = {
        "sampling_rate": 16000,
        "n_fft": 400,
        "hop_length": 160,
        "feature_size": shape["mels"],
        "chunk_length": shape["seconds"],
    }
    generation = {
        "no_timestamps_token_id": vocabulary.id("notimestamps"),
        "lang_to_id": {"<|en|>": vocabulary.id("en")},
        "task_to_id": {task: vocabulary.id(task) for task in ("translate", "transcribe")},
        "suppress_tokens": [],
        "begin_suppress_tokens": [vocabulary.id("endoftext")],
    }
    return {
        "config.json": model,
        "preprocessor_config.json": features,
        "generation_config.json": generation,
        "tokenizer.json": vocabulary.tokenizer(),
    }


def _tensor_table(shape, vocabulary):
    """Name -> shape of every tensor."""
    width = shape["width"]
    table = {}

    def affine(name, *sizes, bias=True):
        table[name + ".weight"] = sizes
        if bias:
            table[name + ".bias"] = sizes[:1]

    for side, units in (("encoder", shape["units"]), ("decoder", shape["units"] + 1)):
        attentions = ["self_attn"] if side == "encoder" else ["self_attn", "encoder_attn"]
        for layer in range(shape["layers"]):
            name = "model.%s.layers.%d." % (side, layer)
            for attention in attentions:
                affine(name + attention + "_layer_norm", width)
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    affine(name + attention + "." + part, width, width, bias=part != "k_proj")
            affine(name + "final_layer_norm", width)
            affine(name + "fc1", units, width)
            affine(name + "fc2", width, units)
        affine("model.%s.layer_norm" % side, width)
    affine("model.encoder.conv1", width, shape["mels"], 3)
    affine("model.encoder.conv2", width, width, 3)
    table["model.encoder.embed_positions.weight"] = (vocabulary.steps, width)
    table["model.decoder.embed_positions.weight"] = (POSITIONS, width)
    table["model.decoder.embed_tokens.weight"] = (len(vocabulary), width)
    return table


def _random(rng, name, shape):
    """Values of a size that keeps activations near 1."""
    if len(shape) == 1:
        around = 1.0 if name.endswith("norm.weight") else 0.0
        return around + 0.1 * rng.standard_normal(shape)
    return rng.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))


def write_model(folder, shape, dtype, seed):
    """Writes a model folder; `shape` has the keys of check_shapes.py's PLAIN. Returns the Vocabulary."""
    vocabulary = Vocabulary(shape["vocabulary"], shape["seconds"])
    table = _tensor_table(shape, vocabulary)
    stored = {name: (sizes, stored_type(name, sizes, dtype)) for name, sizes in table.items()}
    rng = np.random.default_rng(seed)

    def read(name):
        sizes, numpy_type = stored[name]
        return _random(rng, name, sizes).astype(numpy_type)

    os.makedirs(folder)
    with open(os.path.join(folder, "model.safetensors"), "wb") as out:
        write_safetensors(out, stored, read, {"format": "pt"})
    for name, config in _configs(shape, vocabulary).items():
        write_text(os.path.join(folder, name), json.dumps(config, ensure_ascii=False) + "\n")
    return vocabulary
