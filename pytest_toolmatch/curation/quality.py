"""How good a case is to learn from: terms between 0 and 1, each what recordings say, and their mean."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.chain import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.chain import Chain

WEIGHTS = {"consistency": 1.0, "validity": 1.0, "length": 0.5, "rarity": 0.5, "failure": 1.0}
"""What each term counts in the mean."""
_LONG = 4
"""Calls from which on a chain is as long as counts."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What recordings say of a case: ``chain`` is the teacher's; a rate is None where nothing says it.

    ``consistency`` is how often two draws of the teacher agree, ``validity`` the share of its calls that satisfy their
    schema, ``failure`` the share of the students' samples that don't match it. ``ambiguous``: it has no consensus.
    """

    chain: Chain
    consistency: float | None = None
    validity: float | None = None
    failure: float | None = None
    ambiguous: bool = False


def terms(known: Sequence[Known]) -> list[dict[str, float]]:
    """Return the terms of each case; one that nothing is known of is absent.

    ``length``: calls, up to four, over four. ``rarity``: that of its rarest tool, log(N / cases with it) / log N.
    """
    cases = len(known)
    having = Counter(name for one in known for name in set(names_of(one.chain)))
    most = math.log(cases) if cases > 1 else 1.0
    found: list[dict[str, float]] = []
    same: dict[tuple[float | None, ...], dict[str, float]] = {}
    for one in known:
        names = names_of(one.chain)
        said = {
            "consistency": one.consistency,
            "validity": one.validity,
            "length": min(len(names), _LONG) / _LONG,
            "rarity": max((math.log(cases / having[name]) / most for name in names), default=0.0),
            "failure": one.failure,
        }
        least = {name: value for name, value in said.items() if value is not None}
        found.append(same.setdefault(tuple(said.values()), least))
    return found


def quality(said: dict[str, float]) -> float:
    """Return the weighted mean of the terms that are known."""
    return sum(WEIGHTS[name] * value for name, value in said.items()) / sum(WEIGHTS[name] for name in said)
