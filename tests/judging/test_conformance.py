"""The table of what matches what, row by row and mode by mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from pytest_toolmatch.core.rules import MODES
from pytest_toolmatch.judging.matching import Matcher, matches

HERE = Path(__file__).parent
SHARED = HERE.parents[1].parent / "shared" / "reference" / "conformance_pairs.json"


class Row(NamedTuple):
    name: str
    tools: list[dict[str, Any]]
    teacher: list[Any]
    student: list[Any]
    modes: frozenset[str]


def rows() -> list[Row]:
    sections = yaml.safe_load((HERE / "conformance.yaml").read_text(encoding="utf-8"))
    return [row for section in sections for row in [*chain_rows(section), *argument_rows(section)]]


def chain_rows(section: dict[str, Any]) -> list[Row]:
    return [
        Row(
            f"{section['section']}/{row['id']}",
            tools(section),
            [step(given) for given in row["teacher"]],
            [step(given) for given in row["student"]],
            modes(row["matches"]),
        )
        for row in section.get("chains", ())
    ]


def argument_rows(section: dict[str, Any]) -> list[Row]:
    return [
        Row(
            f"{section['section']}/{name}-{verdict}", tools(section), *(chain(section, given) for given in both), agreed
        )
        for verdict, agreed in (("equal", modes("all")), ("different", modes("names")))
        for name, *both in section.get(verdict, ())
    ]


def chain(section: dict[str, Any], arguments: Any) -> list[Any]:
    (name,) = section["tools"]
    return [[{"name": name, "arguments": arguments}]]


def tools(section: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "parameters": parameters(given)} for name, given in section["tools"].items()]


def parameters(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None or isinstance(given.get("type"), str):
        return given
    required = [name.removesuffix("!") for name in given if name.endswith("!")]
    properties = {name.removesuffix("!"): schema for name, schema in given.items()}
    return {"type": "object", "properties": properties, "required": required}


def step(given: Any) -> list[dict[str, Any]]:
    return [call(one) for one in (given if isinstance(given, list) else [given])]


def call(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        name, _, number = given.partition(" ")
        return {"name": name, "arguments": {"n": int(number)}} if number else {"name": name}
    ((name, arguments),) = given.items()
    return {"name": name, "arguments": arguments}


def modes(text: str) -> frozenset[str]:
    if text.startswith("all"):
        return frozenset(MODES) - frozenset(text.removeprefix("all").removeprefix(" but").split())
    return frozenset(() if text == "none" else text.split())


ROWS = rows()
SINGLE = [row for row in ROWS if row.modes in (modes("all"), modes("names"))]
CHECKS = [pytest.param(row, mode, id=f"{row.name}-{mode}") for row in ROWS for mode in MODES]


@pytest.mark.parametrize(("row", "mode"), CHECKS)
def test_row(row: Row, mode: Any) -> None:
    expected = mode in row.modes
    matcher = Matcher(row.tools, mode=mode)
    assert matcher.matches(row.student, row.teacher) is expected
    assert matcher.matches(json.dumps(row.student), json.dumps(row.teacher)) is expected
    assert matches(row.student, row.teacher, tools=row.tools, mode=mode) is expected


@pytest.mark.parametrize("row", SINGLE, ids=[row.name for row in SINGLE])
def test_argument_equality_is_symmetric(row: Row) -> None:
    expected = "strict" in row.modes
    assert matches(row.teacher, row.student, tools=row.tools, mode="strict") is expected


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row_obeys_the_laws(row: Row) -> None:
    assert row.modes <= set(MODES)
    assert ("ordered" in row.modes) == ({"subset", "superset"} <= row.modes)
    assert "strict" not in row.modes or "ordered" in row.modes
    assert "ordered" not in row.modes or {"unordered", "names"} <= row.modes
    assert "sequence" not in row.modes or "unordered" in row.modes


def test_names_of_rows_are_distinct() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_table_is_large_enough_to_mean_something() -> None:
    assert len(ROWS) > 194


def test_shared_table() -> None:
    if not SHARED.exists():
        pytest.skip(f"there is no {SHARED}")
    pairs = json.loads(SHARED.read_text(encoding="utf-8"))["pairs"]
    failed = [
        f"{pair['id']} in {mode}"
        for pair in pairs
        for mode, expected in pair["expect"].items()
        if matches(pair["student"], pair["teacher"], tools=pair["tools"], mode=mode) is not expected
    ]
    assert len(pairs) > 150
    assert failed == []
