"""Gate packs (docs/gates.md, version 1): predictors and deltas for a public checkpoint, one folder.

`gate_pack.json` says what it fits and holds, `gate_pack.safetensors` holds the predictors in f32 and
the deltas in f16. Reading applies a pack to a model, so that evaluation sees what users get.
"""

import json
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from fingerprint import fingerprint  # noqa: E402
from safetensors_reader import read_safetensors  # noqa: E402
from safetensors_writer import write_safetensors  # noqa: E402
from training.batches import LANGUAGES, TASKS  # noqa: E402
from training.bridge import folded  # noqa: E402
from training.gates import CLOSED, OPEN, GatePredictor  # noqa: E402
from training.whisper_model import DECODER_MODULES, ENCODER_MODULES  # noqa: E402

FORMAT, VERSION = "espalier-gate-pack", 1
TAIL_SECONDS, MIN_SECONDS = 0.5, 1.0
BRIDGE_RANK = 256  # of the weights that a bridge is folded into


def delta_tensors(model, base, scale=1.0):
    """name -> f16 array. `base`: the checkpoint's arrays, for what `add.` is added to.

    scale: of all differences. Less than 1 is a way back to the base model: weights between a model
    and its fine-tuned copy often do better than either on speech that the training did not have.
    """
    trained = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    if hasattr(model, "bridge"):
        trained = {n: p for n, p in trained.items() if not n.startswith("bridge.")}
        trained.update(folded(model, BRIDGE_RANK))
    found = {}
    for name, parameter in trained.items():
        array = parameter.numpy()
        stem, leaf = name.rsplit(".", 1)
        if leaf in ("a", "b"):
            array = scale * array if leaf == "b" else array
            found["delta.%s.weight.%s" % (stem, leaf)] = array.astype("<f2")
        else:
            found["add." + name] = (scale * (array - base[name].astype(np.float32))).astype("<f2")
    return found


def predictor_tensors(prefix, predictor):
    """spec/owsm.md section 11's tensors, the input's normalisation folded into the first layer."""
    first, last = predictor.mlp[0], predictor.mlp[2]
    width = len(predictor.mean)
    weight, bias = first.weight.detach().clone(), first.bias.detach().clone()
    weight[:, :width] /= predictor.spread
    bias -= weight[:, :width] @ predictor.mean
    tensors = {
        "language_embedding.weight": predictor.language_embedding.weight,
        "task_embedding.weight": predictor.task_embedding.weight,
        "mlp.0.weight": weight,
        "mlp.0.bias": bias,
        "mlp.2.weight": last.weight,
        "mlp.2.bias": last.bias,
    }
    return {prefix + "." + n: t.detach().numpy().astype("<f4") for n, t in tensors.items()}


def fixed_predictor(like, closed=()):
    """A predictor of the same shape that closes the gates `closed` and no other, whatever it sees."""
    always = GatePredictor(
        len(like.mean),
        like.mlp[2].out_features // 2,
        like.language_embedding.num_embeddings,
        like.task_embedding.num_embeddings,
        like.language_embedding.embedding_dim,
        like.mlp[0].out_features,
    )
    with torch.no_grad():
        for parameter in always.parameters():
            parameter.zero_()
        bias = always.mlp[2].bias.view(-1, 2)
        bias[:, OPEN], bias[:, CLOSED] = 1.0, -1.0
        bias[list(closed)] *= -1.0
    return always


def prefix_of(budget):
    return "gate_predictor_%d" % round(100 * budget) if budget > 0 else "gate_predictor"


