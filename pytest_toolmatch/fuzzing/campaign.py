"""A campaign: a suite's cases fuzzed until the budget is spent, with what was found in it."""

from __future__ import annotations

import math
import random
import sys
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from pytest_toolmatch.fuzzing.comparing import Compared, compared, prepared
from pytest_toolmatch.fuzzing.exploring import Cell, Explorer, cells_of, tool_of
from pytest_toolmatch.fuzzing.screening import LOOKS, Screened, Shown, needed_for, screened, shown
from pytest_toolmatch.fuzzing.shrinking import shrunk
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Subject, Variant
from pytest_toolmatch.fuzzing.wells import Well
from pytest_toolmatch.judging.robustness import VariantResult, VariantState, robustness
from pytest_toolmatch.statistics.alarms import bar
from pytest_toolmatch.statistics.drops import Tally, drop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.fuzzing.pool import Pool, Running
    from pytest_toolmatch.fuzzing.relation import Relation
    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.trial import Trial
    from pytest_toolmatch.judging.robustness import Robustness

T = TypeVar("T")

RESERVE = 50
"""Draws that making a finding small takes about; so many are kept for each that is not yet."""

_MARGIN = 0.1
"""The share of a budget that is left for what is under way when looking ends."""

PREPARING = 0.25
"""The share of a budget that goes into getting to know the cases; those beyond it are left out."""

_TOGETHER = 16
"""Cases that are got to know at once."""

_LOOKED, _COMPARED, _SHRUNK = 4, 8, 16
"""Blocks after which first looks, comparisons and shrinkings are waited for: what is tried depends on no clock."""

_KNOWN = (3, 5)
"""Draws of the student on a case before it is fuzzed: few where all of them match, else more."""

_LEAST = 0.6
"""The rate that the student has to have on a case for it to be fuzzed."""

_MOST = 40
"""Draws of a variant at most, once it is shown that the rate is lower."""

_BESIDE = 4
"""Variants of a relation on which the teacher is drawn beside the student, for the profile."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A weakness: the relation and the tool, the variant that showed it, and the smallest one that still does."""

    cell: Cell
    shown: Compared
    smallest: Compared

    def drop(self, confidence: float) -> tuple[float, tuple[float, float]]:
        """Return by how much the rate drops on the smallest variant, with its interval."""
        return drop(self.smallest.before, self.smallest.after, confidence)


class Known(NamedTuple):
    """A case before it is fuzzed: as a subject, where the teacher has a consensus, and the student's own rate on it."""

    case: Case
    subject: Subject | None
    rate: Tally

    @property
    def fuzzed(self) -> bool:
        """Whether the student has a rate there that could drop."""
        return self.subject is not None and self.rate.draws > 0 and self.rate.rate >= _LEAST


