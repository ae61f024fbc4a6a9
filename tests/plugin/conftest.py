"""A project with us installed: its files and scripted recordings in, a pytest run, what it came to out."""

from __future__ import annotations

import contextlib
import functools
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import aiohttp
import anthropic
import genai_prices.data_snapshot
import hypothesis
import jsonschema_rs
import openai
import pytest
import tabulate
from google import genai

from pytest_toolmatch import live
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Outcome, Sample, SampleRole
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.plugin import hooks, outcome, queries, sampling
from pytest_toolmatch.pocket import draws
from pytest_toolmatch.providers import anthropic_messages, google_genai, local, openai_chat, pocket, python_callable
from pytest_toolmatch.sampling import mcp
from pytest_toolmatch.sampling.recordings import Record, Recording, encode, read_recording
from pytest_toolmatch.sampling.retrying import Retries
from pytest_toolmatch.sampling.sampler import Sampler
from pytest_toolmatch.suites import yaml_file
from tests.servers.scripted import Scripted as Server
from tests.servers.scripted import chain_of_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PRELOADED = (
    *(aiohttp, anthropic, genai, genai_prices.data_snapshot, hypothesis, jsonschema_rs, openai, tabulate),
    *(hooks, outcome, queries, sampling, yaml_file, mcp),
    *(anthropic_messages, google_genai, local, openai_chat, pocket, draws, python_callable),
)
"""Runs in this process forget what they import; what is here already is not imported again for each of them."""

TOOLS = [
    {
        "name": "search",
        "description": "Find flights.",
        "parameters": {
            "type": "object",
            "properties": {"to": {"type": "string"}, "seats": {"type": "integer", "default": 1}},
            "required": ["to"],
        },
    },
    {
        "name": "book",
        "description": "Book a flight.",
        "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
    },
]
INI = {"strict": True, "filterwarnings": ["error"], "toolmatch_teacher": "big", "toolmatch_student": "small"}
HEAD = """
import json
from pathlib import Path
import pytest
from pytest_toolmatch import queries

@pytest.fixture(scope="module")
def tools():
    return json.loads(Path(__file__).with_name("tools.json").read_text())

query = queries("trips.jsonl")
"""
ASSERTED = """
def test_trips(toolmatch, query):
    assert toolmatch(query)
"""


@dataclass(frozen=True)
class Scripted:
    """One case and the answers of both models: calls as text, ``""`` for none, ``!reason`` for infrastructure."""

    id: str
    query: str
    teacher: Sequence[str]
    student: Sequence[str]
    tags: Sequence[str] = ()

    def records(self, role: SampleRole, model: str) -> list[Record]:
        answers = self.teacher if role == "teacher" else self.student
        return [self._record(role, model, draw, answer) for draw, answer in enumerate(answers)]

    def _record(self, role: SampleRole, model: str, draw: int, answer: str) -> Record:
        tools = tools_from_json(TOOLS)
        key = Request(role=role, model=model, conversation=user(self.query), tools=tools, draw=draw).key
        failed = answer.startswith("!")
        chain = () if failed else chain_of_text(answer)
        outcome: Outcome = "infrastructure" if failed else "called" if chain else "answered"
        sample = Sample(
            case=self.id,
            role=role,
            draw=draw,
            outcome=outcome,
            chain=chain,
            latency=None if failed else 0.25 * (draw + 1),
            error=answer[1:] if failed else "",
        )
        return Record(key=key, model=model, sample=sample)

    @property
    def form(self) -> dict[str, Any]:
        return {"id": self.id, "query": self.query, "tags": list(self.tags)}


@dataclass(frozen=True)
class Ran:
    """What a run came to. That it shows nothing of our insides is checked for every run."""

    result: pytest.RunResult
    path: Path

    def __post_init__(self) -> None:
        for word in ("Traceback (most", "INTERNALERROR", "pytest_toolmatch/", "During handling"):
            assert word not in self.text, self.text

    @property
    def text(self) -> str:
        return f"{self.result.stdout.str()}\n{self.result.stderr.str()}"

    @property
    def exit(self) -> int:
        return int(self.result.ret)

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(self.result.parseoutcomes())

    @property
    def last_line(self) -> str:
        return self.result.outlines[-1].strip("= ")

    @property
    def refusal(self) -> str:
        """The one line that a usage error is; nothing else went wrong and nothing ran."""
        lines = [line for line in self.text.splitlines() if line.startswith("ERROR: ")]
        assert self.exit == pytest.ExitCode.USAGE_ERROR, self.text
        assert len(lines) == 1, self.text
        assert " passed" not in self.text
        return lines[0].removeprefix("ERROR: ")

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.path / "report.json").read_text()))

    @property
    def junit(self) -> ET.Element:
        return ET.parse(self.path / "junit.xml").getroot()  # noqa: S314 - pytest's own file


