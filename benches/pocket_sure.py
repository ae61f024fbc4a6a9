"""For ``pocket.py``: does a student's confidence tell what matches its teacher from what does not?

Both models answer the example suites, with their tools run, as ``make demo`` has it; a sample of the student is right
when it matches the teacher's consensus under the rules of its suite.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.pocket.draws import Draws
from pytest_toolmatch.pocket.model import open_model
from pytest_toolmatch.providers.pocket import Provider
from pytest_toolmatch.sampling.replies import Replies
from pytest_toolmatch.sampling.rollout import roll_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.core.sample import Sample, SampleRole
    from pytest_toolmatch.core.suite import Suite

DRAWS = 10
KEPT = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
RESAMPLED = 400


class Sure(NamedTuple):
    """The samples of one case: how sure the student was of each, and whether it matched."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]


def print_confidences(student: str, teacher: str) -> None:
    """Print how well confidence separates, and the risk at some coverages, with 95 % intervals over cases."""
    cases = list(answered(student, teacher))
    one = together(cases)
    low, high = resampled(cases, auroc)
    print(f"confidence of {student} against the consensus of {teacher}, on the example suites")
    print(f"   {len(one.right)} samples of {len(cases)} cases; {np.mean(one.right):.1%} match")
    print(f"   AUROC {auroc(one):.3f} ({low:.3f}–{high:.3f})")
    for share in KEPT:
        low, high = resampled(cases, lambda some, share=share: risk(some, share))  # type: ignore[misc]
        print(f"   coverage {share:4.0%}  risk {risk(one, share):5.1%} ({low:.1%}–{high:.1%})")


def answered(student: str, teacher: str) -> Iterator[Sure]:
    """Yield the cases of the example suites in which the teacher has a consensus."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the suites are no part of the package
    from suites.scripted.record import example_suites  # noqa: PLC0415

    for suite in example_suites():
        drawn = [samples(suite, teacher, "teacher"), samples(suite, student, "student")]
        for case, ours, theirs in zip(suite.cases, drawn[1], drawn[0], strict=True):
            tools = suite.tools if case.tools is None else case.tools
            judge = Judge(suite.name, Matcher(tools, rules=suite.rules), ArgumentValidator(tools), wanted=0.8)
            right = judge.scores(theirs, ours).get("chain_match")
            if right:
                yield Sure(np.array([sample.confidence for sample in ours]), np.array(right) == 1)


def samples(suite: Suite, name: str, role: SampleRole) -> list[list[Sample]]:
    """Return the draws of a model on each case."""
    provider = Provider(Draws(open_model(name)), f"pocket:{name}")
    plan = Plan(suite, Model(provider="pocket", name=name))

    async def drawn() -> list[list[Sample]]:
        found = []
        for case in suite.cases:
            answer = Replies().answerer(suite.tools if case.tools is None else case.tools)
            requests = [plan.request(case, role, draw) for draw in range(DRAWS)]
            rolled = [roll_out(case.id, request, provider.complete, answer) for request in requests]
            found.append(list(await asyncio.gather(*rolled)))
        await provider.aclose()
        return found

    return asyncio.run(drawn())


def together(cases: Sequence[Sure]) -> Sure:
    """Return all samples of some cases."""
    return Sure(*(np.concatenate(column) for column in zip(*cases, strict=True)))


def auroc(some: Sure) -> float:
    """Return how often a sample that is right is surer than one that is wrong; equally sure counts for half."""
    right, wrong = some.confidence[some.right], some.confidence[~some.right]
    if not len(right) or not len(wrong):
        return float("nan")
    return float(np.mean(np.sign(right[:, None] - wrong) + 1) / 2)


def risk(some: Sure, share: float) -> float:
    """Return the share of mismatches among so large a share of the samples, the surest ones; ties are kept whole."""
    least = np.sort(some.confidence)[::-1][max(1, round(share * len(some.confidence))) - 1]
    return float(np.mean(~some.right[some.confidence >= least]))


def resampled(cases: Sequence[Sure], figure: Callable[[Sure], float]) -> tuple[float, float]:
    """Return the 95 % interval of a figure by the bootstrap over cases: draws of one case go together."""
    random = np.random.default_rng(0)
    found = [
        figure(together([cases[at] for at in random.integers(len(cases), size=len(cases))])) for _ in range(RESAMPLED)
    ]
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    print_confidences("small", "base")
