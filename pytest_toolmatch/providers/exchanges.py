"""A conversation as strict wires want it: every call with one name, and exactly one reply right after its step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import RequestRejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.conversation import Conversation


class Exchange(NamedTuple):
    """One message and, for an assistant's, the names of its calls and the replies to them, one each, in their order.

    ``ids`` are those of the message where it has one for every call and no other message used them before.
    """

    message: Message
    ids: tuple[str, ...] = ()
    replies: tuple[Message, ...] = ()


def exchanges(conversation: Conversation) -> list[Exchange]:
    """Return the messages with the tools' replies taken in to the calls they answer.

    A reply belongs to the call it names by ``reply_to``, else to the first unanswered one of its tool, else to the
    first unanswered one. A call that nothing answered gets an empty reply. Raises RequestRejected for a reply to no
    call: a provider would refuse it.
    """
    found: list[Exchange] = []
    used: set[str] = set()
    for asked, replies in _groups(conversation):
        ids = _ids(asked, used)
        used.update(ids)
        found.append(Exchange(asked, ids, _paired(asked, replies)))
    return found


def read_arguments(text: Any) -> Any:
    """Return the object that the arguments' JSON text holds; ``{}`` for none, the text itself where it is no object."""
    if text is None or (isinstance(text, str) and not text.strip()):
        return {}
    if not isinstance(text, str):
        return text
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, dict) else text


def write_arguments(arguments: Any) -> str:
    """Return the arguments as JSON text; text that was no object goes back as it came."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps({} if arguments is None else arguments, ensure_ascii=False)


def _groups(conversation: Conversation) -> Iterator[tuple[Message, list[Message]]]:
    asked: Message | None = None
    replies: list[Message] = []
    for message in conversation:
        if message.role == "tool":
            replies.append(message)
            continue
        if asked is not None:
            yield asked, replies
        elif replies:
            _refuse(replies[0])
        asked, replies = message, []
    if asked is not None:
        yield asked, replies
    elif replies:
        _refuse(replies[0])


def _ids(asked: Message, used: set[str]) -> tuple[str, ...]:
    ids = asked.ids
    if len(set(ids)) == len(asked.calls) == len(ids) and all(ids) and used.isdisjoint(ids):
        return ids
    made = (name for number in range(len(used) + len(asked.calls)) if (name := f"call_{number}") not in used)
    return tuple(name for _, name in zip(asked.calls, made, strict=False))


def _paired(asked: Message, replies: Sequence[Message]) -> tuple[Message, ...]:
    answers: dict[int, Message] = {}
    for reply in sorted(replies, key=lambda reply: reply.reply_to not in asked.ids):  # who names its call goes first
        open_calls = [index for index in range(len(asked.calls)) if index not in answers]
        index = _call_of(reply, asked, open_calls)
        if index is None:
            _refuse(reply)
        else:
            answers[index] = reply
    return tuple(answers.get(index, Message("tool", name=call.name)) for index, call in enumerate(asked.calls))


def _call_of(reply: Message, asked: Message, open_calls: list[int]) -> int | None:
    named = [index for index in open_calls if asked.ids[index : index + 1] == (reply.reply_to,)]
    same_tool = [index for index in open_calls if reply.name and asked.calls[index].name == reply.name]
    return next(iter(named or same_tool or open_calls), None)


def _refuse(reply: Message) -> None:
    what = f"a reply of the tool {reply.name!r}" if reply.name else "a tool's reply"
    raise RequestRejected(f"the conversation holds {what} to no call: put it right after the call, or remove it")
