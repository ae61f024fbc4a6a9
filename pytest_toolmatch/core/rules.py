"""How chains are compared and what a suite demands: plain values, read from YAML, markers or settings."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import msgspec

Mode: TypeAlias = Literal["strict", "ordered", "sequence", "unordered", "subset", "superset", "names"]
Arguments: TypeAlias = Literal["schema", "json"]
Reference: TypeAlias = Literal["consensus", "any", "draws"]

MODES: tuple[str, ...] = get_args(Mode)


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one argument is compared instead of by its schema. Exactly one field is set.

    ``ignore``: any two values are equal, present or not. ``casefold``: text, ignoring case and outer space.
    ``tolerance``: numbers within this absolute distance; ``relative``: within this share of the larger one.
    ``tokens``: text with the same words in any order, as a share of their union (1.0 = all).
    ``regex``: text whose matches of this pattern are equal. ``function``: ``module:name`` or a callable
    ``(student, teacher) -> bool``.
    """

    ignore: bool | None = None
    casefold: bool | None = None
    tolerance: float | None = None
    relative: float | None = None
    tokens: float | None = None
    regex: str | None = None
    function: Any = None


Overrides: TypeAlias = dict[str, dict[str, Override]]
"""Tool name → argument path (``date``, ``address.city``, ``items[].price``) → override."""


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a suite's chains are compared.

    ``effect`` restricts the comparison to calls of tools with that effect. ``min_consensus`` is the share of the
    teacher's samples that its consensus needs; below, the case is ambiguous. ``min_support`` is what a teacher
    draw needs to count under ``reference: any``.
    """

    match: Mode = "ordered"
    arguments: Arguments = "schema"
    reference: Reference = "consensus"
    effect: Literal["read", "write"] | None = None
    overrides: Overrides = {}
    min_consensus: float = 0.6
    min_support: int = 1
