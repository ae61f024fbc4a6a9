"""What ``toolmatch import`` prints and refuses."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch import importing, staging
from pytest_toolmatch.cli import main
from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.sampling.recordings import read_recording, recording_path
from pytest_toolmatch.suites.cases import CHOICES
from pytest_toolmatch.suites.writer import write_suite
from pytest_toolmatch.suites.yaml_file import read_suite

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


SETTINGS = [
    ('gates=["a', "'[\"a' is not YAML: "),
    ("gates=", "--set gates: Expected `array`, got `null`; write --set 'gates=[\"chain_match >= 0.9\"]'"),
    ("gates=chain_match >= 0.9", "--set gates: Expected `array`, got `str`; write --set 'gates=["),
    ("gates=[3]", "--set gates[0]: Expected `str`, got `int`"),
    ("gates=[chain >= 0.9]", "--set: gate 'chain >= 0.9': unknown metric 'chain'"),
    ("gates=[chain_match >= 0.9, chain_match < 0.5]", "contradict each other"),
    ("chain_match=abc", "--set chain_match: Expected `float | null`, got `str`"),
    ("chain_match=7", "--set: chain_match is 7: it must lie above 0 and at most at 1"),
    ("min_consensus=5", "--set: min_consensus is 5"),
    ("divergence=fial", "--set divergence: no such choice 'fial': one of fail, xfail; did you mean 'fail'?"),
    ("timeout=0", "--set: timeout is 0"),
    ("overrides={go: {to: {casefld: true}}}", "unknown key 'casefld'; did you mean 'casefold'?"),
    ("overrides={gone: {to: {casefold: true}}}", "no tool is named 'gone'; did you mean 'go'?"),
    ("max_step=3", "no such key 'max_step'; did you mean 'max_steps'?"),
]


@pytest.mark.parametrize(("setting", "message"), SETTINGS, ids=[setting for setting, _ in SETTINGS])
def test_settings_that_no_suite_may_have_are_one_clear_line(
    capsys: pytest.CaptureFixture[str], setting: str, message: str
) -> None:
    react("m", "a")
    lines("tools.json", TOOLS)
    said = refused(capsys, "react", "--tools", "tools.json", "--set", setting)
    assert "--set" in said
    assert message in said
    assert said.count("\n") == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("0.59a>=[{:'\"-\n", max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["go", "x"]), inner, max_size=2),
    max_leaves=4,
).map(json.dumps)


@given(
    key=st.sampled_from(importing._SETTABLE),
    value=values | st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from([*CHOICES["match"]]),
)
def test_a_suite_with_any_setting_is_refused_or_can_be_read(key: str, value: str) -> None:
    try:
        keys = importing.suite_keys([f"{key}={value}"])
    except ToolmatchError:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = write_suite(Suite(name="s", cases=(case_of_query("Go"),), **keys), Path(folder))
        read = read_suite(path)
    assert {name: getattr(read, name) for name in keys} == keys


def test_one_of_anything_is_singular(capsys: pytest.CaptureFixture[str]) -> None:
    react("m", "a")
    said = printed(capsys, "react", "--name", "mine")
    assert said[0] == "react: 1 run, 1 sample, 1 call"
    assert "out/mine.toolmatch.yaml: 1 case, 1 sample of 1 model" in said
    assert "  m: 1 sample of 1 case (1 each)" in said


def session(path: str, *prompts: str, tool: str = "go", model: str = "m") -> None:
    records: list[dict[str, Any]] = []
    for number, prompt in enumerate(prompts):
        block = {"type": "tool_use", "id": f"{path}{number}", "name": tool, "input": {"of": prompt}}
        answer = {"id": f"{path}-{number}", "model": model, "content": [block]}
        records += [
            {"type": "user", "uuid": f"u{number}", "message": {"content": prompt}},
            {"type": "assistant", "uuid": f"a{number}", "parentUuid": f"u{number}", "message": answer},
        ]
    lines(path, *records)


# Put together here, so that no scanner takes this file for a leak.
KEY = "AKIA" + "Q3EXAMPLE7RSTUVW"


def test_keys_never_reach_the_disk_and_what_was_taken_out_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    session("logs/a.jsonl", f"Use {KEY}", f"Again {KEY}, ola@shop.example")
    said = printed(capsys, "claude-code")
    assert "redacted: 1 × AWS Access Key" in said
    written = b"".join(path.read_bytes() for path in Path("out").rglob("*") if path.is_file())
    assert KEY[8:].lower() not in written.decode().lower()
    assert b"<secret-1>" in written
    assert b"ola@shop.example" in written


def test_redaction_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    session("logs/a.jsonl", f"Use {KEY}, ola@shop.example")
    assert "redacted" not in "".join(printed(capsys, "claude-code", "--redact", "none"))
    assert main(["import", "claude-code", "logs", "-o", "both", "--redact", "keys,emails"]) == 0
    assert "redacted: 1 × AWS Access Key, 1 × e-mail address" in capsys.readouterr().out
    assert main(["import", "claude-code", "logs", "-o", "no", "--redact", "mails"]) == 4
    assert "no kind 'mails'; did you mean 'emails'?; known: keys, emails, none" in capsys.readouterr().err


def test_keys_are_taken_out_of_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    step = {"action": "go", "action_input": {"key": KEY}, "observation": KEY}
    lines("logs/m.jsonl", {"task_id": "t", "question": f"{KEY}?", "model": "m", "runs": [{"steps": [step]}]})
    assert "redacted: 1 × AWS Access Key" in printed(capsys, "react", "--replies")
    written = b"".join(path.read_bytes() for path in Path("out").rglob("*") if path.is_file())
    assert KEY.encode() not in written
    assert written.count(b"<secret-1>") >= 2


SERVER = Path(__file__).parent / "servers" / "mcp_stdio.py"


def test_tools_come_from_a_live_server_where_no_file_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    session("logs/a.jsonl", "Go", tool="mcp__air__search_flights")
    mine = {"name": "mcp__air__fail", "parameters": {"type": "object"}, "description": "Mine."}
    lines("tools.json", mine)
    server = f"air={shlex.join([sys.executable, str(SERVER)])}"
    said = printed(capsys, "claude-code", "--tools", "tools.json", "--mcp", server)
    assert not [line for line in said if "!" in line]
    tools = {tool["name"]: tool for tool in json.loads(Path("out/out.tools.json").read_bytes())}
    assert tools["mcp__air__search_flights"]["parameters"]["required"] == ["origin", "destination"]
    assert tools["mcp__air__fail"]["description"] == "Mine."


def test_effects_are_said_of_tools_that_only_the_log_knows_too(capsys: pytest.CaptureFixture[str]) -> None:
    session("logs/a.jsonl", "Go", tool="Bash")
    lines("effects.json", {"Bash": "read"})
    printed(capsys, "claude-code", "--effects", "effects.json")
    assert "Bash: read" in Path("out/out.toolmatch.yaml").read_text()


@pytest.mark.parametrize("server", ["air", "air=", "=x", "air=no-such-program-here"])
def test_a_server_that_is_none_is_one_clear_line(capsys: pytest.CaptureFixture[str], server: str) -> None:
    session("logs/a.jsonl", "Go")
    assert "--mcp" in refused(capsys, "claude-code", "--mcp", server)


def test_what_is_left_out_is_said_with_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    session("logs/a.jsonl", "Go")
    lines("logs/empty.jsonl")
    Path("logs/notes.md").write_text("x")
    assert printed(capsys, "claude-code")[0] == "claude-code: 1 run, 1 sample, 1 call, 2 files without a session"


def test_a_directory_without_any_session_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines("logs/empty.jsonl")
    assert "nothing to import: no run of any model was found (1 file without a session)" in refused(
        capsys, "claude-code"
    )


def test_a_path_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    session("logs/a.jsonl", "Go")
    assert main(["import", "claude-code", "logs", "big=nosuch", "-o", "out"]) == 4
    assert capsys.readouterr().err == "toolmatch: error: nosuch: there is no such file or directory\n"


def test_each_reason_why_nothing_is_there_to_import_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs").mkdir()
    Path("logs/run.sh").write_text("true")
    assert refused(capsys, "auto").splitlines()[1:] == ["  logs/run.sh: not recognised: not JSON"]


@pytest.mark.parametrize("step", ["read_log", "write_imported"])
def test_an_interrupted_import_leaves_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    session("logs/a.jsonl", "Go", "Stay")
    whole = getattr(importing, step)

    def stopped(*arguments: Any) -> Any:
        if step == "write_imported":
            monkeypatch.setattr(staging, "encode", interrupt)
            return whole(*arguments)
        return itertools.chain(itertools.islice(whole(*arguments), 1), map(interrupt, [None]))

    monkeypatch.setattr(importing, step, stopped)
    assert main(["import", "claude-code", "logs", "-o", "new/out"]) == 130
    assert "nothing more was written" in capsys.readouterr().err
    assert sorted(path.name for path in Path().rglob("*")) == ["a.jsonl", "logs"]


def interrupt(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_a_move_that_is_stopped_takes_back_what_it_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    session("logs/a.jsonl", "Go")
    Path("out").mkdir()
    Path("out/mine.txt").write_text("kept")
    replace, moved = Path.replace, []

    def stopped(path: Path, target: Path) -> Path:
        if len(moved) == 2:
            raise KeyboardInterrupt
        moved.append(target)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", stopped)
    assert main(["import", "claude-code", "logs", "-o", "out"]) == 130
    assert [path.as_posix() for path in Path("out").rglob("*")] == ["out/mine.txt"]


def test_what_was_recorded_before_stays_in_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    react("m", "a")
    printed(capsys, "react")
    recording = Path("out/recordings/out/m.jsonl")
    before = recording.read_bytes()
    for path in Path("out").glob("out.*"):
        path.unlink()
    react("m", "a", runs=2)
    printed(capsys, "react")
    assert recording.read_bytes().startswith(before)
    assert recording.read_bytes().count(b"\n") == 2


def test_models_whose_names_come_to_the_same_each_have_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    def log(*models: str) -> None:
        run = {"steps": [{"action": "go", "action_input": {}}]}
        lines("logs/all.jsonl", *({"task_id": "a", "question": "a?", "model": one, "runs": [run]} for one in models))
        printed(capsys, "react")

    def recorded() -> dict[str, int]:
        folder = Path("out/recordings/out")
        return {one: len(read_recording(recording_path(folder, one), one).by_key) for one in ("a/b", "a:b", "a b")}

    log("a/b", "a:b")
    assert recorded() == {"a/b": 1, "a:b": 1, "a b": 0}
    for path in Path("out").glob("out.*"):
        path.unlink()
    log("a b")
    assert recorded() == {"a/b": 1, "a:b": 1, "a b": 1}


@pytest.mark.parametrize("depth", [100, 400, 700, 5000])
def test_arguments_nested_as_deep_as_they_like_are_kept_or_named(
    capsys: pytest.CaptureFixture[str], depth: int
) -> None:
    session("logs/a.jsonl", "Go", "DEEP")
    path = Path("logs/a.jsonl")
    path.write_text(path.read_text().replace('"of": "DEEP"', f'"of": {"[" * depth}"{KEY}"{"]" * depth}'))
    said = printed(capsys, "claude-code")
    kept = [line for line in said if "nested too deeply" not in line]
    assert len(kept) == len(said) or depth > 400
    assert KEY not in Path("out/recordings/out/m.jsonl").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_a_line_says_how_far_it_is_and_is_gone_afterwards() -> None:
    for number in range(60):
        session(f"logs/{number}.jsonl", *("abcdefgh"))
    program = "import sys; from pytest_toolmatch import cli, ticking; ticking._EVERY = 0; sys.exit(cli.main())"
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", program, "import", "claude-code", "logs", "-o", "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # that is how its end shows
            while piece := os.read(ours, 65536):
                shown += piece
        assert process.stdout is not None
        assert b"\r" not in process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert re.search(rb"reading: 100 records, \d+ s", shown)
    assert b"writing: 16 cases" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_without_a_terminal_there_is_no_such_line(capsys: pytest.CaptureFixture[str]) -> None:
    session("logs/a.jsonl", "Go")
    assert main(["import", "claude-code", "logs", "-o", "out"]) == 0
    assert capsys.readouterr().err == ""


def request(number: int, *tools: str) -> dict[str, Any]:
    message = {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": tools[0], "arguments": "{}"}}]}
    given = [{"type": "function", "function": {"name": tool, "parameters": {"type": "object"}}} for tool in tools]
    asked = {"model": "m", "messages": [{"role": "user", "content": f"Go {number}."}], "tools": given}
    return {"request": asked, "response": {"choices": [{"message": message, "finish_reason": "stop"}]}}


def test_tools_that_most_requests_offer_stand_once_in_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    lines("logs/a.jsonl", request(1, "go", "stay"), request(2, "stay"), request(3, "go", "stay"))
    lines("effects.json", {"go": "write"})
    printed(capsys, "requests", "--effects", "effects.json")
    suite = read_suite(Path("out/out.toolmatch.yaml"))
    assert [(tool.name, tool.effect) for tool in suite.tools] == [("go", "write"), ("stay", None)]
    assert [case.tools and [tool.name for tool in case.tools] for case in suite.cases] == [None, ["stay"], None]
    keys = [json.loads(line)["key"] for line in Path("out/recordings/out/m.jsonl").read_text().splitlines()]
    plan = Plan(suite, Model(name="m"))
    assert keys == [plan.key(case, "recorded", 0) for case in suite.cases]


def test_where_few_requests_offer_the_same_tools_each_case_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    lines("logs/a.jsonl", request(1, "go"), request(2, "stay"), request(3, "go"), request(4, "stay"))
    printed(capsys, "requests")
    suite = read_suite(Path("out/out.toolmatch.yaml"))
    first, second, third, _ = (case.tools for case in suite.cases)
    assert suite.tools == ()
    assert (first is third, first == second) == (True, False)
