"""Laws of matching, on random chains, schemas and values, and against slow implementations of the definitions."""

from __future__ import annotations

import json
import os
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.rules import MODES, Override
from pytest_toolmatch.judging.keys import Fuzzy
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.judging.pairing import pairs_into
from tests.judging.slow_equality import equal, equal_json
from tests.judging.strategies import (
    TOOLS,
    any_json,
    chains,
    json_values,
    object_schemas,
    objects_of_json,
    pairs_of_chains,
    variants,
    with_defaults_toggled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

examples = settings(max_examples=int(os.environ.get("TOOLMATCH_EXAMPLES", "100")), derandomize=True, database=None)
PLAIN = Matcher(TOOLS)


def one_call(arguments: Any) -> list[Any]:
    return [[{"name": "f", "arguments": arguments}]]


def agreeing(student: Any, teacher: Any, matcher: Matcher = PLAIN) -> set[str]:
    return {mode for mode in MODES if matcher.matches(student, teacher, mode=mode)}


def matcher_of(schema: Any) -> Matcher:
    return Matcher([{"name": "f", "parameters": schema}])


# Laws


@examples
@given(chains)
def test_every_chain_matches_itself(chain: Any) -> None:
    assert agreeing(chain, json.loads(json.dumps(chain))) == set(MODES)


@examples
@given(object_schemas, objects_of_json)
def test_every_call_matches_itself_under_any_schema(schema: Any, arguments: Any) -> None:
    assert agreeing(one_call(arguments), one_call(arguments), matcher_of(schema)) == set(MODES)


@examples
@given(pairs_of_chains())
def test_modes_imply_each_other(pair: Any) -> None:
    found = agreeing(*pair)
    assert "strict" not in found or "ordered" in found
    assert "ordered" not in found or {"unordered", "names"} <= found
    assert ("ordered" in found) == ({"subset", "superset"} <= found)
    assert "sequence" not in found or "unordered" in found


@examples
@given(pairs_of_chains())
def test_strict_unordered_and_sequence_are_symmetric(pair: Any) -> None:
    student, teacher = pair
    both_ways = {"strict", "unordered", "sequence"}
    assert agreeing(student, teacher) & both_ways == agreeing(teacher, student) & both_ways


@examples
@given(st.data(), object_schemas, objects_of_json)
def test_argument_equality_is_symmetric(data: st.DataObject, schema: Any, student: Any) -> None:
    teacher = data.draw(variants(student))
    matcher = matcher_of(schema)
    forth, back = (matcher.matches(one_call(a), one_call(b)) for a, b in ((student, teacher), (teacher, student)))
    assert forth is back


def shuffled_keys(draw: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shuffled_keys(draw, item) for name, item in draw(st.permutations(list(value.items())))}
    return [shuffled_keys(draw, item) for item in value] if isinstance(value, list) else value


@examples
@given(st.data(), object_schemas, objects_of_json)
def test_key_order_never_matters(data: st.DataObject, schema: Any, arguments: Any) -> None:
    shuffled = shuffled_keys(data.draw, arguments)
    assert matcher_of(schema).matches(one_call(shuffled), one_call(arguments), mode="strict")
    assert Matcher([], arguments="json").matches(one_call(shuffled), one_call(arguments), mode="strict")


@examples
@given(st.data(), pairs_of_chains())
def test_order_inside_a_step_matters_to_sequence_alone(data: st.DataObject, pair: Any) -> None:
    student, teacher = pair
    shuffled = [data.draw(st.permutations(step)) for step in student]
    reordered = [data.draw(st.permutations(step)) for step in teacher]
    assert agreeing(shuffled, reordered) - {"sequence"} == agreeing(student, teacher) - {"sequence"}


@examples
@given(st.data(), chains)
def test_a_serialised_step_still_matches_in_order(data: st.DataObject, teacher: Any) -> None:
    student = [[call] for step in teacher for call in data.draw(st.permutations(step))]
    assert {"ordered", "unordered", "subset", "superset", "names"} <= agreeing(student, teacher)


# Against the definitions


def numbered(chain: Any) -> list[tuple[int, Any]]:
    return [(number, call) for number, step in enumerate(chain) for call in step]


def respects(pairs: Iterable[tuple[int, int]]) -> bool:
    """Whether, for every p before q of the teacher, the student made p's partner in a strictly earlier step."""
    found = list(pairs)
    return all(mine < yours for mine, p in found for yours, q in found if p < q)


def by_definition(mode: str, student: Any, teacher: Any, same: Callable[[Any, Any], bool]) -> bool:
    ours, theirs = numbered(student), numbered(teacher)
    if mode == "ordered" and len(ours) != len(theirs):
        return False
    if mode == "superset":
        pairings = (list(zip(chosen, theirs, strict=True)) for chosen in permutations(ours, len(theirs)))
    else:
        pairings = (list(zip(ours, chosen, strict=True)) for chosen in permutations(theirs, len(ours)))
    return any(
        all(same(mine, its) for (_, mine), (_, its) in pairing) and respects((s, t) for (s, _), (t, _) in pairing)
        for pairing in pairings
    )


def few(pair: Any) -> bool:
    return all(sum(map(len, chain)) <= 6 for chain in pair)


def number(call: Any) -> float:
    return float(call["arguments"].get("n", 1))


def same_call(one: Any, other: Any) -> bool:
    return bool(one["name"] == other["name"] and number(one) == number(other))


def near_call(one: Any, other: Any) -> bool:
    return bool(one["name"] == other["name"] and abs(number(one) - number(other)) <= 1)


@pytest.mark.parametrize("mode", ["ordered", "subset", "superset"])
@examples
@given(pair=pairs_of_chains().filter(few))
def test_mode_is_its_definition(mode: Any, pair: Any) -> None:
    assert PLAIN.matches(*pair, mode=mode) is by_definition(mode, *pair, same_call)


@pytest.mark.parametrize("mode", ["ordered", "subset", "superset"])
@examples
@given(st.data(), pairs_of_chains().filter(few))
def test_mode_is_its_definition_where_equality_is_not_transitive(mode: Any, data: st.DataObject, pair: Any) -> None:
    student, teacher = ([[with_number(data.draw, call) for call in step] for step in chain] for chain in pair)
    matcher = Matcher(TOOLS, overrides={name: {"n": Override(tolerance=1)} for name in "ab"})
    assert matcher.matches(student, teacher, mode=mode) is by_definition(mode, student, teacher, near_call)


def with_number(draw: Callable[[Any], Any], call: Any) -> Any:
    return {"name": call["name"], "arguments": {"n": draw(st.integers(0, 4))}}


@examples
@given(pairs_of_chains())
def test_a_tolerance_of_zero_is_equality(pair: Any) -> None:
    exact = Matcher(TOOLS, overrides={name: {"n": Override(tolerance=0)} for name in "ab"})
    assert agreeing(*pair, exact) == agreeing(*pair)


OVERLAPPING = {"anyOf": [{"type": ["number", "string"], "format": "date-time"}, {"type": ["number", "boolean"]}]}


@examples
@given(pairs_of_chains())
def test_overlapping_branches_are_their_union(pair: Any) -> None:
    schema = {"type": "object", "properties": {"n": {**OVERLAPPING, "default": 1}}}
    overlapping = Matcher([{"name": name, "parameters": schema} for name in "ab"])
    assert agreeing(*pair, overlapping) == agreeing(*pair)


class Cell(Fuzzy):
    """A key that is equal to those of the other side that a table says it is equal to."""

    def __init__(self, row: list[bool], index: int) -> None:
        self.row = row
        self.index = index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cell) and self.row[other.index]

    __hash__ = Fuzzy.__hash__


