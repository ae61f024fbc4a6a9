"""What a suite may ask for: the faults of its rules that no type tells, each with the key that it stands under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import SuiteError, ToolmatchError, did_you_mean
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.judging.overrides import override_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_toolmatch.core.rules import Override, Rules
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool


def faults_of(suite: Suite) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for every demand that can't be meant.

    What needs the tools is looked at where tools are declared: those of the suite, and those of its cases.
    """
    rules = suite.rules
    yield from _out_of_range(suite)
    for gate in suite.gates:
        try:
            parse_gate(gate)
        except ToolmatchError as error:
            yield "gates", str(error)
    tools = {tool.name: tool for tool in suite.tools}
    tools |= {tool.name: tool for case in suite.cases for tool in case.tools or ()}
    if tools and rules.effect and not any(tool.effect == rules.effect for tool in tools.values()):
        how = "give tools theirs with @tool(effect=…), or under 'effects' in a suite file"
        yield "effect", f"effect is {rules.effect}, but no tool has that effect; {how}"
    for name, paths in rules.overrides.items():
        yield from _of_overrides(name, paths, tools)
    if suite.student:
        every = (*suite.tools, *(tool for case in suite.cases for tool in case.tools or ()))
        yield from ((f"student.{key}", f"student: {fault}") for key, fault in suite.student.faults(every))
    if suite.split and not suite.split.sound:
        yield "split", "split: test and validation are shares above 0 that leave some cases to train on"


def check_suite(suite: Suite) -> None:
    """Raise SuiteError for the first fault of a suite's demands."""
    for _, message in faults_of(suite):
        raise SuiteError(f"{suite.where}: {message}" if suite.where else message)


def _out_of_range(suite: Suite) -> Iterator[tuple[str, str]]:
    rules: Rules = suite.rules
    shares = {"min_consensus": rules.min_consensus, "chain_match": suite.chain_match}
    for key, share in shares.items():
        if share is not None and not 0 < share <= 1:
            yield key, f"{key} is {share:g}: it must lie above 0 and at most at 1"
    for key, least in (("max_steps", 1), ("max_retries", 0)):
        if (number := getattr(suite.rollout, key)) < least:
            yield key, f"{key} is {number}: at least {least}"
    if suite.fuzz and suite.fuzz.examples < 1:
        yield "fuzz", f"fuzz: examples is {suite.fuzz.examples}: at least 1"
    if suite.rollout.timeout <= 0:
        yield "timeout", f"timeout is {suite.rollout.timeout:g}: the seconds of a turn lie above 0"
    if rules.min_support < 1:
        yield "min_support", f"min_support is {rules.min_support}: a chain needs the support of at least 1 sample"


def _of_overrides(name: str, paths: Mapping[str, Override], tools: Mapping[str, Tool]) -> Iterator[tuple[str, str]]:
    if tools and name not in tools:
        yield "overrides", f"overrides: no tool is named {name!r}{did_you_mean(name, tools)}"
        return
    known = (tools[name].parameters or {}).get("properties") if tools else None
    for path, override in paths.items():
        first = path.split(".")[0].split("[")[0]
        if known and first not in known and (hint := did_you_mean(first, known)):
            yield "overrides", f"overrides: tool {name!r} has no argument {first!r}{hint}"
        try:
            override_key(override, f"{name}.{path}")
        except ToolmatchError as error:
            yield "overrides", str(error)
