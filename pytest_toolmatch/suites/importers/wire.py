"""What the requests and responses of all wires come to: one form for OpenAI's, Anthropic's and Google's.

One module per wire, with the same two names in each: ``asked`` reads the body of a request, ``answered`` that of a
response. They are written here and not shared with the providers, which are strict about what they were sent just now;
a log may hold anything.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.sample import Outcome, Usage


class Asked(msgspec.Struct, kw_only=True):
    """A request; ``tools`` as they stand there, ``previous`` is the id of the response that it goes on from.

    ``kept`` says that the service keeps the response, so that a later request may go on from it by its id.
    """

    messages: list[Message]
    instructions: str = ""
    tools: list[Any] = []
    previous: str = ""
    kept: bool = False
    model: str = ""


class Answered(msgspec.Struct, kw_only=True):
    """A response, the first one where several were asked for at once.

    ``own`` counts the calls of tools that the provider runs itself, ``others`` those of further answers.
    """

    message: Message
    stop: Outcome | None = None
    usage: Usage | None = None
    model: str = ""
    id: str = ""
    own: int = 0
    others: int = 0


def without_instructions(messages: list[Message], instructions: str = "") -> tuple[str, list[Message]]:
    """Return the instructions, those that stand as system messages before all others among them, and the others."""
    texts, rest = [instructions] if instructions else [], list(messages)
    while rest and rest[0].role == "system":
        texts.append(rest.pop(0).content)
    return "\n\n".join(texts), rest
