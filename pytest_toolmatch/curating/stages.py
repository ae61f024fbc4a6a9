"""The stages between reading and choosing: cases in, arrays through, one stratum after the other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.embedding import beside, embedded, phrased, value_rows
from pytest_toolmatch.curation.semdedup import CURVE, deduplicated, ordered, removal_curve
from pytest_toolmatch.curation.splits import rank
from pytest_toolmatch.curation.strata import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.curating.logged import Subject
    from pytest_toolmatch.curation.embedding import Embedder, Floats

Integers: TypeAlias = "NDArray[np.int64]"


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
    phrases = phrased(texts, chains)
    distinct = sorted(set(phrases))
    where = {text: place for place, text in enumerate(distinct)}
    rows = embedded(embedder, distinct, seen)[[where[text] for text in phrases]]
    return beside(rows, value_rows(chains), texts)


def without_duplicates(
    cases: Sequence[Subject], rows: Floats, epsilon: float, seen: Callable[[int], None] = lambda _: None
) -> Found:
    """Look for duplicates within every stratum; the order of the cases has no say."""
    strata = [signature(one.chain, one.offered) for one in cases]
    names = [f"{one.suite}/{one.case.id}" for one in cases]
    members: dict[str, list[int]] = defaultdict(list)
    for place, stratum in enumerate(strata):
        members[stratum].append(place)
    stands = np.arange(len(cases))
    curve = dict.fromkeys(sorted({*CURVE, epsilon}), 0)
    done = 0
    for stratum in sorted(members):
        mine = np.array(sorted(members[stratum], key=lambda place: (rank(names[place], 0), names[place])))
        done += len(mine)
        if len(mine) > 1:
            order = ordered(rows[mine])
            stands[mine] = mine[deduplicated(rows[mine], epsilon, order)]
            others = [one for one in curve if one != epsilon]
            for one, count in zip(others, removal_curve(rows[mine], order, others), strict=True):
                curve[one] += count
        seen(done)
    curve[epsilon] = int((stands != np.arange(len(stands))).sum())
    likeness = np.einsum("ij,ij->i", rows, rows[stands])
    return Found(rows, strata, stands, likeness, epsilon, curve)
