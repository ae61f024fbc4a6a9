"""Two pools that share nothing: one that CaR chooses to optimise on, one that chance draws to evaluate with."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytest_toolmatch.curating.finished import NOTHING
from pytest_toolmatch.curation.car import Candidate, choose, nested
from pytest_toolmatch.curation.evaluation import Drawn, drawn, told
from pytest_toolmatch.curation.families import families
from pytest_toolmatch.curation.predicted import predicted
from pytest_toolmatch.curation.quality import quality, terms
from pytest_toolmatch.curation.splits import parts, rank
from pytest_toolmatch.curation.strata import kinds, length_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.curating.finished import Finished
    from pytest_toolmatch.curating.judged import Subject
    from pytest_toolmatch.curating.options import CurateOptions
    from pytest_toolmatch.curating.stages import Found
    from pytest_toolmatch.curation.splits import Part
    from pytest_toolmatch.engines.engine import Engine


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


class Best(NamedTuple):
    """By the place of a case: why it was chosen; and the cluster of every one that might have been."""

    why: dict[int, str]
    clusters: dict[int, str]
    lacking: list[str]


def pooled(
    cases: Sequence[Subject], found: Found, options: CurateOptions, engine: Engine, done: Finished = NOTHING
) -> Pools:
    """Draw from all to evaluate, then choose to optimise from the families that nothing was drawn from."""
    names = [f"{one.suite}/{one.case.id}" for one in cases]
    kin = _kin(cases, found, engine, done)
    likes = [f"{one.suite} {length_kind(one.chain)}" for one in cases]
    matches = [one.match for one in cases]
    expected = predicted(matches, [one.known.consistency for one in cases], likes)
    columns = told(expected, matches, options.evaluate)
    taken = drawn(names, columns, kin, options.evaluate, options.seed)
    # What an earlier run held out was judged on: it teaches nothing now.
    spared = {kin[one.place] for one in taken} | {
        name for name, one in zip(kin, cases, strict=True) if one.case.held_out
    }
    placed: list[Part] = [
        "test" if name in spared else part for name, part in zip(kin, parts(kin, options.seed, 0.0), strict=True)
    ]
    said = terms([one.known for one in cases])
    worth = [quality(one) for one in said]
    kept = [place for place in np.flatnonzero(found.kept).tolist() if placed[place] != "test"]
    kept.sort(key=lambda place: (rank(names[place], options.seed), names[place]))
    best = best_of(cases, found, kept, worth, size=options.size, each=engine.map)
    return Pools(
        best.why,
        {one.place: one for one in taken},
        placed,
        kin,
        said,
        worth,
        best.clusters,
        best.lacking,
    )


def _kin(cases: Sequence[Subject], found: Found, engine: Engine, done: Finished) -> list[str]:
    """Return each case's family: the name of one is what some case of it asks, so that places tell all names."""
    asked = [one.asked for one in cases]
    talks = [one.case.conversation for one in cases]

    def places() -> list[NDArray[np.int64]]:
        first = {text: place for place, text in enumerate(asked)}
        return [np.array([first[name] for name in families(asked, talks, found.stands.tolist(), engine.map)])]

    return [asked[place] for place in done.arrays("families", places)[0]]


def best_of(
    cases: Sequence[Subject],
    found: Found,
    kept: Sequence[int],
    worth: Sequence[float],
    *,
    size: int,
    each: Callable[..., Iterable[Any]] = map,
) -> Best:
    """Choose so many of the cases that are ``kept`` as CaR does: of equal ``worth`` the earlier counts as better."""
    candidates = [
        Candidate(worth[place], found.strata[place], kinds(cases[place].chain, ambiguous=cases[place].known.ambiguous))
        for place in kept
    ]
    clusters = nested(found.rows, kept, [one.stratum for one in candidates], each)
    choice = choose(candidates, clusters, size)
    why = {kept[place]: said for place, said in choice.why.items()}
    return Best(why, dict(zip(kept, clusters, strict=True)), choice.lacking)


def largest_family(pools: Pools) -> float:
    """Return the share of the cases that the largest family has."""
    return max(Counter(pools.families).values()) / len(pools.families)
