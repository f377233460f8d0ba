"""Gates of the demo model: drawn budgets, sampled gates and their penalty in training; arg-max after it.

A gated run starts from a dense one and goes on with all weights, so that one set of weights serves
every budget: a batch draws one of them, or none. Encoder and decoder each meet the budget, for else the
dearer encoder saves for both; half of the batches close the gates of only one of them, so that each
also stands alone. docs/gates.md says what a budget is.
"""

import torch

from training import gates as gating
from training.costs import read_costs
from training.demo.clips import LANGUAGES
from training.demo.model import DECODER_MODULES, ENCODER_MODULES, GATES, LAYERS
from training.demo.vocabulary import TASKS

ROWS = ["other", *LANGUAGES.values()]  # languages of the predictor; the first is for any other
PENALTY = 10.0
UNNAMED = 0.1  # share of the items whose language the predictor is not told
RAMP, QUIET = 0.4, 0.75  # shares of a run: the target is reached; from here on no noise
PREDICTOR_RATE = 4.0  # times the other weights' rate


def key_of(budget):
    """The predictor's name in DemoModel.predictors."""
    return "%d" % round(100 * budget)


def new_predictors(width, budgets):
    """Name -> GatePredictor"""
    counts = width, sum(GATES), len(ROWS), len(TASKS)
    return {key_of(budget): gating.GatePredictor(*counts) for budget in budgets}


def context_of(language, task):
    """(row of the language, row of the task)"""
    return ROWS.index(LANGUAGES[language]), TASKS.index(task)


class Gating:
    """budgets: of the predictors, each the share to be closed of what all gates cost together.

    costs_path: a cost table; None: the paper's count.
    """

    def __init__(self, budgets, costs_path, total):
        self.budgets, self._total = budgets, total
        modules = ENCODER_MODULES, DECODER_MODULES
        costs = read_costs(costs_path, LAYERS, modules) if costs_path else None
        self.weights = gating.gate_weights(*GATES, costs)
        self._budget, self._open, self._chosen, self._contexts = None, None, None, None

    def closed(self, gates):
        """(B, gates) -> the closed share, over the batch."""
        return gating.closed_share(gates, self.weights).mean().item()

    def chooser(self, model, contexts, update, rng):
        """For DemoModel.encode in training: draws a budget, or none (then None); sampled gates."""
        self._budget, self._chosen = rng.choice([None, *self.budgets]), None
        if self._budget is None:
            return None
        self._open = rng.choice([None, None, *range(len(GATES))])
        contexts = contexts.clone()
        for row in contexts:
            if rng.random() < UNNAMED:
                row[0] = 0
        self._contexts = contexts
        _, tau = gating.ramp_then_cool(update, self._total, RAMP)
        predictor = model.predictors[key_of(self._budget)]

        def choose(pooled):
            logits = predictor(pooled.detach().float(), *contexts.T)
            noise = gating.gumbel_noise(logits.shape) if update < QUIET * self._total else None
            self._chosen = list(gating.straight_through(logits, tau, noise).split(GATES, 1))
            stacks = list(self._chosen)
            if self._open is not None:
                stacks[self._open] = torch.ones_like(stacks[self._open])
            return torch.cat(stacks, 1)

        return choose

    def penalty(self, update):
        """Of the gates that were chosen last and used: the mean of encoder's and decoder's."""
        if self._chosen is None:
            return 0.0
        reached, _ = gating.ramp_then_cool(update, self._total, RAMP)
        ids = self._contexts[:, 0] * len(TASKS) + self._contexts[:, 1]
        losses = []
        for stack, (gates, weights) in enumerate(zip(self._chosen, self.weights.split(GATES))):
            if stack != self._open:
                share = gating.closed_share(gates, weights / weights.sum())
                losses.append(gating.sparsity_penalty(share, reached * self._budget, ids))
        return PENALTY * sum(losses) / len(losses)


def hard_chooser(model, contexts, budget, seen=None):
    """For DemoModel.encode at inference; appends the gates to the list `seen`."""
    predictor = model.predictors[key_of(budget)]

    def choose(pooled):
        gates = gating.hard_gates(predictor.raw(pooled.float(), *contexts.T))
        if seen is not None:
            seen.append(gates)
        return gates

    return choose


@torch.no_grad()
def fit_inputs(model, batches):
    """Sets the normalisation of all predictors by the pooled inputs of `batches`."""
    pooled = []

    def record(vectors):
        pooled.append(vectors.float())
        return None

    for batch in batches:
        model.encode(batch.x, batch.lengths, record)
    for predictor in model.predictors.values():
        predictor.fit_input(torch.cat(pooled))
