"""The paper's gates as ESPnet classes that a training YAML can name, for OWSM-style (S2T) models.

    encoder: e_branchformer_token_condition
    encoder_conf:            # all of e_branchformer's, and
        languages: [<eng>, <deu>]    # these two lines: default all of the token list
        tasks: [<asr>, <st_eng>]
        tau_ini: 1.0
        tau_end: 0.1
        tau_cooldown_steps: 15000
        sparsity_init: 0.0
        sparsity_end: 0.3
    decoder: transformer_decoder_token_condition

`register()` adds the names to ESPnet's S2T task; espnet_train.py is ESPnet's s2t_train with that done.
The modules are ESPnet's own, with hooks on them: an ungated checkpoint loads by --init_param, and the
predictor's tensors have the names of spec/owsm.md section 11, plus `gate_step`, the step counter.
"""

import re

import torch
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
from espnet2.asr.encoder.e_branchformer_encoder import EBranchformerEncoder
from espnet2.s2t.espnet_model import ESPnetS2TModel
from espnet2.tasks import s2t
from espnet2.torch_utils.device_funcs import force_gatherable

from training import gates as gating
from training.costs import read_costs

ENCODER_MODULES = ("feed_forward_macaron", "attn", "cgmlp", "feed_forward")
DECODER_MODULES = ("self_attn", "src_attn", "feed_forward")
SCHEDULE_KEYS = ("tau_ini", "tau_end", "tau_cooldown_steps", "sparsity_init", "sparsity_end")
LANGUAGE_AT, TASK_AT = 0, 1  # of the target text: <lang><task><notimestamps>…


def tokens_of(token_list):
    """(languages, tasks) of an OWSM token list: <eng>-like tokens before <asr>; <asr> and <st_…>."""
    before = token_list[: token_list.index("<asr>")]
    languages = [t for t in before if re.fullmatch("<[a-z]{3}>", t) and t != "<unk>"]
    return languages, ["<asr>"] + [t for t in token_list if re.fullmatch("<st_[a-z]+>", t)]


def _multiply_by_gate(module, _, output):
    """Forward hook: a closed gate (B,) puts zeros in place of the module's output."""
    if module.gate is None:
        return None
    gate = module.gate[:, None, None]
    if isinstance(output, tuple):  # cgMLP hands its positions on
        return (output[0] * gate, *output[1:])
    return output * gate


def add_gates(layers, modules):
    """Gives every module a place for its gate; none set means open."""
    for layer in layers:
        for name in modules:
            module = getattr(layer, name)
            module.gate = None
            module.register_forward_hook(_multiply_by_gate)


def set_gates(layers, modules, gates):
    """gates (B, layers, modules), or None: all open."""
    for i, layer in enumerate(layers):
        for j, name in enumerate(modules):
            getattr(layer, name).gate = None if gates is None else gates[:, i, j]


class TokenConditionEncoder(EBranchformerEncoder):
    """ESPnet's E-Branchformer whose modules have gates; `conf` is what the model's gating goes by.

    languages, tasks: symbols of the token list; None: all it has (tokens_of).
    sparsity_steps: over how many steps the target moves (None: tau_cooldown_steps, as in the paper).
    sparsity_weight: of the penalty. cost_table: a file (training/costs.py) that weighs the gates.
    """

    def __init__(
        self,
        input_size,
        languages=None,
        tasks=None,
        context_size=32,
        hidden_size=128,
        tau_ini=1.0,
        tau_end=0.1,
        tau_cooldown_steps=15000,
        sparsity_init=0.0,
        sparsity_end=0.3,
        sparsity_steps=None,
        sparsity_weight=1.0,
        cost_table=None,
        **encoder_conf,
    ):
        super().__init__(input_size, **encoder_conf)
        if not (encoder_conf.get("use_ffn") and encoder_conf.get("macaron_ffn")):
            raise ValueError("e_branchformer_token_condition needs use_ffn and macaron_ffn")
        self.conf = {
            "languages": languages,
            "tasks": tasks,
            "context_size": context_size,
            "hidden_size": hidden_size,
            "schedule": (tau_ini, tau_end, tau_cooldown_steps, sparsity_init, sparsity_end),
            "tau": (tau_ini, tau_end, tau_cooldown_steps),
            "sparsity": (sparsity_init, sparsity_end, sparsity_steps or tau_cooldown_steps),
            "weight": sparsity_weight,
            "cost_table": cost_table,
        }
        self.on_embedded = None  # called with the mean of embed's output (B, D) before layer 0
        add_gates(self.encoders, ENCODER_MODULES)
        self.embed.register_forward_hook(self._look)

    def _look(self, _, __, output):
        embedded = output[0] if isinstance(output, tuple) else output
        if isinstance(embedded, tuple):  # with relative positions
            embedded = embedded[0]
        if self.on_embedded is not None:
            self.on_embedded(embedded.mean(1))  # all frames, padding included (spec section 11)


class TokenConditionDecoder(TransformerDecoder):
    """ESPnet's Transformer decoder whose modules have gates.

    The schedule may stand in decoder_conf too; it must be the encoder's, for there is one predictor.
    """

    def __init__(self, vocab_size, encoder_output_size, **decoder_conf):
        schedule_conf = {k: decoder_conf.pop(k) for k in SCHEDULE_KEYS if k in decoder_conf}
        super().__init__(vocab_size, encoder_output_size, **decoder_conf)
        self.schedule_conf = schedule_conf
        add_gates(self.decoders, DECODER_MODULES)


