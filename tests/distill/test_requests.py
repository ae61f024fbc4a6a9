from __future__ import annotations

import datetime as dt
import importlib.util
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.distill.examples import KINDS, Example
from pytest_toolmatch.distill.generator.dice import Dice
from pytest_toolmatch.distill.generator.vocabulary import vocabulary
from pytest_toolmatch.distill.generator.world import World
from pytest_toolmatch.distill.requests import demo_requests
from pytest_toolmatch.distill.requests.slots import Slots
from tests.distill.evidence import without_evidence

ROOT = Path(__file__).parents[2]
DATA = ROOT / "pytest_toolmatch" / "distill" / "requests" / "data"


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return demo_requests()


def queries() -> list[str]:
    """Return all that users say in the demo suites."""
    cases = [json.loads(line) for line in (ROOT / "suites/flights/flights.jsonl").read_text().splitlines()]
    cases += yaml.safe_load((ROOT / "suites/support/support.toolmatch.yaml").read_text())["cases"]
    talks = [case.get("conversation") or [{"role": "user", "content": case["query"]}] for case in cases]
    return [message["content"] for talk in talks for message in talk if message["role"] == "user"]


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def test_there_are_thousands_of_many_phrasings(examples: list[Example]) -> None:
    groups = {one.group for one in examples}
    assert len(examples) >= 3000
    assert len(groups) >= 400
    assert Counter(group.split(":")[0] for group in groups).keys() == {"flights", "support"}


def test_none_is_a_case_of_the_suites(examples: list[Example]) -> None:
    theirs = [words(query) for query in queries()]
    near = []
    for text in {message.content for one in examples for message in one.conversation if message.role == "user"}:
        ours = words(text)
        near += [(text, max(map(len, (ours, one)))) for one in theirs if len(ours & one) >= 0.8 * len(ours | one)]
    assert near == []


def test_every_call_satisfies_its_schema(examples: list[Example]) -> None:
    for example in examples:
        validator = ArgumentValidator(example.tools)
        assert [validator.problem(call) for call in example.calls if not validator.valid(call)] == [], example


def test_every_value_is_shown_by_the_conversation(examples: list[Example]) -> None:
    documented = {("max_stops", 0)}  # nonstop is no stop
    lacking = [found for one in examples for found in without_evidence(one) if found not in documented]
    assert lacking == []


def test_every_tool_is_called_and_every_kind_occurs(examples: list[Example]) -> None:
    offered = {tool.name for one in examples for tool in one.tools}
    assert {call.name for one in examples for call in one.calls} == offered
    assert {one.kind for one in examples} == set(KINDS)
    assert all(bool(one.calls) is (one.kind not in ("done", "no_call", "missing")) for one in examples)


def shown(name: str) -> Any:
    return json.loads((DATA / f"{name}.tools.json").read_text())


def test_the_tools_are_those_of_the_suites() -> None:
    support = json.loads((ROOT / "suites/support/support.tools.json").read_text())
    assert [one["function"] | {"strict": None} for one in support] == [
        one | {"strict": None} for one in shown("support")
    ]
    spec = importlib.util.spec_from_file_location("flights_suite", ROOT / "suites/flights/test_flights.py")
    assert spec
    assert spec.loader
    suite = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suite)
    assert [tool.shown() for tool in suite.TOOLS] == shown("flights")


def test_the_requests_are_the_same_each_time(examples: list[Example]) -> None:
    assert demo_requests() == examples
    assert len(demo_requests(times=1)) < len(examples) / 3


def test_a_second_date_is_found_even_after_the_last_day_there_is() -> None:
    world = World(Dice("any"), vocabulary(False))
    world.today = dt.date(2027, 3, 1)
    slots = Slots(world)
    slots.said["date"] = ("the last day", "2999-12-31")
    assert slots.get("date2")[1] < "2999"
