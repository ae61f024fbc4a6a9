"""``toolmatch repair`` with simulated models on a loopback server: what it mends, says, keeps, and refuses."""

from __future__ import annotations

import _thread
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pytest_toolmatch.cli import main
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.sampling.recordings import Record, append_records
from pytest_toolmatch.suites.yaml_file import read_suite
from tests.repair.desk import TOOLS, Desk, right, write_suite
from tests.servers import chat
from tests.servers.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_suite(tmp_path)


def repair(desk: Desk, path: Path, capsys: Captured, *more: str) -> tuple[int, str, str]:
    """Run the command; return its exit status, and what it printed, without the server's address."""
    status = main(["repair", str(path), "--teacher", desk.model("teacher"), "--student", desk.model("student"), *more])
    said = capsys.readouterr()
    return status, said.out.replace(desk.url, "URL"), said.err


def words(path: Path) -> set[str]:
    """Return which faults a suite's student prompt mends."""
    return {word for word in ("ISO", "unpacked", "always") if word in path.read_text()}


def test_planted_faults_are_mended_and_proved(suite: Path, capsys: Captured) -> None:
    with Desk(noise=0.1, seed=1) as desk:
        status, printed, _ = repair(desk, suite, capsys)
        assert status == 0
        assert "desk: 30 cases: 12 to train on, 6 to choose by, 12 to test on" in printed
        assert re.search(r"accepted: 0\.\d\d → [01]\.\d\d on 12 cases that nothing was chosen by", printed)
        assert re.search(r"^optimizer +training examples +match with the teacher", printed, re.MULTILINE)
        assert re.search(r"^gepa +12 +[01]\.\d\d +0\.\d\d–[01]\.\d\d", printed, re.MULTILINE)
        assert "  + unpacked" in printed
        assert words(suite) == {"ISO", "unpacked", "always"}
        assert suite.read_text().startswith("# Ours.\ninstructions: You help.  # short\ntools: desk.tools.json\n")
        assert suite.read_text().endswith("\n# All of them:\ncases: desk.cases.jsonl\n")
        report = (suite.parent / ".repair" / "desk" / "report.md").read_text()
        for heading in ("Cases", "Every text that is another", "The suite", "Prompt length against match"):
            assert f"\n## {heading}\n" in report
        assert re.search(r"^- Fixed: (\w+, ){5,}\w+$", report, re.MULTILINE)
        assert "\n+++ b/desk.toolmatch.yaml\n" in report
        assert "\n+ unpacked" in report

        before = suite.read_bytes()
        assert "the suite is as it was" in repair(desk, suite, capsys)[1]
        assert suite.read_bytes() == before


@pytest.mark.parametrize("rollouts", [26, 33, 40, 60, 90])
def test_few_rollouts_are_kept_to_and_used(suite: Path, capsys: Captured, rollouts: int) -> None:
    with Desk(noise=0.1, seed=1) as desk:
        status, printed, _ = repair(desk, suite, capsys, "--rollouts", str(rollouts))
    assert status == 0
    taken = re.search(r"desk: (\d+) rollouts", printed)
    assert taken
    proving = 2 * 5 * 12 * ("that nothing was chosen by" in printed)
    assert 18 < int(taken[1]) - proving <= rollouts
    assert rollouts < 60 or words(suite)


def test_a_student_that_nothing_mends_is_left_alone(suite: Path, capsys: Captured) -> None:
    before = suite.read_bytes()
    with Desk(useful=0.0) as desk:
        status, printed, _ = repair(desk, suite, capsys)
    assert status == 0
    assert "nothing that was tried helps; the suite is as it was" in printed
    assert suite.read_bytes() == before


def test_a_repair_that_the_test_part_does_not_bear_out_is_rejected(suite: Path, capsys: Captured) -> None:
    # The word helps with the cases that were trained on, and by nothing but luck.
    with Desk(faults=(), noise=0.35, seed=4) as desk:
        before = suite.read_bytes()
        _, printed, _ = repair(desk, suite, capsys)
        assert "the suite is as it was" in printed
        assert suite.read_bytes() == before
        again = repair(desk, suite, capsys, "--seed", "0")[1]
    assert again.splitlines()[-1] == printed.splitlines()[-1]


