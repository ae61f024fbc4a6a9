"""A student that is told other words than its teacher: by a suite file, by a mark, and what the summary says of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project
    from tests.servers.scripted import Scripted as Server

ROME = "search(to='FCO')"
STUDENT = {
    "instructions": "Use IATA codes.",
    "tools": {"search": {"parameters": {"to": "An IATA code."}}},
    "examples": [
        {
            "conversation": [{"role": "user", "content": "rome"}, {"role": "assistant", "content": "Found."}],
            "case": "rome",
        }
    ],
}
MARK = "pytestmark = pytest.mark.toolmatch(student={})\n"
ASSERTED = """
def test_trips(toolmatch, query):
    assert toolmatch(query)
"""


def asked(server: Server, model: str) -> list[list[Any]]:
    """Return, of each first request to a model, its messages' texts and what a parameter is described by."""
    sent = [one.json for one in server.requests]
    return sorted(
        [
            *(message["content"] for message in one["messages"]),
            one["tools"][0]["function"]["parameters"]["properties"]["to"].get("description", ""),
        ]
        for one in sent
        if one["model"] == model and one["messages"][-1]["role"] == "user"
    )


@pytest.mark.parametrize("form", ["suite file", "mapping", "file"])
def test_the_student_alone_is_told_other_words(project: Project, served: Callable[..., Server], form: str) -> None:
    server = served({"big": {"*": ROME}, "small": {"*": ROME}})
    trips = project.with_query("rome", "oslo").served_at(server.url, samples=1)
    if form == "suite file":
        trips = trips.as_yaml(student=STUDENT)
    else:
        named = "'own.student.yaml'" if form == "file" else repr(STUDENT)
        trips = trips.as_python(MARK.format(named) + ASSERTED)
        trips = trips.with_file("own.student.yaml", json.dumps({"student": STUDENT}))
    run = trips.record("--toolmatch-report=report.json")
    assert run.exit == 0
    assert "\nstudent: told own instructions, 1 description, 1 example\n" in run.text
    assert run.report["suites"]["trips"]["terms"]["told"] == "own instructions, 1 description, 1 example"
    assert asked(server, "big") == [["oslo", ""], ["rome", ""]]
    assert asked(server, "small") == [
        ["Use IATA codes.", "rome", "An IATA code."],  # not its own answer
        ["Use IATA codes.", "rome", "Found.", "oslo", "An IATA code."],
    ]
    assert trips.run().exit == 0


def test_one_that_is_told_the_same_is_not_spoken_of(project: Project) -> None:
    assert "student: told" not in project.with_case("rome", [ROME] * 2, [ROME] * 2).as_yaml().run().text


@pytest.mark.parametrize(
    ("given", "content", "message"),
    [
        ("'none.yaml'", "", "mark toolmatch: student names .*none.yaml, and there is no such file"),
        ("'own.student.yaml'", "student: {tols: {}}\n", "own.student.yaml:1: unknown key 'tols'; did you mean 'tools'"),
        ("'own.student.yaml'", "x: 1\nstudent: {}\n", "own.student.yaml:1: unknown key 'x'"),
        ("'own.student.yaml'", "- a\n", "own.student.yaml:1: Expected `object`, got `array`"),
        ("{'instruction': 'a'}", "", "mark toolmatch: unknown key 'instruction'; did you mean 'instructions'"),
        ("3", "", "mark toolmatch: Expected `object . null`, got `int`"),
    ],
)
def test_what_is_wrong_with_it_is_said_in_one_line(project: Project, given: str, content: str, message: str) -> None:
    trips = project.with_case("rome", [ROME] * 2, [ROME] * 2).as_python(MARK.format(given) + ASSERTED)
    run = trips.with_file("own.student.yaml", content).run()
    assert re.search(message, run.refusal)


def test_a_tool_that_there_is_not_is_an_error_at_set_up(project: Project) -> None:
    mark = MARK.format("{'tools': {'serch': {}}}")
    run = project.with_case("rome", [ROME] * 2, [ROME] * 2).as_python(mark + ASSERTED).run()
    assert run.outcomes == {"errors": 1}  # only a fixture tells which tools there are
    assert "test_trips.py: student: no tool is named 'serch'; did you mean 'search'?" in run.text
