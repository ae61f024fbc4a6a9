"""Variants in tests: judged beside their parents, by draws of their suite's run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_toolmatch.core.errors import BudgetSpent
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.plugin.verdicts import fail, leave_out

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.fuzz import Fuzz
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.fuzzing.marked import Marked
    from pytest_toolmatch.fuzzing.pool import Running
    from pytest_toolmatch.fuzzing.screening import Shown
    from pytest_toolmatch.fuzzing.trial import Ask
    from pytest_toolmatch.fuzzing.variant import Subject, Variant
    from pytest_toolmatch.harness import SuiteRun
    from pytest_toolmatch.judging.robustness import VariantResult

FACED = pytest.StashKey[list["VariantResult"]]()
"""In an item's stash: what the variants of its test came to."""

FAILING = pytest.StashKey[CaseResult]()
"""In an item's stash: the latest variant that was shown to fail, which at a test's end is the smallest."""


class Fuzzer:
    """Judges the variants of one suite's cases; the same prompt is judged once, and its verdict stands."""

    def __init__(self, run: SuiteRun) -> None:
        from pytest_toolmatch.fuzzing import require_hypothesis  # noqa: PLC0415 - only tests that fuzz need it

        require_hypothesis()
        from pytest_toolmatch.fuzzing.drawn import Drawn  # noqa: PLC0415
        from pytest_toolmatch.fuzzing.pool import Pool  # noqa: PLC0415
        from pytest_toolmatch.fuzzing.scoring import Scorer  # noqa: PLC0415

        self.run = run
        self.scorer = Scorer(run.suite)
        self._source = Drawn(run, apart=True)
        self._pool = Pool(self._source)
        self._subjects: dict[str, Subject | None] = {}
        self._shown: dict[tuple[str, float], Shown] = {}
        self._marked: dict[str, Running[Marked]] = {}

    def allow_gaps(self, allowed: bool) -> None:
        """Say whether what a replay finds unrecorded is no sample at all, or an error."""
        self._source.gaps = allowed

    def judged(self, variants: Iterable[Variant], needed: float) -> list[Shown]:
        """Judge variants side by side, by ``needed`` nats of evidence each; raises what keeps them from being sampled.

        BudgetSpent where the budget ends before it is known what they come to.
        """
        from pytest_toolmatch.fuzzing.screening import shown  # noqa: PLC0415

        variants = list(variants)
        self._prepare([one.subject for one in variants])
        running = {}
        for one in variants:
            whole = self._completed(one)
            if (one.id, needed) in self._shown or one.id in running:
                continue
            if whole is None:
                self._shown[one.id, needed] = _unjudged(one)
            else:
                running[one.id] = self._pool.start(shown(whole, self.scorer, needed=needed))
        self._finish(running.values())
        self._shown |= {(name, needed): one.result for name, one in running.items() if one.result}
        return [self._shown[one.id, needed] for one in variants]

    def marked(self, case: Case, fuzz: Fuzz, needed: float, others: Sequence[Case] = ()) -> Marked:
        """Fuzz a case as its suite says; ``others`` are those whose turn comes later, and which are drawn meanwhile."""
        from pytest_toolmatch.fuzzing.marked import marked  # noqa: PLC0415

        for one in (case, *(others if self.run.session else ())):
            if one.id not in self._marked:
                self._marked[one.id] = self._pool.start(marked(one, self.scorer, fuzz, needed=needed))
        running = self._marked[case.id]
        self._finish([running])
        assert running.result
        return running.result

    def lacking(self, case: Case) -> str:
        """Say what the teacher's samples of a case lack to be a reference: nothing where they agree."""
        valid = [one for one in self.samples_of(case) if one.valid]
        reference = self.scorer.reference(case, valid)
        return "" if reference else f"the teacher does not agree with itself in its {len(valid)} samples"

    def samples_of(self, case: Case) -> list[Sample]:
        """Return the teacher's samples that a subject is prepared by."""
        from pytest_toolmatch.fuzzing.comparing import TEACHER_DRAWS  # noqa: PLC0415
        from pytest_toolmatch.fuzzing.trial import Ask  # noqa: PLC0415

        return self._source.samples(Ask(case, "teacher", TEACHER_DRAWS))

    def facts(self, shown: Shown, *, beside: bool) -> VariantResult:
        """Return what a variant came to, for the report; ``beside``: the teacher was drawn on it, too."""
        from pytest_toolmatch.fuzzing.profile import variant_result  # noqa: PLC0415

        return variant_result(shown, self.scorer, self._samples, beside=beside)

    def smallest(self, found: Shown) -> Shown:
        """Return the smallest variant that fails like the one that was found."""
        from pytest_toolmatch.fuzzing.marked import smallest  # noqa: PLC0415

        running = self._pool.start(smallest(found, self.scorer))
        self._finish([running])
        return running.result or found

    def result(self, shown: Shown) -> CaseResult:
        """Return a variant's result as that of a case: what was expected beside what the student did."""
        from pytest_toolmatch.fuzzing.trial import Ask  # noqa: PLC0415

        found = shown.compared
        assert found.chain is not None
        variant, before, after = found.variant, found.before, found.after
        drawn = self._samples(Ask(variant, "student", found.skipped + after.draws))
        judged = self.scorer.result(variant, found.chain, [one for one in drawn if one.draw >= found.skipped])
        reason = (
            f"{variant.relation}{_beside(variant)}: {after.matches} of {after.draws} samples match here, "
            f"{before.matches} of {before.draws} on {variant.parent.query!r}"
        )
        if not (shown.lower and shown.teacher_keeps):
            return msgspec.structs.replace(judged, state="agrees", reason="", wanted=None)
        if judged.consensus:
            count, of = shown.teacher
            judged = msgspec.structs.replace(
                judged, consensus=msgspec.structs.replace(judged.consensus, count=count, of=of)
            )
        return msgspec.structs.replace(judged, state="diverges", reason=reason, wanted=None)

    def _prepare(self, subjects: Iterable[Subject]) -> None:
        """Learn what the teacher does in the cases that are fuzzed."""
        from pytest_toolmatch.fuzzing.comparing import prepared  # noqa: PLC0415

        missing = {one.case.id: one for one in subjects if one.case.id not in self._subjects}
        running = {}
        for name, known in missing.items():
            if known.chain is None:
                running[name] = self._pool.start(prepared(known.case, self.scorer))
            else:
                suite, own = self.run.suite, known.case.tools
                tools = suite.tools if own is None else own
                self._subjects[name] = msgspec.structs.replace(known, tools=tools, overrides=suite.rules.overrides)
        self._finish(running.values())
        self._subjects |= {name: one.result for name, one in running.items()}

    def _completed(self, variant: Variant) -> Variant | None:
        """Return a variant with what its suite knows of its subject; None where the teacher has no consensus."""
        from pytest_toolmatch.fuzzing.variant import made  # noqa: PLC0415

        subject = self._subjects[variant.subject.case.id]
        return None if subject is None else made(subject, variant.relation, variant.must, variant.edits, variant.cuts)

    def _finish(self, running: Iterable[Running[Any]]) -> None:
        waited = list(running)
        if not waited:
            return
        try:
            self._pool.finish(*waited)
        except BaseException:
            self._pool.stop()
            self._marked.clear()
            raise
        if any(one.stopped for one in waited):
            raise BudgetSpent("the budget is spent before it is known what the variants come to")

    def _samples(self, asked: Ask) -> list[Sample]:
        return self._source.samples(asked)


