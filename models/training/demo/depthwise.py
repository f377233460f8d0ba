"""A depthwise convolution over time for training on a CPU.

PyTorch's own took a sixth of an encoder's update at the demo's size (profiled on AVX2, one thread);
a sum of shifted products takes little of that.
"""

import torch


class _ShiftedProducts(torch.autograd.Function):
    """x (B, T + K - 1, C), already padded; weight (K, C) -> (B, T, C)"""

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        steps = x.shape[1] - len(weight) + 1
        out = bias.expand(x.shape[0], steps, -1).clone()
        for j, row in enumerate(weight):
            out.addcmul_(x[:, j : j + steps], row)
        return out

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        steps = grad.shape[1]
        grad = grad.contiguous()
        to_x, to_weight = torch.zeros_like(x), torch.empty_like(weight)
        for j, row in enumerate(weight):
            to_x[:, j : j + steps].addcmul_(grad, row)
            torch.sum(grad * x[:, j : j + steps], (0, 1), out=to_weight[j])
        return to_x, to_weight, grad.sum((0, 1))


class DepthwiseConv(torch.nn.Conv1d):
    """Conv1d with one group a channel, stride 1, centred: the same parameters, names and result."""

    @classmethod
    def like(cls, conv):
        width, kernel = conv.in_channels, conv.kernel_size[0]
        made = cls(width, width, kernel, padding=conv.padding[0], groups=width)
        made.load_state_dict(conv.state_dict())
        return made

    def forward(self, x):
        """x (B, C, T) -> (B, C, T)"""
        pad = self.padding[0]
        padded = torch.nn.functional.pad(x.transpose(1, 2), (0, 0, pad, pad))
        rows = self.weight[:, 0].t().contiguous()
        return _ShiftedProducts.apply(padded, rows, self.bias).transpose(1, 2)
