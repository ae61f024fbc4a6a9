"""``toolmatch repair``: mend the prompt of a suite's student, and prove it on cases that no optimiser has seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.model import parse_model
from pytest_toolmatch.core.writable import fault_of
from pytest_toolmatch.live import open_session
from pytest_toolmatch.repair.grounds import Given
from pytest_toolmatch.repair.lines import report_lines
from pytest_toolmatch.repair.one import check_called, keep, mend
from pytest_toolmatch.repair.patching import suite_diff, write_patch
from pytest_toolmatch.repair.phases import phases_of
from pytest_toolmatch.sampling.budget import left_of
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.suites.named import check_apart, named_suites, next_line
from pytest_toolmatch.suites.yaml_file import SUFFIX, read_suite
from pytest_toolmatch.suites.yaml_marks import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.repair.options import RepairOptions
    from pytest_toolmatch.repair.phases import Named
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings


class _Job(NamedTuple):
    """A suite to be repaired, its file, where it is written to, and the ``others``: files it names, seen from there."""

    suite: Suite
    source: Path
    target: Path
    others: dict[str, Any]


def repair(paths: Sequence[Path], out: Path | None, options: RepairOptions) -> Iterator[str]:
    """Repair suites, and yield what to print.

    An accepted repair is written into its suite's file, or to ``NAME.repaired.toolmatch.yaml`` in ``out``. Raises
    ToolmatchError for whatever is wrong or missing, before anything is paid for. SystemExit after Ctrl-C.
    """
    settings = options.settings()
    _check(options)
    phases = phases_of(options.phases)
    named = named_suites(paths, "what is repaired are")
    suites = [read_suite(path, list_mcp) for path in named]
    check_apart([suite.name for suite in suites], out)
    targets = [_target(path, out) for path in named]
    for one in [_Job(*of, _moved(*of[1:])) for of in zip(suites, named, targets, strict=True)]:
        session = open_session(settings, lambda: None)
        try:
            yield from _repaired(one, phases, (options, settings, session))
        finally:
            session.close(cancel=True, complete=True)
        settings = msgspec.structs.replace(settings, budget=left_of(settings.budget, session.spent()))


def _repaired(one: _Job, phases: Sequence[Named], how: tuple[RepairOptions, Settings, Session]) -> Iterator[str]:
    suite, source, target, others = one
    options, settings, session = how
    folder = target.parent / ".repair" / suite.name
    try:
        done = yield from mend(Given(suite, folder, options, settings, session), phases)
    except KeyboardInterrupt:
        yield f"interrupted: what was drawn is kept in {folder}; the same command goes on from there"
        raise SystemExit(130) from None
    yield from report_lines(done, session.spent(), options.confidence)
    keep(folder, done, session.spent(), options.confidence, suite_diff(source, done.prompt, done.split, others))
    if done.proof and done.proof.accepted:
        write_patch(source, target, done.prompt, done.split, others)
        yield f"written: {target}"
        models = {"teacher": options.teacher, "student": options.student}
        told = {"teacher": options.teacher_settings, "student": options.student_settings}
        yield next_line([target], "--toolmatch-mode=record", models, told)


def _target(source: Path, out: Path | None) -> Path:
    if out is None:
        return source
    if out.exists() and not out.is_dir():
        raise ConfigError(f"-o {out}: it is a file; name a directory, or leave -o out to repair suites where they are")
    if fault := fault_of(out):
        raise ConfigError(f"-o {out}: can't be written: {fault}; choose another directory")
    return out / f"{source.name.removesuffix(SUFFIX)}.repaired{SUFFIX}"


_PATHS = ("tools", "cases", "recordings")


def _moved(source: Path, target: Path) -> dict[str, Any]:
    """Return the files that a suite names, as they are called from where its repaired form lies."""
    if target.parent.resolve() == source.parent.resolve():
        return {}
    form: dict[str, Any] = Document(source).data or {}
    named = {key: form[key] for key in _PATHS if isinstance(form.get(key), str)}
    if ":" in named.get("tools", "") and not (source.parent / named["tools"]).exists():
        raise ConfigError(f"{source}: its tools are code beside it; leave -o out, or name its own directory")
    return {key: os.path.relpath(source.parent / path, target.parent) for key, path in named.items()}


def _check(options: RepairOptions) -> None:
    if not options.teacher:
        raise ConfigError("no teacher is named: say --teacher MODEL, as in --teacher anthropic:claude-sonnet-4-5")
    called = {"student": options.student, "reflect-with": options.reflect_with or options.teacher}
    for role, name in called.items():
        if not name:
            raise ConfigError(f"no {role} is named: say --{role} MODEL, as in --{role} pocket:base")
        check_called("student" if role == "student" else "writer", parse_model(name), f"--{role} {name}")
    options.check(lambda name: f"--{name.replace('_', '-')}")
