"""Which variants to try next: every relation on every tool alone, then several relations at once.

A weakness is rare, so most prompts that change in several ways at once are answered as before, and clear all of these
ways with one draw (group testing; Dorfman 1943). Of one that is not, shrinking tells which change it was.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.fuzzing.variant import Must, Subject, Variant, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_toolmatch.fuzzing.edits import Edit
    from pytest_toolmatch.fuzzing.screening import Screened
    from pytest_toolmatch.fuzzing.wells import Well

NO_CALL = "no call"
"""Stands for the tool where the teacher calls none."""

_ALONE, _GROUP = 6, 5
"""Tools on which a relation is tried by itself at first; and relations that are tried at once later."""

_OFTEN = 3
"""Times that a relation is tried on a case before further cases are taken up: what they need is generated meanwhile."""

_BROAD, _AHEAD = 24, 24
"""Cases that are at hand from the start; and those for which something is generated before they are taken up."""

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

    Subjects are taken up one after the other, as those at hand have been tried; ``well`` makes their edits. What is
    chosen depends on the seed and on the results that it was told, in their order.
    """

    def __init__(self, well: Callable[[Subject], Well], seed: int) -> None:
        self.reasons: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._random = random.Random(seed)  # noqa: S311 - chance that is to be repeated, no secret
        self._later, self._well = deque[Subject](), well
        self._begun: deque[tuple[Subject, Well]] = deque()
        self._supplies: list[_Supply] = []
        self._of_subject: dict[str, list[_Supply]] = {}
        self._misses: dict[Cell, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._rates: dict[Cell, float] = {}
        self._group = _GROUP
        self._grouped_hits: list[bool] = []
        self._closed: set[Cell] = set()
        self.firsts: set[str] = set()
        """The variants that were the first of their relation and tool."""
        self._seen: set[str] = set()
        self._tried: set[str] = set()
        self._alone: dict[str, set[Cell]] = defaultdict(set)
        self._first: deque[_Supply] = deque()
        self._fresh = 0
        """Supplies at hand that were tried less than ``_OFTEN``."""

    @property
    def untried(self) -> dict[str, dict[str, int]]:
        """The relations that apply to no case, with the reasons and the number of cases that each has."""
        return {name: reasons for name, reasons in self.reasons.items() if name not in self._tried}

    def next(self, count: int) -> list[Variant]:
        """Return up to so many variants that were not chosen before; none where there are no more."""
        chosen: list[Variant] = []
        self._resize()
        while len(chosen) < count and self._take_up(count - len(chosen)):
            self._guess()
            waiting = self._waiting()
            while len(chosen) < count and (variant := self._covered() or self._grouped(waiting)):
                chosen.append(variant)
        return chosen

    def add(self, subject: Subject) -> None:
        """Add a subject, which is taken up later."""
        self._later.append(subject)
        self._begin()

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

    def _take_up(self, count: int) -> bool:
        """Have enough at hand for so many variants; say whether there is anything."""
        while self._begun and (self._fresh < count * _GROUP or len(self._of_subject) < _BROAD):
            self._take(*self._begun.popleft())
            self._begin()
        self._supplies = [one for one in self._supplies if not one.empty]
        return bool(self._first or any(one.cell not in self._closed for one in self._supplies))

    def _begin(self) -> None:
        """Have the first edits of a few subjects made ahead, and no more: the next ones of others would wait for it."""
        while self._later and len(self._begun) < _AHEAD:
            subject = self._later.popleft()
            self._begun.append((subject, self._well(subject)))

    def _take(self, subject: Subject, well: Well) -> None:
        for name, reason in well.reasons.items():
            self.reasons[name][reason] += 1
        own = [
            _Supply(Cell(name, tool_of(subject)), subject, relation.must, well)
            for name, relation in well.relations.items()
        ]
        self._fresh += len(own)
        self._tried.update(well.relations)
        self._supplies += own
        self._of_subject[subject.case.id] = own
        for supply in own:  # what these come to is the profile of their relation
            cells = self._alone[supply.cell.relation]
            if len(cells) < _ALONE and supply.cell not in cells:
                cells.add(supply.cell)
                self._first.append(supply)

    def _covered(self) -> Variant | None:
        """Return the first variant of the next relation and tool that have one."""
        while self._first:
            variant = self._made([self._first.popleft()])
            if variant:
                self.firsts.add(variant.id)
                return variant
        return None

    def _waiting(self) -> list[tuple[float, int, int]]:
        """Return what is open, as a heap: the least effort first, with the place of its supply."""
        waiting = [
            (self._effort(one), one.tried, place)
            for place, one in enumerate(self._supplies)
            if one.cell not in self._closed
        ]
        heapify(waiting)
        return waiting

    def _grouped(self, waiting: list[tuple[float, int, int]]) -> Variant | None:
        """Return a variant of the relations that were tried least on some case, several where they go together."""
        while waiting:
            _, tried, place = heappop(waiting)
            lead = self._supplies[place]
            if lead.empty:
                continue
            if lead.tried != tried:  # it went with another meanwhile
                heappush(waiting, (self._effort(lead), lead.tried, place))
                continue
            variant = self._made(self._group_of(lead))
            if not lead.empty:
                heappush(waiting, (self._effort(lead), lead.tried, place))
            if variant:
                return variant
        return None

    def _group_of(self, lead: _Supply) -> list[_Supply]:
        if not lead.groups:
            return [lead]
        own = self._of_subject[lead.subject.case.id]
        others = [one for one in own if one.groups and one is not lead and one.cell not in self._closed]
        return [lead, *sorted((one for one in others if not one.empty), key=self._effort)[: self._group - 1]]

    def _effort(self, supply: _Supply) -> float:
        """Return what trying a supply has cost, less where the student failed."""
        return supply.cost * (supply.tried + supply.tie) * (1 - self._rates[supply.cell])

    def _guess(self) -> None:
        """Draw every cell's rate of misses from what is known of it (Thompson 1933)."""
        for cell in dict.fromkeys(supply.cell for supply in self._supplies):
            missed, hit = self._misses[cell]
            self._rates[cell] = self._random.betavariate(1 + missed, 2 + hit)
        for supply in self._supplies:
            supply.tie = self._random.random()

    def _made(self, group: Sequence[_Supply]) -> Variant | None:
        """Return what several supplies make together; None where they have no more, or it was there before."""
        changes = [(one.cell.relation, one.must, edits) for one in group if (edits := self._next(one))]
        variant = joined(group[0].subject, changes) if changes else None
        if variant is None or variant.id in self._seen:
            return None
        self._seen.add(variant.id)
        return variant

    def _next(self, supply: _Supply) -> tuple[Edit, ...]:
        """Return other edits of a supply; none, and it is ``empty``, where there are no more."""
        edits = supply.well.next(supply.cell.relation)
        self._fresh -= supply.tried == _OFTEN - 1 or (not edits and supply.tried < _OFTEN)
        supply.tried += 1 if edits else _OFTEN
        supply.empty = not edits
        return edits


class _Supply:
    """The edits of one subject under one relation, each of which ``cost`` so many draws.

    Those that cost less than one go together with those of other relations.
    """

    def __init__(self, cell: Cell, subject: Subject, must: Must, well: Well) -> None:
        self.cell, self.subject, self.must, self.well = cell, subject, must, well
        self.cost = _COSTS[must]
        self.groups = self.cost < 1
        self.tried, self.tie = 0, 0.5
        self.empty = False
