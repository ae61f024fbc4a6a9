"""How often a student calls what its teacher calls, on cases that it was not trained on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.pocket.draws import Draws
from pytest_toolmatch.providers.pocket import Provider
from pytest_toolmatch.recorded.replies import KnownReplies
from pytest_toolmatch.sampling.forced import roll_forced
from pytest_toolmatch.sampling.rollout import roll_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from pytest_toolmatch.core.sample import Sample, SampleRole
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.pocket.model import PocketModel
    from pytest_toolmatch.recorded.reading import Recorded

_WANTED = 0.8


class Drawing(NamedTuple):
    """How a student is drawn from: at a temperature, so often for each case."""

    temperature: float
    draws: int
    seed: int = 0


def judged(model: PocketModel, cases: Sequence[Recorded], drawing: Drawing) -> list[CaseResult]:
    """Return what each case comes to under its suite's rules, with the recorded samples as the teacher's."""
    drawn = samples_of(model, cases, drawing)
    return [_judge(one).judge(one.case, one.samples, samples) for one, samples in zip(cases, drawn, strict=True)]


def samples_of(
    model: PocketModel, cases: Sequence[Recorded], drawing: Drawing, role: SampleRole = "student"
) -> list[list[Sample]]:
    """Return the draws of a model on each case, as a run of its suite would make them; no tool is run."""
    provider = Provider(Draws(model), "pocket")

    async def drawn() -> list[list[Sample]]:
        try:
            return [await asyncio.gather(*_rollouts(provider, case, drawing, role)) for case in cases]
        finally:
            await provider.aclose()

    return asyncio.run(drawn())


def _rollouts(provider: Provider, one: Recorded, drawing: Drawing, role: SampleRole) -> list[Awaitable[Sample]]:
    settings = {"temperature": drawing.temperature, "seed": drawing.seed}
    # One name for all students: the same draw of each has the same seed.
    plan = Plan(one.suite, Model(provider="pocket", name="student", settings=settings))
    requests = [plan.request(one.case, role, draw) for draw in range(drawing.draws)]
    answer, case = KnownReplies(one).answer, one.case.id
    if one.suite.rollout.mode == "next_step" and role == "student":
        followed = representative(Matcher(one.tools, rules=one.suite.rules), one.samples)
        if followed:
            return [roll_forced(case, request, followed, provider.complete, answer) for request in requests]
    return [roll_out(case, request, provider.complete, answer) for request in requests]


def _judge(one: Recorded) -> Judge:
    matcher = Matcher(one.tools, rules=one.suite.rules)
    return Judge(one.suite.name, matcher, ArgumentValidator(one.tools), wanted=one.suite.chain_match or _WANTED)
