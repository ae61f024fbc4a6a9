"""API keys from the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ModelUnavailable

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model


def key_of(model: Model, default: str, *, needed: bool = True) -> str:
    """Return the key in the variable that ``settings.api_key_env`` names, else in the default one; may be empty.

    Raises ModelUnavailable where there is none in a variable that is named, or at all where one is needed.
    """
    named = model.settings.get("api_key_env")
    name = named or default
    key = os.environ.get(name, "").strip()
    if named and not key:
        raise ModelUnavailable(f"{model.identity}: there is no key: set {name}, or leave settings.api_key_env out")
    if needed or key:
        check_key(key, model, name)
    return key


def check_key(key: str, model: Model, name: str) -> None:
    """Raise ModelUnavailable for a key that is absent, or that no header could carry; ``name`` is its variable's."""
    if not key:
        raise ModelUnavailable(f"{model.identity}: there is no key: set {name}")
    if not key.isascii() or any(one.isspace() for one in key):
        raise ModelUnavailable(
            f"{model.identity}: the key holds a space, a line break or a letter that no key has: check {name}"
        )
