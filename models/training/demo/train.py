#!/usr/bin/env python3
"""Trains the demo model: E-Branchformer, Transformer decoder, CTC.

    train.py RUN --store FOLDER [--store FOLDER …] [--total UPDATES] [--minutes M]
    train.py GATED --store … --start RUN|MODEL [--budgets 0.3] [--decoder-budgets 0.5] [--costs FILE] --total UPDATES

FOLDERs: what corpus.py and ../prompt_corpus.py made. RUN gets checkpoint.pt (the run goes on from
it), curve.csv, bpe.model and samples.txt. The learning rate goes by updates of `--total`, so a run
may be cut into as many parts as one likes; `--minutes` ends a part.

Three stages: the encoder alone, on strings of single words by known alignment and CTC; on sentences
by CTC alone; and, when CTC's loss is low, with the decoder. With --start it is a gated run (gating.py)
from the weights of RUN or of a converted model folder, all of it the third stage. One thread a worker;
more workers make each update of more clips.
"""

import argparse
import copy
import csv
import functools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time

import numpy as np
import torch
from torch.nn.functional import cross_entropy, ctc_loss

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from safetensors_reader import read_safetensors  # noqa: E402
from text_errors import error_rate  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.demo import vocabulary as words  # noqa: E402
from training.demo import workers  # noqa: E402
from training.demo import gating  # noqa: E402
from training.demo.batches import BatchSource  # noqa: E402
from training.demo.clips import LANGUAGES, join_translations, prompt_task  # noqa: E402
from training.demo.decoding import ctc_greedy, decoder_greedy  # noqa: E402
from training.demo.features import FeatureStore  # noqa: E402
from training.demo.model import WIDTH, DemoModel  # noqa: E402

PEAK_RATE, GATED_RATE, HEALING_RATE, WARM_UP = 2e-3, 8e-4, 4e-4, 300
PLAIN_UPDATES = 1500  # with one voice a language, without strong augmentation
STRINGS_AFTERWARDS = 0.25  # share of strings of single words when these are no longer all there is
JOINED = 0.15  # share of the sentences that come in pairs, since the decoder joined
DECODER_BELOW, DECODER_AT_LATEST = 1.5, 3500  # CTC loss a piece; updates
CTC_WEIGHT, SMOOTHING, CLIP_NORM = 0.3, 0.1, 5.0
GUIDED, GUIDED_UPDATES = 0.5, 4000  # weight of the attention's guide, falling to 0 since the decoder joined
GUIDED_HEADS = 2  # of every layer's source attention
AVERAGE = 0.998  # of the weights that are evaluated and exported
FIELDS = (
    "update", "seconds", "stage", "rate", "ctc", "attention", "ctc_wer", "ctc_wer_human", "wer",
    "translation_wer",
)  # fmt: skip


def load_stores(folders):
    stores = [FeatureStore(ClipStore(folder), folder) for folder in folders]
    join_translations(stores)
    return stores


def load_vocabulary(run, stores, start):
    """RUN's own; a run that begins takes that of the run it starts from, or makes one."""
    path = os.path.join(run, "bpe.model")
    if not os.path.exists(path) and start:
        shutil.copyfile(os.path.join(start, "bpe.model"), path)
    if not os.path.exists(path):
        texts = []
        for store in stores:
            for clip in store.clips:
                known = clip["split"] == "train" and clip["language"] in LANGUAGES
                if known and clip["source"] != "word":  # words as frequent as they are in sentences
                    texts += clip["texts"].values()
        words.train(texts, run)
    return words.Vocabulary(path)


def rate_at(update, total, peak=PEAK_RATE):
    """Warm-up, constant for 40 % of the run, then falling to a twentieth."""
    fall = max(0.0, (update / total - 0.4) / 0.6)
    return peak * min(1.0, (update + 1) / WARM_UP) * max(0.05, 1.0 - fall)


