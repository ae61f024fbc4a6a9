"""Rounds of draws until gates are decided, on cases whose true rates are known."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_toolmatch.core.auto import Auto
from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.errors import BudgetSpent, MissingRecording
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.judging.looks import Round, Wanted, look_of
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.rounds import Rounds
from pytest_toolmatch.statistics.measures import Measure
from pytest_toolmatch.statistics.ustatistics import mean_of_draws, paired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GATE = "chain_match >= 0.80"


class Dice:
    """Draws cases that match at their own rates; ``log`` is what was asked of it, in order."""

    def __init__(self, rates: Mapping[str, float], *, fail_at: int = 1000, lost: float = 0.0, seed: int = 1) -> None:
        self.rates, self.fail_at, self.lost = rates, fail_at, lost
        self.log: list[tuple[str, str, int]] = []
        self._dice = random.Random(seed)  # noqa: S311 - a simulation
        self._drawn: dict[str, list[float | None]] = {name: [] for name in rates}

    @property
    def cases(self) -> list[Case]:
        return [case_of_query(name, id=name) for name in self.rates]

    def begin(self, case: Case, wanted: Wanted) -> None:
        self.log.append(("begin", case.id, wanted.student))

    def ready(self, case: Case, wanted: Wanted) -> bool:
        return bool(case.id and wanted)

    def judged(self, case: Case, wanted: Wanted) -> CaseResult:
        self.log.append(("judged", case.id, wanted.student))
        if case.id == "missing":
            raise MissingRecording("missing: not recorded")
        if wanted.student >= self.fail_at:
            raise BudgetSpent("budget of 10 calls is spent")
        scores = [score for score in self._of(case, wanted.student) if score is not None]
        measures = {"chain_match": mean_of_draws(scores)} if scores else {}
        return CaseResult(
            suite="s",
            case=case.id,
            query=case.id,
            state="agrees" if scores else "error",
            measures=measures,
            teacher_samples=wanted.teacher,
            student_samples=len(scores),
        )

    def scores(self, case: Case, first: int, drawn: int, wanted: int) -> dict[str, Sequence[float]]:
        assert first in (1, 5)
        return {"chain_match": [score for score in self._of(case, wanted)[drawn:] if score is not None]}

    def exhausted(self, case: Case, drawn: Wanted, more: Wanted) -> str:
        return "" if case and drawn and more else "nothing left"

    def _of(self, case: Case, count: int) -> list[float | None]:
        drawn = self._drawn[case.id]
        while len(drawn) < count:
            lost = self._dice.random() < self.lost
            drawn.append(None if lost else float(self._dice.random() < self.rates[case.id]))
        return drawn[:count]


class Twins(Dice):
    """Draws a teacher and a student that never waver; ``recorded`` is how many of the teacher's draws there can be."""

    def __init__(self, rates: Mapping[str, float], *, recorded: int = 1000) -> None:
        super().__init__(rates)
        self.recorded = recorded

    def judged(self, case: Case, wanted: Wanted) -> CaseResult:
        found = paired([0] * wanted.student, [0] * wanted.teacher, {0: {0: True}})
        named = zip(("agreement", "consistency", "margin"), found, strict=True)
        measures = {name: measure for name, measure in named if measure}
        return msgspec.structs.replace(super().judged(case, wanted), teacher_samples=wanted.teacher, measures=measures)

    def exhausted(self, case: Case, drawn: Wanted, more: Wanted) -> str:
        return "nothing left" if case and more.teacher and drawn.teacher >= self.recorded else ""


def rounds_of(dice: Dice, *gates: str, least: int = 5, most: int = 40) -> Rounds:
    looks = [look_of(parse_gate(gate), 0.95, scored=True) for gate in gates]
    return Rounds(dice, dice.cases, looks, Auto(least, most))


def settled(dice: Dice, *gates: str, least: int = 5, most: int = 40) -> Rounds:
    rounds = rounds_of(dice, *gates, least=least, most=most)
    rounds.settle()
    assert rounds.done
    return rounds


