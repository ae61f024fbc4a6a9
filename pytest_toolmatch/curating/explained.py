"""Why a case was kept or dropped, one line of JSON a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import msgspec

from pytest_toolmatch.core.errors import SuiteError, at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_toolmatch.curating.judged import Subject
    from pytest_toolmatch.curating.logged import Logs
    from pytest_toolmatch.curating.pools import Pools
    from pytest_toolmatch.curating.stages import Found

_SHOWN = 100


class Explained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a case.

    ``state`` says whether it stands for itself; a dropped one names the case that ``stands_for`` it, and how alike the
    two are (cosine). ``pool`` is what it was chosen for, ``part`` the side of the split that it is on, ``weight`` what
    it counts in the evaluation pool, ``block`` whom it shares a stratum with, ``share`` how likely it was drawn.
    ``terms`` make ``quality``.
    """

    suite: str
    id: str
    query: str
    state: Literal["kept", "dropped"]
    why: str
    stratum: str
    part: str
    family: str = ""
    pool: Literal["", "optimise", "evaluate"] = ""
    stands_for: str = ""
    likeness: float | None = None
    cluster: str = ""
    quality: float
    terms: dict[str, float]
    weight: float | None = None
    block: int | None = None
    share: float | None = None

    @classmethod
    def read(cls, path: Path) -> Iterator[Self]:
        """Yield the cases of a file; SuiteError names a line that can't be read."""
        decoder = msgspec.json.Decoder(cls)
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise SuiteError(f"{at(path, number)}: not what toolmatch curate writes: {error}") from None


def explanations(logs: Logs, cases: list[Subject], found: Found, pools: Pools) -> Iterator[Explained]:
    """Yield why each case was kept or dropped, in their order."""
    numbers: dict[str, int] = {}
    for place, one in enumerate(cases):
        other, drawn = int(found.stands[place]), pools.evaluate.get(place)
        dropped = other != place
        family = numbers.setdefault(pools.families[place], len(numbers) + 1)
        yield Explained(
            suite=logs.suites[one.suite].suite.name,
            id=one.case.id,
            query=one.text,
            state="dropped" if dropped else "kept",
            why=_why(place, found, pools),
            stratum=found.strata[place],
            part=pools.parts[place],
            family=str(family),
            pool="optimise" if place in pools.optimise else "evaluate" if drawn else "",
            stands_for=f"{logs.suites[cases[other].suite].suite.name}/{cases[other].case.id}" if dropped else "",
            likeness=round(float(found.likeness[place]), 4) if dropped else None,
            cluster=pools.clusters.get(place, ""),
            quality=round(pools.quality[place], 4),
            terms={name: round(value, 4) for name, value in pools.terms[place].items()},
            weight=drawn.weight if drawn else None,
            block=drawn.block if drawn else None,
            share=round(drawn.share, 6) if drawn else None,
        )


def _why(place: int, found: Found, pools: Pools) -> str:
    if place in pools.optimise:
        return pools.optimise[place]
    if drawn := pools.evaluate.get(place):
        return f"drawn by chance, with a probability of {drawn.share:.0%}; block {drawn.block + 1}"
    if found.stands[place] != place:
        return "a duplicate"
    if pools.parts[place] == "test":
        return "akin to a case that was held out, and not drawn"
    return "others of its cluster are better"


def explained_lines(one: Explained) -> Iterator[str]:
    """Yield what there is to say of a case."""
    where = {"optimise": ": in the optimisation pool", "evaluate": ": in the evaluation pool"}.get(one.pool, "")
    yield f"{one.suite}/{one.id}: {one.state}{where}"
    query = " ".join(one.query.split())
    yield f"  query    {query if len(query) <= _SHOWN else query[: _SHOWN - 1] + '…'}"
    if one.stands_for:
        yield f"  stands   {one.stands_for} stands for it, likeness {one.likeness:.3f}"
    yield f"  why      {one.why}"
    yield f"  stratum  {one.stratum}{f', cluster {one.cluster}' if one.cluster else ''}"
    terms = " · ".join(f"{name} {value:.2f}" for name, value in one.terms.items())
    yield f"  quality  {one.quality:.2f}: {terms}"
    if one.weight is not None:
        yield f"  weight   {one.weight:.2f} cases of the mean one"
    yield f"  part     {one.part}, family {one.family}"
