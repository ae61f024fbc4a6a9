"""Sampling as the settings say: the session of a run that calls models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.sampling.batcher import FOLDER, Batcher
from pytest_toolmatch.sampling.budget import Budget, parse_budget
from pytest_toolmatch.sampling.limits import ModelLimits
from pytest_toolmatch.sampling.prices import Prices
from pytest_toolmatch.sampling.sampler import Sampler
from pytest_toolmatch.sampling.session import Session
from pytest_toolmatch.settings import parse_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.settings import Settings

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(rpm|tpm)", re.IGNORECASE)


def open_session(settings: Settings, tick: Callable[[], None]) -> Session:
    """Return the session of a run; ``tick`` is called now and then while it waits. ConfigError for a wrong setting."""
    budget = parse_budget(settings.budget) if settings.budget else None
    said = parse_lines(settings.prices, "toolmatch_prices")
    prices = Prices({model: str(price) for model, price in said.items()})
    sampler = Sampler(
        concurrency=settings.concurrency,
        limits=_limits(settings),
        budget=Budget(budget.usd, budget.calls, kept=settings.mode != "live") if budget else None,
        prices=prices,
    )
    if not settings.batch:
        return Session(settings.mode, sampler, tick)
    if budget:
        raise ConfigError(
            f"toolmatch_budget is {settings.budget}, which a run with --toolmatch-batch can't hold: what a batch costs "
            "is known when it comes back; leave it out (-o toolmatch_budget=) and bound the samples instead"
        )
    return Session(settings.mode, Batcher(settings.recordings / FOLDER, sampler, prices=prices), tick)


def _limits(settings: Settings) -> dict[str, ModelLimits]:
    said = parse_lines(settings.rates, "toolmatch_rates")
    return {model: _limit(f"toolmatch_rates: {model} = {rates}", str(rates), settings) for model, rates in said.items()}


def _limit(where: str, text: str, settings: Settings) -> ModelLimits:
    found = [_RATE.fullmatch(part.strip()) for part in text.split(",")]
    rates = {match[2].lower(): float(match[1]) for match in found if match}
    if len(rates) != len(found) or not all(rates.values()):
        raise ConfigError(f"{where}: write requests or tokens per minute, or both, as in 50 rpm, 100000 tpm")
    return ModelLimits(
        concurrency=settings.concurrency, requests_per_minute=rates.get("rpm"), tokens_per_minute=rates.get("tpm")
    )
