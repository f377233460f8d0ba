#!/usr/bin/env python3
"""Heals a Whisper checkpoint with closed modules by distilling from its open gate pack.

    distil_gates.py RUN --model DIR --teacher PACK --close GATES --stores DIR:WEIGHT ... --dev DIR
                    --updates N [--rank N]

GATES: numbers, encoder's first, layer by layer (ablate.py names them); they are closed in every context
from the first update on. The model begins as the pack's, with a bridge behind the encoder (bridge.py)
that is fitted to what closing has changed. What it learns is the pack's model's token probabilities and
states; no transcript is compared. RUN as train_whisper.py's: the same command goes on where it stopped.
One thread, so that it runs beside other work.
"""

import argparse
import json
import os
import sys

import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from training.batches import IGNORED  # noqa: E402
from training.bridge import Bridge  # noqa: E402
from training.checkpoint import load_whisper  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.distil_batches import DistilSource, plain_batches  # noqa: E402
from training.gate_pack import apply_deltas, load_deltas, read_pack  # noqa: E402
from training.training_run import (  # noqa: E402
    checkpoint_of,
    load_run,
    parameter_groups,
    save_run,
    train,
)
from training.whisper_tokens import WhisperTokens  # noqa: E402

WARM_UP = 60
BRIDGE_BATCHES = 60  # that it is fitted to
COLUMNS = "step kind loss kl encoder layers decoder lr_scale wall_s cpu_s".split()
HINTS = {"kl": 1.0, "encoder": 0.6, "layers": 0.2, "decoder": 0.5}  # what each loss counts


def half_buffers(model):
    """Frozen weights in bf16, as autocast would cast them anew for every batch."""
    for module in model.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.dtype == torch.float32:
                module._buffers[name] = buffer.bfloat16()
    return model


def load_teacher(folder, pack):
    model = load_whisper(folder)
    apply_deltas(model, read_pack(pack, folder)[1])
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return half_buffers(model.eval())


def load_student(folder, pack, rank):
    """Starts as the pack's model: its differences, with factors to spare when rank is above the pack's."""
    model = load_whisper(folder, rank)
    load_deltas(model, read_pack(pack, folder)[1])
    model.bridge = Bridge(model.config["d_model"])
    return half_buffers(model)


def forward(model, batch, mask=None):
    """(the decoder's output, the encoder layers' outputs and what the decoder is given); mask (gates,)"""
    x = model.encoder.stem(batch.mel)
    gates = None if mask is None else mask.expand(len(x), -1)
    encoder_gates, decoder_gates = model.split_gates(gates)
    encoded = []
    for i, layer in enumerate(model.encoder.layers):
        x = layer.encode(x, None if gates is None else encoder_gates[:, i])
        encoded.append(x)
    normalised = model.encoder.layer_norm(x)
    encoded.append(model.bridge(normalised) if hasattr(model, "bridge") else normalised)
    memory = model.decoder.memory(encoded[-1], decoder_gates)
    hidden = model.decoder(batch.ids, memory, decoder_gates)
    return hidden, encoded


def state_error(states, target):
    """Mean square over channels, each in units of its own variance"""
    target = target.float()
    variance = target.var((0, 1)).clamp_min(1e-4)
    return ((states.float() - target).square().mean((0, 1)) / variance).mean()


def teach(teacher, batch):
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        hidden, encoded = forward(teacher, batch)
        where = batch.labels != IGNORED
        logits = teacher.decoder.logits(hidden[where])
    return hidden, encoded, where, logits.float().log_softmax(-1)


def hinted_layers(mask, layers):
    """Encoder layers whose output is compared: all but the last, whose norm is, and those before a layer
    that closes whole, which have its work to do."""
    whole = {i for i in range(layers) if not mask[2 * i : 2 * i + 2].any()}
    return [i for i in range(layers - 1) if i + 1 not in whole]


def losses(model, batch, mask, taught):
    """(weighted sum, {name: value}); mask (gates,)"""
    hidden_t, encoded_t, where, log_t = taught
    with torch.autocast("cpu", torch.bfloat16):
        hidden, encoded = forward(model, batch, mask)
        logits = model.decoder.logits(hidden[where])
    log_s = logits.float().log_softmax(-1)
    kl = (log_t.exp() * (log_t - log_s)).sum(-1).mean()
    encoder = state_error(encoded[-1], encoded_t[-1])
    hinted = hinted_layers(mask, len(encoded) - 1)
    errors = [state_error(encoded[i], encoded_t[i]) for i in hinted]
    layers = sum(errors, torch.zeros(())) / max(1, len(errors))
    decoder = state_error(hidden[where][None], hidden_t[where][None])
    parts = {"kl": kl, "encoder": encoder, "layers": layers, "decoder": decoder}
    total = sum(HINTS[name] * value for name, value in parts.items())
    return total, parts


@torch.no_grad()
def divergence(model, batch, mask, taught):
    """KL in nats a token from what `taught` says."""
    with torch.autocast("cpu", torch.bfloat16):
        hidden, _ = forward(model, batch, mask)
        log_s = model.decoder.logits(hidden[taught[2]]).float().log_softmax(-1)
    return float((taught[3].exp() * (taught[3] - log_s)).sum(-1).mean())


