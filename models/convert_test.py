"""Tests of convert.py: good folders, damaged ones, hostile ones, interruptions."""

import contextlib
import io
import json
import os
import pickle
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy as np
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import convert  # noqa: E402
from bad_input import BadInput  # noqa: E402
from mel_matrix import mel_matrix  # noqa: E402
from torch_zip import TorchZip  # noqa: E402

GOLDENS = os.path.join(os.path.dirname(HERE), "tests", "golden", "data")
DTYPES = {"F32": np.float32, "F16": np.float16}


class FloatStorage:  # pickled under torch's names; nothing of torch is needed to write a .pth
    __module__ = "torch"


class HalfStorage:
    __module__ = "torch"


class BFloat16Storage:
    __module__ = "torch"


class LongStorage:
    __module__ = "torch"


def _rebuild_tensor_v2(*args):
    raise AssertionError("never called")


_rebuild_tensor_v2.__module__ = "torch._utils"


class FakeTensor:
    def __init__(self, storage, shape, strides=None, offset=0, kind=FloatStorage, count=None):
        size = {FloatStorage: 4, LongStorage: 8}.get(kind, 2)
        self.storage, self.shape, self.offset, self.kind = storage, tuple(shape), offset, kind
        self.count = len(storage) // size if count is None else count
        steps = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
        self.strides = tuple(steps if strides is None else strides)


