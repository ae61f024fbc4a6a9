"""Cases from JSON Lines: one ``{"id", "query" or "conversation", "tags", "tools"}`` a line."""

from __future__ import annotations

import math
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, Role, last_query, user
from pytest_toolmatch.core.errors import SuiteError, at, did_you_mean
from pytest_toolmatch.core.fuzz import RELATION_NAMES
from pytest_toolmatch.core.rollout import RolloutMode
from pytest_toolmatch.core.rules import Arguments, Mode, Reference
from pytest_toolmatch.core.suite import Divergence
from pytest_toolmatch.core.tool import Effect
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.suites.forms import CaseForm

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_toolmatch.core.tool import Tool

Lists: TypeAlias = "dict[bytes, tuple[Tool, ...]]"

_decoder = msgspec.json.Decoder(CaseForm)


def read_cases(path: Path, where: str = "") -> tuple[Case, ...]:
    """Read the cases of a JSON Lines file; SuiteError names the line of the first fault.

    ``where`` says what asked for the file.
    """
    try:
        with path.open("rb") as lines:
            bare = (line if number > 1 else line.removeprefix(BOM_UTF8) for number, line in enumerate(lines, 1))
            numbered = ((at(path, number), line) for number, line in enumerate(bare, 1) if line.strip())
            # What looks at tools by their identity (matchers, digests) does so once where cases share them.
            return cases_of(((where, _decode(line, where)) for where, line in numbered), {})
    except OSError as error:
        asked = f"{where}: " if where else ""
        raise SuiteError(f"{asked}can't read the cases in {path}: {error.strerror}") from None


def _decode(line: bytes, where: str) -> CaseForm:
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        place = str(error).rpartition("`$")[2]
        form = Call if ".calls[" in place else Message if ".conversation[" in place else CaseForm
        raise SuiteError(f"{where}: {explained(str(error), form)}") from None


def cases_of(forms: Iterable[tuple[str, CaseForm]], lists: Lists | None = None) -> tuple[Case, ...]:
    """Return the cases of forms, each with its place; SuiteError for two of one id.

    ``lists``, for forms that were JSON, are the tools that were read so far: cases that list the same ones share them.
    """
    cases: dict[str, Case] = {}
    for where, form in forms:
        case = case_of(form, where, lists)
        if case.id in cases:
            raise SuiteError(f"{where}: a second case {case.id!r}, after {cases[case.id].where}; give one another id")
        cases[case.id] = case
    return tuple(cases.values())


def case_of(form: CaseForm, where: str, lists: Lists | None = None) -> Case:
    """Return the case of one form; a case without an id gets one made from its query."""
    if bool(form.query) == bool(form.conversation):
        raise SuiteError(f"{where}: a case needs either a 'query' or a 'conversation'")
    if not form.id.isprintable():
        raise SuiteError(f"{where}: the id {form.id!r} has characters that can't be printed; leave them out")
    conversation = tuple(form.conversation) if form.conversation else user(form.query)
    return Case(
        id=form.id or slug(last_query(conversation)),
        conversation=conversation,
        tags=tuple(form.tags),
        weight=_weight(form.weight, where),
        stratum=form.stratum,
        tools=None if form.tools is None else _tools(form.tools, where, lists),
        where=where,
    )


def _tools(entries: Any, where: str, lists: Lists | None) -> tuple[Tool, ...]:
    if lists is None:
        return tools_from_json(entries, where=where)
    key = msgspec.json.encode(entries)
    if key not in lists:
        lists[key] = tools_from_json(entries, where=where)
    return lists[key]


def _weight(weight: float, where: str) -> float:
    if not 0 < weight < math.inf:
        raise SuiteError(f"{where}: weight {weight:g}: a case counts more than nothing; leave it out for 1")
    return weight


def form_of(case: Case) -> CaseForm:
    """Return the form of a case, to be written down."""
    single = len(case.conversation) == 1 and bool(case.query)
    return CaseForm(
        id=case.id,
        query=case.query if single else "",
        conversation=[] if single else list(case.conversation),
        tags=list(case.tags),
        **({} if case.weight == 1 else {"weight": case.weight}),
        stratum=case.stratum,
        tools=None if case.tools is None else [form_of_tool(tool) for tool in case.tools],
    )


def form_of_tool(tool: Tool) -> dict[str, Any]:
    """Return a tool to be written down: what a model is shown, and how its calls are answered where it is known."""
    beside = {
        "effect": tool.effect,
        "execute": tool.execute or None,
        "reply": None if callable(tool.reply) else tool.reply,
        "outputSchema": tool.returns,
    }
    return {**tool.shown(), **{name: value for name, value in beside.items() if value is not None}}


CHOICES: dict[str, tuple[str, ...]] = {
    "match": get_args(Mode),
    "arguments": get_args(Arguments),
    "reference": get_args(Reference),
    "effect": get_args(Effect),
    "effects": get_args(Effect),
    "divergence": get_args(Divergence),
    "mode": get_args(RolloutMode),
    "role": get_args(Role),
    "fuzz": ("all", *RELATION_NAMES),
    "relations": RELATION_NAMES,
}
"""The keys whose values are chosen from a list."""
_UNQUOTED = tuple(f"Expected `str`, got `{kind}`" for kind in ("int", "float", "bool"))


def explained(error: str, form: type[msgspec.Struct], path: str = "") -> str:
    """Return a decoding error in the words of the person who wrote the file; ``path`` is where it lies."""
    message, _, place = error.partition(" - at `")
    if message.startswith("Invalid enum value"):
        said = message.removeprefix("Invalid enum value ").strip("'")
        key = (place.rstrip("`") or path).replace("[...]", "").rpartition(".")[2].partition("[")[0]
        choices = CHOICES.get(key, ())
        return f"no such choice {said!r}: one of {', '.join(choices)}{did_you_mean(said, choices)}"
    if message.startswith(_UNQUOTED):
        return f"{message}: put it in quotes{error.removeprefix(message)}"
    if "unknown field" not in error:
        return error
    field = error.split("`")[1]
    return f"unknown key {field!r}{did_you_mean(field, form.__struct_fields__)}"
