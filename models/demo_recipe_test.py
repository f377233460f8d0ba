"""Tests of the demo model's recipe: sentences, splits, batches, losses, package."""

import argparse
import functools
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import svg_chart  # noqa: E402
from training.demo import bleu, card  # noqa: E402

try:
    from training.demo import corpus, grammar
except ImportError as error:
    grammar = None
    print("demo_recipe_test.py: %s; sentences and splits are not tested" % error)
try:
    import torch
    from training.demo import batches, decoding, features, package, package_gates, train
    from training.demo.gating import Budget
    from training.demo import vocabulary, workers
    from training.demo.depthwise import DepthwiseConv
    from training.demo.model import GATES, DemoModel
    from training.gate_pack import read_pack
except ImportError as error:
    torch = None
    print("demo_recipe_test.py: %s; the model is not tested" % error)

import numpy as np  # noqa: E402

from training.clip_store import ClipStore, ClipWriter  # noqa: E402


class BleuTest(unittest.TestCase):
    def test_by_hand(self):
        self.assertAlmostEqual(bleu.corpus_bleu([("a b c d e", "a b c d e")]), 100.0)
        self.assertEqual(bleu.corpus_bleu([("a b c d", "d c b a")]), 0.0)
        # 4 of 5 words, 3 of 4 pairs, 2 of 3, 1 of 2; as long as the reference.
        expected = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
        self.assertAlmostEqual(bleu.corpus_bleu([("a b c d e", "a b c d f")]), expected)

    def test_short_is_punished_and_repetition_counts_once(self):
        pair = ("a b c d e f", "a b c d e")
        self.assertAlmostEqual(bleu.corpus_bleu([pair]), 100 * np.exp(1 - 6 / 5))
        self.assertEqual(bleu.corpus_bleu([("a b c d", "a a a a")]), 0.0)


class CardTest(unittest.TestCase):
    def test_figures_are_those_of_the_files(self):
        converted = (
            "# x\n\nA speech model for Espalier.\n\n| | |\n|---|---|\n| Width | 96 |\n"
            "| Gates | none (always the whole network) |\n\n"
            "Converted by `models/convert.py`\n(SHA-256 `ab`).\n"
            "Licence and training data are those of the source.\n"
        )
        head = ["voice", "language", "task", "clips", "words", "WER %"]
        results = {
            "0": [head, ["grammar", "en", "recognition", "60", "540", "12.3"]],
            "0.3": [head, ["grammar", "en", "recognition", "60", "540", "13.1"]],
        }
        curve = [{"update": "50", "seconds": "60"}, {"update": "900", "seconds": "2700"}]
        text = card.card("demo", converted, results, [curve, curve], ["0", "0.3"], "a machine")
        self.assertTrue(text.startswith("# demo\n"))
        for part in ("| Width | 96 |", "(SHA-256 `ab`)", "| 540 | 12.3 | 13.1 |", "budgets 0, 0.3", "a machine"):
            self.assertIn(part, text)
        self.assertIn("1800 updates, 1.5 hours", text)
        self.assertNotIn("Licence and training data", text)


class ChartTest(unittest.TestCase):
    def test_every_series_is_drawn_and_named(self):
        text = svg_chart.line_chart(
            {"one & all": [(0, 1), (5, 2)], "two": [(5, 900)]}, "x", "y", (0, 10), (0, 4)
        )
        root = xml.etree.ElementTree.fromstring(text)
        lines = [e.get("points") for e in root if e.tag.endswith("polyline")]
        self.assertEqual([len(points.split()) for points in lines], [2, 1])
        self.assertIn("one & all", [e.text for e in root])
        top = float(lines[1].split(",")[1])
        self.assertEqual(top, svg_chart.TOP)  # beyond the range: at its edge


