"""A suite: cases, tools, instructions, how to match, and what is demanded of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.fuzz import Fuzz
from pytest_toolmatch.core.prompt import Prompt
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.tool import Tool

Divergence: TypeAlias = Literal["fail", "xfail"]


class Split(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which cases an optimiser may see: by a hash of each case's group, ``test`` and ``validation`` are kept apart.

    Both are shares of the range of the hash; a group of near-duplicates is in one part, which it keeps whatever cases
    come beside it. Another ``seed`` makes other parts.
    """

    seed: int = 0
    test: float = 0.4
    validation: float = 0.2

    @property
    def sound(self) -> bool:
        """Whether each part may have cases."""
        return self.test > 0 and self.validation > 0 and self.test + self.validation < 1


class Suite(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One suite, from whatever file or module it was declared in.

    ``chain_match`` is the share of the student's samples that must match for a case to agree; ``divergence`` says
    whether a case that does not is a failure or an expected one (then only the gates decide); None leaves both to the
    settings. ``recordings`` is the directory of its ``<model>.jsonl`` files, where the suite names one. ``fuzz`` says
    how its cases are fuzzed, where they are. ``student`` is what the student is told instead of what the teacher is;
    ``split`` says which cases an optimiser may see.
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
    student: Prompt | None = None
    split: Split | None = None
    where: str = ""
