"""What an ESPnet S2T `config.yaml` says, checked, and as the runtime's config.json.

Goals: one table of every field that has a say in inference, with ESPnet 202511's own default where
the file leaves it out (the training configuration is saved as it was typed) and the values that the
runtime implements. Anything else is an error that names the field: a model that would be computed
wrongly is not converted. Non-goals: training options, which are ignored by name.
"""

import re
import reprlib

from bad_input import MAX_DIMENSION, MAX_LAYERS, BadInput

REQUIRED = object()


class Choice:
    """A field that must have one of some values."""

    def __init__(self, default, *supported):
        self.default, self.supported = default, supported or (default,)

    def check(self, value, where):
        if not any(type(value) is type(s) and value == s for s in self.supported):
            raise BadInput(
                "%s: %s is not supported; supported: %s"
                % (where, _show(value), ", ".join(map(_show, self.supported)))
            )
        return value


class Count:
    """A positive number of something; `odd` for kernels that are centred."""

    def __init__(self, default, odd=False, most=MAX_DIMENSION):
        self.default, self.odd, self.most = default, odd, most

    def check(self, value, where):
        good = type(value) is int and 1 <= value <= self.most and (not self.odd or value % 2)
        if not good:
            raise BadInput(
                "%s: %s, expected %s number from 1 to %d"
                % (where, _show(value), "an odd" if self.odd else "a", self.most)
            )
        return value


class Seconds:
    default = REQUIRED

    def check(self, value, where):
        if type(value) not in (int, float) or not 0.001 <= value <= 3600:
            raise BadInput("%s: %s, expected seconds" % (where, _show(value)))
        return float(value)


class SecondsOrNone:
    """Seconds that may be none."""

    default = REQUIRED

    def check(self, value, where):
        if type(value) not in (int, float) or not 0 <= value <= 3600:
            raise BadInput("%s: %s, expected seconds" % (where, _show(value)))
        return float(value)


class Text:
    def __init__(self, default=REQUIRED):
        self.default = default

    def check(self, value, where):
        if not isinstance(value, str) or not value:
            raise BadInput("%s: %s, expected text" % (where, _show(value)))
        return value


class Rate:
    """Samples per second; ESPnet also writes 16k."""

    def __init__(self, default):
        self.default = default

    def check(self, value, where):
        if isinstance(value, str) and re.fullmatch(r"\d{1,3}k", value):
            value = int(value[:-1]) * 1000
        return Count(None).check(value, where)


class Anything:
    default = None

    def check(self, value, where):
        return value


IGNORED = Anything()

