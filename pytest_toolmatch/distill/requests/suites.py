"""Families of hand-written requests: several phrasings for the same calls, with slots for values."""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.requests.said import DATA


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"when": "if", "otherwise": "else"}):
    """Phrasings (``says``) and what is right for them: steps of calls, or why there is none (no_call, missing).

    ``when`` and ``otherwise`` are what the first reply says where the second step follows, and where it does not.
    """

    says: tuple[str, ...]
    calls: tuple[tuple[dict[str, dict[str, Any]], ...], ...] = ()
    none: str = ""
    when: dict[str, Any] = {}
    otherwise: dict[str, Any] = {}


class Suite(msgspec.Struct, frozen=True):
    """The families of one suite and its tools; ``systems`` are instructions, ``{today}`` is the day."""

    name: str
    tools: tuple[Tool, ...]
    families: tuple[Family, ...]
    systems: tuple[str, ...]
    offset: str = ""


def read_suite(name: str) -> Suite:
    """Return a suite out of its files in ``data/``."""
    told = msgspec.yaml.decode((DATA / "systems.yaml").read_bytes())[name]
    tools = msgspec.json.decode((DATA / f"{name}.tools.json").read_bytes(), type=tuple[Tool, ...])
    families = msgspec.yaml.decode((DATA / f"{name}.yaml").read_bytes(), type=tuple[Family, ...])
    return Suite(name, tools, families, tuple(told["systems"]), told["offset"])
