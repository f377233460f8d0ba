#!/usr/bin/env python3
"""Error rates of a gate pack in PyTorch, greedy, against the unchanged model and against controls.

    evaluate_pack.py MODEL --prompts DIR [--speech DIR] [--pack DIR] [--conditions LIST] [--limit N]
                     [--task transcribe|translate] [--split test] [--manifest FILE] [--out FILE.json] [--wav FILE ...]

Conditions: `dense30` (unchanged model, 30 s window), `dense` (unchanged, true length); with a pack, at
true length: `0`, `0.3`, … (its budgets), `0.3:static` (for each gate what most contexts have, at the
same cost), `0.3:random` (random gates at the same cost), `0.3:shuffled` (every context's gates given
to another one), `0.3:blind` (one gate vector for all: every context's row replaced by "other").
Translation is scored against the English text of the same prompt.
"""

import argparse
import json
import os
import random
import sys
import time

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from text_errors import count_errors, normalise  # noqa: E402
from training import greedy  # noqa: E402
from training.batches import TASKS, language_row  # noqa: E402
from training.checkpoint import load_whisper  # noqa: E402
from training.clip_store import ClipStore  # noqa: E402
from training.costs import read_costs  # noqa: E402
from training.gate_pack import MIN_SECONDS, TAIL_SECONDS, apply_deltas, load_predictor, read_pack  # noqa: E402
from training.gates import closed_share, gate_weights, hard_gates  # noqa: E402
from training.masks import random_mask, static_mask  # noqa: E402
from training.whisper_features import full_window, true_length  # noqa: E402
from training.whisper_tokens import WhisperTokens  # noqa: E402

BATCH = 6


def choose_clips(store, split, limit, task, manifest=None):
    """`limit` clips of each language, spread over the ids rather than from one end.

    manifest: only clips with the language and text of one of its entries.
    """
    by_language, named = {}, None
    if manifest:
        with open(manifest, encoding="utf-8") as file:
            named = {(e["language"], tuple(normalise(e["text"]))) for e in json.load(file)}
    for clip in store.clips:
        usable = task == "transcribe" or ("en" in clip["texts"] and clip["language"] != "en")
        if named is not None:
            text = tuple(normalise(clip["texts"][clip["language"]]))
            usable = usable and (clip["language"], text) in named
        if clip["split"] == split and usable:
            by_language.setdefault(clip["language"], []).append(clip)
    chosen = []
    for clips in by_language.values():
        step = max(1.0, len(clips) / limit)
        chosen += [clips[int(i * step)] for i in range(min(limit, len(clips)))]
    return chosen


class Condition:
    """A name as above, made into a model and a gate function."""

    def __init__(self, name, args, weights):
        self.budget, _, self.control = name.partition(":")
        self.full = name == "dense30"
        self.model = load_whisper(args.model).eval()
        self.predictor, self.fixed, self.weights = None, None, weights
        if self.budget not in ("dense", "dense30"):
            config, arrays = read_pack(args.pack, args.model)
            apply_deltas(self.model, arrays)
            self.predictor = load_predictor(config, arrays, self.budget)

    def fix_mask(self, gates_of_contexts):
        """For the controls that use one mask: from the gates (contexts, gates) of this budget."""
        share = float(closed_share(gates_of_contexts, self.weights).mean())
        if self.control == "static":
            self.fixed = static_mask(gates_of_contexts.mean(0), self.weights, share)
        elif self.control == "random":
            self.fixed = random_mask(self.weights, share, seed=1)

    def gates(self, pooled, language, task):
        if self.predictor is None:
            return None
        if self.fixed is not None:
            return self.fixed[None]
        row, task_row = language_row(language), TASKS.index(task)
        if self.control == "shuffled":
            row, task_row = (row + 2) % self.predictor.language_embedding.num_embeddings, 1 - task_row
        if self.control == "blind":
            row, task_row = 0, 0
        z = self.predictor.raw(pooled, torch.tensor([row]), torch.tensor([task_row]))
        return hard_gates(z)


def gates_by_context(condition, store, clips, tasks):
    """(contexts, gates): mean arg-max gates of the clips' languages in each task."""
    rows = {}
    for clip in clips:
        mel = true_length(torch.from_numpy(store.samples(clip)), TAIL_SECONDS, MIN_SECONDS)
        with torch.inference_mode():
            pooled = condition.model.encoder.stem(mel[None]).mean(1)
            for task in tasks:
                gates = condition.gates(pooled, clip["language"], task)[0]
                rows.setdefault((clip["language"], task), []).append(gates)
    return {context: torch.stack(gates).mean(0) for context, gates in rows.items()}


