"""The stages between reading and choosing: cases in, arrays through, one stratum after the other."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curating.finished import NOTHING
from pytest_toolmatch.curation.embedding import APART, VALUE_DIMENSIONS, beside, phrased, value_groups, value_rows
from pytest_toolmatch.curation.semdedup import CURVE, EXACT, Order, among, ordered
from pytest_toolmatch.curation.splits import rank
from pytest_toolmatch.curation.strata import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.curating.finished import Finished
    from pytest_toolmatch.curating.judged import Subject
    from pytest_toolmatch.curation.embedding import Embedder, Floats
    from pytest_toolmatch.engines.engine import Engine

Integers: TypeAlias = "NDArray[np.int64]"

_BLOCK = 1024
_PARCEL = 25_000
"""Cases of small strata that are one piece of work, about."""


class Found(NamedTuple):
    """Rows and strata of all cases, who stands for whom, how alike the two are, and how many go at each ε."""

    rows: Floats
    strata: list[str]
    stands: Integers
    likeness: Floats
    epsilon: float
    curve: dict[float, int]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which cases stand for themselves."""
        return self.stands == np.arange(len(self.stands))


def embedded_cases(
    cases: Sequence[Subject], embedder: Embedder, seen: Callable[[int], None] = lambda _: None
) -> Floats:
    """Return one row a case: how it is phrased, values masked, beside the values of the teacher's calls."""
    texts, chains = [one.text for one in cases], [one.chain for one in cases]
    made = _in_their_places(embedder, phrased(texts, chains), seen)
    width = made.shape[1] - VALUE_DIMENSIONS
    for start in range(0, len(cases), _BLOCK):  # to hand them to an engine would take as long
        some = slice(start, start + _BLOCK)
        made[some] = beside(made[some, :width], value_rows(chains[some]), texts[some])
        seen(0)
    return made


def _in_their_places(embedder: Embedder, texts: Sequence[str], seen: Callable[[int], None]) -> Floats:
    """Return the embedder's rows, which equal texts share, with room for values beside them."""
    distinct = sorted(set(texts))
    number = {text: place for place, text in enumerate(distinct)}
    own = np.array([number[text] for text in texts], np.int64)
    order = np.argsort(own, kind="stable")
    bounds = np.searchsorted(own[order], np.arange(len(distinct) + 1))
    made, done = np.zeros((len(texts), VALUE_DIMENSIONS), np.float32), 0
    for block in embedder.rows(distinct):
        if not done:
            made = np.zeros((len(texts), block.shape[1] + VALUE_DIMENSIONS), np.float32)
        places = order[bounds[done] : bounds[done + len(block)]]
        made[places, : block.shape[1]] = block[own[places] - done]
        done += len(block)
        seen(done)
    return made


def without_duplicates(
    cases: Sequence[Subject],
    rows: Floats,
    epsilon: float,
    engine: Engine,
    seen: Callable[[int], None] = lambda _: None,
    *,
    done: Finished = NOTHING,
) -> Found:
    """Look for duplicates within every stratum; the order of the cases has no say."""
    names: dict[str, str] = {}
    strata = [names.setdefault(one, one) for one in (signature(one.chain, one.offered) for one in cases)]
    epsilons = sorted({*CURVE, epsilon})
    look = partial(_stood, rows, epsilons=epsilons, taken=epsilons.index(epsilon), engine=engine, seen=seen)
    stands, dropped = done.arrays("duplicates", lambda: look(_members(cases, strata)))
    likeness = np.ones(len(cases), np.float32)
    for places in np.split(np.arange(len(cases)), range(_BLOCK, len(cases), _BLOCK)):
        likeness[places] = np.einsum("ij,ij->i", rows[places], rows[stands[places]])
    return Found(rows, strata, stands, likeness, epsilon, dict(zip(epsilons, dropped.tolist(), strict=True)))


def _stood(
    rows: Floats,
    members: Sequence[Integers],
    *,
    epsilons: Sequence[float],
    taken: int,
    engine: Engine,
    seen: Callable[[int], None],
) -> tuple[Integers, Integers]:
    """Return who stands for each row at the ε that is taken, and how many are dropped at each."""
    groups = value_groups(rows) if epsilons[-1] < APART else np.zeros(len(rows), np.int64)
    parcels = _parcels(rows, groups, members, engine)
    stands, dropped = np.arange(len(rows)), np.zeros(len(epsilons), np.int64)
    done = 0
    for parcel, found in zip(parcels, engine.map(partial(_looked, rows, groups, epsilons), parcels), strict=True):
        for (mine, _), each in zip(parcel, found, strict=True):
            dropped += [int((one != mine).sum()) for one in each]
            stands[mine] = each[taken]
            done += len(mine)
        seen(done)
    return stands, dropped


def _members(cases: Sequence[Subject], strata: Sequence[str]) -> list[Integers]:
    """Return the places of each stratum that has two at least, in an order that chance decides."""
    names = [f"{one.suite}/{one.case.id}" for one in cases]
    places: dict[str, list[int]] = defaultdict(list)
    for place in sorted(range(len(cases)), key=lambda place: (rank(names[place], 0), names[place])):
        places[strata[place]].append(place)
    return [np.array(places[stratum]) for stratum in sorted(places) if len(places[stratum]) > 1]


def _parcels(
    rows: Floats, groups: Integers, members: Sequence[Integers], engine: Engine
) -> list[list[tuple[Integers, Order | None]]]:
    """Return strata by the parcel: large ones alone, with the clusters that every ε needs, small ones together."""
    clustered = [len(mine) > EXACT and np.bincount(groups[mine]).max() > EXACT for mine in members]
    large = sorted((mine for mine, yes in zip(members, clustered, strict=True) if yes), key=len, reverse=True)
    parcels: list[list[tuple[Integers, Order | None]]] = [
        [(mine, order)]
        for mine, order in zip(large, engine.map(partial(_in_clusters, rows, EXACT), large), strict=True)
    ]
    small: list[tuple[Integers, Order | None]] = [
        (mine, None) for mine, yes in zip(members, clustered, strict=True) if not yes
    ]
    taken = np.cumsum([len(mine) for mine, _ in small]) // _PARCEL
    parcels += [[small[at] for at in np.flatnonzero(taken == number)] for number in np.unique(taken)]
    return parcels


def _in_clusters(rows: Floats, exact: int, members: Integers) -> Order:
    return ordered(rows[members], exact)


def _looked(
    rows: Floats, groups: Integers, epsilons: Sequence[float], parcel: Sequence[tuple[Integers, Order | None]]
) -> list[list[Integers]]:
    """Return who stands for the members of each stratum of a parcel, at every ε."""
    found = ((members, among(rows, members, epsilons, order, groups[members])) for members, order in parcel)
    return [[members[one] for one in each] for members, each in found]
