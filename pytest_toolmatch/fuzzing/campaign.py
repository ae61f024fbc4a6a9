"""A campaign: a suite's cases fuzzed until the budget is spent, with what was found in it."""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from pytest_toolmatch.fuzzing.comparing import AGREED, Compared, compared, prepared
from pytest_toolmatch.fuzzing.exploring import Cell, Explorer, cells_of, tool_of
from pytest_toolmatch.fuzzing.pool import LAG
from pytest_toolmatch.fuzzing.screening import Screened, Shown, needed_for, screened
from pytest_toolmatch.fuzzing.settling import Examined, Settled, examined, settled, smaller
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Subject, Variant
from pytest_toolmatch.fuzzing.wells import Well, sendable
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

_TO_SHRINK, _TO_COMPARE = 70, 16
"""Draws that making a suspect small takes about, and those of them that show its drop at the end: both are reserved."""

_MARGIN = 0.02
"""The share of a budget that is left for what can't be foreseen."""

PREPARING = 0.25
"""The share of a budget that goes into getting to know the cases; those beyond it are left out."""

_TOGETHER, _TO_KNOW = 16, 6
"""Cases that are got to know whatever it costs, and the draws that each takes at first."""

_KNOWN = (3, 5)
"""Draws of the student on a case before it is fuzzed: few where all of them match, else more."""

_LEAST = 0.6
"""The rate that the student has to have on a case for it to be fuzzed."""

_SMALLER = 4
"""Findings that are made smaller at a time at the end, those of which most is left first."""

_MOST = 40
"""Draws of a variant at most, once it is shown that the rate is lower."""

