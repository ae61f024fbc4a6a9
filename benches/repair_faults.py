"""The faults that are planted in students of ``repair.py``: what goes wrong, and which words or examples mend it.

A *cue* is recognised by stems of words in one component of the prompt, all of them in any order; so a text holds it or
does not, whoever wrote it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from repair_domain import MONTHS
from repair_wrongs import (
    NAMES,
    TOWNS,
    avoided,
    booked,
    day,
    first_of_each,
    guessed,
    instead,
    looked_up,
    mailed,
    only_first_step,
    silent,
    unsearched,
    value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.chain import Chain


class Cue(NamedTuple):
    """What mends a fault: stems of words in a component, and a sentence that has them."""

    component: str
    stems: tuple[str, ...]
    sentence: str

    def held(self, text: str) -> bool:
        """Whether a text has all the stems."""
        return all(re.search(rf"\b{re.escape(stem)}", text.lower()) for stem in self.stems)


class Fault(NamedTuple):
    """Something that a student does wrong in cases of some intents, unless a cue tells it otherwise.

    ``example`` says whether an example of the intent mends it, too. ``needs`` are tools that must be on offer.
    """

    name: str
    intents: tuple[str, ...]
    wrong: Callable[[Chain], Chain]
    cues: tuple[Cue, ...] = ()
    example: bool = False
    needs: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it is mended: ``instructions``, ``tool``, ``parameter`` or ``example``."""
        kinds = ("instructions", "tool", "parameter")
        return kinds[self.cues[0].component.count(":")] if self.cues else "example"

    @property
    def mendable(self) -> bool:
        """Whether anything mends it."""
        return bool(self.cues) or self.example


def _cue(component: str, stems: str, sentence: str) -> Cue:
    return Cue(component, tuple(stems.split()), sentence)


def _said(stems: str, sentence: str) -> Cue:
    return _cue("instructions", stems, sentence)