class Run:
    """Model, its running average, optimiser and data; `save` and `load` hold all of it.

    With several workers it is the first one's random state that is kept.
    """

    def __init__(self, args, team=workers.Alone()):
        self.args, self.team = args, team
        self.stores = load_stores(args.store)
        self.vocabulary = load_vocabulary(args.run, self.stores, args.start)
        statistics = [store.statistics() for store in self.stores]
        mean, std = (torch.stack(parts).mean(0) for parts in zip(*statistics))
        torch.manual_seed(args.seed)
        self.gating = predictors = None
        if args.start:
            self.gating = gating.Gating(args.budgets, args.costs, args.total)
            predictors = gating.new_predictors(WIDTH, args.budgets)
        self.model = DemoModel(len(self.vocabulary), mean, std, predictors)
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        named = list(self.model.named_parameters())
        groups = [
            {"params": [p for n, p in named if n.startswith("predictors.") == chosen], "times": times}
            for chosen, times in ((False, 1.0), (True, gating.PREDICTOR_RATE))
        ]
        self.optimiser = torch.optim.AdamW(
            groups, PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        seed = args.seed + 1000 * team.rank
        self.source = BatchSource(self.stores, self.vocabulary, mean, seed, args.by_heart)
        if args.by_heart:
            self.source.mix(0.0, False, 0.0)
        self.update, self.seconds, self.decoder_from = 0, 0.0, None
        self.ctc = 10.0  # running mean
        self.path = os.path.join(args.run, "checkpoint.pt")
        if os.path.exists(self.path):
            self.load()
        elif args.start:
            self.start()

    def start(self):
        """A run's averaged weights or a model's; the gates of a gated run stand as they are, new
        predictors get to know their input's range."""
        weights = self.read_start(self.args.start)
        self.model.load_state_dict(weights, strict=False)
        if any(name.startswith("predictors.") for name in weights):
            self.gating.settled = 0
        else:
            gating.fit_inputs(self.model, [self.source.next() for _ in range(20)])
        self.average.load_state_dict(self.model.state_dict())
        self.decoder_from = 0

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "source": self.source.state(),
            "gating": self.gating and self.gating.state(),
            "torch": torch.get_rng_state(),
            "tokens": self.vocabulary.tokens,
            "progress": (self.update, self.seconds, self.decoder_from, self.ctc),
        }
        torch.save(state, self.path + ".part")
        os.replace(self.path + ".part", self.path)

    def check_tokens(self, tokens, path):
        if tokens != self.vocabulary.tokens:
            raise SystemExit("train.py: %s has another vocabulary" % path)

    def read(self, path):
        """What `save` wrote, of a run with this one's vocabulary."""
        state = torch.load(path, weights_only=False)
        self.check_tokens(state["tokens"], path)
        return state

    def read_start(self, folder):
        """Weights by name: the average of the run in `folder`, or those of the model that is there."""
        path = os.path.join(folder, "model.safetensors")
        if not os.path.exists(path):
            return self.read(os.path.join(folder, "checkpoint.pt"))["average"]
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.check_tokens(json.load(file)["token_list"], path)
        # The converter keeps ESPnet's names and layouts.
        return {n: torch.tensor(np.float32(array)) for n, array in read_safetensors(path).items()}

    def load(self):
        state = self.read(self.path)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.gating:
            self.gating.restore(state["gating"])
        self.update, self.seconds, self.decoder_from, self.ctc = state["progress"]
        if self.team.rank == 0:
            self.source.restore(state["source"])
            torch.set_rng_state(state["torch"])
        else:
            self.source.rng.seed(self.args.seed + 1000 * self.team.rank + self.update)

    def losses(self, batch):
        """(loss to minimise, CTC loss a piece, attention loss or nan)"""
        model, bfloat16 = self.model, torch.autocast("cpu", torch.bfloat16)
        choose = None
        if self.gating:
            contexts = contexts_of(batch.contexts)
            choose = self.gating.chooser(model, contexts, self.update, self.source.rng)
        with bfloat16:
            encoded, counts = model.encode(batch.x, batch.lengths, choose)
        encoded = encoded.float()
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
        with bfloat16:
            scores = model.decode(encoded, counts, batch.inputs, batch.target_counts)
        scores = scores.float()
        targets = batch.targets.flatten()
        attention = cross_entropy(
            scores.flatten(0, 1), targets, ignore_index=-1, label_smoothing=SMOOTHING
        )
        loss = CTC_WEIGHT * ctc + (1 - CTC_WEIGHT) * attention
        guided = GUIDED * (1.0 - (self.update - self.decoder_from) / GUIDED_UPDATES)
        if guided > 0 and not self.gating:
            loss = loss + guided * attention_off_sound(model, batch)
        if self.gating:
            loss = loss + self.gating.penalty(self.update)
        return loss, ctc.item(), attention.item()

    def step(self):
        if not self.args.by_heart:
            fresh = not self.gating
            plain = fresh and self.update < PLAIN_UPDATES
            only_strings = fresh and self.update < self.args.spread_updates
            strings = 1.0 if only_strings else STRINGS_AFTERWARDS
            heard = self.decoder_from is not None  # augmentation in full would keep CTC from falling
            self.source.mix(strings, plain, *((0.5, JOINED) if heard else (0.3, 0.0)))
        if self.decoder_from is None and (
            self.ctc < DECODER_BELOW or self.update >= DECODER_AT_LATEST
        ):
            self.decoder_from = self.update
        batch = self.source.next()
        loss, ctc, attention = self.losses(batch)
        for group in self.optimiser.param_groups:
            peak = PEAK_RATE
            if self.gating:
                peak = GATED_RATE if self.gating.settled else HEALING_RATE
            group["lr"] = group["times"] * rate_at(self.update, self.args.total, peak)
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


