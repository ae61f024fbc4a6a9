from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.cases import case_of, form_of, read_cases


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flights.jsonl"


def refusal(path: Path, content: str | bytes) -> str:
    """Return what is said of faulty cases, with the file's name in place of its path; always one line."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SuiteError) as caught:
        read_cases(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message.replace(str(path), path.name)


def test_every_key_is_read(path: Path) -> None:
    path.write_text(
        '{"id": "rome", "query": "To Rome", "tags": ["easy"], "tools": [{"name": "search"}]}\n'
        "\n"
        '{"id": "then", "conversation": [{"role": "user", "content": "Hi"}, {"role": "tool", "content": "[]"}]}\n'
    )
    assert read_cases(path) == (
        Case(id="rome", conversation=user("To Rome"), tags=("easy",), tools=(Tool(name="search"),), where=f"{path}:1"),
        Case(id="then", conversation=(Message("user", "Hi"), Message("tool", "[]")), where=f"{path}:3"),
    )


def test_a_mark_of_the_byte_order_is_no_text(path: Path) -> None:
    path.write_text('{"id": "rome", "query": "To Rome"}\n', encoding="utf-8-sig")
    assert [case.id for case in read_cases(path)] == ["rome"]


def test_a_case_without_an_id_is_named_after_its_query(path: Path) -> None:
    path.write_text('{"query": "To Rome, please."}\n{"conversation": [{"role": "assistant", "content": "Hi"}]}\n')
    assert [case.id for case in read_cases(path)] == ["to-rome-please-d8a9", "e3b0"]


def test_ids_do_not_move_when_cases_are_put_before_them(path: Path) -> None:
    path.write_text('{"query": "To Rome"}\n')
    (before,) = read_cases(path)
    path.write_text('{"query": "To Oslo"}\n{"query": "To Rome"}\n')
    assert read_cases(path)[1].id == before.id


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"qery": "To Rome"}', "unknown key 'qery'; did you mean 'query'?"),
        ('{"query": 7}', "Expected `str`, got `int`: put it in quotes - at `$.query`"),
        ('{"query": "To Rome", "tags": "easy"}', "Expected `array`, got `str`"),
        ('{"query": "To Rome"', "Input data was truncated"),
        ("To Rome", "JSON is malformed"),
        ('["To Rome"]', "Expected `object`, got `array`"),
        ('{"id": "rome"}', "a case needs either a 'query' or a 'conversation'"),
        ('{"query": "a", "conversation": [{"role": "user"}]}', "a case needs either a 'query' or a 'conversation'"),
        ('{"query": "a", "tools": [{"name": "a", "parameters": {"type": "strin"}}]}', "'strin' is no JSON Schema type"),
        ('{"conversation": [{"role": "user", "contents": "a"}]}', "unknown key 'contents'; did you mean 'content'?"),
        ('{"conversation": [{"role": "robot"}]}', "no such choice 'robot': one of system, user, assistant, tool"),
        ('{"conversation": [{"role": "user", "calls": [{"name": "a", "argument": {}}]}]}', "did you mean 'arguments'?"),
    ],
)
def test_a_faulty_line_is_named(path: Path, line: str, message: str) -> None:
    said = refusal(path, '{"query": "To Oslo"}\n\n' + line + "\n")
    assert said.startswith("flights.jsonl:3: ")
    assert message in said


def test_two_cases_of_one_id_are_named_with_both_places(path: Path) -> None:
    said = refusal(path, '{"id": "rome", "query": "a"}\n{"query": "b"}\n{"id": "rome", "query": "c"}\n')
    assert said == "flights.jsonl:3: a second case 'rome', after flights.jsonl:1; give one another id"


def test_the_same_query_twice_needs_ids(path: Path) -> None:
    assert "a second case 'to-rome-" in refusal(path, '{"query": "To Rome"}\n{"query": "To Rome"}\n')


def test_another_encoding_is_no_crash(path: Path) -> None:
    assert refusal(path, '{"query": "Zürich"}'.encode("latin-1")).startswith("flights.jsonl:1: ")
    assert refusal(path, '{"query": "Zürich"}'.encode("utf-16")).startswith("flights.jsonl:1: ")


def test_characters_that_end_lines_elsewhere_end_none_here(path: Path) -> None:
    path.write_text('{"query": "a\u2028b\x85c"}\n{"query": "d\\u000be"}\n')
    assert [case.query for case in read_cases(path)] == ["a\u2028b\x85c", "d\x0be"]


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(SuiteError, match=rf"can't read the cases in {path}: No such file or directory"):
        read_cases(path)


@pytest.mark.parametrize(
    "case",
    [
        Case(id="a", conversation=user("To Rome"), tags=("easy",)),
        Case(id="a", conversation=(Message("system", "Be brief."), Message("user", "To Rome"))),
        Case(id="a", conversation=(Message("assistant", "Where to?"),)),
        Case(id="a", conversation=user("")),
        Case(id="a", conversation=user("To Rome"), tools=(Tool(name="search", parameters={"type": "object"}),)),
        Case(id="a", conversation=user("To Rome"), tools=(Tool(name="search", effect="read", reply=[1]),)),
        Case(id="a", conversation=user("To Rome"), tools=()),
    ],
)
def test_a_case_survives_being_written_down(case: Case) -> None:
    assert case_of(form_of(case), "") == case


def test_a_weight_is_read_and_written_and_left_out_where_it_is_1(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "a", "query": "A", "weight": 2.5}\n{"id": "b", "query": "B"}\n')
    cases = read_cases(path)
    assert [case.weight for case in cases] == [2.5, 1.0]
    assert [msgspec.json.encode(form_of(case)) for case in cases] == [
        b'{"id":"a","query":"A","weight":2.5}',
        b'{"id":"b","query":"B"}',
    ]


@pytest.mark.parametrize("weight", ["0", "-1", "1e999"])
def test_a_weight_is_above_nothing(tmp_path: Path, weight: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f'{{"id": "a", "query": "A", "weight": {weight}}}\n')
    with pytest.raises(SuiteError, match=r"cases\.jsonl:1"):
        read_cases(path)
