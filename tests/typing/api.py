"""The public names as a type checker sees them. Never run: ``mypy`` reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import pytest
from hypothesis.strategies import SearchStrategy

from pytest_toolmatch import (
    Call,
    Case,
    Matcher,
    Tool,
    ToolmatchError,
    ToolmatchWarning,
    Verdict,
    matches,
    queries,
    tool,
)
from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.fuzzing import Variant, rephrasings
from pytest_toolmatch.plugin.fixture import Toolmatch


@tool
def bare(origin: str, seats: int = 1) -> list[str]:
    """Find flights."""
    return [origin] * seats


@tool(effect="read")
def with_effect(origin: str) -> str:
    """Find flights."""
    return origin


@tool(name="book", description="Book a flight.", effect="write", reply={"id": 7})
def with_everything(flight: int) -> None:
    """Book."""


def unknown_effect() -> None:
    tool(effect="execute")  # type: ignore[call-overload]
    tool("search")  # type: ignore[call-overload]


assert_type(bare, Tool)
assert_type(with_effect, Tool)
assert_type(with_everything, Tool)
assert_type(bare.name, str)
assert_type(bare.parameters, dict[str, Any] | None)

by_hand = Tool(name="search", description="Find.", parameters={"type": "object"}, effect="read", reply=[1])
Tool("search")  # type: ignore[call-arg]
Tool(name="search", effect="execute")  # type: ignore[arg-type]
by_hand.name = "other"  # type: ignore[misc]

call = Call("search", {"origin": "OSL"})
assert_type(call.name, str)
chain = ((call, Call("search")), (Call("book", {"flight": 7}),))

case = case_of_query("To Rome, please.", id="rome", tags=("flights",))
assert_type(case, Case)
assert_type(case.id, str)
assert_type(case.query, str)
assert_type(case.tags, tuple[str, ...])
assert_type(case.tools, tuple[Tool, ...] | None)

assert_type(rephrasings(case), SearchStrategy[Variant])
rephrasings("To Rome, please.", relations=["typos"], tools=[by_hand, bare], chain=chain)
rephrasings(7)  # type: ignore[arg-type]

query = queries("flights.jsonl")
query = queries(Path("flights.jsonl"))
query = queries(["To Rome, please.", case])
query = queries(["To Rome, please.", "To Oslo, please."])
queries(7)  # type: ignore[arg-type]

assert_type(matches(chain, [[{"name": "search"}]], tools=[by_hand, bare]), bool)
assert_type(matches("[]", "[]", tools=[{"name": "search"}], mode="names", arguments="json"), bool)
matches(chain, chain)
matches(chain, chain, mode="exact")  # type: ignore[arg-type]
matches(chain, chain, arguments="loose")  # type: ignore[arg-type]

matcher = Matcher([by_hand], mode="strict")
assert_type(matcher.matches(chain, chain), bool)
assert_type(matcher.matches(chain, chain, mode="names"), bool)
assert_type(matcher.equal(call, call), bool)


def test_flights(toolmatch: Toolmatch, query: Case) -> None:
    assert toolmatch(query)
    assert toolmatch("To Rome, please.").chain_match >= 0.9
    verdict = toolmatch(query)
    assert_type(verdict, Verdict)
    assert_type(verdict.chain_match, float)
    assert_type(verdict.argument_validity, float)
    assert_type(bool(verdict), bool)
    assert verdict.state in ("agrees", "ambiguous")
    assert_type(verdict.result.case, str)
    assert_type(verdict.result.value("chain_match"), float | None)
    toolmatch(7)  # type: ignore[arg-type]


def test_errors(error: ToolmatchError) -> None:
    assert_type(str(error), str)
    with pytest.warns(ToolmatchWarning), pytest.raises(ToolmatchError):
        raise error
