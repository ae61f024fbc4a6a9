"""The ``toolmatch`` fixture: a module's tools, instructions and marks, made a suite."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
import pytest

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.declared import declared_tools
from pytest_toolmatch.core.errors import ConfigError, ToolmatchError, did_you_mean
from pytest_toolmatch.core.fuzz import Fuzz, FuzzForm, fuzz_of
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.prompt import Prompt
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.rules import Override, Rules
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.plugin.chosen import expect
from pytest_toolmatch.plugin.given import judge as judge_variant
from pytest_toolmatch.plugin.run import ROLES, RUN, Run
from pytest_toolmatch.plugin.verdicts import fail, judge
from pytest_toolmatch.suites.cases import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_toolmatch.core.sample import SampleRole
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.fuzzing.variant import Variant
    from pytest_toolmatch.harness import SuiteRun
    from pytest_toolmatch.judging.verdict import Verdict
    from pytest_toolmatch.plugin.fuzzer import Fuzzer

CURRENT = pytest.StashKey[pytest.Item]()
"""In the config's stash: the test that is running, whose marks count."""

_RULES = frozenset(Rules.__struct_fields__)
_ROLLOUT = frozenset(Rollout.__struct_fields__)
_OWN = ("suite", "instructions", "gates", "chain_match", "divergence", "recordings", "fuzz", "student")
_FIXTURES = ("tools", "instructions", *ROLES)
_CHANGING = (
    "{name!r} changes from test to test, and a module is one suite; give each value a module, or a run, of its own "
    "(--toolmatch-student=MODEL)"
)
_FAULTS = {
    "ScopeMismatch: .* scoped fixture {name} with": "fixture {name!r} is made anew within the module, whose cases are "
    'sampled together; write @pytest.fixture(scope="module")',
    "no parameter defined for test(.|\n)*'{name}'": _CHANGING,
}
"""What pytest says of fixtures that a module's suite can't be made of, and what we say instead."""

MARK_KEYS = (*_RULES, *_ROLLOUT, *_OWN)


class _Mark(msgspec.Struct):
    """What of a mark is read like in a suite file."""

    fuzz: FuzzForm | None = None
    student: Prompt | None = None


class Fixtures(NamedTuple):
    """What a module's fixtures ``given`` by name come to."""

    given: dict[str, Any]
    tools: tuple[Tool, ...]
    instructions: str
    models: dict[SampleRole, Model]


class Toolmatch:
    """Judges queries against what is recorded for a module: ``assert toolmatch(query)``."""

    def __init__(self, run: Run, fixtures: Fixtures) -> None:
        self._run = run
        self._fixtures = fixtures
        self._runs: dict[int, SuiteRun] = {}

    def __call__(self, query: Case | str) -> Verdict:
        """Judge a case, or a bare query, by its samples; a variant of a case beside that."""
        item = self._run.config.stash[CURRENT]
        case = case_of_query(query) if isinstance(query, str) else query
        if not isinstance(case, Case):
            fail(f"toolmatch() got {type(query).__name__}: give it a query as text, or a case of queries(…)")
        if type(case) is not Case:
            return judge_variant(item, self.fuzzer(item), cast("Variant", case))
        return judge(item, self.suite_run(item), case)

    def fuzzer(self, item: pytest.Item) -> Fuzzer:
        """Return what judges variants of the cases of a test's suite."""
        return self._run.fuzzer(self.suite_run(item))

    def suite_run(self, item: pytest.Item) -> SuiteRun:
        """Return the run of the suite that a test of this module belongs to."""
        made = self._fixtures
        _refuse_others(item, made.given)
        suite = suite_of_test(self._run, item)
        if id(suite) not in self._runs:
            instructions = suite.instructions or made.instructions
            whole = msgspec.structs.replace(suite, tools=made.tools, instructions=instructions)
            self._runs[id(suite)] = self._run.suite(whole, made.models or None)
            expect(item.config, self._runs[id(suite)], suite)
        return self._runs[id(suite)]

    def __repr__(self) -> str:
        return f"<toolmatch {' / '.join(self._run.settings.model(role).identity for role in ROLES)}>"


def toolmatch_of(request: pytest.FixtureRequest) -> Toolmatch:
    """Make the fixture's value from the module's ``tools`` and ``instructions`` fixtures."""
    where = request.node.path
    _refuse_changing(request.config.stash[CURRENT], {})
    try:
        given = {name: _fixture(request, name) for name in _FIXTURES}
        tools = declared_tools(given["tools"], f"{where}: fixture 'tools'")
        fixtures = Fixtures(given, tools, _instructions(given["instructions"], where), _models(given, where))
    except ToolmatchError as error:
        fail(error)
    return Toolmatch(request.config.stash[RUN], fixtures)


def _instructions(given: Any, where: Path) -> str:
    if isinstance(given, str | None):
        return given or ""
    raise ConfigError(f"{where}: fixture 'instructions' gives {type(given).__name__}: return a text")


