"""One mask for every context, the baselines that gates must beat."""

import random

import torch


def static_mask(open_share, weights, closed_cost):
    """Closes the gates that are open least often, until `closed_cost` of the weights is closed.

    open_share, weights: (gates,). A gate that would overshoot by more than it helps is skipped.
    """
    order = sorted(range(len(weights)), key=lambda g: (float(open_share[g]), -float(weights[g])))
    return _close(order, weights, closed_cost)


def random_mask(weights, closed_cost, seed):
    order = list(range(len(weights)))
    random.Random(seed).shuffle(order)
    return _close(order, weights, closed_cost)


def _close(order, weights, closed_cost):
    mask, closed = torch.ones(len(weights)), 0.0
    for gate in order:
        weight = float(weights[gate])
        if abs(closed + weight - closed_cost) < abs(closed - closed_cost):
            mask[gate] = 0.0
            closed += weight
    return mask
