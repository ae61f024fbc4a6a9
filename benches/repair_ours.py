"""``toolmatch repair`` in ``repair.py``: the suite as files, the command's own function, and what it hands back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import yaml
from repair_runs import Course, Point, Trial, told_of_prompt

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.suites.cases import form_of_tool
from pytest_toolmatch.suites.yaml_file import read_suite

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from repair_students import Student

METHOD = "toolmatch repair"


def write(student: Student, directory: Path, train: Collection[str] | None = None) -> Path:
    """Write a student's suite, and return its path; ``train`` are the ids of the training cases, all if there are none.

    Validation and test cases are always the same: so that a choice of training cases can be compared with another.
    """
    left_out = set() if train is None else student.parts_by_id["train"] - set(train)
    split = msgspec.to_builtins(student.split)
    form = {
        "instructions": student.own["instructions"],
        "tools": [form_of_tool(tool) for tool in student.tools],
        "replies": {tool.name: tool.reply for tool in student.tools},
        "split": {"seed": 0, "test": 0.4, "validation": 0.2} | split,
        "cases": [{"id": one.id, "query": one.query} for one in student.cases if one.id not in left_out],
    }
    path = directory / f"{student.name}.toolmatch.yaml"
    path.write_text(yaml.safe_dump(form, sort_keys=False, allow_unicode=True))
    return path


def repaired(
    trial: Trial, phases: Sequence[str] = ("gepa",), train: Collection[str] | None = None, concurrency: int = 50
) -> Course:
    """Repair a student's suite; nothing but the models, the budget, the seed and what is in flight is set."""
    from pytest_toolmatch.repair.options import RepairOptions  # noqa: PLC0415 - a peer can be measured without it
    from pytest_toolmatch.repair.repairing import repair  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as kept:
        path = write(trial.student, Path(kept), train)
        out = Path(kept) / "out"
        options = RepairOptions(
            **{role: f"local:{trial.model(role)}@{trial.url}" for role in ("teacher", "student")},
            reflect_with=f"local:{trial.model('reflector')}@{trial.url}",
            rollouts=trial.budget,
            phases=tuple(phases),
            seed=trial.seed,
            concurrency=concurrency,
            recordings=Path(kept) / "recordings",
        )
        try:
            lines = list(repair([path], out, options))
        except ConfigError as error:  # a budget that is too small for one iteration is refused
            lines = [str(error)]
        written = sorted(out.glob("*.toolmatch.yaml")) if out.exists() else []
        found = told_of_prompt(trial.student, read_suite(written[0]).student) if written else trial.student.start
    points = (Point(0, trial.student.start), Point(trial.rollouts, found))
    return Course(points, trial.reflections, trial.rollouts, accepted=bool(written), lines=tuple(lines))
