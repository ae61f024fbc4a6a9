"""How a student's samples fare against its teacher's, whose own are fixed for a whole repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.consensus import Agreed, consensus
from pytest_toolmatch.judging.divergence import Divergence, divergence
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.levels import LEVELS, Classes
from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
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
        self._agreed: dict[str, Agreed | None] = {}

    def reference(self, case: Case) -> Sample | None:
        """Return the teacher's sample that stands for the chain with the most support; None where none can."""
        found = self._found(case)
        return found.sample if found else None

    def agreed(self, case: Case) -> bool:
        """Say whether the teacher's samples have a consensus."""
        return self.support(case) >= self.suite.rules.min_consensus

    def support(self, case: Case) -> float:
        """Return the share of the teacher's samples that match the chain with the most support."""
        found = self._found(case)
        return found.consensus.share if found else 0.0

    def part(self, case: Case, chain: Chain) -> Chain:
        """Return the chain with only the calls that the suite compares."""
        return self._judge(case).part(chain)

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
        if chosen is None:
            return None
        ours, theirs = judge.part(sample.chain), judge.part(chosen.chain)
        if judge.matcher.matches(ours, theirs):
            return None
        return divergence(ours, theirs, judge.matcher, judge.validator)

    def tools(self, case: Case) -> tuple[Tool, ...]:
        """Return the tools on offer in a case."""
        return self.suite.tools if case.tools is None else case.tools

    def _found(self, case: Case) -> Agreed | None:
        """Return the teacher's chain with the most support, by its first sample, which is whole."""
        if case.id not in self._agreed:
            samples, judge = self.teacher.get(case.id, ()), self._judge(case)
            classes = Classes(judge.matcher, samples, (), judge.part)
            found = consensus(classes, classes.teacher, classes.matrix(LEVELS[0]))
            self._agreed[case.id] = Agreed(samples[classes.teacher.index(found.chosen)], found) if found else None
        return self._agreed[case.id]

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
