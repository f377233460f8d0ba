"""The demo model: ESPnet's own encoder, decoder and CTC, with an ESPnet S2T checkpoint's names.

Needs PyTorch and ESPnet. FRONTEND, ENCODER and DECODER are sections of ESPnet's config.yaml as they
stand; package.py writes them.
"""

import torch
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
from espnet2.asr.encoder.e_branchformer_encoder import EBranchformerEncoder

from training.demo.depthwise import DepthwiseConv
from training.espnet_gates import DECODER_MODULES, ENCODER_MODULES, add_gates, set_gates

# Frames of 20 ms, each from 40 ms of sound, and a subsampling of 4: an encoder step is 80 ms, as
# conv2d8 has it, but the second convolution, dearest part of a small encoder, sees half the frames.
FRONTEND = {"fs": 16000, "n_fft": 1024, "win_length": 640, "hop_length": 320, "n_mels": 40}
FRAMES_PER_STEP = 4
WIDTH = 96
DROPOUT = 0.0  # many thousand sentences, each seen a few times: nothing to overfit; and it costs
ENCODER = {
    "output_size": WIDTH,
    "attention_heads": 4,
    "attention_layer_type": "selfattn",
    "pos_enc_layer_type": "abs_pos",
    "rel_pos_type": "latest",
    "cgmlp_linear_units": 4 * WIDTH,
    "cgmlp_conv_kernel": 15,
    "use_linear_after_conv": False,
    "gate_activation": "identity",
    "num_blocks": 8,
    "input_layer": "conv2d",
    "use_ffn": True,
    "macaron_ffn": True,
    "linear_units": 4 * WIDTH,
    "merge_conv_kernel": 3,
    "dropout_rate": DROPOUT,
    "positional_dropout_rate": DROPOUT,
    "attention_dropout_rate": DROPOUT,
}
DECODER = {
    "attention_heads": 4,
    "linear_units": 4 * WIDTH,
    "num_blocks": 3,
    "dropout_rate": DROPOUT,
    "positional_dropout_rate": DROPOUT,
    "self_attention_dropout_rate": DROPOUT,
    "src_attention_dropout_rate": DROPOUT,
}
LAYERS = ENCODER["num_blocks"], DECODER["num_blocks"]
GATES = LAYERS[0] * len(ENCODER_MODULES), LAYERS[1] * len(DECODER_MODULES)


class Ctc(torch.nn.Module):
    def __init__(self, vocabulary_size):
        super().__init__()
        self.ctc_lo = torch.nn.Linear(WIDTH, vocabulary_size)


class Normalize(torch.nn.Module):
    """mean, std (mels,): the checkpoint carries them."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)


class DemoModel(torch.nn.Module):
    """predictors: name -> gate predictor, of a gated run; kept with the weights, called by gating.py."""

    def __init__(self, vocabulary_size, mean=None, std=None, predictors=None):
        super().__init__()
        mels = FRONTEND["n_mels"]
        self.normalize = Normalize(
            torch.zeros(mels) if mean is None else mean, torch.ones(mels) if std is None else std
        )
        self.encoder = EBranchformerEncoder(mels, **ENCODER)
        for layer in self.encoder.encoders:
            layer.cgmlp.csgu.conv = DepthwiseConv.like(layer.cgmlp.csgu.conv)
            layer.depthwise_conv_fusion = DepthwiseConv.like(layer.depthwise_conv_fusion)
        self.decoder = TransformerDecoder(vocabulary_size, WIDTH, **DECODER)
        self.ctc = Ctc(vocabulary_size)
        self.predictors = torch.nn.ModuleDict(predictors or {})
        add_gates(self.encoder.encoders, ENCODER_MODULES)
        add_gates(self.decoder.decoders, DECODER_MODULES)
        self.encoder.embed.register_forward_hook(self._look)
        self._choose = None

    def _look(self, _, __, output):
        """Forward hook of the stem: gates by the mean over each item's own steps."""
        gates = None
        if self._choose is not None:
            embedded, mask = output  # (B, steps, WIDTH), (B, 1, steps)
            mask = mask.transpose(1, 2)
            gates = self._choose((embedded * mask).sum(1) / mask.sum(1))
        stacks = (self.encoder.encoders, ENCODER_MODULES), (self.decoder.decoders, DECODER_MODULES)
        parts = (None, None) if gates is None else gates.split(GATES, 1)
        for (layers, modules), part in zip(stacks, parts):
            set_gates(layers, modules, None if part is None else part.unflatten(1, (-1, len(modules))))

    def encode(self, log_mel, lengths, choose=None):
        """log_mel (B, frames, mels), lengths (B,) -> (B, steps, WIDTH), step counts (B,)

        choose: pooled stem output (B, WIDTH) -> gates (B, sum(GATES)), the encoder's first, or None:
        all open. They hold for the `decode` that follows, too.
        """
        self._choose = choose
        features = (log_mel - self.normalize.mean) / self.normalize.std
        encoded, counts, _ = self.encoder(features, lengths)
        return encoded, counts

    def ctc_log_probs(self, encoded):
        return self.ctc.ctc_lo(encoded).log_softmax(-1)

    def decode(self, encoded, counts, tokens, token_counts):
        """Scores (B, T, V) of the token after each of `tokens` (B, T)."""
        return self.decoder(encoded, counts, tokens, token_counts)[0]
