"""Suites from ``*.toolmatch.yaml`` files; ``writer`` is the way back."""

from __future__ import annotations

import importlib
import re
import sys
from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.declared import declared_tools
from pytest_toolmatch.core.errors import SuiteError, did_you_mean
from pytest_toolmatch.core.fuzz import Fuzz, fuzz_of
from pytest_toolmatch.core.prompt import Example, Prompt, ToolTexts
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.rules import Override, Rules
from pytest_toolmatch.core.suite import Split, Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.toolformats import tools_from_json, with_effects
from pytest_toolmatch.judging.demands import faults_of
from pytest_toolmatch.suites.cases import cases_of, explained, read_cases
from pytest_toolmatch.suites.forms import CaseForm, McpForm, SuiteForm
from pytest_toolmatch.suites.held_out import HeldOut, held_out_in
from pytest_toolmatch.suites.yaml_marks import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from pytest_toolmatch.core.case import Case

ListMcp: TypeAlias = "Callable[[dict[str, Any], str], tuple[Tool, ...]]"

SUFFIX = ".toolmatch.yaml"
_FORMS_BY_PATH = (
    (r"\$\.cases\[\d+\]\.conversation\[\d+\]\.calls\[\d+\]", Call),
    (r"\$\.cases\[\d+\]\.conversation\[\d+\]", Message),
    (r"\$\.cases\[\d+\]", CaseForm),
    (r"\$\.overrides", Override),
    (r"\$\.fuzz", Fuzz),
    (r"\$\.student\.examples\[\d+\]\.conversation\[\d+\]\.calls\[\d+\]", Call),
    (r"\$\.student\.examples\[\d+\]\.conversation\[\d+\]", Message),
    (r"\$\.student\.examples\[\d+\]", Example),
    (r"\$\.student\.tools\[", ToolTexts),
    (r"\$\.split", Split),
    (r"\$\.student", Prompt),
)


def suite_name(path: Path) -> str:
    """Return the name of the suite in a file: the file's, without ``.toolmatch.yaml``."""
    return path.name.removesuffix(SUFFIX)


def read_suite(path: Path, list_mcp: ListMcp | None = None) -> Suite:
    """Read a suite file and the files it names; SuiteError says what is wrong at which line.

    ``list_mcp`` asks an MCP server for its tools; without it, such a suite has none.
    """
    if path.name.endswith(".toolmatch.yml"):
        raise SuiteError(f"{path}: a suite is named *{SUFFIX}; rename it to {path.with_suffix('.yaml').name}")
    document = Document(path)
    form = _form(document)
    tools = with_effects(_tools(form, document, list_mcp), form.effects)
    name = suite_name(path)
    suite = Suite(
        name=name,
        cases=_held_out(_cases(form, document), name, path.parent),
        tools=_with_answers(tools, form, document),
        instructions=form.instructions,
        **demands_of(form),
        recordings=path.parent / form.recordings if form.recordings else None,
        fuzz=fuzz_of(form.fuzz),
        student=form.student,
        split=form.split,
        where=str(path),
    )
    _load_functions(suite.rules, document)
    for key, message in faults_of(suite):
        raise SuiteError(f"{document.where(f'$.{key}')}: {message}")
    return suite


def _load_functions(rules: Rules, document: Document) -> None:
    """Load the modules of overrides from beside the suite, where those that import them by name would not look."""
    for override in (one for paths in rules.overrides.values() for one in paths.values()):
        if isinstance(override.function, str):
            try:
                _beside(override.function, document.path.parent, document.where("$.overrides"))
            except SuiteError:
                raise
            except Exception:  # noqa: BLE001, S110 - it fails again where it is imported by its name, and is told there
                pass


def demands_of(form: SuiteForm) -> dict[str, Any]:
    """Return the fields of a suite that say how its models are run and compared, and what is demanded of them."""
    return {
        "rules": Rules(**{name: getattr(form, name) for name in Rules.__struct_fields__}),
        "rollout": Rollout(**{name: getattr(form, name) for name in Rollout.__struct_fields__}),
        "gates": tuple(form.gates),
        "chain_match": form.chain_match,
        "divergence": form.divergence,
    }


def _held_out(cases: tuple[Case, ...], suite: str, folder: Path) -> tuple[Case, ...]:
    named = held_out_in(folder)
    return tuple(
        msgspec.structs.replace(case, held_out=True) if HeldOut(suite, case.id) in named else case for case in cases
    )


def _form(document: Document) -> SuiteForm:
    if not isinstance(document.data, dict):
        raise SuiteError(f"{document.path}: a suite is a mapping with 'tools' and 'cases'; this file has none")
    try:
        return msgspec.convert(document.data, SuiteForm)
    except msgspec.ValidationError as error:
        raise SuiteError(located(str(error), document)) from None


