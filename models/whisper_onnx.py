#!/usr/bin/env python3
"""Writes a Hugging Face Whisper folder's encoder as ONNX, for bench_stages.py.

    whisper_onnx.py MODEL_DIR OUT_DIR

encoder.onnx: (1, mels, 3000) features to the keys and values of each decoder layer's source
attention. encoder-int8.onnx: the same with the weights of its matrix products as 8-bit integers,
activations quantised at run time (onnxruntime's quantize_dynamic). Needs torch, transformers, onnx,
onnxscript and onnxruntime.
"""

import os
import sys

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import WhisperForConditionalGeneration


class EncoderAndSource(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.encoder = model.get_encoder()
        self.attentions = torch.nn.ModuleList(
            layer.encoder_attn for layer in model.get_decoder().layers
        )

    def forward(self, features):
        encoded = self.encoder(features).last_hidden_state
        found = []
        for attention in self.attentions:
            found += [attention.k_proj(encoded), attention.v_proj(encoded)]
        return tuple(found)


def main():
    source, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    model = WhisperForConditionalGeneration.from_pretrained(source, dtype=torch.float32).eval()
    features = torch.zeros(1, model.config.num_mel_bins, 3000)
    path = os.path.join(out, "encoder.onnx")
    names = {"input_names": ["features"], "dynamo": True, "external_data": False}
    torch.onnx.export(EncoderAndSource(model), (features,), path, **names)
    int8 = os.path.join(out, "encoder-int8.onnx")
    options = {"op_types_to_quantize": ["MatMul", "Gemm"], "weight_type": QuantType.QInt8}
    quantize_dynamic(path, int8, per_channel=True, **options)


if __name__ == "__main__":
    main()