class TokenConditionModel(ESPnetS2TModel):
    """ESPnet's S2T model; with the two classes above it predicts gates and adds the penalty.

    With other encoders it is the plain model, so that it can take the name "espnet".
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gated = isinstance(self.encoder, TokenConditionEncoder)
        if not self.gated:
            return
        if not isinstance(self.decoder, TokenConditionDecoder):
            raise ValueError("e_branchformer_token_condition needs transformer_decoder_token_condition")
        conf = self.encoder.conf
        for key, value in zip(SCHEDULE_KEYS, conf["schedule"]):
            if self.decoder.schedule_conf.get(key, value) != value:
                raise ValueError("decoder_conf.%s differs from encoder_conf's" % key)
        for kind, found in zip(("languages", "tasks"), tokens_of(self.token_list)):
            conf[kind] = list(conf[kind] or found)
        self.rows = [
            {self.token_list.index(symbol): row for row, symbol in enumerate(conf[kind])}
            for kind in ("languages", "tasks")
        ]
        layers = (len(self.encoder.encoders), len(self.decoder.decoders))
        self.gate_shape = ((layers[0], len(ENCODER_MODULES)), (layers[1], len(DECODER_MODULES)))
        counts = [a * b for a, b in self.gate_shape]
        self.gate_predictor = gating.GatePredictor(
            self.encoder.output_size(),
            sum(counts),
            len(conf["languages"]),
            len(conf["tasks"]),
            conf["context_size"],
            conf["hidden_size"],
        )
        costs = None
        if conf["cost_table"]:
            costs = read_costs(conf["cost_table"], layers, (ENCODER_MODULES, DECODER_MODULES))
        self.gate_weights = gating.gate_weights(*counts, costs)
        self.register_buffer("gate_step", torch.zeros((), dtype=torch.long))
        self.context = None  # (languages, tasks), rows (B,); set before encode, -1 for an unknown one
        self.last_gates = None

    def schedule(self):
        """(tau, target sparsity) of the current step"""
        step, conf = int(self.gate_step), self.encoder.conf
        return gating.linear_ramp(step, *conf["tau"]), gating.linear_ramp(step, *conf["sparsity"])

    def set_context(self, text):
        """text (B, T): target ids that begin with language and task; None opens all gates."""
        if text is None:
            self.context = None
            return
        rows = []
        for at, known in zip((LANGUAGE_AT, TASK_AT), self.rows):
            rows.append(torch.tensor([known.get(int(t), -1) for t in text[:, at]], device=text.device))
        self.context = rows

    def _predict(self, pooled):
        """Sets the gates of all modules from the pooled input; a context with an unknown token is open."""
        languages, tasks = self.context
        known = (languages >= 0) & (tasks >= 0)
        logits = self.gate_predictor(pooled, languages.clamp_min(0), tasks.clamp_min(0))
        if self.training:
            noise = gating.gumbel_noise(logits.shape).to(logits.device)
            gates = gating.straight_through(logits, self.schedule()[0], noise)
        else:
            gates = gating.hard_gates(logits)
        gates = torch.where(known[:, None], gates, torch.ones_like(gates))
        self.last_gates, self.last_known = gates, known
        cut = self.gate_shape[0][0] * self.gate_shape[0][1]
        stacks = (gates[:, :cut], self.encoder.encoders, ENCODER_MODULES)
        set_gates(stacks[1], stacks[2], stacks[0].unflatten(1, self.gate_shape[0]))
        decoder_gates = gates[:, cut:].unflatten(1, self.gate_shape[1])
        set_gates(self.decoder.decoders, DECODER_MODULES, decoder_gates)

    def encode(self, speech, speech_lengths):
        if self.gated:
            set_gates(self.encoder.encoders, ENCODER_MODULES, None)
            set_gates(self.decoder.decoders, DECODER_MODULES, None)
            self.last_gates = None
            self.encoder.on_embedded = None if self.context is None else self._predict
        return super().encode(speech, speech_lengths)

    def forward(self, speech, speech_lengths, text, text_lengths, **kwargs):
        if not self.gated:
            return super().forward(speech, speech_lengths, text, text_lengths, **kwargs)
        self.set_context(text)
        loss, stats, weight = super().forward(speech, speech_lengths, text, text_lengths, **kwargs)
        tau, target = self.schedule()
        share = gating.closed_share(self.last_gates, self.gate_weights.to(loss.device))
        if self.last_known.any():
            penalty = gating.sparsity_penalty(share[self.last_known], target)
            loss = loss + self.encoder.conf["weight"] * penalty
        stats.update(loss=loss.detach(), closed=share.mean().detach(), target=target, tau=tau)
        if self.training:
            self.gate_step += 1
        return force_gatherable((loss, stats, len(speech)), loss.device)


def register():
    """Adds the names to ESPnet's S2T task; "espnet" becomes the model that knows both."""
    s2t.encoder_choices.classes["e_branchformer_token_condition"] = TokenConditionEncoder
    s2t.decoder_choices.classes["transformer_decoder_token_condition"] = TokenConditionDecoder
    s2t.model_choices.classes["espnet"] = TokenConditionModel
