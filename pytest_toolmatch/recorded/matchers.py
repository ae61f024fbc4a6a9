"""What compares the calls of recorded cases: made when it is needed, and once for all cases of a suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from pytest_toolmatch.core.rules import Rules
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.recorded.reading import Recorded


class Matchers:
    """The matchers of suites, by their tools and rules."""

    def __init__(self) -> None:
        # Tools and rules are kept beside what is known by their identity, so that it stays their own.
        self._known: dict[tuple[int, int], tuple[tuple[Tool, ...], Rules, Matcher]] = {}

    def of(self, one: Recorded) -> Matcher:
        """Return what compares the calls of a case; for one with tools of its own it is not kept."""
        tools, rules = one.tools, one.suite.rules
        key = (id(tools), id(rules))
        if key in self._known:
            return self._known[key][2]
        matcher = Matcher(tools, rules=rules)
        if tools is one.suite.tools:
            self._known[key] = (tools, rules, matcher)
        return matcher
