"""How much each gate matters to each context, measured while all are open: where gates start.

The squared derivative of a clip's loss by its gate (the diagonal of the Fisher matrix for mask
variables) comes with training for nothing. A predictor fitted to it starts its search near a
sensible mask; with a few hundred updates, it would not find one from noise alone.
"""

import torch
from torch.nn import functional as F

from training.gates import CLOSED, OPEN

PRIOR_CLIPS = 20  # a context with this many clips is half its own, half the average of all


class GateImportance:
    """Sums per (context, gate); `contexts` counts (language, task) pairs."""

    def __init__(self, contexts, gates):
        self.sums, self.clips = torch.zeros(contexts, gates), torch.zeros(contexts)

    def add(self, batch_contexts, gradients, loss_tokens, clip_tokens):
        """gradients (B, gates): of a mean over loss_tokens (int); clip_tokens (B,) of each clip."""
        of_clip = gradients.detach() * loss_tokens
        squared = of_clip.square() / clip_tokens.clamp_min(1)[:, None]
        self.sums.index_add_(0, batch_contexts, squared)
        self.clips.index_add_(0, batch_contexts, torch.ones(len(squared)))

    def state(self):
        return {"sums": self.sums, "clips": self.clips}

    def restore(self, state):
        self.sums, self.clips = state["sums"], state["clips"]

    def per_context(self):
        """(contexts, gates): mean squares, drawn towards the mean of all clips where few were seen."""
        overall = self.sums.sum(0) / self.clips.sum().clamp_min(1)
        return (self.sums + PRIOR_CLIPS * overall) / (self.clips + PRIOR_CLIPS)[:, None]

    def start_logits(self, weights, ablation=None, margin=3.0, spread=2.5):
        """(contexts, gates) of open minus closed logits: `margin` on average, high where importance
        per weight (cost) is high. Their standard deviation over a context's gates is `spread`.

        ablation (gates,): the loss that closing each gate alone adds, all contexts together. A first
        derivative does not see that a module holds the rest up; with an ablation the derivatives
        only say by how much a context differs from the others.
        """
        worth = (self.per_context() + 1e-12).log()
        if ablation is not None:
            overall = (self.sums.sum(0) / self.clips.sum().clamp_min(1) + 1e-12).log()
            worth = ablation.clamp_min(1e-3).log() + 0.5 * (worth - overall)
        worth = worth - (weights + 1e-12).log()
        centred = worth - worth.mean(1, keepdim=True)
        return margin + spread * centred / centred.std(1, keepdim=True).clamp_min(1e-6)


def at_budget(start, weights, budget, clearance=0.75):
    """`start` (contexts, gates) moved, each context by itself, so that its arg-max gates close
    `budget` of the weights; then every logit steps `clearance` away from the fence."""
    moved = []
    for row in start:
        shares = [(abs(float(weights[row <= t].sum()) - budget), float(t)) for t in row]
        fence = min(shares)[1]
        above = row[row > fence]
        fence = (fence + float(above.min())) / 2 if len(above) else fence
        moved.append(row - fence + clearance * (row - fence).sign())
    return torch.stack(moved)


def fit_predictor(predictor, pooled, tasks, start, steps=400):
    """Trains a predictor to give `start` (contexts, gates) whatever clip it sees. pooled (N, D)"""
    optimiser = torch.optim.Adam(predictor.parameters(), lr=3e-3)
    contexts = torch.arange(len(start))
    for step in range(steps):
        rows = pooled[torch.randint(len(pooled), (len(start),))]
        z = predictor.raw(rows, contexts // tasks, contexts % tasks)
        loss = F.mse_loss(z[..., OPEN] - z[..., CLOSED], start)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return float(loss.detach())
