"""The ``toolmatch`` command: what it prints, and to which terminals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.reports.json_file import write_report
from pytest_toolmatch.reports.lines import columns
from tests.reports.examples import agreeing, diverging, mixed, report

COMMAND = (sys.executable, "-c", "import sys; from pytest_toolmatch.cli import main; sys.exit(main())")
EVIL = "\x1b[2J\u202eé日"


@pytest.fixture
def reports(tmp_path: Path) -> list[str]:
    """Two reports with names that no ASCII terminal has, and that no terminal should get."""
    before = report(*(agreeing(f"{EVIL}{number}", EVIL) for number in range(4)), student=EVIL)
    after = report(*(diverging(f"{EVIL}{number}", EVIL) for number in range(4)), gates=("chain_match >= 0.9",))
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    for made, path in zip((before, after), paths, strict=True):
        write_report(made, path)
    return [str(path) for path in paths]


def in_ascii(*arguments: str) -> str:
    """Run the command for a terminal that knows nothing but ASCII; return what it printed."""
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, encoding="ascii", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_ascii_terminal_gets_ascii(reports: list[str]) -> None:
    assert "chain_match >= 0.9" in in_ascii("report", reports[1])
    assert "x step 1: destination" in in_ascii("report", reports[1], "-v")
    assert "0.27" in in_ascii("compare", *reports)


def test_import_prints_to_an_ascii_terminal(tmp_path: Path) -> None:
    steps = [{"action": "Search", "action_input": {"query": "→"}, "raw_response": "", "observation": "é"}]
    run = {"run_id": "r", "steps": steps, "final_answer": "日", "error": None}
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"task_id": "日", "question": "Wer?", "model": "é", "runs": [run]}) + "\n")
    printed = in_ascii("import", "react", str(log), "-o", str(tmp_path / "suites"))
    assert r"\xe9" in printed


def test_nothing_of_a_report_controls_the_terminal(reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["report", *reports[:1]], ["report", "-v", *reports[1:]], ["compare", *reports]):
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert r"\x1b[2J\u202e" in out
        assert all(line.isprintable() for line in out.split("\n"))


def test_nothing_that_a_command_says_controls_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_toolmatch.importing.import_suites", lambda *_, **__: [f"a {EVIL} line"])
    assert main(["import", "bfcl", "logs", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "a \\x1b[2J\\u202eé日 line\n"
    assert main(["report", EVIL]) == 4
    assert capsys.readouterr().err == "toolmatch: error: can't read \\x1b[2J\\u202eé日: No such file or directory\n"


@pytest.mark.parametrize("wide", [60, 80, 140])
def test_reports_are_as_wide_as_the_terminal(
    wide: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(wide))
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    write_report(mixed(), first)
    write_report(msgspec.structs.replace(report(diverging("easy-0")), student="x" * 300), second)
    for arguments in (["report", str(second)], ["compare", str(first), str(second)]):
        assert main(arguments) == 0
        assert max(map(columns, capsys.readouterr().out.splitlines())) == wide


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"toolmatch {version('pytest-toolmatch')}\n"


@pytest.mark.parametrize("of", ["suite", "case", "report"])
def test_a_schema_is_json_on_any_terminal(of: str) -> None:
    assert json.loads(in_ascii("schema", of))["$schema"].startswith("https://json-schema.org")


def test_a_plan_is_printed_to_any_terminal(reports: list[str]) -> None:
    assert "0.90   -" in in_ascii("plan", "chain_match >= 0.90", "--cases", "40")
    assert "chain_match >= 0.9: 0." in in_ascii("plan", reports[1])


def test_a_plan_of_nothing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan"]) == 4
    assert main(["plan", "chain_match >= 0.9", "--truth", "2"]) == 4
    assert capsys.readouterr().err.count("toolmatch: error: ") == 2


def test_a_reader_that_has_enough_is_no_error(reports: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    run = subprocess.run(
        [*COMMAND, "report", reports[0]], env=buffered, stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (run.returncode, run.stderr) == (0, "")
