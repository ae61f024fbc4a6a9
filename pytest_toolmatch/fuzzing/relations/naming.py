"""Other names for tools, parameters and values: another style, a prefix, a word of the same meaning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_toolmatch.fuzzing.relations.words import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

STYLES: tuple[Callable[[list[str]], str], ...] = (
    lambda words: "_".join(words).lower(),
    lambda words: words[0].lower() + "".join(word.capitalize() for word in words[1:]),
    lambda words: "-".join(words).lower(),
    lambda words: "".join(word.capitalize() for word in words),
    lambda words: "_".join(words).upper(),
)
"""snake_case, camelCase, kebab-case, PascalCase and UPPER_CASE, of a name's words."""

_VERBS = {
    "get": ("fetch", "retrieve"),
    "fetch": ("get", "retrieve"),
    "find": ("search", "look_up"),
    "search": ("find", "look_up"),
    "lookup": ("find",),
    "list": ("show", "enumerate"),
    "show": ("display",),
    "create": ("make", "new"),
    "add": ("insert", "put"),
    "delete": ("remove", "erase"),
    "remove": ("delete",),
    "update": ("modify", "edit"),
    "change": ("modify", "edit"),
    "cancel": ("call_off", "revoke"),
    "check": ("verify", "inspect"),
    "start": ("begin", "initiate"),
    "issue": ("grant", "make"),
    "send": ("dispatch", "transmit"),
    "track": ("trace", "locate"),
    "choose": ("select", "pick"),
    "convert": ("change", "translate"),
    "calculate": ("compute", "work_out"),
    "compute": ("calculate",),
    "run": ("execute",),
    "set": ("put", "assign"),
    "apply": ("use", "redeem"),
    "quote": ("price", "estimate"),
    "hold": ("keep", "freeze"),
}
_PREFIXES = ("api_", "app_", "core_", "v2_")
_NEAR = ("{0}_v2", "quick_{0}", "{0}_extended", "{0}_legacy")

_PARAMETERS = {
    "id": ("identifier", "key"),
    "email": ("email_address", "mail"),
    "phone": ("phone_number", "telephone"),
    "date": ("day", "on_date"),
    "at": ("moment", "when"),
    "origin": ("from_place", "departure"),
    "destination": ("to_place", "arrival"),
    "text": ("query", "words"),
    "query": ("text", "search_text"),
    "question": ("query", "asked"),
    "amount": ("sum", "value"),
    "reason": ("cause", "because_of"),
    "country": ("country_code", "land"),
    "city": ("town",),
    "location": ("place",),
    "name": ("title", "called"),
    "code": ("code_text",),
    "quantity": ("count", "number_of_pieces"),
    "airport": ("airport_code",),
    "reference": ("ref",),
    "topic": ("subject",),
    "language": ("lang",),
    "unit": ("units", "measure"),
    "path": ("file_path",),
    "url": ("link",),
}


def fits(name: str) -> bool:
    """Say whether every provider takes it as the name of a tool."""
    return _NAME.fullmatch(name) is not None


def styled(name: str) -> Iterator[str]:
    """Yield a name in the other styles."""
    words = parts(name)
    if words and "".join(words).lower() == re.sub(r"[\s_-]", "", name).lower():
        yield from _others(name, (style(words) for style in STYLES))


def tool_names(name: str) -> Iterator[str]:
    """Yield other names for a tool: in another style, with a verb of the same meaning, behind a prefix."""
    yield from _others(name, (*styled(name), *_synonymous(name), *(prefix + name for prefix in _PREFIXES)))


def relatives(name: str) -> Iterator[str]:
    """Yield names for a tool beside this one, that does nearly the same."""
    yield from _others(name, (*_synonymous(name), *(pattern.format(name) for pattern in _NEAR)))


def parameter_names(name: str) -> Iterator[str]:
    """Yield other names for a parameter; those of the same meaning first."""
    words = parts(name)
    last = words[-1].lower() if words else ""
    stem = name[: len(name) - len(last)] if name.lower().endswith(last) else ""
    same = [stem + other for other in _PARAMETERS.get(last, ())]
    yield from _others(name, (*styled(name), *same, f"{name}_value", f"the_{name}"))


def _synonymous(name: str) -> list[str]:
    """Return a snake or kebab name with its verb exchanged."""
    found = re.match(r"[a-z]+(?=[_-])", name)
    return [other + name[found.end() :] for other in _VERBS.get(found.group(), ())] if found else []


def _others(name: str, names: Iterable[str]) -> list[str]:
    return [other for other in dict.fromkeys(names) if other != name]
