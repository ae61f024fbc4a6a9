"""Arguments that a suite compares in its own way."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.rules import Override
from pytest_toolmatch.judging.matching import Matcher

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "note": {"type": "string"},
        "price": {"type": "number"},
        "limit": {"type": "number", "default": 10},
        "rates": {"type": "array", "items": {"type": "number"}},
        "marks": {"type": "array", "items": {"type": "number"}, "uniqueItems": True},
        "address": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}},
        "items": {
            "type": "array",
            "items": {"type": "object", "properties": {"sku": {"type": "string"}, "price": {"type": "number"}}},
        },
        "maybe": {"anyOf": [{"type": "object", "properties": {"price": {"type": "number"}}}, {"type": "null"}]},
    },
    "required": ["id"],
}


def matcher(**overrides: Any) -> Matcher:
    """A matcher whose overrides are named by path, with ``__`` for a dot and ``_each`` for ``[]``."""
    paths = {path.replace("_each", "[]").replace("__", "."): override for path, override in overrides.items()}
    return Matcher([{"name": "buy", "parameters": SCHEMA}], overrides={"buy": paths})


def buy(**arguments: Any) -> list[Any]:
    return [[{"name": "buy", "arguments": {"id": 1, **arguments}}]]


def agree(judge: Matcher, student: dict[str, Any], teacher: dict[str, Any]) -> bool:
    return judge.matches(buy(**student), buy(**teacher))


@pytest.mark.parametrize(
    ("override", "student", "teacher", "expected"),
    [
        (Override(ignore=True), "a", "b", True),
        (Override(ignore=True), 1, ["b"], True),
        (Override(ignore=True), None, "b", True),
        (Override(casefold=True), " Main STREET ", "main street", True),
        (Override(casefold=True), "Fuß", "fuss", True),
        (Override(casefold=True), "main  street", "main street", False),
        (Override(casefold=True), 5, 5.0, True),
        (Override(casefold=True), 5, "5", False),
        (Override(casefold=True), True, 1, False),
        (Override(tokens=1.0), "red big bag", "Big, red bag!", True),
        (Override(tokens=1.0), "red bag", "big red bag", False),
        (Override(tokens=0.6), "red bag", "big red bag", True),
        (Override(tokens=0.7), "red bag", "big red bag", False),
        (Override(tokens=0.5), 5, 5.0, True),
        (Override(tokens=0.5), "5", 5, False),
        (Override(regex=r"\d+"), "order 12 of 3", "12/3", True),
        (Override(regex=r"\d+"), "order 12 of 3", "3/12", False),
        (Override(regex=r"(\w+)@(\w+)"), "to bo@home", "bo@home!", True),
        (Override(regex=r"\d+"), 12, "12", False),
        (Override(regex=r"\d+"), [12], [12.0], True),
        (Override(function=lambda student, teacher: len(student) == len(teacher)), "abc", "xyz", True),
        (Override(function=lambda student, teacher: len(student) == len(teacher)), "abc", "wxyz", False),
        (Override(function="operator:gt"), 3, 2, True),
        (Override(function="operator:gt"), 2, 3, False),
    ],
)
def test_values(override: Override, student: Any, teacher: Any, expected: bool) -> None:
    assert agree(matcher(note=override), {"note": student}, {"note": teacher}) is expected


@pytest.mark.parametrize(
    ("override", "student", "teacher", "expected"),
    [
        (Override(tolerance=0.1), 1.1, 1.0, True),
        (Override(tolerance=0.1), 1.0, 1.1, True),
        (Override(tolerance=0.1), 1.11, 1.0, False),
        (Override(tolerance=2), 5, 7, True),
        (Override(tolerance=2), -1, 2, False),
        (Override(tolerance=0), 5, 5.0, True),
        (Override(tolerance=0), 0.3, 0.30000000000000004, False),
        (Override(tolerance=0), 10**400, 10**400 + 1, False),
        (Override(tolerance=1), 10**400, 10**400 + 1, True),
        (Override(tolerance=1), 10**400, 1.5, False),
        (Override(tolerance=1), True, 1, False),
        (Override(tolerance=1), True, True, True),
        (Override(tolerance=1), "1", 1, False),
        (Override(tolerance=1), "near", "near", True),
        (Override(tolerance=1), None, 0, False),
        (Override(tolerance=1), float("nan"), 0, False),
        (Override(tolerance=1), float("inf"), float("inf"), True),
        (Override(tolerance=1), float("inf"), 1e308, False),
        (Override(tolerance=0.5), [1, 2.5], [1.5, 2], True),
        (Override(tolerance=0.5), [1, 2.5], [1.5, 3.5], False),
        (Override(tolerance=0.5), [1], [1, 1], False),
        (Override(relative=0.1), 90, 100, True),
        (Override(relative=0.1), 100, 90, True),
        (Override(relative=0.1), 89, 100, False),
        (Override(relative=0.1), -90, -100, True),
        (Override(relative=0.1), -100, 100, False),
        (Override(relative=0.1), 0, 0.0, True),
        (Override(relative=0.1), 10**400, 10**400 + 1, True),
    ],
)
def test_numbers(override: Override, student: Any, teacher: Any, expected: bool) -> None:
    assert agree(matcher(price=override), {"price": student}, {"price": teacher}) is expected


def test_other_arguments_keep_their_rules() -> None:
    judge = matcher(note=Override(ignore=True))
    assert agree(judge, {"note": "a", "limit": 10}, {"note": "b"})
    assert not agree(judge, {"note": "a", "price": 1}, {"note": "b", "price": 2})


def test_other_tools_keep_their_rules() -> None:
    tools = [{"name": name, "parameters": SCHEMA} for name in ("buy", "sell")]
    judge = Matcher(tools, overrides={"buy": {"note": Override(ignore=True)}})
    sell = ([[{"name": "sell", "arguments": {"id": 1, "note": note}}]] for note in "ab")
    assert not judge.matches(*sell)


# Missing arguments


def test_ignored_argument_may_be_missing() -> None:
    assert agree(matcher(note=Override(ignore=True)), {}, {"note": "b"})
    assert Matcher([{"name": "buy", "parameters": SCHEMA}], overrides={"buy": {"id": Override(ignore=True)}}).matches(
        [[{"name": "buy"}]], buy()
    )


def test_default_stands_for_a_missing_argument() -> None:
    judge = matcher(limit=Override(tolerance=1))
    assert agree(judge, {}, {"limit": 11})
    assert agree(judge, {"limit": 9}, {})
    assert not agree(judge, {}, {"limit": 12})


def test_missing_argument_without_default_is_not_near_anything() -> None:
    assert not agree(matcher(price=Override(tolerance=1)), {}, {"price": 0})
    assert not agree(matcher(note=Override(casefold=True)), {"note": ""}, {})
    assert agree(matcher(price=Override(tolerance=1)), {}, {})


def test_function_is_not_asked_about_a_missing_argument() -> None:
    def never(student: Any, teacher: Any) -> bool:
        raise AssertionError(student, teacher)

    assert not agree(matcher(note=Override(function=never)), {}, {"note": "b"})


# Paths


def test_member_of_an_object() -> None:
    judge = matcher(address__city=Override(casefold=True))
    assert agree(judge, {"address": {"city": "ROME", "zip": "1"}}, {"address": {"city": "Rome", "zip": "1"}})
    assert not agree(judge, {"address": {"city": "ROME", "zip": "1"}}, {"address": {"city": "Rome", "zip": "2"}})
    assert not agree(judge, {"address": {"city": "ROME"}}, {})


def test_member_of_the_objects_in_an_array() -> None:
    judge = matcher(items_each__price=Override(tolerance=1))
    teacher = {"items": [{"sku": "a", "price": 5}, {"sku": "b", "price": 9}]}
    assert agree(judge, {"items": [{"sku": "a", "price": 6}, {"sku": "b", "price": 8}]}, teacher)
    assert not agree(judge, {"items": [{"sku": "a", "price": 6}, {"sku": "c", "price": 8}]}, teacher)
    assert not agree(judge, {"items": [{"sku": "b", "price": 8}, {"sku": "a", "price": 6}]}, teacher)
    assert not agree(judge, {"items": [{"sku": "a", "price": 6}]}, teacher)


def test_items_of_an_array() -> None:
    judge = matcher(rates_each=Override(tolerance=1))
    assert agree(judge, {"rates": [1, 2]}, {"rates": [2, 1]})
    assert not agree(judge, {"rates": [1, 2]}, {"rates": [2, 4]})


def test_items_of_a_set_are_paired_as_well_as_can_be() -> None:
    judge = matcher(marks_each=Override(tolerance=1))
    assert agree(judge, {"marks": [2, 1]}, {"marks": [2, 3]})  # 2 has to leave 2 to 1
    assert not agree(judge, {"marks": [1, 1]}, {"marks": [2, 3]})
    assert not agree(judge, {"marks": [1]}, {"marks": [1, 2]})


def test_whole_object() -> None:
    judge = matcher(address=Override(ignore=True))
    assert agree(judge, {"address": {"city": "Rome"}}, {"address": 5})


def test_member_of_an_object_in_a_union() -> None:
    judge = matcher(maybe__price=Override(tolerance=1))
    assert agree(judge, {"maybe": {"price": 5}}, {"maybe": {"price": 6}})
    assert not agree(judge, {"maybe": {"price": 5}}, {"maybe": {"price": 7}})
    assert not agree(judge, {"maybe": None}, {"maybe": {"price": 7}})
    assert agree(judge, {"maybe": None}, {})


def test_undeclared_argument() -> None:
    judge = matcher(via=Override(ignore=True), tone=Override(casefold=True))
    assert agree(judge, {"via": "x"}, {})
    assert agree(judge, {"tone": "WARM"}, {"tone": "warm"})
    assert not agree(judge, {"tone": None}, {})
    assert not agree(judge, {"tone": "warm"}, {})
    assert not agree(judge, {"other": "WARM"}, {"other": "warm"})


def test_undeclared_tool() -> None:
    judge = Matcher([], overrides={"sing": {"song": Override(casefold=True)}})
    chains = [[[{"name": "sing", "arguments": {"song": song}}]] for song in ("ABC", "abc", "abd")]
    assert judge.matches(chains[0], chains[1])
    assert not judge.matches(chains[0], chains[2])


def test_plain_json_with_an_override() -> None:
    judge = Matcher(
        [{"name": "buy", "parameters": SCHEMA}], arguments="json", overrides={"buy": {"note": Override(ignore=True)}}
    )
    assert agree(judge, {"note": "a"}, {})
    assert not agree(judge, {"limit": 10}, {})


def test_recursive_schema() -> None:
    node = {
        "type": "object",
        "properties": {
            "size": {"type": "number"},
            "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            "below": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        },
    }
    schema = {"type": "object", "properties": {"node": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    overrides = {"node.below[].size": Override(tolerance=1), "node.next.next.size": Override(tolerance=1)}
    judge = Matcher([{"name": "grow", "parameters": schema}], overrides={"grow": overrides})

    def grown(first: int, second: int, third: int) -> list[Any]:
        node = {"size": first, "next": {"size": second, "next": {"size": third}}, "below": [{"size": third}]}
        return [[{"name": "grow", "arguments": {"node": node}}]]

    assert judge.matches(grown(1, 2, 3), grown(1, 2, 4))
    assert not judge.matches(grown(1, 2, 3), grown(1, 2, 5))
    assert not judge.matches(grown(1, 2, 3), grown(1, 3, 3))
    assert not judge.matches(grown(1, 2, 3), grown(2, 2, 3))


# Who is who, and who is paired with whom


@pytest.mark.parametrize("mode", ["strict", "ordered", "sequence", "unordered", "subset", "superset"])
def test_function_is_given_the_student_first(mode: Any) -> None:
    seen = []

    def judged(student: Any, teacher: Any) -> bool:
        seen.append((student, teacher))
        return True

    judge = matcher(note=Override(function=judged), items_each__sku=Override(function=judged))
    sides = [buy(note=side, items=[{"sku": side}]) + buy(note=side) for side in ("student", "teacher")]
    assert judge.matches(*sides, mode=mode)
    assert judge.matches([[*sides[0][0], *sides[0][1]]], [[*sides[1][0], *sides[1][1]]], mode=mode)
    assert set(seen) == {("student", "teacher")}


@pytest.mark.parametrize("mode", ["strict", "ordered", "unordered", "subset", "superset"])
def test_calls_are_paired_as_well_as_can_be(mode: Any) -> None:
    judge = matcher(price=Override(tolerance=1))
    student = [[*buy(price=2)[0], *buy(price=1)[0]]]
    teacher = [[*buy(price=2)[0], *buy(price=3)[0]]]  # first come, first served gives 2 to 2, and 1 goes without
    assert judge.matches(student, teacher, mode=mode)
    assert not judge.matches([[*buy(price=1)[0], *buy(price=1)[0]]], teacher, mode=mode)


def test_long_rows_of_near_calls() -> None:
    judge = matcher(price=Override(tolerance=1))
    student = [[call for price in range(60) for call in buy(price=price)[0]]]
    teacher = [[call for price in reversed(range(1, 61)) for call in buy(price=price)[0]]]
    assert judge.matches(student, teacher)
    assert not judge.matches(student, [[*teacher[0][1:], *buy(price=62)[0]]])


# Overrides that are none


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (Override(), "override of buy.note: nothing set: set exactly one of ignore, casefold, "),
        (Override(ignore=False), "override of buy.note: nothing set: set exactly one of ignore, casefold, "),
        (Override(casefold=True, tolerance=0), "override of buy.note: casefold and tolerance set: set exactly one of "),
        (Override(regex="(a"), "override of buy.note: '(a' is no regular expression: "),
        (Override(function="no_such_module:judge"), "override of buy.note: can't import 'no_such_module:judge' "),
        (Override(function="operator:no_such"), "override of buy.note: can't import 'operator:no_such' "),
        (Override(function="operator"), "override of buy.note: can't import 'operator' (module:function): "),
        (Override(function=".near:judge"), "override of buy.note: can't import '.near:judge' (module:function): "),
        (Override(function=""), "override of buy.note: can't import '' (module:function): "),
        (Override(function="math:pi"), "override of buy.note: 'math:pi' is no function"),
    ],
)
def test_bad_override(override: Override, message: str) -> None:
    with pytest.raises(SuiteError) as raised:
        matcher(note=override)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


CLOSED = {"type": "object", "properties": {"who": {"$ref": "#/$defs/who"}}, "additionalProperties": False} | {
    "$defs": {"who": {"type": "object", "properties": {"name": {}}, "additionalProperties": False}}
}


@pytest.mark.parametrize(
    ("tool", "path", "message"),
    [
        ("call", "nope", "tool 'call' has no argument 'nope'; there are who"),
        ("call", "who.nope", "tool 'call' has no argument 'nope'; there are name"),
        ("buy", "items[].prise", "tool 'buy' has no argument 'prise'; did you mean 'price'?"),
        ("by", "price", "no tool is named 'by'; did you mean 'buy'?"),
    ],
)
def test_an_override_of_no_argument(tool: str, path: str, message: str) -> None:
    tools = [{"name": "buy", "parameters": SCHEMA}, {"name": "call", "parameters": CLOSED}]
    with pytest.raises(SuiteError) as raised:
        Matcher(tools, overrides={tool: {path: Override(ignore=True)}})
    assert str(raised.value) == f"overrides: {message}"
    assert Matcher(tools, overrides={"call": {"who.name": Override(ignore=True)}})


def test_bad_override_below() -> None:
    with pytest.raises(SuiteError, match=r"^override of buy\.items\[\]\.price: "):
        matcher(items_each__price=Override())


def test_module_that_breaks_on_import(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_judge.py").write_text("def judge(:\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SuiteError, match=r"^override of buy\.note: can't import 'broken_judge:judge'") as raised:
        matcher(note=Override(function="broken_judge:judge"))
    assert "\n" not in str(raised.value)


def test_texts_in_which_a_regex_finds_nothing_are_compared_as_they_are() -> None:
    judge = matcher(note=Override(regex="[0-9]+"))
    assert not agree(judge, {"note": "x"}, {"note": "y"})
    assert agree(judge, {"note": "x"}, {"note": "x"})


def test_a_function_that_fails_is_one_line() -> None:
    judge = matcher(note=Override(function="math:sqrt"))
    with pytest.raises(SuiteError, match=r"^override of buy\.note: [\w.<>]+ failed on 'x' and 'y': TypeError: .*$"):
        agree(judge, {"note": "x"}, {"note": "y"})
