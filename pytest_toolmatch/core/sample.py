"""A sample: one run of one model on one case, with its typed outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Call, Chain

if TYPE_CHECKING:
    from collections.abc import Iterable

SampleRole: TypeAlias = Literal["teacher", "student", "recorded"]
"""Whom the sample was drawn for; ``recorded`` (imported from a log) serves as either."""

Outcome: TypeAlias = Literal[
    "called", "answered", "invalid", "truncated", "refused", "lost_by_server", "infrastructure"
]
"""What a sample came to; only ``infrastructure`` says nothing about the model."""

Confidence: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""How likely a model holds what it has done to be what it should do: a probability, from 0 to 1."""


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A call that was answered with an error instead of being run: one retry.

    ``step`` is the index of the step it belongs to, ``attempt`` counts from 0 within that step.
    """

    call: Call
    reason: Literal["unknown_tool", "malformed_json", "schema_violation"]
    message: str = ""
    step: int = 0
    attempt: int = 0


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Tokens of one sample, summed over its turns.

    ``cached`` were read from the provider's cache, ``cache_write`` were written to it, both part of ``input``;
    ``reasoning`` is part of ``output``.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    cache_write: int = 0


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """What a run called models for: valid ``samples`` drawn, samples ``lost``, calls, and their cost in USD.

    ``cost`` counts what has a known price.
    """

    samples: int = 0
    lost: int = 0
    calls: int = 0
    cost: float = 0.0


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One run of one model on one case. ``latency`` in seconds, ``cost`` in USD.

    An ``alternative`` is no draw of a model but one of several answers that count as right: how often alternatives
    agree with each other says nothing. ``replies`` are what the tools answered, one text a call of the chain, step by
    step; a step that got no answer (the last one of an imported log, say) has none. ``confidence`` is the least of
    its turns': a chain is wrong as soon as one of its calls is.
    """

    case: str
    role: SampleRole
    draw: int
    outcome: Outcome
    chain: Chain = ()
    text: str = ""
    refusals: tuple[Refusal, ...] = ()
    usage: Usage | None = None
    latency: float | None = None
    cost: float | None = None
    error: str = ""
    source: str = ""
    alternative: bool = False
    replies: tuple[tuple[str, ...], ...] = ()
    confidence: Confidence | None = None

    @property
    def valid(self) -> bool:
        """Whether the sample says something about the model."""
        return self.outcome != "infrastructure"


def least(confidences: Iterable[float | None]) -> float | None:
    """Return the least of several confidences; None where there is none, or one of them is not known."""
    known = list(confidences)
    return min((one for one in known if one is not None), default=None) if None not in known else None


def total(usages: Iterable[Usage | None]) -> Usage | None:
    """Add up the tokens of several answers; None where none of them is counted."""
    found = [usage for usage in usages if usage]
    if not found:
        return None
    return Usage(**{name: sum(getattr(usage, name) for usage in found) for name in Usage.__struct_fields__})


def outcome_of(chain: Chain) -> Outcome:
    """Return the outcome of a finished, undisturbed sample: ``called`` or ``answered``."""
    return "called" if chain else "answered"
