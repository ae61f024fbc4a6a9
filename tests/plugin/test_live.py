"""Runs that call models: what is in flight at once, who is called, what is shown of it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pyte
import pytest

from tests.servers.loopback import Answer, Received
from tests.servers.scripted import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project
    from tests.servers.scripted import Scripted

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"
TABLE = {"big": {"*": ROME}, "small": {"*": ROME}}


def two_suites(project: Project) -> Project:
    keys = {"tools": "tools.json", "cases": [{"id": name, "query": name} for name in ("cid", "dan")]}
    return project.with_query("ann", "bob").as_yaml().with_file("more.toolmatch.yaml", json.dumps(keys))


# What is in flight.


def test_all_draws_of_both_models_and_all_suites_are_in_flight_at_once(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE, delay=0.15)
    assert two_suites(project).served_at(server.url, 3).record().outcomes == {"passed": 4}
    assert server.most_in_flight == 2 * 4 * 3


def test_a_python_suite_is_in_flight_from_its_first_set_up(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE, delay=0.15)
    project = project.with_query("a", "b", "c").as_python().served_at(server.url, 3)
    assert project.record().outcomes == {"passed": 3}
    assert server.most_in_flight == 2 * 3 * 3


def test_of_one_model_no_more_are_in_flight_than_was_said(project: Project, served: Callable[..., Scripted]) -> None:
    servers = [served(TABLE, delay=0.02), served(TABLE, delay=0.02)]
    project = two_suites(project).served_at(servers[0].url, 3)
    project = project.with_ini(toolmatch_student=f"local:small@{servers[1].url}", toolmatch_concurrency=5)
    assert project.record("--toolmatch-concurrency=3").outcomes == {"passed": 4}
    assert [server.most_in_flight for server in servers] == [3, 3]
    assert project.record("--toolmatch-mode=refresh").outcomes == {"passed": 4}
    assert [server.most_in_flight for server in servers] == [5, 5]


def test_only_what_is_selected_is_called_for(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    project = two_suites(project).served_at(server.url)
    assert project.record("-k", "ann or cid").outcomes == {"passed": 2, "deselected": 2}
    assert {one.query for one in server.asked} == {"ann", "cid"}
    project.record("--collect-only")
    project.record("--setup-plan")
    assert {one.query for one in server.asked} == {"ann", "cid"}


def test_what_a_mark_skips_is_not_waited_for(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    tests = """
@pytest.mark.skip(reason="later")
def test_trips(toolmatch, query):
    assert toolmatch(query)
"""
    assert project.with_query("a").as_python(tests).served_at(server.url).record().outcomes == {"skipped": 1}
    assert server.requests == []


# Who is called.

CLIENT = """
import json
from pathlib import Path
import pytest
from pytest_toolmatch import Model, queries

@pytest.fixture(scope="module")
def tools():
    return json.loads(Path(__file__).with_name("tools.json").read_text())

query = queries("trips.jsonl")

def test_trips(toolmatch, query):
    assert toolmatch(query)
"""
CLIENTS = {
    "openai": """
@pytest.fixture(scope="module")
def student():
    import openai
    client = openai.AsyncOpenAI(api_key="sk-0", base_url={url!r} + "/v1")
    return Model(provider="openai", name="gpt-5-mini", client=client)
""",
    "openai-sync": """
@pytest.fixture(scope="module")
def student():
    import openai
    return Model(provider="openai", name="gpt-5-mini", client=openai.OpenAI(api_key="sk-0", base_url={url!r} + "/v1"))
""",
    "anthropic": """
@pytest.fixture(scope="module")
def student():
    import anthropic
    client = anthropic.AsyncAnthropic(api_key="sk-0", base_url={url!r})
    return Model(provider="anthropic", name="claude-sonnet-4-5", client=client)
""",
    "google": """
@pytest.fixture(scope="module")
def student():
    import httpx2
    from google import genai
    options = genai.types.HttpOptions(base_url={url!r}, httpx_async_client=httpx2.AsyncClient())
    return Model(provider="google", name="gemini-3-flash", client=genai.Client(api_key="0", http_options=options))
