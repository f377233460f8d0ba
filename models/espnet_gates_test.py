"""Tests of the ESPnet gate classes: the goldens' gates and logits, 50 steps of ESPnet's trainer, convert.py."""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from safetensors_reader import read_safetensors  # noqa: E402
from wav_file import write_wav  # noqa: E402

try:
    import torch
    from espnet2.tasks.s2t import S2TTask
except ImportError:
    torch = None
    print("espnet_gates_test.py: no ESPnet in this Python; nothing to test")

if torch:
    torch.set_num_threads(1)
    from training import espnet_finish, espnet_gates, espnet_train

GOLDEN = os.path.join(os.path.dirname(HERE), "tests", "golden", "data", "gated")
CASES = ("case0_deu_asr", "case0_deu_st_eng", "case1_jpn_asr")
STEPS = 50
WINDOW_SAMPLES = 38400  # the golden's speech_length, 2.4 s


def training_config():
    """The golden's config.yaml with the classes that it was (not) trained with, and a schedule."""
    with open(os.path.join(GOLDEN, "exp", "s2t", "config.yaml"), encoding="utf-8") as file:
        config = yaml.safe_load(file)
    gate = config.pop("gate_conf")
    del config["gate"]
    config["encoder"] = "e_branchformer_token_condition"
    config["decoder"] = "transformer_decoder_token_condition"
    config["encoder_conf"].update({key: gate[key] for key in ("context_size", "hidden_size")})
    config["decoder_conf"].update(tau_ini=1.0, sparsity_end=0.3)  # may stand in both
    config["encoder_conf"].update(tau_ini=1.0, tau_end=0.4, tau_cooldown_steps=STEPS)
    config["encoder_conf"].update(sparsity_init=0.0, sparsity_end=0.3, sparsity_weight=10.0)
    for key, path in (("normalize_conf", "stats_file"), (None, "bpemodel")):
        place = config[key] if key else config
        place[path] = os.path.join(GOLDEN, place[path])
    return config


def build(config):
    espnet_gates.register()
    known = {a.dest for a in S2TTask.get_parser()._actions}
    return S2TTask.build_model(argparse.Namespace(**{k: v for k, v in config.items() if k in known}))


def golden_state():
    path = os.path.join(GOLDEN, "exp", "s2t", "model.pth")
    return torch.load(path, map_location="cpu", weights_only=True)


def text_of(case):
    """Target text as OWSM writes it."""
    with open(os.path.join(GOLDEN, case + ".json"), encoding="utf-8") as file:
        about = json.load(file)
    return about, "%s%s<notimestamps> %s" % (about["lang"], about["task"], about["reference"])


@unittest.skipUnless(torch, "no ESPnet")
class GoldenTest(unittest.TestCase):
    def test_gates_and_logits_are_the_goldens(self):
        model = build(training_config()).eval()
        missing, unexpected = model.load_state_dict(golden_state(), strict=False)
        self.assertEqual(unexpected, [])
        own = {"gate_step", "gate_predictor.mean", "gate_predictor.spread"}
        self.assertEqual(set(missing), own)
        for case in CASES:
            about, _ = text_of(case)
            arrays = read_safetensors(os.path.join(GOLDEN, case + ".safetensors"))
            speech = torch.zeros(1, WINDOW_SAMPLES)  # short sound is padded, as in training
            waveform = arrays["waveform_i16"].astype(np.float32) / 32768
            speech[0, : len(waveform)] = torch.from_numpy(waveform)
            context = [model.token_list.index(about[key]) for key in ("lang", "task")]
            model.set_context(torch.tensor([context]))
            with torch.no_grad():
                encoded, lengths = model.encode(speech, torch.tensor([speech.shape[1]]))
                ids = torch.from_numpy(np.array(arrays["dec_ids"]))[None]
                logits, _ = model.decoder(encoded, lengths, ids, torch.tensor([ids.shape[1]]))
            gates = model.last_gates[0].numpy()
            expected = np.concatenate([arrays["gates_enc"].ravel(), arrays["gates_dec"].ravel()])
            self.assertEqual(gates.tolist(), expected.tolist(), case)
            for name, value in (("enc_out", encoded), ("dec_logits", logits)):
                gap = np.abs(value[0].numpy() - arrays[name]).max()
                self.assertLess(gap, 1e-3, (case, name))

    def test_unknown_token_opens_everything(self):
        model = build(training_config()).eval()
        model.load_state_dict(golden_state(), strict=False)
        model.set_context(torch.tensor([[model.token_list.index("<nospeech>"), 0]]))
        with torch.no_grad():
            model.encode(torch.randn(1, WINDOW_SAMPLES) * 0.1, torch.tensor([WINDOW_SAMPLES]))
        self.assertEqual(float(model.last_gates.min()), 1.0)

    def test_other_encoders_are_left_alone(self):
        config = training_config()
        config.update(encoder="e_branchformer", decoder="transformer")
        for key in espnet_finish.GATE_KEYS + espnet_finish.TRAINING_KEYS:
            config["encoder_conf"].pop(key, None)
            config["decoder_conf"].pop(key, None)
        self.assertFalse(any("gate_predictor" in n for n in build(config).state_dict()))


    def test_two_schedules_are_refused(self):
        config = training_config()
        config["decoder_conf"]["sparsity_end"] = 0.5
        with self.assertRaisesRegex(ValueError, "decoder_conf.sparsity_end"):
            build(config)