def transcribe(condition, store, clips, tokens, task, banned):
    """[(clip, text, gates or None)], longest first so that batches decode together."""
    results = []
    for language in sorted({c["language"] for c in clips}):
        own = sorted((c for c in clips if c["language"] == language), key=lambda c: c["samples"])
        for first in range(0, len(own), BATCH):
            part = own[first : first + BATCH]
            sounds = [torch.from_numpy(store.samples(c)) for c in part]
            mels = [full_window(s) if condition.full else true_length(s) for s in sounds]
            gate = None
            if condition.predictor is not None:

                def gate(pooled, _, language=language):
                    return condition.gates(pooled, language, task)

            memory, mask, gates = greedy.encode(condition.model, mels, gate)
            prompts = [tokens.prompt(language, task)] * len(part)
            blanks = (220, tokens.end)
            ids = greedy.decode(
                condition.model, memory, mask, prompts, tokens.end, banned, gates, first_banned=blanks
            )
            for i, (clip, found) in enumerate(zip(part, ids)):
                results.append((clip, tokens.words(found), None if gates is None else gates[i]))
    return results


def score(results, task):
    """language -> [word errors, words, characters' errors, characters], and "all"."""
    sums = {}
    for clip, text, _ in results:
        reference = clip["texts"]["en" if task == "translate" else clip["language"]]
        counts = count_errors(reference, text)
        for key in (clip["language"], "all"):
            sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 4), counts)]
    return sums


def evaluate(name, args, store, clips, tokens, weights):
    condition, begun = Condition(name, args, weights), time.process_time()
    if condition.control in ("static", "random"):
        dev = choose_clips(store, "dev", 4, "transcribe")
        plain = Condition(condition.budget, args, weights)
        contexts = gates_by_context(plain, store, dev, [args.task])
        condition.fix_mask(torch.stack(list(contexts.values())))
    banned = torch.arange(tokens.end + 1, condition.model.config["vocab_size"])
    results = transcribe(condition, store, clips, tokens, args.task, banned)
    sums = score(results, args.task)
    row = {"condition": name, "cpu_s": round(time.process_time() - begun, 1)}
    row["wer"] = {key: round(100 * s[0] / s[1], 1) for key, s in sums.items()}
    row["cer"] = round(100 * sums["all"][2] / sums["all"][3], 1)
    if condition.predictor is not None:
        gates = torch.stack([g for _, _, g in results])
        row["closed_cost"] = round(float(closed_share(gates, weights).mean()), 3)
        row["closed_gates"] = round(float((1 - gates).mean()), 3)
    texts = [[c["language"], c["texts"][c["language"]], t] for c, t, _ in results]
    return row, texts


def transcribe_wavs(paths, args, names, tokens, weights):
    """Whole files as one window each, for a check by eye: {condition: {path: text}}"""
    import soundfile

    found = {}
    for name in names:
        condition = Condition(name, args, weights)
        banned = torch.arange(tokens.end + 1, condition.model.config["vocab_size"])
        for path in paths:
            sound = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
            mel = full_window(sound) if condition.full else true_length(sound)

            def gate(pooled, _, condition=condition):
                return condition.gates(pooled, "en", args.task)

            gate = gate if condition.predictor is not None else None
            memory, mask, gates = greedy.encode(condition.model, [mel], gate)
            prompt = [tokens.prompt("en", args.task)]
            ids = greedy.decode(
                condition.model, memory, mask, prompt, tokens.end, banned, gates, limit=200
            )
            found.setdefault(name, {})[os.path.basename(path)] = tokens.words(ids[0])
    return found


def main():
    parser = argparse.ArgumentParser(description="Error rates of a gate pack, and of its controls.")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--prompts", metavar="DIR", help="clips to score (a folder of clips)")
    parser.add_argument("--pack", metavar="DIR")
    parser.add_argument("--conditions", default="dense30,0,0.3,0.5")
    parser.add_argument("--limit", type=int, default=30, help="clips a language")
    parser.add_argument("--task", default="transcribe", choices=TASKS)
    parser.add_argument("--split", default="test")
    parser.add_argument("--manifest", metavar="FILE", help="score only the clips that it lists")
    parser.add_argument("--costs", metavar="FILE", help="cost table, for the closed share")
    parser.add_argument("--out", metavar="FILE", help="rows and texts as JSON")
    parser.add_argument("--wav", nargs="*", default=[], help="English files to transcribe and print")
    args = parser.parse_args()
    torch.set_num_threads(1)
    random.seed(1)
    tokens, names = WhisperTokens(args.model), args.conditions.split(",")
    costs = read_costs(args.costs, (6, 6)) if args.costs else None
    weights = gate_weights(12, 18, costs)
    output = {"task": args.task, "rows": [], "texts": {}}
    if args.wav:
        output["wavs"] = transcribe_wavs(args.wav, args, names, tokens, weights)
        print(json.dumps(output["wavs"], indent=1, ensure_ascii=False))
    if args.prompts:
        store = ClipStore(args.prompts)
        clips = choose_clips(store, args.split, args.limit, args.task, args.manifest)
        for name in names:
            row, output["texts"][name] = evaluate(name, args, store, clips, tokens, weights)
            output["rows"].append(row)
            print(json.dumps(row), flush=True)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump(output, file, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
