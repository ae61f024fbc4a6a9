"""Recording by the batch, end to end: each run sends what it lacks, and none waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.providers import anthropic_batches, openai_batches
from pytest_toolmatch.recording import record
from pytest_toolmatch.sampling.recordings import Recording, read_recording
from tests.servers import chat
from tests.servers.anthropic import message, text, tool_use
from tests.servers.batches import Anthropic, Failed, OpenAI
from tests.servers.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.plugin.conftest import Project

PRELOADED = (anthropic_batches, openai_batches)
WAITING = "waiting for a batch: run the same command again"
COST_OF_TURN = 0.5 * (12 + 34) * 1000 / 1e6


def claude(body: Any) -> Any:
    last = body["messages"][-1]["content"][-1]
    if last["type"] == "tool_result":
        return message(text("Done."))
    return message(tool_use("search", {"to": last["text"]}, "toolu_1"))


def gpt(body: Any) -> Any:
    last = body["messages"][-1]
    if last["role"] == "tool":
        return chat.completion("Done.")
    return chat.completion(None, chat.tool_call("search", {"to": last["content"]}))


@pytest.fixture
def teacher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Anthropic]:
    with Anthropic(claude) as service:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", service.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret-123456")
        yield service


@pytest.fixture
def student(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAI]:
    with OpenAI(gpt) as service:
        monkeypatch.setenv("OPENAI_BASE_URL", service.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123456")
        yield service


@pytest.fixture
def trips(project: Project) -> Project:
    return project.with_query("rome", "oslo").with_ini(
        toolmatch_teacher="anthropic:big",
        toolmatch_student="openai:small",
        toolmatch_samples=2,
        toolmatch_prices=["anthropic:big = 1000/1000", "openai:small = 1/1"],
        toolmatch_gates=["chain_match >= 0.01"],
    )


@pytest.fixture(params=["python", "yaml"])
def both(request: pytest.FixtureRequest, trips: Project) -> Project:
    return trips.as_yaml() if request.param == "yaml" else trips.as_python()


def recorded(project: Project, model: str) -> Recording:
    path = project.pytester.path / f"fixtures/recordings/trips/{model.replace(':', '-')}.jsonl"
    return read_recording(path, model)


def ledgers(project: Project) -> list[Path]:
    return list((project.pytester.path / "fixtures/recordings/batches").glob("*"))


def test_four_runs_record_what_a_replay_then_judges(teacher: Anthropic, student: OpenAI, both: Project) -> None:
    note = "batches: 2 under way (8 requests for 8 samples); run the same command again to collect them"
    first = both.record("--toolmatch-batch", "-rs")
    assert (first.exit, first.outcomes) == (0, {"skipped": 2})
    assert WAITING in first.text
    assert note in first.text
    second = both.record("--toolmatch-batch")
    assert (second.exit, second.outcomes) == (0, {"skipped": 2})
    assert note in second.text
    assert (len(teacher.batches), len(student.batches)) == (1, 1)
    teacher.finish()
    student.finish()
    third = both.record("--toolmatch-batch")
    assert (third.exit, third.outcomes) == (0, {"skipped": 2})
    assert (len(teacher.asked), len(student.asked)) == (8, 8)
    teacher.finish()
    student.finish()
    fourth = both.record("--toolmatch-batch", "--toolmatch-report=report.json")
    assert (fourth.exit, fourth.outcomes) == (0, {"passed": 2})
    assert "under way" not in fourth.text
    assert fourth.report["spent"]["samples"] == 8
    assert ledgers(both) == []
    teacher.server.stop()
    student.server.stop()
    replay = both.run()
    assert (replay.exit, replay.outcomes) == (0, {"passed": 2})
    samples = [one.sample for one in recorded(both, "anthropic:big").by_key.values()]
    assert [one.cost for one in samples] == pytest.approx([2 * COST_OF_TURN] * 4)
    assert {one.latency for one in samples} == {None}


def test_gates_of_what_is_not_all_there_do_not_fail(teacher: Anthropic, student: OpenAI, trips: Project) -> None:
    project = trips.with_ini(toolmatch_gates=["chain_match < 0.5"]).as_yaml()
    project.record("--toolmatch-batch", "-k", "rome")
    project.record("--toolmatch-batch")
    for service in (teacher, student):
        service.batches[f"{service.PREFIX}0"].ended = True
    project.record("--toolmatch-batch")
    for service in (teacher, student):
        service.batches[f"{service.PREFIX}2"].ended = True
    run = project.record("--toolmatch-batch", "--toolmatch-report=report.json")
    assert (run.exit, run.outcomes) == (0, {"passed": 1, "skipped": 1})
    assert run.report["suites"]["trips"]["terms"]["partial"]
    assert "batches: 2 under way (4 requests for 4 samples)" in run.text


def test_errors_are_asked_again(teacher: Anthropic, student: OpenAI, trips: Project) -> None:
    project = trips.as_yaml()
    project.record("--toolmatch-batch")
    teacher.reply = lambda body: Failed(529, "Overloaded") if "rome" in str(body["messages"]) else claude(body)
    for _ in range(2):
        teacher.finish()
        student.finish()
        run = project.record("--toolmatch-batch")
    assert "batches: 2 requests came back without an answer, to be asked again" in run.text
    teacher.reply = claude
    for _ in range(2):
        teacher.finish()
        run = project.record("--toolmatch-batch")
    assert (run.exit, run.outcomes) == (0, {"passed": 2})


def test_a_killed_run_has_sent_its_batch_once(teacher: Anthropic, student: OpenAI, trips: Project) -> None:
    project = trips.as_yaml()
    arrived = threading.Event()
    teacher.lose = Answer(fault="hang")
    new, teacher.new = teacher.new, lambda *given: (new(*given), arrived.set())[0]  # type: ignore[method-assign]
    project.write()
    command = [sys.executable, "-m", "pytest", "--toolmatch-mode=record", "--toolmatch-batch", "-p", "no:cacheprovider"]
    with subprocess.Popen(command, cwd=project.pytester.path, stdout=subprocess.DEVNULL) as process:
        try:
            assert arrived.wait(60)
        finally:  # it would wait for its answer for ever
            os.kill(process.pid, signal.SIGKILL)
    teacher.lose = None
    for _ in range(3):
        teacher.finish()
        student.finish()
        run = project.record("--toolmatch-batch")
    assert (run.exit, run.outcomes) == (0, {"passed": 2})
    assert len(teacher.asked) == 8


def test_teacher_forced_draws_go_out_when_the_teacher_is_known(
    teacher: Anthropic, student: OpenAI, trips: Project
) -> None:
    project = trips.as_yaml(mode="next_step")
    for sent in (0, 0, 8):
        run = project.record("--toolmatch-batch")
        assert run.outcomes == {"skipped": 2}
        assert len(student.asked) == sent
        teacher.finish()
    student.finish()
    run = project.record("--toolmatch-batch")
    assert (run.exit, run.outcomes) == (0, {"passed": 2})


def test_a_bare_query_of_a_test_is_sent_for_both_models(teacher: Anthropic, student: OpenAI, trips: Project) -> None:
    project = trips.as_python("\ndef test_bare(toolmatch):\n    assert toolmatch('bern')\n")
    run = project.record("--toolmatch-batch")
    assert (run.exit, run.outcomes) == (0, {"skipped": 1})
    assert (len(teacher.asked), len(student.asked)) == (2, 2)


def test_a_local_student_is_asked_at_once(teacher: Anthropic, trips: Project, served: Any) -> None:
    server = served({"small": {"*": "search(to='FCO')"}})
    project = trips.with_ini(toolmatch_student=f"local:small@{server.url}").as_yaml()
    run = project.record("--toolmatch-batch")
    assert run.outcomes == {"skipped": 2}
    assert server.draws("small") == 4
    assert len(teacher.asked) == 4
    assert len(recorded(project, "local:small").by_key) == 4


def test_a_stopped_run_sends_nothing(teacher: Anthropic, student: OpenAI, trips: Project) -> None:
    run = trips.as_python(
        "\ndef test_it(toolmatch, query):\n    pass\n\ndef test_no():\n    pytest.exit('enough', 7)\n"
    )
    assert run.record("--toolmatch-batch").exit == 7
    assert (teacher.asked, student.asked) == ([], [])


def test_a_batch_that_is_not_taken_is_an_error(teacher: Anthropic, student: OpenAI, trips: Project) -> None:
    teacher.refuse = Answer({"error": {"message": "sk-secret-123456 is wrong"}}, status=401)
    run = trips.as_yaml().record("--toolmatch-batch")
    assert run.exit == 4
    assert "4 requests were not sent: anthropic:big: HTTP 401: the key is not accepted" in run.text
    assert "sk-secret" not in run.text
    assert len(student.asked) == 4


@pytest.mark.parametrize("mode", ["replay", "refresh", "live"])
def test_batches_go_with_recording_only(trips: Project, mode: str) -> None:
    refusal = trips.as_yaml().record("--toolmatch-batch", mode=mode).refusal
    assert refusal.startswith("--toolmatch-batch goes with --toolmatch-mode=record")


def test_a_budget_can_not_be_held(trips: Project) -> None:
    refusal = trips.as_yaml().record("--toolmatch-batch", "--toolmatch-budget=5usd").refusal
    assert "what a batch costs is known when it comes back" in refusal


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:xdist -p no:rerunfailures -p no:anyio")


@pytest.mark.usefixtures("quick")
def test_the_command_runs_until_nothing_is_under_way(
    teacher: Anthropic, trips: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher.reply = lambda _: message(text("Done."))
    monkeypatch.chdir(trips.as_yaml().write())
    options = {"batch": True, "wait": True, "samples": 2, "student": "anthropic:big"}
    said = list(record(["."], **options, sleep=lambda _: teacher.finish()))  # type: ignore[arg-type]
    assert said == ["batches are under way: looking again in 5 s (Ctrl-C ends the waiting, not the batches)"]
    out = capfd.readouterr().out
    assert out.index("1 under way (4 requests for 4 samples)") < out.index("2 passed")
    assert len(recorded(trips, "anthropic:big").by_key) == 4


@pytest.mark.usefixtures("quick")
def test_pauses_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = (
        "import pytest, pathlib\ndef test_it():\n    pytest.exit('', 0 if pathlib.Path('end').exists() else 75)\n"
    )
    (tmp_path / "test_it.py").write_text(stopping)
    monkeypatch.chdir(tmp_path)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            (tmp_path / "end").touch()

    list(record(["test_it.py"], teacher="big", student="small", sleep=sleep))
    assert pauses == [5, 10]


def test_the_command_passes_the_status_on(trips: Project, capfd: pytest.CaptureFixture[str]) -> None:
    trips.with_file("test_it.py", "def test_it():\n    assert not 1\n").write()
    with pytest.raises(SystemExit) as ended:
        main(["record", "test_it.py", "--teacher=big", "--student=small"])
    assert ended.value.code == 1
    assert "toolmatch: teacher big, student small, record" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"), [(["--wait"], "--wait goes with --batch"), (["--batch", "--refresh"], "--batch goes without")]
)
def test_options_that_do_not_go_together(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", *options]) == 4
    assert said in capsys.readouterr().err