def located(error: str, document: Document, whole: type[msgspec.Struct] = SuiteForm) -> str:
    """Return a decoding error of a document with its line; ``whole`` is the form of all of it."""
    path, words = worded(error, whole)
    key = error.split("`")[1] if "unknown field" in error else ""
    return f"{document.where(path, key)}: {words}{f' (at {path[2:]})' if len(path) > 1 else ''}"


def worded(error: str, whole: type[msgspec.Struct] = SuiteForm) -> tuple[str, str]:
    """Return the path that a decoding error lies at, and the error in the words of the person who wrote that."""
    message, _, rest = error.partition(" - at `")
    # An error in a key says ``key in $.…``.
    path = rest.rstrip("`").removeprefix("key in ").removeprefix("key` in `") or "$"
    form = next((form for pattern, form in _FORMS_BY_PATH if re.match(pattern, path)), whole)
    return path, explained(message, form, path)


def _cases(form: SuiteForm, document: Document) -> tuple[Case, ...]:
    if isinstance(form.cases, str):
        cases = read_cases(document.path.parent / form.cases, document.where("$", "cases"))
    else:
        cases = cases_of((document.where(f"$.cases[{index}]"), case) for index, case in enumerate(form.cases))
    if not cases:
        inside = f" in {document.path.parent / form.cases}" if isinstance(form.cases, str) else ""
        raise SuiteError(f"{document.where('$', 'cases')}: no cases{inside}; a suite needs at least one")
    return cases


def _tools(form: SuiteForm, document: Document, list_mcp: ListMcp | None) -> tuple[Tool, ...]:
    where = document.where("$", "tools")
    if isinstance(form.tools, McpForm):
        server = {"cwd": str(document.path.parent)} | form.tools.mcp if "command" in form.tools.mcp else form.tools.mcp
        return list_mcp(server, where) if list_mcp else ()
    if not isinstance(form.tools, str):
        return tools_from_json(form.tools, where=where)
    path = document.path.parent / form.tools
    if ":" in form.tools and not path.exists():
        return tools_from_module(form.tools, path.parent, where)
    return read_tools(path, where)


def _with_answers(tools: tuple[Tool, ...], form: SuiteForm, document: Document) -> tuple[Tool, ...]:
    """Return the tools with the replies and permissions that the suite gives them."""
    names = [tool.name for tool in tools]
    for key, named in (
        ("effects", _misspelt(form.effects, tools)),
        ("replies", form.replies),
        ("execute", form.execute),
    ):
        if unknown := [name for name in named if name not in names and names]:
            known = f"{did_you_mean(unknown[0], names)}"
            raise SuiteError(f"{document.where('$', key)}: {key}: no tool is named {unknown[0]!r}{known}")
    return tuple(
        msgspec.structs.replace(
            tool, reply=form.replies.get(tool.name, tool.reply), execute=tool.execute or tool.name in form.execute
        )
        for tool in tools
    )


def _misspelt(effects: Iterable[str], tools: tuple[Tool, ...]) -> list[str]:
    """Return the names of no tool that are nearly one without an effect; others may be of tools that are not here."""
    names = {name for tool in tools for name in (tool.name, tool.name.rpartition("__")[2])}
    unstated = [tool.name for tool in tools if tool.effect is None]
    return [name for name in effects if name not in names and did_you_mean(name, unstated)]


def read_tools(path: Path, where: str = "") -> tuple[Tool, ...]:
    """Read the tools of a JSON file in any known form; ``where`` says what asked for it."""
    asked = f"{where}: " if where else ""
    try:
        data = msgspec.json.decode(path.read_bytes().removeprefix(BOM_UTF8))
    except OSError as error:
        raise SuiteError(f"{asked}can't read the tools file {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: not JSON: {error}") from None
    return tools_from_json(data, where=str(path))


def tools_from_module(name: str, directory: Path, where: str) -> tuple[Tool, ...]:
    """Return the tools that ``module:attribute`` names; the module may lie beside the suite."""
    try:
        tools = getattr(_beside(name, directory, where), name.partition(":")[2])
    except SuiteError:
        raise
    except Exception as error:  # noqa: BLE001 - the module is the user's, and may fail in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SuiteError(f"{where}: can't load tools from {name!r}: {reason}") from None
    return declared_tools(tools, f"{where}: {name}")


def _beside(name: str, directory: Path, where: str) -> ModuleType:
    """Return the module of ``module:attribute``, which may lie beside the suite; SuiteError where it is another one."""
    module = name.partition(":")[0]
    sys.path.insert(0, str(directory))
    try:
        loaded = importlib.import_module(module)
    finally:
        sys.path.remove(str(directory))
    beside = directory / f"{module.replace('.', '/')}.py"
    if beside.exists() and loaded.__file__ and not beside.samefile(loaded.__file__):
        raise SuiteError(
            f"{where}: {name!r} is {beside}, but a module of that name is loaded already, {loaded.__file__}; "
            "rename one of them"
        )
    return loaded
