"""ReAct traces: text with Thought, Action and Action Input, one JSON line per question with its runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.sample import Outcome, outcome_of
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.files import Document, documents, typed
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Source

NAME = "react"
SUMMARY = "ReAct text traces: JSON Lines of {task_id, question, model, runs: [{steps: [{action, action_input}]}]}"

_ACTION = re.compile(
    r"^\s*Action:\s*(?P<name>[^\n]+?)\s*\nAction Input:\s*(?P<input>.+?)\s*(?:\nObservation:|\Z)",
    re.MULTILINE | re.DOTALL,
)

_ERRORS: tuple[tuple[str, Outcome], ...] = (
    ("Reached maximum steps", "truncated"),
    ("Invalid action", "invalid"),
    ("", "infrastructure"),
)
"""Start of a failed run's error → what it says about the model; first match wins."""


class _Step(msgspec.Struct, frozen=True):
    action: str | None = None
    action_input: Any = None
    raw_response: str | None = None


class _Run(msgspec.Struct, frozen=True):
    steps: list[_Step]
    run_id: str | None = None
    final_answer: str | None = None
    error: str | None = None
    start_time: str | None = None
    end_time: str | None = None


class _Task(msgspec.Struct, frozen=True):
    question: str
    runs: list[_Run]
    task_id: str | int | None = None
    model: str | None = None


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield every run of every question; a run's chain has one call per step."""
    del options
    for item in documents(sources):
        if isinstance(item, Problem):
            yield item
            continue
        task = typed(item.data, _Task, item.where)
        yield from (task,) if isinstance(task, Problem) else _runs(task, item)


def _runs(task: _Task, item: Document) -> Iterator[Imported]:
    name = str(task.task_id) if task.task_id is not None else task.question
    case = Case(id=slug(name), conversation=user(task.question), where=item.where)
    for run in task.runs:
        chain: Chain = tuple((call,) for step in run.steps if (call := _call(step)))
        yield Imported(
            case=case,
            model=item.source.label or task.model or "unknown",
            outcome=_outcome(run, chain),
            chain=chain,
            text=run.final_answer or "",
            error=run.error or "",
            latency=_seconds(run),
            source=item.where,
            # Without a time a number is no name: every file counts its runs from one.
            identity=f"{case.id} {run.run_id} {run.start_time}" if run.run_id and run.start_time else "",
        )


def _call(step: _Step) -> Call | None:
    """Return the step's call, parsed from its text where the log did not."""
    if step.action:
        return Call(step.action, parsed(step.action_input))
    found = _ACTION.search(step.raw_response or "")
    return Call(found["name"], parsed(found["input"])) if found else None


def _outcome(run: _Run, chain: Chain) -> Outcome:
    if not run.error:
        return outcome_of(chain)
    return next(outcome for start, outcome in _ERRORS if run.error.startswith(start))


def _seconds(run: _Run) -> float | None:
    if not run.start_time or not run.end_time:
        return None
    try:
        return (datetime.fromisoformat(run.end_time) - datetime.fromisoformat(run.start_time)).total_seconds()
    except (ValueError, TypeError):  # no date, or one of the two with a time zone
        return None
