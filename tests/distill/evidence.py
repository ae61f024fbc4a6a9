"""Where in a conversation a value comes from: an independent reading of what the generators document."""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.schema import resolve
from pytest_toolmatch.distill.generator.vocabulary import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.distill.examples import Example

MONTHS = list(map(str.lower, calendar.month_name[1:]))
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
FACTORS = (1, 1000, 0.001, 100, 0.01, 10, 0.1, 24, 7, 60)
RELATIVE = re.compile(r"today|tomorrow|in \w+ (?:days|weeks)|in a week|weeks? from|day\b")
ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


NAMES: defaultdict[str, set[str]] = defaultdict(set)
"""The names that stand for a code."""
for table in read("codes").values():
    for name_, code_ in table.items():
        NAMES[code_].add(name_.lower())


def text_of(example: Example) -> str:
    return "\n".join(message.content for message in example.conversation).lower()


def without_evidence(example: Example) -> list[tuple[str, Any]]:
    """Return the values of an example's calls that its conversation does not show."""
    text = text_of(example)
    schemas = {tool.name: tool.parameters or {} for tool in example.tools}
    return [
        (name, value)
        for call in example.calls
        for name, value, schema in leaves(call, schemas[call.name])
        if not said(value, text, schema)
    ]


def leaves(call: Call, root: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    yield from _leaves("", call.arguments, root, root)


def _leaves(name: str, value: Any, schema: Any, root: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    schema = resolve(schema, root)
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(key, one, schema["properties"][key], root)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(name, one, schema.get("items", {}), root)
    else:
        yield name, value, schema


def said(value: Any, text: str, schema: dict[str, Any]) -> bool:
    if isinstance(value, bool) or value is None:
        return True  # flags are phrases: shown by reading samples
    if isinstance(value, (int, float)):
        return number_said(value, text)
    if "enum" in schema:
        return True  # checked by the caller, who knows the phrase
    return text_said(value, text) or any(name in text for name in NAMES.get(value, ()))


def text_said(value: str, text: str) -> bool:
    if value.lower() in text or (value.startswith("+") and value[1:] in re.sub(r"[ -]", "", text)):
        return True
    if found := ISO.match(value):
        return date_said(found, text) and (len(value) < 16 or time_said(value[11:16], text))
    if re.fullmatch(r"\d\d:\d\d", value):
        return time_said(value, text)
    if re.fullmatch(r"\d{4}-\d\d", value):
        return MONTHS[int(value[5:]) - 1] in text
    return value.lower() in text.replace(" ", "")  # a flight number that was said with a space


def date_said(found: re.Match[str], text: str) -> bool:
    year, month, day = found.groups()
    name = MONTHS[int(month) - 1][:3]
    written = re.search(rf"\b{int(day)}(?:st|nd|rd|th)?\b", text) and re.search(rf"\b{name}", text)
    weekday = re.search(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day", text)
    dotted = f"{day}.{month}.{year}"
    return bool(written or dotted in text or found[0] in text or RELATIVE.search(text) or weekday)


def time_said(value: str, text: str) -> bool:
    hour, minute = int(value[:2]), value[3:]
    if value in text or (hour == 12 and "noon" in text) or "midday" in text or "midnight" in text or value == "00:00":
        return True
    clock = hour % 12 or 12
    return re.search(rf"\b{clock}(?::{minute})? ?[ap]m|\b{hour} o'clock", text) is not None


def number_said(value: float, text: str) -> bool:
    return any(abs(one * factor - value) < 1e-6 for one in numbers_in(text) for factor in FACTORS)


def numbers_in(text: str) -> set[float]:
    digits = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    found = {float(one.replace(",", "")) for one in digits if not one.endswith(",")}
    found |= {float(one.rstrip(",").replace(",", "")) for one in digits}
    found |= {float(one.replace(",", ".")) for one in re.findall(r"\d+,\d\d\b", text)}
    found |= {1.0} if re.search(r"\ban? (?:day|week|hour)\b", text) else set()
    return found | {float(place) for place, word in enumerate(NUMBERS) if re.search(rf"\b{word}\b", text)}
