"""Gates: the predictor of spec/owsm.md section 11, straight-through sampling, schedules, penalty.

A gate has two logits, index 0 closed and 1 open; the larger one wins, a tie is closed.
"""

import torch
from torch import nn
from torch.nn import functional as F

CLOSED, OPEN = 0, 1
LOGIT_BOUND = 4.0  # an unbounded logit saturates, and its gate never moves again
POOLED_SCALE = 0.3  # the context must be audible beside hundreds of pooled channels


class GatePredictor(nn.Module):
    """Pooled stem output, language and task -> logits (B, gates, 2), bounded.

    `fit_input` sets the mean and spread that the pooled vector is normalised with; export folds them
    into the first layer. use_context=False is the control: language and task go unseen.
    """

    def __init__(self, width, gates, languages, tasks, context=16, hidden=64, use_context=True):
        super().__init__()
        self.language_embedding = nn.Embedding(languages, context)
        self.task_embedding = nn.Embedding(tasks, context)
        self.mlp = nn.Sequential(
            nn.Linear(width + 2 * context, hidden), nn.ReLU(), nn.Linear(hidden, 2 * gates)
        )
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.use_context = use_context
        for embedding in (self.language_embedding, self.task_embedding):
            nn.init.normal_(embedding.weight, std=2.0)
        nn.init.normal_(self.mlp[2].weight, std=0.1)
        with torch.no_grad():  # open with a margin of 2: about nine in ten at the start
            self.mlp[2].bias.view(gates, 2)[:, CLOSED] = -1.0
            self.mlp[2].bias.view(gates, 2)[:, OPEN] = 1.0

    def fit_input(self, pooled):
        """pooled: (clips, width) of training clips"""
        self.mean.copy_(pooled.mean(0))
        self.spread.copy_(pooled.std(0).clamp_min(1e-3) / POOLED_SCALE)

    def raw(self, pooled, language, task):
        """Unbounded logits (B, gates, 2), what the runtime computes: the same winner."""
        context = torch.cat([self.language_embedding(language), self.task_embedding(task)], -1)
        if not self.use_context:
            context = torch.zeros_like(context)
        z = self.mlp(torch.cat([(pooled - self.mean) / self.spread, context], -1))
        return z.unflatten(-1, (-1, 2))

    def forward(self, pooled, language, task):
        z = self.raw(pooled, language, task)
        return LOGIT_BOUND * torch.tanh(z / LOGIT_BOUND)

    def shift_open(self, offset):
        """Adds `offset` to every open logit: the calibration of the arg-max gates."""
        with torch.no_grad():
            self.mlp[2].bias.view(-1, 2)[:, OPEN] += offset


def gumbel_noise(shape, generator=None):
    uniform = torch.rand(shape, generator=generator).clamp(1e-6, 1 - 1e-6)
    return -torch.log(-torch.log(uniform))


def straight_through(logits, tau, noise=None):
    """(…, gates, 2) -> (…, gates): exactly 0 or 1 forward, the softmax's gradient backward.

    noise: Gumbel noise, whole for true samples, scaled down to look only at gates near the fence.
    """
    if noise is not None:
        logits = logits + noise
    soft = F.softmax(logits / tau, -1)[..., OPEN]
    hard = (logits[..., OPEN] > logits[..., CLOSED]).to(soft.dtype)
    return hard + soft - soft.detach()


def hard_gates(logits):
    """The gates at inference: arg-max without noise, a tie is closed."""
    return (logits[..., OPEN] > logits[..., CLOSED]).to(logits.dtype)


def linear_ramp(step, begin_value, end_value, steps):
    """From begin_value to end_value over `steps` steps, then constant."""
    share = min(1.0, step / steps) if steps > 0 else 1.0
    return begin_value + (end_value - begin_value) * share


def ramp_then_cool(step, total, ramp_share=0.4, tau_begin=1.0, tau_end=0.4):
    """(share of the target reached, tau): the target ramps at tau_begin, then tau falls.

    A tau that falls while the target still rises froze the gates (docs/gates.md).
    """
    ramp = max(1, int(total * ramp_share))
    reached = linear_ramp(step, 0.0, 1.0, ramp)
    return reached, linear_ramp(step - ramp, tau_begin, tau_end, total - ramp) if step > ramp else tau_begin


def gate_weights(encoder_gates, decoder_gates, costs=None):
    """(gates,) weights that sum to 1: what closing each gate counts.

    Without costs the paper's: encoder and decoder count half each, their gates alike.
    costs: sequence of non-negative numbers, encoder's gates first.
    """
    if costs is not None:
        weights = torch.as_tensor(costs, dtype=torch.float32)
        return weights / weights.sum()
    half = [0.5 / encoder_gates] * encoder_gates + [0.5 / decoder_gates] * decoder_gates
    return torch.tensor(half)


def closed_share(gates, weights):
    """(B, gates) -> (B,)"""
    return ((1 - gates) * weights).sum(-1)


def sparsity_penalty(share, target, contexts=None):
    """|s - t| + (s - t)², of each context's mean share, averaged over the contexts of the batch.

    A context may then choose its modules, but not live off another's savings. contexts: (B,) ids;
    None: the batch is one context. The square alone is flat at the target, the absolute value
    alone did not reach it.
    """
    if contexts is None:
        contexts = torch.zeros(len(share), dtype=torch.long)
    total = share.new_zeros(())
    for context in contexts.unique():
        of_context = contexts == context
        gap = share[of_context].mean() - target
        total = total + (gap.abs() + gap * gap) * of_context.float().mean()
    return total
