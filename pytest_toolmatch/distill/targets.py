"""Examples as arrays: what the network reads, and what is right in every step of the turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytest_toolmatch.pocket.grammar import CHOOSE_LAST, CHOOSE_TOOL, Dropped, Step, turn
from pytest_toolmatch.pocket.reading import ABSENT, END, FALSE, NAME, SPECIALS, TRUE, Reading
from pytest_toolmatch.pocket.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.distill.examples import Example
    from pytest_toolmatch.pocket.slots import Slot

TOOL_WEIGHT, VALUE_WEIGHT, ABSENT_WEIGHT = 3.0, 4.0, 1.0
"""What a step counts for in the loss: values above names above structure."""

ALLOWED, RIGHT = 1, 2


class Unreachable(Exception):  # noqa: N818 - it is read as a statement
    """The calls of an example can't be said in the grammar: a value stands nowhere, or a tool is unsupported."""


class Encoded(NamedTuple):
    """One example; ``target`` is steps × places: 0 not allowed, ALLOWED, RIGHT. ``steps`` are rows of integers."""

    reading: Reading
    target: NDArray[np.uint8]
    used: NDArray[np.uint8]
    steps: NDArray[np.int32]
    weights: NDArray[np.float32]


def encode(example: Example, toolbox: Toolbox | None = None, instructions: str = "") -> Encoded:
    """Return the example's reading with the steps of its calls; raises Unreachable."""
    reading = Reading(example.conversation, toolbox or Toolbox(example.tools), instructions)
    oracle = _Oracle(reading, example.calls)
    steps, targets, chosen = [], [], []
    walk, sent = turn(reading), None
    try:
        while True:
            step = walk.send(sent)  # type: ignore[arg-type]  # a generator is started with None
            right, sent = oracle.choose(step)
            targets.append(step.allowed.astype(np.uint8))
            targets[-1][right] = RIGHT
            steps.append(step)
            chosen.append(sent)
    except StopIteration as stop:
        oracle.check(stop.value)
    rows = [[s.kind, s.tool, s.slot, s.previous, s.element, s.call] for s in steps]
    weights = [_weight(step, place) * example.weight for step, place in zip(steps, chosen, strict=True)]
    used = np.stack([step.used for step in steps])
    return Encoded(reading, np.stack(targets), used, np.array(rows, np.int32), np.array(weights, np.float32))


def _weight(step: Step, place: int) -> float:
    if step.kind == CHOOSE_TOOL:
        return TOOL_WEIGHT
    return ABSENT_WEIGHT if place == ABSENT else VALUE_WEIGHT


