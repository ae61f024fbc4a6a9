"""Suites written down: ``<name>.toolmatch.yaml`` with its tools and cases beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.suites.cases import form_of
from pytest_toolmatch.suites.yaml_file import SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_toolmatch.core.suite import Suite

_HEADER = "# A toolmatch suite. Run it: pytest --toolmatch {name} --toolmatch-teacher=… --toolmatch-student=…\n"


def write_suite(suite: Suite, directory: Path) -> Path:
    """Write a suite with its tools and cases; return the path of the suite file. Nothing is overwritten."""
    path = directory / f"{suite.name}{SUFFIX}"
    tools, cases = directory / f"{suite.name}.tools.json", directory / f"{suite.name}.cases.jsonl"
    form: dict[str, Any] = {}
    if suite.instructions:
        form["instructions"] = suite.instructions
    if suite.tools:
        form["tools"] = tools.name
    effects = {tool.name: tool.effect for tool in suite.tools if tool.effect}
    form |= {"effects": effects} if effects else {}
    form |= {"match": suite.rules.match, "arguments": suite.rules.arguments}
    form |= {"reference": suite.rules.reference} if suite.rules.reference != "consensus" else {}
    form |= {"gates": list(suite.gates)} if suite.gates else {}
    form |= {"recordings": f"recordings/{suite.name}", "cases": cases.name}
    text = yaml.dump(form, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    _write(path, (_HEADER.format(name=path.name) + text).encode())
    if suite.tools:
        shown = msgspec.json.encode([tool.shown() for tool in suite.tools])
        _write(tools, msgspec.json.format(shown, indent=2) + b"\n")
    _write(cases, b"".join(msgspec.json.encode(form_of(case)) + b"\n" for case in suite.cases))
    return path


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as a person would."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    block = "\n" in text and not any(line != line.rstrip() for line in text.splitlines())
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)


_Dumper.add_representer(str, _text)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise SuiteError(f"{path} exists already: choose another directory, or remove it first") from None
    except OSError as error:
        raise SuiteError(f"can't write {path}: {error.strerror}; choose another directory") from None
