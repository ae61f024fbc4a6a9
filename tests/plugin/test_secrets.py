"""No secret is shown or recorded: not of the environment, of headers, of addresses, nor what a server echoes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.servers.loopback import Answer, Received
from tests.servers.scripted import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.plugin.conftest import Project
    from tests.servers.scripted import Scripted

pytestmark = pytest.mark.usefixtures("impatient")

ROME = "search(to='FCO')"
LOCAL, HEADER, PASSWORD = "tm-local-4f7a91c2", "header-83bd02aa", "hunter2-55ac17"
BASIC = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
ANTHROPIC, OPENAI, GEMINI = "sk-ant-api03-77aa66bb55", "sk-proj-11223344aabb", "AIzaSyA-99887766554433"
CARRIERS = ("authorization", "x-api-key", "x-goog-api-key", "x-mine")
SECRETS = (LOCAL, HEADER, PASSWORD, BASIC, ANTHROPIC, OPENAI, GEMINI)
MODELS = {
    "local": "local:small@URL",
    "address": "local:small@ADDRESS",
    "anthropic": "anthropic:claude-sonnet-4-5",
    "openai": "openai:gpt-5-mini",
    "google": "google:gemini-2.5-flash",
}


def echo(status: int) -> Callable[[int, Received], Answer | None]:
    """Fail all but the first case, saying every header that came."""

    def answer(_: int, received: Received) -> Answer | None:
        if read(received).query == "fine" or read(received).model == "big":
            return None
        told = [received.headers.get(name, "-").rpartition(" ")[2] for name in CARRIERS]
        password = PASSWORD if received.headers.get("authorization", "").startswith("Basic ") else "-"
        said = f"not with {told} and {password} at {received.path}?{received.query}: {received.headers}"
        return Answer({"error": {"message": said, "type": "x", "code": status}}, status)

    return answer


def shown_in(path: Path, *texts: str) -> set[str]:
    """Return which secrets stand in the texts or in any file that a run has written."""
    written = [one.read_text() for one in path.rglob("*") if one.suffix in (".json", ".jsonl", ".xml", ".refreshed")]
    return {secret for secret in SECRETS for text in (*texts, *written) if secret in text}


@pytest.mark.parametrize("status", [401, 400, 500])
@pytest.mark.parametrize("model", MODELS)
def test_no_secret_is_shown_or_recorded(
    project: Project,
    served: Callable[..., Scripted],
    monkeypatch: pytest.MonkeyPatch,
    *,
    model: str,
    status: int,
) -> None:
    name = MODELS[model].partition(":")[2].partition("@")[0]
    server = served({"big": {"*": ROME}, name: {"*": ROME}}, fault=echo(status))
    for variable, value in (
        ("TOOLMATCH_LOCAL_API_KEY", LOCAL),
        ("ANTHROPIC_API_KEY", ANTHROPIC),
        ("OPENAI_API_KEY", OPENAI),
        ("GEMINI_API_KEY", GEMINI),
        ("ANTHROPIC_BASE_URL", server.url),
        ("OPENAI_BASE_URL", f"{server.url}/v1"),
        ("GOOGLE_GEMINI_BASE_URL", server.url),
    ):
        monkeypatch.setenv(variable, value)
    if model == "address":
        monkeypatch.delenv("TOOLMATCH_LOCAL_API_KEY")
    address = server.url.replace("http://", f"http://me:{PASSWORD}@")
    student = MODELS[model].replace("URL", server.url).replace("ADDRESS", address)
    settings = [] if model == "google" else [f'extra_headers = {{"x-mine": "{HEADER}"}}']
    tests = """
def test_trips(toolmatch, query, pytestconfig):
    verdict = toolmatch(query)
    assert verdict.chain_match > 2
"""
    project = project.with_query("fine", "lost", "too").served_at(server.url)
    project = project.with_ini(toolmatch_student=student, toolmatch_student_settings=settings).as_python(tests)
    flags = [
        "--toolmatch-report=report.json",
        "--junit-xml=junit.xml",
        "-vv",
        "-l",
        "-ra",
        f"--toolmatch-student={student}",
    ]
    run = project.record(*flags)
    assert run.exit == 1
    assert run.outcomes["errors"] >= 1  # they were not sampled
    assert ("failed" in run.outcomes) == (status != 401)  # nor was any other without the right key
    assert shown_in(run.path, run.text) == set()
    refreshed = project.record(*flags, mode="refresh")
    assert shown_in(run.path, refreshed.text) == set()
    assert f"HTTP {status}" in refreshed.text


def test_the_secrets_were_sent(project: Project, served: Callable[..., Scripted]) -> None:
    server = served({"big": {"*": ROME}})
    address = server.url.replace("http://", f"http://me:{PASSWORD}@")
    project = project.with_query("fine").served_at(address).as_yaml()
    project = project.with_ini(toolmatch_student=f"local:big@{address}")
    assert project.record().outcomes == {"passed": 1}
    assert {one.headers["authorization"] for one in server.requests} == {f"Basic {BASIC}"}


def test_an_address_with_a_password_that_is_wrong_is_not_shown(project: Project) -> None:
    project = project.with_query("fine").served_at(f"http://me:{PASSWORD}@127.0.0.1:9").as_yaml()
    run = project.record("-vv")
    assert run.outcomes == {"errors": 1}
    assert "can't be reached" in run.text
    assert shown_in(run.path, run.text) == set()
    wrong = project.with_ini(toolmatch_student=f"local:small@http://me:{PASSWORD}@:99999/").record()
    assert wrong.exit == 4
    assert shown_in(run.path, wrong.text) == set()
