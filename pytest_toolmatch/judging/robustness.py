"""How often a student still matches where its prompts are changed, relation by relation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from pytest_toolmatch.judging.metrics import Estimate
from pytest_toolmatch.statistics.drops import Tally
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.measures import Measure, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VariantState: TypeAlias = Literal["lower", "holds", "unclear", "ambiguous", "unsampled", "teacher"]
"""``lower``: the rate is shown to be lower than the parent's; ``teacher``: it is, but the teacher fails there, too."""


class VariantResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a variant of a case came to, as plain data.

    ``before`` and ``after`` count the student's draws on the parent and on the variant, ``teacher`` the teacher's on
    the variant: as many for every variant, however many more its comparison took.
    """

    suite: str
    case: str
    variant: str
    relation: str
    state: VariantState
    before: Tally = Tally()
    after: Tally = Tally()
    teacher: Tally = Tally()


class Robustness(msgspec.Struct, frozen=True, kw_only=True):
    """One relation of a suite: on how many ``variants`` of how many ``cases`` the student was looked at.

    ``match`` is its rate on the variants, ``parents`` that on the cases as they are, ``teacher`` the teacher's own rate
    on the variants for which it was drawn: each case counts alike, and ``cases`` of the estimates is clustered by it.
    ``lower`` counts variants with a lower rate than the parent's, ``left_out`` those that could not be judged.
    """

    variants: int
    cases: int
    match: Estimate | None
    parents: Estimate | None
    teacher: Estimate | None
    lower: int
    left_out: int


def robustness(results: Iterable[VariantResult], confidence: float) -> dict[str, Robustness]:
    """Return the profile of one suite by relation, those with the lowest match first."""
    groups: dict[str, list[VariantResult]] = {}
    for one in results:
        groups.setdefault(one.relation, []).append(one)
    found = {name: _of_relation(group, confidence) for name, group in groups.items()}
    return dict(sorted(found.items(), key=lambda item: (item[1].match.value if item[1].match else 2.0, item[0])))


def _of_relation(group: Sequence[VariantResult], confidence: float) -> Robustness:
    judged = [one for one in group if one.state not in ("ambiguous", "unsampled")]
    by_case: dict[str, list[VariantResult]] = {}
    for one in judged:
        by_case.setdefault(one.case, []).append(one)
    cases = by_case.values()
    return Robustness(
        variants=len(judged),
        cases=len(by_case),
        match=_estimate([[one.after for one in case] for case in cases], confidence),
        parents=_estimate([[case[0].before] for case in cases], confidence),
        teacher=_estimate([[one.teacher for one in case] for case in cases], confidence),
        lower=sum(one.state == "lower" for one in judged),
        left_out=len(group) - len(judged),
    )


def _estimate(by_case: Iterable[Sequence[Tally]], confidence: float) -> Estimate | None:
    measures = [measure for tallies in by_case if (measure := _measure(tallies))]
    if not measures:
        return None
    suite, cases = rate_intervals(measures, confidence)
    return Estimate(ratio(measures), suite, cases, len(measures))


def _measure(tallies: Sequence[Tally]) -> Measure | None:
    """Return the mean of a case's rates, with the variance of its draws; None without any."""
    drawn = [one for one in tallies if one.draws]
    if not drawn:
        return None
    noise = math.fsum(one.rate * (1 - one.rate) / max(1, one.draws - 1) for one in drawn) / len(drawn) ** 2
    return Measure(math.fsum(one.rate for one in drawn) / len(drawn), 1.0, noise, sum(one.draws for one in drawn))
