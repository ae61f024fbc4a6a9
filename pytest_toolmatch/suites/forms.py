"""What a suite file and a line of cases may hold; also the source of their JSON Schema."""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.rules import Arguments, Mode, Overrides, Reference
from pytest_toolmatch.core.suite import Divergence
from pytest_toolmatch.core.tool import Effect


class CaseForm(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One case: a ``query``, or the ``conversation`` so far; ``tools`` where it has its own."""

    id: str = ""
    query: str = ""
    conversation: list[Message] = []
    tags: list[str] = []
    tools: list[dict[str, Any]] | None = None


class SuiteForm(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A ``*.toolmatch.yaml`` file.

    ``tools`` is a JSON file, ``module:attribute``, or the tools themselves; ``cases`` a JSON Lines file or the cases
    themselves. Paths are relative to the suite file. ``effects`` says which tools read and which write.
    """

    instructions: str = ""
    tools: str | list[dict[str, Any]] = []
    effects: dict[str, Effect] = {}
    match: Mode = "ordered"
    arguments: Arguments = "schema"
    reference: Reference = "consensus"
    effect: Effect | None = None
    overrides: Overrides = {}
    min_consensus: float = 0.6
    min_support: int = 1
    chain_match: float | None = None
    divergence: Divergence | None = None
    gates: list[str] = []
    recordings: str | None = None
    cases: str | list[CaseForm]
