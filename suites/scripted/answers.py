"""Answer scripts: what a scripted model may answer to each case, read from ``<suite>.answers.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pytest_toolmatch.core.chain import Call, Chain, Step
from pytest_toolmatch.core.sample import Outcome, Refusal, outcome_of

HERE = Path(__file__).parent


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One way to answer: the chain, the calls that were refused on the way, and what was said at the end."""

    outcome: Outcome
    chain: Chain = ()
    text: str = ""
    refusals: tuple[Refusal, ...] = ()
    error: str = ""


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case: its named answers, and how often each model gives which (weights; a bare name means always)."""

    answers: dict[str, Any]
    teacher: str | dict[str, float]
    student: str | dict[str, float]

    def weights(self, model: str) -> dict[str, float]:
        """Return the weight of each answer that a model gives."""
        given: str | dict[str, float] = getattr(self, model)
        return {given: 1.0} if isinstance(given, str) else given

    def answer(self, name: str) -> Answer:
        """Return an answer by its name."""
        return answer_of(self.answers[name])


def read_scripts(suite: str) -> dict[str, Script]:
    """Return the scripts of a suite, by case id."""
    path = HERE / f"{suite}.answers.yaml"
    return msgspec.yaml.decode(path.read_bytes(), type=dict[str, Script])


def answer_of(written: Any) -> Answer:
    """Return the answer that was written as a text, or as a list of steps, refusals and an ending."""
    if isinstance(written, str):
        return Answer(outcome="answered", text=written)
    chain: list[Step] = []
    refusals: list[Refusal] = []
    ending: dict[str, Any] = {}
    for entry in written:
        if "refused" in entry:
            refusals.append(_refusal(entry, len(chain), refusals))
        elif "text" in entry or "outcome" in entry:
            ending = entry
        else:
            chain.append(_step(entry))
    made = {"outcome": outcome_of(tuple(chain)), **ending, "chain": tuple(chain), "refusals": tuple(refusals)}
    return Answer(**made)


def _step(entry: Any) -> Step:
    """Return the step that was written as one call, or as a list of parallel calls."""
    return tuple(_call(call) for call in (entry if isinstance(entry, list) else [entry]))


def _call(entry: dict[str, Any]) -> Call:
    ((name, arguments),) = entry.items()
    return Call(name, arguments)


def _refusal(entry: dict[str, Any], step: int, before: list[Refusal]) -> Refusal:
    attempt = sum(refusal.step == step for refusal in before)
    return Refusal(_call(entry["refused"]), entry["reason"], entry["message"], step, attempt)
