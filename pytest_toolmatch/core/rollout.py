"""How a conversation between a model and its tools is run: plain values, read from suites."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

RolloutMode: TypeAlias = Literal["rollout", "next_step"]


class Rollout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rules of a rollout.

    ``mode``: ``rollout`` lets the model go on from its own calls; ``next_step`` asks it, at every step of the
    teacher's chain, for the step that follows the teacher's own. ``max_steps`` bounds the steps of one sample,
    ``max_retries`` the turns whose refused calls are answered with an error, at each step of ``next_step`` anew.
    ``timeout`` bounds one turn and one run of a tool, in seconds; it is nothing that a model is told, so changing it
    leaves recordings fresh.
    """

    mode: RolloutMode = "rollout"
    max_steps: int = 16
    max_retries: int = 2
    timeout: float = 120.0
