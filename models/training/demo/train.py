#!/usr/bin/env python3
"""Trains the demo model: E-Branchformer, Transformer decoder, CTC.

    train.py RUN --store FOLDER [--store FOLDER …] [--total UPDATES] [--minutes M]

FOLDERs: what corpus.py and ../prompt_corpus.py made. RUN gets checkpoint.pt (the run goes on from
it), curve.csv, bpe.model and samples.txt. The learning rate goes by updates of `--total`, so a run
may be cut into as many parts as one likes; `--minutes` ends a part.

Three stages: the encoder alone, on evenly spread labels and CTC; on CTC alone; and, when CTC's loss
is low, with the decoder. One thread a worker; more workers make each update of more clips.
"""

import argparse
import copy
import csv
import functools
import os
import random
import signal
import sys
import tempfile
import time

import torch
from torch.nn.functional import cross_entropy, ctc_loss

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from text_errors import count_errors  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.demo import vocabulary as words  # noqa: E402
from training.demo import workers  # noqa: E402
from training.demo.batches import BatchSource  # noqa: E402
from training.demo.clips import LANGUAGES, join_translations, prompt_task  # noqa: E402
from training.demo.decoding import ctc_greedy, decoder_greedy  # noqa: E402
from training.demo.features import FeatureStore  # noqa: E402
from training.demo.model import DemoModel  # noqa: E402

PEAK_RATE, WARM_UP = 2e-3, 300
PLAIN_UPDATES = 1500  # with one voice a language, without strong augmentation
DECODER_BELOW, DECODER_AT_LATEST = 1.0, 5000  # CTC loss a piece; updates
CTC_WEIGHT, SMOOTHING, CLIP_NORM = 0.3, 0.1, 5.0
AVERAGE = 0.998  # of the weights that are evaluated and exported
FIELDS = (
    "update", "seconds", "stage", "rate", "ctc", "attention", "ctc_wer", "ctc_wer_human", "wer",
    "translation_wer",
)  # fmt: skip


def load_stores(folders):
    stores = [FeatureStore(ClipStore(folder), folder) for folder in folders]
    join_translations(stores)
    return stores


def load_vocabulary(run, stores):
    path = os.path.join(run, "bpe.model")
    if not os.path.exists(path):
        texts = []
        for store in stores:
            for clip in store.clips:
                if clip["split"] == "train" and clip["language"] in LANGUAGES:
                    texts += clip["texts"].values()
        words.train(texts, run)
    return words.Vocabulary(path)


def rate_at(update, total):
    """Warm-up, constant for 40 % of the run, then falling to a twentieth."""
    fall = max(0.0, (update / total - 0.4) / 0.6)
    return PEAK_RATE * min(1.0, (update + 1) / WARM_UP) * max(0.05, 1.0 - fall)


