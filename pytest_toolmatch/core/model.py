"""What answers: ``provider:name``, with where it is served and what it is told beside the messages."""

from __future__ import annotations

import re
from typing import Any

import msgspec

PROVIDERS: tuple[str, ...] = (
    "anthropic",
    "openai",
    "openai-responses",
    "google",
    "local",
    "python",
    "pocket",
    "needle",
)
"""The prefixes of models that can be called; any other name is that of a recording."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model.

    ``provider`` is empty for a name that only a recording answers to. ``url`` is where a ``local:`` model is served:
    no part of what it is, so a recording stays fresh when the server moves. ``settings`` go to the provider with every
    request (temperature, max_tokens, …). ``client`` is a user's own SDK client or callable that is called instead.
    """

    provider: str = ""
    name: str
    url: str = ""
    settings: dict[str, Any] = {}
    client: Any = None

    @property
    def identity(self) -> str:
        """What recordings and reports call it: ``provider:name``."""
        return f"{self.provider}:{self.name}" if self.provider else self.name

    def __repr__(self) -> str:
        """Show neither address nor settings: both may hold secrets, and failing tests show what they are given."""
        return f"<Model {self.identity}>"


def parse_model(text: str, settings: dict[str, Any] | None = None) -> Model:
    """Return the model of ``anthropic:NAME``, ``local:NAME@URL``, ``python:module:function`` or a recording's name."""
    provider, _, rest = text.partition(":")
    if provider not in PROVIDERS:
        return Model(name=text, settings=settings or {})
    name, *url = re.split(r"@(?=https?://)", rest, maxsplit=1, flags=re.IGNORECASE)
    return Model(provider=provider, name=name, url="".join(url), settings=settings or {})