def test_the_same_models_and_seed_come_to_the_same_result_with_any_slots(tmp_path: Path, capsys: Captured) -> None:
    found = []
    for name, slots in (("one", "50"), ("other", "3")):
        (tmp_path / name).mkdir()
        path = write_suite(tmp_path / name)
        with Desk(seed=3) as desk:
            printed = repair(desk, path, capsys, "--concurrency", slots)[1]
        found.append((path.read_text(), printed.replace(str(tmp_path / name), "")))
    assert found[0] == found[1]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_killed_run_goes_on_to_the_same_result(tmp_path: Path, capsys: Captured, share: float) -> None:
    few = ("--concurrency", "8")
    results = []
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        path = write_suite(tmp_path / name)
        if name == "killed":
            after = int(share * results[0][2])
            with Desk(seed=3, fault=_interrupting(after)) as desk:
                assert _interrupted(desk, path, capsys, *few)
        with Desk(seed=3) as desk:
            printed = repair(desk, path, capsys, *few)[1]
            results.append((path.read_text(), _outcome(printed), desk.calls.total()))
    assert results[0][:2] == results[1][:2]
    # What was in flight is lost, two calls each; so are replies of a writer.
    assert results[1][2] <= results[0][2] - after + 2 * 8 + 5


def _interrupted(desk: Desk, path: Path, capsys: Captured, *more: str) -> bool:
    """Say whether a run was ended by Ctrl-C, while it waited or while a line was printed, and has written nothing."""
    before = path.read_bytes()
    try:
        status, *said = repair(desk, path, capsys, *more)
    except SystemExit as ended:
        status, said = ended.code, [capsys.readouterr().out]
        assert "interrupted: what was drawn is kept in" in said[0]
    return status == 130 and "interrupted" in "".join(said) and path.read_bytes() == before


def _interrupting(after: int) -> Callable[[int, Any], Answer | None]:
    """Return what interrupts the run at a call, and answers none from then on: so that it can't end before."""

    def fault(number: int, _: Any) -> Answer | None:
        if number == after:
            _thread.interrupt_main()
        return Answer(fault="hang") if number >= after else None

    return fault


def _outcome(printed: str) -> list[str]:
    """Return the lines that say how it went and what it came to, but for what was paid this time."""
    return [line for line in printed.splitlines() if "calls" not in line and not line.startswith(("written", "next"))]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "the reply is empty"),
        ("I would add a rule.", "the reply has no fenced block"),
        ("```\n" + "Be careful. " * 4500 + "\n```", "characters, and"),
        ("```\nOne.\n```\nor\n```\nTwo.\n```", "the reply has 4 fences where one block has 2"),
    ],
)
def test_a_reflection_model_that_is_of_no_use_ends_the_run(suite: Path, capsys: Captured, reply: str, why: str) -> None:
    before = suite.read_bytes()
    with Desk(reflect=lambda _: reply) as desk:
        status, printed, _ = repair(desk, suite, capsys)
        assert desk.calls["teacher"] <= 30 * 5 * 2 + 12
    assert status == 0
    assert re.search(rf"stopped: local:teacher: \d replies in a row were of no use \(.*{re.escape(why)}", printed)
    assert suite.read_bytes() == before


def test_a_reflection_model_that_repeats_itself_ends_the_run(suite: Path, capsys: Captured) -> None:
    with Desk(reflect=lambda _: "```\nBe careful.\n```") as desk:
        status, printed, _ = repair(desk, suite, capsys)
    assert status == 0
    assert "12 replies in a row were of no use (" in printed
    assert "the new text was tried before)" in printed
    assert printed.count("· mending") < 8


def test_a_reflection_model_that_is_down_is_said_in_one_line(suite: Path, capsys: Captured) -> None:
    before = suite.read_bytes()
    with Desk(reflect=lambda _: Answer(chat.failure("no such key"), status=401)) as desk:
        status, _, error = repair(desk, suite, capsys, "--reflect-with", desk.model("writer"))
    assert status == 4
    assert error.count("\n") == 1
    assert "local:writer" in error
    assert suite.read_bytes() == before


