#!/usr/bin/env python3
"""Converts an ESPnet S2T (OWSM) folder into a model folder that Espalier reads.

    convert.py ESPNET_DIR OUT_DIR [--dtype f32|f16] [--force]

ESPNET_DIR holds exp/*/config.yaml, a .pth beside it, and the files that config.yaml names. Needs
NumPy and PyYAML, not PyTorch. Nothing in the checkpoint is executed (see torch_zip.py). OUT_DIR
appears complete or not at all. Exit status: 0 done, 2 bad input, 5 output not written,
130 interrupted.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import sys

import numpy as np

import espnet_folder
from bad_input import BadInput
from mel_matrix import mel_matrix
from model_card import espnet_origin, model_card
from owsm_config import read_config
from owsm_tensors import tensor_table
from safetensors_writer import write_safetensors
from torch_zip import TorchZip

FILES = ("config.json", "model.safetensors", "bpe.model", "README.md")
# Kept f32 in an f16 file: together under 0.1 % of it, and each touches every value after it.
ALWAYS_F32 = ("frontend.", "normalize.", "gate_predictor.")


class OutputError(Exception):
    """The folder could not be written: exit status 5."""


def check_tensors(checkpoint, table, computed):
    """Every tensor of the table is there with its shape; says which is not."""
    for name, shape in table.items():
        if name in computed:
            continue
        tensor = checkpoint.tensors.get(name)
        if tensor is None:
            raise BadInput("%s: tensor %s is missing" % (checkpoint.path, name))
        if tensor.shape != shape:
            raise BadInput(
                "%s: tensor %s has shape %s, expected %s"
                % (checkpoint.path, name, tensor.shape, shape)
            )
        if tensor.dtype not in ("f64", "f32", "f16", "bf16"):
            raise BadInput(
                "%s: tensor %s holds %s, expected floating point"
                % (checkpoint.path, name, tensor.dtype)
            )


def computed_tensors(checkpoint, config, root, out_config):
    """What may be left out of the checkpoint and follows from the configuration."""
    frontend, computed = out_config["frontend"], {}
    if "frontend.logmel.melmat" not in checkpoint.tensors:
        computed["frontend.logmel.melmat"] = mel_matrix(
            frontend["sample_rate"], frontend["n_fft"], frontend["mel_count"]
        )
    absent = [n for n in ("normalize.mean", "normalize.std") if n not in checkpoint.tensors]
    if len(absent) == 1:
        raise BadInput("%s: tensor %s is missing" % (checkpoint.path, absent[0]))
    if absent:
        computed.update(espnet_folder.statistics(config, root, frontend["mel_count"]))
    return computed


def stored_type(name, shape, dtype):
    small = len(shape) == 1 or name.startswith(ALWAYS_F32)
    return np.dtype("<f4") if dtype == "f32" or small else np.dtype("<f2")


def cast(array, dtype, where):
    if not np.isfinite(array).all():
        raise BadInput("%s holds NaN or infinity" % where)
    with np.errstate(over="ignore"):
        out = array.astype(dtype)
    if not np.isfinite(out).all():
        raise BadInput("%s is too large for %s; use --dtype f32" % (where, dtype.name))
    return out


def write_tensors(path, checkpoint, table, computed, dtype, progress):
    stored = {name: (shape, stored_type(name, shape, dtype)) for name, shape in table.items()}
    done, total = 0, sum(math.prod(shape) for shape in table.values())

    def read(name):
        nonlocal done
        progress(done, total)
        array = computed[name] if name in computed else checkpoint.read(name)
        done += array.size
        return cast(array, stored[name][1], "%s: tensor %s" % (checkpoint.path, name))

    with open(path, "wb") as out:
        write_safetensors(out, stored, read, {"format": "pt"})
        out.flush()
        os.fsync(out.fileno())
    progress(total, total)


def check_output(out_dir, force):
    if not os.path.lexists(out_dir):
        return
    if not force:
        raise OutputError("%s exists; --force replaces it" % out_dir)
    # --force is for a model folder, not for whatever else a slip of the finger names.
    if os.path.islink(out_dir) or not os.path.isdir(out_dir):
        raise OutputError("%s is not a folder" % out_dir)
    foreign = sorted(set(os.listdir(out_dir)) - set(FILES))
    if foreign:
        raise OutputError(
            "%s holds %s, which is no part of a model folder; not replaced" % (out_dir, foreign[0])
        )


@contextlib.contextmanager
def undisturbed():
    """Holds Ctrl-C back for the moment in which folders change names or go."""
    held = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, held)


def publish(temporary, out_dir):
    """Renames into place. An old folder steps aside first and comes back if that fails."""
    aside = None
    if os.path.lexists(out_dir):
        aside = "%s.old-%d" % (out_dir, os.getpid())
        os.rename(out_dir, aside)
    try:
        os.rename(temporary, out_dir)
    except OSError:
        if aside:
            os.rename(aside, out_dir)
        raise
    if aside:
        shutil.rmtree(aside, ignore_errors=True)


def terminal_progress(done, total):
    if sys.stderr.isatty():
        sys.stderr.write(
            "\r%3d %% of %.0f M parameters" % (100 * done // max(total, 1), total / 1e6)
        )
        sys.stderr.write("\n" if done == total else "")
        sys.stderr.flush()


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def write_folder(out_dir, write_files):
    """Calls `write_files(folder)` on a temporary folder and gives it the final name."""
    temporary = "%s.tmp-%d" % (out_dir, os.getpid())
    try:
        os.makedirs(temporary)
        write_files(temporary)
        with undisturbed():
            publish(temporary, out_dir)
    except OSError as error:
        raise OutputError("%s: %s" % (out_dir, error.strerror or error))
    finally:
        with undisturbed():
            shutil.rmtree(temporary, ignore_errors=True)


def tensors_to_write(checkpoint, config, root, out_config, ctc_optional):
    """(the checked table, the tensors to compute); drops "ctc" from the config if it has none."""
    if ctc_optional and "ctc.ctc_lo.weight" not in checkpoint.tensors:
        del out_config["ctc"]
    has_gate = any(name.startswith("gate_predictor.") for name in checkpoint.tensors)
    if has_gate and "gate" not in out_config:
        raise BadInput("%s: has gate_predictor tensors, but config.yaml no gate" % checkpoint.path)
    table = tensor_table(out_config)
    computed = computed_tensors(checkpoint, config, root, out_config)
    check_tensors(checkpoint, table, computed)
    return table, computed


def convert(args):
    source = os.path.abspath(args.espnet_dir)
    out_dir = os.path.abspath(args.out_dir)
    check_output(out_dir, args.force)
    config_path = espnet_folder.find_config(source, args.config)
    checkpoint_path = espnet_folder.find_checkpoint(config_path, args.model_file)
    config = espnet_folder.read_yaml(config_path)
    try:
        out_config, ctc_optional = read_config(config, espnet_folder.read_tokens(config, source))
        bpe_path = espnet_folder.locate(source, config["bpemodel"], "bpemodel")
    except BadInput as error:
        raise BadInput("%s: %s" % (config_path, error))
    sentencepiece = espnet_folder.read_bytes(bpe_path, espnet_folder.MAX_SENTENCEPIECE_BYTES)
    with TorchZip(checkpoint_path) as checkpoint:
        table, computed = tensors_to_write(checkpoint, config, source, out_config, ctc_optional)
        origin = espnet_origin(source, checkpoint_path)
        card = model_card(os.path.basename(out_dir), out_config, table, args.dtype, origin)

        def write_files(folder):
            path = os.path.join(folder, "model.safetensors")
            write_tensors(path, checkpoint, table, computed, args.dtype, terminal_progress)
            text = json.dumps(out_config, ensure_ascii=False, indent=1)
            write_text(os.path.join(folder, "config.json"), text + "\n")
            write_text(os.path.join(folder, "README.md"), card)
            with open(os.path.join(folder, "bpe.model"), "wb") as out:
                out.write(sentencepiece)

        write_folder(out_dir, write_files)


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        description="ESPnet S2T (OWSM) folder to Espalier model folder."
    )
    parser.add_argument(
        "espnet_dir", metavar="ESPNET_DIR", help="the folder that holds exp/ and data/"
    )
    parser.add_argument("out_dir", metavar="OUT_DIR", help="the model folder to make")
    parser.add_argument(
        "--dtype", choices=("f32", "f16"), default="f32", help="of the weight matrices"
    )
    parser.add_argument(
        "--config", metavar="FILE", help="config.yaml, if there are several in exp/"
    )
    parser.add_argument("--model-file", metavar="FILE", help="the .pth, if there are several")
    parser.add_argument("--force", action="store_true", help="replace an existing model folder")
    return parser.parse_args(argv)


def main(argv):
    def interrupt(*unused):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    args = parse_arguments(argv)
    try:
        convert(args)
    except BadInput as error:
        print("convert.py: %s" % error, file=sys.stderr)
        return 2
    except OutputError as error:
        print("convert.py: %s" % error, file=sys.stderr)
        return 5
    except MemoryError:
        print("convert.py: out of memory", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("convert.py: interrupted, nothing written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
