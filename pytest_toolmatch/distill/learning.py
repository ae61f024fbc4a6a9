"""The training of a student: from a start, on examples, until its teacher's turns get no likelier on validation."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.distill.batches import pack
from pytest_toolmatch.distill.checkpoint import save_checkpoint
from pytest_toolmatch.distill.plan import Plan
from pytest_toolmatch.distill.stopping import asked_to_stop
from pytest_toolmatch.distill.targets import Unreachable, encode
from pytest_toolmatch.distill.train import batches
from pytest_toolmatch.pocket.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.distill.batches import Lexicon, Packed
    from pytest_toolmatch.distill.examples import Example
    from pytest_toolmatch.distill.learner import Learner
    from pytest_toolmatch.distill.start import Start

CHECKS = 20
"""How often a run looks at its validation examples, at most."""

FEWEST_STEPS = 600
_RATE, _RATE_FROM_SCRATCH = 1.5e-3, 2e-3
_PATIENCE = 6
"""Checks without a better student, once the rate falls; before, a good start gets worse before it gets better."""

_LARGEST_BATCH, _SMALLEST_BATCH = 32, 8


class Stopped(Exception):  # noqa: N818 - what happened
    """Ctrl-C: the best so far is in the trainer, and the run can go on from its checkpoint."""


class Encodable(NamedTuple):
    """Examples as arrays, and how many turns the model has no way to say."""

    packed: list[Packed]
    unreachable: int


def encoded(examples: Sequence[Example], lexicon: Lexicon) -> Encodable:
    """Return the examples as arrays; those that the model can't say are counted."""
    packed: list[Packed] = []
    boxes: dict[int, Toolbox] = {}
    for example in examples:
        if id(example.tools) not in boxes:
            boxes[id(example.tools)] = Toolbox(example.tools)
        with contextlib.suppress(Unreachable):
            packed.append(pack(encode(example, boxes[id(example.tools)]), lexicon))
    return Encodable(packed, len(examples) - len(packed))


def plan_for(start: Start, turns: int, *, epochs: float, seed: int, device: str) -> Plan:
    """Return how to train on so many turns: slower from a start that is worth keeping."""
    batch = min(_LARGEST_BATCH, max(_SMALLEST_BATCH, turns // 8))
    return Plan(
        shape=start.shape,
        steps=max(FEWEST_STEPS, math.ceil(epochs * turns / batch)),
        seed=seed,
        rate=_RATE_FROM_SCRATCH if start.scratch else _RATE,
        batch=batch,
        patience=_PATIENCE,
        device=device,
    )


def learn(trainer: Learner, train: Sequence[Packed], validation: Sequence[Packed], folder: Path) -> Iterator[str]:
    """Train to the end of the plan, or until the student gets no better; yields how far it is.

    Raises Stopped after Ctrl-C, ConfigError where the disk does not take the checkpoint.
    """
    plan, progress = trainer.plan, trainer.progress
    every = max(1, plan.steps // CHECKS)
    if progress.step == 0:
        trainer.validate(validation)
        yield f"  step 0 of {plan.steps} · validation {progress.best:.3f}"
    source = batches([train], plan.batch, plan.seed)
    for _ in range(progress.step):
        next(source)
    started, first = time.monotonic(), progress.step
    with asked_to_stop() as asked:
        while progress.step < plan.steps and progress.stale < plan.patience:
            trainer.learn(next(source))
            due = progress.step % every == 0 or progress.step == plan.steps
            now = trainer.validate(validation) if due else 0.0
            if due or asked.is_set():
                save_checkpoint(trainer, folder)
            if asked.is_set():
                raise Stopped
            if due:
                each = (time.monotonic() - started) / (progress.step - first)
                yield _told(progress.step, plan.steps, now, progress.best, each * (plan.steps - progress.step))


def _told(step: int, steps: int, now: float, best: float, left: float) -> str:
    minutes, seconds = divmod(round(left), 60)
    rest = f" · {minutes}:{seconds:02} left" if step < steps else ""
    return f"  step {step} of {steps} · validation {now:.3f} (best {best:.3f}){rest}"
