"""Whisper in PyTorch with gates per module and trainable differences to a frozen checkpoint.

Modules carry Hugging Face's names, so a parameter's path is the checkpoint's tensor name. What trains:
low-rank factors `a` (r, in) and `b` (out, r) of every linear layer, W' = W + b·a, and the biases and
norms themselves. The stem and the embeddings stay, so the gate predictor's input never moves.
"""

import torch
from torch import nn
from torch.nn import functional as F

ENCODER_MODULES = ("attn", "feed_forward")
DECODER_MODULES = ("self_attn", "src_attn", "feed_forward")


class DeltaLinear(nn.Module):
    """x·(W + b·a)ᵀ + bias. W (out, in) is a frozen buffer; `b` starts at zero: no change at first."""

    def __init__(self, outputs, inputs, bias=True, rank=0):
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        if rank:
            self.a = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
            self.b = nn.Parameter(torch.zeros(outputs, rank))
        self.rank = rank

    def forward(self, x):
        y = F.linear(x, self.weight, self.bias)
        return y + F.linear(F.linear(x, self.a), self.b) if self.rank else y


class Attention(nn.Module):
    def __init__(self, width, heads, rank):
        super().__init__()
        self.heads = heads
        self.q_proj = DeltaLinear(width, width, True, rank)
        self.k_proj = DeltaLinear(width, width, False, rank)
        self.v_proj = DeltaLinear(width, width, True, rank)
        self.out_proj = DeltaLinear(width, width, True, rank)

    def _split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def keys_values(self, source):
        return self._split(self.k_proj(source)), self._split(self.v_proj(source))

    def forward(self, x, keys_values, mask=None, causal=False):
        """x (B, T, D); mask (B, 1, 1, S) True where the source may be seen."""
        q = self._split(self.q_proj(x))
        y = F.scaled_dot_product_attention(q, *keys_values, attn_mask=mask, is_causal=causal)
        return self.out_proj(y.transpose(1, 2).reshape(x.shape))


def _gated(x, gates, index, branch):
    """x + gate·branch(); gates (B, modules) or None for open ones. All closed: nothing is computed."""
    if gates is None:
        return x + branch()
    gate = gates[:, index]
    if not gate.requires_grad and not bool(gate.any()):
        return x
    return x + gate[:, None, None] * branch()


class Layer(nn.Module):
    """Encoder layer, or decoder layer when `cross`."""

    def __init__(self, width, heads, inner, rank, cross):
        super().__init__()
        self.self_attn = Attention(width, heads, rank)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        if cross:
            self.encoder_attn = Attention(width, heads, rank)
            self.encoder_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = DeltaLinear(inner, width, True, rank)
        self.fc2 = DeltaLinear(width, inner, True, rank)
        self.final_layer_norm = nn.LayerNorm(width)

    def _feed_forward(self, x):
        return self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))

    def encode(self, x, gates):
        def attend():
            h = self.self_attn_layer_norm(x)
            return self.self_attn(h, self.self_attn.keys_values(h))

        x = _gated(x, gates, 0, attend)
        return _gated(x, gates, 1, lambda: self._feed_forward(x))

    def decode(self, x, memory_kv, memory_mask, gates, past=None):
        """past: {"k", "v"} of earlier tokens, extended in place; None: all tokens at once."""

        def attend():
            h = self.self_attn_layer_norm(x)
            k, v = self.self_attn.keys_values(h)
            if past is None:
                return self.self_attn(h, (k, v), causal=True)
            if "k" in past:
                k, v = torch.cat([past["k"], k], 2), torch.cat([past["v"], v], 2)
            past["k"], past["v"] = k, v
            return self.self_attn(h, (k, v), causal=h.shape[1] > 1)

        x = _gated(x, gates, 0, attend)
        h = self.encoder_attn_layer_norm
        x = _gated(x, gates, 1, lambda: self.encoder_attn(h(x), memory_kv, memory_mask))
        return _gated(x, gates, 2, lambda: self._feed_forward(x))


