#!/usr/bin/env python3
"""The unchanged model's opinion on the guard set, cached: what the trained model is held to.

    teacher.py MODEL SPEECH_DIR OUT

Clips of one language are laid into 30 s windows, 0.4 s apart, with time tokens: one encoder pass
serves several clips, and the windows themselves are the guard of long-form decoding. OUT (torch):
a list of {language, clips: indices, begins: seconds, ids, top_ids (T, 16), top_log_probs (T, 16),
spans: (first, end) of each clip's text tokens in `ids`}; row i is the opinion on ids[i + 1].
"""

import argparse
import os
import sys
import time

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training.checkpoint import load_whisper, save_atomically  # noqa: E402
from training.clip_store import RATE, ClipStore  # noqa: E402
from training.whisper_features import full_window  # noqa: E402
from training.whisper_tokens import WhisperTokens  # noqa: E402

GAP_SECONDS = 0.4
LIMIT_SECONDS = 29.0
TOP = 16


def windows(clips):
    """Lists of indices into `clips`: same language, in order, at most LIMIT_SECONDS together."""
    groups, current, used = [], [], 0.0
    for index, clip in enumerate(clips):
        if clip["split"] != "train":
            continue
        seconds = clip["samples"] / RATE + GAP_SECONDS
        full = used + seconds > LIMIT_SECONDS
        if current and (full or clip["language"] != clips[current[0]]["language"]):
            groups.append(current)
            current, used = [], 0.0
        current.append(index)
        used += seconds
    return groups + [current]


def lay_out(store, indices):
    """(samples, begins in seconds, segments) of a window"""
    parts, begins, segments, at = [], [], [], 0
    for index in indices:
        clip = store.clips[index]
        begins.append(at / RATE)
        segments.append((at / RATE, (at + clip["samples"]) / RATE, clip["texts"][clip["language"]]))
        parts += [store.samples(clip), np.zeros(int(GAP_SECONDS * RATE), np.float32)]
        at += len(parts[-2]) + len(parts[-1])
    return np.concatenate(parts), begins, segments


def text_spans(ids, tokens):
    """(first, end) of each run of text tokens after the prompt"""
    spans, first = [], None
    for i, token in enumerate(ids):
        is_text = token < tokens.end
        if is_text and first is None:
            first = i
        if not is_text and first is not None:
            spans.append((first, i))
            first = None
    return spans


@torch.inference_mode()
def opinion(model, tokens, store, indices):
    samples, begins, segments = lay_out(store, indices)
    language = store.clips[indices[0]]["language"]
    ids = tokens.sequence(segments, language, "transcribe", True)
    mel = full_window(torch.from_numpy(samples))[None]
    with torch.autocast("cpu", torch.bfloat16):
        hidden, _ = model(mel, torch.tensor([ids[:-1]]))
    log_probs = model.decoder.logits(hidden[0].float()).log_softmax(-1)
    top = log_probs.topk(TOP)
    return {
        "language": language,
        "clips": indices,
        "begins": begins,
        "ids": ids,
        "top_ids": top.indices.int(),
        "top_log_probs": top.values.half(),
        "spans": text_spans(ids, tokens),
    }


def main():
    parser = argparse.ArgumentParser(description="Caches the dense model's opinion on guard clips.")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("speech", metavar="SPEECH_DIR")
    parser.add_argument("out", metavar="OUT")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, store = load_whisper(args.model).eval(), ClipStore(args.speech)
    tokens, start = WhisperTokens(args.model), time.monotonic()
    groups, found = windows(store.clips), []
    for i, indices in enumerate(groups):
        found.append(opinion(model, tokens, store, indices))
        mean = float(np.mean([o["top_log_probs"][:, 0].float().mean() for o in found]))
        left = (time.monotonic() - start) / (i + 1) * (len(groups) - i - 1)
        print("%d of %d windows, best log-prob %.2f, %.0f s left" % (i + 1, len(groups), mean, left))
    save_atomically(found, args.out)


if __name__ == "__main__":
    main()
