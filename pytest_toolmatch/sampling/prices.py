"""What a call costs, in US dollars: from the prices that genai-prices ships, or from the user's own.

Nothing is looked up in the network. A model that nobody has priced has an unknown cost (None), and so has whatever is
served locally or is a Python callable: hardware has its price, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genai_prices.types import ModelPrice

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import Usage

Price: TypeAlias = "Callable[[Usage], float]"
"""The cost of one call by its tokens."""

BATCHED = 0.5
"""What a call by the batch costs of what it would cost alone; the same with all providers."""

_PROVIDERS = {"anthropic": "anthropic", "openai": "openai", "openai-responses": "openai", "google": "google"}
_MILLION = 1_000_000


class Rate(msgspec.Struct, frozen=True):
    """USD per million tokens that were read, written, read from the cache, written to it."""

    input: float
    output: float
    cached: float
    cache_write: float

    def __call__(self, usage: Usage) -> float:
        """Return the cost of one call."""
        plain = max(0, usage.input - usage.cached - usage.cache_write)
        read = plain * self.input + usage.cached * self.cached + usage.cache_write * self.cache_write
        return (read + usage.output * self.output) / _MILLION


def parse_rate(model: str, text: str) -> Rate:
    """Read ``INPUT/OUTPUT`` or ``INPUT/OUTPUT/CACHED``, in USD per million tokens; raises ConfigError."""
    try:
        numbers = [float(part.strip().removeprefix("$")) for part in text.split("/")]
        given, output, cached = numbers if len(numbers) == 3 else (*numbers, numbers[0])  # noqa: PLR2004
    except ValueError:
        numbers = [-1.0]
    if not all(0 <= number < _MILLION for number in numbers):
        raise ConfigError(
            f"price of {model!r}: {text!r} is no price; write USD per million tokens as INPUT/OUTPUT or "
            "INPUT/OUTPUT/CACHED, for example 0.05/0.20"
        )
    return Rate(given, output, cached, given)


class Prices:
    """The prices of models; ``own`` overrules the package's: ``{"local:gpt-oss-20b": "0.05/0.20"}``."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = {model: parse_rate(model, text) for model, text in (own or {}).items()}

    def of(self, model: Model) -> Price | None:
        """Return what a model's calls cost, None where nobody knows."""
        if model.identity in self._own:
            return self._own[model.identity]
        provider = _PROVIDERS.get(model.provider)
        return _listed(model.name, provider) if provider else None

    def by_batch(self, model: Model) -> Price | None:
        """Return what a model's calls cost when they go by the batch, None where nobody knows."""
        price = self.of(model)
        return (lambda usage: BATCHED * price(usage)) if price else None

    def missing(self, model: Model) -> bool:
        """Whether a model's calls cost money, and nobody knows how much."""
        return model.provider in _PROVIDERS and self.of(model) is None


def _listed(name: str, provider: str) -> Price | None:
    from datetime import UTC, datetime  # noqa: PLC0415

    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - takes 0.2 s
    from genai_prices.types import TieredPrices  # noqa: PLC0415

    try:
        _, found = get_snapshot().find_provider_model(name, None, provider, None)
        price = found.get_prices(datetime.now(UTC))
        tiered = any(isinstance(value, TieredPrices) for value in vars(price).values())
        return _exact(price) if tiered else _rate(price)
    except (LookupError, ValueError):
        return None


def _rate(price: ModelPrice) -> Rate:
    """Return flat prices as numbers: the package takes 0.1 ms a call, which is all the time that a draw has."""
    cost = _cost_of(price)
    return Rate(
        cost(input_tokens=_MILLION),
        cost(output_tokens=_MILLION),
        cost(input_tokens=_MILLION, cache_read_tokens=_MILLION),
        cost(input_tokens=_MILLION, cache_write_tokens=_MILLION),
    )


def _exact(price: ModelPrice) -> Price:
    """Return prices that depend on how long the input is."""
    cost = _cost_of(price)

    def of_call(usage: Usage) -> float:
        given = max(usage.input, usage.cached + usage.cache_write)
        parts = {"cache_read_tokens": usage.cached, "cache_write_tokens": usage.cache_write}
        return cost(input_tokens=given, output_tokens=usage.output, **parts)

    return of_call


def _cost_of(price: ModelPrice) -> Callable[..., float]:
    from genai_prices import Usage as Tokens  # noqa: PLC0415

    return lambda **tokens: float(price.calc_price(Tokens(**tokens))["total_price"])