class Run:
    """Model, its running average, optimiser and data; `save` and `load` hold all of it.

    With several workers it is the first one's random state that is kept.
    """

    def __init__(self, args, team=workers.Alone()):
        self.args, self.team = args, team
        self.stores = load_stores(args.store)
        self.vocabulary = load_vocabulary(args.run, self.stores)
        statistics = [store.statistics() for store in self.stores]
        mean, std = (torch.stack(parts).mean(0) for parts in zip(*statistics))
        torch.manual_seed(args.seed)
        self.model = DemoModel(len(self.vocabulary), mean, std)
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        seed = args.seed + 1000 * team.rank
        self.source = BatchSource(self.stores, self.vocabulary, mean, seed, args.by_heart)
        self.update, self.seconds, self.decoder_from = 0, 0.0, None
        self.ctc = 10.0  # running mean
        self.path = os.path.join(args.run, "checkpoint.pt")
        if os.path.exists(self.path):
            self.load()

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "source": self.source.state(),
            "torch": torch.get_rng_state(),
            "tokens": self.vocabulary.tokens,
            "progress": (self.update, self.seconds, self.decoder_from, self.ctc),
        }
        torch.save(state, self.path + ".part")
        os.replace(self.path + ".part", self.path)

    def load(self):
        state = torch.load(self.path, weights_only=False)
        if state["tokens"] != self.vocabulary.tokens:
            raise SystemExit("train.py: %s has another vocabulary" % self.path)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.update, self.seconds, self.decoder_from, self.ctc = state["progress"]
        if self.team.rank == 0:
            self.source.restore(state["source"])
            torch.set_rng_state(state["torch"])
        else:
            self.source.rng.seed(self.args.seed + 1000 * self.team.rank + self.update)

    def losses(self, batch):
        """(loss to minimise, CTC loss a piece, attention loss or nan)"""
        model = self.model
        encoded, counts = model.encode(batch.x, batch.lengths)
        log_probs = model.ctc_log_probs(encoded)
        ctc = ctc_loss(
            log_probs.transpose(0, 1), batch.source, counts, batch.source_counts, 0, "none", True
        )
        ctc = (ctc / batch.source_counts).mean()
        spread_weight = max(0.0, 1.0 - self.update / self.args.spread_updates)
        if self.decoder_from is None:
            loss = ctc
            if spread_weight:
                spread = batch.spread[:, : log_probs.shape[1]]
                spread = torch.nn.functional.nll_loss(
                    log_probs.flatten(0, 1), spread.flatten(), ignore_index=-1
                )
                loss = (1.0 - 0.7 * spread_weight) * ctc + 2.0 * spread_weight * spread
            return loss, ctc.item(), float("nan")
        scores = model.decode(encoded, counts, batch.inputs, batch.target_counts)
        targets = batch.targets.flatten()
        attention = cross_entropy(
            scores.flatten(0, 1), targets, ignore_index=-1, label_smoothing=SMOOTHING
        )
        return CTC_WEIGHT * ctc + (1 - CTC_WEIGHT) * attention, ctc.item(), attention.item()

    def step(self):
        source = self.source
        source.plain_voices = self.update < PLAIN_UPDATES and not self.args.by_heart
        source.strength = 0.0 if self.args.by_heart else 0.3 if source.plain_voices else 1.0
        if self.decoder_from is None and (
            self.ctc < DECODER_BELOW or self.update >= DECODER_AT_LATEST
        ):
            self.decoder_from = self.update
        batch = source.next()
        loss, ctc, attention = self.losses(batch)
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.update, self.args.total)
        self.optimiser.zero_grad()
        loss.backward()
        ctc = self.team.average(list(self.model.parameters()), ctc)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self.optimiser.step()
        self.update += 1
        decay = min(AVERAGE, 1 - 10 / (10 + self.update))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.model.parameters()):
                kept.lerp_(now, 1 - decay)
        self.ctc = 0.98 * self.ctc + 0.02 * ctc
        return ctc, attention


def dev_items(stores, count, human):
    """(store, index) of dev clips, `count` a language."""
    wanted = []
    for language in LANGUAGES:
        found = [
            (store, i)
            for store in stores
            for i, clip in enumerate(store.clips)
            if clip["split"] == "dev"
            and clip["language"] == language
            and (clip["source"] == "prompt") == human
        ]
        wanted += random.Random(1).sample(found, min(count, len(found)))
    return sorted(wanted, key=lambda at: at[0].speech_frames(at[1]))


def error_rate(pairs):
    errors = [count_errors(*pair)[:2] for pair in pairs]
    return 100.0 * sum(e for e, _ in errors) / max(1, sum(n for _, n in errors))


@torch.inference_mode()
def transcribe(run, items, decoder, translate=False):
    """(reference, hypothesis) of each item by the averaged model; by CTC alone or the decoder."""
    model, vocabulary, pairs = run.average, run.vocabulary, []
    for first in range(0, len(items), 12):
        part = items[first : first + 12]
        frames = [store.frames(i)[: store.speech_frames(i) + 15] for store, i in part]
        lengths = torch.tensor([len(f) for f in frames])
        x = torch.nn.utils.rnn.pad_sequence(frames, True, -23.0)
        encoded, counts = model.encode(x, lengths)
        clips = [store.clips[i] for store, i in part]
        targets = [c["language"] for c in clips]
        if translate:
            targets = ["fr" if c["language"] == "en" else "en" for c in clips]
        if decoder:
            prompts = []
            for clip, target in zip(clips, targets):
                language = clip["language"]
                prompt = vocabulary.prompt(language, prompt_task(language, target))
                prompts.append([vocabulary.sos, *prompt])
            ids = decoder_greedy(model, encoded, counts, prompts, vocabulary.eos)
        else:
            ids = ctc_greedy(model, encoded, counts)
        for clip, target, row in zip(clips, targets, ids):
            pairs.append((clip["texts"][target], vocabulary.decode(row)))
    return pairs


