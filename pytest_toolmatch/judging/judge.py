"""From the samples of one case to its result."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Chain, names_of, select_calls
from pytest_toolmatch.judging.agreement import Agreement, Measured, agreement, scores
from pytest_toolmatch.judging.conduct import Counts, conduct
from pytest_toolmatch.judging.divergence import Divergence, Funnel, divergence, funnel_level
from pytest_toolmatch.judging.levels import LEVELS, Classes, comparable
from pytest_toolmatch.judging.troubles import ended_in, lost_in, named, refused_in
from pytest_toolmatch.judging.verdict import CaseResult, Shown
from pytest_toolmatch.statistics.measures import Measure

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
        self._known: dict[Any, Measured] = {}
        self._effects = {tool.name: tool.effect for tool in matcher.tools}

    def judge(self, case: Case, teacher: Sequence[Sample], student: Sequence[Sample]) -> CaseResult:
        """Judge one case by all of its samples, infrastructure failures among them.

        The same list on both sides is a teacher alone: each of its samples is compared with the others.
        A case below ``wanted`` diverges as far as its share goes: whether that is shown, its family settles.
        """
        facts = self._facts(case, teacher, student)
        valid_teacher, valid_student = _valid(teacher), _valid(student)
        facts |= {"teacher_samples": len(valid_teacher), "student_samples": len(valid_student)}
        for model, samples, valid in (("teacher", teacher, valid_teacher), ("student", student, valid_student)):
            if not valid:
                return CaseResult(**facts, state="error", reason=_no_sample(model, samples))
        return self._compare(facts, valid_teacher, valid_student, alone=student is teacher)

    def scores(self, teacher: Sequence[Sample], student: Sequence[Sample]) -> dict[str, list[float]]:
        """Return how each valid sample of the student fares against the reference that the teacher's make.

        By match metric; and under ``latency`` the seconds that each took.
        """
        valid = _valid(student)
        seconds = [sample.latency for sample in valid if sample.latency is not None]
        if not valid or not (reference := _valid(teacher)):
            return {}
        classes = Classes(self.matcher, reference, valid, self.part).merged(LEVELS[0])
        return scores(classes, self.matcher.rules) | {"latency": seconds}

    def part(self, chain: Chain) -> Chain:
        """Return the chain with only the calls that the rules compare."""
        effect = self.matcher.rules.effect
        return chain if effect is None else select_calls(chain, lambda call: self._effects.get(call.name) == effect)

    def _facts(self, case: Case, teacher: Sequence[Sample], student: Sequence[Sample]) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "case": case.id,
            "query": case.query,
            "tags": case.tags,
            "where": case.where,
            "wanted": self.wanted,
            **({} if case.weight == 1 else {"weight": case.weight}),
            **({"stratum": case.stratum} if case.stratum else {}),
            "teacher_outcomes": _tally(teacher),
            "student_outcomes": _tally(student),
            "lost": lost_in(teacher if student is teacher else (*teacher, *student)),
        }

    def _compare(
        self, facts: dict[str, Any], teacher: list[Sample], student: list[Sample], *, alone: bool
    ) -> CaseResult:
        textual = Classes(self.matcher, teacher, student, self.part)
        classes = textual.merged(LEVELS[0])
        found = agreement(classes, self.matcher.rules, alone=alone, known=self._known)
        if any(sample.alternative for sample in teacher):
            found = found.against_answers()
        else:
            found.measures["ambiguous"] = Measure(float(found.consensus is None), draws=1.0)
        # Under an effect, equal parts may belong to different chains.
        whole, counts = self.matcher.rules.effect is None, dict[Any, Counts]()
        facts["measures"] = found.measures | conduct(
            student, self.validator, textual.student if whole else None, counts
        )
        facts["ceilings"] = found.ceilings | conduct(
            teacher, self.validator, textual.teacher if whole else None, counts
        )
        facts["latencies"] = tuple(sample.latency for sample in student if sample.latency is not None)
        facts["unusable"] = _tally([sample for sample in student if not comparable(sample)])
        facts |= {"refused": refused_in(student), "ended": ended_in(student)}
        facts |= self._shown(classes, found, teacher, student)
        return CaseResult(**facts, **self._state(found, facts))

    def _state(self, found: Agreement, facts: dict[str, Any]) -> dict[str, Any]:
        match = found.measures.get("chain_match")
        if match is None and found.consensus and len(found.ceilings) == 0:
            return {"state": "undecided", "reason": "one sample of the teacher, and no other to compare it with"}
        if match is None:
            return {"state": "ambiguous", "reason": _disagreement(found, facts)}
        return {"state": "agrees"} if match.value >= self.wanted else self._diverges(found, facts)

    def _diverges(self, found: Agreement, facts: dict[str, Any]) -> dict[str, Any]:
        least, leading = self.matcher.rules.min_support, found.leading
        alone = self.matcher.rules.reference == "any" and leading is not None and leading.support < least
        unsupported = f"no chain of the teacher has the support of {least} samples that min_support asks for"
        return {"state": "diverges", "reason": _reason(facts, unsupported if alone else "")}

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
        agrees = found.measures["chain_match"].value >= self.wanted
        return shown | self._parted(classes, found.parted, reference, student, agrees=agrees)

    def _parted(
        self, classes: Classes, parted: frozenset[int], reference: Chain, student: list[Sample], *, agrees: bool
    ) -> dict[str, Any]:
        """Return how the student's samples part from the reference: counted by level, the most common one in full.

        Where the case agrees all the same, nobody is shown the calls side by side.
        """
        diverging = Counter(index for index in classes.student if index in parted)
        if not diverging:
            return {}
        levels: Counter[Funnel] = Counter()
        for index, count in diverging.items():
            levels[funnel_level(classes.chains[index] or (), reference, self.matcher)] += count
        index, count = min(diverging.items(), key=lambda item: (-item[1], classes.rank(item[0])))
        chain = classes.chains[index] or ()
        alike = [sample for place, sample in zip(classes.student, student, strict=True) if place == index]
        return {
            "levels": dict(levels),
            "diverging": Shown(chain, count, len(student), alike[0].text),
            "divergence": None if agrees else self._divergence(chain, reference, alike),
        }

    def _divergence(self, chain: Chain, reference: Chain, samples: Sequence[Sample]) -> Divergence | None:
        """Compare a chain with the reference; the reason says, too, what kept most of its samples from going on.

        None for a chain that matches it: that chain is no reference, for want of support.
        """
        if self.matcher.matches(chain, reference):
            return None
        found = divergence(chain, reference, self.matcher, self.validator)
        refused = [sample for sample in samples if sample.refusals]
        if not any(sample.chain for sample in samples) and len(refused) * 2 > len(samples):
            return msgspec.structs.replace(found, reason=f"no valid call, {named(refused_in(refused))}")
        if sum(sample.outcome == "truncated" for sample in samples) * 2 > len(samples):
            return msgspec.structs.replace(found, reason=f"{found.reason}, cut off")
        return found


def _disagreement(found: Agreement, facts: dict[str, Any]) -> str:
    if found.leading is None:
        return f"the teacher has no usable sample: {_counted(facts['teacher_outcomes'])}"
    return f"teacher agrees with itself in {found.leading.support} of {found.leading.of} samples"


def _reason(facts: dict[str, Any], unsupported: str) -> str:
    """Say why a case diverges: by what became of most of its samples that do not match.

    ``unsupported`` says why no chain could match, where none could.
    """
    parted, unusable = facts.get("divergence"), facts["unusable"]
    if sum(facts.get("levels", {}).values()) >= sum(unusable.values()):
        if unsupported:
            return unsupported
        if parted:
            return f"step {parted.step}: {parted.reason}"
    if facts["refused"] and unusable.get("invalid"):
        return f"{_counted(unusable)}, {named(facts['refused'])}"
    return _counted(unusable) or "the teacher's own samples differ"


def _tally(samples: Sequence[Sample]) -> dict[str, int]:
    found: dict[str, int] = {}
    for sample in samples:
        found[sample.outcome] = found.get(sample.outcome, 0) + 1
    return found


def _counted(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))


def _valid(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.valid]


def _no_sample(model: str, samples: Sequence[Sample]) -> str:
    if not samples:
        return f"no sample of the {model}"
    errors = Counter(sample.error or "no reason given" for sample in samples)
    return f"no valid sample of the {model}: {len(samples)} × infrastructure ({errors.most_common(1)[0][0]})"


def _text_of(indices: Sequence[int], samples: Sequence[Sample], index: int) -> str:
    return next(sample.text for place, sample in zip(indices, samples, strict=True) if place == index)
