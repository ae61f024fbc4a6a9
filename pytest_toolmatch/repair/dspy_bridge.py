"""DSPy's optimisers over a student that is called on its own wire: DSPy decides what is tried, and never speaks to it.

Its adapters would drop the calls of demonstrations, and send no ``tools`` to a model they don't know. Here a *program*
is one predictor whose instructions and demonstrations make a candidate, and whose call is a rollout of our own; the
teacher's program repeats what is recorded. Written against DSPy 3.4; import it where it is used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dspy
import msgspec
from dspy.lm15 import Message, Request, Response, TextPart, Usage

from pytest_toolmatch.repair.candidate import EXAMPLES, INSTRUCTIONS, Candidate, example_ids, key_of, with_examples
from pytest_toolmatch.repair.evaluating import mean_score
from pytest_toolmatch.repair.replies import Queries, Unusable, checked, text_of
from pytest_toolmatch.repair.searching import affords, tried
from pytest_toolmatch.repair.templates import longest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.prompt import Example
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.phase import Ground
    from pytest_toolmatch.repair.reflector import Reflector

_NOTHING = "(no instructions)"
"""What stands for empty instructions: DSPy would put its own there."""

_TOOLS_LENGTH = 4000
"""Characters of the tools' descriptions that go with a question to the reflection model."""

_PREFACE = """\
Instructions are the system prompt of an assistant that answers queries by calling tools. Propose such that hold for
queries like those shown, and quote none of them. Answer in the form that is asked for below. The tools:
"""

_WANTED = re.compile(r"starting with the field `\[\[ ## (\w+) ## \]\]`")


class Stopped(BaseException):
    """Ends an optimiser from within: DSPy swallows every Exception. ``error`` is why, None where all is well."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(error)
        self.error = error


class Student:
    """Candidates by instructions and demonstrations, and what they score.

    A candidate is tried at its first call on the first ``few`` cases that it does not show, so that all of its rollouts
    are in flight at once; on all others, too, where it looks like the best. ``best`` is the best that was tried,
    ``pool`` all that were, with their mean scores. ``refused`` are proposed instructions that may not be used, and why:
    they count as those of the start.
    """

    def __init__(
        self, ground: Ground, start: Candidate, cases: Sequence[Case], *, few: int, say: Callable[[str], None]
    ) -> None:
        self._ground, self._start, self._say = ground, start, say
        self._cases, self._few = tuple(cases), few
        self._scores: dict[str, dict[str, float]] = {}
        self._mean = -1.0
        self.pool: list[tuple[Candidate, float]] = []
        self._queries = Queries(
            (case.query for case in ground.evaluator.cases.values()), ground.components.own.values()
        )
        self.refused: dict[str, str] = {}
        self.best = start
        self.instructions = start[INSTRUCTIONS].strip() or _NOTHING

    def candidate(self, instructions: str, shown: Sequence[str]) -> Candidate:
        """Return the start with these instructions and examples, as far as they may be touched."""
        made = self._start | {INSTRUCTIONS: self._usable(instructions.strip())}
        return with_examples(made, list(dict.fromkeys(shown))) if self._ground.may_change(EXAMPLES) else made

    def score(self, candidate: Candidate, case: str) -> float:
        """Return how a candidate does on a case; raises Stopped where the rollouts don't allow to try it."""
        key = key_of(candidate)
        if key not in self._scores:
            self._scores[key] = self._tried(candidate)
        return self._scores[key][case]

    def _usable(self, instructions: str) -> str:
        """Return instructions, or those of the start where these may not take their place."""
        current = self._start[INSTRUCTIONS]
        if instructions == self.instructions or not self._ground.may_change(INSTRUCTIONS):
            return current
        try:
            return checked(
                instructions, current, longest(INSTRUCTIONS, self._ground.components, current), self._queries
            )
        except Unusable as error:
            self.refused[instructions] = str(error)
            return current

    def _tried(self, candidate: Candidate) -> dict[str, float]:
        shown = set(example_ids(candidate))
        cases = [case for case in self._cases if case.id not in shown]
        scored = self._scored(candidate, cases[: self._few])
        if mean_score(scored) > self._mean and affords(self._ground, [candidate], cases):
            scored = self._scored(candidate, cases)
        mean = mean_score(scored)
        self.pool.append((candidate, mean))
        if mean > self._mean:
            self._mean, self.best = mean, candidate
        count, spent = len(self._scores) + 1, self._ground.evaluator.rollouts
        self._say(f"  {spent} rollouts · programs tried: {count} · match {self._mean:.2f} in training")
        # What was not tried says nothing of it.
        return dict.fromkeys((case.id for case in self._cases), mean) | {one.case.id: one.score for one in scored}

    def _scored(self, candidate: Candidate, cases: Sequence[Case]) -> list[Scored]:
        if self._mean >= 1 or not affords(self._ground, [candidate], cases):
            raise Stopped  # nothing can be better, or nothing more can be paid for
        try:
            (scored,) = tried(self._ground, [candidate], cases)
        except Exception as error:
            raise Stopped(error) from error
        return scored

    def __deepcopy__(self, memo: dict[int, Any]) -> Student:
        """Return itself: programs are copied again and again, and all of them ask the same student."""
        return self


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


class Reflection:
    """An engine of DSPy's that asks our own reflection model: its replies are recorded, and paid for once.

    A reply of no use is taken for ``current``: a proposal to leave all as it is. ``failed`` counts those. Without
    a reflector, all are such proposals.
    """

    def __init__(self, reflector: Reflector | None, tools: Sequence[Tool], current: str) -> None:
        self._reflector, self._current = reflector, current
        lines = "\n".join(f"- {tool.name}: {tool.description}" for tool in tools)[:_TOOLS_LENGTH]
        self._preface = _PREFACE + lines
        self.failed = 0

    def complete(self, request: Request) -> Response:
        """Return the reply to a request; one without DSPy's markers is taken for the field that is asked for."""
        asked = "\n\n".join([self._preface, str(request.system or ""), *(one.text or "" for one in request.messages)])
        said, wanted = self._said(asked), _WANTED.search(asked)
        if wanted and f"[[ ## {wanted[1]} ## ]]" not in said:
            said = f"[[ ## {wanted[1]} ## ]]\n{_plain(said)}\n\n[[ ## completed ## ]]"
        message = Message.assistant([TextPart(said)])
        return Response(id=None, model=request.model, message=message, finish_reason="stop", usage=Usage())

    def _said(self, asked: str) -> str:
        if self._reflector is None:
            return self._current
        try:
            (sample,) = self._reflector.ask([asked])
        except Exception as error:
            raise Stopped(error) from error
        if sample.valid and sample.text.strip():
            return sample.text
        self.failed += 1
        return self._current


def examples_of(cases: Sequence[Case], chains: dict[str, str]) -> list[dspy.Example]:
    """Return cases in DSPy's form."""
    made = [dspy.Example(case=case.id, query=case.query, calls=chains.get(case.id, "")) for case in cases]
    return [one.with_inputs("case", "query") for one in made]


def chain_text(example: Example) -> str:
    """Return the calls of an example as JSON, for a model to read."""
    calls = [{call.name: call.arguments} for message in example.conversation for call in message.calls]
    return msgspec.json.encode(calls).decode()


def _plain(reply: str) -> str:
    """Return what stands in the fenced block of a reply, or the reply where there is no such block."""
    try:
        return text_of(reply)
    except Unusable:
        return reply


def _signature(instructions: str) -> Any:
    return dspy.Signature("query -> calls", instructions)
