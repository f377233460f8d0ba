"""Tests of models/training: gates, schedules, deltas, the pack. Those that need PyTorch skip without it."""

import argparse
import contextlib
import io
import json
import os
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
    from training.train_whisper import Trainer, open_model, run
if torch:
    torch.set_num_threads(1)
    from training.batches import IGNORED, BatchSource
    from training.closing import OWN_SHARE, ClosingOrder, added_losses, fit_predictor
    from training.clip_store import ClipStore, ClipWriter
    from training import calibrate, gates, greedy
    from training.checkpoint import load_whisper
    from training.costs import read_costs
    from training.gate_pack import apply_deltas, load_deltas, load_predictor, read_pack, write_pack
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
class ClosingOrderTest(unittest.TestCase):
    def test_each_context_closes_what_is_cheapest_for_it(self):
        weights = torch.tensor([0.1, 0.1, 0.2, 0.595, 0.005])
        order = ClosingOrder(2, weights)
        added = torch.tensor([[1.0, 0.1, 0.3, 9.0, 0.0], [0.1, 1.0, 3.0, 9.0, 0.0]])
        order.close_to(0.1, added)
        self.assertEqual(order.state(), [[1], [0]])
        # What costs next to nothing saves nothing and stays; the 0.2 is dearer than a 0.1 for the second context, but by its loss for the time only.
        order.close_to(0.3, added)
        self.assertEqual(order.state(), [[1, 2], [0, 1]])
        self.assertEqual(order.masks(torch.tensor([0, 1]), 0.1).tolist(), [[1, 0, 1, 1, 1], [0, 1, 1, 1, 1]])
        self.assertEqual(order.mask(0, 0.3).tolist(), [1, 0, 0, 1, 1])
        self.assertEqual(order.mask(0, 0.0).tolist(), [1, 1, 1, 1, 1])

    def test_the_predictor_learns_the_masks(self):
        torch.manual_seed(3)
        weights, contexts = torch.ones(10) / 10, torch.arange(4)
        order = ClosingOrder(4, weights)
        order.close_to(0.5, torch.rand(4, 10))
        for share in (0.2, 0.5):
            wanted, masks = order.logits(share), order.masks(contexts, share)
            self.assertTrue(torch.equal((wanted > 0).float(), masks))
            self.assertEqual(float((1 - masks).sum(1).max()), 10 * share)
            predictor, pooled = gates.GatePredictor(4, 10, 2, 2), torch.randn(20, 4)
            self.assertLess(fit_predictor(predictor, pooled, 2, wanted), 0.2)
            z = predictor.raw(pooled[:4], contexts // 2, contexts % 2)
            self.assertTrue(torch.equal(gates.hard_gates(z), masks))


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
        write_pack(out, self.folder.name, trained, {}, None, about, scale=0.25)
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
        predictor = gates.GatePredictor(16, GATES, 6, 2)
        predictor.fit_input(torch.randn(20, 16) * 3 + 1)
        out = os.path.join(self.folder.name, "pack")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0.3"}
        write_pack(out, self.folder.name, model, {0.3: predictor}, "card", about)
        config, arrays = read_pack(out, self.folder.name)
        self.assertEqual(config["gates"]["budgets"], {"0": "gate_predictor", "0.3": "gate_predictor_30"})
        again = load_whisper(self.folder.name).eval()
        apply_deltas(again, arrays)
        resumed = load_whisper(self.folder.name, rank=3).eval()
        load_deltas(resumed, arrays)
        with torch.no_grad():
            one, two, three = (m(self.mel, self.ids)[0] for m in (model, again, resumed))
        self.assertTrue(torch.allclose(one, two, atol=0.02), float((one - two).abs().max()))
        self.assertTrue(torch.allclose(one, three, atol=0.02), float((one - three).abs().max()))
        pooled, language, task = torch.randn(7, 16), torch.arange(7) % 6, torch.arange(7) % 2
        loaded = load_predictor(config, arrays, "0.3")
        with torch.no_grad():
            z = [p.raw(pooled, language, task) for p in (predictor, loaded)]
        self.assertTrue(torch.allclose(*z, atol=1e-4))
        always = load_predictor(config, arrays, "0").raw(pooled, language, task)
        self.assertEqual(float(gates.hard_gates(always).min()), 1.0)

    def test_pack_without_budgets_is_open(self):
        out = os.path.join(self.folder.name, "pack")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0"}
        write_pack(out, self.folder.name, self.trained(), {}, None, about)
        config, arrays = read_pack(out, self.folder.name)
        self.assertEqual(list(config["gates"]["budgets"]), ["0"])
        row = torch.zeros(1, dtype=torch.long)
        z = load_predictor(config, arrays, "0").raw(torch.randn(1, 16), row, row)
        self.assertEqual(gates.hard_gates(z).tolist(), [[1.0] * GATES])

    def test_other_base_is_refused(self):
        out = os.path.join(self.folder.name, "pack")
        about = {"name": "tiny", "license": "MIT", "recipe": "here", "default_budget": "0.3"}
        predictor = gates.GatePredictor(16, GATES, 6, 2)
        write_pack(out, self.folder.name, self.trained(), {0.3: predictor}, None, about)
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


@unittest.skipUnless(torch and tokenizers, "no PyTorch or no tokenizers")
class TrainerTest(unittest.TestCase):
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
        ids = [31, 34, 35, 37, 1, 2, 37, 3, 30]
        opinion = {"top_ids": torch.randint(30, (8, 4)).int(), "top_log_probs": torch.randn(8, 4).half()}
        window = {"language": "de", "clips": [0, 1], "begins": [0.0, 1.5], "ids": ids}
        self.teacher = [{**window, **opinion, "spans": [(4, 6), (7, 8)]}]

    def trainer(self, budgets=(0.3,), close_rounds=0):
        torch.manual_seed(8)
        args = argparse.Namespace(
            run=os.path.join(self.folder.name, "run"),
            model=self.folder.name,
            init=None,
            updates=6,
            budgets=list(budgets),
            budget_weights=[1.0] * len(budgets),
            costs=None,
            rank=2,
            lr=1e-2,
            predictor_rate=2.0,
            penalty=10.0,
            close_rounds=close_rounds,
            noise=0.5,
            hints=1.0,
            hints_from=None,
        )
        source = BatchSource(self.prompts, self.prompts, self.teacher, FakeTokens(), seed=9)
        trainer = Trainer(args, source, self.prompts)
        trainer.open_model = open_model(args)
        return trainer

    def test_resuming_changes_nothing(self):
        path = os.path.join(self.folder.name, "checkpoint.pt")
        whole, first, second = (self.trainer() for _ in range(3))
        torch.manual_seed(10)
        for _ in range(6):
            whole.update()
        torch.manual_seed(10)
        for _ in range(3):
            first.update()
        first.save(path)
        torch.manual_seed(11)
        second.load(path, whole=True)
        for _ in range(3):
            second.update()
        for part in ("model", "predictors"):
            one, two = (getattr(t, part).state_dict() for t in (whole, second))
            for name in one:
                self.assertTrue(torch.equal(one[name], two[name]), name)

    def test_training_fits_the_clips_and_leaves_the_base_alone(self):
        trainer = self.trainer(budgets=())
        trainer.args.updates = 60
        frozen = trainer.model.encoder.layers[0].fc1.weight.clone()
        batch, losses = trainer.source.contexts(4)[2], []
        only_prompts = {"guard": 0.0, "window": 0.0, "row": 0.0}
        for updates in (0, 60):
            with unittest.mock.patch.dict("training.batches.SHARES", only_prompts):
                for _ in range(updates):
                    trainer.update()
            with torch.no_grad():
                losses.append(float(trainer._task_loss(batch, trainer.model(batch.mel, batch.ids)[0])))
        self.assertLess(losses[1], losses[0] - 0.25)
        self.assertTrue(torch.equal(frozen, trainer.model.encoder.layers[0].fc1.weight))

    def test_closing_reaches_the_budget_and_the_predictor_knows(self):
        trainer = self.trainer(budgets=(0.0, 0.3), close_rounds=3)
        trainer.args.updates = 12
        os.makedirs(trainer.args.run)
        with contextlib.redirect_stdout(io.StringIO()):
            run(trainer.args, trainer)
        contexts = torch.arange(12)
        masks = trainer.order.masks(contexts, 0.3)
        share = gates.closed_share(masks, trainer.weights)
        self.assertLess(float((share - 0.3).abs().max()), float(trainer.weights.max()) / 2 + 1e-6)
        z = trainer.predictors["gate_predictor_30"].raw(trainer.pooled[:1].expand(12, -1), contexts // 2, contexts % 2)
        self.assertTrue(torch.equal(gates.hard_gates(z), masks))

    def test_added_losses_are_those_of_the_closed_module(self):
        trainer = self.trainer(budgets=(0.3,), close_rounds=3)
        batches = trainer.source.contexts(2)
        self.assertEqual(sorted(batches), [2, 6, 7])  # en, fr, fr translated
        masks = torch.ones(12, GATES)
        masks[:, 1] = 0.0
        added = added_losses(trainer.model, batches, masks, trainer._task_loss, torch.ones(GATES) > 0)
        self.assertTrue(torch.equal(added[:, 1], torch.zeros(12)))
        without = masks[2].clone()
        losses = []
        for mask in (masks[2], without.index_fill(0, torch.tensor([5]), 0.0)):
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                gate = mask.expand(len(batches[2].ids), -1)
                hidden = trainer.model.states(batches[2].mel, batches[2].ids, lambda _, gate=gate: gate)[0]
            losses.append(float(trainer._task_loss(batches[2], hidden.float())))
        own = losses[1] - losses[0]
        mean = (float(added[2, 5]) - OWN_SHARE * own) / (1 - OWN_SHARE)
        self.assertAlmostEqual(float(added[0, 5]), mean, delta=1e-3)

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
            run(trainer.args, trainer)
        self.assertIn("6/6", printed.getvalue())
        with open(os.path.join(trainer.args.run, "curves.csv"), encoding="utf-8") as file:
            self.assertEqual(len(file.read().splitlines()), 7)
        again = self.trainer()
        again.load(os.path.join(trainer.args.run, "checkpoint.pt"), whole=True)
        self.assertEqual(again.step, 6)

    def test_no_test_clip_is_trained_on(self):
        source = self.trainer().source
        test = next(i for i, c in enumerate(self.prompts.clips) if c["split"] == "test")
        planned = {item for batch in source._plan("prompt") for item in batch}
        self.assertEqual(planned, set(range(len(self.prompts.clips))) - {test})


if __name__ == "__main__":
    unittest.main()