def _models(given: Mapping[str, Any], where: Path) -> dict[SampleRole, Model]:
    """Return the models that fixtures named after the roles give: a Model, or a function that answers."""
    found: dict[SampleRole, Model] = {}
    for role in ROLES:
        value = given[role]
        if isinstance(value, Model):
            found[role] = value
        elif callable(value):
            found[role] = Model(provider="python", name=f"{value.__module__}:{value.__qualname__}", client=value)
        elif value is not None:
            raise ConfigError(
                f"{where}: fixture {role!r} gives {type(value).__name__}: return a Model, as in "
                'Model(provider="anthropic", name="claude-sonnet-4-5", client=…), or a function'
            )
    return found


def _refuse_others(item: pytest.Item, given: Mapping[str, Any]) -> None:
    """Fail a test whose fixtures its suite is not made of: they would be passed over, or taken for all."""
    _refuse_changing(item, given)
    own: type | None = getattr(item, "cls", None)
    for name in _FIXTURES:
        if own and callable(getattr(own, name, None)):
            fail(
                f"{item.path}: {own.__name__} has a fixture {name!r} of its own, and a module has one suite; "
                "move the class to a module of its own"
            )


def _refuse_changing(item: pytest.Item, given: Mapping[str, Any]) -> None:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    values = getattr(item, "funcargs", {})
    for name in _FIXTURES:
        if name in parameters or (given and values.get(name, given[name]) is not given[name]):
            fail(f"{item.path}: {_CHANGING.format(name=name)}")


def _fixture(request: pytest.FixtureRequest, name: str) -> Any:
    try:
        return request.getfixturevalue(name)
    except pytest.FixtureLookupError as error:
        if name != "tools" and error.argname == name:
            return None
        if error.argname != name:
            raise
        raise ConfigError(
            f"{request.node.path}: no fixture 'tools'; add a module-scoped fixture that returns the list of tools"
        ) from None
    except pytest.fail.Exception as error:
        for said, fault in _FAULTS.items():
            if re.search(said.format(name=name), str(error)):
                raise ConfigError(f"{request.node.path}: {fault.format(name=name)}") from None
        raise


def suite_of_test(run: Run, item: pytest.Item) -> Suite:
    """Return the suite that a test's marks describe; tests with the same marks share it."""
    # Bare ones say nothing; each test has one of its own, to be selected by.
    marks = tuple(mark for mark in item.iter_markers("toolmatch") if mark.args or mark.kwargs)
    key = (item.path, *map(id, marks))
    if key not in run.marked:
        run.marked[key] = (marks, suite_of_marks(marks, item.path))
    return run.marked[key][1]


def suite_of_marks(marks: Iterable[pytest.Mark], path: Path) -> Suite:
    """Return the suite that ``toolmatch`` marks describe, the nearest first; ConfigError names an unknown key."""
    said: dict[str, Any] = {}
    for mark in marks:
        if mark.args:
            raise ConfigError(f"{path}: mark toolmatch takes keys such as match=…, not {mark.args[0]!r}")
        for key, value in mark.kwargs.items():
            if key not in MARK_KEYS:
                raise ConfigError(f"{path}: mark toolmatch has no key {key!r}{did_you_mean(key, MARK_KEYS)}")
            said.setdefault(key, value)
    if "recordings" in said:
        said["recordings"] = path.parent / _directory(said["recordings"], path)
    said["fuzz"] = fuzz_of(_as_in_a_file("fuzz", said.get("fuzz"), Fuzz, path))
    said |= _student(said.get("student"), path)
    name = said.pop("suite", path.stem.removeprefix("test_"))
    rules = {key: said.pop(key) for key in _RULES & said.keys()}
    rollout = {key: said.pop(key) for key in _ROLLOUT & said.keys()}
    try:
        return msgspec.convert({"name": name, "where": str(path), "rules": rules, "rollout": rollout, **said}, Suite)
    except msgspec.ValidationError as error:
        place = str(error).partition(" - at `$.")[2].rstrip("`").removeprefix("rules.").removeprefix("rollout.")
        form = Override if place.startswith("overrides") else Suite
        place = "suite" if place == "name" else place
        words = explained(str(error).partition(" - at `")[0], form, place)
        raise ConfigError(f"{path}: mark toolmatch: {words} (at {place})") from None


def _as_in_a_file(key: str, given: Any, form: type[msgspec.Struct], path: Path) -> Any:
    """Return the value of a key that is read like in a suite file."""
    try:
        return getattr(msgspec.convert({key: given}, _Mark), key)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: mark toolmatch: {explained(str(error), form, key)}") from None


def _student(given: Any, path: Path) -> dict[str, Any]:
    """Return what a mark says of the student, and of the split where a file says both."""
    if isinstance(given, str | Path):
        from pytest_toolmatch.suites.student_file import read_student  # noqa: PLC0415 - PyYAML is for files

        read = read_student(path.parent / given, f"{path}: mark toolmatch")
        return {"student": read.student, "split": read.split}
    return {"student": _as_in_a_file("student", given, Prompt, path)}


def _directory(given: Any, path: Path) -> str | Path:
    if not isinstance(given, str | Path):
        raise ConfigError(f"{path}: mark toolmatch: recordings is {given!r}: name a directory")
    return given
