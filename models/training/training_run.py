"""What every training run does: one folder with checkpoint.pt and curves.csv, resumed where it stopped.

A trainer has step, update() -> a row of curves.csv without its times, save(path) and load(path).
"""

import csv
import os
import time

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
