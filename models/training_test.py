"""Tests of models/training: gates, schedules, deltas, the pack. Those that need PyTorch skip without it."""

import argparse
import contextlib
import io
import json
import os
import random
import sys
import tempfile
import unittest
import unittest.mock

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from fingerprint import fingerprint  # noqa: E402
from safetensors_reader import read_safetensors  # noqa: E402
from safetensors_writer import file_order, write_safetensors  # noqa: E402


try:
    import torch
except ImportError:
    torch = None
    print("training_test.py: no PyTorch in this Python; only the tests without it run")

try:
    import tokenizers
except ImportError:
    tokenizers = None

if torch and tokenizers:
    from training import ablate, distil_gates, train_whisper, training_run
    from training.message_corpus import messages
if torch:
    torch.set_num_threads(1)
    from training.batches import IGNORED, BatchSource
    from training.bridge import Bridge
    from training.clip_store import ClipStore, ClipWriter
    from training import augment, calibrate, gates, greedy
    from training.checkpoint import load_whisper
    from training.costs import read_costs
    from training.distil_batches import DistilSource, plain_batch
    from training.gate_pack import (
        apply_deltas,
        fixed_predictor,
        load_deltas,
        load_predictor,
        predictor_tensors,
        read_pack,
        write_pack,
    )
    from training.masks import random_mask, static_mask

CONFIG = {
    "d_model": 16,
    "num_mel_bins": 80,
    "max_source_positions": 1500,
    "max_target_positions": 448,
    "vocab_size": 50,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
}
GATES = 2 * 2 + 2 * 3


def tiny_tensors():
    """A Whisper checkpoint's names with two layers of width 16, random values."""
    width, inner, rng = 16, 32, np.random.default_rng(3)
    shapes = {
        "model.encoder.conv1.weight": (width, 80, 3),
        "model.encoder.conv1.bias": (width,),
        "model.encoder.conv2.weight": (width, width, 3),
        "model.encoder.conv2.bias": (width,),
        "model.encoder.embed_positions.weight": (1500, width),
        "model.decoder.embed_positions.weight": (448, width),
        "model.decoder.embed_tokens.weight": (50, width),
    }
    for stack in ("encoder", "decoder"):
        norms = ["layer_norm"]
        for layer in range(2):
            at = "layers.%d." % layer
            attentions = ["self_attn"] + (["encoder_attn"] if stack == "decoder" else [])
            norms += [at + "final_layer_norm"] + [at + a + "_layer_norm" for a in attentions]
            for attention in attentions:
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    name = "model.%s.%s%s.%s" % (stack, at, attention, part)
                    shapes[name + ".weight"] = (width, width)
                    if part != "k_proj":
                        shapes[name + ".bias"] = (width,)
            for name, shape in (("fc1", (inner, width)), ("fc2", (width, inner))):
                shapes["model.%s.%s%s.weight" % (stack, at, name)] = shape
                shapes["model.%s.%s%s.bias" % (stack, at, name)] = shape[:1]
        for norm in norms:
            for leaf in ("weight", "bias"):
                shapes["model.%s.%s.%s" % (stack, norm, leaf)] = (width,)
    return {n: (0.3 * rng.standard_normal(s)).astype("<f2") for n, s in sorted(shapes.items())}


def write_folder(folder, tensors):
    table = {name: (array.shape, array.dtype) for name, array in tensors.items()}
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        write_safetensors(file, table, tensors.__getitem__, {})
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(CONFIG, file)
    return os.path.join(folder, "model.safetensors")


class FingerprintTest(unittest.TestCase):
    def test_known_value(self):
        # Worked out by hand from the definition: name, dtype, shape, the data twice (under 4096 bytes).
        import hashlib

        value = np.arange(3, dtype="<f4")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "t.safetensors")
            with open(path, "wb") as file:
                write_safetensors(file, {"w": ((3,), value.dtype)}, lambda _: value, {"a": "b"})
            expected = hashlib.sha256(b"w\0F32\x003\0" + 2 * value.tobytes()).hexdigest()
            self.assertEqual(fingerprint(path), expected)

    def test_order_in_the_file_does_not_matter_and_values_do(self):
        tensors = tiny_tensors()
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            first = fingerprint(write_folder(one, tensors))
            backwards = dict(reversed(list(tensors.items())))
            table = {n: (a.shape, a.dtype) for n, a in tensors.items()}
            again = {n: (a.shape, a.dtype) for n, a in backwards.items()}
            self.assertNotEqual(file_order(table), file_order(again))
            self.assertEqual(first, fingerprint(write_folder(two, backwards)))
            tensors["model.encoder.conv2.bias"][-1] += 1
            self.assertNotEqual(first, fingerprint(write_folder(two, tensors)))


