"""Two pools that share nothing: one that CaR chooses to optimise on, one that chance draws to evaluate with."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_toolmatch.curation.car import Candidate, choose, nested
from pytest_toolmatch.curation.evaluation import Drawn, drawn, orders
from pytest_toolmatch.curation.families import families
from pytest_toolmatch.curation.predicted import predicted
from pytest_toolmatch.curation.quality import quality, terms
from pytest_toolmatch.curation.splits import SHARES, parts, rank
from pytest_toolmatch.curation.strata import kinds, length_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.curating.engines.engine import Engine
    from pytest_toolmatch.curating.judged import Subject
    from pytest_toolmatch.curating.options import CurateOptions
    from pytest_toolmatch.curating.stages import Found
    from pytest_toolmatch.curation.splits import Part

_MOST_HELD_OUT = 0.5
_SPARE = 2
"""The evaluation pool is drawn from at least so many times its size, where half of all cases are as many."""


class Pools(NamedTuple):
    """By the place of a case: why it is optimised on, and what was drawn to evaluate; the rest is of all cases."""

    optimise: dict[int, str]
    evaluate: dict[int, Drawn]
    parts: list[Part]
    families: list[str]
    terms: list[dict[str, float]]
    quality: list[float]
    clusters: dict[int, str]
    lacking: list[str]


def pooled(cases: Sequence[Subject], found: Found, options: CurateOptions, engine: Engine) -> Pools:
    """Split the cases by family, then choose from one side and draw from the other."""
    names = [f"{one.suite}/{one.case.id}" for one in cases]
    talks = [one.case.conversation for one in cases]
    kin = families([one.asked for one in cases], talks, found.stands.tolist(), engine.map)
    held_out = min(_MOST_HELD_OUT, max(SHARES[0][1], _SPARE * options.evaluate / len(cases)))
    placed = parts(kin, options.seed, held_out if options.evaluate else 0.0)
    said = terms([one.known for one in cases])
    worth = [quality(one) for one in said]
    open_to = [part == "test" for part in placed]
    likes = [f"{one.suite} {length_kind(one.chain)}" for one in cases]
    expected = predicted([one.match for one in cases], [one.known.consistency for one in cases], likes)
    taken = drawn(names, orders(expected, likes, kin, options.seed), open_to, options.evaluate, options.seed)
    kept = [place for place in np.flatnonzero(found.kept).tolist() if not open_to[place]]
    kept.sort(key=lambda place: (rank(names[place], options.seed), names[place]))
    candidates = [
        Candidate(worth[place], found.strata[place], kinds(cases[place].chain, ambiguous=cases[place].known.ambiguous))
        for place in kept
    ]
    clusters = nested(found.rows[kept], [one.stratum for one in candidates], engine.map)
    choice = choose(candidates, clusters, options.size)
    return Pools(
        {kept[place]: why for place, why in choice.why.items()},
        {one.place: one for one in taken},
        placed,
        kin,
        said,
        worth,
        dict(zip(kept, clusters, strict=True)),
        choice.lacking,
    )


def largest_family(pools: Pools) -> float:
    """Return the share of the cases that the largest family has."""
    return max(Counter(pools.families).values()) / len(pools.families)
