"""Which variants to try next: every relation on every tool alone, then several relations at once.

A weakness is rare, so most prompts that change in several ways at once are answered as before, and clear all of these
ways with one draw (group testing; Dorfman 1943). Of one that is not, shrinking tells which change it was.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.fuzzing.variant import Must, Subject, Variant, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.fuzzing.screening import Screened
    from pytest_toolmatch.fuzzing.wells import Well

NO_CALL = "no call"
"""Stands for the tool where the teacher calls none."""

_ALONE, _GROUP = 6, 5
"""Tools on which a relation is tried by itself at first; and relations that are tried at once later."""

_ENOUGH, _FEW, _MANY = 8, 0.2, 0.4
"""First looks after which the size of groups is thought over, and the shares of misses that it is to lie between."""

_COSTS: dict[Must, float] = {"same": 1 / _GROUP, "mapped": 1 / _GROUP, "abstain": 1.0, "teacher": 4.0}
"""Draws that trying a relation takes about."""


class Cell(NamedTuple):
    """Where findings are put together: a relation, and the tool that the case is about."""

    relation: str
    tool: str


def tool_of(subject: Subject) -> str:
    """Return the tool that is called first; findings are told apart by it."""
    return next(iter(names_of(subject.chain or ())), NO_CALL)


def cells_of(variant: Variant) -> tuple[Cell, ...]:
    """Return where a finding of this variant may belong: one cell for each relation."""
    names = [part.relation for part in variant.parts] or [variant.relation]
    return tuple(Cell(name, tool_of(variant.subject)) for name in names)


class Explorer:
    """Chooses variants; ``reasons`` says of each relation why it did not apply, and to how many cases.

    What is chosen depends on the seed and on the results that it was told, in their order.
    """

    def __init__(self, wells: Sequence[tuple[Subject, Well]], seed: int) -> None:
        self.reasons: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._random = random.Random(seed)  # noqa: S311 - chance that is to be repeated, no secret
        self._supplies: list[_Supply] = []
        self._misses: dict[Cell, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._rates: dict[Cell, float] = {}
        self._group = _GROUP
        self._grouped_hits: list[bool] = []
        self._closed: set[Cell] = set()
        self.firsts: set[str] = set()
        """The variants that were the first of their relation and tool."""
        self._seen: set[str] = set()
        for subject, well in self._random.sample(wells, len(wells)):
            self._add(subject, well)
        self._tried = {supply.cell.relation for supply in self._supplies}
        self._first = self._alone()

    @property
    def untried(self) -> dict[str, dict[str, int]]:
        """The relations that apply to no case, with the reasons and the number of cases that each has."""
        return {name: reasons for name, reasons in self.reasons.items() if name not in self._tried}

    def next(self, count: int) -> list[Variant]:
        """Return up to so many variants that were not chosen before; none where there are no more."""
        chosen: list[Variant] = []
        self._guess()
        self._resize()
        while len(chosen) < count and (variant := self._covered() or self._grouped()):
            chosen.append(variant)
        return chosen

    def learn(self, result: Screened) -> None:
        """Take a first look at a variant."""
        cells = cells_of(result.variant)
        if len(cells) > 1:
            self._grouped_hits.append(result.hit)
        for cell in () if result.fault else cells:
            self._misses[cell][result.hit] += 1 if result.hit else 1 / len(cells)

    def _resize(self) -> None:
        """Change less at once where that is often too much: the more prompts fail, the less one draw clears."""
        if len(self._grouped_hits) < _ENOUGH:
            return
        missed = self._grouped_hits.count(False) / len(self._grouped_hits)
        self._group = max(1, self._group - 1) if missed > _MANY else min(_GROUP, self._group + (missed < _FEW))
        self._grouped_hits.clear()

    def close(self, cells: Iterable[Cell]) -> None:
        """Leave cells alone: a suspect is looked into, or a finding is there."""
        self._closed.update(cells)

    def reopen(self, cells: Iterable[Cell]) -> None:
        """Go on with cells in which a suspect came to nothing."""
        self._closed.difference_update(cells)

    def _add(self, subject: Subject, well: Well) -> None:
        for name, reason in well.reasons.items():
            self.reasons[name][reason] += 1
        for name, relation in well.relations.items():
            self._supplies.append(_Supply(Cell(name, tool_of(subject)), subject, _COSTS[relation.must], well))

    def _alone(self) -> list[_Supply]:
        """Return a supply of some tools of every relation: what they come to is the relation's profile."""
        found: dict[str, dict[Cell, _Supply]] = defaultdict(dict)
        for supply in self._supplies:
            if len(found[supply.cell.relation]) < _ALONE:
                found[supply.cell.relation].setdefault(supply.cell, supply)
        return [supply for supplies in found.values() for supply in supplies.values()]

    def _covered(self) -> Variant | None:
        """Return the first variant of the next relation and tool that have one."""
        while self._first:
            variant = self._first.pop().next()
            if variant and self._is_new(variant):
                self.firsts.add(variant.id)
                return variant
        return None

    def _grouped(self) -> Variant | None:
        """Return a variant of the relations that were tried least on some case, several where they go together."""
        while open_ := [one for one in self._supplies if one.cell not in self._closed]:
            lead = min(open_, key=self._effort)
            group = [lead]
            if lead.groups:
                others = [one for one in open_ if one.groups and one.subject is lead.subject and one is not lead]
                group += sorted(others, key=self._effort)[: self._group - 1]
            variants = [variant for one in group if (variant := one.next())]
            self._supplies = [one for one in self._supplies if not one.empty]
            if variants and self._is_new(variant := together(variants)):
                return variant
        return None

    def _effort(self, supply: _Supply) -> float:
        """Return what trying a supply has cost, less where the student failed."""
        return supply.cost * (supply.tried + supply.tie) * (1 - self._rates[supply.cell])

    def _guess(self) -> None:
        """Draw every cell's rate of misses from what is known of it (Thompson 1933)."""
        for cell in {supply.cell for supply in self._supplies}:
            missed, hit = self._misses[cell]
            self._rates[cell] = self._random.betavariate(1 + missed, 2 + hit)
        for supply in self._supplies:
            supply.tie = self._random.random()

    def _is_new(self, variant: Variant) -> bool:
        new = variant.id not in self._seen
        self._seen.add(variant.id)
        return new


class _Supply:
    """The variants of one subject under one relation, each of which ``cost`` so many draws.

    Those that cost less than one go together with those of other relations.
    """

    def __init__(self, cell: Cell, subject: Subject, cost: float, well: Well) -> None:
        self.cell, self.subject, self.cost, self.groups = cell, subject, cost, cost < 1
        self.tried, self.tie = 0, 0.5
        self.empty = False
        self._well = well

    def next(self) -> Variant | None:
        """Return a variant that was not there before; None, and ``empty``, where there are no more."""
        variant = self._well.next(self.cell.relation)
        self.tried += variant is not None
        self.empty = variant is None
        return variant
