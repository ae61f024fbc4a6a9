"""Train a pocket model: ``python -m pytest_toolmatch.distill.train --size small --minutes 20 --seed 0 -o DIR``.

One thread on a CPU, or a GPU with ``--device cuda``; several cores with ``torchrun --nproc-per-node 2 -m
pytest_toolmatch.distill.train …``, one process for each. ``--steps`` makes a run repeatable to the last bit on one
platform; ``--minutes`` stops it by the clock. Ctrl-C keeps the best so far; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from pytest_toolmatch.core.errors import ConfigError, ToolmatchError
from pytest_toolmatch.distill.batches import Lexicon, Packed, collate, length, pack
from pytest_toolmatch.distill.checkpoint import resume, save_checkpoint
from pytest_toolmatch.distill.device import check_torch
from pytest_toolmatch.distill.examples import Example, is_test_request, is_validation
from pytest_toolmatch.distill.export import export
from pytest_toolmatch.distill.folder import make_folder
from pytest_toolmatch.distill.generator import generate
from pytest_toolmatch.distill.group import Group
from pytest_toolmatch.distill.network import NEVER, Network
from pytest_toolmatch.distill.optimisers import one_core, optimisers_of
from pytest_toolmatch.distill.plan import Plan, Progress
from pytest_toolmatch.distill.requests import demo_requests
from pytest_toolmatch.distill.shards import SHARD, Shards, source_digest
from pytest_toolmatch.distill.stopping import asked_to_stop
from pytest_toolmatch.distill.targets import ALLOWED, RIGHT, Encoded, encode_all
from pytest_toolmatch.pocket.config import SHAPES
from pytest_toolmatch.pocket.weights import manifest, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor


_WARM_UP = 200
_SHORTEST_LR = 0.03
_HOLD = 0.4
"""The share of a run that is trained at the full rate, before it falls to nearly nothing."""

_AVERAGED = 0.999
_CHECK_EVERY_S = 180.0
_VALIDATED = 1000
_ANSWERED, _CALLING = 3, 4
"""A shard has every third of the hand-written requests that nothing is called for, and every fourth of the others;
together they are a third of it."""


class Many(Protocol):
    """Lists of packed examples, each made or read when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Sequence[Packed]: ...


class Trainer:
    """One run: a network, its running average (which is what is kept), and the optimiser; alone, or one of a group."""

    def __init__(
        self, plan: Plan, lexicon: Lexicon, start: dict[str, Tensor] | None = None, group: Group | None = None
    ) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.lexicon, self.progress = plan, lexicon, Progress()
        self.group = group or Group()
        self.network = Network(plan.shape).to(plan.device)
        if start:
            self.network.load_state_dict(start)
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.best = self.average
        self.optimisers = optimisers_of(self.network, plan.rate)
        self.losses: deque[float] = deque(maxlen=200)

    def fraction(self) -> float:
        """Return how much of the run is over, from 0 to 1."""
        done = (
            self.progress.step / self.plan.steps
            if self.plan.steps
            else self.progress.seconds / (60 * self.plan.minutes)
        )
        return min(1.0, done)

    def learn(self, examples: Sequence[Packed]) -> None:
        """Take one step on a batch."""
        started = time.perf_counter()
        rng = np.random.default_rng((self.plan.seed, self.progress.step, self.group.rank))
        batch = self._batch(self.group.part(examples), rng)
        loss = loss_of(self.network(batch), batch)
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch
        self.group.share_gradients(self.network)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        rate = self._rate()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
        self.progress.step += 1
        self._keep_average()
        self.losses.append(float(loss.detach()))
        self.progress.seconds = self.group.first(self.progress.seconds + time.perf_counter() - started)

    def _rate(self) -> float:
        warm = min(1.0, (self.progress.step + 1) / _WARM_UP)
        fall = max(0.0, self.fraction() - _HOLD) / (1 - _HOLD)
        return self.plan.rate * warm * (_SHORTEST_LR + (1 - _SHORTEST_LR) * (1 - fall))

    @torch.no_grad()
    def _keep_average(self) -> None:
        step = self.progress.step
        keep = min(_AVERAGED, (1 + step) / (10 + step))
        now = self.network.state_dict()
        torch._foreach_lerp_([self.average[name] for name in now], list(now.values()), 1 - keep)

    def _batch(self, examples: Sequence[Packed], rng: np.random.Generator | None = None) -> dict[str, Any]:
        return {name: value.to(self.plan.device) for name, value in collate(examples, self.lexicon, rng).items()}

    def validate(self, examples: Sequence[Packed]) -> float:
        """Return the share of turns with every step right, by the averaged network; keeps the best."""
        ours = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.average)
        exact = float(np.mean(self.right(examples))) if examples else 0.0
        self.network.load_state_dict(ours)
        self.keep_if_better(exact)
        seen = self.progress.step * self.plan.batch
        loss = float(np.mean(self.losses)) if self.losses else float("nan")
        self.progress.curve.append((round(self.progress.seconds / 60, 2), self.progress.step, seen, loss, exact))
        return exact

    def keep_if_better(self, score: float) -> None:
        """Keep the averaged network where none was better, of equals the later, which was trained at a lower rate.

        How long none got better counts from when the rate falls.
        """
        better = score > self.progress.best
        self.progress.stale = 0 if better or self.fraction() < _HOLD else self.progress.stale + 1
        if score >= self.progress.best:
            self.progress.best = score
            self.best = {name: value.clone() for name, value in self.average.items()}

    @torch.no_grad()
    def right(self, examples: Sequence[Packed]) -> list[bool]:
        """Return for each example whether the likeliest place is right in all of its steps."""
        self.network.eval()
        order = sorted(range(len(examples)), key=lambda i: length(examples[i]))
        found = [False] * len(examples)
        for at in range(0, len(order), 64):
            rows = order[at : at + 64]
            batch = self._batch([examples[i] for i in rows])
            hit = batch["target"].gather(-1, self.network(batch).argmax(-1, keepdim=True))[..., 0] == RIGHT
            for row, good in zip(rows, (hit | (batch["weights"] == 0)).all(-1).tolist(), strict=True):
                found[row] = good
        self.network.train()
        return found


