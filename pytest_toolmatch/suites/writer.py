"""Suites written down: ``<name>.toolmatch.yaml`` with its tools and cases beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.suites.cases import form_of, form_of_tool
from pytest_toolmatch.suites.yaml_file import SUFFIX
from pytest_toolmatch.suites.yaml_marks import know_scalars

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.suite import Suite

_ALWAYS = ("match", "arguments")
"""Rules that are written even at their defaults: whoever opens the file wants to see them."""


def suite_files(suite: Suite, directory: Path) -> dict[Path, bytes]:
    """Return the files of a suite and what goes into each; the suite file comes first, that of the cases last."""
    tools, cases = directory / f"{suite.name}.tools.json", directory / f"{suite.name}.cases.jsonl"
    form = _form(suite, tools.name if suite.tools else "", cases.name)
    files = {directory / f"{suite.name}{SUFFIX}": yaml_text(form).encode()}
    if suite.tools:
        without_effects = [msgspec.structs.replace(tool, effect=None) for tool in suite.tools]
        shown = msgspec.json.encode([form_of_tool(tool) for tool in without_effects])
        files[tools] = msgspec.json.format(shown, indent=2) + b"\n"
    files[cases] = b"".join(map(case_line, suite.cases))
    return files


def yaml_text(form: dict[str, Any]) -> str:
    """Return a mapping as suites are written: keys in their order, texts of several lines as blocks."""
    return yaml.dump(form, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def case_line(case: Case) -> bytes:
    """Return a case as a line of a cases file."""
    return msgspec.json.encode(form_of(case)) + b"\n"


def refuse_taken(files: Iterable[Path]) -> None:
    """Raise SuiteError where one of the files exists."""
    if taken := next((path for path in files if path.exists()), None):
        raise SuiteError(f"{taken} exists already: choose another directory with -o, or remove it first")


def _form(suite: Suite, tools: str, cases: str) -> dict[str, Any]:
    effects = {tool.name: tool.effect for tool in suite.tools if tool.effect}
    rules, default = msgspec.to_builtins(suite.rules), msgspec.structs.asdict(Rules())
    rollout = msgspec.to_builtins(suite.rollout)
    rules |= {name: getattr(suite.rules, name) for name in _ALWAYS}
    form = {
        "instructions": suite.instructions,
        "tools": tools,
        "effects": effects,
        **{name: rules[name] for name in default if name in rules},
        **rollout,
        "chain_match": suite.chain_match,
        "divergence": suite.divergence,
        "gates": list(suite.gates),
        "student": suite.student and msgspec.to_builtins(suite.student),
        "split": suite.split and msgspec.structs.asdict(suite.split),
        "recordings": f"recordings/{suite.name}",
        "cases": cases,
    }
    return {name: value for name, value in form.items() if value not in ("", None, [], {})}


def write_suite(suite: Suite, directory: Path) -> Path:
    """Write a suite with its tools and cases; return the path of the suite file.

    Raises SuiteError, with nothing written, where one of the files exists or the directory can't be written.
    """
    files = suite_files(suite, directory)
    refuse_taken(files)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            path.write_bytes(content)
    except OSError as error:
        raise SuiteError(f"can't write to {directory}: {error.strerror}; choose another directory") from None
    return next(iter(files))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as a person would."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        style: str | None = '"'  # other line breaks and control characters only survive as escapes
    else:
        style = "|" if len(lines) > 1 and not any(line != line.rstrip() for line in lines) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
know_scalars(_Dumper)
