"""How a student's samples fare against its teacher's, whose own are fixed for a whole repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.divergence import Divergence, divergence
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.judging.verdict import CaseResult

_LEVELS = ("chain_match", "name_match", "tools_match", "tool_selection", "decision_match")


class Scorer:
    """Scores samples as the suite's ``reference`` says; ``teacher`` has the teacher's valid samples by case.

    Where they have no consensus, a draw scores its mean over the teacher's draws, as under ``reference: draws``.
    """

    def __init__(self, suite: Suite, teacher: Mapping[str, Sequence[Sample]]) -> None:
        self.suite = suite
        self.teacher = {case: [one for one in samples if one.valid] for case, samples in teacher.items()}
        self._judges: dict[tuple[int, bool], Judge] = {}
        self._references: dict[str, Sample | None] = {}
        self._shares: dict[str, float] = {}

    def reference(self, case: Case) -> Sample | None:
        """Return the teacher's sample that stands for the chain with the most support; None where none can."""
        if case.id not in self._references:
            self._references[case.id] = representative(self._judge(case).matcher, self.teacher.get(case.id, ()))
        return self._references[case.id]

    def agreed(self, case: Case) -> bool:
        """Say whether the teacher's samples have a consensus."""
        return self.support(case) >= self.suite.rules.min_consensus

    def support(self, case: Case) -> float:
        """Return the share of the teacher's samples that match the chain with the most support."""
        if case.id not in self._shares:
            samples, chosen = self.teacher.get(case.id, ()), self.reference(case)
            matcher = self._judge(case).matcher
            hits = [one for one in samples if chosen and matcher.matches(one.chain, chosen.chain)]
            self._shares[case.id] = len(hits) / len(samples) if samples else 0.0
        return self._shares[case.id]

    def followed(self, case: Case) -> Sample | None:
        """Return the teacher's sample that a draw follows step by step, in a suite that asks so."""
        return self.reference(case) if self.suite.rollout.mode == "next_step" else None

    def scores(self, case: Case, samples: Sequence[Sample]) -> dict[str, list[float]]:
        """Return how each valid sample fares, by match metric."""
        teacher = self.teacher.get(case.id, ())
        found = self._judge(case).scores(teacher, samples)
        if not found.get("chain_match"):
            found = self._judge(case, by_draws=True).scores(teacher, samples)
        return {name: found[name] for name in _LEVELS if name in found}

    def itself(self, case: Case) -> CaseResult:
        """Return how the teacher's samples of a case fare beside each other."""
        teacher = self.teacher.get(case.id, ())
        return self._judge(case).judge(case, teacher, teacher)

    def divergence(self, case: Case, sample: Sample) -> Divergence | None:
        """Return how a sample parts from the teacher's chain; None where it matches, or there is none."""
        chosen, judge = self.reference(case), self._judge(case)
        if chosen is None or judge.matcher.matches(sample.chain, chosen.chain):
            return None
        return divergence(sample.chain, chosen.chain, judge.matcher, judge.validator)

    def tools(self, case: Case) -> tuple[Tool, ...]:
        """Return the tools on offer in a case."""
        return self.suite.tools if case.tools is None else case.tools

    def _judge(self, case: Case, *, by_draws: bool = False) -> Judge:
        tools = self.tools(case)
        if (id(tools), by_draws) not in self._judges:
            rules = self.suite.rules
            if by_draws:
                rules = msgspec.structs.replace(rules, reference="draws")
            matcher = Matcher(tools, rules=rules)
            self._judges[id(tools), by_draws] = Judge(
                self.suite.name, matcher, ArgumentValidator(tools), wanted=self.suite.chain_match or 1.0
            )
        return self._judges[id(tools), by_draws]
