#!/usr/bin/env python3
"""Trains deltas for a Whisper checkpoint: true-length input, prompts and a guard set; no gate closes.

    train_whisper.py RUN --model DIR --prompts DIR --updates N
                     [--speech DIR --teacher FILE] [--init OTHER_RUN|PACK] [--rank N]

RUN: a folder with checkpoint.pt (weights, optimiser, step, random states; the same command goes on
where it stopped), curves.csv and settings.json. One thread, so that it runs beside other work.
"""

import argparse
import json
import os
import sys

import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training.batches import IGNORED, BatchSource  # noqa: E402
from training.checkpoint import load_whisper  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.gate_pack import is_pack, load_deltas, read_pack  # noqa: E402
from training.training_run import (  # noqa: E402
    checkpoint_of,
    load_run,
    load_weights,
    parameter_groups,
    save_run,
    train,
)
from training.whisper_tokens import WhisperTokens  # noqa: E402

WARM_UP = 10
LANGUAGE_WEIGHT = 0.1  # of the language token's loss
COLUMNS = "step kind loss lr_scale wall_s cpu_s"


class Trainer:
    def __init__(self, args, source):
        self.args, self.source, self.step = args, source, 0
        self.model = load_whisper(args.model, args.rank)
        groups = parameter_groups(self.model, args.lr)
        self.optimiser = torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.98))
        self.base_rates = [group["lr"] for group in self.optimiser.param_groups]

    def _task_loss(self, batch, hidden):
        """Cross-entropy a token: transcripts hard, the guard's soft."""
        logits = self.model.decoder.logits
        hard = batch.labels != IGNORED
        detection = hard.clone()
        detection[:, 1:] = False
        hard = hard & ~detection
        total, count = hidden.new_zeros(()), 0
        if hard.any():
            total = F.cross_entropy(logits(hidden[hard]), batch.labels[hard], reduction="sum")
            count = int(hard.sum())
        if batch.teacher is not None:
            at, ids, probabilities = batch.teacher
            log_probs = logits(hidden[at[:, 0], at[:, 1]]).log_softmax(-1)
            total = total - (log_probs.gather(1, ids) * probabilities).sum()
            count += len(at)
        loss = total / count
        if detection.any():
            found = F.cross_entropy(logits(hidden[detection]), batch.labels[detection])
            loss = loss + LANGUAGE_WEIGHT * found
        return loss

    def update(self):
        """One batch, one step; returns the row of curves.csv."""
        scale = min(1.0, (self.step + 1) / WARM_UP) * (1 - 0.9 * self.step / self.args.updates)
        for group, rate in zip(self.optimiser.param_groups, self.base_rates):
            group["lr"] = rate * scale
        batch = self.source.next()
        with torch.autocast("cpu", torch.bfloat16):
            hidden, _ = self.model(batch.mel, batch.ids)
        loss = self._task_loss(batch, hidden.float())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for group in self.optimiser.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
        self.optimiser.step()
        self.step += 1
        return [self.step, batch.kind, loss.item(), scale]

    def save(self, path):
        save_run(self, path)


def run(args, trainer):
    path = checkpoint_of(args.run)
    if os.path.exists(path):
        load_run(trainer, path)
    elif args.init and is_pack(args.init):
        load_deltas(trainer.model, read_pack(args.init, args.model)[1])
    elif args.init:
        load_weights(trainer, checkpoint_of(args.init))

    def report(row, done, left):
        about = (row[0], args.updates, row[1], row[2], row[-2], left)
        print("%d/%d %s loss %.3f %.1f s, %d min left" % about, flush=True)

    train(args.run, trainer, args.updates, COLUMNS.split(), report)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Trains deltas for a Whisper checkpoint.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--prompts", required=True, metavar="DIR", help="of prompt_corpus.py")
    parser.add_argument("--speech", metavar="DIR", help="of speech_corpus.py")
    parser.add_argument("--teacher", metavar="FILE", help="of teacher.py; without it no guard set")
    parser.add_argument("--updates", type=int, required=True, help="of the whole run, resumed parts too")
    parser.add_argument("--init", metavar="OTHER_RUN|PACK", help="start from its weights")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--lr", type=float, default=4e-4, help="of the low-rank factors")
    parser.add_argument("--seed", type=int, default=4)
    return parser.parse_args()


def main():
    args = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    os.makedirs(args.run, exist_ok=True)
    with open(os.path.join(args.run, "settings.json"), "w", encoding="utf-8") as file:
        json.dump(vars(args), file, indent=1)
    prompts = ClipStore(args.prompts)
    speech = ClipStore(args.speech) if args.speech else None
    teacher = torch.load(args.teacher, weights_only=False) if args.teacher else []
    source = BatchSource(prompts, speech, teacher, WhisperTokens(args.model), args.seed)
    run(args, Trainer(args, source))


if __name__ == "__main__":
    main()