def loss_of(logs: Tensor, batch: dict[str, Any]) -> Tensor:
    """Return the weighted mean of the cross-entropy; any right place will do. ``logs``: batch × steps × places."""
    right = torch.logsumexp(logs.masked_fill(batch["target"] != RIGHT, NEVER), -1)
    several = (batch["target"] >= ALLOWED).sum(-1) > 1  # where there is no choice, there is nothing to learn
    weights = batch["weights"] * several
    return -(right * weights).sum() / weights.sum().clamp(min=1e-6)


def batches(shards: Many, size: int, seed: int) -> Iterator[list[Packed]]:
    """Yield batches for ever: shard after shard, each in an order of its own, alike in length within a batch."""
    for turn in itertools.count():
        examples = shards[turn % len(shards)]
        rng = np.random.default_rng((seed, turn))
        order = sorted(rng.permutation(len(examples)), key=lambda i: length(examples[i]))
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        for group in rng.permutation(len(groups)):
            yield [examples[i] for i in groups[group]]


def run(trainer: Trainer, train: Many, validation: Sequence[Packed], out: Path, *, quiet: bool = False) -> None:
    """Train to the end of the plan; Ctrl-C ends it early and loses nothing.

    A run is never cut short where it gets no better for a while: most of what it learns comes as the rate falls.
    """
    if not len(train) or not len(train[0]):
        raise ConfigError("there is nothing to train on")
    source, checked = batches(train, trainer.plan.batch, trainer.plan.seed), trainer.progress.seconds
    stopped = False
    for _ in range(trainer.progress.step):
        next(source)
    with asked_to_stop() as asked:
        while trainer.fraction() < 1 and not (stopped := trainer.group.any(asked.is_set())):
            trainer.learn(next(source))
            if trainer.progress.seconds - checked >= _CHECK_EVERY_S:
                checked = trainer.progress.seconds
                _keep(trainer, validation, out, quiet=quiet)
        if stopped and trainer.group.leads:
            sys.stderr.write("\nstopped; the best so far is kept\n")
    if trainer.losses:
        _keep(trainer, validation, out, quiet=quiet)


def _keep(trainer: Trainer, validation: Sequence[Packed], out: Path, *, quiet: bool) -> None:
    if trainer.group.leads:
        trainer.validate(validation)
        save_checkpoint(trainer, out)
        _tell(trainer, quiet)


def _tell(trainer: Trainer, quiet: bool) -> None:
    minute, step, seen, loss, exact = trainer.progress.curve[-1]
    done = max(trainer.fraction(), 1e-6)
    left = minute * (1 - done) / done
    if not quiet:
        sys.stdout.write(
            f"step {step} · {seen:,} examples · {seen / max(minute * 60, 1e-9):.0f}/s · loss {loss:.4f} · "
            f"exact {exact:.3f} (best {trainer.progress.best:.3f}) · {minute:.1f} min, {left:.1f} left\n"
        )
        sys.stdout.flush()


def generated(
    plan: Plan, lexicon: Lexicon, cache: Path, group: Group, *, requests: bool
) -> tuple[Shards, list[Packed]]:
    """Return examples for training and for validation, no group on both sides; with the demo's requests or without."""
    kind, make = ("with-requests", examples_of) if requests else ("generated", _learned)
    shards = Shards(cache / f"{kind}-{plan.seed}-{source_digest()}", partial(make, plan.seed), plan.shards, lexicon)
    if not group.leads:
        return shards, []
    shards.work_ahead()
    return shards, _validation(_generate(plan.seed, 999), lexicon)


def examples_of(seed: int, shard: int) -> Iterator[Example]:
    """Yield the examples of one shard, without those of validation: a part of the requests, and the generator's."""
    told = [one for one in demo_requests(times=1, first=shard) if not is_test_request(one)]
    calling = [one for one in told if one.calls]
    answered = [one for one in told if not one.calls]
    parts = answered[shard % _ANSWERED :: _ANSWERED], calling[shard % _CALLING :: _CALLING]
    return itertools.chain(*parts, _learned(seed, shard))