def evaluate(run, count):
    """Fields of a curve row, and lines to read."""
    if run.args.by_heart:
        synthetic, human = [(run.stores[s], i) for s, i in run.source.items], []
    else:
        synthetic, human = (dev_items(run.stores, count, is_human) for is_human in (False, True))
    sets = {
        "ctc_wer": transcribe(run, synthetic, False),
        "ctc_wer_human": transcribe(run, human, False),
    }
    if run.decoder_from is not None:
        few = synthetic if run.args.by_heart else synthetic[::2]
        sets["wer"] = transcribe(run, few, True)
        sets["translation_wer"] = transcribe(run, few, True, translate=True)
    lines = [
        "%s | %s | %s" % (name, *pair)
        for name, pairs in sets.items()
        for pair in pairs[:: len(pairs) // 6 or 1]
    ]
    return {k: "%.1f" % error_rate(pairs) for k, pairs in sets.items() if pairs}, lines


def curve_row(run, sums):
    """A row from `sums`, the pairs of losses since the last one; evaluates when it is time."""
    args = run.args
    ctc, attention = (sum(column) / len(column) for column in zip(*sums))
    row = {
        "update": run.update,
        "seconds": round(run.seconds),
        "stage": "encoder" if run.decoder_from is None else "all",
        "rate": "%.2e" % rate_at(run.update, args.total),
        "ctc": "%.3f" % ctc,
        "attention": "%.3f" % attention,
    }
    if run.update % args.evaluate_every == 0:
        rates, lines = evaluate(run, 20)
        row.update(rates)
        with open(os.path.join(args.run, "samples.txt"), "w", encoding="utf-8") as out:
            out.write("update %d\n%s\n" % (run.update, "\n".join(lines)))
    return row


class Curve:
    """Rows appended to curve.csv as they come."""

    def __init__(self, path):
        fresh = not os.path.exists(path)
        self._file = open(path, "a", newline="", encoding="utf-8")
        self._rows = csv.DictWriter(self._file, FIELDS)
        if fresh:
            self._rows.writeheader()

    def add(self, row, hours_left):
        self._rows.writerow(row)
        self._file.flush()
        print(*("%s %s" % item for item in row.items()), end="; ")
        print("ends in %.1f h" % hours_left, flush=True)


class Stop:
    """Whether to end: SIGTERM came, or the part's minutes are over."""

    def __init__(self, minutes):
        self._end, self._asked = time.time() + 60 * minutes, False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *unused):
        self._asked = True

    def __bool__(self):
        return self._asked or time.time() > self._end


def train(run):
    args, began, first, stop = run.args, time.time(), run.update, Stop(run.args.minutes)
    leads = run.team.rank == 0
    curve = Curve(os.path.join(args.run, "curve.csv")) if leads else None
    last, saved, sums = began, began, []
    while run.update < args.total and not run.team.any(stop):
        sums.append(run.step())
        if leads and time.time() - saved > 60 * args.save_minutes:
            run.save()
            saved = time.time()
        if not leads or run.update % args.log_every:
            continue
        run.seconds, last = run.seconds + time.time() - last, time.time()
        each = (last - began) / (run.update - first) / 3600
        curve.add(curve_row(run, sums), each * (args.total - run.update))
        sums = []
    if leads:
        run.save()


def work(team, args):
    torch.set_num_threads(1)
    if team.rank:
        team.wait()  # the first worker makes vocabulary and features
    run = Run(args, team)
    if not team.rank:
        team.wait()
        parameters = sum(p.numel() for p in run.model.parameters())
        print("%.2f M parameters, %d tokens" % (parameters / 1e6, len(run.vocabulary)))
    train(run)


def main():
    parser = argparse.ArgumentParser(description="Trains the demo model; goes on where it stopped.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--store", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--total", type=int, default=30000, help="updates of the whole run")
    parser.add_argument("--minutes", type=float, default=1e9, help="end this part after so long")
    parser.add_argument("--by-heart", type=int, metavar="N", help="wiring test: N clips only")
    parser.add_argument(
        "--spread-updates", type=int, default=1000, help="until evenly spread labels have no weight"
    )
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--evaluate-every", type=int, default=500)
    parser.add_argument("--save-minutes", type=float, default=4)
    parser.add_argument("--workers", type=int, default=1, help="processes; one a free core")
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    os.makedirs(args.run, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        meeting = os.path.join(scratch, "workers")
        workers.launch(args.workers, functools.partial(work, args=args), meeting)


if __name__ == "__main__":
    main()
