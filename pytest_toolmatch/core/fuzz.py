"""What of a suite is to be fuzzed: plain values, read from a suite file or a mark."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import msgspec

RelationName: TypeAlias = Literal[
    "typos",
    "casing",
    "punctuation",
    "politeness",
    "filler",
    "formats",
    "phrasing",
    "context",
    "tool_order",
    "distractors",
    "injection",
    "tool_names",
    "parameter_names",
    "enum_values",
    "entities",
    "missing_value",
    "no_tool",
    "ambiguity",
    "overlap",
]
RELATION_NAMES: tuple[RelationName, ...] = get_args(RelationName)
"""The relations that there are; told here, since those who make them need hypothesis."""


class Fuzz(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How each case of a suite is fuzzed: by ``examples`` variants, made by ``relations`` (none named: all)."""

    relations: tuple[RelationName, ...] = ()
    examples: int = 10


FuzzForm: TypeAlias = Literal["all"] | tuple[RelationName, ...] | Fuzz
"""What people write: ``all``, the relations' names, or both keys."""


def fuzz_of(form: FuzzForm | None) -> Fuzz | None:
    """Return what was written as one value."""
    if form is None or isinstance(form, Fuzz):
        return form
    return Fuzz() if form == "all" else Fuzz(relations=tuple(form))
