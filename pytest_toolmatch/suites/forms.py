"""What a suite file and a line of cases may hold; also the source of their JSON Schema."""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.fuzz import FuzzForm
from pytest_toolmatch.core.prompt import Prompt
from pytest_toolmatch.core.rollout import RolloutMode
from pytest_toolmatch.core.rules import Arguments, Mode, Overrides, Reference
from pytest_toolmatch.core.suite import Divergence, Split
from pytest_toolmatch.core.tool import Effect


class CaseForm(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One case: a ``query``, or the ``conversation`` so far; ``tools`` where it has its own."""

    id: str = ""
    query: str = ""
    conversation: list[Message] = []
    tags: list[str] = []
    weight: float = 1.0
    stratum: str = ""
    tools: list[dict[str, Any]] | None = None


class McpForm(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Tools of an MCP server: ``mcp`` has its ``command`` (with ``env`` and ``cwd``), or its ``url``."""

    mcp: dict[str, Any]


class SuiteForm(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A ``*.toolmatch.yaml`` file.

    ``tools`` is a JSON file, ``module:attribute``, or the tools themselves; ``cases`` a JSON Lines file or the cases
    themselves. Paths are relative to the suite file. ``effects`` says which tools read and which write, ``replies``
    what their calls are answered with, ``execute`` which of those that write may be run for real all the same. ``fuzz``
    says how the cases are fuzzed: ``all``, names of relations, or ``{relations, examples}``. ``student`` is what the
    student is told instead, ``split`` which cases an optimiser may see.
    """

    instructions: str = ""
    tools: str | McpForm | list[dict[str, Any]] = []
    effects: dict[str, Effect] = {}
    replies: dict[str, Any] = {}
    execute: list[str] = []
    mode: RolloutMode = "rollout"
    max_steps: int = 16
    max_retries: int = 2
    timeout: float = 120.0
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
    fuzz: FuzzForm | None = None
    student: Prompt | None = None
    split: Split | None = None
    cases: str | list[CaseForm]
