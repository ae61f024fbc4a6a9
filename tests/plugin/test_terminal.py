"""What a run prints fits its terminal: its width, its encoding, and nothing of a model's that controls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

LONG = "search(to='FCO', seats=1, remark='a window seat please, far from the wing')"
OTHER = "search(to='FCO', seats=2, remark='a window seat please, far from the wing')"


@pytest.fixture
def trips(project: Project) -> Project:
    return project.with_case("rome", [LONG] * 4, [OTHER] * 4).as_yaml(gates=["chain_match >= 0.9"])


def ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("args", [(), ("-n1",)])
@pytest.mark.parametrize("form", ["yaml", "python"])
def test_an_ascii_terminal_gets_ascii(
    project: Project, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], form: str
) -> None:
    ascii_only(monkeypatch)
    trips = project.with_case("rome", [LONG] * 4, [OTHER] * 4)
    text = (trips.as_yaml() if form == "yaml" else trips.as_python()).run_apart(*args).text
    assert text.isascii()
    lines = [line.split() for line in text.splitlines()]
    assert ["seats=1", "!", "seats=2"] in lines
    assert "x step 1: seats" in text
    assert r"\u" not in "\n".join(line for line in text.splitlines() if "Verdict" not in line)


def test_another_terminal_gets_our_signs(trips: Project) -> None:
    text = trips.run().text
    assert " ≠   seats=2" in text
    assert "✗ step 1: seats" in text


@pytest.mark.parametrize(("columns", "whole"), [("60", False), ("100", False), ("200", True)])
def test_chains_are_as_wide_as_the_terminal(
    trips: Project, monkeypatch: pytest.MonkeyPatch, columns: str, whole: bool
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = trips.run().text
    (head,) = [line for line in text.splitlines() if "student: small, 4 of 4" in line]
    assert head.index("student") - head.index("teacher") == (max(int(columns), 80) - 6) // 2 + 3
    assert ("(-vv shows it in full)" in text) is not whole


def test_the_command_is_on_one_line(project: Project) -> None:
    name = "a case with a name of many words that no terminal of the usual width has the room for"
    text = project.with_case(name, [LONG] * 2, [OTHER] * 2).as_python().run("--toolmatch-student=small").text
    command = f'replay: pytest "test_trips.py::test_trips[{name}]" --toolmatch --toolmatch-student=small'
    assert command in text.splitlines()


def test_names_can_not_control_the_terminal(project: Project) -> None:
    trips = project.with_case("rome", [LONG] * 4, [OTHER] * 4, tags=["a\x1b[2J"])
    text = trips.as_yaml(gates=["chain_match[tag=a\x1b[2J] >= 0.9"]).run("-v").text
    assert "\x1b" not in text


def test_what_a_model_calls_can_not_control_the_terminal_where_it_was_expected_to_diverge(project: Project) -> None:
    project = project.with_case("rome", [LONG] * 4, [OTHER] * 4).as_python().with_ini(toolmatch_divergence="xfail")
    student = "fixtures/recordings/trips/small.jsonl"
    said = (project.write() / student).read_text().replace('"remark"', '"re\\u001b[2Jmark"')
    run = project.with_file(student, said).run("-rx")
    assert run.outcomes == {"xfailed": 1}
    assert "mark" in run.text
    assert "\x1b" not in run.text