@unittest.skipUnless(torch, "no ESPnet")
class TrainerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        root = self.path = self.folder.name
        files = {name: open(os.path.join(root, name), "w") for name in ("wav", "text", "prev", "ctc", "shape")}
        for case in CASES:
            _, text = text_of(case)
            arrays = read_safetensors(os.path.join(GOLDEN, case + ".safetensors"))
            wav = os.path.join(root, case + ".wav")
            write_wav(wav, arrays["waveform_i16"])
            lines = (wav, text, "<na>", text.split("> ")[1], str(len(arrays["waveform_i16"])))
            for file, line in zip(files.values(), lines):
                file.write("%s %s\n" % (case, line))
        for file in files.values():
            file.close()

    def train(self):
        """ESPnet's trainer from the golden's weights, two epochs; returns the experiment's folder."""
        config = training_config()
        config.update(optim="adam", optim_conf={"lr": 1e-3}, max_epoch=2, num_iters_per_epoch=STEPS // 2)
        config.update(batch_type="unsorted", batch_size=3, num_workers=0, ngpu=0, seed=1, num_att_plot=0)
        config.update(use_matplotlib=False, use_tensorboard=False, keep_nbest_models=1)
        config["best_model_criterion"] = [["valid", "loss", "min"]]
        at = {name: os.path.join(self.path, name) for name in ("wav", "text", "prev", "ctc", "shape")}
        data = ["%s,speech,sound" % at["wav"], "%s,text,text" % at["text"]]
        data += ["%s,text_prev,text" % at["prev"], "%s,text_ctc,text" % at["ctc"]]
        for split in ("train", "valid"):
            config["%s_data_path_and_name_and_type" % split] = [d.split(",") for d in data]
            config["%s_shape_file" % split] = [at["shape"]]
        config["init_param"] = [os.path.join(GOLDEN, "exp", "s2t", "model.pth")]
        exp = os.path.join(self.path, "exp")
        path = os.path.join(self.path, "train.yaml")
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file, allow_unicode=True)
        espnet_train.main(["--config", path, "--output_dir", exp, "--log_level", "WARNING"])
        return exp

    def test_fifty_steps_then_convert(self):
        exp = self.train()
        state = torch.load(os.path.join(exp, "2epoch.pth"), map_location="cpu", weights_only=True)
        self.assertEqual(int(state["gate_step"]), STEPS)
        before = golden_state()
        for name in ("gate_predictor.mlp.2.bias", "decoder.output_layer.weight"):
            self.assertFalse(torch.equal(state[name], before[name]), name)

        package = os.path.join(self.path, "package")
        espnet_finish.finish(exp, os.path.join(exp, "2epoch.pth"), package)
        out = os.path.join(self.path, "model")
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "convert.py"), package, out, "--dtype", "f32"],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(out, "config.json"), encoding="utf-8") as file:
            gate = json.load(file)["gate"]
        self.assertEqual(gate["languages"], ["<deu>", "<eng>", "<jpn>"])
        arrays = read_safetensors(os.path.join(out, "model.safetensors"))
        for name in ("gate_predictor.mlp.2.weight", "gate_predictor.task_embedding.weight"):
            self.assertTrue(np.array_equal(arrays[name], state[name].numpy()), name)


if __name__ == "__main__":
    logging.disable(logging.INFO)
    unittest.main()