def _learned(seed: int, shard: int) -> Iterator[Example]:
    return (one for one in _generate(seed, shard) if not is_validation(one))


def _generate(seed: int, shard: int) -> Iterator[Example]:
    return generate(1000 * (seed + 1) + shard)


def made(trainer: Trainer, start: Path | None) -> dict[str, Any]:
    """Return how a model was made, for its manifest; of one that goes on from another, the checksum of that one."""
    minute, step, seen, _, _ = trainer.progress.curve[-1]
    plan = trainer.plan
    return {
        **({"start": manifest(start).sha256} if start else {}),
        "seed": plan.seed,
        "steps": step,
        "batch": plan.batch,
        "examples": seen,
        "shards": plan.shards,
        "rate": plan.rate,
        "minutes": minute,
        "processes": trainer.group.size,
        "torch": str(torch.__version__),
        "validation": trainer.progress.best,
        "curve": trainer.progress.curve,
    }


def start_of(file: Path, plan: Plan) -> dict[str, Tensor]:
    """Return the weights of a model to go on from; raises ConfigError where it is of another shape."""
    shape, arrays = read(file)
    if shape != plan.shape:
        raise ConfigError(f"{file} is of another size: give its own with --size")
    begun = Network(shape).state_dict()
    return {name: _widened(torch.tensor(array), begun[name]) for name, array in arrays.items()}


def mixed(learned: dict[str, Tensor], start: dict[str, Tensor] | None, share: float) -> dict[str, Tensor]:
    """Return what was learned with a share of the weights that it began with: both know what the other forgot.

    WiSE-FT: Wortsman and others, *Robust fine-tuning of zero-shot models*, 2022.
    """
    if not start:
        return learned
    return {name: torch.lerp(value.cpu(), start[name], share) for name, value in learned.items()}


def _widened(ours: Tensor, to: Tensor) -> Tensor:
    """Return a matrix with columns of zeros for the features that are new since it was learned."""
    return functional.pad(ours, (0, to.shape[-1] - ours.shape[-1])) if ours.dim() == to.dim() == 2 else ours  # noqa: PLR2004


def _validation(examples: Iterator[Example], lexicon: Lexicon) -> list[Packed]:
    chosen: list[Packed] = []
    for one in encode_all(example for example in examples if is_validation(example)):
        if isinstance(one, Encoded):
            chosen.append(pack(one, lexicon))
        if len(chosen) == _VALIDATED:
            break
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Train from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pytest_toolmatch.distill.train", description=__doc__)
    parser.add_argument("--size", choices=SHAPES, default="small")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--steps", type=int, default=0, help="exactly so many steps, whatever time they take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--shards", type=int, default=40, help=f"how many times {SHARD} examples to make")
    parser.add_argument("--requests", action="store_true", help="learn the tools of the example suites, too")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--cache", type=Path, default=Path("/tmp/toolmatch-distill"), help="where examples are kept")  # noqa: S108
    parser.add_argument(
        "--from", dest="start", type=Path, help="a model's manifest to go on from, instead of from nothing"
    )
    parser.add_argument("--mix", type=float, default=0.0, help="so much of it in the end, from 0 to 1 (WiSE-FT)")
    parser.add_argument("-o", dest="out", type=Path, required=True)
    asked = parser.parse_args(arguments)
    if not 0 <= asked.mix <= 1:
        parser.error(f"--mix {asked.mix}: not from 0 to 1")
    if asked.mix and not asked.start:
        parser.error("--mix: there is nothing to mix in; name a model with --from")
    one_core()
    group = Group()
    try:
        check_torch(asked.device)
        group = Group.launched(asked.device)
        return train_generated(asked, group)
    except ToolmatchError as error:
        sys.stderr.write(f"error: {error}\n" if group.leads else "")
        return 2
    except KeyboardInterrupt:
        told = "\nstopped before anything was learned; the examples made so far are kept\n"
        sys.stderr.write(told if group.leads else "")
        return 130
    finally:
        group.leave()


def train_generated(asked: argparse.Namespace, group: Group) -> int:
    """Train on the generator's examples, and export the best."""
    names = ("minutes", "steps", "seed", "batch", "rate", "shards", "device")
    plan = Plan(shape=SHAPES[asked.size], **{name: getattr(asked, name) for name in names})
    make_folder(asked.out)
    lexicon = Lexicon(plan.shape.buckets)
    start = start_of(asked.start, plan) if asked.start else None
    trainer = Trainer(plan, lexicon, start, group)
    resume(trainer, asked.out)
    if trainer.fraction() < 1:
        train, validation = generated(plan, lexicon, asked.cache, trainer.group, requests=asked.requests)
        run(trainer, train, validation, asked.out)
    if group.leads:
        if not trainer.progress.curve:
            raise KeyboardInterrupt
        made_by = made(trainer, asked.start) | {"mix": asked.mix}
        export(mixed(trainer.best, start, asked.mix), plan.shape, asked.out, name=asked.size, made=made_by)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
