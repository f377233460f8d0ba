#!/usr/bin/env python3
"""Trains deltas, then gates, for a Whisper checkpoint: true-length input, prompts and a guard set.

    train_whisper.py RUN --model DIR --prompts DIR --updates N
                     [--speech DIR --teacher FILE] [--init OTHER_RUN] [--rank N]
                     [--budgets 0,0.3 [--costs FILE] [--close-rounds N]]

RUN: a folder with checkpoint.pt (weights, optimiser, step, random states; the same command goes on
where it stopped), curves.csv and settings.json. Without --budgets all gates stay open and only the
deltas train. With them each update draws one budget. --close-rounds: gates close one after another by
ablation (closing.py), the deltas heal the model, the predictors are fitted to the result. Without it
the predictors train too, by straight-through samples, from what such a run has found (--init).
One thread, so that it runs beside other work.
"""

import argparse
import csv
import json
import os
import random
import sys
import time

import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training import gates as gating  # noqa: E402
from training.batches import IGNORED, LANGUAGES, TASKS, BatchSource  # noqa: E402
from training.closing import ClosingOrder, added_losses, fit_predictor  # noqa: E402
from training.checkpoint import load_whisper, save_atomically, trainable_state  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.costs import read_costs  # noqa: E402
from training.gate_pack import is_pack, load_deltas, read_pack  # noqa: E402
from training.whisper_features import true_length  # noqa: E402
from training.whisper_tokens import WhisperTokens  # noqa: E402

WARM_UP = 10
LANGUAGE_WEIGHT = 0.1  # of the language token's loss
TAU = (1.0, 0.4)  # of the samples, from the first update to the last
CLOSING_SHARE = 0.16  # of the updates of a closing run; the others heal what is closed then
ABLATION_CLIPS = 3  # a context
SAVE_SECONDS = 120
COLUMNS = "step kind budget loss task_loss closed closed_arg_max tau lr_scale wall_s cpu_s"


