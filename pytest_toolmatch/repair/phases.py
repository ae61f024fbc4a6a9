"""Phases in their order: each starts from the winner of those before, and all share the rollouts.

A phase is written ``NAME``, ``NAME:curated``, ``NAME=20`` or ``NAME:curated=20``: the optimiser, whether it learns from
chosen cases, and from how many.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.repair.evaluating import mean_score
from pytest_toolmatch.reports.figures import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.phase import Ground, Mended, Phase

PHASES = {
    "gepa": "optimising:optimise",
    "examples": "demonstrating:demonstrate",
    "bootstrap": "dspy_search:bootstrap",
    "dspy": "dspy_search:mipro",
}
"""Where each optimiser is: a module of this package, and its function."""

_NEEDS = {"gepa": {"gepa": "repair"}, "bootstrap": {"dspy": "dspy"}, "dspy": {"dspy": "dspy", "optuna": "dspy"}}
"""The packages that optimisers are made of, and the extra that brings each."""

_WRITTEN = re.compile(r"(?P<name>[\w-]+)(?P<curated>:curated)?(=(?P<size>[1-9]\d*))?")

_CURATED = 0.5
"""The share of the training cases that a curated phase learns from where it does not say how many."""

_WORSE = 0.05
"""So much worse in validation, what a phase has made is not where the next one starts."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A phase by its name: its optimiser, whether its cases are chosen, and how many there are (None: all, or half)."""

    optimiser: str
    curated: bool = False
    size: int | None = None

    def __str__(self) -> str:
        return self.optimiser + ":curated" * self.curated

    def cases(self, ground: Ground) -> tuple[Case, ...]:
        """Return the training cases that this phase learns from, in their order."""
        train = ground.train
        half = math.ceil(len(train) * _CURATED)
        size = min(len(train), self.size or (half if self.curated else len(train)))
        if self.curated:
            from pytest_toolmatch.repair.curated import choose  # noqa: PLC0415 - it takes numpy

            return choose(ground, size)
        chance = random.Random(ground.options.seed)  # noqa: S311 - chance that is to be repeated
        return tuple(train[place] for place in sorted(chance.sample(range(len(train)), size)))

    def phase(self) -> Phase:
        """Return what is run."""
        module, _, function = PHASES[self.optimiser].partition(":")
        phase: Phase = getattr(import_module(f"{__package__}.{module}"), function)
        return phase


def phases_of(written: Sequence[str]) -> tuple[Named, ...]:
    """Return phases as they are written; ConfigError for one that there is not, or that lacks a package."""
    phases = tuple(_named(one.strip()) for one in written)
    if not phases:
        raise ConfigError(f"no phase is named; there are {', '.join(PHASES)}: say --phases gepa")
    for one in phases:
        for package, extra in _NEEDS.get(one.optimiser, {}).items():
            if find_spec(package) is None:
                raise ConfigError(f"phase {one} needs {package}: pip install 'pytest-toolmatch[{extra}]'")
    return phases


def run_phases(
    phases: Sequence[Named], ground: Ground, start: Candidate, say: Callable[[str], None], kept_back: int = 0
) -> list[tuple[str, Mended]]:
    """Run phases, and return what each has come to; ``kept_back`` rollouts are left over."""
    made: list[tuple[str, Mended]] = []
    for place, named in enumerate(phases):
        begun = best(made, start)
        own = _own(ground, named, len(phases) - place, kept_back)
        if len(phases) > 1:
            say(f"  {named}: {plural(len(own.train), 'training case')}, {own.left} rollouts at most")
        mended = named.phase()(own, begun, say)
        mended = replace(mended, taken=len(phases) == 1 or _no_worse(ground, begun, mended.candidate))
        say(f"  {named}: {mended.stopped or 'done'}{'' if mended.taken else '; worse in validation, and left'}")
        made.append((str(named), mended))
    return made


def best(made: Sequence[tuple[str, Mended]], start: Candidate) -> Candidate:
    """Return what the phases have led to: the candidate of the last one that was taken."""
    return next((one.candidate for _, one in reversed(made) if one.taken), start)


def _own(ground: Ground, named: Named, left: int, kept_back: int) -> Ground:
    """Return what a phase works with: its cases, and its share of the rollouts that choosing winners leaves."""
    choosing = left * len(ground.validation) * ground.options.draws if left > 1 else 0
    share = max(0, ground.left - kept_back - choosing) // left
    cases = named.cases(ground)
    return replace(ground, train=cases, limit=ground.evaluator.rollouts + share)


def _no_worse(ground: Ground, before: Candidate, after: Candidate) -> bool:
    jobs = [(candidate, case, ground.options.draws) for candidate in (before, after) for case in ground.validation]
    scored, count = ground.evaluator.evaluate(jobs), len(ground.validation)
    return mean_score(scored[count:]) >= mean_score(scored[:count]) - _WORSE


def _named(written: str) -> Named:
    found = _WRITTEN.fullmatch(written)
    name = found["name"] if found else written.partition(":")[0].partition("=")[0]
    if name not in PHASES:
        raise ConfigError(f"no phase is named {name!r}{did_you_mean(name, PHASES)}; there are {', '.join(PHASES)}")
    if not found:
        raise ConfigError(f"phase {written!r}: write {name}, {name}:curated, {name}=20 or {name}:curated=20")
    return Named(optimiser=name, curated=bool(found["curated"]), size=int(found["size"]) if found["size"] else None)
