"""Which file speaks to which model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ConfigError, ModelUnavailable, did_you_mean
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.providers import chat_wire

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.providers.batches import Batches
    from pytest_toolmatch.providers.provider import Provider

_MODULES = {
    "anthropic": "anthropic_messages",
    "openai": "openai_chat",
    "openai-responses": "openai_responses",
    "google": "google_genai",
    "local": "local",
    "python": "python_callable",
    "pocket": "pocket",
    "needle": "needle",
}
_BATCHES = {
    "anthropic": "anthropic_batches",
    "openai": "openai_batches",
    "openai-responses": "openai_batches",
    "google": "google_batches",
}
_CHATS = ("openai", "local")
_EXTRAS = {
    "anthropic": "anthropic",
    "openai": "openai",
    "openai-responses": "openai",
    "google": "google",
    "needle": "needle",
}


def check_settings(model: Model) -> None:
    """Raise ConfigError for settings that can't be, also of a model that shares a provider which is open already."""
    if model.provider in _CHATS:
        chat_wire.check_settings(model)


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
    provider: Provider = _open(_MODULES[model.provider], "open_provider", model)
    return provider


def has_batches(model: Model) -> bool:
    """Whether the provider of a model takes requests by the batch, at half the price."""
    return model.provider in _BATCHES


def open_batches(model: Model) -> Batches:
    """Return the batch interface of a model's provider.

    Raises ConfigError where it has none, ModelUnavailable where its package or its key is missing.
    """
    if not has_batches(model):
        raise ConfigError(
            f"{model.identity} has no batch interface, those of {', '.join(_BATCHES)} have: leave --toolmatch-batch out"
        )
    batches: Batches = _open(_BATCHES[model.provider], "open_batches", model)
    return batches


def _open(module: str, name: str, model: Model) -> Any:
    try:
        return getattr(importlib.import_module(f"pytest_toolmatch.providers.{module}"), name)(model)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(model.provider)
        if extra is None or not error.name or error.name.startswith("pytest_toolmatch"):
            raise
        raise ModelUnavailable(
            f"{model.identity}: the package {error.name!r} is not installed: pip install 'pytest-toolmatch[{extra}]'"
        ) from None