@dataclass(frozen=True)
class Project:
    """Files, cases with scripted answers, and settings; every ``with_`` returns another project."""

    pytester: pytest.Pytester
    files: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Scripted, ...] = ()
    ini: Mapping[str, Any] = field(default_factory=lambda: INI)
    name: str = "trips"

    def with_file(self, path: str, content: str) -> Project:
        return replace(self, files={**self.files, path: content})

    def with_ini(self, **settings: Any) -> Project:
        """Change settings of ``[tool.pytest]``; None removes one."""
        merged = {**self.ini, **settings}
        return replace(self, ini={name: value for name, value in merged.items() if value is not None})

    def with_case(
        self, name: str, teacher: Sequence[str], student: Sequence[str], *, query: str = "", tags: Sequence[str] = ()
    ) -> Project:
        made = Scripted(name, query or f"To {name}, please.", teacher, student, tags)
        return replace(self, cases=(*self.cases, made))

    def with_query(self, *names: str) -> Project:
        """Add cases whose answers are not scripted here: models are called for them."""
        return replace(self, cases=(*self.cases, *(Scripted(name, name, (), ()) for name in names)))

    def served_at(self, url: str, samples: int | None = 2) -> Project:
        """Let both models be those of a server."""
        models = {
            f"toolmatch_{role}": f"local:{name}@{url}" for role, name in (("teacher", "big"), ("student", "small"))
        }
        return self.with_ini(**models, toolmatch_samples=samples)

    def as_yaml(self, **keys: Any) -> Project:
        """Make the cases a suite file; JSON is YAML."""
        suite = {"tools": "tools.json", "cases": [case.form for case in self.cases], **keys}
        return self.with_file(f"{self.name}.toolmatch.yaml", json.dumps(suite, indent=1, ensure_ascii=False))

    def as_python(self, tests: str = ASSERTED, head: str = HEAD) -> Project:
        """Make the cases a test module: ``head`` with its fixtures, then the tests."""
        lines = "".join(json.dumps(case.form) + "\n" for case in self.cases)
        return self.with_file(f"{self.name}.jsonl", lines).with_file(f"test_{self.name}.py", head + tests)

    def write(self) -> Path:
        """Write everything; recordings are as scripted unless the files say otherwise."""
        recordings = f"fixtures/recordings/{self.name}"
        files: dict[str, str | bytes] = {
            "tools.json": json.dumps(TOOLS),
            "pyproject.toml": "[tool.pytest]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in self.ini.items()),
        }
        if any((*case.teacher, *case.student) for case in self.cases):
            files[f"{recordings}/big.jsonl"] = encode(r for case in self.cases for r in case.records("teacher", "big"))
            files[f"{recordings}/small.jsonl"] = encode(
                r for case in self.cases for r in case.records("student", "small")
            )
        for name, content in {**files, **self.files}.items():
            path = self.pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.pytester.path

    def run(self, *args: str, toolmatch: bool = True) -> Ran:
        """Run pytest in this process; ``toolmatch=False`` leaves the flag out."""
        path = self.write()
        return Ran(self.pytester.runpytest_inprocess(*(["--toolmatch"] if toolmatch else []), *args), path)

    def record(self, *args: str, mode: str = "record") -> Ran:
        """Run pytest in this process, calling models."""
        return self.run(f"--toolmatch-mode={mode}", *args, toolmatch=False)

    def recording(self, model: str, name: str = "") -> Recording:
        """Return what is recorded of a local model."""
        path = self.pytester.path / f"fixtures/recordings/{name or self.name}/local-{model}.jsonl"
        return read_recording(path, f"local:{model}")

    def run_apart(self, *args: str) -> Ran:
        """Run pytest in a process of its own: for pytest-xdist and for signals."""
        path = self.write()
        return Ran(self.pytester.runpytest_subprocess("--toolmatch", *args), path)

    def record_apart(self, *args: str) -> Ran:
        """Run pytest in a process of its own, calling models."""
        return self.run_apart("--toolmatch-mode=record", *args)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # processes of their own start faster
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)


@pytest.fixture
def served() -> Iterator[Callable[..., Server]]:
    """A maker of servers with scripted models; they end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda table, **how: stack.enter_context(Server(table, **how))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs in this process wait for next to nothing between attempts."""
    quick = Retries(first_wait=0.002, longest_wait=0.01, longest_pause=0.1, patience=0.2, probe_every=0.05)
    monkeypatch.setattr(live, "Sampler", functools.partial(Sampler, retries=quick))