TOP = {
    "model": Choice("espnet"),
    "token_type": Choice(REQUIRED, "bpe"),
    "input_size": Choice(None),
    "frontend": Choice("default"),
    "normalize": Choice(REQUIRED, "global_mvn"),
    "preencoder": Choice(None),
    "encoder": Choice(REQUIRED, "e_branchformer", "e_branchformer_token_condition"),
    "postencoder": Choice(None),
    "decoder": Choice(REQUIRED, "transformer"),
    "gate": Choice(None, None, "token_conditioned"),
    "bpemodel": Text(),
}
FRONTEND = {
    "fs": Rate(16000),
    "n_fft": Count(512),
    "win_length": Anything(),  # null: n_fft
    "hop_length": Count(128),
    "n_mels": Count(80),
    "window": Choice("hann"),
    "center": Choice(True),
    "normalized": Choice(False),
    "onesided": Choice(True),
    "fmin": Choice(None, None, 0, 0.0),
    "fmax": Anything(),  # null or fs / 2
    "htk": Choice(False),
    "apply_stft": Choice(True),
    "frontend_conf": IGNORED,  # beam forming of several channels
}
ENCODER = {
    "output_size": Count(256),
    "attention_heads": Count(4),
    "num_blocks": Count(12, most=MAX_LAYERS),
    "linear_units": Count(2048),
    "cgmlp_linear_units": Count(2048),
    "cgmlp_conv_kernel": Count(31, odd=True),
    "merge_conv_kernel": Count(3, odd=True),
    "input_layer": Choice("conv2d", "conv2d", "conv2d8"),
    "attention_layer_type": Choice("rel_selfattn", "selfattn"),
    "pos_enc_layer_type": Choice("rel_pos", "abs_pos"),
    "use_ffn": Choice(False, True),
    "macaron_ffn": Choice(False, False, True),
    "ffn_activation_type": Choice("swish"),
    "positionwise_layer_type": Choice("linear"),
    "gate_activation": Choice("identity"),
    "use_linear_after_conv": Choice(False),
    "qk_norm": Choice(False),
    "interctc_layer_idx": Choice(None, None, []),
    "interctc_use_conditioning": Choice(False),
    "rel_pos_type": IGNORED,  # only read for rel_pos
    "zero_triu": IGNORED,  # only read for rel_selfattn
    "max_pos_emb_len": IGNORED,
    "padding_idx": IGNORED,
    "use_flash_attn": IGNORED,
    "layer_drop_rate": IGNORED,
    "dropout_rate": IGNORED,
    "positional_dropout_rate": IGNORED,
    "attention_dropout_rate": IGNORED,
    "gradient_checkpoint_layers": IGNORED,
}
DECODER = {
    "attention_heads": Count(4),
    "linear_units": Count(2048),
    "num_blocks": Count(6, most=MAX_LAYERS),
    "input_layer": Choice("embed"),
    "use_output_layer": Choice(True),
    "normalize_before": Choice(True),
    "concat_after": Choice(False),
    "qk_norm": Choice(False),
    "use_flash_attn": IGNORED,
    "layer_drop_rate": IGNORED,
    "dropout_rate": IGNORED,
    "positional_dropout_rate": IGNORED,
    "self_attention_dropout_rate": IGNORED,
    "src_attention_dropout_rate": IGNORED,
    "gradient_checkpoint_layers": IGNORED,
}
NORMALIZE = {
    "stats_file": Anything(),
    "norm_means": Choice(True),
    "norm_vars": Choice(True),
    "eps": Anything(),
}
MODEL = {
    "ctc_weight": Anything(),
    "sym_blank": Text("<blank>"),
    "sym_sos": Text("<sos>"),
    "sym_eos": Text("<eos>"),
    "sym_sop": Text("<sop>"),
    "sym_na": Text("<na>"),
}
# ESPnet's inference reads these by key and has no default for them either.
PREPROCESSOR = {
    "fs": Rate(REQUIRED),
    "speech_length": Seconds(),
    "speech_resolution": Seconds(),
    "notime_symbol": Text(),
    "first_time_symbol": Text(),
    "last_time_symbol": Text(),
    "unk_symbol": Text("<unk>"),
}
# No field of ESPnet's: a model trained on audio of its own length says what is fed of a window.
TRUE_LENGTH = {"tail_seconds": SecondsOrNone(), "min_seconds": Seconds()}
ENCODER_MODULES = ["feed_forward_macaron", "attn", "cgmlp", "feed_forward"]
DECODER_MODULES = ["self_attn", "src_attn", "feed_forward"]
GATE = {
    "context_size": Count(REQUIRED),
    "hidden_size": Count(REQUIRED),
    "activation": Choice(REQUIRED, "relu"),
    "pooling": Choice(REQUIRED, "mean"),
    "pool_input": Choice(REQUIRED, "encoder_embed_output"),
    "closed_index": Choice(REQUIRED, 0),
    "open_index": Choice(REQUIRED, 1),
    "closed_branch": Choice(REQUIRED, "zero"),
    "encoder_modules": Choice(REQUIRED, ENCODER_MODULES),
    "decoder_modules": Choice(REQUIRED, DECODER_MODULES),
    "languages": Anything(),
    "tasks": Anything(),
}


