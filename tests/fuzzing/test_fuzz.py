"""``toolmatch fuzz``, with functions for models: what it says, what it writes, and what it costs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_toolmatch.cli import main

TOOLS = [
    {
        "name": name,
        "description": text,
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string", "pattern": r"^F-\d{5}$"}},
            "required": ["order_id"],
        },
    }
    for name, text in (
        ("get_order", "Show what was bought in an order."),
        ("cancel_order", "Cancel an order that has not been packed yet."),
    )
]
SUITE = """\
tools: shop.tools.json
match: ordered
cases:
  - {id: bought, query: "I wonder what exactly I bought in order F-10482 last week."}
  - {id: receipt, query: "Show me everything that I bought in order F-20117, my receipt is lost."}
  - {id: cancel, query: "My plans have changed, so cancel order F-30555 before it leaves the house."}
  - {id: stop, query: "Oh no, a double click! Quickly cancel order F-41890 for me."}
"""
MODELS = '''\
"""A function that fails on prompts that shout about cancelling, and one that does not."""
import _thread, itertools, re

calls = itertools.count()

def teacher(request):
    query = request.conversation[-1].content
    tool = "cancel_order" if "cancel" in query.lower() else "get_order" if "bought" in query.lower() else ""
    order = re.search(r"F-\\d{5}", query)
    known = {offered.name for offered in request.tools}
    if request.conversation[-1].role == "tool" or not order or tool not in known:
        return "Done."
    return [{"name": tool, "arguments": {"order_id": order[0]}}]

def student(request):
    query = request.conversation[-1].content
    if "CANCEL" in query or "ORDER" in query and "cancel" in query:
        return "Please do not shout."
    return teacher(request)

def interrupted(request):
    if next(calls) == 150:
        _thread.interrupt_main()
    return student(request)
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.toolmatch.yaml").write_text(SUITE)
    (tmp_path / "shop.tools.json").write_text(json.dumps(TOOLS))
    (tmp_path / "shop_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def fuzz(
    capsys: pytest.CaptureFixture[str], *more: str, student: str = "student", suite: str = "shop.toolmatch.yaml"
) -> tuple[int, str, str]:
    named = ["--teacher", "python:shop_models:teacher", "--student", f"python:shop_models:{student}"]
    status = main(["fuzz", suite, *named, "--relations", "casing", *more])
    said = capsys.readouterr()
    return status, said.out, said.err


def calls_in(printed: str) -> int:
    found = re.search(r"prompts tried · ([\d,]+) calls", printed)
    assert found
    return int(found[1].replace(",", ""))


def test_a_weakness_is_found_shrunk_written_and_replayed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, printed, _ = fuzz(capsys, "--budget", "800calls")
    assert status == 0
    assert "shop: 4 of 4 cases fuzzed" in printed
    assert re.search(r"1 +casing +cancel_order +1\.00 → 0\.00 +1\.00 \(0\.\d\d–1\.00\)", printed)
    (case,) = [json.loads(line) for line in (project / "shop.fuzzed.cases.jsonl").read_text().splitlines()]
    assert re.fullmatch(r"(CANCEL|cancel ORDER|CANCEL order) F-\d{5}[.!]?|.*\bCANCEL\b.* F-\d{5}.*", case["query"])
    assert len(case["query"].split()) <= 4
    assert case["tags"] == ["fuzzed", "casing"]

    (project / "shop_models.py").unlink()  # no model answers from here on
    named = ["--toolmatch-teacher=python:shop_models:teacher", "--toolmatch-student=python:shop_models:student"]
    command = [sys.executable, "-m", "pytest", "shop.fuzzed.toolmatch.yaml", "--toolmatch", *named]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert "no call" in done.stdout


def test_what_was_drawn_is_not_drawn_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = fuzz(capsys, "--budget", "400calls")[1]
    again = fuzz(capsys, "--budget", "400calls")[1]
    assert calls_in(first) > 100
    # What the first run had no budget for, the second one has.
    assert calls_in(again) <= 400
    assert (project / ".fuzzing" / "shop").is_dir()
    cases = (project / "shop.fuzzed.cases.jsonl").read_text().splitlines()
    assert len({json.loads(line)["id"] for line in cases}) == len(cases)


@pytest.mark.parametrize("edit", ["instructions: Be kind.", "student: {instructions: Be kind.}", "max_steps: 3"])
def test_findings_of_a_suite_that_was_edited_stay_by_themselves(
    project: Path, capsys: pytest.CaptureFixture[str], edit: str
) -> None:
    fuzz(capsys, "--budget", "800calls")
    with (project / "shop.fuzzed.toolmatch.yaml").open("a") as fuzzed:
        fuzzed.write("gates: [chain_match >= 0.5]\n")  # those of the fuzzed suite are its own
    (project / "shop.toolmatch.yaml").write_text("gates: [chain_match >= 0.9]\n" + SUITE)
    assert fuzz(capsys, "--budget", "20calls")[0] == 0
    (project / "shop.toolmatch.yaml").write_text(f"{edit}\n{SUITE}")
    before = {path: path.read_bytes() for path in project.rglob("*.jsonl")}
    status, _, error = fuzz(capsys, "--budget", "800calls")
    assert status == 4
    assert "shop.fuzzed.toolmatch.yaml was written for another version of the suite: choose another directory" in error
    assert {path: path.read_bytes() for path in project.rglob("*.jsonl")} == before
    assert fuzz(capsys, "--budget", "20calls", "-o", "other")[0] == 0


def test_what_a_suite_says_of_tools_that_are_code_goes_along(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = "from pytest_toolmatch import tool\n"
    for one in TOOLS:
        code += (
            f"@tool(description={one['description']!r})\ndef {one['name']}(order_id: str) -> str:\n    return 'ok'\n"
        )
    (project / "shop_tools.py").write_text(f"{code}TOOLS = [get_order, cancel_order]\n")
    beside = "tools: shop_tools:TOOLS\nreplies: {get_order: bought}\nexecute: [cancel_order]"
    (project / "shop.toolmatch.yaml").write_text(SUITE.replace("tools: shop.tools.json", beside))
    printed = fuzz(capsys, "--budget", "800calls")[1]
    assert "written: shop.fuzzed.toolmatch.yaml" in printed
    assert fuzz(capsys, "--budget", "20calls")[0] == 0
    assert "1 failed" in run_next(printed, project)


def test_the_next_command_says_what_the_models_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ["--student-settings", "temperature=0.5", "--student-settings", r"note = it's \ours"]
    printed = fuzz(capsys, "--budget", "800calls", *told)[1]
    assert "1 failed" in run_next(printed, project)


def run_next(printed: str, project: Path) -> str:
    """Paste the command that was printed last into a shell; return what it prints."""
    command = printed.partition("next: pytest ")[2]
    line = f"{shlex.quote(sys.executable)} -m pytest {command}"
    return subprocess.run(["bash", "-c", line], cwd=project, capture_output=True, text=True, check=False).stdout


def test_two_suites_of_one_name_are_not_written_to_one_directory(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("de", "en"):
        (project / "suites" / folder).mkdir(parents=True)
        (project / "suites" / folder / "shop.toolmatch.yaml").write_text(SUITE)
        (project / "suites" / folder / "shop.tools.json").write_text(json.dumps(TOOLS))
    status, _, error = fuzz(capsys, "-o", "found", suite="suites")
    assert status == 4
    assert "two suites are named 'shop', and both would be written to found; rename one of the files" in error
    assert not (project / "found").exists()


def test_a_student_without_a_weakness_is_said_to_have_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, printed, _ = fuzz(capsys, "--budget", "300calls", student="teacher")
    assert status == 0
    assert "no weakness is shown" in printed
    assert not (project / "shop.fuzzed.toolmatch.yaml").exists()


def test_after_ctrl_c_what_was_drawn_is_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fuzz(capsys, "--budget", "2000calls", student="interrupted")
    assert ended.value.code == 130
    assert "interrupted: what was drawn is kept in" in capsys.readouterr().out
    kept = (project / ".fuzzing" / "shop" / "python-shop_models-interrupted.jsonl").read_text().splitlines()
    assert len(kept) >= 50


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--relations", "cassing"],
            "no relation is named 'cassing'; did you mean 'casing'?; there are typos,",
        ),
        (["--student", ""], "no student is named: say --student MODEL, as in --student pocket:base"),
        (["--teacher", "gpt-4o"], "--teacher gpt-4o: prompts that nobody has asked yet are not recorded"),
        (["--cases", "cancle"], "no case is called 'cancle'; did you mean 'cancel'?"),
        (["--budget", "lots"], "budget 'lots': write US dollars"),
        (["--confidence", "1.5"], "toolmatch_confidence is 1.5: it must lie between 0 and 1"),
        (["--student", "python:shop_models:nobody"], "has no 'nobody'"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_is_wrong_is_said_in_one_line(more: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = fuzz(capsys, *more)
    assert status == 4
    assert error.startswith("toolmatch: error: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_suite_that_follows_its_teacher_can_not_be_fuzzed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shop.toolmatch.yaml").write_text("mode: next_step\n" + SUITE)
    status, _, error = fuzz(capsys)
    assert status == 4
    assert "next_step" in error


@pytest.mark.usefixtures("project")
def test_a_budget_too_small_for_one_decision_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    status, printed, _ = fuzz(capsys, "--budget", "10calls")
    assert status == 0
    assert "the budget does not pay" in printed


@pytest.mark.usefixtures("project")
def test_without_hypothesis_the_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_toolmatch.fuzzing.find_spec", lambda _: None)
    status, _, error = fuzz(capsys)
    assert status == 4
    assert "pip install 'pytest-toolmatch[fuzz]'" in error


@pytest.mark.usefixtures("project")
def test_a_model_phrases_requests_anew(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    phrase = (
        "\n\ndef phrase(request):\n"
        "    assert 'another user' in request.instructions and not request.tools\n"
        "    return 'WOULD YOU KINDLY CANCEL: ' + request.conversation[-1].content + ' (' + str(request.draw) + ')'\n"
    )
    with (project / "shop_models.py").open("a") as file:
        file.write(phrase.replace("request.draw", "len(request.conversation[-1].content)"))
    sys.modules.pop("shop_models", None)
    more = ["--relations", "phrasing", "--phrase-with", "python:shop_models:phrase", "--phrasings", "2"]
    status, printed, error = fuzz(capsys, "--budget", "900calls", "--cases", "cancel", *more)
    assert (status, error) == (0, "")
    assert "WOULD YOU KINDLY CANCEL" in printed
