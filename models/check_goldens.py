#!/usr/bin/env python3
"""Compares `espalier dump` and `espalier transcribe` with goldens made by ESPnet.

    check_goldens.py GOLDENS [--espalier PROGRAM] [--device NAME] [--only CONFIG] [--work DIR]
                     [--verbose]

GOLDENS: a folder of configurations, each an ESPnet package with index.json and per case
CASE.safetensors (every stage) and CASE.json (hypotheses or long-form segments per search setting);
tests/golden/data is one. Every package is converted, every tensor and every hypothesis compared.
Bounds: log-mel 1e-4 (and what the golden itself, a float32 FFT's, is off from double precision);
ctc_logp, logits and scores 1e-3; other stages 1e-3 of their largest value; ids, gates and texts
exact. Prints the worst difference per case and stage, and every miss.
Exit status 1 when anything is missing or out of bounds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import measuring
from safetensors_reader import read_safetensors
from wav_file import write_wav

HERE = os.path.dirname(os.path.abspath(__file__))
SCORE_BOUND = 1e-3
ABSOLUTE = {"logmel": 1e-4, "ctc_logp": 1e-3, "dec_logits": 1e-3}
ABSOLUTE.update(gate_logits_enc=1e-3, gate_logits_dec=1e-3)
STAGE_BOUND = 1e-3  # of the golden's largest value
EXACT = ("dec_ids", "gates_enc", "gates_dec")
# ESPnet's argument -> ours. A flag has no value.
OPTIONS = {
    "beam_size": "--beam-size",
    "ctc_weight": "--ctc-weight",
    "penalty": "--length-penalty",
    "maxlenratio": "--maxlen-ratio",
    "minlenratio": "--minlen-ratio",
}
FLAGS = {"normalize_length": "--normalize-length", "predict_time": "--timestamps"}
TEXTS = {"text_prev": "--text-prev", "init_text": "--prompt"}


def exact_log_mel(model, samples):
    """The log-mel of a window in double precision (spec §3)."""
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    frontend = config["frontend"]
    size, length, hop = (frontend[key] for key in ("n_fft", "win_length", "hop_length"))
    window = np.zeros(size)
    start = (size - length) // 2
    window[start : start + length] = np.hanning(length + 1)[:-1]
    padded = np.zeros(int(frontend["sample_rate"] * config["speech_length"]))
    samples = samples[: len(padded)] / 32768.0
    padded[: len(samples)] = samples
    padded = np.pad(padded, size // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    mel = read_safetensors(os.path.join(model, "model.safetensors"))["frontend.logmel.melmat"]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    return np.log(np.maximum(power @ mel.astype(np.float64), 1e-10))


class Failure(Exception):
    """The program failed; the message is its own last line."""


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Failure("exit status %d: %s" % (done.returncode, last[0]))
    return done.stdout


def search_options(setting):
    """Command-line options of one decoding's Speech2Text arguments."""
    options = []
    for key, value in setting.items():
        if key in OPTIONS:
            options.append("%s=%s" % (OPTIONS[key], value))
        elif key in FLAGS:
            options += [FLAGS[key]] * bool(value)
        elif key in TEXTS:
            options.append("%s=%s" % (TEXTS[key], value))
        elif key == "condition":
            options += ["--carry-prompt"] * bool(value)
        elif key == "end_time_threshold":
            options.append("--end-time-threshold=%s" % value.strip("<>"))
        elif key != "name":
            raise Failure("setting %r is unknown" % key)
    return options


