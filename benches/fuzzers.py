"""Three ways to look for the weaknesses of ``planted.py``'s students: a campaign, hypothesis alone, a loop at random.

Each gets the same cases, relations and budget; the two others are told the teacher's chains for nothing.
"""

from __future__ import annotations

import random
import warnings
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import hypothesis
from hypothesis.errors import Flaky
from planted import SUITE, World, truth
from planted_cases import KNOWN

from pytest_toolmatch.core.errors import BudgetSpent
from pytest_toolmatch.fuzzing.campaign import Campaign
from pytest_toolmatch.fuzzing.exploring import Cell, tool_of
from pytest_toolmatch.fuzzing.generating import drawn
from pytest_toolmatch.fuzzing.pool import Pool
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.scoring import Scorer
from pytest_toolmatch.fuzzing.variant import Subject, Variant
from pytest_toolmatch.statistics.drops import WORTH, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

EXAMPLES = 10
"""Examples of a test of hypothesis's: of its 100, a budget of 3,000 calls would reach a tenth of the cases."""

FEW = 3
"""Draws below which the loop says nothing of a relation and a tool."""


class Found(NamedTuple):
    """What was reported: the smallest prompt. ``flaky``: with the remark that it doesn't always fail."""

    variant: Variant
    flaky: bool = False


SUBJECTS = tuple(
    Subject(
        case=case,
        tools=SUITE.tools,
        chain=KNOWN[case.id].chain,
        replies=World(noise=0).sample(case, "student", 0).replies,
    )
    for case in SUITE.cases
)


def strategies() -> Iterator[tuple[Relation, Subject, SearchStrategy[Variant]]]:
    """Yield every relation on every case that it applies to."""
    for relation in RELATIONS.values():
        for subject in SUBJECTS:
            try:
                yield relation, subject, relation.variants(subject)
            except NotApplicable:
                continue


def campaign(world: World, seed: int) -> list[Found]:
    """Look with a campaign."""
    searching = Campaign(
        Pool(world),
        Scorer(SUITE),
        tuple(RELATIONS.values()),
        seed=seed,
        afford=lambda: world.calls / world.most,
    )
    for _ in searching.run(SUITE.cases):
        pass
    return [Found(found.smallest.variant) for found in searching.findings]


class DiffersError(AssertionError):
    """A draw is not what is expected of a variant."""

    def __init__(self, variant: Variant) -> None:
        super().__init__(repr(variant))
        self.variant = variant


class OneByOne:
    """Draws a variant once more at each look, as a test does that asks a model."""

    def __init__(self, world: World) -> None:
        self.world, self._scorer, self._looks = world, Scorer(SUITE), Counter[str]()

    def hits(self, variant: Variant) -> bool:
        """Say whether the next draw of the student is what is expected; of a teacher's relation, what is right."""
        draw = self._looks[variant.id]
        self._looks[variant.id] += 1
        if self.world.calls >= self.world.most:
            raise BudgetSpent("the simulated budget is spent")
        sample = self.world.sample(variant, "student", draw)
        chain = truth(variant) if variant.must == "teacher" else variant.expected
        return all(self._scorer.hits(variant, chain or (), [sample]))


def plain(world: World, seed: int) -> list[Found]:
    """Look with a test for every relation and case, in any order: ``@given``, a draw an example, its own shrinking."""
    looking, found = OneByOne(world), []
    tests = list(strategies())
    random.Random(seed).shuffle(tests)  # noqa: S311 - a simulation
    for place, (_, _, strategy) in enumerate(tests):
        try:
            _tested(looking, strategy, seed * len(tests) + place)
        except DiffersError as failure:
            found.append(Found(failure.variant))
        except Flaky as failure:
            inner = getattr(failure, "exceptions", ())
            found += [Found(one.variant, flaky=True) for one in inner if isinstance(one, DiffersError)][:1]
        except BudgetSpent:
            break
    return found


def _tested(looking: OneByOne, strategy: SearchStrategy[Variant], seed: int) -> None:
    def test(variant: Variant) -> None:
        if not looking.hits(variant):
            raise DiffersError(variant)

    given = hypothesis.given(strategy)(test)
    settings = hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    with warnings.catch_warnings(action="ignore"):
        hypothesis.seed(seed)(settings(given))()


def at_random(world: World, seed: int) -> list[Found]:
    """Look at one draw of random variants; report each relation and tool whose share of matches is lower by WORTH."""
    looking, dice = OneByOne(world), random.Random(seed)  # noqa: S311 - a simulation
    every = list(strategies())
    cells: dict[Cell, list[tuple[Variant, bool]]] = defaultdict(list)
    parents = {subject.case.id: _rate(world, subject) for subject in SUBJECTS}
    waiting: dict[int, list[Variant]] = {}
    try:
        while True:
            place = dice.randrange(len(every))
            relation, subject, strategy = every[place]
            waiting[place] = waiting.get(place) or drawn(strategy, 10, f"{seed}/{dice.random()}")
            variant = waiting[place].pop(dice.randrange(len(waiting[place])))
            cells[Cell(relation.name, tool_of(subject))].append((variant, looking.hits(variant)))
    except BudgetSpent:
        return [_shortest(looks) for looks in cells.values() if _lower(looks, parents)]


def _rate(world: World, subject: Subject) -> Tally:
    (samples,) = world.answer(((subject.case, "student", 5),))
    return Scorer(SUITE).tally(subject.case, subject.chain or (), samples)


def _lower(looks: list[tuple[Variant, bool]], parents: dict[str, Tally]) -> bool:
    before = [parents[variant.subject.case.id].rate for variant, _ in looks]
    after = sum(hit for _, hit in looks) / len(looks)
    return len(looks) >= FEW and sum(before) / len(before) - after >= WORTH


def _shortest(looks: list[tuple[Variant, bool]]) -> Found:
    return Found(min((variant for variant, hit in looks if not hit), key=lambda variant: len(variant.query.split())))