def alike(rate: float, cases: int = 20) -> dict[str, float]:
    return {f"case-{number}": rate for number in range(cases)}


@pytest.mark.parametrize(("rate", "state"), [(0.97, "holds"), (0.6, "fails")])
def test_rounds_end_with_the_last_gate(rate: float, state: str) -> None:
    rounds = settled(Dice(alike(rate)), GATE, "chain_match[tag=x] >= 0.5")
    found = rounds.results()
    assert found[GATE].state == state
    assert found["chain_match[tag=x] >= 0.5"].reason == "no case with tag 'x'"
    assert found[GATE].draws == sum(draws.student for draws in rounds.draws.values())


def test_another_round_is_in_flight_while_one_is_judged() -> None:
    dice = Dice(alike(0.84, 5))
    settled(dice, GATE)
    latest = {"case-0": 0}
    for what, case, draws in dice.log:
        if what == "begin":
            latest[case] = draws
        elif 5 < draws < 30:
            assert latest[case] > draws


def test_a_large_suite_is_looked_at_after_a_part_of_its_cases() -> None:
    dice = Dice(alike(0.86, 60))
    rounds = settled(dice, GATE, least=1)
    drawn = [one.student for one in rounds.draws.values()]
    assert rounds.results()[GATE].draws == sum(drawn)
    assert min(drawn) < max(drawn)
    seen, sizes, asked = dict.fromkeys(dice.rates, 0), [0], dict.fromkeys(dice.rates, 0)
    for what, case, draws in dice.log:
        if what == "begin":
            asked[case] = draws
            sizes += [0] if sizes[-1] else []
            continue
        sizes[-1] += 1
        seen[case] = draws
        # Behind the round that is judged there is always enough on its way.
        assert sum(asked.values()) - sum(seen.values()) >= 50 or not sum(sizes[:-1])
    assert sizes[0] == 60
    assert set(sizes[1:]) <= set(range(10, 31))


def test_the_same_samples_make_the_same_rounds() -> None:
    first, other = Dice(alike(0.86, 60)), Dice(alike(0.86, 60), seed=2)
    again = Dice(first.rates)
    again._drawn = first._drawn
    rounds = [settled(dice, GATE, least=1) for dice in (first, again, other)]
    assert first.log == again.log
    assert rounds[0].draws == rounds[1].draws
    assert rounds[0].results() == rounds[1].results()
    parts = [[name for name, one in each.draws.items() if one.student > 1] for each in rounds]
    assert parts[0] != parts[2]


def test_no_case_of_a_large_suite_has_more_than_the_most() -> None:
    draws = settled(Dice(alike(0.8, 60)), GATE, least=1, most=6).draws
    assert max(one.student for one in draws.values()) == 6
    assert min(one.student for one in draws.values()) >= 4


def test_rounds_go_where_cases_waver() -> None:
    dice = Dice({"always": 1.0, "also": 1.0, "never": 0.0, "often": 0.7, "half": 0.5})
    draws = settled(dice, "chain_match >= 0.60", most=400).draws
    assert draws["half"].student > 1.5 * draws["always"].student
    assert {one.teacher for one in draws.values()} == {5}


def test_a_case_that_cannot_be_sampled_is_left_out() -> None:
    rounds = settled(Dice(alike(0.97) | {"missing": 1.0}), GATE)
    assert "missing" not in rounds.draws
    assert rounds.results()[GATE].state == "holds"


def test_what_ends_the_sampling_leaves_what_was_judged() -> None:
    rounds = settled(Dice(alike(0.8), fail_at=7), GATE)
    result = rounds.results()[GATE]
    assert result.state == "undecided"
    assert result.reason.endswith("; budget of 10 calls is spent")
    assert {one.student for one in rounds.draws.values()} <= {5, 6}
    assert result.draws == sum(one.student for one in rounds.draws.values())


