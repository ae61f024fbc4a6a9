"""Gates: a bound on a suite's metric, and what became of it."""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import GateError, did_you_mean
from pytest_toolmatch.judging.metrics import METRICS, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GateState: TypeAlias = Literal["holds", "fails", "undecided"]

_EXPRESSION = re.compile(
    r"\s*(?P<metric>\w+)\s*(?:\[\s*(?P<by>tag|tool)\s*=\s*(?P<subset>[^\]]+?)\s*\])?"
    r"\s*(?P<sign>>=|<=|>|<)\s*(?P<bound>[-+.\w%]+)\s*"
)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}

_NEVER = {(">=", 1.0), (">", 1.0), ("<=", 0.0), ("<", 0.0)}
"""What no interval of a rate can show."""


class Gate(NamedTuple):
    """A parsed gate: ``metric [tag=…|tool=…] sign bound``."""

    expression: str
    metric: str
    sign: str
    bound: float
    by: str = ""
    subset: str = ""


class GateResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a gate: the value it looked at, and that value's interval for *this suite*.

    A ``partial`` gate saw only some of the suite's cases: it is shown, and decides nothing.
    """

    expression: str
    state: GateState
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    partial: bool = False


def parse_gate(expression: str, where: str = "") -> Gate:
    """Read a gate such as ``chain_match >= 0.90`` or ``chain_match[tag=payments] >= 0.99``."""
    place = f"{where}: " if where else ""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise GateError(f"{place}can't read gate {expression!r}; write it like 'chain_match >= 0.90'")
    metric = found["metric"]
    if metric not in METRICS:
        raise GateError(f"{place}gate {expression!r}: unknown metric {metric!r}{did_you_mean(metric, METRICS)}")
    try:
        bound = float(found["bound"])
    except ValueError:
        raise GateError(f"{place}gate {expression!r}: {found['bound']!r} is no number; write 0.9 for 90 %") from None
    if not math.isfinite(bound) or (METRICS[metric].kind == "rate" and not 0 <= bound <= 1):
        limits = "between 0 and 1" if METRICS[metric].kind == "rate" else "at 0 or above"
        raise GateError(f"{place}gate {expression!r}: {metric} lies {limits}, so {bound:g} can't decide anything")
    if METRICS[metric].kind == "rate" and (found["sign"], bound) in _NEVER:
        hint = "0.95" if bound else "0.05"
        raise GateError(
            f"{place}gate {expression!r} can never hold: no number of samples shows a rate of exactly {bound:g}; "
            f"write {metric} {found['sign']} {hint}, or as near as your samples can tell"
        )
    return Gate(expression.strip(), metric, found["sign"], bound, found["by"] or "", found["subset"] or "")


def decide(gate: Gate, estimates: Mapping[str, Estimate]) -> GateResult:
    """Decide a gate by the interval of its metric for this suite.

    It holds when the whole interval lies on the good side, fails when it lies on the other, and is undecided when the
    bound is inside: then the samples can't tell.
    """
    estimate = estimates.get(gate.metric)
    if estimate is None:
        return GateResult(gate.expression, "undecided", reason="no data for this metric")
    low, high = estimate.suite
    good = _COMPARE[gate.sign]
    sides = {good(low, gate.bound), good(high, gate.bound)}
    state: GateState = "undecided" if len(sides) > 1 else "holds" if True in sides else "fails"
    return GateResult(gate.expression, state, estimate.value, low, high)