@unittest.skipUnless(grammar, "needs num2words, soundfile, soxr")
class SentencesTest(unittest.TestCase):
    def test_every_template_is_whole_in_all_languages(self):
        rng, seen = random.Random(1), set()
        for _ in range(3000):
            texts = grammar.sentence(rng)
            self.assertEqual(list(texts), list(grammar.LANGUAGES))
            for text in texts.values():
                self.assertRegex(text, r"^[\w' ]+$")
                self.assertNotRegex(text, r"\d|  |^ | $")
            seen.add(texts["en"])
        self.assertGreater(len(seen), 1500)

    def test_slots_are_the_same_in_all_languages(self):
        for templates in grammar.TEMPLATES:
            slots = [sorted(part.split("}")[0] for part in t.split("{")[1:]) for t in templates]
            self.assertEqual(slots, slots[:1] * 3, templates)

    def test_agreement(self):
        self.assertEqual(grammar._time(21, 0, "fr"), "à vingt et une heures")
        self.assertEqual(grammar._time(1, 5, "it"), "all'una e cinque")
        self.assertEqual(grammar._time(8, 0, "en"), "at eight o'clock")

    def test_a_sentence_has_one_split_and_no_test_words(self):
        rng = random.Random(2)
        forbidden = {("it", "prego")} | set(grammar.sentence(rng).items())
        by_split = {
            split: {t["en"] for t in corpus.sentences(200, split, rng, forbidden)}
            for split in ("train", "dev", "test")
        }
        self.assertTrue(by_split["train"].isdisjoint(by_split["test"] | by_split["dev"]))
        self.assertTrue(by_split["test"].isdisjoint(by_split["dev"]))
        for split, texts in by_split.items():
            self.assertEqual(len(texts), 200)
            self.assertTrue(all(corpus.split_of(text) == split for text in texts))
            self.assertTrue(texts.isdisjoint(t for _, t in forbidden))

    def test_unseen_voices_are_not_drawn(self):
        rng = random.Random(3)
        for language, unseen in corpus.UNSEEN.items():
            drawn = {corpus.choose_voice(language, rng) for _ in range(2000)}
            self.assertGreater(len(drawn), 9)
            self.assertTrue(drawn.isdisjoint(unseen))


TEXTS = ["turn on the light", "my mother is reading", "where is the bank", "i am tired"]


def write_store(folder, split="train", source="grammar"):
    """Clips in which every letter is a tone of its own for 60 ms: speech enough for a test."""
    writer = ClipWriter(folder)
    for text in TEXTS:
        parts = [np.zeros(1600)]
        for letter in text:
            t = np.arange(960) / 16000
            parts.append(0.3 * np.sin(2 * np.pi * (200 + 130 * (ord(letter) % 32)) * t))
        about = {"id": "", "language": "en", "source": source, "voice": "tones"}
        texts = {"en": text, "fr": "la lumière", "it": "la luce"}
        writer.add(np.concatenate([*parts, np.zeros(1600)]), texts=texts, split=split, **about)
    writer.close()


def two_steps(team, args):
    """What a worker does in the test below; the seeds, hence the clips, are its own."""
    args.by_heart, args.total = None, 2
    torch.set_num_threads(1)
    run = train.Run(args, team)
    team.wait()
    losses = []
    step = run.losses
    run.losses = lambda batch: losses.append(step(batch)) or losses[-1]
    train.train(run)
    state = {"model": run.model.state_dict(), "ctc": losses[-1][1]}
    torch.save(state, "%s/weights%d.pt" % (args.run, team.rank))