tables = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=5)
)


@examples
@given(tables)
def test_assignment_finds_a_pairing_where_there_is_one(table: list[list[bool]]) -> None:
    students = [Cell(row, index) for index, row in enumerate(table)]
    teachers = [Cell([], index) for index in range(len(table[0]))]
    injections = permutations(range(len(teachers)), len(students))
    expected = any(all(table[row][column] for row, column in enumerate(chosen)) for chosen in injections)
    assert pairs_into(students, teachers, fuzzy=True, all_of="student") is expected
    surjections = permutations(range(len(students)), len(teachers))
    expected = any(all(table[row][column] for column, row in enumerate(chosen)) for chosen in surjections)
    assert pairs_into(students, teachers, fuzzy=True, all_of="teacher") is expected


@examples
@given(st.lists(st.integers(0, 2), max_size=5), st.lists(st.integers(0, 2), max_size=5))
def test_counting_is_assignment(students: list[int], teachers: list[int]) -> None:
    for side in ("student", "teacher"):
        counted, assigned = (pairs_into(students, teachers, fuzzy=fuzzy, all_of=side) for fuzzy in (False, True))
        assert counted is assigned


# Arguments


@examples
@given(st.data(), object_schemas, objects_of_json)
def test_equality_under_a_schema_is_its_definition(data: st.DataObject, schema: Any, teacher: Any) -> None:
    student = data.draw(variants(teacher).flatmap(lambda value: with_defaults_toggled(schema, value)))
    expected = equal(schema, student, teacher, schema)
    assert matcher_of(schema).matches(one_call(student), one_call(teacher)) is expected


@examples
@given(st.data(), json_values())
def test_plain_equality_is_its_definition(data: st.DataObject, teacher: Any) -> None:
    student = data.draw(variants(teacher))
    matcher = Matcher([], arguments="json")
    expected = equal_json(student, teacher)
    assert matcher.matches(one_call({"a": student}), one_call({"a": teacher})) is expected


@examples
@given(st.data(), object_schemas, objects_of_json)
def test_plain_equality_ignores_the_schema(data: st.DataObject, schema: Any, teacher: Any) -> None:
    student = data.draw(variants(teacher))
    matcher = Matcher([{"name": "f", "parameters": schema}], arguments="json")
    assert matcher.matches(one_call(student), one_call(teacher)) is equal_json(student, teacher)


# Whatever comes


@examples
@given(object_schemas, any_json, any_json)
def test_no_value_is_too_odd(schema: Any, student: Any, teacher: Any) -> None:
    matcher = matcher_of(schema)
    for arguments in (student, {"a": student, "": student}):
        found = {matcher.matches(one_call(arguments), one_call(teacher), mode=mode) for mode in MODES}
        assert found <= {True, False}
    assert matcher.matches(one_call({"a": student}), one_call({"a": student}))


def nested(depth: int, value: Any) -> Any:
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return {"a": value}


@examples
@given(object_schemas, st.integers(40, 60))
def test_deep_values(schema: Any, depth: int) -> None:
    matcher = matcher_of(schema)
    assert matcher.matches(one_call(nested(depth, 1)), one_call(nested(depth, 1.0)))
    assert not matcher.matches(one_call(nested(depth, 1)), one_call(nested(depth, 2)))
