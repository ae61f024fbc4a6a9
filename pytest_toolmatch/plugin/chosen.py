"""What a run has chosen to judge: the cases of every suite, as far as collection knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_toolmatch.harness import two_cases
from pytest_toolmatch.plugin.run import RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from msgspec import Struct

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.harness import SuiteRun
    from pytest_toolmatch.settings import Settings

CHOSEN = pytest.StashKey[dict[int, list["Case | None"]]]()
"""In the config's stash: the cases that a run has chosen of each suite, by the identity that collection knows it by.

None stands for a test whose queries only it knows. Tests that fuzz judge no case of their suite.
"""


_ASKED = {"instructions", "student", "recordings"}
"""What of a suite makes the same query another question."""

_APART = "give the marks of one of them a suite=… of its own"

FUZZED = pytest.StashKey[dict[str, "Fuzzed"]]()
"""In the config's stash: what is fuzzed of each suite, by its name."""


class Fuzzed(NamedTuple):
    """How many tests of a suite fuzz a case of it, all in all, and the cases of those that this run has chosen."""

    tests: int
    chosen: list[Case]


def choose(
    asked: Iterable[tuple[Suite, list[Case | None]]], settings: Settings
) -> tuple[dict[str, Suite], dict[int, list[Case | None]]]:
    """Return the suites of some tests by name, and what was chosen of each, from the suite and cases of every test.

    Raises UsageError for suites or cases of one name, for suites judged by two rules, and for what can't be drawn in
    rounds.
    """
    suites: dict[str, Suite] = {}
    chosen: dict[int, list[Case | None]] = {}
    named: dict[tuple[str, str], tuple[Case, Suite]] = {}
    for suite, cases in asked:
        first = suites.setdefault(suite.name, suite)
        if suite is not first:
            _check_name(suite, first)
            _check_rules(suite, first)
        for case in filter(None, cases):
            _check_case(case, suite, *named.setdefault((suite.name, case.id), (case, suite)))
        if settings.auto:
            _check_whole(suite, first, settings)
            _check_known(suite, cases, settings)
        chosen.setdefault(id(suite), []).extend(cases)
    return suites, chosen


def expect(config: pytest.Config, run: SuiteRun, suite: Suite) -> None:
    """Tell the run of a suite, when it is made, which cases it is about to judge."""
    every, terms, awaited = config.stash[CHOSEN], config.stash[RUN].declared[suite.name], config.stash[RUN].awaited
    chosen = every.get(id(suite), [])
    names = {case.id for case in chosen if case is not None}
    run.expect(
        [case for case in chosen if case is not None],
        others=chosen.count(None),
        share=len(chosen) / max(1, sum(map(len, every.values()))),
        whole=bool(chosen) and not terms.partial and len(names) + chosen.count(None) >= len(awaited[suite.name]),
    )


def _check_name(suite: Suite, first: Suite) -> None:
    if suite.where != first.where:
        raise pytest.UsageError(
            f"two suites are named {suite.name!r}: {first.where} and {suite.where}; rename one of them"
        )


def _check_rules(suite: Suite, first: Suite) -> None:
    """Refuse two ways to judge in one suite: its figures would be of neither."""
    differing = _differing(suite.rules, first.rules) | _differing(suite.rollout, first.rollout)
    for name, (ours, theirs) in differing.items():
        if name != "timeout":
            raise pytest.UsageError(
                f"{suite.where}: tests of suite {suite.name!r} are judged with {name}={theirs!r} and with "
                f"{name}={ours!r}, and figures over both would be of neither; {_APART}, "
                "and recordings=… where they are to share the samples"
            )


def _check_case(case: Case, suite: Suite, known: Case, first: Suite) -> None:
    """Refuse two questions under one name: reports, baselines and gates would take them for one."""
    if not case.asks_as(known):
        raise pytest.UsageError(f"{suite.where}: {two_cases(case, suite)}")
    for name in () if suite is first else _differing(suite, first).keys() & _ASKED:
        raise pytest.UsageError(
            f"{suite.where}: case {case.id!r} of suite {suite.name!r} is asked with two {name}; {_APART}"
        )


def _differing(ours: Struct, theirs: Struct) -> dict[str, tuple[Any, Any]]:
    values = {name: (getattr(ours, name), getattr(theirs, name)) for name in ours.__struct_fields__}
    return {name: both for name, both in values.items() if both[0] is not both[1] and both[0] != both[1]}


def _check_whole(suite: Suite, first: Suite, settings: Settings) -> None:
    """Refuse rounds for a part of a suite: what they draw, and decide, is the suite as a whole."""
    if suite is not first:
        raise pytest.UsageError(
            f"{suite.where}: tests of suite {suite.name!r} have different toolmatch marks, and toolmatch_samples is "
            f"{settings.samples}, which draws a suite as a whole until its gates are decided; "
            "give each set of marks a name of its own with suite=…, or set a number of samples"
        )


def _check_known(suite: Suite, cases: Sequence[Case | None], settings: Settings) -> None:
    """Refuse rounds where only a test knows what it asks: nothing could be drawn for it beforehand."""
    if None in cases and (settings.gates or suite.gates):
        raise pytest.UsageError(
            f"{suite.where}: toolmatch_samples is {settings.samples}, which draws all cases of a suite until its gates "
            "are decided, and a test here asks for one by itself; let queries(…) name them, or set a number of samples"
        )
