"""Which variants to try next: every relation on every case once, then where the student failed."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.fuzzing.generating import variants_of
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.variant import Subject, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.fuzzing.screening import Screened

NO_CALL = "no call"
"""Stands for the tool where the teacher calls none."""

_AT_ONCE = 8
"""Variants of a subject that are generated together; those with the most changes are tried first."""

_PATIENCE = 4
"""Batches in a row without a new prompt after which a subject has no more."""


class Cell(NamedTuple):
    """Where findings are put together: a relation, and the tool that the case is about."""

    relation: str
    tool: str


def tool_of(subject: Subject) -> str:
    """Return the tool that is called first; findings are told apart by it."""
    return next(iter(names_of(subject.chain or ())), NO_CALL)


def cell_of(variant: Variant) -> Cell:
    """Return where a finding of this variant belongs."""
    return Cell(variant.relation, tool_of(variant.subject))


class Explorer:
    """Chooses variants; ``reasons`` says of each relation why it did not apply, and to how many cases.

    What is chosen depends on the seed and on the results that it was told, in their order.
    """

    def __init__(self, subjects: Sequence[Subject], relations: Sequence[Relation], seed: int) -> None:
        self.reasons: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._random = random.Random(seed)  # noqa: S311 - chance that is to be repeated, no secret
        self._queues: dict[Cell, list[_Supply]] = {}
        self._hits: dict[Cell, list[int]] = defaultdict(lambda: [0, 0])
        self._closed: set[Cell] = set()
        self.firsts: set[str] = set()
        """The variants that were the first of their relation and case."""
        self._seen: set[str] = set()
        for relation in relations:
            for subject in self._random.sample(subjects, len(subjects)):
                self._add(relation, subject, seed)
        self._tried = set(self._queues)
        self._first = [supply for supplies in _by_turns(self._queues) for supply in supplies]

    @property
    def untried(self) -> dict[str, dict[str, int]]:
        """The relations that apply to no case, with the reasons and the number of cases that each has."""
        tried = {cell.relation for cell in self._tried}
        return {name: reasons for name, reasons in self.reasons.items() if name not in tried}

    def next(self, count: int) -> list[Variant]:
        """Return up to so many variants that were not chosen before; none where there are no more."""
        chosen: list[Variant] = []
        while len(chosen) < count:
            variant = self._covered() if self._first else self._steered()
            if variant is None:
                break
            chosen.append(variant)
        return chosen

    def learn(self, result: Screened) -> None:
        """Take a first look at a variant; the cell of a suspect is left alone until that is settled."""
        cell = cell_of(result.variant)
        if not result.fault:
            self._hits[cell][not result.hit] += 1
        if result.suspect:
            self._closed.add(cell)

    def settle(self, cell: Cell) -> None:
        """Go on with a cell in which a suspect came to nothing."""
        self._closed.discard(cell)

    def _add(self, relation: Relation, subject: Subject, seed: int) -> None:
        try:
            strategy = relation.variants(subject)
        except NotApplicable as reason:
            self.reasons[relation.name][str(reason)] += 1
            return
        supply = _Supply(variants_of(strategy, _AT_ONCE, f"{seed}/{relation.name}/{subject.case.id}"), self._seen)
        self._queues.setdefault(Cell(relation.name, tool_of(subject)), []).append(supply)

    def _covered(self) -> Variant | None:
        """Return the first variant of the next relation and case that has one."""
        while self._first:
            if variant := self._first.pop(0).next():
                self.firsts.add(variant.id)
                return variant
        return self._steered()

    def _steered(self) -> Variant | None:
        """Return a variant of a cell without a finding, the more likely the more often the student failed there."""
        while open_ := [cell for cell in self._queues if cell not in self._closed]:
            # Thompson (1933): the cell whose rate of misses, drawn from what is known of it, is the highest.
            cell = max(
                open_, key=lambda cell: self._random.betavariate(1 + self._hits[cell][1], 2 + self._hits[cell][0])
            )
            supplies = self._queues[cell]
            supply = self._random.choice(supplies)
            if variant := supply.next():
                return variant
            supplies.remove(supply)
            if not supplies:
                del self._queues[cell]
        return None


class _Supply:
    """The variants of one subject under one relation that nobody has seen yet."""

    def __init__(self, variants: Iterator[list[Variant]], seen: set[str]) -> None:
        self._variants, self._seen = variants, seen
        self._waiting: list[Variant] = []

    def next(self) -> Variant | None:
        for _ in range(_PATIENCE):
            while self._waiting:
                variant = self._waiting.pop(0)
                if variant.id not in self._seen:
                    self._seen.add(variant.id)
                    return variant
            # Much at once is likelier to hit a weakness, and shrinking takes it apart.
            self._waiting = sorted(next(self._variants, []), key=lambda one: -len(msgspec.json.encode(one.edits)))
        return None


def _by_turns(queues: dict[Cell, list[_Supply]]) -> Iterator[list[_Supply]]:
    """Yield the first supply of every cell, then the second of every cell, and so on."""
    for turn in range(max(map(len, queues.values()), default=0)):
        yield [supplies[turn] for supplies in queues.values() if turn < len(supplies)]
