"""Case results made by the real judge out of a few samples."""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.sample import Refusal, Sample, outcome_of
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.family import Family
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.reports.report import Report, Terms, run_report

SEARCH = Tool(
    name="search_flights",
    parameters={
        "type": "object",
        "properties": {
            "origin": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "destination": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "date": {"type": "string", "format": "date"},
        },
        "required": ["origin", "destination", "date"],
    },
    effect="read",
)
BOOK = Tool(
    name="book_flight",
    parameters={"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
    effect="write",
)
WEATHER = Tool(name="get_weather", effect="read")
TOOLS = (SEARCH, BOOK, WEATHER)
QUERY = "Book me the cheapest flight from Oslo to Rome on Friday."


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def search(destination: str = "FCO") -> dict[str, Any]:
    return call("search_flights", origin="OSL", destination=destination, date="2026-11-27")


RIGHT = [[search()], [call("book_flight", id=7)]]
WRONG = [[search("Rome")], [call("get_weather", city="Rome")]]


def sample(steps: Any = (), *, role: str = "student", draw: int = 0, **changes: Any) -> Sample:
    chain = chain_of(list(steps))
    fields: dict[str, Any] = {"case": "cheapest", "role": role, "draw": draw, "chain": chain, **changes}
    return Sample(**{"outcome": outcome_of(chain), **fields})


def samples(*groups: tuple[int, Any], role: str = "student", **changes: Any) -> list[Sample]:
    """Return ``count`` samples of each ``(count, steps)``."""
    chains = [steps for count, steps in groups for _ in range(count)]
    return [sample(steps, role=role, draw=draw, **changes) for draw, steps in enumerate(chains)]


def lost(outcome: str, *, draw: int = 90) -> Sample:
    error = "503" if outcome == "infrastructure" else ""
    return Sample(case="cheapest", role="student", draw=draw, outcome=outcome, error=error)  # type: ignore[arg-type]


def refusal() -> Refusal:
    return Refusal(chain_of([[search("Rome")]])[0][0], "schema_violation")


def judged(
    teacher: list[Sample],
    student: list[Sample],
    *,
    case: str = "cheapest",
    suite: str = "flights",
    query: str = QUERY,
    tools: tuple[Tool, ...] = TOOLS,
    wanted: float = 0.8,
    tags: tuple[str, ...] = (),
    **rules: Any,
) -> CaseResult:
    judge = Judge(suite, Matcher(tools, rules=Rules(**rules)), ArgumentValidator(tools), wanted=wanted)
    return judge.judge(Case(id=case, conversation=user(query), tags=tags), teacher, student)


def agreeing(case: str, suite: str = "flights", *, draws: int = 8) -> CaseResult:
    teacher = samples((draws, RIGHT), role="teacher")
    return judged(teacher, samples((draws, RIGHT), latency=1.5), case=case, suite=suite)


def diverging(case: str = "cheapest", suite: str = "flights") -> CaseResult:
    teacher = samples((7, RIGHT), (1, [[search()]]), role="teacher", text="Booked flight 7.")
    student = [
        *samples((3, RIGHT), (2, []), latency=0.5),
        *samples((5, WRONG), text="It is sunny in Rome.", latency=2.0),
    ]
    return judged(teacher, [*student, lost("truncated"), lost("infrastructure")], case=case, suite=suite)


def undecided(case: str = "unlucky", suite: str = "flights", *, among: int = 1) -> CaseResult:
    teacher = samples((8, RIGHT), role="teacher")
    result = judged(teacher, samples((3, RIGHT), (2, WRONG)), case=case, suite=suite)
    family = Family(0.95)
    family.add(result)
    return family.settled(result, among - 1)


def ambiguous(case: str = "late-checkout", suite: str = "flights") -> CaseResult:
    teacher = samples((3, RIGHT), (2, WRONG), (2, [[search()]]), (1, []), role="teacher")
    return judged(teacher, samples((8, RIGHT)), case=case, suite=suite)


def failed(case: str = "broken", suite: str = "flights") -> CaseResult:
    return judged(samples((8, RIGHT), role="teacher"), [lost("infrastructure")] * 3, case=case, suite=suite)


def report(
    *results: CaseResult, gates: tuple[str, ...] = (), student: str = "local:qwen3-4b", **changes: Any
) -> Report:
    suites: dict[str, tuple[list[CaseResult], Terms]] = {}
    for result in results:
        suites.setdefault(result.suite, ([], Terms(gates=gates, **changes)))[0].append(result)
    return run_report(suites, teacher="claude-opus-4-5", student=student, mode="replay", confidence=0.95)


def mixed() -> Report:
    """Return a report with a case of every kind, of two suites."""
    return report(
        *[agreeing(f"easy-{number}") for number in range(5)],
        diverging(),
        ambiguous(),
        failed(),
        agreeing("room", "hotels"),
        agreeing("breakfast", "hotels"),
        gates=("chain_match >= 0.90", "argument_validity >= 0.5"),
    )
