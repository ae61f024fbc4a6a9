"""A suite: cases, tools, instructions, how to match, and what is demanded of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.fuzz import Fuzz
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.tool import Tool

Divergence: TypeAlias = Literal["fail", "xfail"]


class Suite(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One suite, from whatever file or module it was declared in.

    ``chain_match`` is the share of the student's samples that must match for a case to agree; ``divergence`` says
    whether a case that does not is a failure or an expected one (then only the gates decide); None leaves both to the
    settings. ``recordings`` is the directory of its ``<model>.jsonl`` files, where the suite names one. ``fuzz`` says
    how its cases are fuzzed, where they are.
    """

    name: str
    cases: tuple[Case, ...] = ()
    tools: tuple[Tool, ...] = ()
    instructions: str = ""
    rules: Rules = Rules()
    rollout: Rollout = Rollout()
    gates: tuple[str, ...] = ()
    chain_match: float | None = None
    divergence: Divergence | None = None
    recordings: Path | None = None
    fuzz: Fuzz | None = None
    where: str = ""
