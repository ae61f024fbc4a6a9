"""The student and its teacher as programs of DSPy's: DSPy decides what is tried, and never speaks to a model itself.

Its adapters would drop the calls of demonstrations, and send no ``tools`` to a model they don't know. Here a *program*
is one predictor whose instructions and demonstrations make a candidate, and whose call is a rollout of our own; the
teacher's program repeats what is recorded. Written against DSPy 3.4; import it where it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dspy
import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.prompt import Example
    from pytest_toolmatch.repair.dspy_student import Student


class Rollout(dspy.Predict):
    """The student as a program: a call is a rollout under its instructions and demonstrations."""

    def __init__(self, student: Student) -> None:
        super().__init__(_signature(student.instructions))
        self.student = student

    def forward(self, *, case: str, query: str) -> dspy.Prediction:  # noqa: ARG002 - DSPy hands over all inputs
        """Return the score of one case."""
        candidate = self.student.candidate(self.signature.instructions, [one["case"] for one in self.demos])
        return dspy.Prediction(calls="", score=self.student.score(candidate, case))


class Recorded(dspy.Predict):
    """The teacher as a program: a call returns what is recorded."""

    def __init__(self, instructions: str, chains: dict[str, str]) -> None:
        super().__init__(_signature(instructions))
        self.chains = chains

    def forward(self, **inputs: str) -> dspy.Prediction:
        """Return the chain of one case, and leave the trace that demonstrations are made of."""
        told = dspy.Prediction(calls=self.chains.get(inputs["case"], ""), score=1.0)
        dspy.settings.trace.append((self, inputs, told))
        return told


def examples_of(cases: Sequence[Case], chains: dict[str, str]) -> list[dspy.Example]:
    """Return cases in DSPy's form."""
    made = [dspy.Example(case=case.id, query=case.query, calls=chains.get(case.id, "")) for case in cases]
    return [one.with_inputs("case", "query") for one in made]


def chain_text(example: Example) -> str:
    """Return the calls of an example as JSON, for a model to read."""
    calls = [{call.name: call.arguments} for message in example.conversation for call in message.calls]
    return msgspec.json.encode(calls).decode()


def _signature(instructions: str) -> Any:
    return dspy.Signature("query -> calls", instructions)