class Encoder(nn.Module):
    def __init__(self, config, rank):
        super().__init__()
        width = config["d_model"]
        self.conv1 = nn.Conv1d(config["num_mel_bins"], width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(config["max_source_positions"], width)
        shape = (width, config["encoder_attention_heads"], config["encoder_ffn_dim"], rank, False)
        self.layers = nn.ModuleList([Layer(*shape) for _ in range(config["encoder_layers"])])
        self.layer_norm = nn.LayerNorm(width)

    def stem(self, mel):
        """(B, 80, frames) -> (B, frames / 2, D): the input of layer 0, what the gates look at."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        return x + self.embed_positions.weight[: x.shape[1]]

    def forward(self, x, gates=None):
        """x: the stem's output; gates (B, layers, 2)"""
        for i, layer in enumerate(self.layers):
            x = layer.encode(x, None if gates is None else gates[:, i])
        return self.layer_norm(x)


class Decoder(nn.Module):
    def __init__(self, config, rank):
        super().__init__()
        width = config["d_model"]
        self.embed_tokens = nn.Embedding(config["vocab_size"], width)
        self.embed_positions = nn.Embedding(config["max_target_positions"], width)
        shape = (width, config["decoder_attention_heads"], config["decoder_ffn_dim"], rank, True)
        self.layers = nn.ModuleList([Layer(*shape) for _ in range(config["decoder_layers"])])
        self.layer_norm = nn.LayerNorm(width)

    def memory(self, encoded, gates=None):
        """K and V of every layer whose source attention is open for anyone in the batch."""
        kvs = []
        for i, layer in enumerate(self.layers):
            gate = None if gates is None else gates[:, i, 1]
            closed = gate is not None and not gate.requires_grad and not bool(gate.any())
            kvs.append(None if closed else layer.encoder_attn.keys_values(encoded))
        return kvs

    def forward(self, ids, memory_kvs, gates=None, memory_mask=None, past=None, begin=0):
        """Hidden states (B, T, D) of ids (B, T) at positions begin…; gates (B, layers, 3)"""
        x = self.embed_tokens(ids) + self.embed_positions.weight[begin : begin + ids.shape[1]]
        for i, layer in enumerate(self.layers):
            of_layer = None if gates is None else gates[:, i]
            state = None if past is None else past[i]
            x = layer.decode(x, memory_kvs[i], memory_mask, of_layer, state)
        return self.layer_norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.embed_tokens.weight)


class Whisper(nn.Module):
    """`model.encoder`, `model.decoder` as in the checkpoint."""

    def __init__(self, config, rank=0):
        super().__init__()
        self.config = config
        self.model = nn.Module()
        self.model.encoder = Encoder(config, rank)
        self.model.decoder = Decoder(config, rank)
        for frozen in ("conv1", "conv2", "embed_positions"):
            getattr(self.model.encoder, frozen).requires_grad_(False)
        for frozen in ("embed_tokens", "embed_positions"):
            getattr(self.model.decoder, frozen).requires_grad_(False)

    @property
    def encoder(self):
        return self.model.encoder

    @property
    def decoder(self):
        return self.model.decoder

    @property
    def gate_counts(self):
        """(encoder layers, decoder layers)"""
        return len(self.encoder.layers), len(self.decoder.layers)

    def split_gates(self, gates):
        """(B, all modules) -> (B, encoder layers, 2), (B, decoder layers, 3); None stays None."""
        if gates is None:
            return None, None
        encoder, decoder = self.gate_counts
        cut = encoder * len(ENCODER_MODULES)
        return gates[:, :cut].unflatten(1, (encoder, 2)), gates[:, cut:].unflatten(1, (decoder, 3))

    def forward(self, mel, ids, gate=None):
        """Hidden states for teacher forcing. gate: pooled stem output (B, D) -> gates (B, modules)"""
        hidden, gates, _ = self.states(mel, ids, gate)
        return hidden, gates

    def states(self, mel, ids, gate=None):
        """As forward, and the encoder's output (B, S, D)."""
        x = self.encoder.stem(mel)
        gates = None if gate is None else gate(x.mean(1))
        encoder_gates, decoder_gates = self.split_gates(gates)
        encoded = self.encoder(x, encoder_gates)
        memory = self.decoder.memory(encoded, decoder_gates)
        return self.decoder(ids, memory, decoder_gates), gates, encoded