_BESIDE = 4
"""Variants of a relation on which the teacher is drawn beside the student, for the profile."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A weakness: the relation and the tool, the variant that it was met in, and the smallest one that shows it."""

    cell: Cell
    suspect: Variant
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

    ``afford`` says which share of the budget is spent for what was handed out. ``at_once`` draws are under way: what is
    tried next depends on the seed, and on what was handed out before, never on which answer came first. ``executor``
    generates variants, where another process does so.
    """

    def __init__(
        self,
        pool: Pool,
        scorer: Scorer,
        relations: Sequence[Relation],
        *,
        seed: int = 0,
        confidence: float = 0.95,
        at_once: int = 75,
        executor: Executor | None = None,
        afford: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._pool, self._scorer, self._relations = pool, scorer, relations
        self._seed, self._confidence, self._at_once, self._afford = seed, confidence, at_once, afford
        self._executor = executor if sendable(relations) else None
        self.known: list[Known] = []
        self.unknown = 0
        """Cases that the budget does not pay for."""
        self.explorer = Explorer(self._well, seed)
        self.screened: list[Screened] = []
        self.settled: list[Settled] = []
        self._awaited: list[_Awaited] = []
        self._examining = self._examined = self._borne_out = self._settling = 0
        """How many suspects are being examined, were examined and borne out, and are made small."""
        self._first: list[Running[Screened]] = []
        self._suspects: list[Variant] = []
        self._waiting: list[Examined] = []
        self._busy: set[Cell] = set()
        self._again: dict[str, Running[Compared]] = {}
        self._beside: Counter[str] = Counter()
        self._rates: dict[str, Tally] = {}
        self._met = 0
        self._left: deque[int] | None = None
        """The findings that are to be tried once more at the end, by their places."""

    def run(self, cases: Sequence[Case]) -> Iterator[None]:
        """Go through the campaign, with a stop now and then for whoever shows how far it has come."""
        unmet = deque(random.Random(self._seed).sample(cases, len(cases)))  # noqa: S311 - chance that is to be repeated
        while self._meet(unmet) or self._launch() or self._awaited or self._try_smaller():
            yield from self._pool.turn()
            yield
            self._collect()
        self.unknown = len(cases) - len(self.known)
        self._confirm()
        while len(self._pool):
            yield from self._pool.turn()

    @property
    def untried(self) -> dict[str, dict[str, int]]:
        """The relations that apply to no case: why, and to how many each."""
        return self.explorer.untried

    @property
    def compared(self) -> list[Shown]:
        """All comparisons of a variant with its parent by the student's draws, whatever came of them."""
        return [shown for one in self.settled for shown in one.compared if shown.compared.after.draws]

    @property
    def broken(self) -> int:
        """On how many prompts the teacher does not do what is expected either."""
        return sum(shown.teacher_breaks for one in self.settled for shown in one.compared)

    @property
    def findings(self) -> list[Finding]:
        """What is shown, the largest drop first: with false discovery control over all comparisons (e-BH)."""
        latest = [self._latest(one.compared) for one in self.compared]
        level = bar([math.exp(-max(0.0, one.evidence)) for one in latest], self._confidence).shown
        found: dict[Cell, Finding] = {}
        for one in self.settled:
            smallest = self._latest(one.smallest.compared) if one.smallest else None
            if smallest and smallest.state == "lower" and math.exp(-smallest.evidence) <= level:
                cell = Cell(smallest.variant.relation, tool_of(smallest.variant.subject))
                found.setdefault(cell, Finding(cell=cell, suspect=one.suspect, smallest=smallest))
        return sorted(found.values(), key=lambda one: -one.drop(self._confidence)[0])

    def _latest(self, one: Compared) -> Compared:
        again = self._again.get(one.variant.id)
        return again.result if again and again.result else one

    def _confirm(self) -> None:
        """Draw more for what is shown, but not clearly enough among so many comparisons."""
        lower = [one.smallest.compared for one in self.settled if one.smallest]
        if not lower:
            return
        needed = math.log(len(self.compared) / len(lower) / (1 - self._confidence))
        for one in lower:
            if one.evidence < needed:
                again = compared(
                    one.variant,
                    self._scorer,
                    needed=needed,
                    most=_MOST,
                    skip=one.skipped,
                    skip_parent=one.skipped_parent,
                    sparing=True,
                )
                self._again[one.variant.id] = self._pool.start(again)

    def profile(self) -> dict[str, Robustness]:
        """Return how often the student, and the teacher, do what is expected of changed prompts, by relation.

        By one draw of the first variant of every case under every relation: those that were chosen later were chosen
        for failing.
        """
        lower = {one.suspect.id: one for one in self.settled}
        results = [self._result(one.result, lower.get(one.result.variant.id)) for one in self._first if one.result]
        return robustness(results, self._confidence)

    def _result(self, look: Screened, found: Settled | None) -> VariantResult:
        broken = found is not None and any(one.teacher_breaks for one in found.compared)
        state: VariantState = "lower" if found and found.smallest else "teacher" if broken else "holds"
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

    def _meet(self, unmet: deque[Case]) -> bool:
        """Begin to get to know more cases, as many as a part of the budget pays for; say whether there were any."""
        room = max(1, self._room // _TO_KNOW)
        few = range(room) if self._room > 0 else ()
        met = [unmet.popleft() for _ in few if unmet and (self._met < _TOGETHER or self._spent() < PREPARING)]
        for case in met:
            self._met += 1
            self._await(self._known(case), self._take_known)
        return bool(met)

    def _take_known(self, one: Known) -> None:
        self.known.append(one)
        self._rates[one.case.id] = one.rate
        if one.subject and one.fuzzed:
            self.explorer.add(one.subject)

    def _known(self, case: Case) -> Trial[Known]:
        yield (Ask(case, "teacher", AGREED), Ask(case, "student", _KNOWN[0]))  # both at once
        subject = yield from prepared(case, self._scorer)
        if subject is None or subject.chain is None:
            return Known(case, None, Tally())
        for draws in _KNOWN:
            (samples,) = yield (Ask(case, "student", draws),)
            rate = self._scorer.tally(case, subject.chain, samples)
            if rate.matches == draws:
                break
        return Known(case, subject, rate)

    def _well(self, subject: Subject) -> Well:
        """Return where a subject's edits come from; the first are being made from now on."""
        return Well(subject, self._relations, str(self._seed), self._executor)

    def _launch(self) -> bool:
        """Begin to look at more variants; say whether there was anything to begin."""
        if self._room <= 0 or self._over(_TO_SHRINK):
            return False
        chosen = self.explorer.next(self._room)
        for variant in chosen:
            first = variant.id in self.explorer.firsts
            beside = first and variant.must != "teacher" and self._beside[variant.relation] < _BESIDE
            self._beside[variant.relation] += beside
            before = self._rates[variant.subject.case.id]
            running = self._await(screened(variant, self._scorer, before, beside=beside), self._take_look)
            self._first += [running] * first
        return bool(chosen)

    def _over(self, reserved: int) -> bool:
        """Say whether what is left of the budget is wanted for what is under way, and so many draws for each suspect.

        Draws cost what those that were handed out did.
        """
        borne_out = (1 + self._borne_out) / (2 + self._examined)
        likely = 1 + self._settling + len(self._waiting) / 2 + self._examining * borne_out
        return self._pool.spent or self._spent(reserved * likely) >= 1 - _MARGIN

    def _spent(self, more: float = 0.0) -> float:
        """Return the share of the budget that is spent with all that is under way, and so many draws more."""
        spent, under_way = self._afford(), self._pool.under_way
        return spent + spent / max(1, self._pool.draws - under_way) * (under_way + more)

    @property
    def _room(self) -> int:
        """How many draws may begin in this turn."""
        return min(max(1, self._at_once // LAG), self._at_once - self._pool.under_way)

    def _await(self, trial: Trial[T], take: Callable[[T], None]) -> Running[T]:
        """Begin a trial whose result is taken once it is there."""
        running = self._pool.start(trial)
        self._awaited.append(_Awaited(running, take))
        return running

    def _collect(self) -> None:
        """Take what has come to its end, in the order in which it was begun."""
        awaited, self._awaited = self._awaited, []
        done = [one for one in awaited if one.running.done]
        self._awaited += [one for one in awaited if not one.running.done]
        for one in done:
            if one.running.result is not None:
                one.take(one.running.result)

    def _take_look(self, look: Screened) -> None:
        self.screened.append(look)
        self.explorer.learn(look)
        if look.suspect:
            self._examine(look.variant)

    def _examine(self, variant: Variant) -> None:
        """See whether a suspect is borne out; later, where one of its cells is looked into already."""
        cells = cells_of(variant)
        if not self._busy.isdisjoint(cells):
            self._suspects.append(variant)  # it was begun before one of them was known to fail
            return
        self._busy.update(cells)
        self.explorer.close(cells)
        self._examining += 1
        trial = examined(variant, self._scorer, self._rates[variant.subject.case.id])
        self._await(trial, lambda found: self._take_examined(cells, found))

    def _take_examined(self, cells: Sequence[Cell], found: tuple[Examined, ...]) -> None:
        self._examining -= 1
        self._examined += 1
        self.settled += [Settled(suspect=one.suspect, compared=(one.broken,)) for one in found if one.broken]
        borne_out = [one for one in found if not one.broken]
        self._borne_out += bool(borne_out)
        self._waiting += borne_out
        self._free(cells)

    def _settle(self) -> None:
        """Settle the suspects of whose cells none is looked into already, and none has a finding."""
        still: list[Examined] = []
        for one in self._waiting:
            cells = cells_of(one.suspect)
            if not self._busy.isdisjoint(cells):
                still.append(one)
                continue
            self._busy.update(cells)
            self.explorer.close(cells)
            self._settling += 1
            before = self._rates[one.suspect.subject.case.id]
            trial = settled(one, self._scorer, before, needed=self._needed, hurried=lambda: self._over(_TO_COMPARE))
            self._await(trial, self._take_settled)
        self._waiting = still

    def _needed(self) -> float:
        return needed_for(len(self.compared), sum(one.smallest is not None for one in self.settled), self._confidence)

    def _try_smaller(self) -> bool:
        """Spend what is left on making findings smaller, a few at a time; say whether there are any more."""
        if self._left is None:
            found = [place for place, one in enumerate(self.settled) if one.smallest]
            self._left = deque(sorted(found, key=lambda place: -self.settled[place].left))
        few = [self._left.popleft() for _ in range(_SMALLER) if self._left]
        for place in few:
            one = self.settled[place]
            before = self._rates[one.suspect.subject.case.id]
            trial = smaller(one, self._scorer, before, needed=self._needed(), hurried=lambda: self._over(_TO_COMPARE))
            self._await(trial, partial(self.settled.__setitem__, place))
        return bool(few)

    def _take_settled(self, one: Settled) -> None:
        """Give the cells of a suspect free but for the one that its smallest form belongs to."""
        self._settling -= 1
        self.settled.append(one)
        found = set(cells_of(one.smallest.compared.variant)) if one.smallest else set()
        self._waiting = [other for other in self._waiting if found.isdisjoint(cells_of(other.suspect))]
        explained = set(cells_of(one.suspect)) if found else found
        self._suspects = [other for other in self._suspects if explained.isdisjoint(cells_of(other))]
        self._free(set(cells_of(one.suspect)) - found)

    def _free(self, cells: Iterable[Cell]) -> None:
        self._busy.difference_update(cells)
        self.explorer.reopen(cells)
        self._settle()
        suspects, self._suspects = self._suspects, []
        for one in suspects if not self._over(_TO_SHRINK) else ():
            self._examine(one)


class _Awaited(NamedTuple):
    running: Running[Any]
    take: Callable[[Any], None]
