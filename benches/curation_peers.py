"""Others that look for near-duplicates, on the same made-up requests and rows of the same embedder.

semhash 0.5 (``pip install semhash``) is given our embedder, since its own model is downloaded. NeMo-Curator's stages
need CUDA (cudf, cupy, cuml); its algorithm is SemDeDup as published, which is written down here from its description.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import tabulate
from curation_cases import TUNED, Made, World, made
from curation_held_out import HELD_OUT

from pytest_toolmatch.curating.embedders import embedder_of
from pytest_toolmatch.curation.clusters import clustered
from pytest_toolmatch.curation.embedding import beside, embedded, phrased, value_rows
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.curation.semdedup import deduplicated
from pytest_toolmatch.curation.strata import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.curation.embedding import Floats

    Stands = NDArray[np.int64]
    Way = Callable[[Sequence[Made], Floats, float], Stands]

SETS = 3
_GRID = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


def ours(requests: Sequence[Made], _: Floats, epsilon: float) -> Stands:
    """Strata, masks and values: what ``toolmatch curate`` does."""
    texts, chains = [one.text for one in requests], [one.chain for one in requests]
    rows = beside(embedded(embedder_of("hashed"), phrased(texts, chains)), value_rows(chains), texts)
    strata: dict[str, list[int]] = {}
    for place, one in enumerate(requests):
        strata.setdefault(signature(one.chain), []).append(place)
    stands = np.arange(len(requests))
    for members in map(np.array, strata.values()):
        stands[members] = members[deduplicated(rows[members], epsilon)]
    return stands


def published(_: Sequence[Made], rows: Floats, epsilon: float) -> Stands:
    """SemDeDup as NeMo-Curator has it: in its cluster, a row goes that is near to any farther from the centre."""
    found = clustered(rows, round(len(rows) ** 0.5))
    typical = np.einsum("ij,ij->i", rows, found.centres[found.own])
    stands = np.arange(len(rows))
    for cluster in np.unique(found.own):
        members = np.flatnonzero(found.own == cluster)
        members = members[np.argsort(typical[members], kind="stable")]
        likeness = np.tril(rows[members] @ rows[members].T, -1)
        near = likeness.max(1) >= 1 - epsilon
        stands[members[near]] = members[likeness.argmax(1)[near]]
    return stands


def semhash(requests: Sequence[Made], rows: Floats, epsilon: float) -> Stands:
    """Nearest neighbours by USearch, over a threshold."""
    from semhash import SemHash  # noqa: PLC0415 - may be absent

    records = [{"text": one.text, "place": place} for place, one in enumerate(requests)]
    index = SemHash.from_embeddings(rows, records, model=None, columns=["text"])
    stands = np.arange(len(requests))
    for one in index.self_deduplicate(threshold=1 - epsilon).filtered:
        stands[one.record["place"]] = one.duplicate_of["place"]
    return stands


WAYS: dict[str, tuple[Way, float | None]] = {
    "ours": (ours, embedder_of("hashed").epsilon),
    "semhash at its default": (semhash, 0.1),
    "semhash at its best": (semhash, None),
    "SemDeDup as published, at its best": (published, None),
}


def peers() -> None:
    """Duplicates that were put in, and seconds for 20,000 requests."""
    there = {name: way for name, way in WAYS.items() if way[0] is not semhash or find_spec("semhash")}
    table = [
        [where, "calls" if calls else "no call", name, *_mean(way, epsilon, world, calls=calls)]
        for where, world in (("chosen on", TUNED), ("held out", HELD_OUT))
        for calls in (True, False)
        for name, (way, epsilon) in there.items()
    ]
    print(f"\nOthers on planted duplicates: {SETS} × 2,000 made-up requests. They see texts; ours sees calls, too;")
    print("'best' is the ε of the best F1 on these very sets\n")
    print(
        tabulate.tabulate(table, ("templates", "requests", "how", "ε", "precision", "recall", "kept"), floatfmt=".3f")
    )
    requests = made(random.Random(3), 20_000)  # noqa: S311
    rows = _text_rows(requests)
    took = [(name, _seconds(way, requests, rows, epsilon or 0.1)) for name, (way, epsilon) in there.items()]
    print(f"\n20,000 requests, embedding included in ours: {', '.join(f'{name} {took:.1f} s' for name, took in took)}")
    print(f"semhash: {version('semhash') if find_spec('semhash') else 'not installed'}, with our embedder")
    print("nemo_curator: not run; its stages import cudf and cuml, and take CUDA tensors only")


def _seconds(way: Way, requests: Sequence[Made], rows: Floats, epsilon: float) -> float:
    start = time.perf_counter()
    way(requests, rows, epsilon)
    return time.perf_counter() - start


def _text_rows(requests: Sequence[Made]) -> Floats:
    return embedded(Hashed(damped=1), [one.text for one in requests])


def _mean(way: Way, epsilon: float | None, world: World, *, calls: bool) -> list[float]:
    sets = [made(random.Random(seed), 2000, calls=calls, world=world) for seed in range(SETS)]  # noqa: S311
    rows = [_text_rows(one) for one in sets]
    tried = {
        one: [
            fmean(column)
            for column in zip(
                *(_scored(few, way(few, its, one)) for few, its in zip(sets, rows, strict=True)), strict=True
            )
        ]
        for one in ([epsilon] if epsilon else _GRID)
    }
    best = max(tried, key=lambda one: 2 * tried[one][0] * tried[one][1] / (sum(tried[one][:2]) or 1))
    return [best, *tried[best]]


def _scored(requests: Sequence[Made], stands: Stands) -> list[float]:
    """Return precision and recall of what is dropped, and the share of distinct requests that is kept."""
    dropped = np.flatnonzero(stands != np.arange(len(stands))).tolist()
    right = sum(requests[one].same == requests[stands[one]].same for one in dropped)
    distinct = len(Counter(one.same for one in requests))
    kept = {one.same for place, one in enumerate(requests) if stands[place] == place}
    return [right / max(1, len(dropped)), right / (len(requests) - distinct), len(kept) / distinct]


SECTIONS: dict[str, Any] = {"peers": peers}
