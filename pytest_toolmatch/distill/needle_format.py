"""Examples as Needle is trained on them: JSON Lines of ``{query, tools, answers}``, for ``needle finetune FILE``.

``tools`` are ``{name, description, parameters}`` without an envelope, ``answers`` ``{name, arguments}``, an empty list
where nothing is to be called; ``system`` is there where there are instructions. A line is one request of a user and
what is called at once: later turns of a conversation can't be said in this form, and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pytest_toolmatch.pocket.weights import put_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_toolmatch.distill.examples import Example

_SPOKEN = ("user", "assistant", "tool")


class Written(NamedTuple):
    """What became of examples: ``lines`` were written, ``later_turns`` and ``rarer_answers`` left out."""

    lines: int
    later_turns: int
    rarer_answers: int


def to_needle(example: Example) -> dict[str, Any] | None:
    """Return an example as Needle's line; None for a later turn of a conversation."""
    spoken = [message for message in example.conversation if message.role in _SPOKEN]
    if [message.role for message in spoken] != ["user"]:
        return None
    empty = {"type": "object", "properties": {}}
    system = "\n".join(message.content for message in example.conversation if message.role == "system")
    return {
        **({"system": system} if system else {}),
        "query": spoken[0].content,
        "tools": [{**tool.shown(), "parameters": tool.parameters or empty} for tool in example.tools],
        "answers": [{"name": call.name, "arguments": call.arguments or {}} for call in example.calls],
    }


def write_needle(examples: Iterable[Example], file: Path) -> Written:
    """Write examples as Needle's lines; the file appears whole. Raises ConfigError where the disk does not take it.

    There are no weights in this form: of several answers to one request the heaviest is taken, of equals the first.
    """
    best: dict[bytes, tuple[float, dict[str, Any]]] = {}
    later = rarer = 0
    for example in examples:
        line = to_needle(example)
        if line is None:
            later += 1
            continue
        key = msgspec.json.encode({**line, "answers": None})
        rarer += key in best
        if key not in best or example.weight > best[key][0]:
            best[key] = (example.weight, line)
    put_whole(file, b"".join(msgspec.json.encode(line) + b"\n" for _, line in best.values()))
    return Written(len(best), later, rarer)