def forget(item: pytest.Item) -> None:
    """Leave nothing of an earlier run of a test: it may be run again."""
    item.stash[FACED] = []
    if FAILING in item.stash:
        del item.stash[FAILING]


def _beside(variant: Variant) -> str:
    """Say what was changed beside the query, where that was."""
    changed = variant.told.removeprefix(variant.query).strip()
    return f" {changed}" if changed else ""


def needed_nats(tests: int, confidence: float) -> float:
    """Return the evidence that one of so many comparisons has to show, in nats (Bonferroni)."""
    return math.log(max(1, tests) / (1 - confidence))


def is_judged(shown: Shown) -> bool:
    """Say whether a variant says something of the student."""
    lost = shown.compared.state in ("ambiguous", "unsampled")
    return not lost and (shown.teacher_keeps or not shown.lower)


def require_judged(fuzzer: Fuzzer, case: Case, shown: Collection[Shown]) -> None:
    """End a test's setup where no variant of a case can be judged: in an error, or where the teacher can't tell."""
    if any(map(is_judged, shown)):
        return
    teacher = fuzzer.samples_of(case)
    if not any(one.valid for one in teacher):
        fail(f"{case.id}: no valid sample of the teacher ({_errors(teacher)})")
    if any(one.compared.state == "unsampled" for one in shown):
        fail(f"{case.id}: no valid sample of the student on any of {len(shown)} variants, or on the case itself")
    why = fuzzer.lacking(case) or f"the teacher fails, or does not agree with itself, on all {len(shown)} variants"
    if fuzzer.run.settings.ambiguous == "fail":
        fail(f"{case.id}: {why}")
    leave_out(f"{case.id}: {why}")


def _errors(samples: Iterable[Sample]) -> str:
    return "; ".join(sorted({one.error or "no reason given" for one in samples})) or "none was drawn"


def _unjudged(variant: Variant) -> Shown:
    from pytest_toolmatch.fuzzing.comparing import Compared  # noqa: PLC0415
    from pytest_toolmatch.fuzzing.screening import Shown  # noqa: PLC0415

    return Shown(compared=Compared(variant=variant, state="ambiguous"))
