"""Whatever goes wrong with a model, its server, the disk or the settings: what the user sees, and what it costs."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import anthropic, chat, google
from tests.servers.loopback import Answer, Received
from tests.servers.scripted import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.plugin.conftest import Project
    from tests.servers.scripted import Scripted

pytestmark = pytest.mark.usefixtures("impatient")

ROME = "search(to='FCO')"
TABLE = {"big": {"*": ROME}, "small": {"*": ROME}}
DRAWS = 6


def failed(status: int, message: str = "no luck", **headers: str) -> Answer:
    return Answer(chat.failure(message), status, {name.replace("_", "-"): value for name, value in headers.items()})


def student(project: Project, url: str, **keys: Any) -> Project:
    """Three cases, whose teacher is recorded; each asks the student at the address for two samples."""
    for name in "abc":
        project = project.with_case(name, [ROME] * 2, [])
    return project.as_yaml(**keys).with_ini(toolmatch_student=f"local:small@{url}", toolmatch_samples=2)


# Faults of the service.


@dataclass(frozen=True)
class Row:
    """A fault: what is answered instead to the first ``times`` requests, and what comes of it."""

    answer: Answer
    says: str = ""
    times: int = 10**6
    outcomes: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    keys: Mapping[str, Any] = field(default_factory=dict)


EVERY = {"errors": 3}
ONE = {"errors": 1, "skipped": 2}
FINE = {"passed": 3}
BODY = chat.completion(None, chat.tool_call("search", {"to": "FCO"}))
WHERE = "local:small at http://127.0.0.1:PORT/v1/chat/completions: "


def useless(answer: Answer, says: str) -> Row:
    """Return the row of a fault that only the user can mend: one error a suite."""
    return Row(answer, says, outcomes=ONE, lost=DRAWS)


def lasting(answer: Answer, says: str, **keys: Any) -> Row:
    """Return the row of a fault that might have passed, and did not: every case is an error."""
    return Row(answer, says, outcomes=EVERY, lost=DRAWS, keys=keys)


def passing(answer: Answer, times: int = 4, **keys: Any) -> Row:
    """Return the row of a fault that passes: nobody sees anything of it."""
    return Row(answer, times=times, outcomes=FINE, keys=keys)


SERVICE = {
    "wrong key": useless(failed(401), f"{WHERE}HTTP 401: the key is not accepted: check it. no luck"),
    "no right": useless(failed(403), "HTTP 403: the key has no access to this"),
    "no money": useless(failed(402), "HTTP 402: payment is due"),
    "no quota": useless(failed(429, "insufficient_quota"), "the account has no credit left"),
    "unknown model": useless(failed(404), "HTTP 404: there is no such model at this address: check its name"),
    "sent elsewhere": useless(failed(302, location="http://elsewhere/"), "does not answer but sends elsewhere"),
    "every request rejected": Row(
        failed(400, "no tools here"),
        f"every request is rejected: {WHERE}HTTP 400: no tools here",
        outcomes={"errors": 2, "skipped": 1},  # two cases may be wrong each; the third says that it is the model
        lost=DRAWS,
    ),
    "too many requests, then fine": passing(failed(429, retry_after="0.05")),
    "overloaded, then fine": passing(failed(529)),
    "broken, then fine": passing(failed(500)),
    "broken for good": lasting(
        failed(500, "no memory"),
        f"a: no valid sample of the student: 2 × infrastructure ({WHERE}HTTP 500: no memory)",
    ),
    "slow": passing(Answer(BODY, delay=0.1), times=2),
    "hanging": lasting(Answer(fault="hang"), "did not answer in time: raise `timeout`, or ask less", timeout=0.05),
    "hanging, then fine": passing(Answer(fault="hang"), times=3, timeout=0.3),
    "reset": lasting(Answer(fault="reset"), "broke the connection off: "),
    "reset, then fine": passing(Answer(fault="reset")),
    "half a body": lasting(Answer(BODY, fault="half"), "broke the connection off: "),
    "half a body, then fine": passing(Answer(BODY, fault="half")),
    "garbage": lasting(Answer(b"\xff\x00what?"), "application/json, 7 bytes: "),
    "a page": lasting(
        Answer(b"<html>Hi</html>", headers={"Content-Type": "text/html"}), "text/html, 15 bytes: '<html>Hi</html>'"
    ),
    "a stream that does not end": lasting(Answer(b"x" * 5000), "is it a stream?"),
}


@pytest.mark.parametrize("fault", SERVICE)
def test_a_fault_of_the_service(
    project: Project,
    served: Callable[..., Scripted],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    row = SERVICE[fault]
    if "stream" in fault:
        monkeypatch.setattr("pytest_toolmatch.providers.local._LARGEST", 4000)
    server = served(TABLE, fault=lambda number, _: row.answer if number < row.times else None)
    project = student(project, server.url, **row.keys)
    run = project.record("--toolmatch-report=report.json")
    assert run.outcomes == dict(row.outcomes)
    assert run.exit == (0 if row.lost == 0 else 1)
    assert row.says.replace("PORT", server.url.rpartition(":")[2]) in " ".join(run.text.split())
    spent = run.report["spent"]
    assert (spent["samples"], spent["lost"]) == (DRAWS - row.lost, row.lost)
    assert ("6 samples lost; run again to draw what is missing" in run.text) == bool(row.lost)
    assert len(project.recording("small").by_key) == DRAWS - row.lost
    if row.lost:
        assert project.served_at(served(TABLE).url).with_ini(toolmatch_teacher="big").record().outcomes == FINE


SDKS = {
    "anthropic": ("anthropic:claude-sonnet-4-5", ["ANTHROPIC_API_KEY"], "ANTHROPIC_BASE_URL"),
    "openai": ("openai:gpt-5-mini", ["OPENAI_API_KEY"], "OPENAI_BASE_URL"),
    "google": ("google:gemini-2.5-flash", ["GEMINI_API_KEY", "GOOGLE_API_KEY"], "GOOGLE_GEMINI_BASE_URL"),
}
ERRORS: dict[str, Callable[[int, str], Answer]] = {
    "anthropic": lambda status, said: anthropic.fault(status, "api_error", said),
    "openai": failed,
    "google": google.error,
}


def by_sdk(project: Project, monkeypatch: pytest.MonkeyPatch, sdk: str, url: str) -> Project:
    model, variables, address = SDKS[sdk]
    monkeypatch.setenv(variables[0], "sk-test-0123456789")
    monkeypatch.setenv(address, f"{url}/v1" if sdk == "openai" else url)
    return student(project, url).with_ini(toolmatch_student=model)


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize(
    ("status", "says", "outcomes"),
    [
        (401, "HTTP 401: the key is not accepted: check it. no luck", ONE),
        (404, "HTTP 404: there is no such model at this address", ONE),
        (500, "HTTP 500: no luck", EVERY),
    ],
)
def test_a_fault_that_an_sdk_meets(
    project: Project,
    served: Callable[..., Scripted],
    monkeypatch: pytest.MonkeyPatch,
    *,
    sdk: str,
    status: int,
    says: str,
    outcomes: dict[str, int],
) -> None:
    server = served(TABLE, fault=lambda _number, _received: ERRORS[sdk](status, "no luck"))
    run = by_sdk(project, monkeypatch, sdk, server.url).record()
    assert run.outcomes == outcomes
    assert f"{SDKS[sdk][0]}: {says}" in " ".join(run.text.split())


@pytest.mark.parametrize("sdk", SDKS)
def test_without_a_key_nothing_is_asked(
    project: Project, served: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch, sdk: str
) -> None:
    server = served(TABLE)
    project = by_sdk(project, monkeypatch, sdk, server.url)
    for variable in SDKS[sdk][1]:
        monkeypatch.delenv(variable, raising=False)
    run = project.record()
    assert (run.exit, run.outcomes) == (1, ONE)
    assert f"{SDKS[sdk][0]}: there is no key: set {SDKS[sdk][1][0]}" in " ".join(run.text.split())
    assert server.requests == []


@pytest.mark.parametrize("role", ["teacher", "student"])
@pytest.mark.parametrize("keys", [{}, {"mode": "next_step"}], ids=["rollout", "next_step"])
def test_nothing_is_paid_where_the_other_model_can_not_be_opened(
    project: Project, served: Callable[..., Scripted], keys: dict[str, str], role: str
) -> None:
    server = served(TABLE)
    project = project.with_query("rome", "oslo").as_yaml(**keys).served_at(server.url, 2)
    run = project.with_ini(**{f"toolmatch_{role}": "python:nowhere:f"}).record(mode="live")
    assert (run.exit, run.outcomes) == (1, {"errors": 1, "skipped": 1})
    assert "python:nowhere:f: there is no module 'nowhere'" in " ".join(run.text.split())
    assert server.requests == []


def test_what_is_recorded_needs_no_model_that_can_be_opened(
    project: Project, served: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url, 2)
    project = project.with_ini(toolmatch_student="python:mine:f").with_file("mine.py", "def f(_): return 'yes'\n")
    assert project.record().outcomes == {"failed": 1}
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    project = project.with_file("mine.py", "").with_ini(toolmatch_student="python:mine:f", toolmatch_samples=2)
    assert project.record().outcomes == {"failed": 1}
    assert project.record("--toolmatch-samples=3").outcomes == {"errors": 1}
    assert server.draws("big") == 2


@pytest.mark.parametrize("sdk", SDKS)
def test_without_its_package_a_model_is_one_error(
    project: Project, served: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch, sdk: str
) -> None:
    server = served(TABLE)
    package = "google.genai" if sdk == "google" else sdk
    conftest = f"import sys\nsys.modules[{package!r}] = None\n"
    if sdk == "google":
        conftest += "import google\nif hasattr(google, 'genai'): del google.genai\n"
    run = by_sdk(project, monkeypatch, sdk, server.url).with_file("conftest.py", conftest).record_apart()
    assert (run.exit, run.outcomes) == (1, ONE)
    assert f"the package {package!r} is not installed: pip install 'pytest-toolmatch[{sdk}]'" in run.text


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_a_server_that_is_not_there_is_one_error_a_suite(project: Project) -> None:
    url = closed_port()
    project = student(project, url).with_ini(toolmatch_teacher=f"local:big@{url}")
    project = project.with_file("more.toolmatch.yaml", project.files["trips.toolmatch.yaml"])
    run = project.record("-rs", "--toolmatch-report=report.json")
    assert (run.exit, run.outcomes) == (1, {"errors": 2, "skipped": 4})
    assert f"local:big: {url}/v1/chat/completions can't be reached: " in run.text
    assert "not sampled: trips stopped at its first error" in run.text
    assert "not sampled: more stopped at its first error" in run.text
    assert "Connect call failed" in run.text
    assert run.report["spent"]["samples"] == 0


def test_a_python_suite_has_one_error_where_its_server_is_not_there(project: Project) -> None:
    project = project.with_query("a", "b", "c").as_python().served_at(closed_port())
    run = project.record()
    assert (run.exit, run.outcomes) == (1, ONE)
    assert "can't be reached: " in run.text


def test_a_server_that_dies_half_way_costs_only_what_was_in_flight(
    project: Project, served: Callable[..., Scripted]
) -> None:
    def dying(number: int, _: Received) -> Answer | None:
        if number == 7:
            threading.Thread(target=server.stop).start()
        return Answer(fault="hang") if number >= 7 else None

    server = served(TABLE, fault=dying)
    project = student(project, server.url).with_ini(toolmatch_concurrency=1)
    run = project.record("--toolmatch-report=report.json")
    assert (run.exit, run.outcomes) == (1, {"passed": 2, "errors": 1})
    kept = len(project.recording("small").by_key)
    assert kept == run.report["spent"]["samples"] == 3
    assert run.report["spent"]["lost"] == 3
    again = served(TABLE)
    assert project.with_ini(toolmatch_student=f"local:small@{again.url}").record().outcomes == FINE
    assert again.draws("small") == DRAWS - kept


def test_one_case_that_is_rejected_costs_no_other(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE, fault=lambda _, received: failed(400, "too long") if "b" in read(received).query else None)
    run = student(project, server.url).record()
    assert run.outcomes == {"passed": 2, "errors": 1}
    assert "b: no valid sample of the student: 2 × infrastructure" in run.text


# What the model does wrong is no fault of the service.


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (chat.tool_call("search", '{"to": '), "invalid"),
        (chat.tool_call("search", {"too": "FCO"}), "invalid"),
        (chat.tool_call("fly", {}), "invalid"),
        (chat.tool_call("search<|channel|>json", {}), "lost_by_server"),
    ],
    ids=["json", "schema", "unknown tool", "leaked"],
)
def test_calls_that_are_wrong_are_the_student_s(
    project: Project, served: Callable[..., Scripted], call: dict[str, Any], outcome: str
) -> None:
    server = served(TABLE, fault=lambda _number, _received: Answer(chat.completion(None, call)))
    project = student(project, server.url)
    run = project.record("--toolmatch-report=report.json")
    assert run.outcomes == {"failed": 3}
    assert run.report["suites"]["trips"]["cases"][0]["student_outcomes"] == {outcome: 2}
    assert f"unusable student samples, which match nothing: 6 {outcome}" in run.text
    assert run.report["spent"]["lost"] == 0
    server.stop()
    assert project.run().outcomes == {"failed": 3}


# The disk.


@pytest.mark.parametrize("mode", ["record", "refresh"])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_where_nothing_can_be_recorded_nothing_is_called(
    project: Project, served: Callable[..., Scripted], what: str, mode: str
) -> None:
    server = served(TABLE)
    project = student(project, server.url).with_ini(
        toolmatch_teacher=f"local:big@{server.url}", toolmatch_recordings="kept"
    )
    if what == "file":
        project = project.with_file("kept", "no directory")
    else:
        suffix = ".refreshed" if mode == "refresh" else ""
        project = project.with_file(f"kept/trips/local-small.jsonl{suffix}/x", "")
    run = project.record(mode=mode)
    assert run.refusal.startswith(("can't write ", "can't read "))
    assert f"{run.path}/kept/trips/local-" in run.refusal
    assert server.requests == []


def test_a_full_disk_stops_the_run(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    project = student(project, server.url)
    path = project.write()
    run = subprocess.run(
        [
            sys.executable,
            "-B",
            "-m",
            "pytest",
            "--toolmatch-mode=record",
            "--toolmatch-concurrency=1",
            "-pno:cacheprovider",
        ],
        cwd=path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert run.returncode == 1, run.stdout
    assert "1 passed, 1 skipped, 1 error" in run.stdout
    assert run.stdout.count("local-small.jsonl: File too large") == 1
    assert len(project.recording("small").by_key) == 2
    assert project.with_ini(toolmatch_student=f"local:small@{served(TABLE).url}").record().outcomes == FINE


# What is said wrongly.

WRONG = {
    "no value": (
        {"toolmatch_student_settings": ["temperature"]},
        "toolmatch_student_settings: 'temperature' is no KEY = VALUE line; write, for example, temperature = 0.7",
    ),
    "no such rate": (
        {"toolmatch_rates": ["local:small = fast"]},
        "toolmatch_rates: local:small = fast: write requests or tokens per minute, or both, as in 50 rpm, 100000 tpm",
    ),
    "no rate at all": (
        {"toolmatch_rates": ["local:small = 0 rpm"]},
        "toolmatch_rates: local:small = 0 rpm: write requests or tokens per minute",
    ),
    "no such price": (
        {"toolmatch_prices": ["local:small = cheap"]},
        "price of 'local:small': 'cheap' is no price; write USD per million tokens as INPUT/OUTPUT",
    ),
    "no such budget": (
        {"toolmatch_budget": "5 euros"},
        "budget '5 euros': write US dollars (5, 2.50usd), calls (1000calls), or both with a comma",
    ),
    "no concurrency": ({"toolmatch_concurrency": 0}, "toolmatch_concurrency is 0: at least 1 request"),
    "no such key": ({"toolmatch_bugdet": "5"}, "unknown option 'toolmatch_bugdet'; did you mean 'toolmatch_budget'?"),
    "no address": ({"toolmatch_student": "local:small"}, "local:small: it has no address: say where it is served"),
    "no such provider": (
        {"toolmatch_student": "antropic:claude-sonnet-4-5"},
        "did you mean 'anthropic:claude-sonnet-4-5'?",
    ),
    "no function": ({"toolmatch_student": "python:mine"}, "a function is written python:module:function"),
    "more than one answer": (
        {"toolmatch_student_settings": ["n = 3"]},
        "settings.n: an answer is read whole, and one at a time: leave it out",
    ),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("kind", ["python", "yaml"])
def test_what_is_said_wrongly_is_one_line(
    project: Project, served: Callable[..., Scripted], what: str, kind: str
) -> None:
    server = served(TABLE)
    said, refusal = WRONG[what]
    project = project.with_query("rome").served_at(server.url).with_ini(**said)
    run = (project.as_yaml() if kind == "yaml" else project.as_python()).record()
    assert refusal in run.refusal
    assert server.requests == []


def test_a_mode_that_is_misspelt_is_one_line(project: Project) -> None:
    run = student(project, "http://127.0.0.1:1").record(mode="recrod")
    assert run.refusal == "--toolmatch-mode=recrod: choose from replay, record, refresh, live; did you mean 'record'?"
