"""Gates: a bound on a suite's metric, as it is written, and what became of it."""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import GateError, did_you_mean
from pytest_toolmatch.judging.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_toolmatch.judging.verdict import CaseResult

GateState: TypeAlias = Literal["holds", "fails", "undecided"]

AS_GOOD_AS_TEACHER = "as_good_as_teacher"
"""The gate that is written with a margin: ``as_good_as_teacher = 0.05`` is ``margin >= -0.05``."""

_EXPRESSION = re.compile(
    r"\s*(?P<metric>\w+)\s*(?:\[\s*(?P<by>tag|tool)\s*=\s*(?P<subset>[^\]]+?)\s*\])?"
    r"\s*(?P<sign>>=|<=|>|<|=)\s*(?P<bound>[-+.\w%]+)\s*"
)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_RANGES = {"rate": (0.0, 1.0), "difference": (-1.0, 1.0)}


class Gate(NamedTuple):
    """A parsed gate: ``metric [tag=…|tool=…] sign bound``."""

    expression: str
    metric: str
    sign: str
    bound: float
    by: str = ""
    subset: str = ""

    def accepts(self, value: float) -> bool:
        """Say whether a value lies on the good side."""
        return _COMPARE[self.sign](value, self.bound)

    def of(self, results: Iterable[CaseResult]) -> Sequence[CaseResult]:
        """Return the cases that the gate is about."""
        if not self.by:
            return list(results)
        return [one for one in results if self.subset in (one.tags if self.by == "tag" else one.tools)]


class GateResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a gate: the value it looked at, that value's interval for *this suite*, and why it is undecided.

    A ``partial`` gate saw only some of the suite's cases: it is shown, and decides nothing. ``metric`` is the metric
    that value, interval and ``bound`` are of. ``draws`` of the student were looked at by a gate that was looked at as
    they came.
    """

    expression: str
    state: GateState
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    partial: bool = False
    metric: str = ""
    bound: float | None = None
    draws: int | None = None

    def __post_init__(self) -> None:
        """Read an end that is null in a file, beside one that is not, as the infinite one that it is."""
        if self.high is None and self.low is not None:
            msgspec.structs.force_setattr(self, "high", math.inf)
        if self.low is None and self.high is not None:
            msgspec.structs.force_setattr(self, "low", -math.inf)


def range_of(kind: str) -> tuple[float, float]:
    """Return between which values a kind of metric lies."""
    return _RANGES.get(kind, (0.0, math.inf))


def parse_gate(expression: str, where: str = "") -> Gate:
    """Read a gate: ``chain_match >= 0.90``, ``chain_match[tag=payments] >= 0.99``, ``as_good_as_teacher = 0.05``.

    Raises GateError for one that can't be read, or that no number of samples could ever decide.
    """
    place = f"{where}: " if where else ""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise GateError(f"{place}can't read gate {expression!r}; write it like 'chain_match >= 0.90'")
    said = f"{place}gate {expression!r}"
    metric, sign = found["metric"], found["sign"]
    if metric not in METRICS and metric != AS_GOOD_AS_TEACHER:
        raise GateError(f"{said}: unknown metric {metric!r}{did_you_mean(metric, (*METRICS, AS_GOOD_AS_TEACHER))}")
    try:
        bound = float(found["bound"])
    except ValueError:
        raise GateError(f"{said}: {found['bound']!r} is no number; write 0.9 for 90 %") from None
    if (metric == AS_GOOD_AS_TEACHER) != (sign == "="):
        raise GateError(f"{said}: {_right_sign(metric)}")
    if metric == AS_GOOD_AS_TEACHER:
        metric, sign, bound = "margin", ">=", -_margin(said, bound)
    _check_bound(said, metric, sign, bound)
    return Gate(expression.strip(), metric, sign, bound, found["by"] or "", found["subset"] or "")


def check_gates(expressions: Iterable[str], where: str = "") -> None:
    """Raise GateError for two gates that no value satisfies both."""
    place = f"{where}: " if where else ""
    gates = [parse_gate(expression) for expression in expressions]
    for least in (gate for gate in gates if gate.sign[0] == ">"):
        for most in (gate for gate in gates if gate.sign[0] == "<"):
            same = (least.metric, least.by, least.subset) == (most.metric, most.by, most.subset)
            strict = len(least.sign + most.sign) < len(">=<=")
            if same and (least.bound > most.bound or (strict and least.bound == most.bound)):
                raise GateError(
                    f"{place}gates {least.expression!r} and {most.expression!r} contradict each other: "
                    "no value satisfies both; drop one"
                )


def _right_sign(metric: str) -> str:
    if metric == AS_GOOD_AS_TEACHER:
        return "it takes a margin; write as_good_as_teacher = 0.05 for at most 5 points below the teacher itself"
    return f"nothing is ever exactly a value; write {metric} >= or {metric} <="


def _margin(said: str, margin: float) -> float:
    if 0 < margin < 1:
        return margin
    raise GateError(
        f"{said}: the margin lies between 0 and 1, like 0.05; "
        "without one, no number of samples shows a student to be as good as its teacher"
    )


def _check_bound(said: str, metric: str, sign: str, bound: float) -> None:
    kind = METRICS[metric].kind
    least, most = range_of(kind)
    if not (math.isfinite(bound) and least <= bound <= most):
        limits = f"between {least:g} and {most:g}" if kind in _RANGES else "at 0 or above"
        raise GateError(f"{said}: {metric} lies {limits}, so {bound:g} can't decide anything")
    # ``retries < 0`` plainly fails; ``retries <= 0`` would stay undecided for ever.
    at_end = kind in _RANGES or (kind == "count" and sign == "<=")
    if at_end and bound == (most if sign[0] == ">" else least):
        near = 0.95 * bound or 0.05
        raise GateError(
            f"{said} can never hold: no number of samples shows a {kind} of exactly {bound:g}; "
            f"write {metric} {sign} {near:g}, or as near as your samples can tell"
        )
