"""What all wires write alike."""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.core.request import CARRIAGE

NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
"""The schema of a tool that takes no arguments."""

OWN_SETTINGS = CARRIAGE | {"extra_body"}
"""Settings that are no part of the body: the variable of the key, prompt caching, headers; or that hold parts of it."""


def model_name(identity: str) -> str:
    """Return a model's name without its provider; the name itself may hold colons."""
    provider, _, name = identity.partition(":")
    return name if provider in PROVIDERS else identity