@torch.no_grad()
def measure(model, teacher, batches, mask):
    """Mean parts over the tokens of `batches`, and the share of tokens whose best is the label."""
    sums, tokens = {}, 0
    for batch in batches:
        taught = teach(teacher, batch)
        with torch.autocast("cpu", torch.bfloat16):
            hidden, encoded = forward(model, batch, mask)
            logits = model.decoder.logits(hidden[taught[2]]).float()
        log_s, log_t, labels = logits.log_softmax(-1), taught[3], batch.labels[taught[2]]
        count = len(labels)
        row = {
            "kl": (log_t.exp() * (log_t - log_s)).sum(-1).mean(),
            "hard": F.nll_loss(log_s, labels),
            "encoder": state_error(encoded[-1], taught[1][-1]),
            "agree": (log_s.argmax(-1) == log_t.argmax(-1)).float().mean(),
            "right": (log_s.argmax(-1) == labels).float().mean(),
        }
        for name, value in row.items():
            sums[name] = sums.get(name, 0.0) + float(value) * count
        tokens += count
    return {name: value / tokens for name, value in sums.items()}


@torch.no_grad()
def fit_bridge(model, teacher, mask, source):
    """To what the teacher's encoder gives for some batches."""
    inputs, targets = [], []
    for _ in range(BRIDGE_BATCHES):
        batch = source.next()
        with torch.autocast("cpu", torch.bfloat16):
            targets.append(forward(teacher, batch)[1][-1].float().flatten(0, 1))
            inputs.append(forward(model, batch, mask)[1][-1].float().flatten(0, 1))
    model.bridge.fit(torch.cat(inputs), torch.cat(targets))


class Distiller:
    def __init__(self, args, source, dev):
        """dev: batches that are measured, never trained on"""
        self.args, self.source, self.dev, self.step = args, source, dev, 0
        self.teacher = load_teacher(args.model, args.teacher)
        self.model = load_student(args.model, args.teacher, args.rank)
        self.closed = sorted(int(gate) for gate in args.close.split(","))
        self.mask = torch.ones(sum(n * m for n, m in zip(self.model.gate_counts, (2, 3))))
        self.mask[self.closed] = 0.0
        groups = parameter_groups(self.model, args.lr)
        self.optimiser = torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.99), foreach=True)

    def update(self):
        args = self.args
        if self.step == 0:
            fit_bridge(self.model, self.teacher, self.mask, self.source)
        scale = min(1.0, (self.step + 1) / WARM_UP) * (1 - 0.95 * self.step / args.updates)
        for group, rate in zip(self.optimiser.param_groups, (args.lr, args.lr / 4)):
            group["lr"] = rate * scale
        batch = self.source.next()
        taught = teach(self.teacher, batch)
        loss, parts = losses(self.model, batch, self.mask, taught)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for group in self.optimiser.param_groups:
            torch.nn.utils.clip_grad_norm_([p for p in group["params"] if p.grad is not None], 1.0)
        self.optimiser.step()
        self.step += 1
        return [self.step, batch.kind, loss.item(), *(p.item() for p in parts.values()), scale]

    def save(self, path):
        save_run(self, path, closed=self.closed)


def run(args, distiller):
    path = checkpoint_of(args.run)
    if os.path.exists(path):
        load_run(distiller, path)

    def report(row, done, left):
        if distiller.step % args.report and distiller.step != args.updates:
            return
        found = measure(distiller.model, distiller.teacher, distiller.dev, distiller.mask)
        parts = " ".join("%s %.3f" % part for part in found.items())
        about = (distiller.step, args.updates, done, left, parts)
        print("%d/%d, %.1f min, %.1f left: %s" % about, flush=True)

    train(args.run, distiller, args.updates, COLUMNS, report)


def main():
    parser = argparse.ArgumentParser(description="Heals closed modules by distilling from an open pack.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--teacher", required=True, metavar="PACK", help="no gate of it closes")
    parser.add_argument("--stores", required=True, nargs="+", metavar="DIR:WEIGHT", help="folders of clips, how often each is drawn from")
    parser.add_argument("--dev", required=True, metavar="DIR", help="whose dev clips are measured")
    parser.add_argument("--updates", type=int, required=True, help="of the whole run, resumed parts too")
    parser.add_argument("--close", required=True, metavar="GATES", help="comma-separated")
    parser.add_argument("--rank", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-4, help="of the low-rank factors; more loses what the model knows")
    parser.add_argument("--batch-seconds", type=float, default=12.0, help="of sound")
    parser.add_argument("--report", type=int, default=200, metavar="N", help="measure every N updates")
    parser.add_argument("--seed", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    os.makedirs(args.run, exist_ok=True)
    with open(os.path.join(args.run, "settings.json"), "w", encoding="utf-8") as file:
        json.dump(vars(args), file, indent=1)
    tokens = WhisperTokens(args.model)
    stores = [(ClipStore(d), float(w)) for d, w in (s.rsplit(":", 1) for s in args.stores)]
    source = DistilSource(stores, tokens, args.seed, args.batch_seconds)
    dev = plain_batches(ClipStore(args.dev), "dev", tokens, 20.0)
    run(args, Distiller(args, source, dev))


if __name__ == "__main__":
    main()
