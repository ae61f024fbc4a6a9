"""The grammar of a turn: which places may be pointed at in each step, and the calls that come of it.

A turn is tool | END; a call is one value for each slot in the order of its schema: ABSENT, TRUE, FALSE, an option, or
the first token of a stretch of text, followed by its last. No two values of a call begin at the same token. Whatever is
chosen, every call satisfies its schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.pocket.reading import ABSENT, END, FALSE, SPECIALS, TRUE, Reading

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.pocket.slots import Slot
    from pytest_toolmatch.pocket.toolbox import OfferedTool

CHOOSE_TOOL, CHOOSE_VALUE, CHOOSE_LAST = range(3)
"""The kinds of steps."""

MOST_CALLS = 8
_HERE, _BEFORE = 2, 1


class Step(NamedTuple):
    """One choice to make.

    ``allowed`` are the places that may be pointed at (specials, tokens, items); ``tool`` and ``slot`` the items it is
    about (-1: none yet); ``previous`` the place chosen before; ``used`` says of each token whether an earlier call (1)
    or this one (2) has copied it; ``call`` is the number of the call, ``element`` that of the array's element.
    """

    kind: int
    allowed: NDArray[np.bool_]
    tool: int
    slot: int
    previous: int
    used: NDArray[np.uint8]
    call: int
    element: int = 0


class Dropped(NamedTuple):
    """A call that could not be made valid."""

    name: str


Turn: TypeAlias = "Generator[Step, int, list[Call | Dropped]]"


class _Field(NamedTuple):
    """A slot with its item and those of its options."""

    slot: Slot
    item: int
    options: tuple[int, ...]


class _State:
    """What is carried from step to step."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.tokens, self.items = len(reading.words), len(reading.toolbox.items)
        self.previous, self.call = END, 0
        self.used = np.zeros(self.tokens, np.uint8)
        self.begun: set[int] = set()

    def step(self, kind: int, places: Any, tool: int, slot: int, element: int = 0) -> Step:
        allowed = np.zeros(SPECIALS + self.tokens + self.items, bool)
        allowed[places] = True
        return Step(kind, allowed, tool, slot, self.previous, self.used.copy(), self.call, element)


def turn(reading: Reading) -> Turn:
    """Run one turn as a generator: yields steps, is sent the place chosen in each, returns the calls."""
    state = _State(reading)
    calls: list[Call | Dropped] = []
    base = SPECIALS + state.tokens
    reachable = [o for o, can in zip(reading.toolbox.offered, reading.callable, strict=True) if can]
    while len(calls) < MOST_CALLS:
        place = yield state.step(CHOOSE_TOOL, [END, *(base + offered.item for offered in reachable)], -1, -1)
        state.previous = place
        if place == END:
            break
        offered = next(one for one in reachable if base + one.item == place)
        call = yield from _call(state, offered)
        if isinstance(call, Dropped):
            reachable.remove(offered)
        elif call in calls:
            break
        calls.append(call)
        state.call += 1
        state.used[state.used == _HERE] = _BEFORE
        state.begun.clear()
    return calls


def _call(state: _State, offered: OfferedTool) -> Generator[Step, int, Call | Dropped]:
    box = state.reading.toolbox
    arguments: dict[str, Any] = {}
    name = box.tools[box.offered.index(offered)].name
    fields = [_Field(*field) for field in zip(offered.slots, offered.arguments, offered.options, strict=True)]
    for field in fields:
        slot = field.slot
        if slot.of:
            continue
        values = yield from _values(state, offered, field, [one for one in fields if one.slot.of == slot.path])
        if values is None:
            return Dropped(name)
        if slot.many and (values or slot.required):
            _put(arguments, slot.path, values)
        elif values:
            _put(arguments, slot.path, values[0])
    call = Call(name, arguments)
    return call if box.validator.valid(call) else Dropped(name)


def _values(
    state: _State, offered: OfferedTool, field: _Field, others: Sequence[_Field] = (), element: int = 0
) -> Generator[Step, int, list[Any] | None]:
    """Choose the values of one slot: at most one, or several in an array; None where one must be and is none.

    ``others`` are the further parts of an array's objects, chosen after each first part; ``element`` is theirs.
    """
    slot, taken = field.slot, set[int]()
    values: list[Any] = []
    most = slot.most if slot.many else 1
    while len(values) < most:
        least = (slot.least if slot.required or values else 0) if slot.many else int(slot.required)
        places = [place for place in _places(state, field) if place not in taken]
        if len(values) >= least:
            places.append(ABSENT)
        if not places:
            return None
        place = yield state.step(CHOOSE_VALUE, places, offered.item, field.item, element + len(values))
        state.previous = place
        if place == ABSENT:
            break
        taken.add(place)
        value = yield from _value(state, offered, field, place)
        if slot.wrap:
            value = yield from _whole(state, offered, {slot.wrap: value}, others, len(values))
        if value is None:
            return None
        if not (slot.unique and value in values):
            values.append(value)
    return values


def _whole(
    state: _State, offered: OfferedTool, made: dict[str, Any], others: Sequence[_Field], element: int
) -> Generator[Step, int, dict[str, Any] | None]:
    """Choose the other parts of one object of an array; None where one must be and is none."""
    for field in others:
        values = yield from _values(state, offered, field, (), element)
        if values is None:
            return None
        if values:
            made[field.slot.name] = values[0]
    return made


def _places(state: _State, field: _Field) -> list[int]:
    if field.slot.kind == "boolean":
        return [TRUE, FALSE]
    if field.slot.kind == "enum":
        return [SPECIALS + state.tokens + option for option in field.options]
    return [int(SPECIALS + start) for start in state.reading.starts(field.item) if start not in state.begun]


def _value(state: _State, offered: OfferedTool, field: _Field, place: int) -> Generator[Step, int, Any]:
    if field.slot.kind == "boolean":
        return place == TRUE
    if field.slot.kind == "enum":
        return field.slot.options[field.options.index(place - SPECIALS - state.tokens)]
    start = place - SPECIALS
    state.begun.add(start)
    ends = state.reading.ends(field.item, start)
    last = yield state.step(CHOOSE_LAST, SPECIALS + ends, offered.item, field.item)
    state.previous = last
    state.used[start : last - SPECIALS + 1] = _HERE
    return state.reading.value(field.item, start, last - SPECIALS)


def _put(arguments: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        arguments = arguments.setdefault(name, {})
    arguments[path[-1]] = value