def attention_off_sound(model, batch):
    """How little a few heads of the source attention, after `decode`, look where a target is heard.

    Without it the decoder learns the grammar, and to listen only thousands of updates later.
    """
    steps = torch.arange(model.decoder.decoders[0].src_attn.attn.shape[-1])
    distance = (steps - batch.heard_at[..., None]) / batch.heard_within[:, None, None]
    near = torch.exp(-0.5 * distance * distance)  # (B, U, steps)
    known = batch.heard_at >= 0
    losses = []
    for layer in model.decoder.decoders:
        looks = layer.src_attn.attn[:, :GUIDED_HEADS].float().mean(1)
        losses.append(-(looks * near).sum(-1).clamp_min(1e-4).log()[known].mean())
    return sum(losses) / len(losses)


def contexts_of(pairs):
    """(language, task) of each item -> (B, 2) rows of the predictors"""
    return torch.tensor([gating.context_of(*pair) for pair in pairs])


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


def other_language(clip):
    """Of the translation that is watched."""
    return "fr" if clip["language"] == "en" else "en"


@torch.inference_mode()
def transcribe(run, items, decoder, translate=False, budget=None, seen=None):
    """(reference, hypothesis) of each item by the averaged model; by CTC alone or the decoder.

    budget: of the gates, None: all open; `seen` gets the gates.
    """
    model, vocabulary, pairs = run.average, run.vocabulary, []
    if translate:
        items = [(s, i) for s, i in items if other_language(s.clips[i]) in s.clips[i]["texts"]]
    for first in range(0, len(items), 12):
        part = items[first : first + 12]
        frames = [store.frames(i)[: store.speech_frames(i) + 15] for store, i in part]
        lengths = torch.tensor([len(f) for f in frames])
        x = torch.nn.utils.rnn.pad_sequence(frames, True, -23.0)
        clips = [store.clips[i] for store, i in part]
        targets = [c["language"] for c in clips]
        if translate:
            targets = [other_language(c) for c in clips]
        choose = None
        if budget is not None:
            pairs_of = [(c["language"], prompt_task(c["language"], t)) for c, t in zip(clips, targets)]
            choose = gating.hard_chooser(model, contexts_of(pairs_of), budget, seen)
        encoded, counts = model.encode(x, lengths, choose)
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
    closed = {}
    sets = {
        "ctc_wer": transcribe(run, synthetic, False),
        "ctc_wer_human": transcribe(run, human, False),
    }
    if run.decoder_from is not None:
        few = synthetic if run.args.by_heart else synthetic[::2]
        sets["wer"] = transcribe(run, few, True)
        sets["translation_wer"] = transcribe(run, few, True, translate=True)
    for budget in run.args.budgets if run.gating else ():
        for translate, kind in ((False, ""), (True, "translation_")):
            at, seen = "@" + budget.name, []
            sets[kind + "wer" + at] = transcribe(run, few, True, translate, budget, seen)
            closed[kind + "closed" + at] = "%.3f" % run.gating.closed(torch.cat(seen), budget)
    lines = [
        "%s | %s | %s" % (name, *pair)
        for name, pairs in sets.items()
        for pair in pairs[:: len(pairs) // 6 or 1]
    ]
    rates = {k: "%.1f" % error_rate(pairs) for k, pairs in sets.items() if pairs}
    return {**rates, **closed}, lines


def curve_row(run, sums):
    """A row from `sums`, the pairs of losses since the last one; evaluates when it is time."""
    args = run.args
    ctc, attention = (sum(column) / len(column) for column in zip(*sums))
    row = {
        "update": run.update,
        "seconds": round(run.seconds),
        "stage": "encoder" if run.decoder_from is None else "all",
        "rate": "%.2e" % run.optimiser.param_groups[0]["lr"],
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

    def __init__(self, path, budgets):
        fresh = not os.path.exists(path)
        self._file = open(path, "a", newline="", encoding="utf-8")
        of_budget = ("closed@", "translation_closed@", "wer@", "translation_wer@")
        gated = [name + budget.name for budget in budgets for name in of_budget]
        self._rows = csv.DictWriter(self._file, [*FIELDS, *gated])
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
    curve = Curve(os.path.join(args.run, "curve.csv"), args.budgets) if leads else None
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


def budget_list(text):
    return tuple(float(part) for part in text.split(","))


def main():
    parser = argparse.ArgumentParser(description="Trains the demo model; goes on where it stopped.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--store", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--total", type=int, default=30000, help="updates of the whole run")
    parser.add_argument("--start", metavar="FOLDER", help="a dense run or a model: this run trains gates")
    parser.add_argument("--budgets", type=budget_list, default=(), metavar="LIST", help="such as 0.2,0.3")
    parser.add_argument(
        "--decoder-budgets", type=budget_list, default=(), metavar="LIST", help="of its gates alone"
    )
    parser.add_argument("--costs", metavar="FILE", help="of espalier profile: what closing a gate counts")
    parser.add_argument("--minutes", type=float, default=1e9, help="end this part after so long")
    parser.add_argument("--by-heart", type=int, metavar="N", help="wiring test: N clips only")
    parser.add_argument(
        "--spread-updates", type=int, default=1000, help="of strings of words; their labels then have no weight"
    )
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--evaluate-every", type=int, default=500)
    parser.add_argument("--save-minutes", type=float, default=4)
    parser.add_argument("--workers", type=int, default=1, help="processes; one a free core")
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    args.budgets = [gating.Budget(share) for share in args.budgets]
    args.budgets += [gating.Budget(share, True) for share in args.decoder_budgets]
    if bool(args.start) != bool(args.budgets):
        parser.error("--start and budgets go together")
    os.makedirs(args.run, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        meeting = os.path.join(scratch, "workers")
        workers.launch(args.workers, functools.partial(work, args=args), meeting)


if __name__ == "__main__":
    main()
