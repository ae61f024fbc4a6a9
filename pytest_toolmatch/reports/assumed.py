"""What a plan takes for granted, and what samples and cases come to by it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.auto import PLAIN
from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.reports.figures import percent
from pytest_toolmatch.statistics.planning import FAR, Plan, cases_needed, plan, two_sided

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.judging.gate import Gate

NEAR = "too near to tell"
_MINUTE, _HOUR = 90, 5400
_HALF = 0.5
_CENT = 0.01
_LIMITS: dict[str, tuple[Callable[[float], bool], str]] = {
    "confidence": (lambda value: _HALF < value < 1, "it lies between 0.5 and 1, like 0.95"),
    "power": (lambda value: _HALF <= value < 1, "it lies between 0.5 and 1, like 0.9"),
    "within": (lambda value: 0 <= value <= 1, "it lies between 0 and 1"),
    "cost": (lambda value: 0 <= value < math.inf, "it is what a sample of the student costs, in USD"),
    "latency": (lambda value: 0 <= value < math.inf, "it is what a sample of the student takes, in seconds"),
    "concurrency": (lambda value: value >= 1, "at least 1 request has to be in flight"),
}


class Assumed(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan takes for granted; money in USD and time in seconds are for one sample of the student.

    ``power`` is the share of runs in which the samples shall suffice; ``within`` the share of the variance that lies
    within cases, None for the worst.
    """

    confidence: float = 0.95
    power: float = 0.9
    within: float | None = None
    cost: float | None = None
    latency: float | None = None
    concurrency: int = 50

    def check(self) -> None:
        """Raise ConfigError for what can't be."""
        for name, (fine, hint) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not fine(value):
                raise ConfigError(f"--{name} is {value:g}: {hint}")

    def plan(self, cases: int, gate: Gate, truth: float) -> Plan | None:
        """Plan a gate on so many cases of this truth; None where that is too near to its bound."""
        within = 1.0 if self.within is None else self.within
        return plan(
            cases,
            gate.bound,
            truth,
            within=within,
            confidence=self.confidence,
            power=self.power,
            first=PLAIN.first(cases),
        )

    def cases(self, gate: Gate, truth: float, draws: int) -> str:
        """Return how many cases it takes to tell the rate of queries like these from the bound."""
        sides = (1.0, 0.0) if self.within is None else (self.within,)
        level = two_sided(self.confidence)
        sizes = [
            cases_needed(gate.bound, truth, draws, within=within, confidence=level, power=self.power)
            for within in sides
        ]
        return "–".join(f"{max(2, math.ceil(size))}" for size in sizes) if max(sizes) < FAR else NEAR

    def expense(self, cases: int, samples: int, *, rounds: bool) -> list[str]:
        """Return money and time of so many samples of each case; ``rounds`` are drawn one after the other."""
        first = min(samples, PLAIN.first(cases)) if rounds else samples
        waves = math.ceil(cases * first / self.concurrency)
        waves += (samples - first) * math.ceil(cases / self.concurrency)
        return self.price(cases * samples, waves)

    def price(self, samples: int, waves: int | None = None) -> list[str]:
        """Return money and time of so many samples, drawn in so many waves; without what is not known."""
        waves = math.ceil(samples / self.concurrency) if waves is None else waves
        parts = [] if self.cost is None else [money(self.cost * samples)]
        return parts if self.latency is None else [*parts, duration(self.latency * waves)]


def money(amount: float) -> str:
    """Return an amount as ``0.80 USD``; more digits where it is less than a cent."""
    return f"{amount:.2f} USD" if amount >= _CENT or not amount else f"{amount:.2g} USD"


def duration(seconds: float) -> str:
    """Return a time as ``45 s``, ``12 min`` or ``3.5 h``."""
    if seconds < _MINUTE:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < _HOUR else f"{seconds / 3600:.1f} h"


def share(rate: float) -> str:
    """Return a rate with the digits that it has, at least two."""
    return f"{rate:.2f}" if round(rate, 2) == round(rate, 4) else f"{rate:.4g}"


def runs(power: float) -> str:
    """Return a share of runs as ``9 of 10 runs``."""
    tenths = round(10 * power, 6)
    return f"{tenths:.0f} of 10 runs" if tenths == int(tenths) else f"{percent(power)} of runs"
