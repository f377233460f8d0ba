"""Gates of the demo model: drawn budgets, sampled gates and their price in training; arg-max after it.

A gated run starts from a dense one and goes on with all weights, so that one set of weights serves
every budget: a batch draws one of them, or none. A budget is a share of the time, all gates' or the
decoder's alone. The contexts meet it together: a closed gate is paid for at one price in all of them,
so that a context closes what it can best spare. Then the gates stand, and only the weights learn: left
to move they flip for ever at the budget's edge. docs/gates.md says what gates are.
"""

from typing import NamedTuple

import torch

from training import gates as gating
from training.costs import gateable_share, read_costs
from training.demo.clips import LANGUAGES
from training.demo.model import DECODER_MODULES, ENCODER_MODULES, GATES, LAYERS
from training.demo.vocabulary import TASKS

ROWS = ["other", *LANGUAGES.values()]  # languages of the predictor; the first is for any other
PULL, PRICE_RATE = 10.0, 0.05  # what a gap to the budget adds to the price: while it lasts, for good
SMOOTHED = 0.98  # running mean of the closed share, over batches of whatever contexts
UNNAMED = 0.1  # share of the items whose language the predictor is not told
RAMP, SETTLED = 0.3, 0.5  # shares of a run: the target is reached; from here on the gates stand
PREDICTOR_RATE = 4.0  # times the other weights' rate


class Budget(NamedTuple):
    """share: to be saved of the time, or of what the decoder's gates cost if of_decoder, the encoder's open."""

    share: float
    of_decoder: bool = False

    @property
    def name(self):
        """The predictor's in DemoModel.predictors."""
        return "decoder" * self.of_decoder + "%d" % round(100 * self.share)


def budget_named(name):
    """The Budget whose name this is."""
    return Budget(int(name.removeprefix("decoder")) / 100, name.startswith("decoder"))


def new_predictors(width, budgets):
    """Name -> GatePredictor"""
    counts = width, sum(GATES), len(ROWS), len(TASKS)
    return {budget.name: gating.GatePredictor(*counts) for budget in budgets}


def budget_weights(budget, costs_path=None):
    """(gates,) what closing each counts for a budget.

    costs_path: a cost table: a gate's part of the whole time. None: the paper's count.
    """
    modules = ENCODER_MODULES, DECODER_MODULES
    costs = read_costs(costs_path, LAYERS, modules) if costs_path else None
    weights = gating.gate_weights(*GATES, costs)
    if budget.of_decoder:
        weights[: GATES[0]] = 0.0
        return weights / weights.sum()
    return weights * (gateable_share(costs_path, costs) if costs_path else 1.0)


def context_of(language, task):
    """(row of the language, row of the task)"""
    return ROWS.index(LANGUAGES[language]), TASKS.index(task)


class Gating:
    """budgets: Budgets, one a predictor. The gates stand from `settled` updates on."""

    def __init__(self, budgets, costs_path, total):
        self.budgets, self._total = budgets, total
        self.settled = SETTLED * total
        self.weights = {budget: budget_weights(budget, costs_path) for budget in budgets}
        self._shares = dict.fromkeys(budgets, 0.0)  # closed, running means
        self._prices = dict.fromkeys(budgets, 0.0)
        self._budget = self._chosen = None

    def state(self):
        prices = {b.name: (self._shares[b], self._prices[b]) for b in self.budgets}
        return {"prices": prices, "settled": self.settled}

    def restore(self, state):
        for budget in self.budgets:
            self._shares[budget], self._prices[budget] = state["prices"][budget.name]
        self.settled = state["settled"]

    def closed(self, gates, budget):
        """(B, gates) -> the share that they close, over the batch."""
        return gating.closed_share(gates, self.weights[budget]).mean().item()

    def chooser(self, model, contexts, update, rng):
        """For DemoModel.encode in training: draws a budget, or none (then None); sampled gates."""
        self._budget, self._chosen = rng.choice([None, *self.budgets, *self.budgets]), None
        if self._budget is None:
            return None
        contexts = contexts.clone()
        for row in contexts:
            if rng.random() < UNNAMED:
                row[0] = 0
        if update >= self.settled:
            choose = hard_chooser(model, contexts, self._budget)
            return torch.no_grad()(choose)
        _, tau = gating.ramp_then_cool(update, self._total, RAMP)
        predictor = model.predictors[self._budget.name]

        def choose_sampled(pooled):
            logits = predictor(pooled.detach().float(), *contexts.T)
            gates = gating.straight_through(logits, tau, gating.gumbel_noise(logits.shape))
            self._chosen = gates = within(self._budget, gates)
            return gates

        return choose_sampled

    def penalty(self, update):
        """Of the gates that were chosen last, to be added to the loss.

        What is closed is paid for at a price that rises while it is too little and falls while it
        is too much. (A penalty on each batch's own gap would hold every context to the budget,
        and swings instead of weighing one gate against another.)
        """
        if self._chosen is None:
            return 0.0
        budget = self._budget
        reached, _ = gating.ramp_then_cool(update, self._total, RAMP)
        share = gating.closed_share(self._chosen, self.weights[budget]).mean()
        self._shares[budget] = SMOOTHED * self._shares[budget] + (1 - SMOOTHED) * share.item()
        gap = reached * budget.share - self._shares[budget]
        self._prices[budget] += PRICE_RATE * gap
        return -(self._prices[budget] + PULL * gap) * share


def within(budget, gates):
    """Gates (B, gates) with those open that the budget is not about."""
    if not budget.of_decoder:
        return gates
    return torch.cat([torch.ones_like(gates[:, : GATES[0]]), gates[:, GATES[0] :]], 1)


def hard_chooser(model, contexts, budget, seen=None):
    """For DemoModel.encode at inference; appends the gates to the list `seen`."""
    predictor = model.predictors[budget.name]

    def choose(pooled):
        gates = within(budget, gating.hard_gates(predictor.raw(pooled.float(), *contexts.T)))
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
