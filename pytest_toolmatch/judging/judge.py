"""From the samples of one case to its result."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Chain, names_of, select_calls
from pytest_toolmatch.judging.agreement import Agreement, agreement
from pytest_toolmatch.judging.conduct import conduct
from pytest_toolmatch.judging.divergence import Funnel, divergence, funnel_level
from pytest_toolmatch.judging.levels import UNMATCHABLE, Classes
from pytest_toolmatch.judging.measures import Measure
from pytest_toolmatch.judging.verdict import CaseResult, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.validation import ArgumentValidator
    from pytest_toolmatch.judging.matching import Matcher


class Judge:
    """Judges the cases of one suite that share their tools.

    ``wanted`` is the share of the student's samples that must match for a case to agree.
    """

    def __init__(self, suite: str, matcher: Matcher, validator: ArgumentValidator, *, wanted: float) -> None:
        self.suite = suite
        self.matcher = matcher
        self.validator = validator
        self.wanted = wanted
        self._effects = {tool.name: tool.effect for tool in matcher.tools}

    def judge(self, case: Case, teacher: Sequence[Sample], student: Sequence[Sample]) -> CaseResult:
        """Judge one case by all of its samples, infrastructure failures among them."""
        facts = self._facts(case, teacher, student)
        valid_teacher, valid_student = _valid(teacher), _valid(student)
        facts |= {"teacher_samples": len(valid_teacher), "student_samples": len(valid_student)}
        for model, samples, valid in (("teacher", teacher, valid_teacher), ("student", student, valid_student)):
            if not valid:
                return CaseResult(**facts, state="error", reason=_no_sample(model, samples))
        return self._compare(facts, valid_teacher, valid_student)

    def _facts(self, case: Case, teacher: Sequence[Sample], student: Sequence[Sample]) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "case": case.id,
            "query": case.query,
            "tags": case.tags,
            "where": case.where,
            "wanted": self.wanted,
            "teacher_outcomes": dict(Counter(sample.outcome for sample in teacher)),
            "student_outcomes": dict(Counter(sample.outcome for sample in student)),
        }

    def _compare(self, facts: dict[str, Any], teacher: list[Sample], student: list[Sample]) -> CaseResult:
        judged_teacher, judged_student = self._judged(teacher), self._judged(student)
        classes = Classes(self.matcher, judged_teacher, judged_student)
        found = agreement(classes, self.matcher.rules)
        facts["measures"] = {
            **found.measures,
            **conduct(student, self.validator),
            "ambiguous": Measure(float(found.consensus is None), draws=1.0),
        }
        facts["ceilings"] = {**found.ceilings, **conduct(teacher, self.validator)}
        facts["latencies"] = tuple(sample.latency for sample in student if sample.latency is not None)
        facts |= self._shown(classes, found, judged_teacher, judged_student)
        return CaseResult(**facts, **self._state(found, facts))

    def _judged(self, samples: list[Sample]) -> list[Sample]:
        """Return the samples with only the calls that the rules compare."""
        effect = self.matcher.rules.effect
        if effect is None:
            return samples
        return [
            msgspec.structs.replace(
                sample, chain=select_calls(sample.chain, lambda call: self._effects.get(call.name) == effect)
            )
            for sample in samples
        ]

    def _state(self, found: Agreement, facts: dict[str, Any]) -> dict[str, Any]:
        match = found.measures.get("chain_match")
        if match is None:
            return {"state": "ambiguous", "reason": _disagreement(found, facts)}
        return {"state": "agrees"} if match.value >= self.wanted else {"state": "diverges", "reason": _reason(facts)}

    def _shown(
        self, classes: Classes, found: Agreement, teacher: list[Sample], student: list[Sample]
    ) -> dict[str, Any]:
        leading = found.leading
        reference = classes.chains[leading.chosen] if leading else None
        if leading is None or reference is None:
            return {}
        said = _text_of(classes.teacher, teacher, leading.chosen)
        shown: dict[str, Any] = {"consensus": Shown(reference, leading.support, leading.of, said)}
        if "chain_match" not in found.measures:
            return shown
        shown["tools"] = tuple(dict.fromkeys(names_of(reference)))
        return shown | self._parted(classes, found.parted, reference, student)

    def _parted(
        self, classes: Classes, parted: frozenset[int], reference: Chain, student: list[Sample]
    ) -> dict[str, Any]:
        """Return how the student's samples part from the reference: counted by level, the most common one in full."""
        diverging = Counter(index for index in classes.student if index in parted)
        if not diverging:
            return {}
        levels: Counter[Funnel] = Counter()
        for index, count in diverging.items():
            levels[funnel_level(classes.chains[index] or (), reference, self.matcher)] += count
        index, count = min(diverging.items(), key=lambda item: (-item[1], classes.rank(item[0])))
        chain = classes.chains[index] or ()
        return {
            "levels": dict(levels),
            "diverging": Shown(chain, count, len(student), _text_of(classes.student, student, index)),
            "divergence": divergence(chain, reference, self.matcher, self.validator),
        }


def _disagreement(found: Agreement, facts: dict[str, Any]) -> str:
    if found.leading is None:
        return f"the teacher has no usable sample: {_unusable(facts['teacher_outcomes'])}"
    return f"teacher agrees with itself in {found.leading.support} of {found.leading.of} samples"


def _reason(facts: dict[str, Any]) -> str:
    """Say why a case diverges: by what became of most of its samples that do not match."""
    parted, outcomes = facts.get("divergence"), facts["student_outcomes"]
    if parted and sum(facts["levels"].values()) >= sum(outcomes.get(outcome, 0) for outcome in UNMATCHABLE):
        return f"step {parted.step}: {parted.reason}"
    return _unusable(outcomes) or "the teacher's own samples differ"


def _unusable(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()) if outcome in UNMATCHABLE)


def _valid(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.valid]


def _no_sample(model: str, samples: Sequence[Sample]) -> str:
    if not samples:
        return f"no sample of the {model}"
    errors = Counter(sample.error or "no reason given" for sample in samples)
    return f"no valid sample of the {model}: {len(samples)} × infrastructure ({errors.most_common(1)[0][0]})"


def _text_of(indices: Sequence[int], samples: Sequence[Sample], index: int) -> str:
    return next(sample.text for place, sample in zip(indices, samples, strict=True) if place == index)
