"""BFCL's possible answers, spelled out: every combination of allowed values is one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Any

import msgspec

from pytest_toolmatch.core.chain import Call, Chain, encode_chain
from pytest_toolmatch.core.tool import Tool, find_tool
from pytest_toolmatch.suites.importers.bfcl_text import python_calls

LIMIT = 64
"""Answers kept per question."""

_OMITTED = ""
"""Stands among the allowed values of an argument that may be left out."""


class Answers(msgspec.Struct, frozen=True):
    """The answers to one question; ``cut`` where there are more than are kept."""

    chains: tuple[Chain, ...]
    cut: bool = False


def spelled_out(truth: Any, tools: Sequence[Tool], fold: Callable[[str], str]) -> Answers:
    """Return the answers that a ground truth allows, at most ``LIMIT`` of them.

    They come in the order of the file: the first allowed value of every argument first, then as an odometer turns,
    the last argument of the last call fastest. Equal ones count once. Calls of one answer are parallel; the call
    strings of a conversation of several turns depend on each other and are a step each. ValueError where the shape is
    foreign.
    """
    if isinstance(truth, list) and truth and all(isinstance(turn, list) for turn in truth):
        return Answers((_turns(truth, tools, fold),))
    calls = [_choices(name, arguments, tools, fold) for name, arguments in _pairs(truth)]
    combined = islice(product(*calls), LIMIT * LIMIT)  # LIMIT distinct ones are all but certainly among these
    distinct = {encode_chain((step,)): (step,) for step in combined}
    chains: tuple[Chain, ...] = tuple(distinct.values()) if calls else ((),)
    return Answers(chains[:LIMIT], len(chains) > LIMIT)


def _pairs(truth: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and allowed arguments per call: a list of objects, or in the first version one object."""
    entries = truth if isinstance(truth, list) else [truth]
    for entry in entries:
        if not isinstance(entry, dict) or not all(isinstance(arguments, dict) for arguments in entry.values()):
            raise ValueError(f"no allowed values: {str(entry)[:60]}")
        yield from entry.items()


def _choices(name: str, arguments: dict[str, Any], tools: Sequence[Tool], fold: Callable[[str], str]) -> list[Call]:
    known = _known(fold(name), tools)
    return [Call(known, chosen) for chosen in islice(_objects(arguments), LIMIT * LIMIT)]


def _known(name: str, tools: Sequence[Tool]) -> str:
    """Return the tool's name; the first version numbers repeated calls: ``play_1``, ``play_2``."""
    base, _, number = name.rpartition("_")
    repeated = not find_tool(tools, name) and number.isdecimal() and find_tool(tools, base)
    return base if repeated else name


def _objects(allowed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every object with one allowed value per key, and without the keys that may be left out."""
    choices = [list(_values(values)) for values in allowed.values()]
    for chosen in product(*choices):
        yield {key: value for key, value in zip(allowed, chosen, strict=True) if value != _OMITTED}


def _values(values: Any) -> Iterator[Any]:
    for value in values if isinstance(values, list) else [values]:
        yield from _spelled(value)


def _spelled(value: Any) -> Iterable[Any]:
    """Yield the values that one allowed value stands for: objects of lists are choices themselves."""
    if isinstance(value, dict) and value and all(isinstance(item, list) for item in value.values()):
        return _objects(value)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return (list(items) for items in product(*(list(_spelled(item)) for item in value)))
    return (value,)


def _turns(turns: list[list[Any]], tools: Sequence[Tool], fold: Callable[[str], str]) -> Chain:
    """Read the call strings of all turns, a step each; positional arguments get their names from the tool's schema."""
    found = [python_calls(f"[{text}]") for turn in turns for text in turn]
    return tuple(
        tuple(_bound(Call(fold(call.name), call.arguments), positional, tools) for call, positional in pairs)
        for pairs in found
    )


def _bound(call: Call, positional: list[Any], tools: Sequence[Tool]) -> Call:
    tool = find_tool(tools, call.name)
    names = list((tool.parameters or {}).get("properties", {})) if tool else []
    return Call(call.name, dict(zip(names, positional, strict=False)) | call.arguments)
