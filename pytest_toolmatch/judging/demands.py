"""What a suite may ask for: the faults of its rules that no type tells, each with the key that it stands under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import SuiteError, ToolmatchError
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.judging.overrides import override_key
from pytest_toolmatch.judging.paths import unknown_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    every = on_offer(suite)
    if every and rules.effect and not any(tool.effect == rules.effect for tool in every):
        how = "give tools theirs with @tool(effect=…), or under 'effects' in a suite file"
        yield "effect", f"effect is {rules.effect}, but no tool has that effect; {how}"
    for name, paths in rules.overrides.items():
        yield from _of_overrides(name, paths, every)
    if suite.student:
        yield from ((f"student.{key}", f"student: {fault}") for key, fault in suite.student.faults(every))
    if suite.split and not suite.split.sound:
        yield "split", "split: test and validation are shares above 0 that leave some cases to train on"


def on_offer(suite: Suite) -> tuple[Tool, ...]:
    """Return the tools of a suite and those of its cases, of which several may have one name."""
    return (*suite.tools, *(tool for case in suite.cases for tool in case.tools or ()))


def without_effect(suite: Suite) -> tuple[str, ...]:
    """Return the tools whose calls are not compared for want of an effect, where only those with one are."""
    unstated = (tool.name for tool in on_offer(suite) if tool.effect is None)
    return tuple(dict.fromkeys(unstated)) if suite.rules.effect else ()


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


def _of_overrides(name: str, paths: Mapping[str, Override], tools: Sequence[Tool]) -> Iterator[tuple[str, str]]:
    for path, override in paths.items():
        if fault := unknown_place(name, path, tools):
            yield "overrides", fault
        try:
            override_key(override, f"{name}.{path}")
        except ToolmatchError as error:
            yield "overrides", str(error)
