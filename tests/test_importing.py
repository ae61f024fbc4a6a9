"""What ``toolmatch import`` prints and refuses."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from pytest_toolmatch.cli import main

TOOLS = [{"name": "go", "parameters": {"type": "object"}}]
ASK = {"question": "Go?", "function": TOOLS}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(path: str, *records: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join(json.dumps(record) + "\n" for record in records))


def react(model: str, *cases: str, runs: int = 1) -> None:
    run = {"steps": [{"action": "go", "action_input": {}}]}
    drawn = [{"task_id": case, "question": f"{case}?", "model": model, "runs": [run] * runs} for case in cases]
    lines(f"logs/{model}.jsonl", *drawn)


def bfcl(category: str, *models: str, answers: bool = True) -> None:
    lines(f"logs/BFCL_v4_{category}.json", ASK | {"id": f"{category}_0"})
    if answers:
        truth = {"id": f"{category}_0", "ground_truth": [{"go": {}}]}
        lines(f"logs/possible_answer/BFCL_v4_{category}.json", truth)
    for model in models:
        result = {"id": f"{category}_0", "result": [{"go": "{}"}]}
        lines(f"logs/{model}/BFCL_v4_{category}_result.json", result)


def printed(capsys: pytest.CaptureFixture[str], form: str, *options: str) -> list[str]:
    assert main(["import", form, "logs", "-o", "out", *options]) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], form: str, *options: str) -> str:
    assert main(["import", form, "logs", "-o", "out", *options]) == 4
    assert not Path("out").exists()
    return capsys.readouterr().err


def command(said: list[str]) -> tuple[list[str], str, str]:
    """Return paths, teacher and student of the command that is named last."""
    words = shlex.split(said[-1])
    assert words[:3] == ["next:", "pytest", "--toolmatch"]
    return words[3:-2], words[-2].removeprefix("--toolmatch-teacher="), words[-1].removeprefix("--toolmatch-student=")


def test_the_next_command_is_of_the_two_models_with_the_most_cases_in_common(
    capsys: pytest.CaptureFixture[str],
) -> None:
    react("lone", "x", "y", "z", runs=9)
    react("few", "a", "b", runs=8)
    react("small", "a", "b", "c")
    react("big", "a", "b", "c", runs=2)
    said = printed(capsys, "react")
    assert "models: lone, few, big, small" in said
    assert command(said) == (["out"], "big", "small")


def test_a_model_that_shares_no_case_is_compared_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    react("one", "a")
    react("other", "b", "c")
    assert command(printed(capsys, "react")) == (["out"], "other", "other")


def test_the_answers_of_a_benchmark_are_the_teacher(capsys: pytest.CaptureFixture[str]) -> None:
    bfcl("simple_python", "a", "b")
    bfcl("parallel", "b")
    assert command(printed(capsys, "bfcl")) == (["out"], "reference", "b")


def test_suites_without_both_models_are_not_in_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    bfcl("live_relevance", "a", answers=False)
    bfcl("multiple", "a")
    bfcl("parallel", "b")
    bfcl("simple_python", "a")
    said = printed(capsys, "bfcl")
    assert command(said) == (
        [f"out/{name}.toolmatch.yaml" for name in ("multiple", "simple_python")],
        "reference",
        "a",
    )


def test_of_many_suites_those_without_both_models_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        bfcl(f"part{'abcde'[number]}", "a")
    bfcl("live_relevance", "a", answers=False)
    said = printed(capsys, "bfcl")
    assert said[-2] == "1 of 6 suites lack recordings of one of the two: live_relevance"
    assert command(said) == (["out"], "reference", "a")


def test_files_of_tools_and_effects_are_no_logs(capsys: pytest.CaptureFixture[str]) -> None:
    react("m", "a")
    lines("logs/tools.json", TOOLS)
    lines("logs/effects.json", {"go": "write"})
    options = ("--tools", "logs/tools.json", "--effects", "logs/effects.json", "--set", "effect=write")
    assert not [line for line in printed(capsys, "react", *options) if "!" in line]


def test_doubts_about_suites_come_first_and_equal_problems_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    react("m", "a")
    for number in range(3):
        lines(f"logs/{number}.jsonl")
    for number in range(10):
        Path(f"logs/bad{number}.jsonl").write_text("x" * (number + 1) + "\n")
    said = [line for line in printed(capsys, "react") if line.startswith("  !")]
    assert said[0] == "  ! out: the log declares no tools: give --tools a file with go (1)"
    assert said[1] == "  ! 3 files are empty, first: logs/0.jsonl:1"
    assert len(said) == 10
    assert said[-1] == "  ! … and 3 more problems; -v lists all"


def test_verbose_lists_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    react("m", "a")
    for number in range(12):
        lines(f"logs/{number}.jsonl")
    said = printed(capsys, "react", "-v")
    assert [line for line in said if "empty" in line] == [f"  ! logs/{n}.jsonl:1: the file is empty" for n in range(12)]


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "a\\b", "/up"])
def test_a_name_stays_in_the_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    react("m", "a")
    assert "no name for files in out; write it without path separators" in refused(capsys, "react", "--name", name)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_an_effect_that_no_tool_has_compares_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    react("m", "a")
    lines("tools.json", TOOLS)
    said = refused(capsys, "react", "--tools", "tools.json", "--set", "effect=write")
    assert "--set effect=write: no tool of out has this effect; give --effects a file" in said


def test_one_of_anything_is_singular(capsys: pytest.CaptureFixture[str]) -> None:
    react("m", "a")
    said = printed(capsys, "react", "--name", "mine")
    assert said[0] == "react: 1 run, 1 sample, 1 call"
    assert "out/mine.toolmatch.yaml: 1 case, 1 sample of 1 model" in said
    assert "  m: 1 sample of 1 case (1 each)" in said
