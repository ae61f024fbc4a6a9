"""Which samples do what is expected of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.chain import names_of, select_calls
from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.fuzzing.variant import Variant
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.levels import comparable
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.statistics.drops import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.core.rules import Overrides, Rules
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.judging.verdict import CaseResult


class Scorer:
    """Compares samples with chains under the rules of a suite, also where its tools have other names."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self._matchers: dict[tuple[int, ...], tuple[Overrides, Matcher]] = {}

    def reference(self, case: Case, teacher: Sequence[Sample]) -> Sample | None:
        """Return the teacher's sample that stands for its consensus; None where its samples have none."""
        matcher = self._matcher(case, tuple(name for sample in teacher for name in names_of(sample.chain)))
        chosen = representative(matcher, [sample for sample in teacher if sample.valid])
        if chosen is None:
            return None
        tally = self.tally(case, chosen.chain, teacher)
        return chosen if tally.rate >= self.suite.rules.min_consensus else None

    def hits(self, case: Case, chain: Chain, samples: Sequence[Sample]) -> list[bool]:
        """Say of each valid sample whether it matches a chain."""
        matcher = self._matcher(case, names_of(chain))
        wanted = matcher.keyed(self._part(case, chain))
        return [
            comparable(one) and matcher.compare(matcher.keyed(self._part(case, one.chain)), wanted)
            for one in samples
            if one.valid
        ]

    def result(self, case: Case, chain: Chain, samples: Sequence[Sample]) -> CaseResult:
        """Judge a case by samples of the student against a chain; it agrees where all match."""
        wanted = Sample(case=case.id, role="teacher", draw=0, outcome=outcome_of(chain), chain=chain, alternative=True)
        tools = self._tools(case)
        # One chain is the reference, whatever the suite makes of several.
        rules = msgspec.structs.replace(self._rules(case), reference="consensus", min_consensus=0.0)
        judge = Judge(self.suite.name, Matcher(tools, rules=rules), ArgumentValidator(tools), wanted=1.0)
        return judge.judge(case, [wanted], samples)

    def tally(self, case: Case, chain: Chain, samples: Sequence[Sample]) -> Tally:
        """Count the valid samples that match a chain."""
        hits = self.hits(case, chain, samples)
        return Tally(sum(hits), len(hits))

    def _part(self, case: Case, chain: Chain) -> Chain:
        """Return the chain with only the calls that the rules compare."""
        effect = self.suite.rules.effect
        if effect is None:
            return chain
        effects = {tool.name: tool.effect for tool in self._tools(case)}
        return select_calls(chain, lambda call: effects.get(call.name) == effect)

    def _matcher(self, case: Case, names: Collection[str]) -> Matcher:
        """Return what compares with chains of calls of these tools: to compile the others' schemas takes its time."""
        tools = tuple(tool for tool in self._tools(case) if tool.name in names)
        rules = self._rules(case)
        key = (*map(id, tools), id(rules.overrides))
        if key not in self._matchers:
            self._matchers[key] = (rules.overrides, Matcher(tools, rules=rules))  # both stay, and so do their ids
        return self._matchers[key][1]

    def _tools(self, case: Case) -> tuple[Tool, ...]:
        return self.suite.tools if case.tools is None else case.tools

    def _rules(self, case: Case) -> Rules:
        own = self.suite.rules
        return msgspec.structs.replace(own, overrides=case.overrides) if isinstance(case, Variant) else own
