"""Gates as they are written, what becomes of them, and what an undecided one lacks."""

from __future__ import annotations

import math
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import GateError
from pytest_toolmatch.judging.deciding import decide
from pytest_toolmatch.judging.gate import GateResult, check_gates, parse_gate
from pytest_toolmatch.judging.metrics import METRICS, estimate
from pytest_toolmatch.judging.verdict import CaseResult, State
from pytest_toolmatch.statistics.measures import Measure
from pytest_toolmatch.statistics.ustatistics import mean_of_draws


def case(name: str, *scores: float, teacher: int = 5, state: State = "agrees", **measures: Measure) -> CaseResult:
    made = {"chain_match": mean_of_draws(scores)} if scores else {}
    return CaseResult(
        suite="s",
        case=name,
        query="?",
        state=state,
        tags=(name[0],),
        measures=made | measures,
        ceilings={"cost": Measure(0.10)} if "cost" in measures else {},
        teacher_samples=teacher,
        student_samples=len(scores),
    )


def decided(gate: str, *cases: CaseResult, confidence: float = 0.95) -> tuple[str, str]:
    parsed = parse_gate(gate)
    seen = parsed.of(cases)
    result = decide(parsed, seen, estimate(parsed.metric, seen, confidence))
    return result.state, result.reason


SURE = [case(name, *[1.0] * 10) for name in "abcdef"]
WAVERING = [case(name, *[1.0] * 8, 0.0, 0.0) for name in "abcdef"]


@pytest.mark.parametrize(
    ("gate", "state"),
    [
        ("chain_match >= 0.80", "holds"),
        ("chain_match > 0.80", "holds"),
        ("chain_match <= 0.80", "fails"),
        ("chain_match < 0.80", "fails"),
        ("chain_match >= 0.99", "undecided"),
    ],
)
def test_a_gate_is_decided_by_the_side_its_whole_interval_lies_on(gate: str, state: str) -> None:
    assert decided(gate, *SURE)[0] == state


@given(st.floats(0.01, 0.99), st.sampled_from([">=", "<="]))
def test_turning_a_gate_around_turns_its_decision_around(bound: float, sign: str) -> None:
    other = "<=" if sign == ">=" else ">="
    turned = {"holds": "fails", "fails": "holds", "undecided": "undecided"}
    state, _ = decided(f"chain_match {sign} {bound}", *WAVERING)
    assert decided(f"chain_match {other} {bound}", *WAVERING)[0] == turned[state]


def test_an_undecided_gate_says_how_many_samples_would_tell_and_what_they_cost() -> None:
    cases = [case(name, *[1.0] * 9, 0.0, cost=Measure(0.002)) for name in "abcde"]
    state, reason = decided("chain_match >= 0.85", *cases)
    found = re.fullmatch(
        r"the samples can't tell yet: about (\d+) more of the student would \((\d+) a case, (\S+) USD\)", reason
    )
    assert state == "undecided"
    assert found
    assert int(found[1]) == 5 * int(found[2])
    assert float(found[3]) == pytest.approx(int(found[1]) * 0.002, rel=0.05)


