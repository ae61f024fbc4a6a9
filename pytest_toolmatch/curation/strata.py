"""What a teacher's chain is like, whatever its values: within such strata duplicates are looked for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pytest_toolmatch.core.chain import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.chain import Call, Chain

NO_CALL = "(no call)"
TOOL = "tool "
"""How the kinds of a case begin that are tools."""
_STEPS = 8
"""Calls of a chain that tell; longer ones are hardly ever the same."""
_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    tuple: "list",
    dict: "object",
    type(None): "null",
}


def signature(chain: Chain, offered: Sequence[str] = ()) -> str:
    """Return tool names, argument names and their types, in order: ``book(date: text, seats: number)``.

    The same call twice in a row counts once. Not to call is a stratum of its own for each set of tools ``offered``:
    what the same words ask for depends on them.
    """
    calls = [_signed(call) for step in chain for call in step]
    kept = [call for place, call in enumerate(calls) if place == 0 or call != calls[place - 1]]
    more = ["…"] if len(kept) > _STEPS else []
    return " → ".join([*kept[:_STEPS], *more]) or _none_of(offered)


def _none_of(offered: Sequence[str]) -> str:
    if not offered:
        return NO_CALL
    told = hashlib.sha256("\n".join(sorted(offered)).encode("utf-8", "replace")).hexdigest()[:4]
    return f"(no call of {len(offered)} on offer, {told})"


def _signed(call: Call) -> str:
    if not isinstance(call.arguments, dict):
        return f"{call.name}({'' if call.arguments is None else 'unparsed'})"
    said = (f"{key}: {_KINDS.get(type(value), 'text')}" for key, value in sorted(call.arguments.items()))
    return f"{call.name}({', '.join(said)})"


def length_kind(chain: Chain) -> str:
    """Return how many calls a chain has, in words: the long ones are one kind."""
    count = len(names_of(chain))
    return ("no call", "1 call", "2 calls", "3 calls")[count] if count < 4 else "4 calls or more"  # noqa: PLR2004


def kinds(chain: Chain, *, ambiguous: bool) -> Sequence[str]:
    """Return the kinds of a case that a choice should have one of each: its tools, its length, and what is odd."""
    names = sorted(set(names_of(chain)))
    found = [f"{TOOL}{name}" for name in names]
    found.append(length_kind(chain))
    found += ["several tools"] if len(names) > 1 else []
    found += ["parallel calls"] if any(len(step) > 1 for step in chain) else []
    found += ["ambiguous"] if ambiguous else []
    return found
