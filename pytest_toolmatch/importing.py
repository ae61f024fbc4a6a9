"""Logs into suites on disk: what ``toolmatch import`` does, and says while doing it."""

from __future__ import annotations

import shlex
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.toolformats import with_effects
from pytest_toolmatch.engines import engine_of
from pytest_toolmatch.judging.demands import faults_of
from pytest_toolmatch.judging.gate import check_gates
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.staging import ANSWERS, write_imported
from pytest_toolmatch.suites.forms import SuiteForm
from pytest_toolmatch.suites.importers import find_format, read_log
from pytest_toolmatch.suites.importers.assemble import Assembly, ImportedSuite, assemble
from pytest_toolmatch.suites.importers.fields import amount, counted
from pytest_toolmatch.suites.importers.parts import Elsewhere, here
from pytest_toolmatch.suites.importers.redact import Redactor, kinds_of
from pytest_toolmatch.suites.importers.source import Options, Source
from pytest_toolmatch.suites.yaml_file import SUFFIX, demands_of, read_tools, worded
from pytest_toolmatch.suites.yaml_marks import read_value
from pytest_toolmatch.ticking import Ticker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.suites.importers.source import Problem
    from pytest_toolmatch.suites.importers.spool import Drawn

SUITES_IN_FULL = 3
"""Up to so many suites, every model of each is listed."""
SHOWN = 8
"""Kinds of problems that are printed; the rest are counted."""
NAMED = 4
"""Up to so many suites that both models are recorded in are named one by one."""

_SETTABLE = (*Rules.__struct_fields__, *Rollout.__struct_fields__, "chain_match", "divergence", "gates")
_LIKE = {
    "gates": """; write --set 'gates=["chain_match >= 0.9"]'""",
    "overrides": """; write --set 'overrides={"book": {"note": {"ignore": true}}}'""",
}


def import_suites(
    form: str,
    sources: Sequence[str],
    *,
    output: Path,
    name: str,
    tools: Path | None = None,
    effects: Path | None = None,
    mcp: Sequence[str] = (),
    redact: str = "keys",
    settings: Sequence[str] = (),
    verbose: bool = False,
    engine: str = "local",
    ray_address: str = "",
    **options: Any,
) -> Iterator[str]:
    """Import logs into ``output``, yielding what to print; nothing is written before all of it is read."""
    find_format(form)
    keys = suite_keys(settings)
    kinds = kinds_of(redact)
    _check_name(name, output)
    declared, said = _declared(tools, mcp), _effects(effects)
    other = frozenset(path.resolve() for path in (tools, effects) if path)
    logs = [msgspec.structs.replace(Source.parse(one), other=other) for one in sources]
    if missing := next((one.path for one in logs if not one.path.exists()), None):
        raise ConfigError(f"{missing}: there is no such file or directory")
    with engine_of(engine, ray_address) as found:
        yield from filter(None, [found.shown])
        each = Elsewhere(found.map) if found.apart else here
        with Ticker("reading") as ticker:
            records = read_log(form, logs, Options(tools=declared, **options), each)
            assembly = assemble(name, ticker.follow(records, "records"), declared, Redactor(kinds))
    suites = [msgspec.structs.replace(one, tools=with_effects(one.tools or one.usual, said)) for one in assembly.suites]
    for imported in suites:
        _check_rules(imported, keys["rules"])
    yield from _account(form, assembly, verbose=verbose)
    with Ticker("writing") as ticker:
        written = write_imported(suites, output, keys, ticker)
    for imported, path in zip(suites, written, strict=True):
        yield _written(imported, path)
        if len(suites) <= SUITES_IN_FULL:
            yield from (f"  {model}: {_summary(drawn)}" for model, drawn in imported.samples.items())
    yield ""
    yield from _next(suites, output)


