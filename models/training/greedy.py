"""Greedy decoding with a K/V cache, several clips at a time, for labels and for evaluation."""

import torch


def _mask(lengths):
    longest = max(lengths)
    steps = torch.arange(longest)[None]
    return (steps < torch.tensor(lengths)[:, None])[:, None, None]


@torch.inference_mode()
def encode(model, mels, gate=None):
    """Each clip by itself, at its own length. gate(pooled (1, D), index) -> (1, modules) or None.

    Returns (memories (B, S, D) padded, mask, gates (B, modules) or None).
    """
    outputs, gates = [], []
    for i, mel in enumerate(mels):
        x = model.encoder.stem(mel[None])
        of_clip = None if gate is None else gate(x.mean(1), i)
        outputs.append(model.encoder(x, model.split_gates(of_clip)[0])[0])
        gates.append(of_clip)
    lengths = [len(x) for x in outputs]
    memory = torch.nn.utils.rnn.pad_sequence(outputs, batch_first=True)
    return memory, _mask(lengths), None if gate is None else torch.cat(gates)


@torch.inference_mode()
def decode(model, memory, mask, prompts, end, banned, gates=None, limit=100, first_banned=()):
    """Token lists (without prompt and end). `prompts`: equally long id lists, one a clip.

    `banned` ids never appear, `first_banned` not as the first token (Whisper's blank rule).
    """
    decoder, gates = model.decoder, model.split_gates(gates)[1]
    kvs, past = decoder.memory(memory, gates), [{} for _ in decoder.layers]
    ids, begin = torch.tensor(prompts), 0
    texts, done = [[] for _ in prompts], [False] * len(prompts)
    limits = _token_limits(mask, limit)
    while not all(done):
        hidden = decoder(ids, kvs, gates, mask, past, begin)
        logits = decoder.logits(hidden[:, -1])
        logits[:, banned] = -torch.inf
        if begin == 0 and first_banned:
            logits[:, list(first_banned)] = -torch.inf
        begin += ids.shape[1]
        ids = logits.argmax(-1, keepdim=True)
        for i, token in enumerate(ids[:, 0].tolist()):
            if not done[i] and token != end:
                texts[i].append(token)
            done[i] = done[i] or token == end or len(texts[i]) >= limits[i]
    return texts


def _token_limits(mask, limit):
    """No speech has more than about 12 tokens a second: a loop ends there, counted as its errors."""
    return [min(limit, 20 + int(n) * 12 // 50) for n in mask.sum((1, 2, 3))]
