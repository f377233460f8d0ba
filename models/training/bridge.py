"""A linear map between the encoder's output and the decoder's keys and values, trained and folded away."""

import torch
from torch import nn


class Bridge(nn.Module):
    """x + (Dx + c), D and c zero at first: between the encoder's output and the decoder's keys and values.

    Closed encoder modules leave the output turned and scaled, which a linear map undoes at once and
    training slowly. A pack has it inside the weights of keys and values (fold_bridge).
    """

    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x):
        return x + self.linear(x)

    @torch.no_grad()
    def fit(self, inputs, targets, ridge=0.01):
        """To the least squares of targets (N, D) from inputs (N, D)."""
        means = inputs.mean(0), targets.mean(0)
        x, y = inputs - means[0], targets - means[1]
        gram = x.T @ x
        gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
        change = torch.linalg.solve(gram, x.T @ (y - x)).T
        self.linear.weight.copy_(change)
        self.linear.bias.copy_(means[1] - means[0] - change @ means[0])


@torch.no_grad()
def folded(model, rank):
    """{parameter's name: tensor}: `a` and `b` of the keys' and values' weights with the bridge in them,
    and the values' biases. rank: of the factors, which are no longer those that trained.

    Keys lose what the bridge adds to all of them alike: attention does not see it.
    """
    change, found = model.bridge.linear, {}
    for i, layer in enumerate(model.decoder.layers):
        for part in ("k_proj", "v_proj"):
            linear = getattr(layer.encoder_attn, part)
            own = linear.b @ linear.a
            whole = linear.weight + own
            left, sizes, right = torch.linalg.svd(own + whole @ change.weight, full_matrices=False)
            root = sizes[:rank].sqrt()
            name = "model.decoder.layers.%d.encoder_attn.%s." % (i, part)
            found[name + "a"] = root[:, None] * right[:rank]
            found[name + "b"] = left[:, :rank] * root
            if part == "v_proj":
                found[name + "bias"] = linear.bias + whole @ change.bias
    return found
