"""Processes that train one network together: each learns from its part of every batch, all take the same step.

``torchrun --nproc-per-node 2 -m pytest_toolmatch.distill.train …`` starts them; alone, a training is a group of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import distributed

from pytest_toolmatch.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

T = TypeVar("T")


class Group:
    """The processes of one training; the first ``leads``: it alone validates, writes and prints."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size, self.leads = rank, size, rank == 0

    @classmethod
    def launched(cls, device: str) -> Group:
        """Return the group that torchrun has started, or this process alone.

        Raises ConfigError on a GPU, which one process has for itself.
        """
        if not distributed.is_torchelastic_launched():
            return cls()
        if device != "cpu":
            raise ConfigError(f"--device {device}: several processes share the work on a CPU; leave torchrun out")
        distributed.init_process_group("gloo")
        return cls(distributed.get_rank(), distributed.get_world_size())

    def leave(self) -> None:
        """End what holds the processes together."""
        if self.size > 1:
            distributed.destroy_process_group()

    def part(self, examples: Sequence[T]) -> Sequence[T]:
        """Return what this process learns from of a batch, one example at least."""
        return examples[self.rank :: self.size] or examples[:1]

    def share_gradients(self, network: nn.Module) -> None:
        """Replace each gradient by the mean over all processes."""
        if self.size > 1:
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
            flat = torch.cat([one.flatten() for one in gradients])
            distributed.all_reduce(flat)
            flat /= self.size
            parts = flat.split([one.numel() for one in gradients])
            for parameter, mean in zip(network.parameters(), parts, strict=True):
                parameter.grad = mean.view_as(parameter)

    def any(self, here: bool) -> bool:
        """Return whether it is so in one process at least."""
        return bool(self._sum(float(here)))

    def first(self, number: float) -> float:
        """Return the number that the first process has: its clock is everybody's."""
        return self._sum(number if self.leads else 0.0)

    def _sum(self, number: float) -> float:
        if self.size == 1:
            return number
        total = torch.tensor(number, dtype=torch.float64)
        distributed.all_reduce(total)
        return float(total)
