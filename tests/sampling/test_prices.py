from __future__ import annotations

import subprocess
import sys
import time

import pytest

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.model import Model, parse_model
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.sampling.prices import Prices, Rate, parse_rate

SONNET = Usage(input=10_000, cached=4_000, cache_write=1_000, output=500)


def cost(model: str, usage: Usage, own: dict[str, str] | None = None) -> float | None:
    price = Prices(own).of(parse_model(model))
    return price(usage) if price else None


def library_cost(provider: str, name: str, usage: Usage) -> float:
    from genai_prices import Usage as Tokens  # noqa: PLC0415
    from genai_prices import calc_price  # noqa: PLC0415

    tokens = Tokens(
        input_tokens=usage.input,
        cache_read_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )
    return float(calc_price(tokens, name, provider_id=provider).total_price)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("anthropic", "claude-opus-4-5"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("openai", "gpt-4o"),
        ("openai", "gpt-5"),
        ("google", "gemini-2.5-pro"),
        ("google", "gemini-2.5-flash"),
    ],
)
@pytest.mark.parametrize(
    "usage", [SONNET, Usage(input=900_000, output=10), Usage(output=7), Usage(input=1000, cached=1000)]
)
def test_the_price_is_that_of_the_package(provider: str, name: str, usage: Usage) -> None:
    assert cost(f"{provider}:{name}", usage) == pytest.approx(library_cost(provider, name, usage))


def test_what_the_cache_gives_and_takes_has_its_own_price() -> None:
    # 5 USD a million in, 25 out, 0.50 from the cache, 6.25 into it
    opus = "anthropic:claude-opus-4-5"
    assert cost(opus, Usage(input=1_000_000)) == pytest.approx(5)
    assert cost(opus, Usage(input=1_000_000, cached=1_000_000)) == pytest.approx(0.5)
    assert cost(opus, Usage(input=1_000_000, cache_write=1_000_000)) == pytest.approx(6.25)
    assert cost(opus, Usage(output=1_000_000, reasoning=900_000)) == pytest.approx(25)


def test_both_wires_of_openai_cost_the_same() -> None:
    usage = Usage(input=1000, output=100)
    assert cost("openai-responses:gpt-4o", usage) == cost("openai:gpt-4o", usage) == pytest.approx(0.0035)


def test_an_inconsistent_usage_still_has_a_price() -> None:
    odd = Usage(input=10, cached=20)
    assert cost("anthropic:claude-opus-4-5", odd) == pytest.approx(20 * 0.5 / 1e6)
    assert cost("google:gemini-2.5-pro", odd) is not None


@pytest.mark.parametrize("model", ["anthropic:nobody-knows-it", "local:gpt-oss-20b", "python:agents:run", "recorded"])
def test_what_nobody_has_priced_has_no_known_cost(model: str) -> None:
    assert cost(model, Usage(input=1000)) is None


def test_only_a_hosted_model_is_missing_a_price() -> None:
    prices = Prices({"openai:mine": "1/2"})
    missing = {
        name: prices.missing(parse_model(name)) for name in ("openai:mine", "openai:x", "local:x", "openai:gpt-4o")
    }
    assert missing == {"openai:mine": False, "openai:x": True, "local:x": False, "openai:gpt-4o": False}


def test_own_prices_come_first() -> None:
    own = {"local:gpt-oss-20b": "0.05/0.20", "openai:gpt-4o": "$1 / $2 / 0.5"}
    usage = Usage(input=3_000_000, cached=1_000_000, output=1_000_000)
    assert cost("local:gpt-oss-20b", usage, own) == pytest.approx(0.35)
    assert cost("openai:gpt-4o", usage, own) == pytest.approx(4.5)
    assert Prices(own).of(Model(provider="local", name="gpt-oss-20b", url="http://x")) == Rate(0.05, 0.2, 0.05, 0.05)


@pytest.mark.parametrize("text", ["", "1", "1/2/3/4", "a/b", "-1/2", "1/nan", "1/inf", "1//2"])
def test_what_is_no_price_names_its_model_and_how_to_write_one(text: str) -> None:
    with pytest.raises(ConfigError, match="INPUT/OUTPUT") as caught:
        parse_rate("local:x", text)
    assert "'local:x'" in str(caught.value)


@pytest.mark.parametrize("model", ["anthropic:claude-opus-4-5", "local:x"])
def test_ten_thousand_prices_are_cheap(model: str) -> None:
    price = Prices({"local:x": "1/2"}).of(parse_model(model))
    assert price
    started = time.process_time()
    for _ in range(10_000):
        price(SONNET)
    assert time.process_time() - started < 0.1


def test_prices_that_are_not_looked_up_cost_no_import() -> None:
    code = """
import sys
from pytest_toolmatch.core.model import parse_model
from pytest_toolmatch.sampling.prices import Prices
Prices({"openai:mine": "1/2"}).of(parse_model("openai:mine")), Prices().of(parse_model("local:x"))
print("genai_prices" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
