"""Made-up tool calls for the benches: three tools of four arguments, and every way in which a call can be worded."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Arguments = dict[str, Any]
    Calls = list[dict[str, Any]]

PROPERTIES = {
    "item": {"type": "string"},
    "count": {"type": "integer"},
    "price": {"type": "number"},
    "gift": {"type": "boolean", "default": False},
}
PARAMETERS = {"type": "object", "properties": PROPERTIES, "required": ["item", "count", "price"]}
TOOLS = [{"name": name, "parameters": PARAMETERS} for name in ("find_item", "reserve_item", "order_item")]

SAME: tuple[Callable[[Arguments], Arguments], ...] = (
    lambda said: said,
    lambda said: dict(reversed(said.items())),
    lambda said: {name: value for name, value in said.items() if name != "gift"},
    lambda said: said | {"count": float(said["count"])},
)
"""Ways to say the same: word for word, in another key order, with the default left out, 5.0 for 5."""

OTHER: tuple[Callable[[Arguments], Arguments], ...] = (
    lambda said: said | {"item": said["item"] + "s"},
    lambda said: said | {"count": said["count"] + 1},
    lambda said: said | {"price": said["price"] + 0.01},
    lambda said: said | {"gift": not said["gift"]},
)
"""Ways to say something else in one argument: a text, an integer, a number, a boolean."""


def calls(dice: random.Random) -> Calls:
    """Return one call of every tool, no two alike."""
    return [
        {
            "name": tool["name"],
            "arguments": {
                "item": f"kettle {dice.randrange(10**6)}",
                "count": dice.randrange(1, 99),
                "price": dice.randrange(99, 9999) / 100,
                "gift": False,
            },
        }
        for tool in TOOLS
    ]


def pairs(count: int) -> Iterator[tuple[Calls, Calls, bool]]:
    """Yield (student's calls, teacher's calls, whether they match), half of which do.

    Either side, by chance, has every call reworded, or says something else in one.
    """
    dice = random.Random(5)  # noqa: S311 - data, not secrets
    for index in range(count):
        change = (*SAME, *OTHER)[index % (len(SAME) + len(OTHER))]
        said, place = calls(dice), dice.randrange(len(TOOLS))
        changed = [
            {**call, "arguments": change(call["arguments"])} if change in SAME or number == place else call
            for number, call in enumerate(said)
        ]
        both = (said, changed) if dice.random() < 0.5 else (changed, said)
        yield *both, change in SAME
