"""The budget of a run: what may be spent, in US dollars, in calls, or both."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import BudgetSpent, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.sample import Spending

_FORMS = {
    "usd": re.compile(r"\$?\s*(\d+(?:\.\d+)?|\.\d+)|(\d+(?:\.\d+)?|\.\d+)\s*usd", re.IGNORECASE),
    "calls": re.compile(r"(\d+)\s*calls?", re.IGNORECASE),
}


_FIRST_GUESS = 4.0
"""Calls that a draw is taken to need before one is over: too few would begin draws that can't be finished."""

_KEPT = "what is recorded is kept; raise the budget and run again for the rest"
_NOT_KEPT = "nothing is kept in mode live; raise the budget, or keep what is drawn with --toolmatch-mode=record"


class Limit(msgspec.Struct, frozen=True):
    """What may be spent; None means unlimited."""

    usd: float | None = None
    calls: int | None = None

    def __str__(self) -> str:
        parts = [f"{self.usd:.2f} USD"] if self.usd is not None else []
        return (
            ", ".join([*parts, f"{self.calls} call{'s' * (self.calls != 1)}"] if self.calls is not None else parts)
            or "no limit"
        )


def parse_budget(text: str) -> Limit:
    """Read ``5``, ``2.50usd``, ``$2.50``, ``1000calls`` or ``5usd,1000calls``; raises ConfigError for anything else."""
    found: dict[str, float] = {}
    for part in text.split(","):
        unit, number = _amount(part.strip())
        if not unit or unit in found:
            raise ConfigError(
                f"budget {text!r}: write US dollars (5, 2.50usd), calls (1000calls), or both with a comma"
            )
        found[unit] = number
    return Limit(found.get("usd"), int(found["calls"]) if "calls" in found else None)


def left_of(budget: str, spent: Spending) -> str:
    """Return what is left of a budget, written as one; of none, none. ConfigError for what is no budget."""
    limit = parse_budget(budget) if budget else Limit()
    parts = [] if limit.usd is None else [f"{max(0.0, limit.usd - spent.cost):.6f}usd"]
    parts += [] if limit.calls is None else [f"{max(0, limit.calls - spent.calls)}calls"]
    return ",".join(parts)


def _amount(part: str) -> tuple[str, float]:
    matches = ((unit, form.fullmatch(part)) for unit, form in _FORMS.items())
    return next(((unit, float(next(filter(None, match.groups())))) for unit, match in matches if match), ("", 0.0))


class Budget:
    """What has been spent, and who may go on spending.

    Calls are counted when they are sent, and never exceed their limit. Dollars are known when a call comes back: what
    is open until then is taken to cost what its model has cost so far, so that hundreds of calls in flight do not
    overshoot; until the first call of a model has come back only one of its draws is open.

    Nothing half paid is thrown away where it can be helped: no call in flight is broken off, and a new draw begins
    only where enough is left for what the open ones are likely to need. A model without a price is free here.
    ``kept`` says whether samples are, for the message.
    """

    def __init__(self, usd: float | None = None, calls: int | None = None, *, kept: bool = True) -> None:
        self._advice = _KEPT if kept else _NOT_KEPT
        self.limit = Limit(usd, calls)
        self.limited = self.limit != Limit()
        self.usd = 0.0
        self.calls = 0
        self.accounts: list[Account] = []
        self._waiting: list[asyncio.Future[None]] = []

    def account(self, *, priced: bool) -> Account:
        """Return the account of one model; ``priced`` where its calls cost something."""
        account = Account(self, priced=priced)
        self.accounts.append(account)
        return account

    async def admit(self, allowed: Callable[[], bool], hopeless: Callable[[], bool]) -> None:
        """Wait until something is allowed; raises BudgetSpent where waiting would not help."""
        while not allowed():
            if hopeless():
                raise self._spent()
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await place

    def changed(self) -> None:
        """Let all who wait look again."""
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():
                place.set_result(None)

    def _spent(self) -> BudgetSpent:
        return BudgetSpent(
            f"budget of {self.limit} is spent ({self.usd:.2f} USD, {self.calls} calls so far): {self._advice}"
        )


