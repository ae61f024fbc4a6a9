"""Which stretches of a text may fill a slot, and what each is as a value."""

from __future__ import annotations

import math
import re
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.pocket.moments import dates_at, instants_at, months_at, times_at
from pytest_toolmatch.pocket.numbers import amounts_at, numbers_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_toolmatch.pocket.latest import Latest
    from pytest_toolmatch.pocket.moments import Now
    from pytest_toolmatch.pocket.slots import Slot
    from pytest_toolmatch.pocket.text import Token

LONGEST = 40
"""Tokens of a copied value at most."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_URL = re.compile(r"(?:https?://|www\.)\S+|(?:[\w-]+\.)+(?:com|org|net|io|de|eu|dev|app|info|example)(?:/\S*)?")
_PHONE = re.compile(r"\+?[\d\s()/.-]+")
_CLOSING = frozenset("%!?.)'’\"”")
_OPENING = frozenset("#@$€£/~('‘\"“+-")
_CODE = re.compile(r"[A-Z]{3}")
_GLUED = re.compile(r"(?=.*\d)[\w-]+(?: \d+)?")
_LONGEST_NAME = 4
_FEWEST_DIGITS = 5
_CHECKED_LONGEST = 8
_CHECKS = frozenset({"pattern", "minLength", "maxLength"})
_BOUNDS = _CHECKS | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}


class Text(NamedTuple):
    """One piece of the conversation: its tokens, as they are and in lower case; ``first`` is the place of the first."""

    content: str
    tokens: tuple[Token, ...]
    words: list[str]
    first: int


Ends: TypeAlias = dict[int, dict[int, Any]]
"""Values by the place of their first token, and of their last."""

Found: TypeAlias = tuple[str, str, tuple["Token", ...], "Now"]
"""What the values of a slot in one piece depend on: its concern, the piece, and the present."""


class Spans(NamedTuple):
    """The candidates of one slot; ``free`` slots take any stretch."""

    ends: Ends
    free: bool = False


def spans_of(slot: Slot, concern: str, texts: Sequence[Text], now: Now, lately: Latest[Found, Ends]) -> Spans:
    """Return what may fill a slot, by token places in the whole conversation; most pieces have been seen lately."""
    if slot.kind in ("boolean", "enum"):
        return Spans({})
    if slot.kind == "text" and not _CHECKS & slot.schema.keys():
        return Spans({}, free=True)
    ends: Ends = {}
    for text in texts:
        here = lately.get((concern, text.content, text.tokens, now), partial(_ends_in, slot, text, now))
        for start, some in here.items():
            ends[text.first + start] = {text.first + end: value for end, value in some.items()}
    return Spans(ends)


def _ends_in(slot: Slot, text: Text, now: Now) -> Ends:
    """Return what may fill a slot, by token places in one piece."""
    found = _FINDERS.get(slot.kind, _checked_text)
    accepts = _bounds(slot)
    ends: Ends = {}
    for start in range(len(text.tokens)):
        here = {end - 1: value for end, value in found(slot, text, start, now) if accepts(value)}
        if here:
            ends[start] = here
    return ends


def concerns(slot: Slot) -> str:
    """Return all that ``spans_of`` goes by in a slot: where it is the same, so are the spans."""
    bounds = {name: slot.schema[name] for name in sorted(_BOUNDS & slot.schema.keys())}
    share = slot.kind in ("integer", "number") and _is_share(slot)
    return repr((slot.kind, slot.unit, share, bounds))


def may_begin(token: str) -> bool:
    """Whether a free value may begin with a token."""
    return token[0].isalnum() or len(token) > 1 or token in _OPENING


def may_end(token: str) -> bool:
    """Whether a free value may end with a token."""
    return token[0].isalnum() or len(token) > 1 or token in _CLOSING


def _bounds(slot: Slot) -> Callable[[Any], bool]:
    """Return the check of one value by what the schema says of its size and its form."""
    schema = slot.schema
    if slot.kind in ("integer", "number"):
        return lambda value: _in_range(value, schema)
    pattern = _pattern(schema)
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10**9)
    return lambda value: least <= len(value) <= most and (pattern is None or pattern.search(value) is not None)


def _pattern(schema: dict[str, Any]) -> re.Pattern[str] | None:
    """Return the form that a schema asks of a text; None where Python can't read it: calls are validated all the same.

    JSON Schema's expressions are those of ECMA 262, which knows ``(?<name>…)`` and more.
    """
    try:
        return re.compile(schema["pattern"]) if isinstance(schema.get("pattern"), str) else None
    except re.error:
        return None


def _in_range(value: float, schema: dict[str, Any]) -> bool:
    step = schema.get("multipleOf")
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and value > _strict(schema, "exclusiveMinimum", -math.inf)
        and value < _strict(schema, "exclusiveMaximum", math.inf)
        and (not step or abs(value / step - round(value / step)) < 1e-9)  # noqa: PLR2004 - floating point
    )


def _strict(schema: dict[str, Any], key: str, default: float) -> float:
    """Return an exclusive bound; the old boolean form turns the inclusive one strict."""
    bound = schema.get(key, default)
    if isinstance(bound, bool):
        bound = (
            schema.get({"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}[key], default)
            if bound
            else default
        )
    return float(bound)


def _numbers(slot: Slot, text: Text, start: int, _: Now) -> Iterator[tuple[int, Any]]:
    words = text.words
    for end, value in numbers_at(words, start):
        yield end, value
        if percent := _percent(words, end):
            yield from [(percent, round(value / 100, 6))] if _is_share(slot) else []
    yield from amounts_at(words, start, slot.unit)


def _percent(words: Sequence[str], at: int) -> int:
    """Return where a sign or a word for per cent ends; 0 where there is none."""
    if list(words[at : at + 1]) in (["%"], ["percent"]):
        return at + 1
    return at + 2 if list(words[at : at + 2]) == ["per", "cent"] else 0


def _is_share(slot: Slot) -> bool:
    """Whether a number may be a share of one: nothing says that it counts per cent, or more than one."""
    told = f"{slot.name} {slot.about}".lower()
    return "percent" not in told and "per cent" not in told and float(slot.schema.get("maximum", 1)) <= 1


def _whole(slot: Slot, text: Text, start: int, now: Now) -> Iterator[tuple[int, Any]]:
    for end, value in _numbers(slot, text, start, now):
        if isinstance(value, int) or value.is_integer():
            yield end, int(value)


def _real(slot: Slot, text: Text, start: int, now: Now) -> Iterator[tuple[int, Any]]:
    for end, value in _numbers(slot, text, start, now):
        yield end, int(value) if isinstance(value, int) or value.is_integer() else value


def _one_token(pattern: re.Pattern[str]) -> Callable[..., Iterator[tuple[int, Any]]]:
    def find(_: Slot, text: Text, start: int, __: Now) -> Iterator[tuple[int, Any]]:
        for end in range(start + 1, min(start + 6, len(text.tokens)) + 1):
            token = text.content[text.tokens[start].start : text.tokens[end - 1].end]
            if any(character.isspace() for character in token):
                return
            if pattern.fullmatch(token):
                yield end, token

    return find


def _phones(_: Slot, text: Text, start: int, __: Now) -> Iterator[tuple[int, Any]]:
    if not (text.words[start][0].isdigit() or text.words[start][0] in "+("):
        return
    for end in range(start + 1, min(start + 12, len(text.tokens)) + 1):
        said = text.content[text.tokens[start].start : text.tokens[end - 1].end]
        if not _PHONE.fullmatch(said):
            return
        number = ("+" if said.lstrip("(").startswith("+") else "") + re.sub(r"\D", "", said)
        if len(number) >= _FEWEST_DIGITS:
            yield end, number


def _coded(slot: Slot, text: Text, start: int, _: Now) -> Iterator[tuple[int, Any]]:
    """Yield the code of a name, or a code as it stands."""
    codes, said = code_table(slot.kind)
    for end in range(start + 1, min(start + _LONGEST_NAME, len(text.tokens)) + 1):
        name = text.content[text.tokens[start].start : text.tokens[end - 1].end].lower()
        if name in codes:
            yield end, codes[name]
    if text.tokens[start].text in said or (
        slot.kind in ("airport", "currency") and _CODE.fullmatch(text.tokens[start].text)
    ):
        yield start + 1, text.tokens[start].text


@lru_cache(maxsize=8)
def code_table(kind: str) -> tuple[dict[str, str], frozenset[str]]:
    """Return the codes of names (in lower case), and all codes there are."""
    tables = msgspec.json.decode((Path(__file__).parent / "codes.json").read_bytes(), type=dict[str, dict[str, str]])
    return tables[kind], frozenset(tables[kind].values())


def _joined(_: Slot, text: Text, start: int, __: Now) -> Iterator[tuple[int, Any]]:
    """Yield a few tokens without the spaces between; an airline's name before a number is its code."""
    codes, said = code_table("airline")
    for end in range(start + 1, min(start + _LONGEST_NAME, len(text.tokens)) + 1):
        content = text.content[text.tokens[start].start : text.tokens[end - 1].end]
        name, number = [*content.rsplit(" ", 1), ""][:2]
        if number.isdigit() and (name.lower() in codes or name in said):
            yield end, codes.get(name.lower(), name) + number
        elif _GLUED.fullmatch(content):
            yield end, "".join(content.split())


def _checked_text(_: Slot, text: Text, start: int, __: Now) -> Iterator[tuple[int, Any]]:
    if may_begin(text.tokens[start].text):
        for end in range(start + 1, min(start + _CHECKED_LONGEST, len(text.tokens)) + 1):
            if may_end(text.tokens[end - 1].text):
                yield end, text.content[text.tokens[start].start : text.tokens[end - 1].end]


_FINDERS: dict[str, Callable[[Slot, Text, int, Now], Iterator[tuple[int, Any]]]] = {
    "integer": _whole,
    "number": _real,
    "date": lambda _, text, start, now: dates_at(text.words, start, now.today),
    "month": lambda _, text, start, now: months_at(text.words, start, now.today),
    "time": lambda _, text, start, __: times_at(text.words, start),
    "instant": lambda _, text, start, now: instants_at(text.words, start, now),
    "email": _one_token(_EMAIL),
    "url": _one_token(_URL),
    "phone": _phones,
    **dict.fromkeys(("airport", "airline", "country", "currency"), _coded),
    "joined": _joined,
}
