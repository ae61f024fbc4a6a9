"""Numbers as they are shown: the same digits for a value, its interval and its ceiling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_toolmatch.judging.gate import GateResult
    from pytest_toolmatch.judging.verdict import State
    from pytest_toolmatch.statistics.intervals import Interval

NOTHING = "–"
"""Stands where there is no data."""

_SIGNED = {"margin", "as_good_as_teacher"}
"""Differences, which may be negative."""

_WITHOUT_DIGITS = {None: NOTHING, math.inf: "∞", -math.inf: "-∞"}
_TEN, _HUNDRED, _THOUSAND = 10, 100, 1000
_IN_ERROR = {"error": "in error"}


def number(metric: str, value: float | None) -> str:
    """Return a metric's value in the digits of its kind; a dash without one."""
    if value is None or math.isinf(value):
        return _WITHOUT_DIGITS[value]
    if metric in _SIGNED:
        return _signed(value)
    if metric == "tokens":
        return _amount(value)
    if metric == "cost":
        return f"{value:.4f}" if value < 1 else f"{value:.2f}" if value < _THOUSAND else _amount(value)
    if metric.startswith("latency"):
        return f"{value:.2f}" if value < _TEN else f"{value:.1f}" if value < _HUNDRED else _amount(value)
    return f"{value:.2f}"


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return text if float(text) else text[1:]


def _amount(value: float) -> str:
    """Return an amount in at most five signs: ``950``, ``9500``, ``14.2k``, ``142k``, ``1.2M``."""
    if value < _TEN * _THOUSAND - 0.5:
        return f"{value:.0f}"
    rest = value
    for unit in "kMGT":
        rest /= _THOUSAND
        if rest < _THOUSAND - 0.5:
            return f"{rest:.1f}{unit}" if rest < _HUNDRED - 0.05 else f"{rest:.0f}{unit}"
    return f"{value:.0e}"


def interval(metric: str, bounds: Interval | None, beside: float | None = None) -> str:
    """Return an interval as ``low–high``, or ``-0.17 to -0.09`` where there are signs; a dash without one.

    An end that would look like the number ``beside`` it, and is another, gets a digit more.
    """
    if bounds is None:
        return NOTHING
    low, high = (_end(metric, end, beside) for end in bounds)
    return f"{low} to {high}" if metric in _SIGNED else f"{low}–{high}"


def _end(metric: str, end: float, beside: float | None) -> str:
    shown = number(metric, end)
    if beside is None or end == beside or shown != number(metric, beside) or "." not in shown:
        return shown
    # Towards its own side, so that it never looks like the other number.
    further = 10 ** (len(shown.partition(".")[2]) + 1)
    apart = math.floor(end * further) if end < beside else math.ceil(end * further)
    signs = "+" if metric in _SIGNED else ""
    return f"{apart / further:{signs}.{len(str(further)) - 1}f}"


def gate_text(gate: GateResult) -> str:
    """Return what a gate came to in a line: ``0.84 (0.80–0.88), fails``, and its reason."""
    bounds = None if gate.low is None or gate.high is None else (gate.low, gate.high)
    seen = f"{number(gate.metric, gate.value)} ({interval(gate.metric, bounds)}), " if gate.value is not None else ""
    return f"{seen}{gate.state}{': ' if gate.reason else ''}{gate.reason}"


def percent(share: float) -> str:
    """Return a share as ``95 %``."""
    return f"{100 * share:.4g} %"


def fate(state: State, count: int, more: str = "") -> str:
    """Return ``1 agrees`` or ``2 agree``; of cases."""
    words = {"agrees": "agree", "diverges": "diverge"} if count != 1 else {}
    return f"{count} {more}{words.get(state, _IN_ERROR.get(state, state))}"


def plural(count: int, noun: str) -> str:
    """Return ``1 case`` or ``2 cases``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def span(values: list[int]) -> str:
    """Return ``8``, or ``1–4`` where the values vary."""
    if not values:
        return "0"
    return str(values[0]) if min(values) == max(values) else f"{min(values)}–{max(values)}"