def _show(value):
    return "null" if value is None else reprlib.repr(value)


def _section(config, name, table, closed=True):
    """The checked fields of one map of the YAML file; `closed`: unknown keys are errors."""
    values = config.get(name) or {}
    if not isinstance(values, dict):
        raise BadInput("%s: %s, expected a map" % (name, _show(values)))
    return _check(values, name + ".", table, closed)


def _check(values, prefix, table, closed):
    if closed:
        for key in values:
            if key not in table:
                raise BadInput("%s%s: unknown field (value %s)" % (prefix, key, _show(values[key])))
    checked = {}
    for key, rule in table.items():
        value = values.get(key, rule.default)
        if value is REQUIRED:
            raise BadInput("%s%s: missing" % (prefix, key))
        checked[key] = rule.check(value, prefix + key)
    return checked


def _symbols(value, where):
    good = isinstance(value, list) and value and all(isinstance(t, str) and t for t in value)
    if not good:
        raise BadInput("%s: expected a list of texts (quote numbers and yes/no in YAML)" % where)
    seen = set()
    for text in value:
        if text in seen:
            raise BadInput("%s: %s occurs twice" % (where, _show(text)))
        seen.add(text)
    return value


def _frontend(config):
    f = _section(config, "frontend_conf", FRONTEND)
    win_length = f["n_fft"] if f["win_length"] is None else f["win_length"]
    Count(None).check(win_length, "frontend_conf.win_length")
    if win_length > f["n_fft"] or f["n_fft"] % 2:
        raise BadInput(
            "frontend_conf.n_fft: %d, expected even and at least win_length %d"
            % (f["n_fft"], win_length)
        )
    if f["fmax"] not in (None, f["fs"] / 2):
        raise BadInput(
            "frontend_conf.fmax: %s is not supported; supported: null, %g"
            % (_show(f["fmax"]), f["fs"] / 2)
        )
    return {
        "sample_rate": f["fs"],
        "n_fft": f["n_fft"],
        "win_length": win_length,
        "hop_length": f["hop_length"],
        "mel_count": f["n_mels"],
    }


def _encoder(config):
    e = _section(config, "encoder_conf", ENCODER)
    if e["output_size"] % e["attention_heads"] or e["output_size"] % 2:
        raise BadInput(
            "encoder_conf.output_size: %d, expected even and a multiple of attention_heads %d"
            % (e["output_size"], e["attention_heads"])
        )
    if e["cgmlp_linear_units"] % 2:
        raise BadInput(
            "encoder_conf.cgmlp_linear_units: %d, expected even" % e["cgmlp_linear_units"]
        )
    kept = (
        "input_layer",
        "output_size",
        "attention_heads",
        "num_blocks",
        "linear_units",
        "cgmlp_linear_units",
        "cgmlp_conv_kernel",
        "merge_conv_kernel",
        "macaron_ffn",
    )
    return {"type": "e_branchformer", **{key: e[key] for key in kept}}


def _decoder(config, width):
    d = _section(config, "decoder_conf", DECODER)
    if width % d["attention_heads"]:
        raise BadInput(
            "decoder_conf.attention_heads: %d does not divide the width %d"
            % (d["attention_heads"], width)
        )
    kept = ("attention_heads", "num_blocks", "linear_units")
    return {"type": "transformer", **{key: d[key] for key in kept}}