def test_nothing_is_asked_of_a_teacher_whose_student_has_no_key(
    suite: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Desk() as desk:
        status = main(["repair", str(suite), "--teacher", desk.model("teacher"), "--student", "openai:small"])
        assert desk.calls["teacher"] == 0
    assert status == 4
    assert "OPENAI_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["rollout", "next_step"])
def test_a_teacher_may_be_one_that_is_only_recorded(suite: Path, capsys: Captured, mode: str) -> None:
    suite.write_text(suite.read_text().replace("# All", f"mode: {mode}\nrecordings: logs\n# All"))
    plan = Plan(read_suite(suite), Model(name="big"))
    records = []
    for case in plan.suite.cases:
        call = right(case.query)
        sample = Sample(
            case=case.id,
            role="recorded",
            draw=0,
            outcome="called",
            chain=((Call(call["name"], call["arguments"]),),),
            replies=(("ok",),),
        )
        records.append(Record(key=plan.key(case, "recorded", 0), model="big", sample=sample))
    append_records(suite.parent / "logs" / "big.jsonl", records)
    with Desk(useful=1.0) as desk:
        printed = repair(desk, suite, capsys, "--teacher", "big", "--reflect-with", desk.model("writer"))[1]
        assert desk.calls["teacher"] == 0
    assert "accepted: 0.17 → 1.00" in printed
    assert [one.name for one in (suite.parent / "logs").iterdir()] == ["big.jsonl"]


def test_an_infrastructure_storm_stops_the_run(suite: Path, capsys: Captured) -> None:
    def fault(_: int, sent: dict[str, Any]) -> Answer | None:
        failing = sent["model"] == "student" and "a" in sent["messages"][-1]["content"][-12:]
        return Answer(chat.failure("too long"), status=400) if failing else None

    before = suite.read_bytes()
    with Desk(fault=fault) as desk:
        status, _, error = repair(desk, suite, capsys)
    assert status == 4
    assert re.search(
        r"local:student: \d+ of \d\d rollouts failed \(.*too long.*\): stopped; what was drawn is kept", error
    )
    assert suite.read_bytes() == before


def test_only_what_may_be_touched_is_changed(suite: Path, capsys: Captured) -> None:
    with Desk(useful=1.0) as desk:
        printed = repair(desk, suite, capsys, "--touch", "tool:*", "--freeze", "tool:book:*,tool:*:day")[1]
    student = yaml.safe_load((suite.parent / ".repair" / "desk" / "student.yaml").read_text())["student"]
    assert student.keys() == {"tools"}
    assert "unpacked" in student["tools"]["cancel"]["description"]
    assert all(texts.keys() == {"description"} for texts in student["tools"].values())
    # It mends three cases of twelve, all of them for good: too few to tell of others like them.
    assert "rejected, and the suite is as it was" in printed
    assert "these cases do match more often; whether others like them would, so few can't tell" in printed


def test_a_repaired_suite_may_lie_elsewhere(suite: Path, capsys: Captured) -> None:
    before = suite.read_bytes()
    with Desk(useful=1.0) as desk:
        repair(desk, suite, capsys, "-o", "new/place")
    made = read_suite(suite.parent / "new" / "place" / "desk.repaired.toolmatch.yaml")
    assert made.student
    assert made.cases == read_suite(suite).cases or len(made.cases) == 30
    assert suite.read_bytes() == before
    assert not (suite.parent / ".repair").exists()


def test_a_budget_in_calls_is_kept(suite: Path, capsys: Captured) -> None:
    with Desk(noise=0.1) as desk:
        status, printed, error = repair(desk, suite, capsys, "--budget", "420calls")
        assert desk.calls.total() <= 420
    assert status in (0, 4)
    assert "written" in printed or "as it was" in printed or "budget" in error


def in_folders(suite: Path, *folders: str) -> Path:
    """Put the suite into several folders; return the one that has them all."""
    every = suite.parent / "suites"
    for name in folders:
        (every / name).mkdir(parents=True)
        write_suite(every / name)
    return every


def test_suites_share_a_budget(suite: Path, capsys: Captured) -> None:
    # Either of them takes more than half of it.
    with Desk(useful=1.0) as desk:
        status, printed, error = repair(desk, in_folders(suite, "a", "b"), capsys, "--budget", "500calls")
        assert 250 < desk.calls.total() <= 500
    assert status == 4
    assert printed.count("desk: 30 cases") == 1
    assert "calls is spent" in error


def test_two_suites_of_one_name_are_not_written_to_one_directory(suite: Path, capsys: Captured) -> None:
    every = in_folders(suite, "de", "en")
    with Desk() as desk:
        status, _, error = repair(desk, every, capsys, "-o", "new")
        assert not desk.calls
    assert status == 4
    assert "two suites are named 'desk', and both would be written to new; rename one of the files" in error


def test_tools_that_are_code_beside_a_suite_keep_it_there(
    suite: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(suite.parent)
    (suite.parent / "desk_tools.py").write_text(f"TOOLS = {TOOLS}\n")
    every = in_folders(suite, "a")
    (every / "desk.cases.jsonl").write_bytes((suite.parent / "desk.cases.jsonl").read_bytes())
    suite.write_text(suite.read_text().replace("desk.tools.json", "desk_tools:TOOLS"))
    suite.rename(every / "coded.toolmatch.yaml")
    with Desk(useful=1.0) as desk:
        status, _, error = repair(desk, every, capsys, "-o", "new")
        assert not desk.calls
    assert status == 4
    assert "its tools are code beside it; leave -o out" in error


def test_the_next_command_says_what_the_models_are_told(suite: Path, capsys: Captured) -> None:
    with Desk(useful=1.0) as desk:
        told = ["--student-settings", "temperature=0.5", "--student-settings", "seed = 1"]
        printed = repair(desk, suite, capsys, *told)[1]
    command = printed.partition("next: ")[2]
    assert command.splitlines()[0].endswith(r" -o $'toolmatch_student_settings=temperature=0.5\nseed = 1'")
    assert "toolmatch_teacher_settings" not in command


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--rollouts", "25"],
            "rollouts 25: up to 18 go to 18 cases as they are; one iteration, and what proves it in the end, take 26",
        ),
        (["--rollouts", "0"], "--rollouts 0: at least 1"),
        (["--teacher", ""], "no teacher is named: say --teacher MODEL"),
        (["--student", "gpt-4o"], "--student gpt-4o: it is asked with other prompts, so that a recording will not do"),
        (["--teacher", "gpt-4o"], "--reflect-with gpt-4o: it is asked for new texts"),
        (["--phases", "gpea"], "no phase is named 'gpea'; did you mean 'gepa'?"),
        (["--budget", "lots"], "budget 'lots': write US dollars"),
        (["-o", "desk.tools.json"], "it is a file; name a directory"),
        (["-o", "/dev/null/x"], "-o /dev/null/x: can't be written: a file is in the way; choose another directory"),
        (["--confidence", "2"], "toolmatch_confidence is 2: it must lie between 0 and 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(suite: Path, capsys: Captured, more: list[str], message: str) -> None:
    before = suite.read_bytes()
    with Desk() as desk:
        status, _, error = repair(desk, suite, capsys, *more)
    assert status == 4
    assert error.startswith("toolmatch: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert suite.read_bytes() == before


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (slice(0, 9), "9 cases can be used, and a repair needs at least 10"),
        (slice(0, 30), "no validation part is possible"),
    ],
)
def test_a_suite_that_is_too_small_is_refused(suite: Path, capsys: Captured, lines: slice, message: str) -> None:
    path = suite.parent / "desk.cases.jsonl"
    kept = path.read_text().splitlines()[lines]
    if len(kept) > 9:
        kept = [f'{{"id": "c{n}", "query": "Where is the {n}th Oslo parcel?"}}' for n in range(30)]
    path.write_text("\n".join(kept) + "\n")
    with Desk() as desk:
        status, _, error = repair(desk, suite, capsys)
    assert status == 4
    assert message in error
    assert not (suite.parent / ".repair").exists()
