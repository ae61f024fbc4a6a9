"""Which samples do what is expected of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.fuzzing.variant import Variant
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.statistics.drops import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.judging.verdict import CaseResult


class Scorer:
    """Compares samples with chains under the rules of a suite, also where its tools have other names."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self._judges: dict[str, Judge] = {}

    def reference(self, case: Case, teacher: Sequence[Sample]) -> Sample | None:
        """Return the teacher's sample that stands for its consensus; None where its samples have none."""
        judge = self._judge(case)
        chosen = representative(judge.matcher, [sample for sample in teacher if sample.valid])
        if chosen is None:
            return None
        tally = self.tally(case, chosen.chain, teacher)
        return chosen if tally.rate >= self.suite.rules.min_consensus else None

    def hits(self, case: Case, chain: Chain, samples: Sequence[Sample]) -> list[bool]:
        """Say of each valid sample whether it matches a chain."""
        wanted = Sample(case=case.id, role="teacher", draw=0, outcome=outcome_of(chain), chain=chain)
        return [score == 1 for score in self._judge(case).scores([wanted], samples).get("chain_match", [])]

    def result(self, case: Case, chain: Chain, samples: Sequence[Sample]) -> CaseResult:
        """Judge a case by samples of the student against a chain; it agrees where all match."""
        wanted = Sample(case=case.id, role="teacher", draw=0, outcome=outcome_of(chain), chain=chain, alternative=True)
        return self._judge(case).judge(case, [wanted], samples)

    def tally(self, case: Case, chain: Chain, samples: Sequence[Sample]) -> Tally:
        """Count the valid samples that match a chain."""
        hits = self.hits(case, chain, samples)
        return Tally(sum(hits), len(hits))

    def _judge(self, case: Case) -> Judge:
        key = "" if case.tools is None else case.id
        if key not in self._judges:
            tools = self.suite.tools if case.tools is None else case.tools
            overrides = case.overrides if isinstance(case, Variant) else self.suite.rules.overrides
            # One chain is the reference, whatever the suite makes of several.
            rules = msgspec.structs.replace(
                self.suite.rules, overrides=overrides, reference="consensus", min_consensus=0.0
            )
            matcher = Matcher(tools, rules=rules)
            self._judges[key] = Judge(self.suite.name, matcher, ArgumentValidator(tools), wanted=1.0)
        return self._judges[key]
