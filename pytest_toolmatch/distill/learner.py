"""A network on its way to do as its teacher does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from pytest_toolmatch.distill.batches import Lexicon, Packed, length
from pytest_toolmatch.distill.checkpoint import resume
from pytest_toolmatch.distill.optimisers import one_core
from pytest_toolmatch.distill.targets import RIGHT, TOOL_WEIGHT
from pytest_toolmatch.distill.train import Trainer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_toolmatch.distill.plan import Plan
    from pytest_toolmatch.distill.start import Start

_CHECKED_AT_ONCE = 64


class Learner(Trainer):
    """A trainer that asks of its student what its teacher does, not what is right."""

    def validate(self, examples: Sequence[Packed]) -> float:
        """Return how likely the averaged network is to do as the teacher, and keep the best."""
        ours = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.average)
        likely = self.likely(examples)
        self.network.load_state_dict(ours)
        self.keep_if_better(likely)
        return likely

    @torch.no_grad()
    def likely(self, examples: Sequence[Packed]) -> float:
        """Return the probability that a turn drawn from the network is the teacher's: a mean by the turns' weights."""
        self.network.eval()
        order = sorted(examples, key=length)
        chances: list[float] = []
        for at in range(0, len(order), _CHECKED_AT_ONCE):
            batch = self._batch(order[at : at + _CHECKED_AT_ONCE])
            right = torch.logsumexp(self.network(batch).masked_fill(batch["target"] != RIGHT, -math.inf), -1)
            chances += right.where(batch["weights"] > 0, 0.0).sum(-1).exp().tolist()
        self.network.train()
        return float(np.average(chances, weights=[one.weights[0] / TOOL_WEIGHT for one in order]))


def learner(plan: Plan, lexicon: Lexicon, start: Start, folder: Path) -> Learner:
    """Return a trainer at the start, or where the run in ``folder`` stopped; ConfigError for that of another plan."""
    one_core()
    state = {name: torch.from_numpy(np.array(value)) for name, value in start.arrays.items()}
    trainer = Learner(plan, lexicon, state)
    resume(trainer, folder)
    for part in ("average", "best"):
        setattr(trainer, part, {name: value.to(plan.device) for name, value in getattr(trainer, part).items()})
    return trainer
