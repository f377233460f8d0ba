#!/usr/bin/env python3
"""What closing each gate alone costs in loss, before anything has learned to do without it.

    ablate_gates.py RUN OUT --model DIR --prompts DIR [--clips N]

RUN: of train_whisper.py without budgets. OUT (torch): (gates,) nats a token on N dev clips of each
language, transcribed; `train_whisper.py --ablation` starts the predictors from it.
"""

import argparse
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training.checkpoint import load_whisper, save_atomically  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.context_report import module_names  # noqa: E402
from training.whisper_features import true_length  # noqa: E402
from training.whisper_model import DECODER_MODULES, ENCODER_MODULES  # noqa: E402
from training.whisper_tokens import WhisperTokens  # noqa: E402

SHORTEST_SAMPLES = 20000  # single words say little


class Ablation:
    """Mean loss of a few clips under a mask; what a mask leaves unchanged is computed once."""

    def __init__(self, model, tokens, store, clips):
        self._model, self._items = model, []
        for clip in clips:
            language = clip["language"]
            text = clip["texts"][language]
            ids = tokens.sequence([(0.0, 0.0, text)], language, "transcribe", False)
            mel = true_length(torch.from_numpy(store.samples(clip)))
            stem = model.encoder.stem(mel[None])
            self._items.append((torch.tensor([ids]), stem, model.encoder(stem)))

    def loss(self, mask):
        """mask: (1, gates); nats a text token"""
        encoder_gates, decoder_gates = self._model.split_gates(mask)
        total, count = 0.0, 0
        for ids, stem, open_encoded in self._items:
            is_open = bool((encoder_gates == 1).all())
            encoded = open_encoded if is_open else self._model.encoder(stem, encoder_gates)
            memory = self._model.decoder.memory(encoded, decoder_gates)
            hidden = self._model.decoder(ids[:, :-1], memory, decoder_gates)[0, 3:]
            log_probs = self._model.decoder.logits(hidden).log_softmax(-1)
            total -= float(log_probs.gather(1, ids[0, 4:, None]).sum())
            count += ids.shape[1] - 4
        return total / count


@torch.inference_mode()
def ablate(model, tokens, store, clips):
    ablation = Ablation(model, tokens, store, clips)
    gates = sum(n * m for n, m in zip(model.gate_counts, (2, 3)))
    added = torch.zeros(gates)
    dense = ablation.loss(torch.ones(1, gates))
    names = module_names(model.gate_counts, (ENCODER_MODULES, DECODER_MODULES))
    for gate, name in enumerate(names):
        mask = torch.ones(1, gates)
        mask[0, gate] = 0
        added[gate] = ablation.loss(mask) - dense
        print("%-24s %+.2f" % (name, added[gate]), flush=True)
    return added


def main():
    parser = argparse.ArgumentParser(description="Loss that closing each gate alone adds.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--prompts", required=True, metavar="DIR")
    parser.add_argument("--clips", type=int, default=1, help="a language")
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = torch.load(os.path.join(args.run, "checkpoint.pt"), weights_only=False)
    model = load_whisper(args.model, state["settings"]["rank"])
    model.load_state_dict(state["model"], strict=False)
    store, clips = ClipStore(args.prompts), {}
    for clip in store.clips:
        if clip["split"] == "dev" and clip["samples"] > SHORTEST_SAMPLES:
            clips.setdefault(clip["language"], []).append(clip)
    chosen = [clip for own in clips.values() for clip in own[: args.clips]]
    save_atomically(ablate(model.eval(), WhisperTokens(args.model), store, chosen), args.out)


if __name__ == "__main__":
    main()