def _declared(tools: Path | None, mcp: Sequence[str]) -> tuple[Tool, ...]:
    """Return the tools of the file, then those of the servers that it does not name, as Claude Code calls them."""
    found = {tool.name: tool for tool in (read_tools(tools) if tools else ())}
    for server in mcp:
        label, equals, target = server.partition("=")
        if not (label and equals and target):
            raise ConfigError(f"--mcp {server}: write --mcp NAME=COMMAND or NAME=URL, NAME as the log has it")
        at = {"url": target} if target.startswith(("http://", "https://")) else {"command": target}
        for tool in list_mcp(at, f"--mcp {label}"):
            named = msgspec.structs.replace(tool, name=f"mcp__{label}__{tool.name}", implementation=None)
            found.setdefault(named.name, named)
    return tuple(found.values())


def _check_name(name: str, output: Path) -> None:
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        raise ConfigError(
            f"--name {name!r}: no name for files in {output}; "
            "write it without path separators, and say with -o where the suite goes"
        )


def _check_rules(imported: ImportedSuite, rules: Rules) -> None:
    """Refuse rules that don't fit the tools; those that compare no call would have every sample match."""
    if not (rules.effect or rules.overrides):
        return  # all others fit any tools
    offered = (tool for case in imported.cases for tool in case.tools or ())
    tools = tuple({tool.name: tool for tool in chain(imported.tools, offered)}.values())
    if rules.effect and not any(tool.effect == rules.effect for tool in tools):
        raise ConfigError(
            f"--set effect={rules.effect}: no tool of {imported.name} has this effect; "
            'give --effects a file with {"tool": "' + rules.effect + '"}'
        )
    _check(Suite(name=imported.name, tools=tools, rules=rules))


def _next(suites: Sequence[ImportedSuite], output: Path) -> Iterator[str]:
    """Yield the command to go on with, for two models that can be compared."""
    drawn = Counter[str]()
    for suite in suites:
        drawn.update({model: len(samples) for model, samples in suite.samples.items()})
    models = [shlex.quote(model) for model, _ in drawn.most_common() if model != ANSWERS] or [ANSWERS]
    answers = f" and {ANSWERS}" if ANSWERS in drawn and models != [ANSWERS] else ""
    yield f"models: {', '.join(models)}{answers}"
    if answers:
        yield f"{ANSWERS} holds the answers that count as right, any of which may be matched: it is the teacher"
    if drawn:
        yield from _command(suites, output, *_pair(suites, [model for model, _ in drawn.most_common()]))


def _command(suites: Sequence[ImportedSuite], output: Path, teacher: str, student: str) -> Iterator[str]:
    """Yield the command, with only the suites that can be judged; if those are many, say which ones can't."""
    both = [suite.name for suite in suites if {teacher, student} <= suite.samples.keys()]
    lacking = [suite.name for suite in suites if suite.name not in both]
    paths = [output / f"{name}{SUFFIX}" for name in both] if lacking and len(both) <= NAMED else [output]
    if lacking and len(both) > NAMED:
        shown = ", ".join(lacking[:SHOWN]) + (", …" if len(lacking) > SHOWN else "")
        yield f"{len(lacking)} of {len(suites)} suites lack recordings of one of the two: {shown}"
    where = " ".join(shlex.quote(str(path)) for path in paths)
    models = f"--toolmatch-teacher={shlex.quote(teacher)} --toolmatch-student={shlex.quote(student)}"
    yield f"next: pytest --toolmatch {where} {models}"


def _pair(suites: Sequence[ImportedSuite], models: Sequence[str]) -> tuple[str, str]:
    """Return the teacher and the student with the most cases in common; ``models`` begins with the most sampled one.

    A benchmark's answers are the teacher where there are any. Where no two models share a case, one of them can still
    be compared with itself.
    """
    shared = Counter[tuple[str, str]]()
    teachers = [ANSWERS] if ANSWERS in models else models
    for one in teachers:
        for other in models:
            shared[one, other] = _shared(suites, one, other) if one != other else 0
    # The first of equals: the pair with the most samples, and of its two the teacher has more.
    pair, cases = max(shared.items(), key=lambda item: item[1])
    return pair if cases else (models[0], models[0])


