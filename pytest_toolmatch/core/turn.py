"""A turn: what a model said to one request, in one neutral form for all providers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Step
from pytest_toolmatch.core.sample import Confidence, Usage

Stop: TypeAlias = Literal["done", "truncated", "refused", "lost_by_server"]
"""Why the turn ended; the last is a call that the server leaked into text, into a broken name, or dropped."""


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer of a model: text, calls, or both.

    ``ids`` are the provider's names of the calls, one each (made up where it gives none); replies refer to them. A
    call whose arguments are no JSON object carries them as they came (raw text). ``native`` is the provider's own form
    of the message, plain JSON, where it has to go back unchanged (thinking blocks, thought signatures). ``chain`` is
    set by a user's agent that ran its tools itself: then the turn is the whole sample, and ``calls`` are empty.
    ``latency`` is how long the model took, in seconds, without what was waited for before it was asked. ``confidence``
    is how likely the model holds its turn to be right; ``confidences`` say so of each call, where it knows that.
    """

    calls: Step = ()
    ids: tuple[str, ...] = ()
    text: str = ""
    stop: Stop = "done"
    usage: Usage | None = None
    native: Any = None
    chain: tuple[Step, ...] | None = None
    latency: float | None = None
    confidence: Confidence | None = None
    confidences: tuple[Confidence, ...] = ()
