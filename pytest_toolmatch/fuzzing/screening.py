"""From a variant to a finding: a first look, then a comparison where that looks bad, and what the teacher does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from pytest_toolmatch.fuzzing.comparing import Compared, compared, expected, of_teacher, teacher_keeps
from pytest_toolmatch.fuzzing.pool import side_by_side
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Variant
from pytest_toolmatch.statistics.drops import Tally

if TYPE_CHECKING:
    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.trial import Trial

LOOKS = 3
"""Draws of a first look that goes on after a first miss."""

_SUSPECT = 0.4
"""By how much the rate of a first look has to be lower than the parent's for a variant to be compared."""

_USUAL = Tally(9, 10)
"""How often a student matches on a case that it is fuzzed around, as if it had been drawn before."""

Fault = Literal["", "ambiguous", "unsampled"]


class Screened(msgspec.Struct, frozen=True, kw_only=True):
    """A first look at a variant: whether its first draw matched, and whether it is ``suspect``.

    ``fault`` says why it tells nothing of the student: the teacher has no consensus, or no sample came back.
    ``teacher`` counts what the teacher was drawn for beside it.
    """

    variant: Variant
    hit: bool = False
    suspect: bool = False
    teacher: Tally = Tally()
    fault: Fault = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A suspect compared with its parent; ``teacher`` counts the teacher's draws on it where it is ``lower``."""

    compared: Compared
    teacher: Tally = Tally()

    @property
    def lower(self) -> bool:
        """Whether the student's rate is lower than on the parent."""
        return self.compared.state == "lower"

    @property
    def teacher_keeps(self) -> bool:
        """Whether the teacher does what is expected; if not, the variant says nothing against the student."""
        return teacher_keeps(self.teacher)

    @property
    def teacher_breaks(self) -> bool:
        """Whether the teacher was asked, and does not."""
        return self.teacher.draws > 0 and not self.teacher_keeps


def screened(variant: Variant, scorer: Scorer, before: Tally, *, beside: bool = False) -> Trial[Screened]:
    """Look at one draw of the student, after a miss at two more; ``before`` is what is known of the parent.

    ``beside`` draws the teacher once, too, for the profile.
    """
    chain = yield from expected(variant, scorer)
    if chain is None:
        return Screened(variant=variant, fault="ambiguous")
    asked = (Ask(variant, "student", 1), Ask(variant, "teacher", 1))
    told = yield asked[: 1 + beside]
    teacher = scorer.tally(variant, chain, told[1]) if beside else Tally()
    first = Screened(variant=variant, teacher=teacher, hit=any(scorer.hits(variant, chain, told[0])))
    if first.hit:
        return first
    (samples,) = yield (Ask(variant, "student", LOOKS),)
    tally = scorer.tally(variant, chain, samples)
    if not tally.draws:
        return msgspec.structs.replace(first, fault="unsampled")
    return msgspec.structs.replace(first, suspect=_suspect(tally, before))


def pinned(variant: Variant, scorer: Scorer, before: Tally) -> Trial[tuple[Variant, ...]]:
    """Return which of the relations of a suspect it is, each alone; all together where it is none of them alone.

    None at all where more draws speak for the student. Each is looked at once, and those that do well again where all
    of them do: one draw in ten may be luck.
    """
    for draws in (1, 2):
        looks = yield from side_by_side([_look(one, scorer, before, draws) for one in variant.alone()])
        if found := tuple(one for one, suspect in looks if suspect):
            return found
        if not (yield from _look(variant, scorer, before, LOOKS + draws))[1]:
            return ()
    return (variant,)


def _look(variant: Variant, scorer: Scorer, before: Tally, draws: int) -> Trial[tuple[Variant, bool]]:
    """Say whether a variant is suspect: not where the last of so many draws matches, else by two more."""
    chain = variant.expected or ()
    (samples,) = yield (Ask(variant, "student", draws),)
    if all(scorer.hits(variant, chain, samples[-1:])):
        return variant, False
    (samples,) = yield (Ask(variant, "student", draws + LOOKS - 1),)
    return variant, _suspect(scorer.tally(variant, chain, samples), before)


def _suspect(tally: Tally, before: Tally) -> bool:
    return tally.draws > 0 and tally.rate < usual(before) - _SUSPECT


def usual(before: Tally) -> float:
    """Return a student's rate on a parent as it is to be expected, where it has few draws: more or less ``_USUAL``."""
    return (before.matches + _USUAL.matches) / (before.draws + _USUAL.draws)


def shown(variant: Variant, scorer: Scorer, *, needed: float) -> Trial[Shown]:
    """Compare a variant with its parent, and ask the teacher where it is lower."""
    return (yield from beside_teacher((yield from compared(variant, scorer, needed=needed)), scorer))


def beside_teacher(found: Compared, scorer: Scorer) -> Trial[Shown]:
    """Return a comparison, with what the teacher does on the variant where the student's rate is lower."""
    if found.state != "lower" or found.chain is None:
        return Shown(compared=found)
    return Shown(compared=found, teacher=(yield from of_teacher(found.variant, found.chain, scorer)))


def needed_for(compared_so_far: int, lower_so_far: int, confidence: float) -> float:
    """Return the evidence that a comparison should show; at the end e-BH looks at all of them together.

    Where most comparisons show something, it asks little of each; twice that leaves room for those that will not.
    """
    return math.log(2 * (compared_so_far + 1) / (lower_so_far + 1) / (1 - confidence))
