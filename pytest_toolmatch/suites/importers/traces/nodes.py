"""From a span to what is kept of it: its exchange with a model, or its run of a tool."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.suites.importers.source import Problem
from pytest_toolmatch.suites.importers.traces.dialects import DIALECTS, Said
from pytest_toolmatch.suites.importers.traces.facts import (
    declared,
    finish_of,
    kind_of,
    model_of,
    session_of,
    tool_run,
    tools_of,
    usage_of,
)
from pytest_toolmatch.suites.importers.traces.messages import Talk, answer_of, talk_of
from pytest_toolmatch.suites.importers.traces.span import Exchange, Node, Span
from pytest_toolmatch.suites.importers.traces.values import first, number, opened

_LATEST = 2**63 - 1
"""What the store can hold; a time after it, in the year 2262, is no time."""


def nodes_of(span: Span) -> Iterator[Node | Problem]:
    """Yield the span's node, and before it what is wrong with the tools that it declares."""
    kind = kind_of(span)
    exchange = None
    if kind in ("model", "agent"):
        exchange, wrong = exchange_of(span)
        yield from (Problem(span.place, f"a tool that can't be offered: {what}") for what in wrong)
    yield Node(
        trace=span.trace,
        id=span.id,
        where=span.where,
        parent=span.parent if span.parent != span.id else "",
        kind=kind,
        start=min(max(span.start, 0), _LATEST),
        end=min(max(span.end, 0), _LATEST),
        exchange=exchange,
        tool=tool_run(span) if kind == "tool" else None,
        failure=span.failure,
        label=span.label,
        session=session_of(span),
    )


def exchange_of(span: Span) -> tuple[Exchange | None, list[str]]:
    """Return the request and its answer, and what is wrong with its tools; None where the span holds no messages."""
    said = next((said for dialect in DIALECTS.values() if (said := dialect(span))), None)
    if said is None:
        return None, []
    asked, answered = talk_of(said.input, "user"), talk_of(said.output, "assistant")
    answer, others = _first_choice(span, said, answered)
    if not asked.messages and not answer.calls and not answer.content:
        return None, []
    system = [Message("system", message.content) for message in talk_of(said.system, "system").messages]
    tools, wrong = tools_of(declared(span, [*asked.tools, *answered.tools]))
    exchange = Exchange(
        messages=(*system, *asked.messages),
        answer=answer,
        tools=tools,
        model=model_of(span),
        finish=finish_of(span) or answered.finish,
        usage=usage_of(span),
        others=others,
    )
    return exchange, wrong


def _first_choice(span: Span, said: Said, answered: Talk) -> tuple[Message, int]:
    """Return the answer that counted, and how many calls the other choices held.

    Several messages of an answer are choices where as many were asked for; else they are parts of one answer.
    """
    whole = answer_of(answered.messages)
    wanted = number(span.attributes.get("gen_ai.request.choice.count")) or answered.choices
    output = opened(said.output)
    held = first(output, ("choices", "candidates")) if isinstance(output, dict) else output
    choices = held if isinstance(held, list) else []
    if wanted <= 1 or len(choices) <= 1:
        return whole, 0
    only = answer_of(talk_of(choices[0], "assistant").messages)
    return only, len(whole.calls) - len(only.calls)


# Not MessagePack: arguments may hold numbers of more than 64 bits.
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Node)


def packed(node: Node) -> bytes:
    """Return a node as bytes, to be kept on disk."""
    return _encoder.encode(node)


def unpacked(data: bytes) -> Node:
    """Return the node that was packed."""
    return _decoder.decode(data)