def write_folder(out, base, rows, predictors, tensors, about, card=None, true_length=None):
    """A pack of any base model.

    base: (family, path of its weights); rows: what the predictors' numbers mean, as gate_pack.json
    names them (encoder_modules, decoder_modules, languages, tasks); predictors: budget ->
    GatePredictor, with 0; tensors: deltas; about: name, license, recipe, default_budget.
    """
    os.makedirs(out, exist_ok=True)
    tensors = dict(tensors)
    for budget, predictor in predictors.items():
        tensors.update(predictor_tensors(prefix_of(budget), predictor))
    some = next(iter(predictors.values()))
    config = {
        "format": FORMAT,
        "version": VERSION,
        "base": {"family": base[0], "fingerprint": fingerprint(base[1]), "name": about["name"]},
        "gates": {
            "context_size": some.language_embedding.embedding_dim,
            "hidden_size": some.mlp[0].out_features,
            "pooling": "mean",
            "pool_input": "encoder_embed_output",
            "closed_index": CLOSED,
            "open_index": OPEN,
            **rows,
            "budgets": {"%g" % b: prefix_of(b) for b in sorted(predictors)},
            "default_budget": about["default_budget"],
        },
        "license": about["license"],
        "recipe": about["recipe"],
    }
    if true_length:
        config["input"] = true_length
    with open(os.path.join(out, "gate_pack.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1, ensure_ascii=False)
        file.write("\n")
    table = {name: (array.shape, array.dtype) for name, array in tensors.items()}
    with open(os.path.join(out, "gate_pack.safetensors"), "wb") as file:
        write_safetensors(file, table, tensors.__getitem__, {"format": "pt"})
    if card:
        with open(os.path.join(out, "README.md"), "w", encoding="utf-8") as file:
            file.write(card)


def write_pack(out, model_folder, model, closed, card, about, scale=1.0):
    """whisper's, of one budget, about["default_budget"], which closes the gates `closed` (numbers).

    The differences of a module that is always closed are left out. scale: of the differences
    (delta_tensors).
    """
    weights = os.path.join(model_folder, "model.safetensors")
    encoder, decoder = model.gate_counts
    gates = encoder * len(ENCODER_MODULES) + decoder * len(DECODER_MODULES)
    rows = {
        "encoder_modules": list(ENCODER_MODULES),
        "decoder_modules": list(DECODER_MODULES),
        "languages": LANGUAGES,
        "tasks": TASKS,
    }
    true_length = {"true_length": True, "tail_seconds": TAIL_SECONDS, "min_seconds": MIN_SECONDS}
    plain = GatePredictor(model.config["d_model"], gates, len(LANGUAGES), len(TASKS))
    predictors = {float(about["default_budget"]): fixed_predictor(plain, closed)}
    deltas = delta_tensors(model, read_safetensors(weights), scale)
    unused = tuple(p for gate in closed for p in module_prefixes(gate, encoder))
    deltas = {n: t for n, t in deltas.items() if not n.removeprefix("delta.").removeprefix("add.").startswith(unused)}
    write_folder(out, ("whisper", weights), rows, predictors, deltas, about, card, true_length)


def module_prefixes(gate, encoder_layers):
    """What the names of a gate's own tensors begin with."""
    first_decoder = encoder_layers * len(ENCODER_MODULES)
    if gate < first_decoder:
        stack, layer, module = "encoder", *divmod(gate, len(ENCODER_MODULES))
        parts = (("self_attn",), ("fc1", "fc2", "final_layer_norm"))[module]
    else:
        stack, layer, module = "decoder", *divmod(gate - first_decoder, len(DECODER_MODULES))
        parts = (("self_attn",), ("encoder_attn",), ("fc1", "fc2", "final_layer_norm"))[module]
    return ["model.%s.layers.%d.%s" % (stack, layer, part) for part in parts]


def read_pack(folder, model_folder=None):
    """(config, arrays). Raises ValueError for another format, or a base model that it was not made for."""
    with open(os.path.join(folder, "gate_pack.json"), encoding="utf-8") as file:
        config = json.load(file)
    if config.get("format") != FORMAT or config.get("version") != VERSION:
        raise ValueError("%s: no gate pack of version %d" % (folder, VERSION))
    if model_folder:
        found = fingerprint(os.path.join(model_folder, "model.safetensors"))
        if found != config["base"]["fingerprint"]:
            raise ValueError("%s: made for %s, not for this model" % (folder, config["base"]["name"]))
    return config, read_safetensors(os.path.join(folder, "gate_pack.safetensors"))


def apply_deltas(model, arrays):
    """Adds a pack's deltas to the weights of `model` (made with rank 0)."""
    own = dict(model.named_parameters())
    own.update(model.named_buffers())
    with torch.no_grad():
        for name, array in arrays.items():
            if name.startswith("add."):
                own[name[4:]].add_(torch.from_numpy(array.astype(np.float32)))
            elif name.startswith("delta.") and name.endswith(".b"):
                a = torch.from_numpy(arrays[name[:-1] + "a"].astype(np.float32))
                own[name[6:-2]].add_(torch.from_numpy(array.astype(np.float32)) @ a)


def is_pack(folder):
    return os.path.exists(os.path.join(folder, "gate_pack.json"))


def load_deltas(model, arrays):
    """Puts a pack's differences where training goes on with them; `model` made with at least its rank.

    Factors to spare stay as they were made: no change at first.
    """
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, array in arrays.items():
            value = torch.from_numpy(array.astype(np.float32))
            if name.startswith("add."):
                own[name[4:]].add_(value)
            elif name.startswith("delta."):
                factor = own[name[6:].replace(".weight.", ".")]
                factor[: value.shape[0], : value.shape[1]] = value


def load_predictor(config, arrays, budget):
    """The predictor of a budget ("0.3"), as the runtime computes it."""
    gates, prefix = config["gates"], config["gates"]["budgets"][budget] + "."
    own = {n[len(prefix) :]: torch.from_numpy(np.array(a)) for n, a in arrays.items() if n.startswith(prefix)}
    context, count = gates["context_size"], own["mlp.2.bias"].shape[0] // 2
    width = own["mlp.0.weight"].shape[1] - 2 * context
    languages, tasks = len(gates["languages"]), len(gates["tasks"])
    predictor = GatePredictor(width, count, languages, tasks, context, gates["hidden_size"])
    predictor.load_state_dict(own, strict=False)
    return predictor.eval()
