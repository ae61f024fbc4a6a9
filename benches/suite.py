"""A made-up suite on disk, recordings and all: in YAML, in Python, and as many tests that do nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

from made import OTHER, SAME, TOOLS, calls

from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.sample import Sample, SampleRole, Usage
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.sampling.recordings import Record, encode, recording_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from made import Calls

    from pytest_toolmatch.core.case import Case

CASES, DRAWS = 1000, 8

FILES = {
    "pytest.ini": "[pytest]\ntoolmatch_teacher = teacher\ntoolmatch_student = student\n",
    "yaml/made.toolmatch.yaml": "tools: ../tools.json\ndivergence: xfail\ngates: [chain_match >= 0.5]\ncases:\n",
    "python/test_made.py": """\
import json, pathlib, pytest
from pytest_toolmatch import queries
pytestmark = pytest.mark.toolmatch(divergence="xfail", gates=["chain_match >= 0.5"])
query = queries("made.jsonl")

@pytest.fixture(scope="module")
def tools():
    return json.loads((pathlib.Path(__file__).parent.parent / "tools.json").read_text())

def test_made(toolmatch, query):
    assert toolmatch(query)
""",
    "python/made.jsonl": "",
    "empty/test_empty.py": f"""\
import pytest

@pytest.mark.parametrize("number", range({CASES}))
def test_empty(number):
    pass
""",
    "fixtures/test_fixtures.py": f"""\
import pytest
CASES = [f"case-{{number}}" for number in range({CASES})]

@pytest.fixture(params=CASES)
def query(request):
    return request.param

@pytest.fixture(scope="module")
def tools():
    return []

@pytest.fixture(scope="module")
def toolmatch(tools):
    return lambda query: True

def test_made(toolmatch, query):
    if query.endswith(("00", "17", "35", "52", "71", "93")):
        pytest.xfail("as many as in the suite")
    assert toolmatch(query)
""",
    "one/test_one.py": "def test_one():\n    pass\n",
    "tools.json": json.dumps(TOOLS),
}


def samples(role: SampleRole, case: str, draws: int, said: Calls, dice: random.Random) -> Iterator[Sample]:
    """Yield the same in other words, rarely something else; students find one case in twenty hard."""
    wrong = 0.6 if role == "student" and dice.random() < 0.05 else 0.02
    for draw in range(draws):
        change = dice.choice(OTHER if dice.random() < wrong else SAME)
        steps = [[call | {"arguments": change(call["arguments"])}] for call in said]
        usage, latency = Usage(input=900, output=80), dice.uniform(0.2, 2)
        yield Sample(
            case=case,
            role=role,
            draw=draw,
            outcome="called",
            chain=chain_of(steps),
            usage=usage,
            latency=latency,
        )


def record(path: Path, role: SampleRole, cases: Sequence[Case], draws: int) -> None:
    """Write a model's recording of the cases; both roles are asked the same and mean the same."""
    suite, dice, noise = Suite(name="made", tools=tools_from_json(TOOLS)), random.Random(1), random.Random(role)  # noqa: S311
    plan = Plan(suite, Model(name=path.stem))
    records = [
        Record(key=plan.key(case, role, sample.draw), model=path.stem, sample=sample)
        for case in cases
        for sample in samples(role, case.id, draws, calls(dice), noise)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(records))


def made_cases() -> list[Case]:
    """Return the cases of the suite."""
    return [case_of_query(f"Order kettle number {number}, please.", id=f"case-{number}") for number in range(CASES)]


def generate(root: Path) -> None:
    """Write the suite in all its forms, and the recordings of its two models."""
    cases = made_cases()
    asked = [{"id": case.id, "query": case.query} for case in cases]
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        more = {".yaml": "".join(f"  - id: {one['id']}\n    query: {one['query']}\n" for one in asked)}
        more[".jsonl"] = "".join(json.dumps(one) + "\n" for one in asked)
        (root / name).write_text(text + more.get(Path(name).suffix, ""))
    for role in ("teacher", "student"):
        record(recording_path(root / "fixtures/recordings/made", role), role, cases, DRAWS)
