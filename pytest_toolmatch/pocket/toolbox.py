"""A list of tools as the network reads it: one item for each tool, argument and enum value, with its words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.pocket.latest import Latest
from pytest_toolmatch.pocket.likeness import Likeness
from pytest_toolmatch.pocket.negation import denies
from pytest_toolmatch.pocket.slots import KINDS, Slot, Unsupported, slots_of
from pytest_toolmatch.pocket.spans import concerns
from pytest_toolmatch.pocket.text import STOP_WORDS, name_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.pocket.spans import Ends, Found

TOOL, ARGUMENT, OPTION = range(3)
"""What an item stands for."""

NONE = ""
"""The word of a text without words; it is like no other."""

_NAME_WORDS, _ABOUT_WORDS = 8, 20
_MOST_OPTIONS = 64
_MOST_ITEMS = 400
_FOUND_KEPT = 256


class Item(NamedTuple):
    """A thing to point at; ``tool`` and ``argument`` are the items above it, or itself; ``type`` says of what kind."""

    kind: int
    tool: int
    argument: int
    type: int
    required: bool
    many: bool
    name: tuple[str, ...]
    about: tuple[str, ...]


class OfferedTool(NamedTuple):
    """One tool: its item, its slots with theirs, and per slot the items of its options; none unless ``supported``.

    ``concerns`` says of each slot what may fill it: slots of one concern take the same.
    """

    item: int
    supported: bool
    slots: tuple[Slot, ...] = ()
    arguments: tuple[int, ...] = ()
    options: tuple[tuple[int, ...], ...] = ()
    concerns: tuple[str, ...] = ()


class Siblings(NamedTuple):
    """All arguments, tool by tool: their items, the group of each, where groups begin, and the items of their tools."""

    items: NDArray[np.int64]
    groups: NDArray[np.int64]
    starts: NDArray[np.int64]
    tools: NDArray[np.int64]


class Toolbox:
    """The tools on offer, encoded once.

    ``words`` are the distinct words of all items; ``name_words`` and ``about_words`` (with ``…_starts``) index them
    item by item; ``denying`` says of each item whether its name and its description deny something. ``booleans`` are
    the arguments that are true or false. ``found`` holds the values that slots could take of what was read lately.
    """

    def __init__(self, tools: Sequence[Tool]) -> None:
        self.tools = tuple(tools)
        self.items: list[Item] = []
        self.offered = [self._offer(tool) for tool in tools]
        self.validator = ArgumentValidator(tools)
        texts = [text for item in self.items for text in (item.name, item.about)]
        self.words: list[str] = list(dict.fromkeys(word for text in texts for word in text))
        places = {word: place for place, word in enumerate(self.words)}
        self.name_words, self.name_starts = _flat([item.name for item in self.items], places)
        self.about_words, self.about_starts = _flat([item.about for item in self.items], places)
        self.content = np.array([word not in STOP_WORDS and word != NONE for word in self.words], np.float32)
        self.denying = np.array([(denies(item.name), denies(item.about)) for item in self.items], np.float32)
        boolean = 1 + KINDS.index("boolean")
        self.booleans = [at for at, item in enumerate(self.items) if item.kind == ARGUMENT and item.type == boolean]
        self.likeness = Likeness(self.words)
        self.siblings = _siblings(self.offered)
        self.cache: dict[str, Any] = {}
        self.found: Latest[Found, Ends] = Latest(_FOUND_KEPT)

    def _offer(self, tool: Tool) -> OfferedTool:
        here = len(self.items)
        self.items.append(Item(TOOL, here, here, 0, False, False, _name(tool.name), _about(tool.description)))
        try:
            slots = slots_of(tool)
        except Unsupported:
            return OfferedTool(here, supported=False)
        if here + sum(1 + min(len(slot.options), _MOST_OPTIONS) for slot in slots) > _MOST_ITEMS:
            return OfferedTool(here, supported=False)
        arguments, options = [], []
        for slot in slots:
            arguments.append(len(self.items))
            options.append(self._argument(slot, here))
        return OfferedTool(here, True, slots, tuple(arguments), tuple(options), tuple(map(concerns, slots)))

    def _argument(self, slot: Slot, tool: int) -> tuple[int, ...]:
        here = len(self.items)
        type_ = 1 + KINDS.index(slot.kind)
        name = _name(" ".join(slot.path[-2:]))
        self.items.append(Item(ARGUMENT, tool, here, type_, slot.required, slot.many, name, _about(slot.about)))
        options = ["yes" if one is True else "no" if one is False else str(one) for one in slot.options]
        meanings = _meanings(options, slot.about)
        for option in options[:_MOST_OPTIONS]:
            meant = meanings.get(option)
            name, about = (_name(meant), _name(option)) if meant else (_name(option), (NONE,))
            self.items.append(Item(OPTION, tool, here, type_, slot.required, slot.many, name, about))
        return tuple(range(here + 1, len(self.items)))


def _siblings(offered: Sequence[OfferedTool]) -> Siblings:
    several = [tool for tool in offered if tool.arguments]
    sizes = np.array([len(tool.arguments) for tool in several], np.int64)
    items = np.array([item for tool in several for item in tool.arguments], np.int64)
    tools = np.array([tool.item for tool in several], np.int64)
    return Siblings(items, np.repeat(np.arange(len(several)), sizes), np.cumsum(sizes) - sizes, tools)


def _meanings(options: Sequence[str], about: str) -> dict[str, str]:
    """Return what each option stands for where a description explains all of them (``C: Celsius, F: Fahrenheit``)."""
    found: dict[str, str] = {}
    for one in options:
        match = one in about and re.search(rf"(?<!\w){re.escape(one)}['\"]?\s*(?::|=|for|means)\s+([^,;.()]+)", about)
        if not match:
            return {}
        found[one] = match[1]
    return found


def _name(text: str) -> tuple[str, ...]:
    return tuple(name_words(text)[:_NAME_WORDS]) or (NONE,)


def _about(text: str) -> tuple[str, ...]:
    return tuple(name_words(text)[:_ABOUT_WORDS]) or (NONE,)


def _flat(texts: Sequence[tuple[str, ...]], places: dict[str, int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return all texts as word places in one row, and where each begins."""
    lengths = [len(text) for text in texts]
    starts = np.cumsum([0, *lengths[:-1]]) if lengths else ()
    return np.array([places[word] for text in texts for word in text], np.int32), np.array(starts, np.int32)
