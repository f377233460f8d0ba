"""Several single-threaded trainers on one machine that agree on every update.

Each draws batches of its own; gradients and the loss that decides the stage are averaged by gloo,
so all hold the same weights. Two threads in one process bring little at the demo's size.
"""

import torch
import torch.distributed as dist


class Alone:
    rank, count = 0, 1

    def average(self, parameters, value):
        """Averages the gradients of `parameters` in place; returns the averaged `value`."""
        return value


    def any(self, flag):
        """Whether `flag` is true for one of the workers, the same answer for all."""
        return bool(flag)

    def wait(self):
        """Returns when all have come here."""


class Workers(Alone):
    """`meeting`: a file name that all workers share and that does not exist yet."""

    def __init__(self, rank, count, meeting):
        self.rank, self.count = rank, count
        dist.init_process_group("gloo", "file://" + meeting, rank=rank, world_size=count)

    def average(self, parameters, value):
        grads = [p.grad for p in parameters if p.grad is not None]  # the stage's, on every worker
        flat = torch.cat([torch.tensor([value]), *(g.flatten() for g in grads)])
        dist.all_reduce(flat)
        flat /= self.count
        parts = flat[1:].split([g.numel() for g in grads])
        for grad, part in zip(grads, parts):
            grad.copy_(part.view_as(grad))
        return float(flat[0])


    def any(self, flag):
        flags = torch.tensor([float(bool(flag))])
        dist.all_reduce(flags)
        return bool(flags[0])

    def wait(self):
        dist.barrier()


def launch(count, work, meeting):
    """Calls work(team) in `count` processes, or in this one if that is 1."""
    if count == 1:
        work(Alone())
        return
    torch.multiprocessing.spawn(_enter, (count, work, meeting), count)


def _enter(rank, count, work, meeting):
    team = Workers(rank, count, meeting)
    try:
        work(team)
    finally:
        dist.destroy_process_group()