""",
}
NAMES = {
    "openai": "openai:gpt-5-mini",
    "openai-sync": "openai:gpt-5-mini",
    "anthropic": "anthropic:claude-sonnet-4-5",
    "google": "google:gemini-3-flash",
}


@pytest.mark.parametrize("sdk", CLIENTS)
def test_a_fixture_gives_a_model_with_a_client_of_its_own(
    project: Project, served: Callable[..., Scripted], sdk: str
) -> None:
    name = NAMES[sdk].partition(":")[2]
    server = served({"big": {"*": f"{ROME} > book(id=7)"}, name: {"*": f"{ROME} > book(id=7)"}})
    project = project.with_query("rome").as_python("", CLIENT + CLIENTS[sdk].format(url=server.url))
    project = project.served_at(server.url).with_ini(toolmatch_student=None)
    run = project.record_apart("--toolmatch-report=report.json", "-vv")  # whose loop ends with its clients
    assert run.outcomes == {"passed": 1}
    assert server.draws(name) == 2
    assert run.report["student"] == NAMES[sdk]
    assert f"local:big → {NAMES[sdk]}" in run.text
    kept = project.pytester.path / "fixtures/recordings/trips" / f"{NAMES[sdk].replace(':', '-')}.jsonl"
    assert len(kept.read_text().splitlines()) == 2
    server.stop()
    assert project.run().outcomes == {"passed": 1}


AGENTS = {
    "async": "async def agent(request):\n    return [[{'name': 'search', 'arguments': {'to': 'FCO'}}]]",
    "sync": "def agent(request):\n    return [[{'name': 'search', 'arguments': {'to': 'FCO'}}]]",
}


@pytest.mark.parametrize("how", AGENTS)
def test_a_fixture_gives_a_function_that_is_the_model(
    project: Project, served: Callable[..., Scripted], how: str
) -> None:
    server = served(TABLE)
    fixture = "\n@pytest.fixture(scope='module')\ndef student():\n    return agent\n"
    project = project.with_query("rome").as_python("", f"{CLIENT}\n{AGENTS[how]}\n{fixture}").served_at(server.url)
    run = project.record("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 1}
    assert (server.draws("big"), server.draws("small")) == (2, 0)
    assert run.report["student"] == "python:test_trips:agent"
    assert project.run().outcomes == {"passed": 1}


BLOCKING = """
import threading
together = threading.Barrier(12, timeout=10)

def agent(request):
    together.wait()
    return []

@pytest.fixture(scope='module')
def student():
    return agent
