"""What every training run does: one folder with checkpoint.pt and curves.csv, resumed where it stopped.

A trainer has args, model, optimiser, source (batches, with state and restore) and step; update() -> a
row of curves.csv without its times; save(path), which calls save_run.
"""

import csv
import os
import time

import torch

from training.checkpoint import save_atomically, trainable_state

SAVE_SECONDS = 120


def parameter_groups(model, rate):
    """The optimiser's: low-rank factors at `rate`, all else that trains at a quarter of it."""
    own = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    factors = (".a", ".b")
    return [
        {"params": [p for n, p in own if n.endswith(factors)], "lr": rate},
        {"params": [p for n, p in own if not n.endswith(factors)], "lr": rate / 4},
    ]


def checkpoint_of(folder):
    return os.path.join(folder, "checkpoint.pt")


def save_run(trainer, path, **more):
    """All that load_run goes on from, the run's settings and `more`."""
    state = {
        "step": trainer.step,
        "model": trainable_state(trainer.model),
        "optimiser": trainer.optimiser.state_dict(),
        "torch_rng": torch.get_rng_state(),
        "source": trainer.source.state(),
        "settings": vars(trainer.args),
    }
    save_atomically({**state, **more}, path)


def load_weights(trainer, path):
    """The run's weights alone; returns its state."""
    state = torch.load(path, weights_only=False)
    trainer.model.load_state_dict(state["model"], strict=False)
    return state


def load_run(trainer, path):
    state = load_weights(trainer, path)
    trainer.optimiser.load_state_dict(state["optimiser"])
    torch.set_rng_state(state["torch_rng"])
    trainer.source.restore(state["source"])
    trainer.step = state["step"]


def train(folder, trainer, updates, columns, report):
    """Updates until the run has `updates`; report(row, minutes done, minutes left) after each one."""
    path, curves = checkpoint_of(folder), os.path.join(folder, "curves.csv")
    is_new = not os.path.exists(curves)
    start, first, saved = time.monotonic(), trainer.step, time.monotonic()
    with open(curves, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(columns)
        while trainer.step < updates:
            begun, cpu = time.monotonic(), time.process_time()
            row = trainer.update()
            now = time.monotonic()
            row += [now - begun, time.process_time() - cpu]
            writer.writerow(["%.4g" % v if isinstance(v, float) else v for v in row])
            file.flush()
            left = (now - start) / (trainer.step - first) * (updates - trainer.step)
            report(row, (now - start) / 60, left / 60)
            if now - saved > SAVE_SECONDS:
                trainer.save(path)
                saved = time.monotonic()
    trainer.save(path)
