"""The two scripted models, ``scripted:teacher`` and ``scripted:student``: seeded callables, not language models."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Literal

import msgspec

from pytest_toolmatch.core.chain import calls_of, encode_chain
from pytest_toolmatch.core.sample import Sample, Usage

from .answers import Answer, Script, read_scripts

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case


class Pace(msgspec.Struct, frozen=True):
    """How a model's made-up seconds and tokens come about."""

    seconds_per_turn: float
    seconds_per_token: float
    prompt_tokens: int


PACES = {"teacher": Pace(0.9, 0.012, 1850), "student": Pace(0.12, 0.004, 1620)}
CHARACTERS_PER_TOKEN = 4

# Of many seeds, one whose first eight draws come near to the weights in the scripts, show every outcome, and leave
# only the cases tagged "ambiguous" without a consensus.
SEED = 10854


class ScriptedModel(msgspec.Struct, frozen=True):
    """Answers the cases of one suite from their scripts, drawing with the random numbers that it is given."""

    role: Literal["teacher", "student"]
    scripts: dict[str, Script]

    @property
    def name(self) -> str:
        """The name that its samples are recorded under."""
        return f"scripted:{self.role}"

    def __call__(self, case: Case, draw: int, rng: random.Random) -> Sample:
        """Return one sample; the same random numbers give the same sample."""
        answer = self._answer(case, rng)
        usage = _usage(answer, case.query, PACES[self.role])
        disturbed = answer.outcome == "infrastructure"
        return Sample(
            case=case.id,
            role=self.role,
            draw=draw,
            outcome=answer.outcome,
            chain=answer.chain,
            text=answer.text,
            refusals=answer.refusals,
            usage=None if disturbed else usage,
            latency=None if disturbed else _latency(answer, usage, PACES[self.role], rng),
            error=answer.error,
            source="scripted",
        )

    def _answer(self, case: Case, rng: random.Random) -> Answer:
        script = self.scripts[case.id]
        weights = script.weights(self.role)
        return script.answer(rng.choices(list(weights), list(weights.values()))[0])


def scripted_models(suite: str) -> tuple[ScriptedModel, ScriptedModel]:
    """Return the scripted teacher and the scripted student of a suite."""
    scripts = read_scripts(suite)
    return ScriptedModel("teacher", scripts), ScriptedModel("student", scripts)


def seeded(suite: str, model: str, case: str, draw: int) -> random.Random:
    """Return the random numbers of one draw, which depend on nothing but these four and SEED."""
    digest = hashlib.sha256(f"{SEED}\n{suite}\n{model}\n{case}\n{draw}".encode()).digest()
    return random.Random(digest)  # noqa: S311 - a reproducible example, not a secret


def _turns(answer: Answer) -> int:
    return 1 + len(answer.chain) + len(answer.refusals)


def _usage(answer: Answer, query: str, pace: Pace) -> Usage:
    called = len(encode_chain(answer.chain)) + sum(len(str(refusal.call.arguments)) for refusal in answer.refusals)
    written = (called + len(answer.text)) // CHARACTERS_PER_TOKEN
    output = written + 12 * (1 + len(calls_of(answer.chain)))
    turns = _turns(answer)
    return Usage(input=turns * (pace.prompt_tokens + len(query) // CHARACTERS_PER_TOKEN), output=output)


def _latency(answer: Answer, usage: Usage, pace: Pace, rng: random.Random) -> float:
    """Return seconds with a long tail: most draws are near the floor, a few take twice as long."""
    floor = _turns(answer) * pace.seconds_per_turn + usage.output * pace.seconds_per_token
    return round(floor * (1 + rng.random() ** 4), 3)