class Checker:
    """One configuration: its model converted, its cases compared."""

    def __init__(self, args, folder, work):
        self.args, self.folder, self.work = args, folder, work
        self.name = os.path.basename(folder)
        self.model = os.path.join(work, "model_" + self.name)
        self.misses = []
        self.worst = {}  # (case, what) -> (share of the bound, difference)
        self.compared = 0

    def miss(self, case, words):
        self.misses.append("%s/%s: %s" % (self.name, case, words))

    def within(self, case, what, difference, bound):
        self.compared += 1
        share = difference / bound
        if not share <= self.worst.get((case, what), (0.0, 0.0))[0]:
            self.worst[case, what] = (share, difference)
        if not difference <= bound:
            self.miss(case, "%s: off by %.3g, bound %.3g" % (what, difference, bound))

    def same(self, case, what, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.miss(case, "%s: %s, expected %s" % (what, ours, theirs))

    def command(self, verb, doc, audio):
        task = doc["task"].strip("<>").replace("st_", "st:")
        options = ["-m", self.model, "-l", doc["lang"].strip("<>"), "--task", task]
        return [self.args.espalier, verb, audio, *options, "--device", self.args.device]

    def check_tensors(self, case, doc, golden, audio):
        ids = ",".join(str(i) for i in golden["dec_ids"])
        out = os.path.join(self.work, "dump.safetensors")
        run(self.command("dump", doc, audio) + ["--ids=" + ids, "--out", out])
        dumped = read_safetensors(out)
        for name, theirs in golden.items():
            if name == "waveform_i16":
                continue
            if name not in dumped:
                self.miss(case, "%s: not in the dump" % name)
                continue
            ours = dumped[name]
            if ours.shape != theirs.shape:
                self.miss(case, "%s: shape %s, expected %s" % (name, ours.shape, theirs.shape))
            elif name in EXACT:
                self.same(case, name, ours.tolist(), theirs.tolist())
            else:
                theirs = theirs.astype(np.float64)
                bound = ABSOLUTE.get(name, STAGE_BOUND * max(np.abs(theirs).max(), 1e-30))
                if name == "logmel":
                    exact = exact_log_mel(self.model, golden["waveform_i16"])
                    bound += np.abs(theirs - exact).max()
                self.within(case, name, np.abs(ours - theirs).max(), bound)

    def check_hypotheses(self, case, ours, theirs):
        self.same(case, "number of hypotheses", len(ours), len(theirs))
        for i, (our, their) in enumerate(zip(ours, theirs)):
            for key in ("yseq", "token_int", "text", "text_nospecial"):
                self.same(case, "hypothesis %d %s" % (i, key), our[key], their[key])
            self.within(case, "score", abs(our["score"] - their["score"]), SCORE_BOUND)
            for part, score in their["scores"].items():
                if part not in our["scores"]:
                    self.miss(case, "hypothesis %d: no score of %s" % (i, part))
                    continue
                difference = abs(our["scores"][part] - score)
                self.within(case, "score of " + part, difference, SCORE_BOUND)

    def check_searches(self, case, doc, audio):
        out = os.path.join(self.work, "nbest.json")
        for decoded in doc["hyps"]:
            options = search_options(decoded["setting"]) + ["--nbest", out]
            where = "%s %s" % (case, decoded["name"])
            try:
                run(self.command("dump", doc, audio) + options)
            except Failure as failure:
                self.miss(where, failure)
                continue
            with open(out, encoding="utf-8") as file:
                dumped = json.load(file)
            self.check_hypotheses(where, dumped["hyps"][0]["nbest"], decoded["nbest"])
        self.same(case, "ctc_greedy", dumped["ctc_greedy"], doc["ctc_greedy"])
        probabilities = dict(dumped["language_id"])
        self.same(case, "languages", sorted(probabilities), sorted(dict(doc["language_id"])))
        for language, probability in doc["language_id"]:
            difference = abs(probabilities.get(language, np.inf) - probability)
            self.within(case, "language_id", difference, SCORE_BOUND)

    def check_long_form(self, case, doc, audio):
        for decoded in doc["long_form"]:
            command = self.command("transcribe", doc, audio) + ["-f", "json", "-o", "-", "--quiet"]
            command.append("--no-repetition-guard")
            segments = json.loads(run(command + search_options(decoded["setting"])))["segments"]
            ours = [[s["start"], s["end"], s["text"]] for s in segments]
            self.same(case, "segments of %s" % decoded["setting"], ours, decoded["segments"])

    def check_case(self, case):
        stem = os.path.join(self.folder, case)
        with open(stem + ".json", encoding="utf-8") as file:
            doc = json.load(file)
        golden = read_safetensors(stem + ".safetensors")
        audio = os.path.join(self.work, "case.wav")
        write_wav(audio, golden["waveform_i16"])
        try:
            if "long_form" in doc:
                self.check_long_form(case, doc, audio)
            else:
                self.check_tensors(case, doc, golden, audio)
                self.check_searches(case, doc, audio)
        except Failure as failure:
            self.miss(case, failure)

    def check(self):
        convert = os.path.join(HERE, "convert.py")
        try:
            run([sys.executable, "-B", convert, self.folder, self.model, "--force"])
        except Failure as failure:
            self.miss("convert.py", failure)
            return
        with open(os.path.join(self.folder, "index.json"), encoding="utf-8") as file:
            cases = json.load(file)["cases"]
        for case in cases:
            self.check_case(case)

    def rows(self):
        """Per case the stages by how near they came to their bound."""
        order = sorted(self.worst.items(), key=lambda item: -item[1][0])
        rows, seen = [], {}
        for (case, what), (share, difference) in order:
            seen[case] = seen.get(case, 0) + 1
            if self.args.verbose or seen[case] == 1:
                number = "%.2g" % difference
                rows.append([self.name, case, what, number, "%.1f %%" % (100 * share)])
        return sorted(rows)


def configurations(args):
    names = sorted(os.listdir(args.goldens))
    folders = [os.path.join(args.goldens, name) for name in names]
    folders = [f for f in folders if os.path.isfile(os.path.join(f, "index.json"))]
    if args.only:
        folders = [f for f in folders if os.path.basename(f) == args.only]
    if not folders:
        raise SystemExit("check_goldens.py: %s: no configuration with index.json" % args.goldens)
    return folders


def main():
    parser = argparse.ArgumentParser(description="Dumps against ESPnet's goldens.")
    parser.add_argument("goldens", metavar="GOLDENS")
    parser.add_argument("--espalier", default="bazel-bin/apps/espalier", metavar="PROGRAM")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", metavar="CONFIG")
    parser.add_argument("--work", metavar="DIR", help="keep models and the last dump here")
    parser.add_argument("--verbose", action="store_true", help="all stages, not the worst ones")
    args = parser.parse_args()
    rows, misses, compared = [], [], 0
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or scratch
        os.makedirs(work, exist_ok=True)
        for folder in configurations(args):
            checker = Checker(args, folder, work)
            checker.check()
            rows, misses = rows + checker.rows(), misses + checker.misses
            compared += checker.compared
    head = ["model", "case and setting", "nearest to its bound", "difference", "of the bound"]
    print(measuring.markdown_table(head, rows))
    for words in misses:
        print(words)
    print("%d comparisons, %d failed" % (compared, len(misses)))
    return 1 if misses or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
