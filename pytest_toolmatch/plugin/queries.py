"""``queries()``: cases from a file, as a parametrised fixture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.errors import ConfigError, ToolmatchError
from pytest_toolmatch.suites.cases import case_of, read_cases
from pytest_toolmatch.suites.forms import CaseForm

if TYPE_CHECKING:
    from collections.abc import Iterable


class QueriesError(pytest.Collector.CollectError):
    """A fault in what ``queries()`` was given."""


def queries(source: str | Path | Iterable[str | Case]) -> Any:
    """Return a fixture that is parametrised by cases; a test asks for it by the name it is assigned to.

    Args:
        source: a JSON Lines file, relative to the module that calls this, or the queries themselves.

    The ids of the cases are the ids of the tests. A fault in the file is a collection error of one line.
    """
    caller = Path(sys._getframe(1).f_globals.get("__file__", ""))  # noqa: SLF001 - paths are relative to the test file
    try:
        cases = _cases(source, caller)
    except ToolmatchError as error:
        raise QueriesError(str(error)) from None

    # In a class it is a method, and gets the instance first.
    def query(*_: Any, request: pytest.FixtureRequest) -> Any:
        return request.param

    return pytest.fixture(params=cases, ids=[case.id for case in cases])(query)


def refuse_as_values(metafunc: pytest.Metafunc) -> None:
    """Refuse ``parametrize("query", queries(…))``: what ``queries()`` returns is a fixture, and no list of values."""
    fixture = type(pytest.fixture(lambda: None))
    for mark in metafunc.definition.iter_markers("parametrize"):
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs.get("argvalues")
        if isinstance(values, fixture):
            name = mark.args[0] if mark.args else mark.kwargs.get("argnames")
            raise QueriesError(
                f"{metafunc.definition.path}: {metafunc.function.__name__}: parametrize({name!r}, …) got a fixture; "
                f"leave the mark out and write: {name} = queries(…)"
            )


def _cases(source: str | Path | Iterable[str | Case], caller: Path) -> tuple[Case, ...]:
    if isinstance(source, str | Path):
        cases = read_cases(caller.parent / source, f"{caller}: queries()")
        if not cases:
            raise ConfigError(f"{caller}: queries(): no cases in {caller.parent / source}; a suite needs at least one")
        return cases
    return _given(source, caller)


def _given(source: Iterable[str | Case], caller: Path) -> tuple[Case, ...]:
    cases: dict[str, Case] = {}
    for one in source:
        case = _case(one, str(caller))
        if case.id in cases:
            raise ConfigError(f"{caller}: queries(): a second case {case.id!r}; give one another id")
        cases[case.id] = case
    if not cases:
        raise ConfigError(f"{caller}: queries(): no queries are given; a suite needs at least one")
    return tuple(cases.values())


def _case(one: str | Case, where: str) -> Case:
    if isinstance(one, Case):
        return one
    if not isinstance(one, str):
        raise ConfigError(f"{where}: queries(): {one!r} is neither text nor a Case")
    return case_of(CaseForm(query=one), where)
