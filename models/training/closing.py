"""Closing module after module while training heals the model: which gates each context gives up first.

A fixed mask heals far faster than a moving one. So gates are not sampled: every so many updates each
context closes those modules whose loss is the least for the time that they save, by an ablation of
the model as it is at that moment. The order is kept, hence a smaller budget is a part of a larger one.
"""

import torch
from torch.nn import functional as F

from training.gates import CLOSED, OPEN

OWN_SHARE = 0.4  # of a context's ablation; the rest is the mean of all, for few clips are noisy
LEAST_LOSS = 0.003  # nats a token: what is less than that is noise
LEAST_WEIGHT = 0.01  # of the cost: a decoder that gives up its self-attention saves nothing, and is lost
OVERSHOOT = 0.01  # of the share that a context closes
CLEARANCE = 0.75  # of a fitted logit from the fence


class ClosingOrder:
    """For each context the gates in the order in which they close. weights (gates,) sum to 1."""

    def __init__(self, contexts, weights):
        self._weights = weights
        self._closed = [[] for _ in range(contexts)]

    def state(self):
        return self._closed

    def restore(self, state):
        self._closed = state

    def may_close(self):
        """(gates,) of bool"""
        return self._weights >= LEAST_WEIGHT

    def close_to(self, share, added):
        """Closes more gates until each context's share is near `share`, over it by OVERSHOOT at most.

        added (contexts, gates): loss that closing each gate adds.
        """
        for closed, losses in zip(self._closed, added):
            worth = losses.clamp_min(LEAST_LOSS) / self._weights
            for gate in worth.argsort().tolist():
                gap, weight = share - float(self._weights[closed].sum()), float(self._weights[gate])
                nearer = abs(gap - weight) < abs(gap) and weight < gap + OVERSHOOT
                if gate not in closed and nearer and self.may_close()[gate]:
                    closed.append(gate)

    def mask(self, context, share):
        """(gates,) of 0 and 1: the context's first gates, up to nearest to `share`."""
        mask, gap = torch.ones(len(self._weights)), share
        for gate in self._closed[context]:
            if abs(gap - float(self._weights[gate])) >= abs(gap):
                break
            mask[gate] = 0.0
            gap -= float(self._weights[gate])
        return mask

    def masks(self, contexts, share):
        """(B, gates) of contexts (B,)"""
        return torch.stack([self.mask(c, share) for c in contexts.tolist()])

    def logits(self, share):
        """(contexts, gates) of open minus closed logits that the masks of `share` are the signs of;
        the sooner a gate closes, the lower."""
        rows = []
        for context, closed in enumerate(self._closed):
            mask, row, gap = self.mask(context, share), torch.full((len(self._weights),), 3.0), share
            for gate in closed:
                row[gate] = min(2.0, max(-2.0, -4.0 * gap / share))
                gap -= float(self._weights[gate])
            sign = 2 * mask - 1
            rows.append(sign * (CLEARANCE + (row * sign).clamp_min(0.0)))
        return torch.stack(rows)


@torch.no_grad()
def added_losses(model, batches, masks, loss_of, wanted):
    """(contexts, gates): what closing each gate adds to the loss, beside those closed in `masks`.

    batches: context -> Batch of that context alone; masks (contexts, gates); loss_of(batch, hidden);
    wanted (gates,): whether a gate is to be measured at all.
    Contexts without a batch get the mean. A closed gate adds nothing.
    """
    added = torch.zeros(masks.shape)
    for context, batch in batches.items():
        mask = masks[context]
        with torch.autocast("cpu", torch.bfloat16):
            stem = model.encoder.stem(batch.mel)
            encoded = model.encoder(stem, _rows(model, mask, 1)[0])

        def loss(mask, encoded, batch=batch):
            gates = _rows(model, mask, 1)[1]
            with torch.autocast("cpu", torch.bfloat16):
                hidden = model.decoder(batch.ids, model.decoder.memory(encoded, gates), gates)
            return float(loss_of(batch, hidden.float()))

        before = loss(mask, encoded)
        for gate in range(masks.shape[1]):
            if mask[gate] and wanted[gate]:
                without = mask.clone()
                without[gate] = 0.0
                changed = encoded
                encoder_gates = _rows(model, without, 1)[0]
                if gate < encoder_gates[0].numel():
                    with torch.autocast("cpu", torch.bfloat16):
                        changed = model.encoder(stem, encoder_gates)
                added[context, gate] = loss(without, changed) - before
    own = list(batches)
    mean = added[own].sum(0) / masks[own].sum(0).clamp_min(1)  # a closed gate was not measured
    mixed = mean.expand_as(added).clone()
    mixed[own] = OWN_SHARE * added[own] + (1 - OWN_SHARE) * mean
    return mixed


def _rows(model, mask, count):
    return model.split_gates(mask.expand(count, -1))


def fit_predictor(predictor, pooled, tasks, wanted, steps=400):
    """Trains a predictor to give `wanted` (contexts, gates) whatever clip it sees. pooled (N, D)"""
    optimiser = torch.optim.Adam(predictor.parameters(), lr=3e-3)
    contexts = torch.arange(len(wanted))
    for _ in range(steps):
        rows = pooled[torch.randint(len(pooled), (len(wanted),))]
        z = predictor.raw(rows, contexts // tasks, contexts % tasks)
        loss = F.mse_loss(z[..., OPEN] - z[..., CLOSED], wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return float(loss.detach())