class Trainer:
    def __init__(self, args, source, prompts):
        self.args, self.source, self.step = args, source, 0
        self.model = load_whisper(args.model, args.rank)
        self.gates = [n * m for n, m in zip(self.model.gate_counts, (2, 3))]
        self.predictors = torch.nn.ModuleDict()
        self.weights, self.order = None, None
        if args.budgets:
            self._add_predictors(prompts)
        self.optimiser = torch.optim.AdamW(self._groups(), weight_decay=0.0, betas=(0.9, 0.98))
        self.base_rates = [group["lr"] for group in self.optimiser.param_groups]

    def _add_predictors(self, prompts):
        encoder, decoder = self.gates
        costs = read_costs(self.args.costs, self.model.gate_counts) if self.args.costs else None
        self.weights = gating.gate_weights(encoder, decoder, costs)
        self.order = ClosingOrder(len(LANGUAGES) * len(TASKS), self.weights)
        self.pooled = pooled = pooled_inputs(self.model, prompts, 60)
        for budget in self.args.budgets:
            if budget > 0:
                self.predictors[name_of(budget)] = gating.GatePredictor(
                    pooled.shape[1], encoder + decoder, len(LANGUAGES), len(TASKS)
                )
                self.predictors[name_of(budget)].fit_input(pooled)

    def fit_predictors(self):
        """To the masks of the closing order."""
        for budget in self.args.budgets:
            if budget > 0:
                name, wanted = name_of(budget), self.order.logits(budget)
                error = fit_predictor(self.predictors[name], self.pooled, len(TASKS), wanted)
                print("%s: fitted with a mean square error of %.3f" % (name, error))

    def close_if_due(self):
        """In a closing run, at the first update of a round: more gates close in every context."""
        rounds = self.args.close_rounds
        every = max(1, int(CLOSING_SHARE * self.args.updates) // max(1, rounds))
        if self.step % every or self.step >= rounds * every:
            return
        round_number = 1 + self.step // every
        share = max(self.args.budgets) * round_number / rounds
        contexts = torch.arange(len(LANGUAGES) * len(TASKS))
        masks = self.order.masks(contexts, share)
        batches = self.source.contexts(ABLATION_CLIPS)
        may_close = self.order.may_close()
        added = added_losses(self.model, batches, masks, self._task_loss, may_close)
        self.order.close_to(share, added)
        closed = gating.closed_share(self.order.masks(contexts, share), self.weights)
        print("round %d of %d: %.3f closed" % (round_number, rounds, closed.mean()), flush=True)

    def _groups(self):
        own = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        rates = self.args
        groups = [
            {"params": [p for n, p in own if n.endswith((".a", ".b"))], "lr": rates.lr},
            {"params": [p for n, p in own if not n.endswith((".a", ".b"))], "lr": rates.lr / 4},
        ]
        if len(self.predictors) and not rates.close_rounds:
            predictors = list(self.predictors.parameters())
            groups.append({"params": predictors, "lr": rates.lr * rates.predictor_rate})
        return groups

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

    def _hint_loss(self, batch, hidden, encoded):
        """How far the gated states are from those of the ungated model that this run started from.

        A few words of transcript say little about which of thousands of channels went wrong.
        """
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            open_hidden, _, open_encoded = self.open_model.states(batch.mel, batch.ids)
        return sum(
            F.mse_loss(gated, target) / target.var()
            for gated, target in ((encoded, open_encoded), (hidden, open_hidden))
        )

    def _gate(self, batch, budget, tau, seen):
        """What the model calls for its gates, or None; leaves logits in `seen` for the loss."""

        def closed(pooled):
            return self.order.masks(batch.contexts, budget)

        def sampled(pooled):
            predictor = self.predictors[name_of(budget)]
            with torch.autocast("cpu", enabled=False):
                seen["logits"] = predictor(pooled.float(), batch.languages, batch.tasks)
            noise = self.args.noise * gating.gumbel_noise(seen["logits"].shape)
            return gating.straight_through(seen["logits"], tau, noise)

        if budget == 0:
            return None
        return closed if self.args.close_rounds else sampled

    def update(self):
        """One batch, one step; returns the row of curves.csv."""
        args = self.args
        budget = self.source.rng.choices(args.budgets, args.budget_weights)[0] if args.budgets else 0
        tau = gating.linear_ramp(self.step, *TAU, args.updates)
        scale = min(1.0, (self.step + 1) / WARM_UP) * (1 - 0.9 * self.step / args.updates)
        for group, rate in zip(self.optimiser.param_groups, self.base_rates):
            group["lr"] = rate * scale
        batch, seen = self.source.next(), {}
        gate = self._gate(batch, budget, tau, seen)
        with torch.autocast("cpu", torch.bfloat16):
            hidden, gates, encoded = self.model.states(batch.mel, batch.ids, gate)
        hidden, encoded = hidden.float(), encoded.float()
        task_loss = self._task_loss(batch, hidden)
        loss, closed, arg_max = task_loss, 0.0, 0.0
        if args.hints and args.budgets:
            loss = loss + args.hints * self._hint_loss(batch, hidden, encoded)
        if gates is not None:
            share = gating.closed_share(gates, self.weights)
            closed = arg_max = share.mean().item()
        if "logits" in seen:
            penalty = gating.sparsity_penalty(share, budget, batch.contexts)
            loss = loss + args.penalty * penalty
            hard = gating.hard_gates(seen["logits"].detach())
            arg_max = gating.closed_share(hard, self.weights).mean().item()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for group in self.optimiser.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
        self.optimiser.step()
        self.step += 1
        row = [self.step, batch.kind, budget, loss.item(), task_loss.item(), closed, arg_max]
        return row + [tau, scale]

    def save(self, path):
        save_atomically(
            {
                "step": self.step,
                "model": trainable_state(self.model),
                "predictors": self.predictors.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "torch_rng": torch.get_rng_state(),
                "source": self.source.state(),
                "order": self.order.state() if self.order else [],
                "settings": vars(self.args),
            },
            path,
        )

    def load(self, path, whole):
        """whole: go on with that run; else only its weights are taken."""
        state = torch.load(path, weights_only=False)
        self.model.load_state_dict(state["model"], strict=False)
        if self.order and state["order"]:
            self.order.restore(state["order"])
        if whole:
            self.predictors.load_state_dict(state["predictors"])
            self.optimiser.load_state_dict(state["optimiser"])
            torch.set_rng_state(state["torch_rng"])
            self.source.restore(state["source"])
            self.step = state["step"]


def name_of(budget):
    return "gate_predictor_%d" % round(100 * budget)


@torch.no_grad()
def pooled_inputs(model, prompts, count):
    """(count, width): the stem's mean output of training prompts, drawn with a fixed seed."""
    train = [c for c in prompts.clips if c["split"] == "train"]
    rows = []
    for clip in random.Random(1).sample(train, min(count, len(train))):
        mel = true_length(torch.from_numpy(prompts.samples(clip)))
        rows.append(model.encoder.stem(mel[None]).mean(1)[0])
    return torch.stack(rows)


def open_model(args):
    """The ungated model that hints come from: --hints-from's, --init's, else the checkpoint."""
    run_folder = args.hints_from or args.init
    model = load_whisper(args.model, args.rank if run_folder else 0)
    if run_folder and is_pack(run_folder):
        load_deltas(model, read_pack(run_folder, args.model)[1])
    elif run_folder:
        state = torch.load(os.path.join(run_folder, "checkpoint.pt"), weights_only=False)
        model.load_state_dict(state["model"], strict=False)
    return model.eval()


def run(args, trainer):
    path = os.path.join(args.run, "checkpoint.pt")
    if os.path.exists(path):
        trainer.load(path, whole=True)
    elif args.init and is_pack(args.init):
        load_deltas(trainer.model, read_pack(args.init, args.model)[1])
    elif args.init:
        trainer.load(os.path.join(args.init, "checkpoint.pt"), whole=False)
        if args.budgets and not args.close_rounds:
            trainer.fit_predictors()
    if args.budgets:
        trainer.open_model = open_model(args)
    curves = os.path.join(args.run, "curves.csv")
    is_new = not os.path.exists(curves)
    start, first, saved = time.monotonic(), trainer.step, time.monotonic()
    with open(curves, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(COLUMNS.split())
        while trainer.step < args.updates:
            begun, cpu = time.monotonic(), time.process_time()
            trainer.close_if_due()
            row = trainer.update()
            now = time.monotonic()
            costs = [now - begun, time.process_time() - cpu]
            writer.writerow(["%.4g" % v if isinstance(v, float) else v for v in row + costs])
            file.flush()
            left = (now - start) / (trainer.step - first) * (args.updates - trainer.step)
            print(
                "%d/%d %s budget %g loss %.3f closed %.2f (arg-max %.2f) %.1f s, %d min left"
                % (row[0], args.updates, *row[1:3], row[4], *row[5:7], costs[0], left / 60),
                flush=True,
            )
            if now - saved > SAVE_SECONDS:
                trainer.save(path)
                saved = time.monotonic()
    if args.close_rounds:
        trainer.fit_predictors()
    trainer.save(path)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Trains deltas and gates for a Whisper checkpoint.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--prompts", required=True, metavar="DIR", help="of prompt_corpus.py")
    parser.add_argument("--speech", metavar="DIR", help="of speech_corpus.py")
    parser.add_argument("--teacher", metavar="FILE", help="of teacher.py; without it no guard set")
    parser.add_argument("--updates", type=int, required=True, help="of the whole run, resumed parts too")
    parser.add_argument("--init", metavar="OTHER_RUN|PACK", help="start from its weights")
    parser.add_argument("--budgets", help="comma-separated closed shares to train for, 0 for none")
    parser.add_argument("--budget-weights", help="how often each is drawn; default: alike")
    parser.add_argument("--costs", metavar="FILE", help="cost table; default: count gates (the paper's)")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--lr", type=float, default=4e-4, help="of the low-rank factors")
    parser.add_argument("--predictor-rate", type=float, default=8.0, help="times --lr")
    parser.add_argument("--penalty", type=float, default=10.0)
    parser.add_argument("--noise", type=float, default=1.0, help="times the Gumbel noise")
    parser.add_argument("--hints", type=float, default=0.0, help="weight of the open model's states")
    parser.add_argument("--hints-from", metavar="RUN", help="ungated run; default: --init's")
    parser.add_argument("--close-rounds", type=int, default=0, help="0: gates are sampled")
    parser.add_argument("--seed", type=int, default=4)
    args = parser.parse_args()
    args.budgets = [float(b) for b in args.budgets.split(",")] if args.budgets else []
    weights = args.budget_weights
    args.budget_weights = [float(w) for w in weights.split(",")] if weights else [1.0] * len(args.budgets)
    return args


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
    run(args, Trainer(args, source, prompts))


if __name__ == "__main__":
    main()