@unittest.skipUnless(torch, "needs PyTorch, ESPnet, sentencepiece, num2words")
class ModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        write_store(os.path.join(cls.folder, "store"))
        cls.pieces, vocabulary.PIECES = vocabulary.PIECES, 30
        vocabulary.train([*TEXTS, "la lumière", "la luce"] * 20, cls.folder)
        vocabulary.PIECES = cls.pieces
        cls.words = vocabulary.Vocabulary(os.path.join(cls.folder, "bpe.model"))
        store = ClipStore(os.path.join(cls.folder, "store"))
        cls.features = features.FeatureStore(store, os.path.join(cls.folder, "store"))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_depthwise_is_the_convolution(self):
        torch.manual_seed(1)
        theirs = torch.nn.Conv1d(6, 6, 5, padding=2, groups=6)
        ours = DepthwiseConv.like(theirs)
        x, grad = torch.randn(2, 6, 9), torch.randn(2, 6, 9)
        results = []
        for conv in (theirs, ours):
            given = x.clone().requires_grad_()
            out = conv(given)
            out.backward(grad)
            results.append([out, given.grad, conv.weight.grad, conv.bias.grad])
        for expected, got in zip(*results):
            torch.testing.assert_close(got, expected)

    def test_text_round_trip_and_special_tokens(self):
        words = self.words
        for text in TEXTS:
            ids = words.encode(text)
            self.assertTrue(all(words.first_piece <= i < words.sos for i in ids), ids)
            self.assertEqual(words.decode([*words.prompt("en", "<asr>"), *ids, words.eos]), text)
        self.assertEqual(words.tokens[words.time(1.6)], "<1.60>")
        self.assertEqual(words.tokens[:2], ["<blank>", "<unk>"])

    def test_spread_labels_follow_the_letters(self):
        pieces = batches.spread_pieces([([7, 8], [1, 3], 5, 45), ([9], [2], 49, 56)])
        self.assertEqual(pieces, [(7, 5, 15), (8, 15, 45), (9, 49, 56)])
        labels = batches.spread_labels(pieces, 15).tolist()
        # 40 frames of speech from frame 5: a quarter for 7, to frame 15; steps are 4 frames.
        self.assertEqual(labels, [0, 7, 7] + [8] * 8 + [0, 9, 9, 0])

    def test_strings_of_words(self):
        folder = os.path.join(self.folder, "words")
        write_store(folder, source="word")
        words = features.FeatureStore(ClipStore(folder), folder)
        source = batches.BatchSource([self.features, words], self.words, torch.zeros(40), 1)
        self.assertEqual({store for store, _ in source.items}, {0})
        source.mix(strings=1.0, plain_voices=False, strength=0.0)
        longest = 0
        for _ in range(5):
            batch = source.next()
            ends = batch.source_counts.cumsum(0).tolist()
            for row, (end, count) in enumerate(zip(ends, batch.source_counts.tolist())):
                ids = batch.source[end - count : end].tolist()
                # A piece of one letter, 60 ms here, may fall between two steps of 80 ms.
                spread = [i for i in torch.unique_consecutive(batch.spread[row]).tolist() if i > 0]
                left = iter(ids)
                self.assertTrue(all(i in left for i in spread), (ids, spread))
                self.assertGreater(len(spread), 0.6 * len(ids))
                self.assertIn(self.words.decode(ids).split()[0], " ".join(TEXTS).split())
                longest = max(longest, len(ids))
        self.assertGreater(longest, max(len(self.words.encode(text)) for text in TEXTS))
        kept = source.state()
        again = batches.BatchSource([self.features, words], self.words, torch.zeros(40), 2)
        again.restore(kept)
        self.assertTrue(torch.equal(again.next().source, source.next().source))

    def test_pairs_of_sentences(self):
        source = batches.BatchSource([self.features], self.words, torch.zeros(40), 1)
        source.mix(strings=0.0, plain_voices=False, strength=0.0, joined=1.0)
        first_time = self.words.time(0.0)
        pairs = set()
        for _ in range(8):
            batch = source.next()
            for row, count in zip(batch.targets, batch.target_counts):
                ids = [i for i in row[: count - 1].tolist() if i >= first_time]
                times = [i for i in ids if i < self.words.first_piece]
                self.assertIn(len(times), (0, 2, 4))  # a begin and an end of each sentence
                self.assertEqual(times, sorted(times))
                pairs.add((len(times), self.words.decode(ids)))
        both = {a + " " + b for a in TEXTS for b in TEXTS if a != b}
        self.assertTrue(both & {text for _, text in pairs}, pairs)
        self.assertIn(4, {count for count, _ in pairs})

    def test_batch(self):
        source = batches.BatchSource([self.features], self.words, torch.zeros(40), 1)
        source.mix(strings=0.0, plain_voices=False, strength=0.0)
        batch = source.next()
        rows = len(batch.lengths)
        self.assertEqual(batch.x.shape[::2], (rows, 40))
        self.assertEqual(int(batch.source_counts.sum()), len(batch.source))
        for inputs, targets, count in zip(batch.inputs, batch.targets, batch.target_counts):
            self.assertEqual(int(inputs[0]), self.words.sos)
            self.assertEqual(int(targets[0]), self.words.ids["<eng>"])
            self.assertEqual(int(targets[count - 1]), self.words.eos)
            self.assertIn(int((targets[:count] == -1).sum()), (1, 2))  # task, <notimestamps>
            known = targets[: count - 1] != -1
            self.assertTrue((inputs[1:count][known] == targets[: count - 1][known]).all())
        for row, (task, heard) in enumerate(zip(batch.contexts, batch.heard_at)):
            text = heard[heard >= 0].tolist()
            self.assertEqual(bool(text), task == ("en", "<asr>"))
            self.assertEqual(text, sorted(text))
            heard_ids = batch.targets[row][heard >= 0].tolist()
            if text:
                self.assertIn(self.words.decode(heard_ids), TEXTS)

    def options(self, **changed):
        options = {
            "run": os.path.join(self.folder, "run"),
            "store": [os.path.join(self.folder, "store")],
            "total": 1000,
            "seed": 1,
            "by_heart": 4,
            "start": None,
            "budgets": (),
            "costs": None,
            "spread_updates": 20,
            "minutes": 1e9,
            "save_minutes": 1e9,
            "log_every": 2,
            "evaluate_every": 1000,
        }
        return argparse.Namespace(**{**options, **changed})

    def run_of(self):
        options = self.options()
        if not os.path.exists(options.run):
            os.makedirs(options.run)
            os.link(os.path.join(self.folder, "bpe.model"), os.path.join(options.run, "bpe.model"))
        return train.Run(options)

    def test_losses_fall_and_a_run_goes_on(self):
        run = self.run_of()
        first = [run.step()[0] for _ in range(3)]
        for _ in range(25):
            run.step()
        run.decoder_from = run.update
        before = [run.step() for _ in range(3)]
        run.save()
        expected = run.step()
        self.assertLess(before[-1][0], first[0])
        again = self.run_of()
        self.assertEqual(again.update, run.update - 1)
        np.testing.assert_allclose(again.step(), expected, rtol=1e-5)

    def test_a_gated_run(self):
        dense = self.run_of()
        dense.save()
        folder = os.path.join(self.folder, "gated")
        os.makedirs(folder)
        budgets = Budget(0.2), Budget(0.6), Budget(0.5, True)
        options = self.options(
            run=folder, start=dense.args.run, budgets=budgets, total=240, by_heart=None
        )
        run = train.Run(options)
        self.assertEqual(run.decoder_from, 0)
        for name, tensor in dense.average.state_dict().items():
            torch.testing.assert_close(run.model.state_dict()[name], tensor)
        for _ in range(240):
            run.step()
        run.save()
        again = train.Run(options)
        self.assertEqual(again.update, 240)
        items = [(self.features, i) for i in range(len(TEXTS))]
        closed = []
        for budget in options.budgets:
            seen = []
            train.transcribe(again, items, True, False, budget, seen)
            self.assertEqual(seen[0].shape, (len(TEXTS), sum(GATES)))
            closed.append(run.gating.closed(torch.cat(seen), budget))
        self.assertLess(closed[0] + 0.1, closed[1])
        self.assertTrue((torch.cat(seen)[:, : GATES[0]] == 1).all())  # the last budget's: the decoder's
        out = os.path.join(self.folder, "gated-model")
        state = torch.load(run.path, weights_only=False)
        self.convert(state["average"], out)
        rows = package_gates.write(folder, out, [self.features], None, "0.2", also=(0.4,))
        for budget, before, after in rows:
            if budget in budgets:
                self.assertEqual(after, before)
            else:
                self.assertAlmostEqual(after, budget.share, delta=0.06)
        config, arrays = read_pack(os.path.join(out, "gate_pack"), out)
        self.assertEqual(list(config["gates"]["budgets"]), ["0", "0.2", "0.4", "0.6"])
        decoder_config, _ = read_pack(os.path.join(out, "gate_pack_decoder"), out)
        self.assertEqual(list(decoder_config["gates"]["budgets"]), ["0", "0.5"])
        self.assertEqual(config["base"]["family"], "owsm")
        self.assertFalse([name for name in arrays if not name.startswith("gate_predictor")])

    def test_closed_gates_put_nothing_in_place(self):
        torch.manual_seed(4)
        model = DemoModel(len(self.words)).eval()
        x, lengths = torch.randn(2, 60, 40), torch.tensor([60, 44])
        seen = []

        def choose(pooled):
            seen.append(pooled)
            gates = torch.ones(2, sum(GATES))
            gates[0] = 0.0
            return gates

        with torch.no_grad():
            both, counts = model.encode(x, lengths)
            half, _ = model.encode(x, lengths, choose)
            torch.testing.assert_close(half[1, : counts[1]], both[1, : counts[1]])
            stem = model.encoder.embed(x, torch.ones(2, 1, 60, dtype=torch.bool))[0]
            torch.testing.assert_close(seen[0][1], stem[1, : counts[1]].mean(0))
            # Without the merge's own biases, layers that are closed hand on what they get.
            for layer in model.encoder.encoders:
                layer.depthwise_conv_fusion.bias.zero_()
                layer.merge_proj.bias.zero_()
            closed, _ = model.encode(x, lengths, choose)
        for layer in model.encoder.encoders:
            stem = layer.norm_final(stem)
        torch.testing.assert_close(closed[0], model.encoder.after_norm(stem)[0])

    def test_attention_is_guided_to_the_sound(self):
        run = self.run_of()
        run.decoder_from, run.update = 0, 0
        batch = run.source.next()
        steps = []
        for _ in range(12):
            encoded, counts = run.model.encode(batch.x, batch.lengths)
            run.model.decode(encoded, counts, batch.inputs, batch.target_counts)
            loss = train.attention_off_sound(run.model, batch)
            run.optimiser.zero_grad()
            loss.backward()
            for group in run.optimiser.param_groups:
                group["lr"] = 1e-3
            run.optimiser.step()
            steps.append(loss.item())
        self.assertLess(steps[-1], 0.7 * steps[0])

    def test_two_workers_hold_the_same_weights(self):
        folder = os.path.join(self.folder, "two")
        os.makedirs(folder)
        os.link(os.path.join(self.folder, "bpe.model"), os.path.join(folder, "bpe.model"))
        meeting = os.path.join(folder, "meeting")
        workers.launch(2, functools.partial(two_steps, args=self.options(run=folder)), meeting)
        states = [torch.load("%s/weights%d.pt" % (folder, rank)) for rank in (0, 1)]
        self.assertNotEqual(states[0]["ctc"], states[1]["ctc"])  # their batches differ
        for name, tensor in states[0]["model"].items():
            torch.testing.assert_close(tensor, states[1]["model"][name], msg=name)
        with open(os.path.join(folder, "curve.csv"), encoding="utf-8") as file:
            self.assertEqual([line.split(",")[0] for line in file], ["update", "2"])

    def convert(self, state, out):
        bpe = os.path.join(self.folder, "bpe.model")
        with tempfile.TemporaryDirectory() as source:
            package.write_package(self.words.tokens, state, bpe, source)
            converter = os.path.join(HERE, "convert.py")
            subprocess.run([sys.executable, converter, source, out, "--dtype", "f16"], check=True)

    def test_package_converts(self):
        torch.manual_seed(2)
        out = os.path.join(self.folder, "converted")
        self.convert(DemoModel(len(self.words)).state_dict(), out)
        with open(os.path.join(out, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        self.assertEqual(config["languages"], ["<eng>", "<fra>", "<ita>"])
        self.assertEqual(config["tasks"], ["<asr>", "<st_eng>", "<st_fra>", "<st_ita>"])
        self.assertEqual(config["input"], {"true_length": True, **package.TRUE_LENGTH})
        self.assertLess(os.path.getsize(os.path.join(out, "model.safetensors")), 20 << 20)

    def test_greedy_stops_at_the_end_token(self):
        torch.manual_seed(3)
        model = DemoModel(len(self.words)).eval()
        with torch.no_grad():
            model.decoder.output_layer.bias[self.words.eos] += 100.0
            encoded, counts = model.encode(torch.randn(2, 60, 40), torch.tensor([60, 40]))
        prompts = [[self.words.sos, *self.words.prompt("en", "<asr>")]] * 2
        ids = decoding.decoder_greedy(model, encoded, counts, prompts, self.words.eos)
        self.assertEqual(ids, [[], []])
        for row, count in zip(decoding.ctc_greedy(model, encoded, counts), counts):
            self.assertNotIn(0, row)
            self.assertLessEqual(len(row), int(count))


if __name__ == "__main__":
    unittest.main()
