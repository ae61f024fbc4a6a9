"""Writes the recordings of the scripted models: ``python -m suites.scripted.record``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.sampling.recordings import Record, encode, recording_path
from pytest_toolmatch.suites.cases import read_cases
from pytest_toolmatch.suites.yaml_file import read_suite

from .models import scripted_models, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .models import ScriptedModel

SUITES = Path(__file__).parent.parent
RECORDINGS = SUITES.parent / "fixtures" / "recordings"
DRAWS = {"teacher": 8, "student": 20}
"""A student costs little, and single cases are decided on its samples."""


def example_suites() -> tuple[Suite, Suite]:
    """Return the two example suites: the one in Python and the one in YAML."""
    module = importlib.import_module("suites.flights.test_flights")
    flights = Suite(
        name="flights",
        cases=read_cases(SUITES / "flights" / "flights.jsonl"),
        tools=tuple(module.TOOLS),
        instructions=module.INSTRUCTIONS,
        gates=tuple(module.GATES),
    )
    return flights, read_suite(SUITES / "support" / "support.toolmatch.yaml")


def recordings() -> Iterator[tuple[Path, bytes]]:
    """Yield the path and the content of every recording."""
    for suite in example_suites():
        for model in scripted_models(suite.name):
            yield recording_path(RECORDINGS / suite.name, model.name), encode(_records(suite, model))


def _records(suite: Suite, model: ScriptedModel) -> Iterator[Record]:
    plan = Plan(suite, Model(name=model.name))
    for case in suite.cases:
        for draw in range(DRAWS[model.role]):
            sample = model(case, draw, seeded(suite.name, model.name, case.id, draw))
            yield Record(key=plan.key(case, sample.role, draw), model=model.name, sample=sample)


def main() -> None:
    """Write all recordings anew."""
    for path, content in recordings():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
