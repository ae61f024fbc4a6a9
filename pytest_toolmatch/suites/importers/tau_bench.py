"""τ-bench, first version: a list of ``{task_id, trial, reward, info, traj}`` with OpenAI chat messages.

The model is not in the file: it is the label, or the file's name up to a double underscore.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pytest_toolmatch.suites.importers.files import Document, documents, stem, typed
from pytest_toolmatch.suites.importers.source import Options, Problem, Record, Source
from pytest_toolmatch.suites.importers.tau import ChatMessage, Trajectory, runs

NAME = "tau-bench"
SUMMARY = "tau-bench results: a list of {task_id, trial, traj: [OpenAI chat messages]}; give LABEL=PATH for the model"


class _Task(msgspec.Struct, frozen=True):
    instruction: str | None = None


class _Info(msgspec.Struct, frozen=True):
    task: _Task | None = None
    error: Any = None


class _Run(msgspec.Struct, frozen=True):
    task_id: str | int
    traj: list[ChatMessage]
    info: _Info | None = None


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield every trial of every task."""
    del options
    yield from runs(_trajectories(sources))


def _trajectories(sources: Sequence[Source]) -> Iterator[Trajectory | Problem]:
    for item in documents(sources):
        yield from (item,) if isinstance(item, Problem) else of_list(item)


def of_list(item: Document) -> Iterator[Trajectory | Problem]:
    """Yield the runs of one results file; one that is malformed is reported and the others are kept."""
    entries = item.data if isinstance(item.data, list) else [item.data]
    for place, entry in enumerate(entries):
        run = typed(entry, _Run, f"{item.where} [{place}]")
        if isinstance(run, Problem):
            yield run
            continue
        task = run.info.task if run.info else None
        yield Trajectory(
            task=str(run.task_id),
            model=item.source.label or model_of_file(item),
            messages=run.traj,
            where=item.where,
            scenario=(task.instruction if task else None) or "",
            end="infrastructure_error" if run.info and run.info.error else "",
        )


def model_of_file(item: Document) -> str:
    """Return the model that a results file is named after: ``gpt-4o__run1.json`` is of ``gpt-4o``."""
    return stem(item.path).split("__")[0]
