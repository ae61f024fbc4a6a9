"""Requests written by hand for the tools of the demo suites: a travel desk and the support desk of a shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.distill.requests.suites import read_suite
from pytest_toolmatch.distill.requests.telling import Telling

if TYPE_CHECKING:
    from pytest_toolmatch.distill.examples import Example

TIMES = 6
"""How often a phrasing with slots is told, each time with other values; one without slots is told twice."""


def demo_requests(times: int = TIMES, first: int = 0) -> list[Example]:
    """Return all hand-written requests, told with values; the same ones each time, others for another ``first``.

    All examples of one phrasing have the same ``group``: a split by group holds whole phrasings out.
    """
    found: list[Example] = []
    for suite in map(read_suite, ("flights", "support")):
        for family in suite.families:
            for phrase in family.says:
                for turn in range(first, first + (times if "{" in phrase else min(times, 2))):
                    found += Telling(suite, family, phrase, f"{turn} {phrase}").turns()
    return found
