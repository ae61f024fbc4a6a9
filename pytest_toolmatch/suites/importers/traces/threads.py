"""Joins the exchanges of a conversation into threads: one prompt, and the requests that went on from it.

A request goes on from an earlier one where it begins with the same messages and then tells of that one's answer. What
it says of system prompts and of the texts of replies is not compared: agents rewrite both while they run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.sample import total
from pytest_toolmatch.suites.importers.traces.span import Exchange, Node

_encoder = msgspec.json.Encoder(order="sorted")


class Step(msgspec.Struct, eq=False):
    """One answer of the model, from one span or from several that issued their calls together.

    ``said`` is its request without system prompts, ``keys`` what of that is compared.
    """

    node: Node
    exchange: Exchange
    said: Conversation = ()
    keys: tuple[Any, ...] = ()

    @classmethod
    def of(cls, node: Node, exchange: Exchange) -> Step:
        """Return a step with what is compared of it."""
        said = tuple(message for message in exchange.messages if message.role != "system")
        return cls(node, exchange, said, tuple(map(_key, said)))


class Thread(msgspec.Struct, eq=False):
    """A prompt with what answers it; ``later`` says that it went on from another prompt."""

    steps: list[Step]
    agent: str = ""
    later: bool = False

    @property
    def last(self) -> Step:
        """Return the answer that the next request has to tell of."""
        return self.steps[-1]


def join(nodes: Iterable[Node], agents: Mapping[str, str], tools: Sequence[Node]) -> list[Thread]:
    """Return the threads of the exchanges, which come by their start; ``agents`` names the agent above each span.

    ``tools`` are the runs of tools: calls between which none started were issued together.
    """
    threads: list[Thread] = []
    for node in nodes:
        if node.exchange:
            _place(Step.of(node, node.exchange), agents.get(node.id, ""), threads, tools)
    return threads


def _place(step: Step, agent: str, threads: list[Thread], tools: Sequence[Node]) -> None:
    # The same agent's are tried first, the latest of them before all.
    latest = threads[::-1]
    order = [one for one in latest if one.agent == agent] + [one for one in latest if one.agent != agent]
    if not step.exchange.messages:
        _place_silent(step, agent, threads, tools)
        return
    for thread in order:
        if _retries(thread, step):
            thread.steps[-1] = step
            return
        tail = _tail(thread.last, step)
        if tail is None:
            continue
        if any(message.role == "user" for message in tail):
            threads.append(Thread([step], agent, later=True))
        else:
            thread.steps.append(step)
        return
    threads.append(Thread([step], agent))


def _place_silent(step: Step, agent: str, threads: list[Thread], tools: Sequence[Node]) -> None:
    """Put an answer whose request was not logged to the latest thread of its agent."""
    thread = next((thread for thread in reversed(threads) if thread.agent == agent), None)
    if thread is None:
        threads.append(Thread([step], agent))
        return
    last = thread.last
    between = any(last.node.start <= tool.start <= step.node.start for tool in tools)
    if tools and not between and last.exchange.answer.calls and step.exchange.answer.calls:
        both = _together(last.exchange.answer, step.exchange.answer)
        usage = total([last.exchange.usage, step.exchange.usage])
        last.exchange = msgspec.structs.replace(last.exchange, answer=both, usage=usage)
    else:
        thread.steps.append(step)


def _together(one: Message, other: Message) -> Message:
    return msgspec.structs.replace(one, calls=(*one.calls, *other.calls), ids=(*one.ids, *other.ids))


def _retries(thread: Thread, step: Step) -> bool:
    """Return whether a request repeats one that got no answer."""
    last = thread.last
    return bool(last.node.failure) and last.exchange.unanswered and last.keys == step.keys


def _tail(before: Step, after: Step) -> Conversation | None:
    """Return what a request says beyond an earlier one and its answer; None where it does not go on from it."""
    known = len(before.keys)
    if len(after.keys) <= known or before.keys != after.keys[:known]:
        return None
    tail = after.said[known:]
    if before.exchange.unanswered and tail[0].role == "assistant":
        # The answer was not logged where it was given, as happens with streams; the next request tells of it.
        before.exchange = msgspec.structs.replace(before.exchange, answer=tail[0])
    return _after_answer(before.exchange.answer, tail)


def _key(message: Message) -> Any:
    match message.role:
        case "tool":
            return "tool"
        case "assistant" if message.calls:
            return "calls", _keys(message.calls)
    return message.role, message.content.strip()


def _keys(calls: Iterable[Call]) -> Counter[tuple[str, bytes]]:
    return Counter((call.name, _encoder.encode(call.arguments or {})) for call in calls)


def _after_answer(answer: Message, tail: Conversation) -> Conversation | None:
    """Return what follows an answer at the beginning of the tail; None where another one stands there."""
    if not answer.calls:
        told = tail[0].role == "assistant" and not tail[0].calls
        return tail[1:] if told and tail[0].content.strip() == answer.content.strip() else None
    calls: list[Call] = []
    ids: list[str] = []
    place = 0
    while place < len(tail) and tail[place].role != "user" and len(calls) < len(answer.calls):
        calls += tail[place].calls
        ids += tail[place].ids
        place += 1
    if any(ids) and any(answer.ids) and set(ids) != set(answer.ids):
        return None
    return tail[place:] if _keys(calls) == _keys(answer.calls) else None
