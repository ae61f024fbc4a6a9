"""Where a metric is easily a little wrong: raw arguments, modes with a direction, ties, refused siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.core.chain import Call, chain_of
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.sample import Refusal, Sample, SampleRole
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from pytest_toolmatch.judging.verdict import CaseResult

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}}
TOOLS = tuple(Tool(name=name, parameters=NUMBER) for name in "abz")
A, B, Z = ({"name": name} for name in "abz")


def drawn(role: SampleRole, *chains: Any, **facts: Any) -> list[Sample]:
    return [
        Sample(case="c", role=role, draw=draw, outcome="called", chain=chain_of(chain), **facts)
        for draw, chain in enumerate(chains)
    ]


def judged(teacher: list[Sample], student: list[Sample], **rules: Any) -> CaseResult:
    judge = Judge("s", Matcher(TOOLS, rules=Rules(**rules)), ArgumentValidator(TOOLS), wanted=0.8)
    return judge.judge(case_of_query("q", id="c"), teacher, student)


def test_a_margin_needs_two_samples_of_the_teacher_and_is_that_of_full_chains() -> None:
    student = drawn("student", [[A]], [[B]])
    assert judged(drawn("teacher", [[A]]), student).value("margin") is None
    result = judged(drawn("teacher", [[A]], [[A]]), student)
    assert result.value("margin") == -0.5
    assert "margin" not in result.ceilings
    alone = drawn("teacher", [[A]], [[A]], [[B]])
    assert judged(alone, alone).value("margin") == 0


def test_arguments_that_are_no_object_agree_with_nothing() -> None:
    raw = [[{"name": "a", "arguments": "{bad"}]]
    result = judged(drawn("teacher", raw, raw, raw), drawn("student", raw, raw))
    assert (result.value("agreement"), result.value("consistency")) == (0, 0)
    assert (result.value("name_agreement"), result.value("name_consistency")) == (1, 1)


def test_the_ceiling_of_agreement_has_the_direction_of_agreement() -> None:
    half = [[[A, B]], [[A, B]], [[A], [B]], [[A], [B]]]  # parallel twice, serial twice
    result = judged(drawn("teacher", *half), drawn("student", *half))
    assert result.value("consistency") == 1
    assert result.value("agreement") == 0.75
    assert result.ceilings["agreement"].value == pytest.approx(8 / 12)
    assert result.value("margin") == -0.25


@pytest.mark.parametrize(("often", "once"), [(A, Z), (Z, A)])
def test_ties_among_the_other_draws_do_not_go_by_the_alphabet(often: Any, once: Any) -> None:
    result = judged(drawn("teacher", [[often]], [[often]], [[once]]), drawn("student", [[often]]))
    # Without one of the two, the others tie: half of the reference is the same.
    assert result.ceilings["chain_match"].value == pytest.approx((0.5 + 0.5 + 0) / 3)


def test_a_call_beside_a_refused_one_was_a_first_attempt_too() -> None:
    refused = Refusal(Call("b", {"n": "x"}), "schema_violation")
    student = drawn("student", [[A, B]], refusals=(refused,))
    result = judged(drawn("teacher", [[A, B]]), student)
    assert result.value("argument_validity") == 0.5


def test_possible_answers_are_no_draws() -> None:
    answers = drawn("recorded", [[A]], [[B]], alternative=True)
    result = judged(answers, drawn("student", [[B]]), reference="any")
    assert (result.state, result.value("chain_match")) == ("agrees", 1)
    assert {"consistency", "agreement", "ambiguous"} & result.measures.keys() == set()
    assert "chain_match" not in result.ceilings


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"type": "string"}, {"type": ["string", "null"]}]},
        {"allOf": [{"enum": ["a", "b"]}, {"enum": ["a", None]}]},
        {"not": {"type": "null"}},
    ],
)
def test_null_is_missing_only_where_null_is_valid(schema: dict[str, Any]) -> None:
    tool = Tool(name="a", parameters={"type": "object", "properties": {"n": schema}})
    assert not Matcher([tool]).matches([[{"name": "a", "arguments": {"n": None}}]], [[{"name": "a"}]])


def test_what_two_members_of_all_of_say_of_an_array_both_counts() -> None:
    members = [{"uniqueItems": True}, {"uniqueItems": False, "items": {"type": "string"}}]
    tool = Tool(name="a", parameters={"type": "object", "properties": {"n": {"type": "array", "allOf": members}}})
    student, teacher = ([[{"name": "a", "arguments": {"n": list(text)}}]] for text in ("xy", "yx"))
    assert Matcher([tool]).matches(student, teacher)


def test_as_plain_json_the_same_raw_arguments_are_the_same() -> None:
    raw, other = [[{"name": "a", "arguments": "{bad"}]], [[{"name": "a", "arguments": "{worse"}]]
    result = judged(drawn("teacher", raw, raw, other), drawn("student", raw), arguments="json")
    assert result.value("consistency") == pytest.approx(1 / 3)
    assert not Matcher(TOOLS, arguments="json").matches(raw, [[{"name": "a", "arguments": {}}]])