FAULTS = {
    one.name: one
    for one in (
        Fault(
            "books unsearched",
            ("trip",),
            unsearched("flight", "any"),
            (_said("search before", "Search flights before you book one."),),
            example=True,
        ),
        Fault("stops after search", ("hotel",), only_first_step, example=True),
        Fault("one way only", ("return",), first_of_each, example=True),
        Fault(
            "one of two",
            ("orders",),
            first_of_each,
            (_said("every order", "Look up every order that is named."),),
            example=True,
        ),
        Fault(
            "guesses",
            ("vague",),
            guessed("search_flights", origin="?", destination="?", day="?"),
            (_said("ask missing", "Where a detail is missing, ask for it and call nothing."),),
            needs=("search_flights",),
        ),
        Fault(
            "calls in small talk",
            ("chat",),
            guessed("get_weather", town="here"),
            (_said("without tool", "Answer what is not about our services without a tool."),),
            needs=("get_weather",),
        ),
        Fault(
            "wants a yes",
            ("transfer",),
            silent,
            (_said("at once confirm", "Transfer money at once; nobody has to confirm it."),),
        ),
        Fault(
            "shows what it cancels",
            ("cancel",),
            looked_up,
            (
                _said("cancel straight", "Cancel orders straight away."),
                _cue("tool:cancel_order", "straight", "Call it straight away."),
            ),
            needs=("get_order",),
        ),
        Fault(
            "mail for customer",
            ("voucher",),
            mailed,
            (
                _cue("tool:send_voucher:customer", "find_customer", "The id that find_customer returns."),
                _said("customer id", "Find the customer id first where you have an address."),
            ),
        ),
        Fault(
            "weather for climate",
            ("climate",),
            instead("get_climate", "get_weather", lambda a: {"town": a["town"]}),
            (
                _cue("tool:get_climate", "usual", "Tells what is usual in a month."),
                _cue("tool:get_weather", "only today", "Knows only today."),
            ),
            needs=("get_weather",),
        ),
        Fault(
            "climate for weather",
            ("weather",),
            instead("get_weather", "get_climate", lambda a: {"town": a["town"], "month": "06"}),
            (_cue("tool:get_weather", "now", "Tells how it is now."),),
            needs=("get_climate",),
        ),
        Fault(
            "cancels for money",
            ("refund",),
            instead("refund_order", "cancel_order", lambda a: {"order": a["order"]}),
            (
                _cue("tool:refund_order", "pays back", "Pays money back, the order stays."),
                _cue("tool:cancel_order", "no money", "It returns no money."),
            ),
            needs=("cancel_order",),
        ),
        Fault(
            "order for parcel",
            ("track",),
            instead("track_parcel", "get_order", lambda a: {"order": a["parcel"]}),
            (_cue("tool:track_parcel", "where", "Tells where a parcel is."),),
            needs=("get_order",),
        ),
        Fault(
            "books unasked",
            ("flights",),
            booked,
            (_cue("tool:book_flight", "only wants", "Only for a customer who wants to buy."),),
            needs=("book_flight",),
        ),
        *(
            Fault(name, intents, value(tool, key, change), (_cue(f"tool:{tool}:{key}", stems, sentence),))
            for name, intents, tool, key, change, stems, sentence in (
                (
                    "flight day in words",
                    ("trip", "flights", "return"),
                    "search_flights",
                    "day",
                    day,
                    "yyyy",
                    "Form YYYY-MM-DD.",
                ),
                ("hotel day in words", ("hotel",), "search_hotels", "day", day, "yyyy", "Form YYYY-MM-DD."),
                ("town for airport", ("trip", "flights"), "search_flights", "origin", TOWNS.get, "iata", "IATA code."),
                (
                    "town at the end",
                    ("trip", "flights"),
                    "search_flights",
                    "destination",
                    TOWNS.get,
                    "iata",
                    "IATA code.",
                ),
                ("refund in euros", ("refund",), "refund_order", "amount", lambda v: v // 100, "cent", "In cents."),
                (
                    "transfer in euros",
                    ("transfer",),
                    "transfer_money",
                    "amount",
                    lambda v: v // 100,
                    "cent",
                    "In cents.",
                ),
                ("parcel by number", ("track",), "track_parcel", "parcel", lambda v: v[3:], "px-", "As in PX-1234."),
                ("currency by name", ("convert",), "convert_money", "source", NAMES.get, "three", "Three letters."),
                ("wanted by name", ("convert",), "convert_money", "target", NAMES.get, "three", "Three letters."),
                ("hours", ("reminder",), "set_reminder", "after", lambda v: v // 60, "minute", "In minutes."),
                (
                    "account undashed",
                    ("transfer",),
                    "transfer_money",
                    "account",
                    lambda v: v[2:],
                    "dash",
                    "Keep the dash.",
                ),
                ("full name", ("hotel",), "book_hotel", "guest", lambda v: f"Dr {v}", "surname", "The surname alone."),
                (
                    "month in words",
                    ("climate",),
                    "get_climate",
                    "month",
                    lambda v: MONTHS[int(v) - 1],
                    "digit",
                    "As two digits.",
                ),
            )
        ),
    )
}


def stubborn(intent: str) -> Fault:
    """Return a fault that nothing mends."""
    return Fault(f"never does {intent}", (intent,), silent)


class Harm(NamedTuple):
    """What a text does that it should not hold: as a fault, but there where its cue is."""

    cue: Cue
    wrong: Callable[[Chain], Chain]
    strike: float = 0.5


def harms(tools: tuple[str, ...]) -> list[Harm]:
    """Return what over-eager texts do to a student with these tools."""
    rule = _said("always permission", "Always get the customer's permission before any tool is used.")
    more = [Harm(_cue(f"tool:{tool}", "avoid", "Avoid it where you can."), avoided(tool)) for tool in tools]
    return [Harm(rule, silent), *more]


LONG = 6000
"""Characters of all texts beyond which a student loses its thread: as a harm, whatever they say."""