class Account:
    """One model's part of a budget: its ``open`` draws, and the calls that are ``in_flight``.

    Models take turns: none begins a draw while another has one ``queued`` and has ``begun`` fewer. A fast teacher that
    spent everything would leave no case that could be judged.
    """

    def __init__(self, budget: Budget, *, priced: bool) -> None:
        self.budget = budget
        self.priced = priced and budget.limit.usd is not None
        self.usd = 0.0
        self.paid = 0
        self.open = 0
        self.in_flight = 0
        self.begun = 0
        self.queued: Callable[[], int] = int
        self._sent_by_open = 0
        self._draws = 0
        self._calls = 0

    async def begin(self) -> None:
        """Open a draw as soon as there is enough for it and for all that is open; raises BudgetSpent."""
        await self.budget.admit(self._may_begin, self._is_hopeless)
        self.open += 1
        self.begun += 1
        self.budget.changed()

    async def send(self) -> None:
        """Count a call of an open draw as soon as it can be paid; raises BudgetSpent."""
        await self.budget.admit(self._may_send, lambda: self._is_spent() or not self._any("in_flight"))
        self.budget.calls += 1
        self.in_flight += 1
        self._sent_by_open += 1

    def settle(self, cost: float | None, *, sent: bool = True) -> None:
        """Take note that a call is over: with its cost, None where it came to nothing; or that it was not sent."""
        self.in_flight -= 1
        self.budget.calls -= not sent
        self._sent_by_open -= not sent
        if cost is not None:
            self.usd += cost
            self.paid += 1
            self.budget.usd += cost
        self.budget.changed()

    def end(self, calls: int) -> None:
        """Close a draw that has sent so many calls."""
        self.open -= 1
        self._sent_by_open -= calls
        self._draws += calls > 0
        self._calls += calls
        self.budget.changed()

    @property
    def mean(self) -> float:
        """What a call of the model has cost on average, in USD."""
        return self.usd / self.paid if self.paid else 0.0

    @property
    def calls_of_a_draw(self) -> float:
        """How many calls a draw of the model has taken on average; a guess until one is over."""
        return self._calls / self._draws if self._draws else _FIRST_GUESS

    @property
    def to_come(self) -> float:
        """How many calls the open draws are likely to send yet."""
        return max(0.0, self.open * self.calls_of_a_draw - self._sent_by_open)

    def _any(self, what: str) -> bool:
        return any(getattr(one, what) for one in self.budget.accounts)

    def _is_spent(self) -> bool:
        limit, budget = self.budget.limit, self.budget
        if limit.calls is not None and budget.calls >= limit.calls:
            return True
        return self.priced and limit.usd is not None and budget.usd >= limit.usd

    def _is_hopeless(self) -> bool:
        return self._is_spent() or not (self._any("open") or self._is_ahead())

    def _is_ahead(self) -> bool:
        return any(other.begun < self.begun and other.queued() for other in self.budget.accounts)

    def _may_begin(self) -> bool:
        if not self.budget.limited:
            return True
        if self._is_ahead():
            return False
        if self._is_spent() or not self._any("open"):
            return self._may_send()
        if self.priced and not self.paid and self.open:
            return False
        limit, accounts, more = self.budget.limit, self.budget.accounts, self.calls_of_a_draw
        usd = sum((one.in_flight + one.to_come) * one.mean for one in accounts) + more * self.mean
        calls = self.budget.calls + sum(one.to_come for one in accounts) + more
        return (limit.calls is None or calls <= limit.calls) and self._affords(usd)

    def _may_send(self) -> bool:
        if not self.budget.limited:
            return True
        under_way = sum(one.in_flight * one.mean for one in self.budget.accounts)
        return not self._is_spent() and self._affords(under_way + self.mean)

    def _affords(self, usd: float) -> bool:
        limit = self.budget.limit.usd
        return not self.priced or limit is None or self.budget.usd + usd <= limit