def _shared(suites: Sequence[ImportedSuite], one: str, other: str) -> int:
    both = [suite.samples for suite in suites if {one, other} <= suite.samples.keys()]
    return sum(samples[one].shared_with(samples[other]) for samples in both)


def suite_keys(settings: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` settings, as suite files are read, into the rules, gates and demands of a suite."""
    said = dict(map(_setting, settings))
    try:
        keys = demands_of(msgspec.convert({"cases": [], **said}, SuiteForm))
    except msgspec.ValidationError as error:
        path, words = worded(str(error))
        key = path[2:].partition("[")[0]
        raise ConfigError(f"--set {path[2:]}: {words}{_LIKE.get(key, '')}") from None
    _check(Suite(name="", **keys))
    check_gates(keys["gates"], "--set")
    return keys


def _setting(setting: str) -> tuple[str, Any]:
    key, equals, value = setting.partition("=")
    if not equals or key not in _SETTABLE:
        raise ConfigError(f"--set {setting}: no such key {key!r}{did_you_mean(key, _SETTABLE)}; write --set KEY=VALUE")
    try:
        return key, read_value(value)
    except ValueError as error:
        raise ConfigError(f"--set {setting}: {value!r} is not YAML: {error}{_LIKE.get(key, '')}") from None


def _check(suite: Suite) -> None:
    """Refuse settings that no command could read in a suite."""
    for _, message in faults_of(suite):
        raise ConfigError(f"--set: {message}")


def _effects(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except OSError as error:
        raise ConfigError(f"can't read the effects file {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path}: not a JSON object of {{"tool": "read" or "write"}}: {error}') from None


def _account(form: str, assembly: Assembly, *, verbose: bool) -> Iterator[str]:
    """Yield what was read, then every doubt about a suite, then the first problems by kind, or all of them."""
    read = ", ".join(amount(count, what) for what, count in assembly.counts.items() if what != "problems")
    yield f"{form}: {read}"
    if assembly.redacted:
        yield f"redacted: {', '.join(f'{count:,} × {kind}' for kind, count in assembly.redacted.items())}"
    yield from (f"  ! {doubt}" for doubt in assembly.doubts)
    if verbose:
        yield from (f"  ! {problem}" for problem in assembly.problems)
        return
    kinds = _kinds(assembly.problems)
    yield from (f"  ! {_said(alike)}" for alike in kinds[:SHOWN])
    if rest := sum(map(len, kinds[SHOWN:])):
        yield f"  ! … and {counted(rest, 'more problem')}; -v lists all"


def _kinds(problems: Sequence[Problem]) -> list[list[Problem]]:
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.what, []).append(problem)
    return list(kinds.values())


def _said(alike: Sequence[Problem]) -> str:
    first, number = alike[0], len(alike)
    if number == 1:
        return str(first)
    return f"{number:,} {first.many or f'times: {first.what}'}, first: {first.where}"


def _written(imported: ImportedSuite, path: Path) -> str:
    drawn = sum(map(len, imported.samples.values()))
    models = counted(len(imported.samples), "model")
    return f"{path}: {counted(len(imported.cases), 'case')}, {counted(drawn, 'sample')} of {models}"


def _summary(drawn: Drawn) -> str:
    cases, fewest, most = drawn.spread
    per_case = f"{most}" if fewest == most else f"{fewest}–{most}"
    odd = ", ".join(
        f"{count} {outcome}" for outcome, count in drawn.outcomes.items() if outcome not in ("called", "answered")
    )
    of = f"{counted(len(drawn), 'sample')} of {counted(cases, 'case')}"
    return f"{of} ({per_case} each){f'; {odd}' if odd else ''}"