class Campaign:
    """What is done to one suite, and what has come of it.

    ``afford`` says which share of the budget is spent. ``at_once`` variants make a block: what is tried next depends
    on the seed, and on the blocks before, never on which answer came first. ``executor`` generates variants, where
    another process does so.
    """

    def __init__(
        self,
        pool: Pool,
        scorer: Scorer,
        relations: Sequence[Relation],
        *,
        seed: int = 0,
        confidence: float = 0.95,
        at_once: int = 15,
        executor: Executor | None = None,
        afford: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._pool, self._scorer, self._relations = pool, scorer, relations
        self._seed, self._confidence, self._at_once, self._afford = seed, confidence, at_once, afford
        self._executor, self._wells = executor, dict[str, Well]()
        self.known: list[Known] = []
        self.unknown = 0
        """Cases that the budget does not pay for."""
        self.explorer: Explorer | None = None
        self.screened: list[Screened] = []
        self.compared: list[Shown] = []
        self._shrinking: list[tuple[Shown, Running[Compared]]] = []
        self._first: list[Running[Screened]] = []
        self._looks: deque[tuple[int, Running[Screened]]] = deque()
        self._waiting: list[Variant] = []
        self._busy: set[Cell] = set()
        self._suspects: deque[tuple[int, Running[Shown]]] = deque()
        self._shrunk: deque[tuple[int, Running[Compared]]] = deque()
        self._again: list[Running[Compared]] = []
        self._confirmed: dict[str, Compared] = {}
        self._beside: Counter[str] = Counter()
        self._rates: dict[str, Tally] = {}
        self._block = 0

    def run(self, cases: Sequence[Case]) -> Iterator[None]:
        """Go through the campaign, with a stop now and then for whoever shows how far it has come."""
        yield from self._prepare(cases)
        wells = [(one.subject, self._well(one.subject)) for one in self.known if one.subject and one.fuzzed]
        self._rates = {one.case.id: one.rate for one in self.known}
        self.explorer = Explorer(wells, self._seed)
        while self._launch() or self._looks or self._suspects or self._shrunk:
            self._collect()
            self._block += 1
            yield
        self._confirm()
        while len(self._pool):
            self._pool.go_on()
            yield
        self._confirmed = {one.result.variant.id: one.result for one in self._again if one.result}

    @property
    def untried(self) -> dict[str, dict[str, int]]:
        """The relations that apply to no case: why, and to how many each."""
        return self.explorer.untried if self.explorer else {}

    @property
    def findings(self) -> list[Finding]:
        """What is shown, the largest drop first: with false discovery control over all comparisons (e-BH)."""
        values = [math.exp(-max(0.0, self._latest(one).evidence)) for one in self.compared]
        level = bar(values, self._confidence).shown
        clear = [one for one, value in zip(self.compared, values, strict=True) if one.lower and value <= level]
        found: dict[Cell, Finding] = {}
        for first, running in self._shrinking:
            if first in clear:
                smallest = running.result or first.compared
                cell = Cell(smallest.variant.relation, tool_of(smallest.variant.subject))
                found.setdefault(cell, Finding(cell=cell, shown=self._latest(first), smallest=smallest))
        return sorted(found.values(), key=lambda one: -one.drop(self._confidence)[0])

    def _latest(self, one: Shown) -> Compared:
        return self._confirmed.get(one.compared.variant.id, one.compared)

    def _confirm(self) -> None:
        """Draw more for what is shown, but not clearly enough among so many comparisons."""
        lower = [one for one in self.compared if one.lower]
        if not lower:
            return
        needed = math.log(len(self.compared) / len(lower) / (1 - self._confidence))
        for one in lower:
            if one.compared.evidence < needed:
                trial = compared(one.compared.variant, self._scorer, needed=needed, most=_MOST, skip=LOOKS)
                self._again.append(self._pool.start(trial))

    def profile(self) -> dict[str, Robustness]:
        """Return how often the student, and the teacher, do what is expected of changed prompts, by relation.

        By one draw of the first variant of every case under every relation: those that were chosen later were chosen
        for failing.
        """
        lower = {one.compared.variant.id: one for one in self.compared if one.lower}
        results = [self._result(one.result, lower.get(one.result.variant.id)) for one in self._first if one.result]
        return robustness(results, self._confidence)

    def _result(self, look: Screened, found: Shown | None) -> VariantResult:
        state: VariantState = "holds" if found is None else "lower" if found.teacher_keeps else "teacher"
        case = look.variant.subject.case.id
        return VariantResult(
            suite=self._scorer.suite.name,
            case=case,
            variant=look.variant.id,
            relation=look.variant.relation,
            state=look.fault or state,
            before=self._rates[case],
            after=Tally() if look.fault else Tally(int(look.hit), 1),
            teacher=look.teacher,
        )

    def _prepare(self, cases: Sequence[Case]) -> Iterator[None]:
        """Get to know cases, all of them or as many as a part of the budget pays for."""
        waiting = random.Random(self._seed).sample(cases, len(cases))  # noqa: S311 - chance that is to be repeated
        count = _TOGETHER
        while waiting and count and not self._pool.spent:
            running = [self._pool.start(self._known(case)) for case in waiting[:count]]
            waiting = waiting[count:]
            while not all(one.done for one in running):
                self._pool.go_on()
                yield
            self.known += [one.result for one in running if one.result]
            count = self._as_many_more()
        self.unknown = len(cases) - len(self.known)

    def _as_many_more(self) -> int:
        """Return how many more cases their part of the budget pays for, at what those cost that are known."""
        spent = self._afford()
        left = (PREPARING - spent) / spent if spent else math.inf
        return int(min(len(self.known) * left, sys.maxsize)) if left > 0 else 0

    def _known(self, case: Case) -> Trial[Known]:
        subject = yield from prepared(case, self._scorer)
        if subject is None or subject.chain is None:
            return Known(case, None, Tally())
        for draws in _KNOWN:
            (samples,) = yield (Ask(case, "student", draws),)
            rate = self._scorer.tally(case, subject.chain, samples)
            if rate.matches == draws:
                break
        known = Known(case, subject, rate)
        if known.fuzzed:
            self._well(subject)
        return known

    def _well(self, subject: Subject) -> Well:
        """Return where a subject's variants come from; they are being made from now on."""
        name = subject.case.id
        if name not in self._wells:
            self._wells[name] = Well(subject, self._relations, str(self._seed), self._executor)
        return self._wells[name]

    def _launch(self) -> bool:
        """Begin a block; say whether there was anything to begin."""
        if self.explorer is None or self._over:
            return False
        chosen = self.explorer.next(self._at_once)
        for variant in chosen:
            first = variant.id in self.explorer.firsts
            beside = first and variant.must != "teacher" and self._beside[variant.relation] < _BESIDE
            self._beside[variant.relation] += beside
            before = self._rates[variant.subject.case.id]
            running = self._pool.start(screened(variant, self._scorer, before, beside=beside))
            self._looks.append((self._block, running))
            self._first += [running] * first
        return bool(chosen)

    @property
    def _over(self) -> bool:
        """Whether what is left of the budget is wanted for making small what was found."""
        spent = self._afford()
        a_draw = spent / max(1, self._pool.draws)
        to_shrink = sum(not running.done for _, running in self._shrinking) + len(self._suspects) / 2
        looking = sum(not running.done for _, running in self._looks)
        return self._pool.spent or spent + a_draw * (RESERVE * to_shrink + looking) >= 1 - _MARGIN

    def _collect(self) -> None:
        """Take what has come of the blocks before, in their order."""
        self._pool.advance()
        self._take(self._looks, _LOOKED, self._take_look)
        self._take(self._suspects, _COMPARED, self._take_comparison)
        self._take(self._shrunk, _SHRUNK, self._take_shrunk)

    def _take(self, waited: deque[tuple[int, Running[T]]], lag: int, take: Callable[[Running[T]], None]) -> None:
        while waited and (self._over or waited[0][0] <= self._block - lag):
            _, running = waited.popleft()
            self._pool.finish(running)
            take(running)

    def _take_look(self, running: Running[Screened]) -> None:
        assert self.explorer
        if (look := running.result) is None:
            return
        self.screened.append(look)
        self.explorer.learn(look)
        if look.suspect:
            self._waiting.append(look.variant)
            self._compare()

    def _compare(self) -> None:
        """Compare the suspects of whose cells none is looked into already, and none has a finding."""
        assert self.explorer
        still: list[Variant] = []
        for variant in self._waiting:
            cells = cells_of(variant)
            if not self._busy.isdisjoint(cells):
                still.append(variant)
                continue
            self._busy.update(cells)
            self.explorer.close(cells)
            needed = needed_for(len(self.compared), len(self._shrinking), self._confidence)
            trial = shown(variant, self._scorer, needed=needed)
            self._suspects.append((self._block, self._pool.start(trial)))
        self._waiting = still

    def _take_comparison(self, running: Running[Shown]) -> None:
        if (result := running.result) is None:
            return
        if result.compared.after.draws:
            self.compared.append(result)
        if result.lower and result.teacher_keeps:
            shrinking = self._pool.start(shrunk(result.compared, self._scorer))
            self._shrinking.append((result, shrinking))
            self._shrunk.append((self._block, shrinking))
            return
        self._settle(cells_of(result.compared.variant))

    def _take_shrunk(self, running: Running[Compared]) -> None:
        """Give the cells of a variant free but for the one that its smallest form belongs to."""
        first = next(first for first, own in self._shrinking if own is running)
        found = set(cells_of(running.result.variant)) if running.result else set()
        self._waiting = [one for one in self._waiting if found.isdisjoint(cells_of(one))]
        self._settle(set(cells_of(first.compared.variant)) - found)

    def _settle(self, cells: Iterable[Cell]) -> None:
        assert self.explorer
        self._busy.difference_update(cells)
        self.explorer.reopen(cells)
        self._compare()