def _vocabulary(config, tokens, out):
    """Special symbols, times, languages and tasks; all must be in the token list (spec §8)."""
    m = _section(config, "model_conf", MODEL, closed=False)
    p = _section(config, "preprocessor_conf", PREPROCESSOR, closed=False)
    symbols = {
        "unk": p["unk_symbol"],
        "na": m["sym_na"],
        "sos": m["sym_sos"],
        "eos": m["sym_eos"],
        "sop": m["sym_sop"],
        "notimestamps": p["notime_symbol"],
        "first_time": p["first_time_symbol"],
        "last_time": p["last_time_symbol"],
    }
    ids = {token: i for i, token in enumerate(tokens)}
    for name, symbol in list(symbols.items()) + [("task", "<asr>")]:
        if symbol not in ids:
            raise BadInput("token_list: has no %s (the %s symbol)" % (symbol, name))
    if ids.get(m["sym_blank"]) != 0:
        raise BadInput("token_list: %s is not the first token" % m["sym_blank"])
    if p["fs"] != out["frontend"]["sample_rate"]:
        raise BadInput(
            "preprocessor_conf.fs: %d, but frontend_conf.fs is %d"
            % (p["fs"], out["frontend"]["sample_rate"])
        )
    times = ids[symbols["last_time"]] - ids[symbols["first_time"]]
    if times != round(p["speech_length"] / p["speech_resolution"]):
        raise BadInput(
            "token_list: %d steps from %s to %s, but speech_length / speech_resolution is %g"
            % (
                times,
                symbols["first_time"],
                symbols["last_time"],
                p["speech_length"] / p["speech_resolution"],
            )
        )
    special = set(symbols.values())
    before_asr = tokens[: ids["<asr>"]]
    out["ctc"] = {"blank": m["sym_blank"]}
    out["symbols"] = symbols
    out["speech_length"] = p["speech_length"]
    out["speech_resolution"] = p["speech_resolution"]
    out["languages"] = [t for t in before_asr if re.fullmatch("<[a-z]{3}>", t) and t not in special]
    out["tasks"] = ["<asr>"] + [t for t in tokens if re.fullmatch("<st_[a-z]+>", t)]
    if not out["languages"]:
        raise BadInput("token_list: no language such as <eng> before <asr>")
    return m["ctc_weight"] == 0  # a model trained without CTC may lack its tensors


def _gate(config, top, tokens):
    if top["gate"] is None:
        if config.get("gate_conf"):
            raise BadInput("gate: null, but gate_conf is there")
        if top["encoder"] != "e_branchformer":
            raise BadInput("encoder: %s needs gate: token_conditioned" % top["encoder"])
        return None
    g = _section(config, "gate_conf", GATE)
    known = set(tokens)
    for key in ("languages", "tasks"):
        for symbol in _symbols(g[key], "gate_conf." + key):
            if symbol not in known:
                raise BadInput("gate_conf.%s: %s is not in token_list" % (key, symbol))
    kept = (
        "context_size",
        "hidden_size",
        "languages",
        "tasks",
        "encoder_modules",
        "decoder_modules",
    )
    return {key: g[key] for key in kept}


def read_config(config, tokens):
    """(the runtime's config.json as a dictionary, whether CTC tensors may be absent).

    `config`: the parsed config.yaml. `tokens`: its token list.
    """
    top = _check(config, "", TOP, closed=False)
    _symbols(tokens, "token_list")
    normalize = _section(config, "normalize_conf", NORMALIZE)
    if normalize["eps"] is not None and type(normalize["eps"]) not in (int, float):
        raise BadInput("normalize_conf.eps: %s, expected a number" % _show(normalize["eps"]))
    out = {"model_type": "owsm", "format_version": 1, "frontend": _frontend(config)}
    out["encoder"] = _encoder(config)
    out["decoder"] = _decoder(config, out["encoder"]["output_size"])
    ctc_optional = _vocabulary(config, tokens, out)
    out["tokenizer"] = {"type": "sentencepiece", "model": "bpe.model"}
    out["token_list"] = tokens
    if config.get("true_length_conf") is not None:
        input_conf = _section(config, "true_length_conf", TRUE_LENGTH)
        out["input"] = {"true_length": True, **input_conf}
    gate = _gate(config, top, tokens)
    if gate:
        if not out["encoder"]["macaron_ffn"]:
            raise BadInput("encoder_conf.macaron_ffn: false is not supported with gates")
        out["gate"] = gate
    return out, ctc_optional
