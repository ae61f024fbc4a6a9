"""Where chains part, and how it is counted and said."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.divergence import Divergence, divergence, funnel_level
from pytest_toolmatch.judging.matching import Matcher
from tests.reports.examples import RIGHT, TOOLS, WRONG, call, judged, lost, samples, search

A, B, C = (call(name) for name in "abc")
ONE, TWO = call("a", x=1), call("a", x=2)


def parted(student: Any, teacher: Any, tools: tuple[Tool, ...] = (), **rules: Any) -> Divergence:
    return divergence(
        chain_of(student), chain_of(teacher), Matcher(tools, rules=Rules(**rules)), ArgumentValidator(tools)
    )


@pytest.mark.parametrize(
    ("student", "teacher", "level"),
    [
        ([], [[A]], "decision"),
        ([[A]], [], "decision"),
        ([[B]], [[A]], "tool"),
        ([[A, B]], [[A]], "tool"),
        ([[A], [C]], [[A], [B]], "names"),
        ([[A]], [[A], [B]], "names"),
        ([[A], [C], [B]], [[A], [B], [C]], "names"),
        ([[ONE]], [[TWO]], "arguments"),
        ([[B], [ONE]], [[TWO, B]], "arguments"),
    ],
)
def test_the_funnel_names_the_first_level_that_is_not_passed(student: Any, teacher: Any, level: str) -> None:
    assert funnel_level(chain_of(student), chain_of(teacher), Matcher(())) == level


@pytest.mark.parametrize("mode", ["ordered", "strict"])
def test_parallel_calls_in_another_order_are_no_difference(mode: str) -> None:
    found = parted([[C, B], [ONE]], [[B, C], [TWO]], match=mode)
    assert (found.step, found.reason) == (2, "x")
    assert [row.step for row in found.rows] == [1, 1, 2]


def test_a_missing_parallel_call_is_named() -> None:
    assert parted([[C]], [[B, C]]).reason == "missing b"


def test_a_sequence_has_an_order_even_in_one_step() -> None:
    assert parted([[C, B]], [[B, C]], match="sequence").step == 1


def test_unordered_calls_pair_across_steps() -> None:
    found = parted([[B], [ONE]], [[TWO], [B]], match="unordered")
    assert [row.differing for row in found.rows if row.differing] == [{"x": ""}]


@pytest.mark.parametrize(
    ("mode", "student", "teacher", "step", "reason"),
    [
        ("names", [[TWO], [C]], [[ONE], [B]], 2, "missing b"),
        ("names", [[B], [TWO]], [[ONE], [B]], 1, "missing a"),
        ("subset", [[B], [call("d")]], [[A], [B], [C]], 2, "extra d"),
        ("subset", [[A, C]], [[A], [B], [C]], 1, "other order"),
        ("subset", [[TWO]], [[B], [ONE]], 2, "x"),
        ("superset", [[call("z")], [A]], [[A], [B]], 2, "missing b"),
        ("superset", [[B], [TWO]], [[ONE]], 1, "x"),
        ("superset", [], [[A]], 1, "no call"),
    ],
)
def test_what_a_mode_allows_is_no_reason(mode: str, student: Any, teacher: Any, step: int, reason: str) -> None:
    found = parted(student, teacher, match=mode)
    assert (found.step, found.reason) == (step, reason)


def test_names_compare_no_arguments() -> None:
    assert not any(row.differing for row in parted([[TWO], [C]], [[ONE], [B]], match="names").rows)


def test_a_note_is_about_its_own_argument() -> None:
    found = parted([[call("search_flights", origin="Oslo", destination="Rome", date=3)]], [[search()]], TOOLS)
    assert found.rows[0].differing == {
        "origin": '"Oslo" does not match "^[A-Z]{3}$"',
        "destination": '"Rome" does not match "^[A-Z]{3}$"',
        "date": '3 is not of type "string"',
    }


def test_arguments_that_only_differ_together_are_marked() -> None:
    either = {"anyOf": [{"properties": {"x": {"type": "integer"}}}, {"properties": {"y": {"type": "integer"}}}]}
    tools = (Tool(name="a", parameters={"type": "object", **either}),)
    found = parted([[call("a", x=1, y="p")]], [[call("a", x=1, y="q")]], tools)
    assert found.rows[0].differing == {"y": ""}


@pytest.mark.parametrize("arguments", ["", "{", [], 3])
def test_arguments_that_are_no_object_differ_as_a_whole(arguments: Any) -> None:
    raw, fine = [[{"name": "a", "arguments": arguments}]], [[A]]
    assert parted(raw, fine).rows[0].differing == {"arguments": "not a JSON object"}
    assert parted(fine, raw).rows[0].differing == {"arguments": ""}


def test_what_matches_any_teacher_draw_does_not_diverge() -> None:
    teacher = samples((3, RIGHT), (1, WRONG), role="teacher")
    result = judged(teacher, samples((2, RIGHT), (2, WRONG)), reference="any")
    assert (result.state, result.levels, result.divergence) == ("agrees", {}, None)


@pytest.mark.parametrize("reference", ["any", "draws"])
def test_a_reference_without_consensus_still_shows_where_chains_part(reference: str) -> None:
    teacher = samples((2, RIGHT), (2, WRONG), (1, []), role="teacher")
    result = judged(teacher, samples((4, [[search()]])), reference=reference)
    assert (result.state, result.reason) == ("diverges", "step 2: missing book_flight")
    assert result.levels == {"names": 4}
    assert result.tools == ("search_flights", "book_flight")


def test_a_teacher_that_varies_is_named_where_the_student_does_as_it_mostly_does() -> None:
    teacher = samples((2, RIGHT), (1, WRONG), role="teacher")
    assert judged(teacher, samples((3, RIGHT)), reference="draws").reason == "the teacher's own samples differ"


def test_a_reference_that_no_chain_has_the_support_to_be_is_the_reason() -> None:
    teacher = samples((1, RIGHT), (1, WRONG), (1, []), role="teacher")
    result = judged(teacher, samples((3, WRONG), (1, RIGHT)), reference="any", min_support=2)
    reason = "no chain of the teacher has the support of 2 samples that min_support asks for"
    assert (result.value("chain_match"), result.reason) == (0, reason)
    assert sum(result.levels.values()) == 4
    shown = [judged(teacher, samples((3, steps)), reference="any", min_support=2) for steps in (RIGHT, WRONG, [])]
    assert [one.reason for one in shown] == [reason] * 3
    for one in shown:
        assert one.consensus
        assert one.diverging
        assert (one.divergence is None) == (one.consensus.chain == one.diverging.chain)
    lost_most = [*samples((1, RIGHT)), lost("truncated"), lost("truncated")]
    assert judged(teacher, lost_most, reference="any", min_support=2).reason == "2 truncated"


def test_an_ambiguous_case_shows_the_chain_with_most_support() -> None:
    result = judged(samples((2, RIGHT), (3, WRONG), (2, []), role="teacher"), samples((1, RIGHT)))
    assert (result.state, result.reason) == ("ambiguous", "teacher agrees with itself in 3 of 7 samples")
    assert result.consensus is not None
    assert (result.consensus.chain, result.consensus.count) == (chain_of(WRONG), 3)


def test_a_teacher_without_a_usable_sample_is_ambiguous() -> None:
    result = judged([lost("truncated"), lost("invalid")], samples((1, RIGHT)))
    assert result.reason == "the teacher has no usable sample: 1 invalid, 1 truncated"
    assert result.consensus is None


def test_the_reason_is_what_became_of_most_samples() -> None:
    teacher = samples((2, RIGHT), role="teacher")
    assert judged(teacher, [*samples((1, WRONG)), lost("truncated"), lost("truncated")]).reason == "2 truncated"
    assert judged(teacher, [*samples((1, WRONG)), lost("truncated")]).reason == "step 1: destination"