class _Oracle:
    """Knows the calls that are right, and says in each step which places lead to them."""

    def __init__(self, reading: Reading, calls: tuple[Call, ...]) -> None:
        self.reading, self.box = reading, reading.toolbox
        self.tokens = len(reading.words)
        self.tools = {tool.name: offered for tool, offered in zip(self.box.tools, self.box.offered, strict=True)}
        self.slots: dict[int, tuple[int, Slot]] = {
            item: (place, slot)
            for offered in self.box.offered
            for place, (item, slot) in enumerate(zip(offered.arguments, offered.slots, strict=True))
        }
        self._check_tools(calls)
        self.calls = sorted(calls, key=self._position)
        self.chosen = END
        self.value: Any = None

    def _check_tools(self, calls: tuple[Call, ...]) -> None:
        for call in calls:
            offered = self.tools.get(call.name)
            if offered is None or not self.reading.callable[self.box.offered.index(offered)]:
                raise Unreachable(f"{call.name} can't be called")

    def _position(self, call: Call) -> float:
        """Return where a call's values are mentioned first: parallel calls come in the order of the text."""
        offered, first = self.tools[call.name], []
        for slot, item in zip(offered.slots, offered.arguments, strict=True):
            for value in _wanted(call, slot):
                if slot.kind not in ("boolean", "enum"):
                    first += self._starts(item, value)[:1]
        return min(first, default=float(np.argmax(self.reading.match[NAME, offered.item])) if self.tokens else 0)

    def choose(self, step: Step) -> tuple[list[int], int]:
        """Return the places that are right, and the one to go on with."""
        if step.kind == CHOOSE_TOOL:
            done = step.call >= len(self.calls)
            place = END if done else SPECIALS + self.tokens + self.tools[self.calls[step.call].name].item
            if not step.allowed[place]:
                raise Unreachable(f"{self.calls[step.call].name} can't be called again")
            return [place], place
        right = self._last(step) if step.kind == CHOOSE_LAST else self._value(step)
        right = [place for place in right if step.allowed[place]]
        if not right:
            raise Unreachable(f"{self.calls[step.call]}: {self.value!r} stands nowhere")
        place = right[0] if step.kind == CHOOSE_LAST else self._best(step, right)
        self.chosen = place
        return right, place

    def _value(self, step: Step) -> list[int]:
        place, slot = self.slots[step.slot]
        values = _wanted(self.calls[step.call], slot, step.element)
        if slot.of and len(values) > 1:
            raise Unreachable(f"{self.calls[step.call]}: {slot.name} is no single value")
        if (0 if slot.of else step.element) >= len(values):
            return [ABSENT]
        self.value = values[0 if slot.of else step.element]
        if slot.kind == "boolean":
            return [TRUE if self.value is True else FALSE]
        if slot.kind == "enum":
            options = self.tools[self.calls[step.call].name].options[place]
            found = [one for one, option in zip(options, slot.options, strict=False) if _same(option, self.value)]
            return [SPECIALS + self.tokens + one for one in found]
        return [SPECIALS + start for start in self._starts(step.slot, self.value)]

    def _starts(self, item: int, value: Any) -> list[int]:
        spans = self.reading.spans[item]
        if not spans.free:
            return [start for start, ends in spans.ends.items() if any(_same(value, one) for one in ends.values())]
        return [start for start, _ in self.reading.find(value)] if isinstance(value, str) else []

    def _last(self, step: Step) -> list[int]:
        start = self.chosen - SPECIALS
        ends = self.reading.ends(step.slot, start)
        return [
            int(SPECIALS + end) for end in ends if _same(self.reading.value(step.slot, start, int(end)), self.value)
        ]

    def _best(self, step: Step, right: list[int]) -> int:
        """Return the place that a reader would take: unused, right behind a word of the argument's name."""
        if len(right) == 1:
            return right[0]
        match = self.reading.match[NAME, step.slot]

        def fit(place: int) -> tuple[float, float]:
            token = place - SPECIALS
            return -float(step.used[token]), float(match[max(token - 2, 0) : token + 2].sum())

        return max(right, key=fit)

    def check(self, calls: list[Call | Dropped]) -> None:
        """Raise Unreachable where the walk did not come to the calls that are right."""
        if len(calls) != len(self.calls):
            raise Unreachable(f"{self.calls} came out as {calls}")
        for ours, wanted in zip(calls, self.calls, strict=True):
            if isinstance(ours, Dropped) or not _same(ours.arguments, wanted.arguments or {}):
                raise Unreachable(f"{wanted} came out as {ours}")


def _wanted(call: Call, slot: Slot, element: int = 0) -> list[Any]:
    """Return the values of a slot in a call: none, one, or those of an array; of an array's objects one part of one."""
    value = call.arguments or {}
    if slot.of:
        objects = _wanted(call, slot._replace(path=slot.of, of=(), many=True, wrap=""))
        one = objects[element] if element < len(objects) else None
        return [one[slot.name]] if isinstance(one, dict) and one.get(slot.name) is not None else []
    for name in slot.path:
        if not isinstance(value, dict) or name not in value:
            return []
        value = value[name]
    if not slot.many:
        return [] if value is None else [value]
    if not isinstance(value, list):
        return []
    return [one.get(slot.wrap) if isinstance(one, dict) else one for one in value] if slot.wrap else value


def _same(a: Any, b: Any) -> bool:
    """Return whether two JSON values are equal; true is not 1."""
    return type(a) is type(b) and a == b if isinstance(a, bool) or isinstance(b, bool) else bool(a == b)


def encode_all(examples: Iterator[Example] | list[Example]) -> Iterator[Encoded | Unreachable]:
    """Yield each example encoded, or why it can't be."""
    for example in examples:
        try:
            yield encode(example)
        except Unreachable as why:
            yield why
