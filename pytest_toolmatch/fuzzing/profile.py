"""What variants came to, for reports: by as many draws of each, so that no rate depends on when drawing stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.fuzzing.comparing import FIRST, PARENT_DRAWS, TEACHER_DRAWS
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.judging.robustness import VariantResult, VariantState
from pytest_toolmatch.statistics.drops import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.screening import Shown


BESIDE = 1
"""Draws of the teacher on a variant for the profile."""


def variant_result(
    shown: Shown, scorer: Scorer, samples: Callable[[Ask], list[Sample]], *, beside: bool
) -> VariantResult:
    """Return what a variant came to.

    ``samples`` gives draws that were made already; ``beside`` says that the teacher was drawn on every variant.
    """
    found = shown.compared
    variant = found.variant
    state: VariantState = found.state if shown.teacher_keeps or found.state != "lower" else "teacher"
    before = after = teacher = Tally()
    if found.chain is not None and found.state != "unsampled":
        assert variant.subject.chain is not None
        parent = samples(Ask(variant.parent, "student", PARENT_DRAWS // 2))
        before = scorer.tally(variant.parent, variant.subject.chain, parent)
        after = scorer.tally(variant, found.chain, samples(Ask(variant, "student", FIRST)))
        of_teacher = TEACHER_DRAWS if variant.must == "teacher" else BESIDE * beside
        if of_teacher:
            teacher = scorer.tally(variant, found.chain, samples(Ask(variant, "teacher", of_teacher)))
    return VariantResult(
        suite=scorer.suite.name,
        case=variant.subject.case.id,
        variant=variant.id,
        relation=variant.relation,
        state=state,
        before=before,
        after=after,
        teacher=teacher,
    )