class ShippedPackTest(unittest.TestCase):
    """What the runtime expects of a pack (docs/gates.md), of the one in the repository."""

    def test_whisper_base(self):
        folder = os.path.join(HERE, "packs", "whisper-base")
        with open(os.path.join(folder, "gate_pack.json"), encoding="utf-8") as file:
            config = json.load(file)
        path = os.path.join(folder, "gate_pack.safetensors")
        self.assertLess(os.path.getsize(path), 20 << 20)
        arrays, own = read_safetensors(path), config["gates"]
        context, hidden, width, gate_count = own["context_size"], own["hidden_size"], 512, 30
        self.assertIn(own["default_budget"], own["budgets"])
        expected = {}
        for prefix in own["budgets"].values():
            expected[prefix + ".language_embedding.weight"] = (len(own["languages"]), context)
            expected[prefix + ".task_embedding.weight"] = (len(own["tasks"]), context)
            expected[prefix + ".mlp.0.weight"] = (hidden, width + 2 * context)
            expected[prefix + ".mlp.0.bias"] = (hidden,)
            expected[prefix + ".mlp.2.weight"] = (2 * gate_count, hidden)
            expected[prefix + ".mlp.2.bias"] = (2 * gate_count,)
        for name, array in arrays.items():
            self.assertTrue(np.isfinite(array).all(), name)
            if name in expected:
                self.assertEqual(array.shape, expected.pop(name), name)
            elif name.startswith("delta."):
                pair = [arrays["%s.%s" % (name[:-2], leaf)] for leaf in "ab"]
                self.assertEqual(pair[0].shape[0], pair[1].shape[1], name)
            else:
                self.assertTrue(name.startswith("add.model."), name)
        self.assertEqual(expected, {})


