"""A conversation as every wire wants it: each call with one id, and exactly one reply right after its step.

There is one policy for all providers, by which whatever a log holds can be sent:

- A reply belongs to the call that it names; else, in the latest step before it, to the first unanswered call of its
  tool, or just to the first unanswered one. It is shown right after the step, in the order of the calls.
- A call that nothing answered gets an empty reply.
- A reply to no call is shown as the user's text, where it stood.
- A call keeps its id where the wire takes it, or gave it, and no call before has it; else it gets one that every wire
  takes.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.core.conversation import Message

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from pytest_toolmatch.core.chain import Call, Step
    from pytest_toolmatch.core.conversation import Conversation

_Slot: TypeAlias = tuple[int, int]
"""A call: the place of its message in the conversation, and its number there."""

_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Exchange(NamedTuple):
    """One message and, for an assistant's, the ids of its calls and the replies to them, one each, in their order.

    ``native`` is the provider's own form of the message, where the provider that is asked now said it.
    """

    message: Message
    native: dict[str, Any] | None = None
    ids: tuple[str, ...] = ()
    replies: tuple[Message, ...] = ()


def exchanges(conversation: Conversation, provider: str, form: re.Pattern[str]) -> list[Exchange]:
    """Return the messages with the tools' replies taken in to the calls they answer.

    ``provider`` is what ``native`` calls this wire, ``form`` is that of the ids it takes.
    """
    slots = _answered(conversation) if any(message.role == "tool" for message in conversation) else {}
    answers = {slot: conversation[place] for place, slot in slots.items()}
    used: set[str] = set()
    found: list[Exchange] = []
    for place, message in enumerate(conversation):
        if message.role == "assistant":
            native = _native(message, provider)
            ids = distinct(_own_ids(message), used, None if native else form)
            replies = [answers.get((place, number)) or _empty(call) for number, call in enumerate(message.calls)]
            found.append(Exchange(message, native, ids, tuple(replies)))
        elif message.role != "tool":
            found.append(Exchange(message))
        elif place not in slots:
            found.append(Exchange(Message("user", f"{message.name or 'tool'}: {message.content}")))
    return found


def distinct(given: Iterable[Any], used: set[str], form: re.Pattern[str] | None = None) -> tuple[str, ...]:
    """Return one unused id for each that is given, itself where it has the form, and note them in ``used``."""
    ids = []
    for one in given:
        own = one if isinstance(one, str) and (form is None or form.fullmatch(one)) else ""
        name = own if own and own not in used else _made_up(used)
        used.add(name)
        ids.append(name)
    return tuple(ids)


def with_ids(items: list[dict[str, Any]], ids: tuple[str, ...], kind: str, key: str) -> list[dict[str, Any]]:
    """Return a provider's own items with the ids under ``key`` of the calls among them, which are of the type ``kind``.

    Empty where there are not as many calls as ids: then the items are no longer what the message says.
    """
    if sum(item.get("type") == kind for item in items) != len(ids):
        return []
    left = iter(ids)
    return [item | {key: next(left)} if item.get("type") == kind else item for item in items]


def read_arguments(text: Any) -> Any:
    """Return the object that the arguments' JSON text holds; ``{}`` for none, the text itself where it is no object."""
    if not isinstance(text, str):
        return {} if text is None else text
    try:
        found = msgspec.json.decode(text)
    except _UNREADABLE:
        return text if text.strip() else {}
    return found if isinstance(found, dict) else text


def write_arguments(arguments: Any) -> str:
    """Return the arguments as JSON text; text that was no object goes back as it came."""
    if isinstance(arguments, str):
        return arguments
    return "{}" if arguments is None else msgspec.json.encode(arguments).decode()


def _answered(conversation: Conversation) -> dict[int, _Slot]:
    """Return which call each reply answers, by the reply's place; replies to no call are not in it."""
    found = _named(conversation)
    taken = set(found.values())
    asked = 0
    for place, message in enumerate(conversation):
        if _calls(message):
            asked = place
        elif message.role == "tool" and place not in found:
            slot = _next(message, [(asked, n) for n in range(len(_calls(conversation[asked])))], conversation, taken)
            if slot:
                found[place] = slot
                taken.add(slot)
    return found


def _named(conversation: Conversation) -> dict[int, _Slot]:
    """Return which call each reply names: the latest unanswered one of its id, since servers repeat theirs."""
    found: dict[int, _Slot] = {}
    waiting: dict[str, list[_Slot]] = {}
    for place, message in enumerate(conversation):
        if message.role == "tool":
            if message.reply_to and waiting.get(message.reply_to):
                found[place] = waiting[message.reply_to].pop()
        elif _calls(message):
            # The same id twice in one step: the first reply is to the first call.
            for number in reversed(range(min(len(message.ids), len(message.calls)))):
                waiting.setdefault(message.ids[number], []).append((place, number))
    return found


def _next(reply: Message, slots: list[_Slot], conversation: Conversation, taken: set[_Slot]) -> _Slot | None:
    unanswered = [slot for slot in slots if slot not in taken]
    same_tool = (slot for slot in unanswered if conversation[slot[0]].calls[slot[1]].name == reply.name)
    return next(same_tool, unanswered[0] if unanswered else None)


def _calls(message: Message) -> Step:
    return message.calls if message.role == "assistant" else ()


def _own_ids(message: Message) -> tuple[str, ...]:
    """Return one id a call, empty where it has none."""
    missing = len(message.calls) - len(message.ids)
    return message.ids + ("",) * missing if missing >= 0 else message.ids[:missing]


def _made_up(used: set[str]) -> str:
    # Nine letters and digits is what the strictest wire, Mistral's, takes.
    return next(name for number in count(len(used)) if (name := f"call{number:05}") not in used)


def _empty(call: Call) -> Message:
    return Message("tool", name=call.name)


def _native(message: Message, provider: str) -> dict[str, Any] | None:
    native = message.native
    return native if isinstance(native, dict) and native.get("provider") == provider else None
