"""The README.md of a converted model folder."""

import hashlib
import math
import os


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _gates(gate):
    if not gate:
        return "none (always the whole network)"
    modules = len(gate["encoder_modules"]), len(gate["decoder_modules"])
    contexts = len(gate["languages"]), len(gate["tasks"])
    return (
        "%d encoder and %d decoder modules a layer, chosen once per context" % modules
        + " (%d languages, %d tasks)" % contexts
    )


def dimensions(config, table, dtype):
    """(label, text) rows on the model's size and form. `table`: tensor name -> shape."""
    e, d, f = config["encoder"], config["decoder"], config["frontend"]
    learnt = [n for n in table if not n.startswith(("frontend.", "normalize."))]
    ctc = ", CTC" if "ctc" in config else ""
    kernels = f"{e['cgmlp_conv_kernel']} and {e['merge_conv_kernel']}"
    return [
        ("Family", f"OWSM (E-Branchformer encoder, Transformer decoder{ctc})"),
        ("Parameters", f"{sum(math.prod(table[n]) for n in learnt):,}"),
        ("Weights", "f32" if dtype == "f32" else "f16 (vectors, mel matrix, gate predictor: f32)"),
        ("Width", f"{e['output_size']}"),
        ("Heads", f"{e['attention_heads']} encoder, {d['attention_heads']} decoder"),
        ("Layers", f"{e['num_blocks']} encoder, {d['num_blocks']} decoder"),
        ("Feed-forward units", f"{e['linear_units']} encoder, {d['linear_units']} decoder"),
        ("cgMLP units, kernels", f"{e['cgmlp_linear_units']}, {kernels}"),
        ("Audio", f"{f['sample_rate']} Hz, windows of {_window(config)}"),
        ("Features", f"{f['mel_count']} mel bands, subsampling {e['input_layer']}"),
        ("Vocabulary", f"{len(config['token_list'])} tokens"),
        ("Languages, tasks", f"{len(config['languages'])}, {len(config['tasks'])}"),
        ("Gates", _gates(config.get("gate"))),
    ]


def _window(config):
    if "input" not in config:
        return f"{config['speech_length']:g} s"
    tail = config["input"]["tail_seconds"]
    return f"at most {config['speech_length']:g} s (the audio and {tail:g} s of silence)"


def model_card(name, config, table, dtype, origin):
    """The card's text. `origin`: a sentence or two on where the weights come from."""
    rows = "".join(f"| {label} | {text} |\n" for label, text in dimensions(config, table, dtype))
    return f"# {name}\n\nA speech model for Espalier.\n\n| | |\n|---|---|\n{rows}\n{origin}\n"


def espnet_origin(folder, checkpoint_path):
    return (
        f"Converted by `models/convert.py` from the ESPnet folder `{os.path.basename(folder)}`, "
        f"file `{os.path.basename(checkpoint_path)}`\n(SHA-256 `{sha256_of(checkpoint_path)}`).\n"
        "Licence and training data are those of the source: see its model card."
    )
