"""Requests written by hand for the tools of the demo suites: a travel desk and the support desk of a shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.distill.requests.families import Telling, read_suite

if TYPE_CHECKING:
    from pytest_toolmatch.distill.examples import Example

TIMES = 6
"""How often a phrasing with slots is told, each time with other values; one without slots is told twice."""

SUITES = {
    "flights": (
        (
            "You are the assistant of a travel desk. Today is {today}. Airports and airlines are IATA codes, dates are ISO 8601.",
            "You help people to fly. Today is {today}. Weights are kilograms, lengths centimetres. Ask for what is missing.",
            "Today is {today}. Use the tools of the travel desk; never guess a value, and book only when told to.",
        ),
        "",
    ),
    "support": (
        (
            "You work at the support desk of a shop. It is {today}, 09:00 in Berlin (UTC+02:00). Prices are in euros.",
            "It is {today} (time zone UTC+02:00). You answer the customers of a shop for house and garden. Never guess a value.",
            "Support desk of a shop. Today is {today}, the offset is UTC+02:00. Ask when something that a tool needs is missing.",
        ),
        "+02:00",
    ),
}


def demo_requests(times: int = TIMES) -> list[Example]:
    """Return all hand-written requests, told with values; the same ones each time.

    All examples of one phrasing have the same ``group``: a split by group holds whole phrasings out.
    """
    found = []
    for name, (systems, offset) in SUITES.items():
        suite = read_suite(name, systems, offset)
        for family in suite.families:
            for phrase in family.says:
                for turn in range(times if "{" in phrase else min(times, 2)):
                    found += Telling(suite, family, phrase, f"{turn} {phrase}").turns()
    return found
