"""Reading a Hugging Face Whisper folder, and saving a run so that it can go on."""

import json
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from safetensors_reader import read_safetensors  # noqa: E402
from training.whisper_model import Whisper  # noqa: E402


def load_whisper(folder, rank=0):
    """The folder's model with untrained deltas of `rank`. Raises ValueError on a missing tensor."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = Whisper(json.load(file), rank)
    arrays = read_safetensors(os.path.join(folder, "model.safetensors"))
    own = dict(model.named_parameters())
    own.update(model.named_buffers())
    with torch.no_grad():
        for name, tensor in own.items():
            if name.endswith((".a", ".b")):
                continue
            if name not in arrays or tuple(arrays[name].shape) != tuple(tensor.shape):
                raise ValueError("model.safetensors: %s is missing or of another shape" % name)
            tensor.copy_(torch.from_numpy(arrays[name].astype(np.float32)))
    return model


def trainable_state(module):
    """Parameters that train, and the buffers small enough to belong to them: no frozen weights."""
    wanted = {name for name, p in module.named_parameters() if p.requires_grad}
    return {name: p for name, p in module.state_dict().items() if name in wanted}


def save_atomically(state, path):
    """An interrupted write leaves the file that was there."""
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)
