"""One offset a predictor, so that the arg-max gates, not only the sampled ones, meet the budget."""

import torch

from training.gates import CLOSED, OPEN


def context_margins(predictor, pooled, contexts, tasks):
    """(contexts, clips, gates): open minus closed logits of every clip in every context."""
    margins = []
    with torch.no_grad():
        for context in contexts:
            row = torch.full((len(pooled),), context)
            z = predictor.raw(pooled, row // tasks, row % tasks)
            margins.append(z[..., OPEN] - z[..., CLOSED])
    return torch.stack(margins)


def offset_for(margins, weights, budget):
    """What to add to the open logits so that the mean closed share comes nearest to `budget`.

    The share is a step function of the offset: the candidates are the steps themselves.
    """
    steps = (-margins).flatten().unique()
    low, high = 0, len(steps) - 1
    candidates = torch.cat([steps[:1] - 1, (steps[1:] + steps[:-1]) / 2, steps[-1:] + 1])
    low, high = 0, len(candidates) - 1
    while low < high:  # the share falls as the offset rises
        middle = (low + high) // 2
        if mean_closed(margins, candidates[middle], weights) > budget:
            low = middle + 1
        else:
            high = middle
    around = [c for c in (low - 1, low) if c >= 0]
    return min(
        (candidates[c] for c in around),
        key=lambda c: abs(mean_closed(margins, c, weights) - budget),
    ).item()


def mean_closed(margins, offset, weights):
    """Closed share of the weights when `offset` is added, over contexts and clips alike."""
    return float((((margins + offset) <= 0).float() * weights).sum(-1).mean())
