from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.core.chain import Call, names_of
from pytest_toolmatch.suites.importers.assemble import assemble
from tests.suites.importers.writing import Logs


def step(action: str | None, given: Any, raw: str = "") -> dict[str, Any]:
    return {"action": action, "action_input": given, "raw_response": raw, "observation": "seen"}


def task(*runs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"task_id": "q7", "question": "Who was first?", "model": "small-1", "runs": list(runs)} | fields


def run(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"run_id": "r", "steps": list(steps), "final_answer": "Ada", "error": None} | fields


def test_every_step_is_one_call(logs: Logs) -> None:
    times = {"start_time": "2026-01-05T10:00:00", "end_time": "2026-01-05T10:00:02.5"}
    steps = [step("Search", {"query": "first"}), step("Finish", '{"answer": "Ada"}')]
    path = logs.packed("a.jsonl.gz", task(run(*steps, **times), run(step("Search", "free text"))))
    first, second = logs.read("react").runs
    assert first.chain == ((Call("Search", {"query": "first"}),), (Call("Finish", {"answer": "Ada"}),))
    assert (first.case.id, first.case.query, first.model) == ("q7", "Who was first?", "small-1")
    assert (first.text, first.latency, first.source) == ("Ada", 2.5, f"{path}:1")
    assert second.chain == ((Call("Search", "free text"),),)
    assert [found.model for found in logs.read("react", f"mine={path}").runs] == ["mine", "mine"]


RAW = 'Thought: look\nAction: Search\nAction Input: {"query": "x"}\nObservation: invented'


@pytest.mark.parametrize(("raw", "names"), [(RAW, ["Search"]), ("Thought: nothing to do", [])])
def test_a_step_that_was_not_parsed_is_read_from_its_text(logs: Logs, raw: str, names: list[str]) -> None:
    logs.lines("a.jsonl", task(run(step("", None, raw))))
    [found] = logs.read("react").runs
    assert names_of(found.chain) == names
    assert not found.chain or found.chain[0][0].arguments == {"query": "x"}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "called"),
        ("Reached maximum steps (15) without finishing", "truncated"),
        ("Invalid action '' at step 4", "invalid"),
        ("LLM call failed at step 7: 429", "infrastructure"),
    ],
)
def test_an_error_decides_the_outcome_and_keeps_the_chain(logs: Logs, error: str | None, outcome: str) -> None:
    logs.lines("a.jsonl", task(run(step("Search", {}), error=error)))
    [found] = logs.read("react").runs
    assert (found.outcome, found.error, names_of(found.chain)) == (outcome, error or "", ["Search"])


def test_without_a_task_id_the_question_makes_the_id(logs: Logs) -> None:
    logs.lines("a.jsonl", task(run(start_time="soon", end_time="later"), task_id=None))
    [found] = logs.read("react").runs
    assert found.case.id.startswith("who-was-first")
    assert (found.outcome, found.latency) == ("answered", None)


def test_runs_of_other_tasks_and_runs_without_a_time_are_no_copies(logs: Logs) -> None:
    timed = {"run_id": "1", "start_time": "2026-01-05T10:00:00"}
    for number in (1, 2):
        logs.lines(
            f"{number}.jsonl",
            task(run(step("look", {}), **timed), task_id="t1"),
            task(run(step("book", {}), step("pay", {}), **timed), task_id="t2", question="Who was last?"),
            task(run(step("ask", {}), run_id="1"), task_id="t3", question="Who is next?"),
        )
    assembly = assemble("mine", logs.read("react").records)
    [suite] = assembly.suites
    assert [(sample.case, names_of(sample.chain)) for sample in suite.samples["small-1"]] == [
        ("t1", ["look"]),
        ("t2", ["book", "pay"]),
        ("t3", ["ask"]),
        ("t3", ["ask"]),
    ]
    assert assembly.counts["runs found twice"] == 2


def test_bad_input_is_named_and_the_rest_comes_through(logs: Logs) -> None:
    good = task(run(step("Search", {})))
    logs.lines("a.jsonl", {"question": "Q", "runs": [{"steps": 3}]}, good, broken=b'{"question": "Wh')
    logs.document("tools.json", [{"type": "function"}])
    logs.raw("z.jsonl.gz", b"\x1f\x8b\x08\x00broken")
    read = logs.read("react")
    assert [names_of(found.chain) for found in read.runs] == [["Search"]]
    found = [problem.removeprefix(f"{logs.folder}/").split(": ")[0] for problem in read.problems]
    assert found == ["a.jsonl:1", "a.jsonl:3", "tools.json:1", "z.jsonl.gz:1"]
