"""One student, one optimiser, one run of ``repair.py``: what it is given, and what comes of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from repair_client import Steps, Wire
from repair_made import Known
from repair_students import Student, Told, chain_text

from pytest_toolmatch.core.prompt import Prompt, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TEACHER_DRAWS = 3


@dataclass(frozen=True)
class Trial:
    """A student on a server, under a name of its own, with a budget of rollouts."""

    url: str
    student: Student
    method: str
    budget: int
    seed: int = 0

    @property
    def run(self) -> str:
        """What the server counts it as."""
        method = "".join(letter if letter.isalnum() else "-" for letter in self.method)
        return f"{self.student.kind}/{self.student.number}/{method}-{self.budget}-{self.seed}"

    def model(self, role: str) -> str:
        """Return the name of a model of the run."""
        return f"{role}/{self.run}"

    @cached_property
    def wire(self) -> Wire:
        """The server."""
        return Wire(self.url)

    @property
    def rollouts(self) -> int:
        """The student's samples so far, those of the test part apart."""
        counts = self.wire.figures(self.run)
        return sum(int(counts.get(f"student {part}", 0)) for part in ("train", "validation"))

    @property
    def reflections(self) -> int:
        """How often the reflection model was asked."""
        return int(self.wire.figures(self.run).get("reflections", 0))

    @cached_property
    def tools(self) -> list[dict[str, Any]]:
        """The tools as they are sent."""
        return [{"type": "function", "function": tool.shown()} for tool in self.student.tools]

    @cached_property
    def replies(self) -> dict[str, Any]:
        """What the tools answer."""
        return {tool.name: tool.reply for tool in self.student.tools}

    def expected(self, known: Known) -> Steps:
        """Return the chain that most of the teacher's draws have."""
        draws = [chain_text(self.student.teach(known, run=self.run, draw=draw)) for draw in range(TEACHER_DRAWS)]
        return json.loads(Counter(draws).most_common(1)[0][0])

    def cases(self, part: str) -> list[dict[str, Any]]:
        """Return the cases of a part as plain data."""
        return [{"id": one.id, "query": one.query, "expected": self.expected(one)} for one in self.student.parts[part]]


@dataclass(frozen=True)
class Point:
    """What would be returned after so many rollouts."""

    rollouts: int
    told: Told


@dataclass(frozen=True)
class Course:
    """What an optimiser would return, from its start to its end, and what it took.

    ``accepted`` says whether it stands by its prompt, which those do always that prove nothing; ``lines`` are what it
    printed.
    """

    points: tuple[Point, ...]
    reflections: int = 0
    rollouts: int = 0
    accepted: bool = True
    lines: tuple[str, ...] = ()

    def at(self, rollouts: int) -> Told:
        """Return the prompt that it has after so many rollouts, the first one where it has none yet."""
        return next((p.told for p in reversed(self.points) if p.rollouts <= rollouts), self.points[0].told)


def told(student: Student, texts: Mapping[str, str], examples: Iterable[str] = ()) -> Told:
    """Return a candidate as a student is told it; examples are ids of cases that are shown with the right chain."""
    intents = {one.id: one.intent for one in student.cases}
    return Told(student.own | dict(texts), frozenset(intents[one] for one in examples))


def told_of_prompt(student: Student, prompt: Prompt | None) -> Told:
    """Return a suite's ``student`` block as the student is told it."""
    prompt = prompt or Prompt()
    texts: dict[str, str] = {} if prompt.instructions is None else {"instructions": prompt.instructions}
    for tool in prompt.describe(student.tools):
        texts[f"tool:{tool.name}"] = tool.description
        texts |= {f"tool:{tool.name}:{path}": text for path, text in parameters(tool)}
    chains = {one.query: (one.id, one.chain) for one in student.cases}
    shown = [
        chains[example.conversation[0].content][0]
        for example in prompt.examples
        if tuple(message.calls for message in example.conversation if message.calls)
        == chains[example.conversation[0].content][1]
    ]
    return told(student, texts, shown)


def state(target: str, reached: bool) -> str:
    """Return a target with the word for whether it is reached."""
    return f"{target}: {'pass' if reached else 'FAIL'}"