def test_the_samples_it_asks_for_do_tell() -> None:
    reason = decided("chain_match >= 0.70", *WAVERING[:4])[1]
    found = re.search(r"\((\d+) a case", reason)
    assert found
    tenths = 1 + -(-int(found[1]) // 10)
    more = [case(name, *([1.0] * 8 + [0.0] * 2) * tenths) for name in "abcd"]
    assert decided("chain_match >= 0.70", *more)[0] == "holds"


def test_at_the_bound_no_number_of_samples_tells() -> None:
    assert decided("chain_match >= 0.80", *WAVERING) == (
        "undecided",
        "the value lies so near to the bound that no number of samples anyone would pay for can tell",
    )


def test_how_many_cases_are_ambiguous_is_settled_by_cases() -> None:
    cases = [case(name, ambiguous=Measure(float(name == "a"))) for name in "abcdefgh"]
    state, reason = decided("ambiguous <= 0.3", *cases)
    assert state == "undecided"
    assert re.fullmatch(r"the cases can't tell yet: about \d+ more cases of this kind would", reason)


@pytest.mark.parametrize(
    ("gate", "cases", "reason"),
    [
        ("chain_match >= 0.8", [], "no case was judged"),
        ("chain_match[tag=z] >= 0.8", SURE, "no case with tag 'z'"),
        ("chain_match >= 0.8", [case("a", state="ambiguous")], "the teacher has no consensus in any of these cases"),
        ("chain_match >= 0.8", [case("a", state="error")], "no case has a valid sample of both models"),
        ("as_good_as_teacher = 0.1", [case("a", 1.0, teacher=1)], "one sample of the teacher per case"),
        ("cost <= 1", SURE, "no data for this metric"),
    ],
)
def test_without_data_a_gate_is_undecided_and_says_why(gate: str, cases: list[CaseResult], reason: str) -> None:
    state, said = decided(gate, *cases)
    assert state == "undecided"
    assert said.startswith(reason)


@pytest.mark.parametrize("scores", [[1.0], [0.0]])
def test_one_draw_of_one_case_decides_no_gate_worth_having(scores: list[float]) -> None:
    assert decided("chain_match >= 0.5", case("a", *scores))[0] == "undecided"


@pytest.mark.parametrize(("low", "high"), [(0.8, math.inf), (-math.inf, 0.2), (0.1, 0.2)])
def test_an_interval_without_an_end_survives_a_file(low: float, high: float) -> None:
    result = GateResult("relative_match >= 0.9", "undecided", 0.1, low, high)
    assert msgspec.json.decode(msgspec.json.encode(result), type=GateResult) == result


def test_as_good_as_the_teacher_is_a_bound_on_the_margin() -> None:
    gate = parse_gate("as_good_as_teacher[tag=a] = 0.05")
    assert (gate.metric, gate.sign, gate.bound, gate.by, gate.subset) == ("margin", ">=", -0.05, "tag", "a")
    assert gate.expression == "as_good_as_teacher[tag=a] = 0.05"


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("as_good_as_teacher >= 0.9", "it takes a margin; write as_good_as_teacher = 0.05"),
        ("as_good_as_teacher = 0", "the margin lies between 0 and 1"),
        ("as_good_as_teacher = 5", "the margin lies between 0 and 1"),
        ("as_good_as_techer = 0.05", "did you mean 'as_good_as_teacher'?"),
        ("chain_match = 0.9", "write chain_match >= or chain_match <="),
        ("margin >= 1", "no number of samples shows a difference of exactly 1; write margin >= 0.95"),
        ("chain_match >= 1", "write chain_match >= 0.95"),
        ("ambiguous <= 0", "write ambiguous <= 0.05"),
        ("retries <= 0", "no number of samples shows a count of exactly 0; write retries <= 0.05"),
        ("margin <= -2", "margin lies between -1 and 1"),
    ],
)
def test_gates_that_can_decide_nothing_are_refused(gate: str, message: str) -> None:
    with pytest.raises(GateError, match=re.escape(message)):
        parse_gate(gate)


@pytest.mark.parametrize(
    "gates",
    [
        ["chain_match >= 0.9", "chain_match <= 0.5"],
        ["chain_match <= 0.5", "chain_match >= 0.9"],
        ["chain_match >= 0.9", "chain_match < 0.9"],
        ["retries < 1", "cost <= 1", "retries > 1"],
        ["as_good_as_teacher = 0.05", "margin <= -0.1"],
    ],
)
def test_gates_that_contradict_each_other_are_refused(gates: list[str]) -> None:
    with pytest.raises(GateError, match="contradict each other: no value satisfies both; drop one"):
        check_gates(gates)


@given(st.lists(st.tuples(st.sampled_from(sorted(METRICS)), st.floats(0.1, 0.9)), max_size=5))
def test_bounds_from_one_side_never_contradict(bounds: list[tuple[str, float]]) -> None:
    check_gates(f"{metric} >= {bound}" for metric, bound in bounds)
    check_gates([f"chain_match >= {bound / 2}" for _, bound in bounds] + ["chain_match <= 0.9"])


def test_bounds_on_different_cases_do_not_contradict() -> None:
    check_gates(["chain_match[tag=a] >= 0.9", "chain_match[tag=b] <= 0.5", "chain_match[tool=a] <= 0.5"])
