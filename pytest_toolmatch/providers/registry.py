"""Which file speaks to which model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError, ModelUnavailable, did_you_mean
from pytest_toolmatch.core.model import PROVIDERS

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.providers.provider import Provider

_MODULES = {
    "anthropic": "anthropic_messages",
    "openai": "openai_chat",
    "openai-responses": "openai_responses",
    "google": "google_genai",
    "local": "local",
    "python": "python_callable",
}
_EXTRAS = {"anthropic": "anthropic", "openai": "openai", "openai-responses": "openai", "google": "google"}


def open_provider(model: Model) -> Provider:
    """Return the provider of a model.

    Raises ConfigError for a name that no provider answers to, ModelUnavailable where its package is missing.
    """
    if model.provider not in _MODULES:
        prefix = model.name.partition(":")[0]
        raise ConfigError(
            f"{model.name!r} can't be called, only replayed: a model is PROVIDER:NAME with a provider of "
            f"{', '.join(PROVIDERS)}{did_you_mean(prefix, PROVIDERS)}"
        )
    module = importlib.import_module(f"pytest_toolmatch.providers.{_MODULES[model.provider]}")
    try:
        provider: Provider = module.open_provider(model)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(model.provider)
        if extra is None or not error.name or error.name.startswith("pytest_toolmatch"):
            raise
        raise ModelUnavailable(
            f"{model.identity}: the package {error.name!r} is not installed: pip install 'pytest-toolmatch[{extra}]'"
        ) from None
    return provider