def test_what_more_draws_do_not_narrow_is_decided_at_the_first_look() -> None:
    def results(share: float) -> list[CaseResult]:
        measures = {"ambiguous": Measure(share, draws=1.0)}
        return [
            CaseResult(suite="s", case=f"{n}", query="?", state="agrees", teacher_samples=5, measures=measures)
            for n in range(60)
        ]

    look = look_of(parse_gate("ambiguous <= 0.10"), 0.95, scored=True)
    look.update(Round(results(0.0), {}))
    first = look.result
    look.update(Round(results(1.0), {}))
    assert first.state == "holds"
    assert look.result == first


@pytest.mark.parametrize(("cases", "least"), [(20, 5), (60, 1)])
def test_lost_draws_delay_a_round_and_decide_nothing(cases: int, least: int) -> None:
    rounds = settled(Dice(alike(0.97, cases), lost=0.2), GATE, least=least)
    result = rounds.results()[GATE]
    assert result.state == "holds"
    assert result.draws is not None
    assert result.draws < sum(draws.student for draws in rounds.draws.values())


@pytest.mark.parametrize("cases", [5, 60])
@pytest.mark.parametrize("gate", ["consistency >= 0.5", "as_good_as_teacher = 0.2", "relative_match >= 0.5"])
def test_a_teacher_drawn_once_is_drawn_again_for_a_gate_on_how_it_varies(gate: str, cases: int) -> None:
    rounds = settled(Twins(alike(1.0, cases)), gate, least=1)
    assert rounds.results()[gate].state == "holds"
    assert min(one.teacher for one in rounds.draws.values()) >= 2


@pytest.mark.parametrize(("recorded", "most", "why"), [(1, 40, "nothing left"), (9, 1, "stopped at 1 samples a case")])
def test_a_teacher_that_can_not_be_drawn_again_ends_it(recorded: int, most: int, why: str) -> None:
    rounds = settled(Twins(alike(1.0), recorded=recorded), "consistency >= 0.5", least=1, most=most)
    found = rounds.results()["consistency >= 0.5"]
    assert (found.state, {one.teacher for one in rounds.draws.values()}) == ("undecided", {1})
    assert f"how often it agrees with itself is unknown; {why}" in found.reason


def test_nothing_that_can_be_sampled_is_no_crash() -> None:
    rounds = settled(Dice({"missing": 1.0}), GATE)
    assert rounds.results()[GATE].reason == "no case was judged"


def test_at_the_bound_a_part_is_seldom_decided_on_wrongly() -> None:
    rates = alike(1.0, 40) | {f"case-{number}": 0.0 for number in range(8)}
    states = [settled(Dice(rates, seed=seed), GATE, least=1, most=8).results()[GATE].state for seed in range(60)]
    assert states.count("undecided") >= 51  # 10 % of 60 may be decided; 10 or more have a chance of 7 %


@pytest.mark.parametrize("gate", ["chain_match >= 0.80", "chain_match <= 0.80"])
def test_at_the_bound_a_gate_is_seldom_decided_wrongly(gate: str) -> None:
    wrong = sum(
        settled(Dice(alike(0.8, 10), seed=seed), gate, most=20).results()[gate].state == "holds" for seed in range(60)
    )
    assert wrong <= 6  # 5 % of 60 are 3; 7 or more have a chance of 2 %


def test_a_margin_is_not_decided_by_one_sample_of_each_case() -> None:
    equal = {0: {0: True, 1: False}, 1: {0: False, 1: True}}

    def seen(samples: int) -> Round:
        found = paired([1] * samples, [0] * 9 + [1], equal)
        assert found.consistency
        assert found.margin
        made = {"agreement": found.agreement, "consistency": found.consistency, "margin": found.margin}
        one = CaseResult(suite="s", case="c", query="?", state="diverges", measures=made, student_samples=samples)
        return Round([msgspec.structs.replace(one, case=f"{number}") for number in range(30)], {})

    look = look_of(parse_gate("as_good_as_teacher = 0.05"), 0.95, scored=True)
    states = []
    for samples in (1, 2, 3):
        look.update(seen(samples))
        states.append(look.result.state)
    assert states == ["undecided", "undecided", "fails"]