@unittest.skipUnless(torch, "no PyTorch")
class GatesTest(unittest.TestCase):
    def test_gradient_is_the_softmax_one(self):
        torch.manual_seed(1)
        logits = torch.randn(3, 4, 2, dtype=torch.double, requires_grad=True)
        noise = gates.gumbel_noise(logits.shape).double()
        weight = torch.randn(3, 4, dtype=torch.double)
        (gates.straight_through(logits, 0.7, noise) * weight).sum().backward()

        def soft(values):
            return (torch.softmax((values + noise) / 0.7, -1)[..., gates.OPEN] * weight).sum()

        step, numeric = 1e-6, torch.zeros_like(logits)
        for index in np.ndindex(*logits.shape):
            moved = logits.detach().clone()
            moved[index] += step
            above = soft(moved)
            moved[index] -= 2 * step
            numeric[index] = (above - soft(moved)) / (2 * step)
        self.assertTrue(torch.allclose(logits.grad, numeric, atol=1e-7))
        self.assertGreater(float(numeric.abs().min()), 1e-5)

    def test_forward_is_hard_and_agrees_with_inference(self):
        logits = torch.randn(50, 6, 2)
        hard = gates.straight_through(logits, 0.5)
        self.assertEqual(set(hard.round(decimals=6).flatten().tolist()), {0.0, 1.0})
        self.assertTrue(torch.allclose(hard, gates.hard_gates(logits)))
        tie = torch.zeros(1, 1, 2)
        self.assertEqual(gates.hard_gates(tie).item(), 0.0)  # a tie is closed (spec section 11)

    def test_sampled_share_follows_the_probability(self):
        torch.manual_seed(2)
        logits = torch.tensor([0.0, 1.0]).expand(20000, 1, 2)
        sampled = gates.straight_through(logits, 1.0, gates.gumbel_noise(logits.shape)).mean()
        self.assertAlmostEqual(float(sampled), 1 / (1 + np.exp(-1.0)), delta=0.02)

    def test_schedules(self):
        self.assertEqual(gates.linear_ramp(0, 1.0, 0.1, 15000), 1.0)
        self.assertAlmostEqual(gates.linear_ramp(7500, 1.0, 0.1, 15000), 0.55)
        self.assertAlmostEqual(gates.linear_ramp(99999, 1.0, 0.1, 15000), 0.1)
        reached = [gates.ramp_then_cool(step, 100)[0] for step in (0, 20, 40, 100)]
        self.assertEqual(reached, [0.0, 0.5, 1.0, 1.0])
        taus = [gates.ramp_then_cool(step, 100)[1] for step in (0, 40, 70, 100)]
        for tau, expected in zip(taus, (1.0, 1.0, 0.7, 0.4)):
            self.assertAlmostEqual(tau, expected)

    def test_penalty(self):
        share = torch.tensor([0.1, 0.5])
        # One context meets 0.3 on average; each by itself misses it by 0.2.
        self.assertAlmostEqual(float(gates.sparsity_penalty(share, 0.3)), 0.0, places=6)
        apart = gates.sparsity_penalty(share, 0.3, torch.tensor([4, 7]))
        self.assertAlmostEqual(float(apart), 0.2 + 0.04, places=6)

    def test_weights_count_or_cost(self):
        closed = torch.tensor([[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
        self.assertAlmostEqual(float(gates.closed_share(closed, gates.gate_weights(2, 4))), 0.25)
        costs = gates.gate_weights(2, 4, [6, 1, 1, 1, 0, 1])
        self.assertAlmostEqual(float(gates.closed_share(closed, costs)), 0.6)

    def test_no_context_makes_the_context_invisible(self):
        for use_context in (True, False):
            predictor = gates.GatePredictor(4, 3, 5, 2, use_context=use_context)
            pooled = torch.randn(1, 4).expand(2, 4)
            z = predictor(pooled, torch.tensor([1, 4]), torch.tensor([0, 1]))
            self.assertEqual(bool(torch.equal(z[0], z[1])), not use_context)
            self.assertLess(float(z.detach().abs().max()), gates.LOGIT_BOUND)


@unittest.skipUnless(torch, "no PyTorch")
class CalibrationTest(unittest.TestCase):
    def test_arg_max_meets_the_budget(self):
        torch.manual_seed(4)
        predictor = gates.GatePredictor(8, 30, 6, 2)
        pooled, weights = torch.randn(12, 8), gates.gate_weights(12, 18)
        for budget in (0.3, 0.5):
            margins = calibrate.context_margins(predictor, pooled, range(12), 2)
            predictor.shift_open(calibrate.offset_for(margins, weights, budget))
            margins = calibrate.context_margins(predictor, pooled, range(12), 2)
            self.assertAlmostEqual(calibrate.mean_closed(margins, 0.0, weights), budget, delta=0.01)

    def test_static_and_random_masks_meet_the_cost(self):
        weights = gates.gate_weights(12, 18)
        mask = static_mask(torch.linspace(0, 1, 30), weights, 0.3)
        self.assertAlmostEqual(float(gates.closed_share(mask, weights)), 0.3, delta=0.03)
        self.assertEqual(mask[:5].tolist(), [0.0] * 5)  # the least used ones go first
        other = random_mask(weights, 0.3, seed=1)
        self.assertAlmostEqual(float(gates.closed_share(other, weights)), 0.3, delta=0.03)
        self.assertFalse(torch.equal(mask, other))


@unittest.skipUnless(torch, "no PyTorch")
class PackTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(5)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        write_folder(self.folder.name, tiny_tensors())
        self.mel = torch.randn(2, 80, 60)
        self.ids = torch.randint(50, (2, 5))

    def trained(self):
        """A model of rank 3 whose deltas, biases and norms all differ from the checkpoint's."""
        model = load_whisper(self.folder.name, rank=3)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        return model.eval()

    def test_untrained_deltas_change_nothing(self):
        plain, low_rank = (load_whisper(self.folder.name, rank) for rank in (0, 3))
        with torch.no_grad():
            outputs = [model(self.mel, self.ids)[0] for model in (plain, low_rank)]
        self.assertTrue(torch.equal(*outputs))

    def test_closed_gate_is_a_module_left_out(self):
        model = load_whisper(self.folder.name).eval()
        for index in range(GATES):
            mask = torch.ones(2, GATES)
            mask[:, index] = 0
            with torch.no_grad():
                skipped = model(self.mel, self.ids, lambda _: mask)[0]
            # Not skipped but multiplied by zero, as in training, where gates have gradients.
            held = mask.clone().requires_grad_()
            multiplied = model(self.mel, self.ids, lambda _: held)[0].detach()
            self.assertTrue(torch.allclose(skipped, multiplied, atol=1e-5), index)
            with torch.no_grad():
                dense = model(self.mel, self.ids)[0]
            self.assertGreater(float((dense - skipped).abs().max()), 1e-3, index)

    def test_scale_goes_a_part_of_the_way(self):
        trained, out = self.trained(), os.path.join(self.folder.name, "part")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0"}
        write_pack(out, self.folder.name, trained, (), None, about, scale=0.25)
        _, arrays = read_pack(out, self.folder.name)
        part, base = (load_whisper(self.folder.name).eval() for _ in range(2))
        apply_deltas(part, arrays)
        whole, some = trained.encoder.layers[0].fc1, part.encoder.layers[0].fc1
        change = 0.25 * (whole.b @ whole.a)
        self.assertGreater(float(change.detach().abs().max()), 1e-3)
        before = base.encoder.layers[0].fc1
        self.assertTrue(torch.allclose(some.weight, before.weight + change, atol=1e-3))
        bias = before.bias + 0.25 * (whole.bias - before.bias)
        self.assertTrue(torch.allclose(some.bias, bias, atol=1e-3))

    def test_round_trip(self):
        model = self.trained()
        out = os.path.join(self.folder.name, "pack")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0"}
        write_pack(out, self.folder.name, model, (), "card", about)
        config, arrays = read_pack(out, self.folder.name)
        self.assertEqual(config["gates"]["budgets"], {"0": "gate_predictor"})
        again = load_whisper(self.folder.name).eval()
        apply_deltas(again, arrays)
        resumed = load_whisper(self.folder.name, rank=5).eval()  # two factors to spare
        load_deltas(resumed, arrays)
        with torch.no_grad():
            one, two, three = (m(self.mel, self.ids)[0] for m in (model, again, resumed))
        self.assertTrue(torch.allclose(one, two, atol=0.02), float((one - two).abs().max()))
        self.assertTrue(torch.allclose(one, three, atol=0.02), float((one - three).abs().max()))
        row = torch.zeros(1, dtype=torch.long)
        z = load_predictor(config, arrays, "0").raw(torch.randn(1, 16), row, row)
        self.assertEqual(gates.hard_gates(z).tolist(), [[1.0] * GATES])

    def test_predictor_tensors_say_what_the_predictor_says(self):
        predictor = gates.GatePredictor(16, GATES, 6, 2)
        predictor.fit_input(torch.randn(20, 16) * 3 + 1)
        own = {"context_size": 16, "hidden_size": 64, "languages": ["other"] * 6, "tasks": ["a", "b"]}
        config = {"gates": {**own, "budgets": {"0.3": "p"}}}
        loaded = load_predictor(config, predictor_tensors("p", predictor), "0.3")
        pooled, language, task = torch.randn(7, 16), torch.arange(7) % 6, torch.arange(7) % 2
        with torch.no_grad():
            z = [p.raw(pooled, language, task) for p in (predictor, loaded)]
        self.assertTrue(torch.allclose(*z, atol=1e-4))

    def test_closed_modules_leave_no_differences(self):
        model, out = self.trained(), os.path.join(self.folder.name, "pack")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0.3"}
        closed = [2, 8]  # self-attention of encoder 1, source attention of decoder 1
        write_pack(out, self.folder.name, model, closed, None, about)
        config, arrays = read_pack(out, self.folder.name)
        self.assertEqual(config["gates"]["budgets"], {"0.3": "gate_predictor_30"})
        gone = ("model.encoder.layers.1.self_attn", "model.decoder.layers.1.encoder_attn")
        self.assertFalse([n for n in arrays if any(g in n for g in gone)])
        self.assertIn("delta.model.encoder.layers.1.fc1.weight.a", arrays)
        self.assertIn("add.model.decoder.layers.1.self_attn_layer_norm.bias", arrays)
        again, row = load_whisper(self.folder.name).eval(), torch.ones(2, dtype=torch.long)
        apply_deltas(again, arrays)
        predictor, mask = load_predictor(config, arrays, "0.3"), torch.ones(2, GATES)
        mask[:, closed] = 0
        with torch.no_grad():
            found = gates.hard_gates(predictor.raw(torch.randn(2, 16), row, row))
            one, two = (m(self.mel, self.ids, lambda _: mask)[0] for m in (model, again))
        self.assertTrue(torch.equal(found, mask))
        self.assertTrue(torch.allclose(one, two, atol=0.02), float((one - two).abs().max()))

    def test_a_bridge_is_folded_into_keys_and_values(self):
        model, out = self.trained(), os.path.join(self.folder.name, "pack")
        model.bridge = Bridge(16)
        with torch.no_grad():
            for parameter in model.bridge.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
            encoded = model.bridge(model.encoder(model.encoder.stem(self.mel)))
            expected = model.decoder(self.ids, model.decoder.memory(encoded))
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0"}
        write_pack(out, self.folder.name, model, (), None, about)
        again = load_whisper(self.folder.name).eval()
        apply_deltas(again, read_pack(out, self.folder.name)[1])
        with torch.no_grad():
            found = again(self.mel, self.ids)[0]
        self.assertTrue(torch.allclose(expected, found, atol=0.03), float((expected - found).abs().max()))

    def test_a_bridge_is_fitted_by_least_squares(self):
        bridge, inputs = Bridge(16), torch.randn(400, 16)
        targets = inputs @ torch.randn(16, 16) + 3
        bridge.fit(inputs, targets, ridge=1e-6)
        self.assertTrue(torch.allclose(bridge(inputs), targets, atol=1e-2))

    def test_other_base_is_refused(self):
        out = os.path.join(self.folder.name, "pack")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0.3"}
        write_pack(out, self.folder.name, self.trained(), (), None, about)
        tensors = tiny_tensors()
        tensors["model.encoder.conv1.bias"][0] += 1
        write_folder(self.folder.name, tensors)
        with self.assertRaisesRegex(ValueError, "made for tiny"):
            read_pack(out, self.folder.name)

    def test_greedy_cache_agrees_with_all_at_once(self):
        model = load_whisper(self.folder.name).eval()
        mels = [torch.randn(80, 60), torch.randn(80, 40)]
        mask = torch.ones(1, GATES)
        mask[0, 5] = 0  # a closed source attention
        memory, steps, found = greedy.encode(model, mels, lambda pooled, _: mask)
        texts = greedy.decode(model, memory, steps, [[1, 2], [1, 3]], 0, [7], found, limit=6)
        for mel, first, text in zip(mels, (2, 3), texts):
            ids = [1, first]
            for token in text:
                with torch.no_grad():
                    hidden = model(mel[None], torch.tensor([ids]), lambda _: mask)[0]
                logits = model.decoder.logits(hidden[0, -1])
                logits[7] = -torch.inf
                self.assertEqual(int(logits.argmax()), token)
                ids.append(token)
            self.assertTrue(text)

    def test_cost_table(self):
        path = os.path.join(self.folder.name, "costs.json")
        table = {"format": "espalier-cost-table", "encoder": {"attn": 2, "feed_forward": [3, 4]}}
        table["decoder"] = {"self_attn": 1, "src_attn": 1, "feed_forward": 1}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(table, file)
        self.assertEqual(read_costs(path, (2, 1)), [2, 3, 2, 4, 1, 1, 1])
        with self.assertRaisesRegex(ValueError, "feed_forward"):
            read_costs(path, (3, 1))


class FakeTokens:
    """Stands in for WhisperTokens with a vocabulary of 50: text below 30, specials above."""

    end, sot, first_time = 30, 31, 38

    def language(self, code):
        return {"en": 32, "fr": 33, "de": 34}[code]

    def prompt(self, language, task, timestamps=False):
        start = [self.sot, self.language(language), 35 if task == "transcribe" else 36]
        return start if timestamps else [*start, 37]

    def sequence(self, segments, language, task, timestamps):
        ids = self.prompt(language, task, timestamps)
        for begin, end, text in segments:
            body = [ord(char) % 30 for char in text]
            ids += [self.time(begin), *body, self.time(end)] if timestamps else body
        return [*ids, self.end]

    def time(self, seconds):
        return self.first_time + round(11 * seconds / 30)


class TrainerFolder(unittest.TestCase):
    """A tiny checkpoint and a few clips of noise with texts."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        root, rng = self.folder.name, np.random.default_rng(6)
        write_folder(root, tiny_tensors())
        writer = ClipWriter(os.path.join(root, "prompts"))
        for i in range(8):
            language, texts = (("en", {"en": "one two"}), ("fr", {"fr": "un", "en": "one"}))[i % 2]
            split = "test" if i == 7 else "train"
            sound = rng.standard_normal(33000 + 1600 * i).astype(np.float32) * 0.1
            writer.add(sound, id=str(i), language=language, texts=texts, source="prompt", split=split)
        writer.close()
        self.prompts = ClipStore(os.path.join(root, "prompts"))


@unittest.skipUnless(torch and tokenizers, "no PyTorch or no tokenizers")
class TrainerTest(TrainerFolder):
    def setUp(self):
        super().setUp()
        ids = [31, 34, 35, 37, 1, 2, 37, 3, 30]
        opinion = {"top_ids": torch.randint(30, (8, 4)).int(), "top_log_probs": torch.randn(8, 4).half()}
        window = {"language": "de", "clips": [0, 1], "begins": [0.0, 1.5], "ids": ids}
        self.teacher = [{**window, **opinion, "spans": [(4, 6), (7, 8)]}]

    def trainer(self):
        torch.manual_seed(8)
        args = argparse.Namespace(
            run=os.path.join(self.folder.name, "run"),
            model=self.folder.name,
            init=None,
            updates=6,
            rank=2,
            lr=1e-2,
        )
        source = BatchSource(self.prompts, self.prompts, self.teacher, FakeTokens(), seed=9)
        return train_whisper.Trainer(args, source)

    def test_resuming_changes_nothing(self):
        path = os.path.join(self.folder.name, "checkpoint.pt")
        whole, first, second = (self.trainer() for _ in range(3))
        for _ in range(6):
            whole.update()
        for _ in range(3):
            first.update()
        first.save(path)
        training_run.load_run(second, path)
        for _ in range(3):
            second.update()
        one, two = (t.model.state_dict() for t in (whole, second))
        for name in one:
            self.assertTrue(torch.equal(one[name], two[name]), name)

    def test_training_fits_the_clips_and_leaves_the_base_alone(self):
        trainer = self.trainer()
        trainer.args.updates = 60
        frozen = trainer.model.encoder.layers[0].fc1.weight.clone()
        english = [c for c in self.prompts.clips if c["language"] == "en"]
        batch, losses = plain_batch(english, self.prompts, FakeTokens()), []
        only_prompts = {"guard": 0.0, "window": 0.0, "row": 0.0}
        for updates in (0, 60):
            with unittest.mock.patch.dict("training.batches.SHARES", only_prompts):
                for _ in range(updates):
                    trainer.update()
            with torch.no_grad():
                losses.append(float(trainer._task_loss(batch, trainer.model(batch.mel, batch.ids)[0])))
        self.assertLess(losses[1], losses[0] - 0.25)
        self.assertTrue(torch.equal(frozen, trainer.model.encoder.layers[0].fc1.weight))

    def test_rows_leave_out_what_the_window_cuts_off(self):
        source, cut, whole = self.trainer().source, 0, 0
        for _ in range(60):
            batch = source._row()
            ids = batch.ids[0].tolist() + [int(batch.labels[0, -1])]
            self.assertEqual(ids[-1], FakeTokens.end)
            self.assertLessEqual(batch.mel.shape[2], 3000)
            if 37 in ids[:4]:
                self.assertFalse(any(i >= FakeTokens.first_time for i in ids))
                continue
            times = [i for i in ids if i >= FakeTokens.first_time]
            self.assertEqual(times, sorted(times))
            is_cut = len(times) % 2 == 1  # a start whose end is in the next window
            cut, whole = cut + is_cut, whole + (not is_cut)
            if is_cut:
                self.assertEqual(batch.mel.shape[2], 3000)
                self.assertTrue(all(i >= FakeTokens.first_time for i in ids[-3:-1]))
            self.assertEqual(int((batch.labels == IGNORED).sum()), 1)
        self.assertGreater(cut, 5)
        self.assertGreater(whole, 5)

    def test_run_writes_curves_and_a_checkpoint(self):
        trainer = self.trainer()
        os.makedirs(trainer.args.run)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            train_whisper.run(trainer.args, trainer)
        self.assertIn("6/6", printed.getvalue())
        with open(os.path.join(trainer.args.run, "curves.csv"), encoding="utf-8") as file:
            self.assertEqual(len(file.read().splitlines()), 7)
        again = self.trainer()
        training_run.load_run(again, os.path.join(trainer.args.run, "checkpoint.pt"))
        self.assertEqual(again.step, 6)

    def test_no_test_clip_is_trained_on(self):
        source = self.trainer().source
        test = next(i for i, c in enumerate(self.prompts.clips) if c["split"] == "test")
        planned = {item for batch in source._plan("prompt") for item in batch}
        self.assertEqual(planned, set(range(len(self.prompts.clips))) - {test})


@unittest.skipUnless(torch and tokenizers, "no PyTorch or no tokenizers")
class DistilTest(TrainerFolder):
    CLOSED = [2, 8]

    def setUp(self):
        super().setUp()
        torch.manual_seed(12)
        model = load_whisper(self.folder.name, rank=2)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        self.pack = os.path.join(self.folder.name, "open")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0"}
        write_pack(self.pack, self.folder.name, model, (), None, about)
        english = [c for c in self.prompts.clips if c["language"] == "en"]
        self.batch = plain_batch(english, self.prompts, FakeTokens())

    def distiller(self, updates=8):
        torch.manual_seed(8)
        args = argparse.Namespace(
            run=os.path.join(self.folder.name, "run"),
            model=self.folder.name,
            teacher=self.pack,
            updates=updates,
            close="2,8",
            rank=4,
            lr=1e-2,
            report=4,
        )
        source = DistilSource([(self.prompts, 1.0)], FakeTokens(), 9, 6.0)
        return distil_gates.Distiller(args, source, [self.batch])

    def test_the_student_begins_as_its_teacher(self):
        distiller = self.distiller()
        taught = distil_gates.teach(distiller.teacher, self.batch)
        found = distil_gates.divergence(distiller.model, self.batch, torch.ones(GATES), taught)
        self.assertLess(abs(found), 1e-3)

    def test_layers_before_a_closed_one_have_its_work_to_do(self):
        for closed, layers in (([4, 5, 12], [0, 2, 3, 4]), ([2, 8, 9, 10, 11], [0, 1, 2])):
            mask = torch.ones(30)
            mask[closed] = 0.0
            self.assertEqual(distil_gates.hinted_layers(mask, 6), layers)

    def test_the_bridge_brings_the_encoder_nearer(self):
        distiller = self.distiller()
        model, teacher = distiller.model, distiller.teacher
        errors, few = [], unittest.mock.patch("training.distil_gates.BRIDGE_BATCHES", 8)
        for _ in range(2):
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16), few:
                target = distil_gates.forward(teacher, self.batch)[1][-1]
                found = distil_gates.forward(model, self.batch, distiller.mask)[1][-1]
                errors.append(float(distil_gates.state_error(found, target)))
                distil_gates.fit_bridge(model, teacher, distiller.mask, distiller.source)
        self.assertLess(errors[1], errors[0])

    def test_distilling_brings_the_closed_model_nearer(self):
        distiller = self.distiller(updates=60)
        taught = distil_gates.teach(distiller.teacher, self.batch)
        mask = distiller.mask
        self.assertEqual((1 - mask).nonzero()[:, 0].tolist(), self.CLOSED)
        before = distil_gates.divergence(distiller.model, self.batch, mask, taught)
        for _ in range(60):
            distiller.update()
        after = distil_gates.divergence(distiller.model, self.batch, mask, taught)
        self.assertLess(after, 0.8 * before)

    def test_resuming_changes_nothing(self):
        path = os.path.join(self.folder.name, "checkpoint.pt")
        whole, first, second = (self.distiller() for _ in range(3))
        for _ in range(6):
            whole.update()
        for _ in range(3):
            first.update()
        first.save(path)
        training_run.load_run(second, path)
        for _ in range(3):
            second.update()
        one, two = (d.model.state_dict() for d in (whole, second))
        for name in one:
            self.assertTrue(torch.equal(one[name], two[name]), name)

    def test_run_writes_what_a_pack_is_made_of(self):
        distiller = self.distiller()
        os.makedirs(distiller.args.run)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            distil_gates.run(distiller.args, distiller)
        self.assertIn("8/8", printed.getvalue())
        state = torch.load(os.path.join(distiller.args.run, "checkpoint.pt"), weights_only=False)
        self.assertEqual(state["closed"], self.CLOSED)

    def test_no_test_clip_is_heard(self):
        source = self.distiller().source
        test = next(i for i, c in enumerate(self.prompts.clips) if c["split"] == "test")
        self.assertNotIn(test, {source._draw()[1] for _ in range(200)})

    def test_ablation_is_the_divergence_of_a_closed_gate(self):
        model = distil_gates.load_teacher(self.folder.name, self.pack)
        mask = torch.ones(GATES)
        mask[5] = 0.0
        taught = distil_gates.teach(model, self.batch)
        expected = distil_gates.divergence(model, self.batch, mask, taught)
        found = ablate.added_divergence(model, self.batch)
        self.assertAlmostEqual(float(found[5]), expected, places=4)
        source = DistilSource([(self.prompts, 1.0)], FakeTokens(), 9, 6.0)
        with unittest.mock.patch("training.distil_gates.BRIDGE_BATCHES", 8):
            sets = ablate.set_divergence(model, distil_gates.load_teacher(self.folder.name, self.pack), [5], [self.batch], source)
        self.assertAlmostEqual(sets[0], expected, places=4)
        self.assertEqual(ablate.rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([3.0, 4.0, 5.0])), 1.0)


@unittest.skipUnless(torch, "no PyTorch")
class AugmentTest(unittest.TestCase):
    def test_sounds_stay_as_long_and_within_bounds(self):
        rng, sound = random.Random(13), np.sin(np.arange(20000) / 9).astype(np.float32) * 0.5
        found = [augment.coloured(sound, rng) for _ in range(20)]
        for one in found:
            self.assertEqual(one.shape, (20000,))
            self.assertLessEqual(float(one.abs().max()), 1.0)
            self.assertGreater(float(one.abs().max()), 0.01)
        self.assertFalse(torch.equal(found[0], found[1]))
        again = augment.coloured(sound, random.Random(13))
        self.assertTrue(torch.equal(found[0], again))


@unittest.skipUnless(torch and tokenizers, "no PyTorch or no tokenizers")
class MessagesTest(unittest.TestCase):
    def test_sentences_without_code_or_placeholders(self):
        texts = {
            "Please enter your name": "Entrez votre nom",
            "Cannot open %s now": "Impossible d'ouvrir %s",
            "Use TLS with it": "Utiliser TLS avec",
            "One": "Un",
            "_Save the old file": "_Enregistrer le vieux fichier",
        }
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "fr", "LC_MESSAGES")
            os.makedirs(path)
            with open(os.path.join(path, "program.mo"), "wb") as file:
                file.write(catalogue(texts))
            french = messages([folder], "fr")
            english = messages([folder], "en")
        self.assertEqual(french, ["Enregistrer le vieux fichier", "Entrez votre nom"])
        self.assertEqual(english, ["Please enter your name", "Save the old file"])


def catalogue(texts):
    """A gettext catalogue (.mo) of original -> translation."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **texts}.items())
    at, tables, body = 28 + 16 * len(pairs), [[], []], b""
    for side in (0, 1):
        for pair in pairs:
            text = pair[side].encode()
            tables[side] += [len(text), at + len(body)]
            body += text + b"\0"
    head = [0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0]
    return np.array(head + tables[0] + tables[1], "<u4").tobytes() + body


if __name__ == "__main__":
    unittest.main()