"""


def test_functions_that_block_do_not_wait_for_each_other(project: Project, served: Callable[..., Scripted]) -> None:
    server = served({"big": {"*": ""}})
    project = project.with_query("a", "b", "c").as_python("", f"{CLIENT}{BLOCKING}").served_at(server.url, 4)
    assert project.record().outcomes == {"passed": 3}


def test_a_function_beside_the_suite_is_named_by_its_module(
    project: Project, served: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = served(TABLE)
    monkeypatch.setattr(sys, "path", sys.path[:])
    project = project.with_query("rome").as_yaml().with_file("mine.py", AGENTS["async"]).served_at(server.url)
    project = project.with_ini(toolmatch_student="python:mine:agent")
    assert project.record().outcomes == {"passed": 1}
    assert project.run().outcomes == {"passed": 1}


# What it cost.

GATES = ["cost <= 0.01", "latency_p95 <= 60", "retries <= 2", "argument_validity >= 0", "tokens < 1000"]


@pytest.mark.parametrize(
    ("model", "variable", "address"),
    [
        ("anthropic:claude-sonnet-4-5", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
        ("openai:gpt-5-mini", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
        ("google:gemini-2.5-flash", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    ],
    ids=["anthropic", "openai", "google"],
)
def test_a_priced_model_s_cost_is_reported(
    project: Project,
    served: Callable[..., Scripted],
    monkeypatch: pytest.MonkeyPatch,
    *,
    model: str,
    variable: str,
    address: str,
) -> None:
    server = served(TABLE | {model.partition(":")[2]: {"*": ROME}})
    monkeypatch.setenv(variable, "sk-test-key")
    monkeypatch.setenv(address, f"{server.url}/v1" if model.startswith("openai") else server.url)
    project = project.with_query("rome", "oslo").as_yaml(gates=GATES).served_at(server.url)
    run = project.with_ini(toolmatch_student=model).record(
        "--toolmatch-report=report.json", "--junit-xml=junit.xml", "-v"
    )
    assert run.outcomes["passed"] == 2
    spent, metrics = run.report["spent"], run.report["suites"]["trips"]["metrics"]
    assert spent["cost"] > 0
    assert metrics["cost"]["value"] == pytest.approx(spent["cost"] / 4)
    assert f"{spent['cost']:.4g} USD" in run.text
    assert metrics["tokens"]["value"] > 0
    assert metrics["latency_p95"]["value"] > 0
    assert metrics["retries"]["value"] == 0
    named = {one.get("name"): one.get("value") for one in run.junit.iter("property")}
    assert named.keys() >= {f"toolmatch.{metric}" for metric in ("cost", "tokens", "latency", "retries")}
    assert {gate["expression"] for gate in run.report["suites"]["trips"]["gates"]} == set(GATES)
    assert all(gate["value"] is not None for gate in run.report["suites"]["trips"]["gates"])


def test_a_price_of_one_s_own_counts(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml(gates=["cost < 0.0001"]).served_at(server.url)
    run = project.with_ini(toolmatch_prices=["local:small = 1/2"]).record("--toolmatch-report=report.json")
    # Two calls a sample, of 120 tokens in and 30 out.
    assert run.report["suites"]["trips"]["metrics"]["cost"]["value"] == pytest.approx(2 * (120 + 2 * 30) / 1e6)
    assert run.report["spent"]["cost"] == pytest.approx(2 * 2 * (120 + 2 * 30) / 1e6)
    assert run.report["suites"]["trips"]["gates"][0]["state"] == "fails"
    assert run.exit == 1
    assert "1 gate failed" in run.last_line


# What is shown while it runs.


def on_a_terminal(project: Project, *args: str) -> str:
    """Run pytest in a process of its own on a pseudo-terminal; return what it wrote there."""
    path = project.write()
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "pytest", "--toolmatch-mode=record", *args]
    with subprocess.Popen(command, cwd=path, stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        written = b""
        while True:
            try:
                part = os.read(leader, 1 << 16)
            except OSError:  # nobody has the other end any more
                break
            if not part:
                break
            written += part
    os.close(leader)
    assert process.returncode == 0, written.decode()
    return written.decode()


def screen(text: str, height: int = 24) -> str:
    """Return what a terminal of so many lines has shown in the end, with what has been scrolled away."""
    display = pyte.HistoryScreen(120, height, history=1000)
    pyte.Stream(display).feed(text)
    gone = ["".join(line[column].data for column in range(120)) for line in display.history.top]
    return "\n".join(line.rstrip() + " " for line in [*gone, *display.display])


@pytest.mark.parametrize("flags", [(), ("-v",)], ids=["dots", "names"])
def test_a_terminal_shows_how_far_it_has_come(
    project: Project, served: Callable[..., Scripted], flags: tuple[str, ...]
) -> None:
    server = served(TABLE, delay=0.3)
    text = on_a_terminal(project.with_query("rome", "oslo").as_yaml().served_at(server.url), *flags)
    assert "toolmatch: 0 of 8 samples, local:big 4 to come, local:small 4 to come, " in text
    shown = screen(text)
    assert "to come" not in shown
    name = "trips.toolmatch.yaml"
    lines = [f"{name}::rome PASSED", f"{name}::oslo PASSED"] if flags else [f"{name} .."]
    for line in lines:
        assert f"\n{line} " in shown, shown
    assert "2 passed" in shown


def test_a_terminal_that_scrolls_keeps_its_lines(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE, delay=0.25)
    text = on_a_terminal(project.with_query("rome", "oslo").as_yaml().served_at(server.url))
    assert "to come" in text
    assert "\ntrips.toolmatch.yaml .." in screen(text, height=5)


def test_where_nothing_can_be_written_over_a_short_wait_is_silent(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE, delay=0.25)
    run = project.with_query("rome").as_yaml().served_at(server.url).record()
    assert "to come" not in run.text
    assert "\r" not in run.text


def test_where_nothing_can_be_written_over_a_long_wait_says_that_it_lives(
    project: Project, served: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_toolmatch.plugin.ticker._QUIET", 0.2)
    server = served(TABLE, delay=0.3)
    run = project.with_query("rome").as_yaml().served_at(server.url).record()
    assert "\ntoolmatch: 0 of 4 samples, local:big 2 to come, local:small 2 to come, " in run.text
    assert "to come" not in project.record("-q", mode="refresh").text


def test_where_nothing_can_be_written_over_a_long_pause_is_said_once(
    project: Project, served: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_toolmatch.plugin.ticker._LONG", 0.01)
    late = Answer(b"{}", 429, {"Retry-After": "0.5"})
    server = served(TABLE, fault=lambda number, _: late if number < 1 else None)
    run = project.with_query("rome").as_yaml().served_at(server.url).record()
    assert run.outcomes == {"passed": 1}
    assert run.text.count(" asks to wait; it is asked again in ") == 1


# A run that is stopped.


def begun(project: Project, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "--toolmatch-mode=record", *args]
    return subprocess.Popen(command, cwd=project.write(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kept(project: Project) -> int:
    """How many samples are recorded by now."""
    directory = project.pytester.path / "fixtures/recordings/trips"
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("*.jsonl"))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# The first cases hang, so that the run is stopped while it waits, and not inside another plugin's hook.
def hanging(_: int, received: Received) -> Answer | None:
    return Answer(fault="hang") if read(received).query in "abcd" else None


@pytest.mark.parametrize("kind", ["python", "yaml"])
def test_ctrl_c_ends_at_once_and_keeps_what_was_drawn(
    project: Project, served: Callable[..., Scripted], kind: str
) -> None:
    server = served(TABLE, fault=hanging)
    project = project.with_query(*"abcdefgh").served_at(server.url, 3)
    project = project.as_yaml() if kind == "yaml" else project.as_python()
    process = begun(project, "--toolmatch-report=report.json")
    until(lambda: kept(project) == 24 and server.in_flight == 24)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=20)
    took = time.monotonic() - start
    assert process.returncode == 2, text
    assert "Traceback" not in text
    assert took < 10  # the calls would hang for ever
    assert "interrupted" in text
    assert [len(project.recording(model).by_key) for model in ("big", "small")] == [12, 12]
    assert "24 samples drawn in 72 calls" in text
    again = served(TABLE)
    assert project.served_at(again.url, 3).record().outcomes == {"passed": 8}
    assert again.draws("big") + again.draws("small") == 24


def test_a_refresh_that_is_stopped_keeps_the_old_and_the_new(project: Project, served: Callable[..., Scripted]) -> None:
    first, server = served(TABLE), served({"big": {"*": ROME}, "small": {"*": OSLO}}, fault=hanging)
    project = project.with_query("a", "e").as_yaml()
    project.served_at(first.url, 3).record()
    process = begun(project.served_at(server.url, 3), "--toolmatch-mode=refresh")
    aside = project.recording("small").path.with_name("local-small.jsonl.refreshed")
    until(lambda: aside.exists() and aside.read_bytes().count(b"\n") == 3 and server.in_flight == 6)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=20)
    assert process.returncode == 2, text
    assert not aside.exists()
    chains = {
        case: {one.sample.chain[0][0].arguments["to"] for one in draws}
        for case, draws in project.recording("small").by_case.items()
    }
    assert chains == {"a": {"FCO"}, "e": {"OSL"}}
    assert project.served_at(first.url, 3).run().outcomes == {"failed": 1, "passed": 1}


def test_a_function_that_blocks_does_not_keep_a_stopped_run_from_ending(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE)
    agent = "import pathlib, time\n\ndef agent(request):\n    pathlib.Path('called').touch()\n    time.sleep(60)\n"
    project = project.with_query("a").as_yaml().with_file("mine.py", agent).served_at(server.url)
    process = begun(project.with_ini(toolmatch_student="python:mine:agent"))
    until((project.pytester.path / "called").exists)
    until(lambda: kept(project) == 2)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=10)
    assert process.returncode == 2, text


def test_a_run_that_ends_at_its_first_failure_waits_for_nobody(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served({"big": {"*": ROME}, "small": {"*": OSLO}}, fault=hanging)
    project = project.with_query("e", "f", "a").as_yaml().served_at(server.url, 4)
    start = time.monotonic()
    assert project.record("-x").outcomes == {"failed": 1}
    assert time.monotonic() - start < 5
    assert kept(project) >= 8


def test_a_killed_run_loses_what_was_in_flight_and_no_more(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE, fault=hanging)
    project = project.with_query(*"abcdefgh").as_yaml().served_at(server.url, 3)
    process = begun(project)
    until(lambda: kept(project) == 24 and server.in_flight == 24)
    process.kill()
    process.communicate()
    path = project.recording("small").path
    path.write_bytes(path.read_bytes() + b'{"v":1,"key":"cut')  # what it was writing
    again = served(TABLE)
    project = project.served_at(again.url, 3).with_ini(filterwarnings=["default"])
    run = project.record()
    assert run.outcomes["passed"] == 8
    assert again.draws("big") + again.draws("small") == 24
    assert project.with_ini(filterwarnings=["error"]).run().outcomes == {"passed": 8}


def test_two_runs_that_record_one_suite_lose_no_line_and_double_none(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE, delay=0.02)
    project = project.with_query(*"abcdefgh").as_yaml().served_at(server.url, 4)
    processes = [begun(project, "--toolmatch-concurrency=4"), begun(project, "--toolmatch-concurrency=4")]
    for process in processes:
        text, _ = process.communicate(timeout=60)
        assert process.returncode == 0, text
    for model in ("big", "small"):
        recording = project.recording(model)
        lines = recording.path.read_text().splitlines()
        assert len(lines) == len(recording.by_key) == 32
    before = len(server.requests)
    assert project.record().outcomes == {"passed": 8}
    assert len(server.requests) == before


def test_nothing_runs_on_when_the_run_is_over(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    before = set(threading.enumerate())
    project.with_query("rome").as_yaml().served_at(server.url).record()
    assert {one.name for one in set(threading.enumerate()) - before if one.name.startswith("toolmatch")} == set()


def test_a_usage_error_after_collection_leaves_nothing_running(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url)
    run = project.with_ini(toolmatch_student="local:small").record()
    assert "local:small: it has no address: say where it is served, for example local:small@http://" in run.refusal
    assert not [one for one in threading.enumerate() if one.name.startswith("toolmatch")]


# Workers of pytest-xdist.


@pytest.mark.parametrize("how", ["option", "addopts", "tx"])
def test_workers_are_one_clear_usage_error(project: Project, served: Callable[..., Scripted], how: str) -> None:
    pytest.importorskip("xdist")
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url)
    flags = {"option": ["-n", "2"], "addopts": [], "tx": ["--dist", "load", "--tx", "2*popen"]}[how]
    if how == "addopts":
        project = project.with_ini(addopts=["-n", "2"])
    path = project.write()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--toolmatch-mode=record", *flags],
        cwd=path,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("ERROR: ")]
    (error,) = errors
    assert error.startswith("ERROR: --toolmatch-mode=record runs in one process, which has all calls in flight")
    assert error.endswith(": leave pytest-xdist out with -n 0")
    assert run.returncode == 4
    assert server.requests == []
