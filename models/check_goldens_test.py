"""check_goldens.py must pass what is right and name what is not: a stand-in for the program replays
the goldens, whole or with some things changed."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(HERE), "tests", "golden", "data")

# Knows the case by its waveform, the search by --text-prev and the like; changes what CHANGES says.
PROGRAM = """#!%(python)s
import json, os, sys
sys.path.insert(0, %(here)r)
import numpy as np
from check_goldens import search_options
from safetensors_reader import read_safetensors
from safetensors_writer import NAMES, write_safetensors
from wav_file import read_wav

NAMES.update({np.dtype("<i8"): "I64", np.dtype("u1"): "U8"})
verb, audio, options = sys.argv[1], sys.argv[2], sys.argv[3:]
changes = os.environ["CHANGES"].split()
samples = np.round(read_wav(audio) * 32768)
task = options[options.index("--task") + 1].replace("st:", "st_")
for name in json.load(open(%(folder)r + "/index.json"))["cases"]:
    golden = read_safetensors(%(folder)r + "/" + name + ".safetensors")
    doc = json.load(open(%(folder)r + "/" + name + ".json"))
    if np.array_equal(golden["waveform_i16"], samples) and doc["task"] == "<%%s>" %% task:
        break
if verb == "transcribe":
    for decoded in doc["long_form"]:
        if options[-len(search_options(decoded["setting"])):] == search_options(decoded["setting"]):
            segments = [dict(zip(("start", "end", "text"), s)) for s in decoded["segments"]]
            print(json.dumps({"segments": segments["segment" in changes:]}))
elif "--out" in options:
    tensors = {k: np.array(v) for k, v in golden.items()}
    for change in set(changes) & set(tensors):
        tensors[change].flat[0] += np.abs(tensors[change]).max() * 0.01 + 1
    table = {k: (v.shape, v.dtype) for k, v in tensors.items() if k != "waveform_i16"}
    with open(options[options.index("--out") + 1], "wb") as out:
        write_safetensors(out, table, tensors.get, {})
else:
    for decoded in doc["hyps"]:
        wanted = search_options(decoded["setting"])
        if options[options.index("cpu") + 1 : options.index("--nbest")] == wanted:
            break
    else:
        sys.exit("no such search")
    if "score" in changes:
        decoded["nbest"][-1]["score"] += 0.002
    if "token" in changes:
        decoded["nbest"][0]["yseq"][-2] += 1
    doc["hyps"] = [decoded]
    json.dump(doc, open(options[options.index("--nbest") + 1], "w"))
"""


class CheckGoldensTest(unittest.TestCase):
    def check(self, folder, changes=""):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as scratch:
            program = os.path.join(scratch, "program")
            with open(program, "w", encoding="utf-8") as file:
                where = os.path.join(DATA, folder)
                file.write(PROGRAM % {"python": sys.executable, "here": HERE, "folder": where})
            os.chmod(program, 0o755)
            script = os.path.join(HERE, "check_goldens.py")
            command = [sys.executable, "-B", script, DATA, "--only", folder, "--espalier", program]
            env = {**os.environ, "CHANGES": changes}
            return subprocess.run(command, capture_output=True, text=True, env=env)

    def test_right_results_pass(self):
        for folder in ("plain", "gated"):
            done = self.check(folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"\d{3,} comparisons, 0 failed")

    def test_every_kind_of_difference_is_named(self):
        differences = {
            "enc_layer_1": "case0_eng_asr: enc_layer_1: off by",
            "ctc_logp": "ctc_logp: off by",
            "dec_ids": "dec_ids: ",
            "score": "score: off by 0.002, bound 0.001",
            "token": "hypothesis 0 yseq: ",
            "segment": "case2_eng_asr: segments of",
        }
        done = self.check("plain", " ".join(differences))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for words in differences.values():
            self.assertIn(words, done.stdout)


if __name__ == "__main__":
    unittest.main()