class Writer(pickle._Pickler):  # the Python pickler: its name lookup can be overridden
    def __init__(self, out):
        super().__init__(out, protocol=2)
        self.storages = []

    def save_global(self, obj, name=None):
        module = getattr(obj, "__module__", None)
        if module in ("torch", "torch._utils"):
            self.write(b"c%s\n%s\n" % (module.encode(), obj.__name__.encode()))
        else:
            super().save_global(obj, name)

    dispatch = dict(pickle._Pickler.dispatch)
    dispatch[type] = save_global
    dispatch[type(_rebuild_tensor_v2)] = save_global

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, FakeTensor):
            self.save_global(_rebuild_tensor_v2)
            self.write(pickle.MARK)
            self.storages.append(obj.storage)
            self.write(pickle.MARK)
            self.save("storage")
            self.save_global(obj.kind)
            for part in (str(len(self.storages) - 1), "cpu", obj.count):
                self.save(part)
            self.write(pickle.TUPLE + pickle.BINPERSID)
            for part in (obj.offset, obj.shape, obj.strides, False, {}):
                self.save(part)
            self.write(pickle.TUPLE + pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def write_pth(path, root=None, data=None, compression=zipfile.ZIP_STORED, storages=()):
    """A .pth of `root` (FakeTensors allowed), or of the raw pickle bytes `data`."""
    if data is None:
        out = io.BytesIO()
        writer = Writer(out)
        writer.dump(root)
        data, storages = out.getvalue(), writer.storages
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("m/data.pkl", data)
        archive.writestr("m/byteorder", "little")
        for i, storage in enumerate(storages):
            archive.writestr("m/data/%d" % i, storage)


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__")
    arrays, covered = {}, 0
    for name, info in header.items():
        begin, end = info["data_offsets"]
        assert begin == covered, "hole before " + name
        covered = end
        flat = np.frombuffer(data[8 + size + begin : 8 + size + end], DTYPES[info["dtype"]])
        arrays[name] = flat.reshape(info["shape"])
    assert 8 + size + covered == len(data)
    return arrays, {n: 8 + size + i["data_offsets"][0] for n, i in header.items()}


def fake(array):
    return FakeTensor(np.ascontiguousarray(array).tobytes(), array.shape)


class TorchZipTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "m.pth")

    def rejects(self, reason, name=None):
        with self.assertRaisesRegex(BadInput, reason):
            with TorchZip(self.path) as checkpoint:
                checkpoint.read(name)

    def test_reads_views_and_types(self):
        values = np.arange(12, dtype=np.float32)
        half = values.astype(np.float16).tobytes()
        brain = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        root = {
            "plain": fake(values.reshape(3, 4)),
            "turned": FakeTensor(values.tobytes(), (4, 2), strides=(1, 4), offset=4),
            "half": FakeTensor(half, (12,), kind=HalfStorage),
            "brain": FakeTensor(brain, (2, 6), kind=BFloat16Storage),
            "steps": FakeTensor(b"\1" + b"\0" * 7, (), kind=LongStorage),
            "epoch": 3,
        }
        for wrapped in (root, {"module": root}, {"model": {"state_dict": root}}):
            write_pth(self.path, wrapped)
            with TorchZip(self.path) as checkpoint:
                self.assertEqual(set(checkpoint.tensors), set(root) - {"epoch"})
                np.testing.assert_array_equal(checkpoint.read("plain"), values.reshape(3, 4))
                np.testing.assert_array_equal(
                    checkpoint.read("turned"), [[4, 8], [5, 9], [6, 10], [7, 11]]
                )
                np.testing.assert_array_equal(checkpoint.read("half"), values)
                np.testing.assert_array_equal(checkpoint.read("brain"), values.reshape(2, 6))
                self.assertEqual(checkpoint.read("steps"), 1)

    def test_nothing_is_called(self):
        mark = os.path.join(self.folder, "mark")

        class System:
            def __reduce__(self):
                return os.system, ("touch " + mark,)

        class Evaluate:
            def __reduce__(self):
                return eval, ("open(%r, 'w')" % mark,)

        class Process:
            def __reduce__(self):
                return subprocess.Popen, (["touch", mark],)

        for hostile in (System(), Evaluate(), Process()):
            for protocol in (0, 1, 2, 4):
                for root in (hostile, {"w": hostile}):
                    write_pth(self.path, data=pickle.dumps(root, protocol))
                    self.rejects("refers to|opcode")
        self.assertFalse(os.path.exists(mark))

    def test_allowed_names_cannot_be_misused(self):
        for data, reason in (
            (b"\x80\x02ccollections\nOrderedDict\n(K\1tR.", "unexpected arguments"),
            (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "no storage"),
            (b"\x80\x02ctorch\nFloatStorage\n)R.", "unexpected arguments"),
            (b"\x80\x02ctorch\nFloatStorage\n}b.", "dict expected"),
            (b"\x80\x02ctorch\nload\n.", "torch.load"),
            (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "opcode NEWOBJ"),
            (b"\x80\x02(U\x01acos\nsystem\no.", "opcode"),
            (b"\x80\x02K\1Q.", "storage reference"),
            (b"\x80\x02}(K\1K\2K\3u.", "key without a value"),
            (b"\x80\x02}))s.", "dictionary key"),
            (b"\x80\x02h\7.", "memo"),
            (b"\x80\x020.", "opcode POP"),
            (b"\x80\x02t.", "mark is missing"),
            (b"\x80\x02\x85.", "underflow"),
            (b"\x80\x04]]\x93.", "no text"),
            (b"\x80\x02}", "damaged|without STOP"),
            (b"", "damaged|without STOP"),
            (b"\xff\xfe", "damaged"),
            (b"\x80\x02X\xff\xff\xff\x7fab.", "damaged"),
            (b"\x80\x02].", "expected a dictionary"),
            (b"\x80\x02}.", "no tensors"),
        ):
            with self.subTest(data=data):
                write_pth(self.path, data=data)
                self.rejects(reason)

    def test_deep_nesting_is_harmless(self):
        write_pth(self.path, data=b"\x80\x02)" + b"\x85" * 300000 + b".")
        self.rejects("expected a dictionary")
        write_pth(self.path, data=b"\x80\x02})" + b"\x85" * 300000 + b"K\1s.")
        self.rejects("dictionary key")

    def test_views_stay_inside_their_storage(self):
        data = bytes(40)
        for tensor in (
            FakeTensor(data, (11,)),
            FakeTensor(data, (2, 5), strides=(6, 1)),
            FakeTensor(data, (5,), offset=6),
            FakeTensor(data, (1 << 40,), strides=(0,)),
            FakeTensor(data, (3, 5), strides=(0, 1)),
        ):
            write_pth(self.path, {"w": tensor})
            self.rejects("tensor w: .*outside its storage", "w")
        for tensor in (
            FakeTensor(data, (-1,)),
            FakeTensor(data, (5,), strides=(-1,), offset=9),
            FakeTensor(data, (2, 2), strides=(1,)),
            FakeTensor(data, (1,) * 9),
            FakeTensor(data, (1 << 70,)),
        ):
            write_pth(self.path, {"w": tensor})
            self.rejects("impossible shape", "w")

    def test_storage_shorter_than_claimed(self):
        write_pth(self.path, {"w": FakeTensor(bytes(40), (1000,), count=1000)})
        self.rejects("tensor w: storage 0 has 40 bytes, expected 4000", "w")

    def test_missing_storage(self):
        out = io.BytesIO()
        Writer(out).dump({"w": FakeTensor(bytes(4), (1,))})
        write_pth(self.path, data=out.getvalue())
        self.rejects("tensor w: its storage 0 is missing", "w")

    def test_other_files(self):
        for content, reason in (
            (b"", "not a PyTorch checkpoint"),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "before version 1.6"),
            (b"PK\x05\x06" + bytes(18), "0 data.pkl"),
            (b"hello" * 100, "not a PyTorch checkpoint"),
        ):
            with open(self.path, "wb") as file:
                file.write(content)
            self.rejects(reason)
        write_pth(
            self.path, {"w": FakeTensor(bytes(4000), (1000,))}, compression=zipfile.ZIP_DEFLATED
        )
        self.rejects("compressed")
        os.remove(self.path)
        self.rejects("No such file")

    def test_truncated_and_flipped_file(self):
        write_pth(self.path, {"w": fake(np.ones(100, np.float32))})
        with open(self.path, "rb") as file:
            good = file.read()
        for cut in range(0, len(good), 7):
            with open(self.path, "wb") as file:
                file.write(good[:cut])
            self.rejects("not a PyTorch checkpoint")
        place = good.index(np.ones(100, np.float32).tobytes()) + 50
        with open(self.path, "wb") as file:
            file.write(good[:place] + b"\xff" + good[place + 1 :])
        self.rejects("cannot be read", "w")


class ConvertTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.source = os.path.join(self.folder, "in")
        self.out = os.path.join(self.folder, "out")

    def take(self, golden):
        shutil.copytree(os.path.join(GOLDENS, golden), self.source, copy_function=shutil.copyfile)
        self.config_path = os.path.join(self.source, "exp", "s2t", "config.yaml")
        self.model_path = os.path.join(self.source, "exp", "s2t", "model.pth")

    def edit_config(self, edit):
        with open(self.config_path, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        edit(config)
        with open(self.config_path, "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file, allow_unicode=True)

    def edit_tensors(self, edit):
        with TorchZip(self.model_path) as checkpoint:
            arrays = {name: checkpoint.read(name) for name in checkpoint.tensors}
        edit(arrays)
        write_pth(self.model_path, {name: fake(array) for name, array in arrays.items()})

    def run_convert(self, *options):
        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr):
            code = convert.main([self.source, self.out, *options])
        self.assertEqual([n for n in os.listdir(self.folder) if n not in ("in", "out")], [])
        return code, stderr.getvalue()

    def fails(self, code, reason, *options):
        got, stderr = self.run_convert(*options)
        self.assertRegex(stderr, reason)
        self.assertEqual(stderr.count("\n"), 1, stderr)
        self.assertEqual(got, code, stderr)

    def succeeds(self, *options):
        got, stderr = self.run_convert(*options)
        self.assertEqual((got, stderr), (0, ""))
        with open(os.path.join(self.out, "config.json"), encoding="utf-8") as file:
            return json.load(file), *read_safetensors(os.path.join(self.out, "model.safetensors"))

    def test_goldens(self):
        for golden, layer, bands in (
            ("plain", "conv2d", 80),
            ("gated", "conv2d", 80),
            ("v4", "conv2d8", 128),
        ):
            with self.subTest(golden=golden):
                self.take(golden)
                config, arrays, offsets = self.succeeds()
                with TorchZip(self.model_path) as checkpoint:
                    self.assertEqual(set(arrays), set(checkpoint.tensors))
                    for name, array in arrays.items():
                        np.testing.assert_array_equal(array, checkpoint.read(name))
                        self.assertEqual(offsets[name] % (64 if array.nbytes % 64 == 0 else 4), 0)
                self.assertEqual(config["encoder"]["input_layer"], layer)
                self.assertEqual(config["frontend"]["mel_count"], bands)
                self.assertEqual(config["languages"], ["<deu>", "<eng>", "<jpn>"])
                self.assertEqual(config["tasks"], ["<asr>", "<st_eng>", "<st_jpn>"])
                self.assertEqual(config["speech_length"], 2.4)
                self.assertEqual(config["symbols"]["last_time"], "<2.40>")
                self.assertEqual("gate" in config, golden == "gated")
                self.assertEqual(
                    sorted(os.listdir(self.out)),
                    ["README.md", "bpe.model", "config.json", "model.safetensors"],
                )
                shutil.rmtree(self.source)
                shutil.rmtree(self.out)

    def test_f16_keeps_vectors(self):
        self.take("gated")
        _, arrays, _ = self.succeeds("--dtype", "f16")
        kinds = {name: array.dtype for name, array in arrays.items()}
        self.assertEqual(kinds["decoder.output_layer.weight"], np.float16)
        for name in (
            "decoder.output_layer.bias",
            "frontend.logmel.melmat",
            "gate_predictor.mlp.0.weight",
        ):
            self.assertEqual(kinds[name], np.float32)

    def test_statistics_and_mel_matrix_can_be_computed(self):
        self.take("plain")

        def drop(arrays):
            for name in ("normalize.mean", "normalize.std", "frontend.logmel.melmat"):
                del arrays[name]

        with TorchZip(self.model_path) as checkpoint:
            stored = {
                n: checkpoint.read(n) for n in checkpoint.tensors if n.startswith(("norm", "front"))
            }
        self.edit_tensors(drop)
        _, arrays, _ = self.succeeds()
        for name, array in stored.items():
            np.testing.assert_allclose(arrays[name], array, rtol=2e-5, atol=1e-8)

    def test_checkpoint_statistics_win(self):
        self.take("plain")
        self.edit_tensors(lambda a: a.update({"normalize.mean": np.full(80, 7, np.float32)}))
        _, arrays, _ = self.succeeds()
        self.assertTrue((arrays["normalize.mean"] == 7).all())

    def test_macaron_off_and_no_ctc(self):
        self.take("plain")
        self.edit_config(
            lambda c: (
                c["encoder_conf"].update(macaron_ffn=False),
                c["model_conf"].update(ctc_weight=0.0),
            )
        )
        self.edit_tensors(
            lambda a: [a.pop(n) for n in list(a) if n.startswith("ctc.") or "macaron" in n]
        )
        config, arrays, _ = self.succeeds()
        self.assertNotIn("ctc", config)
        self.assertFalse(config["encoder"]["macaron_ffn"])

    def test_unsupported_fields(self):
        self.take("plain")
        good = self.config_path + ".good"
        shutil.copyfile(self.config_path, good)
        for section, key, value, reason in (
            ("encoder_conf", "attention_layer_type", "rel_selfattn", "'rel_selfattn' is not"),
            ("encoder_conf", "pos_enc_layer_type", "rel_pos", "supported: 'abs_pos'"),
            ("encoder_conf", "use_ffn", False, "supported: True"),
            ("encoder_conf", "gate_activation", "swish", "gate_activation: 'swish'"),
            ("encoder_conf", "use_linear_after_conv", True, "use_linear_after_conv"),
            ("encoder_conf", "qk_norm", True, "qk_norm: True"),
            ("encoder_conf", "positionwise_layer_type", "conv1d", "positionwise_layer_type"),
            ("encoder_conf", "input_layer", "conv2d6", "'conv2d6' is not supported"),
            ("encoder_conf", "cgmlp_conv_kernel", 30, "an odd number"),
            ("encoder_conf", "num_blocks", 10**6, "1 to 256"),
            ("encoder_conf", "output_size", "64", "'64', expected a number"),
            ("encoder_conf", "attention_heads", 5, "multiple of attention_heads 5"),
            ("encoder_conf", "moe_experts", 4, "moe_experts: unknown field .value 4."),
            ("decoder_conf", "normalize_before", False, "normalize_before"),
            ("decoder_conf", "attention_heads", 3, "does not divide"),
            ("frontend_conf", "window", "hamming", "supported: 'hann'"),
            ("frontend_conf", "htk", True, "htk"),
            ("frontend_conf", "win_length", 1000, "n_fft: 512"),
            ("preprocessor_conf", "fs", 8000, "preprocessor_conf.fs: 8000, but"),
            ("preprocessor_conf", "speech_length", 30, "steps from <0.00> to <2.40>"),
            ("preprocessor_conf", "notime_symbol", "<notime>", "token_list: has no <notime>"),
            ("model_conf", "sym_blank", "<unk>", "not the first token"),
            (None, "normalize", "utterance_mvn", "'utterance_mvn' is not supported"),
            (None, "normalize", None, "null is not supported; supported: 'global_mvn'"),
            (None, "encoder", "conformer", "'conformer' is not .*: 'e_branch"),
            (None, "encoder", "e_branchformer_token_condition", "needs gate: token_conditioned"),
            (None, "decoder", "transducer", "decoder: 'transducer'"),
            (None, "token_type", "char", "token_type"),
            (None, "token_list", [1, 2], "token_list: expected a list of texts"),
            (None, "token_list", ["a", "a"], "token_list: 'a' occurs twice"),
            (None, "bpemodel", "../../../etc/passwd", "bpemodel: .* is not in"),
            (None, "bpemodel", "/etc/passwd", "bpemodel: /etc/passwd is not in"),
            (None, "encoder_conf", 5, "encoder_conf: 5, expected a map"),
        ):  # fmt: skip
            with self.subTest(section=section, key=key, value=value):
                shutil.copyfile(good, self.config_path)
                self.edit_config(lambda c: (c[section] if section else c).update({key: value}))
                self.fails(2, reason)

    def test_absolute_paths_of_another_machine(self):
        self.take("plain")
        self.edit_config(
            lambda c: c.update(
                bpemodel="/scratch/me/" + c["bpemodel"],
                token_list="data/token_list/bpe_unigram/tokens.txt",
            )
        )
        config, _, _ = self.succeeds()
        self.assertEqual(config["token_list"][0], "<blank>")

    def test_true_length(self):
        self.take("plain")
        conf = {"tail_seconds": 0, "min_seconds": 0.5}
        self.edit_config(lambda c: c.update(true_length_conf=conf))
        config, _, _ = self.succeeds()
        self.assertEqual(
            config["input"], {"true_length": True, "tail_seconds": 0.0, "min_seconds": 0.5}
        )
        shutil.rmtree(self.out)
        for bad in ({**conf, "tail_seconds": -1}, {"tail_seconds": 0}, {**conf, "mean": 1}):
            self.edit_config(lambda c: c.update(true_length_conf=bad))
            self.fails(2, "true_length_conf.(tail_seconds|min_seconds|mean): ")

    def test_gate_fields(self):
        self.take("gated")
        self.edit_config(lambda c: c["gate_conf"]["languages"].append("<xyz>"))
        self.fails(2, "gate_conf.languages: <xyz> is not in token_list")
        self.edit_config(lambda c: c["gate_conf"]["languages"].pop())
        self.edit_config(lambda c: c["gate_conf"].update(closed_branch="identity"))
        self.fails(2, "gate_conf.closed_branch: 'identity'")
        self.edit_config(lambda c: (c.pop("gate"), c.pop("gate_conf")))
        self.fails(2, "gate_predictor tensors, but config.yaml no gate")

    def test_tensors_are_checked(self):
        self.take("plain")
        self.edit_tensors(lambda a: a.update({"encoder.after_norm.bias": np.zeros(65, np.float32)}))
        self.fails(2, r"tensor encoder.after_norm.bias has shape \(65,\), expected \(64,\)")
        self.edit_tensors(
            lambda a: a.update({"encoder.after_norm.bias": np.full(64, np.nan, np.float32)})
        )
        self.fails(2, "encoder.after_norm.bias holds NaN")
        self.edit_tensors(lambda a: a.pop("encoder.after_norm.bias"))
        self.fails(2, "tensor encoder.after_norm.bias is missing")

    def test_too_large_for_f16(self):
        self.take("plain")
        self.edit_tensors(
            lambda a: a.update(
                {"decoder.embed.0.weight": np.full_like(a["decoder.embed.0.weight"], 1e5)}
            )
        )
        self.fails(
            2, "decoder.embed.0.weight is too large for float16; use --dtype f32", "--dtype", "f16"
        )

    def test_folder_is_ambiguous_or_empty(self):
        self.take("plain")
        shutil.copyfile(self.model_path, os.path.join(os.path.dirname(self.model_path), "b.pth"))
        self.fails(2, r"2 candidates for \*.pth \(b.pth, model.pth\); choose with --model-file")
        self.succeeds("--model-file", self.model_path)
        other = os.path.join(self.source, "exp", "other")
        shutil.copytree(os.path.dirname(self.model_path), other, copy_function=shutil.copyfile)
        self.fails(2, "2 candidates for exp/.*--config", "--force")
        shutil.rmtree(os.path.join(self.source, "exp"))
        self.fails(2, "no exp/.*/config.yaml", "--force")
        shutil.rmtree(self.source)
        self.fails(2, "no such folder", "--force")

    def test_hostile_yaml(self):
        self.take("plain")
        for text, reason in (
            ("a: &a [1]\nb: *a\n", "references"),
            ("!!python/object/apply:os.system ['true']", "not YAML"),
            ("[" * 500000, "not YAML|nested"),
            ("[" * 100 + "]" * 100, "nested too deeply"),
            ("- 1\n", "not a map"),
            ("\x00", "not YAML"),
            ("", "empty"),
        ):
            with open(self.config_path, "w", encoding="utf-8") as file:
                file.write(text)
            self.fails(2, reason)

    def test_existing_output(self):
        self.take("plain")
        self.succeeds()
        self.fails(5, "exists; --force replaces it")
        self.succeeds("--force")
        with open(os.path.join(self.out, "thesis.tex"), "w"):
            pass
        self.fails(5, "thesis.tex, which is no part of a model folder", "--force")

    def test_failed_run_keeps_the_old_folder(self):
        self.take("plain")
        self.succeeds()
        before = os.stat(os.path.join(self.out, "model.safetensors")).st_ino
        self.edit_tensors(
            lambda a: a.update({"encoder.after_norm.bias": np.full(64, np.inf, np.float32)})
        )
        self.fails(2, "NaN or infinity", "--force")
        self.assertEqual(os.stat(os.path.join(self.out, "model.safetensors")).st_ino, before)

    def test_unwritable_output(self):
        self.take("plain")
        blocked = os.path.join(self.source, "README.md")
        with open(blocked, "w"):
            pass
        self.out = os.path.join(blocked, "out")
        self.fails(5, "Not a directory|File exists")

    def test_interrupt_leaves_nothing(self):
        self.take("plain")
        code = (
            "import sys, os, signal; sys.path.insert(0, %r); import convert, torch_zip\n"
            "read = torch_zip.TorchZip.read\n"
            "def slow(self, name):\n"
            "    if 'ctc' in name: os.kill(os.getpid(), int(sys.argv[1]))\n"
            "    return read(self, name)\n"
            "torch_zip.TorchZip.read = slow\n"
            "sys.exit(convert.main(sys.argv[2:]))\n" % HERE
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            command = [sys.executable, "-c", code, str(int(number)), self.source, self.out]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 130, done.stderr)
            self.assertEqual(done.stderr, "convert.py: interrupted, nothing written\n")
            self.assertEqual(os.listdir(self.folder), ["in"])


class MelMatrixTest(unittest.TestCase):
    def test_triangles(self):
        matrix = mel_matrix(16000, 512, 80)
        self.assertEqual(matrix.shape, (257, 80))
        self.assertTrue((matrix >= 0).all() and (matrix.max(axis=0) > 0).all())
        # Area 1 over frequency, as far as 31.25 Hz bins can tell for the wide ones.
        np.testing.assert_allclose(matrix[:, 60:].sum(axis=0) * 31.25, 1, rtol=0.02)


if __name__ == "__main__":
    unittest.main()
