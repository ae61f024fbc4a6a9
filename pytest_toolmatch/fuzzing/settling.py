"""From a suspect to a finding: borne out, made small, and compared when it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.fuzzing.comparing import Compared, expected, of_teacher, teacher_keeps
from pytest_toolmatch.fuzzing.cutting import size_of
from pytest_toolmatch.fuzzing.pool import side_by_side
from pytest_toolmatch.fuzzing.screening import LOOKS, Shown, pinned
from pytest_toolmatch.fuzzing.shrinking import TRIES, Shrinker
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Variant
from pytest_toolmatch.statistics.drops import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.trial import Trial

_OBSTINATE = -math.log(36)
"""Log-likelihood at which a step is given up for good: after a draw or so more than at first."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What a suspect came to: the ``smallest`` variant that keeps its drop, or none; and all that were ``compared``."""

    suspect: Variant
    smallest: Shown | None = None
    compared: tuple[Shown, ...] = ()

    @property
    def left(self) -> float:
        """The share of its words that is left in the smallest variant."""
        return size_of(self.smallest.compared.variant)[0] / size_of(self.suspect)[0] if self.smallest else 0.0


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """A suspect that draws bear out ``after`` those of its look; or one that the teacher does not keep up with."""

    suspect: Variant
    after: Tally = Tally()
    broken: Shown | None = None


def examined(suspect: Variant, scorer: Scorer, before: Tally) -> Trial[tuple[Examined, ...]]:
    """Return what of a suspect is borne out: each relation alone, where it has several; ``before`` is the parent's.

    What the teacher does not keep up with says nothing against the student.
    """
    found = (yield from pinned(suspect, scorer, before)) if suspect.parts else (suspect,)
    borne_out = yield from side_by_side([_borne_out(one, scorer, before) for one in found])
    return tuple(one for one in borne_out if one.after.draws or one.broken)


def _borne_out(suspect: Variant, scorer: Scorer, before: Tally) -> Trial[Examined]:
    (samples, _) = yield (Ask(suspect, "teacher", 1), Ask(suspect, "student", LOOKS + 1))
    chain = yield from expected(suspect, scorer)
    if chain is None:
        return Examined(suspect=suspect)
    if not all(scorer.hits(suspect, chain, samples)):
        teacher = yield from of_teacher(suspect, chain, scorer)
        if not teacher_keeps(teacher):
            unclear = Compared(variant=suspect, state="unclear", chain=chain)
            return Examined(suspect=suspect, broken=Shown(compared=unclear, teacher=teacher))
    return Examined(suspect=suspect, after=(yield from Shrinker(suspect, scorer, before, LOOKS).confirmed(chain)))


def settled(
    found: Examined, scorer: Scorer, before: Tally, *, needed: Callable[[], float], hurried: Callable[[], bool]
) -> Trial[Settled]:
    """Make a suspect small, then compare the smallest with its parent, until a drop is shown by ``needed`` nats.

    ``before`` is what is known of the parent. Once ``hurried``, nothing smaller is tried.
    """
    suspect, shrinker = (
        found.suspect,
        Shrinker(found.suspect, scorer, before, LOOKS + found.after.draws, found.after.rate, hurried=hurried),
    )
    tried: list[Shown] = []
    while shrinker.kept:
        if len(tried) < TRIES:
            yield from shrinker.shrink()
        tried.append((yield from shrinker.again(needed())))
        if tried[-1].lower and tried[-1].teacher_keeps:
            return Settled(suspect=suspect, smallest=tried[-1], compared=tuple(tried))
        yield from shrinker.back(all_the_way=len(tried) >= TRIES)
    return Settled(suspect=suspect, compared=tuple(tried))


def smaller(
    found: Settled, scorer: Scorer, before: Tally, *, needed: float, hurried: Callable[[], bool]
) -> Trial[Settled]:
    """Try once more to make a finding smaller: what luck or a hurry has kept may go by more draws."""
    assert found.smallest
    last = found.smallest.compared
    shrinker = Shrinker(
        last.variant,
        scorer,
        before,
        last.skipped + last.after.draws,
        last.after.rate,
        hurried=hurried,
        doubtful=_OBSTINATE,
    )
    shrinker.drawn[last.variant.parent.id] = last.skipped_parent + last.before.draws
    yield from shrinker.shrink()
    if len(shrinker.kept) == 1:
        return found
    shown = yield from shrinker.again(needed)
    smallest = shown if shown.lower and shown.teacher_keeps else found.smallest
    return msgspec.structs.replace(found, smallest=smallest, compared=(*found.compared, shown))
