"""A case of a suite that says ``fuzz``: its variants judged all at once, and the smallest that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.fuzzing.comparing import FIRST, prepared
from pytest_toolmatch.fuzzing.pool import side_by_side
from pytest_toolmatch.fuzzing.profile import BESIDE
from pytest_toolmatch.fuzzing.screening import Shown, beside_teacher, shown
from pytest_toolmatch.fuzzing.shrinking import shrunk
from pytest_toolmatch.fuzzing.strategies import spread
from pytest_toolmatch.fuzzing.trial import Ask

if TYPE_CHECKING:
    from pytest_toolmatch.core.fuzz import Fuzz
    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.trial import Trial
    from pytest_toolmatch.fuzzing.variant import Variant


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """What a case came to: every variant, and the ``smallest`` on which only the student fails.

    There are no variants where the teacher has no consensus on the case.
    """

    case: Case
    shown: tuple[Shown, ...] = ()
    smallest: Shown | None = None


def marked(case: Case, scorer: Scorer, fuzz: Fuzz, *, needed: float) -> Trial[Marked]:
    """Fuzz a case: judge each of its variants by ``needed`` nats of evidence, and shrink one that fails."""
    subject = yield from prepared(case, scorer)
    if subject is None:
        return Marked(case=case)
    variants = spread(subject, fuzz.relations, fuzz.examples)
    found = yield from side_by_side([_beside(one, scorer, needed) for one in variants])
    failing = [one for one in found if one.lower and one.teacher_keeps]
    if not failing:
        return Marked(case=case, shown=tuple(found))
    return Marked(case=case, shown=tuple(found), smallest=(yield from smallest(min(failing, key=_size), scorer)))


def smallest(found: Shown, scorer: Scorer) -> Trial[Shown]:
    """Return the smallest variant on which the student still fails, and the teacher does not."""
    return (yield from beside_teacher((yield from shrunk(found.compared, scorer)), scorer))


def _size(one: Shown) -> tuple[int, int, str]:
    variant = one.compared.variant
    return len(variant.edits), len(variant.query), variant.id


def _beside(variant: Variant, scorer: Scorer, needed: float) -> Trial[Shown]:
    """Judge a variant, and have the teacher drawn on it for the profile."""
    if variant.must != "teacher":
        yield (Ask(variant, "teacher", BESIDE), Ask(variant, "student", FIRST))
    return (yield from shown(variant, scorer, needed=needed))
