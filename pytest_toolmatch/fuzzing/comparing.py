"""Is the student's match rate lower on a variant than on its parent? Decided while draws come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Subject, Variant
from pytest_toolmatch.statistics.drops import WORTH, Tally, evidence, hopeless

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.trial import Trial

TEACHER_DRAWS = 5
"""Draws of the teacher where only it can say what is right."""

AGREED = 3
"""Draws of the teacher that will do where all of them say the same."""

PARENT_DRAWS = 20
"""Draws of the student on a parent at most: all its variants are compared with the same ones."""

FIRST = 3
"""Draws of a variant before anything is looked at."""

_MORE = 2

_MANY = 4
"""Draws that show a parent for what it is."""

ComparedState: TypeAlias = Literal["lower", "holds", "unclear", "ambiguous", "unsampled"]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant came to beside its parent: tallies of the student's draws, and the evidence in nats of a drop.

    ``chain`` is what was expected of the variant; None where the teacher has no consensus (``ambiguous``).
    ``unsampled``: no valid sample came back. ``skipped`` draws of the variant were looked at before, and don't count;
    nor do ``skipped_parent`` of its parent.
    """

    variant: Variant
    state: ComparedState
    before: Tally = Tally()
    after: Tally = Tally()
    evidence: float = 0.0
    chain: Chain | None = None
    skipped: int = 0
    skipped_parent: int = 0


def prepared(case: Case, scorer: Scorer, draws: int = TEACHER_DRAWS) -> Trial[Subject | None]:
    """Return a case as a subject, with the chain of the teacher's consensus; None where it has none."""
    reference = yield from _reference(case, scorer, draws)
    if reference is None:
        return None
    return Subject(
        case=case,
        tools=scorer.suite.tools if case.tools is None else case.tools,
        chain=reference.chain,
        replies=reference.replies,
        overrides=scorer.suite.rules.overrides,
    )


def expected(variant: Variant, scorer: Scorer) -> Trial[Chain | None]:
    """Return the chain that is expected of a variant, from the teacher where only it can say; None without one."""
    if variant.must != "teacher":
        return variant.expected
    reference = yield from _reference(variant, scorer, TEACHER_DRAWS)
    return reference.chain if reference else None


def _reference(case: Case, scorer: Scorer, draws: int) -> Trial[Sample | None]:
    """Return the teacher's sample that stands for its consensus, by few draws where all of them say the same."""
    (samples,) = yield (Ask(case, "teacher", min(AGREED, draws)),)
    reference = scorer.reference(case, samples)
    if reference is None or not all(scorer.hits(case, reference.chain, samples)):
        (samples,) = yield (Ask(case, "teacher", draws),)
        reference = scorer.reference(case, samples)
    return reference


def compared(
    variant: Variant,
    scorer: Scorer,
    *,
    needed: float,
    most: int = 24,
    skip: int = 0,
    skip_parent: int = 0,
    sparing: bool = False,
) -> Trial[Compared]:
    """Compare a variant with its parent until a drop is shown by ``needed`` nats, or not to be expected any more.

    ``most`` draws of the variant are made at most, beyond the first ``skip``, which were looked at before, as were the
    first ``skip_parent`` of the parent. ``sparing`` adds one draw at a time to each, where the parent's serve no other
    variant. The subject of the variant has its chain.
    """
    chain = yield from expected(variant, scorer)
    if chain is None:
        return Compared(variant=variant, state="ambiguous")
    parent, wanted = variant.parent, _chain_of_parent(variant)
    before, after, draws = Tally(), Tally(), FIRST
    while True:
        of_parent = min(PARENT_DRAWS, draws + 1 if sparing else PARENT_DRAWS // 4 * (1 + (draws - FIRST) // _MORE))
        told = yield (Ask(parent, "student", skip_parent + of_parent), Ask(variant, "student", skip + draws))
        before = scorer.tally(parent, wanted, [one for one in told[0] if one.draw >= skip_parent])
        after = scorer.tally(variant, chain, [one for one in told[1] if one.draw >= skip])
        found = Compared(
            variant=variant,
            state="unclear",
            before=before,
            after=after,
            evidence=evidence(before, after),
            chain=chain,
            skipped=skip,
            skipped_parent=skip_parent,
        )
        if not before.draws or not after.draws:
            return msgspec.structs.replace(found, state="unsampled")
        if found.evidence >= needed and before.rate - after.rate >= WORTH:
            return msgspec.structs.replace(found, state="lower")
        if sparing and before.draws > _MANY and before.rate < 2 * WORTH:
            return found  # a parent that was taken for a good one by luck
        if hopeless(before, after):
            return msgspec.structs.replace(found, state="holds")
        if draws >= most:
            return found
        draws = min(most, draws + (1 if sparing else _MORE))


def _chain_of_parent(variant: Variant) -> Chain:
    chain = variant.subject.chain
    assert chain is not None, "a subject is prepared before its variants are compared"
    return chain


def of_teacher(variant: Variant, chain: Chain, scorer: Scorer) -> Trial[Tally]:
    """Count how often the teacher does what is expected of a variant, which only it can say of some."""
    (samples,) = yield (Ask(variant, "teacher", AGREED),)
    tally = scorer.tally(variant, chain, samples)
    if 0 < tally.matches < tally.draws:
        (samples,) = yield (Ask(variant, "teacher", TEACHER_DRAWS),)
    return scorer.tally(variant, chain, samples)


def teacher_keeps(teacher: Tally) -> bool:
    """Say whether the teacher does what is expected; if not, a variant says nothing against the student."""
    return 2 * teacher.matches > teacher.draws
