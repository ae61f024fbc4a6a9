"""What students of ``repair.py`` do wrong: functions from the right chain to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repair_domain import IATA, MONEY, MONTHS

from pytest_toolmatch.core.chain import Call, Chain

if TYPE_CHECKING:
    from collections.abc import Callable

TOWNS = {code: town for town, code in IATA.items()}
NAMES = {code: name for name, code in MONEY.items()}


def value(tool: str, key: str, change: Callable[..., object]) -> Callable[[Chain], Chain]:
    """Return what writes one argument in another form."""

    def wrong(chain: Chain) -> Chain:
        return tuple(tuple(_changed(call) for call in step) for step in chain)

    def _changed(call: Call) -> Call:
        if call.name != tool or key not in call.arguments:
            return call
        return Call(tool, call.arguments | {key: change(call.arguments[key])})

    return wrong


def instead(
    tool: str, other: str, arguments: Callable[[dict[str, object]], dict[str, object]]
) -> Callable[[Chain], Chain]:
    """Return what calls another tool."""

    def wrong(chain: Chain) -> Chain:
        return tuple(
            tuple(Call(other, arguments(c.arguments)) if c.name == tool else c for c in step) for step in chain
        )

    return wrong


def guessed(tool: str, **arguments: object) -> Callable[[Chain], Chain]:
    """Return what makes one call, whatever is asked."""
    return lambda _: ((Call(tool, arguments),),)


def first_of_each(chain: Chain) -> Chain:
    """Keep the first call of each step."""
    return tuple(step[:1] for step in chain)


def silent(_: Chain) -> Chain:
    """Make no call."""
    return ()


def only_first_step(chain: Chain) -> Chain:
    """Stop after the first step."""
    return chain[:1]


def unsearched(key: str, value: str) -> Callable[[Chain], Chain]:
    """Return what leaves out the first of two steps, and guesses what it would have told."""
    return lambda chain: tuple(tuple(Call(c.name, c.arguments | {key: value}) for c in step) for step in chain[1:])


def booked(chain: Chain) -> Chain:
    """Book a flight on top."""
    return (*chain, (Call("book_flight", {"flight": "BX-117", "seats": 1}),))


def looked_up(chain: Chain) -> Chain:
    """Show every order before anything is done with it."""
    return tuple((Call("get_order", dict(call.arguments)),) for step in chain for call in step) + chain


def mailed(chain: Chain) -> Chain:
    """Leave out the search for a customer, and name the address instead."""
    if len(chain) < 2:
        return chain
    found, sent = chain[0][0], chain[-1][0]
    return ((Call(sent.name, sent.arguments | {"customer": found.arguments.get("email", "")}),),)


def day(iso: object) -> str:
    """Return a date as people say it."""
    year, month, day = str(iso).split("-")
    return f"{int(day)} {MONTHS[int(month) - 1]} {year}"


def avoided(tool: str) -> Callable[[Chain], Chain]:
    """Return what leaves out the calls of a tool."""
    return lambda chain: tuple(kept for step in chain if (kept := tuple(call for call in step if call.name != tool)))
