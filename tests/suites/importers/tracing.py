"""Small traces of one made-up agent, written in any dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Message = dict[str, Any]
"""``{role, text, calls: [(id, name, arguments)], id}``; ``id`` is that of the call that a tool's message answers."""

SECOND = 1_000_000_000
START = 1_780_000_000 * SECOND


class Span(NamedTuple):
    id: str
    parent: str = ""
    name: str = "chat"
    start: int = START
    end: int = START + SECOND
    attributes: dict[str, Any] = {}  # noqa: RUF012 - replaced, never changed
    events: Sequence[tuple[str, dict[str, Any]]] = ()
    failed: str = ""
    trace: str = "t1"


def said(role: str, text: str, *calls: tuple[str, str, dict[str, Any]], id: str = "") -> Message:  # noqa: A002
    return {"role": role, "text": text, "calls": list(calls), "id": id}


TOOL = {
    "name": "find_seat",
    "description": "Find a free seat.",
    "parameters": {"type": "object", "properties": {"row": {"type": "integer"}}, "required": ["row"]},
}


def openai(message: Message) -> dict[str, Any]:
    calls = [
        {"id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for key, name, arguments in message["calls"]
    ]
    told = {"role": message["role"], "content": message["text"]}
    return told | ({"tool_calls": calls} if calls else {}) | ({"tool_call_id": message["id"]} if message["id"] else {})


def flat(prefix: str, value: Any) -> dict[str, Any]:
    """Spell a nested value in keys."""
    if isinstance(value, dict):
        return {key: held for name, one in value.items() for key, held in flat(f"{prefix}.{name}", one).items()}
    if isinstance(value, list):
        return {key: held for at, one in enumerate(value) for key, held in flat(f"{prefix}.{at}", one).items()}
    return {prefix: value}


def indexed(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    def one(message: Message) -> dict[str, Any]:
        calls = [{"id": i, "name": n, "arguments": json.dumps(a)} for i, n, a in message["calls"]]
        told = openai(message)
        return {key: value for key, value in told.items() if key != "tool_calls"} | (
            {"tool_calls": calls} if calls else {}
        )

    tool = TOOL | {"parameters": json.dumps(TOOL["parameters"])}
    return {
        **flat("gen_ai.prompt", [one(message) for message in asked]),
        **flat("gen_ai.completion", [one(answer)]),
        **flat("llm.request.functions", [tool]),
        "gen_ai.request.model": "made-up-1",
        "gen_ai.usage.prompt_tokens": 10,
        "gen_ai.usage.completion_tokens": 2,
    }, []


def openinference(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    def one(message: Message) -> dict[str, Any]:
        told = openai(message)
        calls = [{"tool_call": {k: v for k, v in call.items() if k != "type"}} for call in told.pop("tool_calls", [])]
        return {"message": told | ({"tool_calls": calls} if calls else {})}

    return {
        **flat("llm.input_messages", [one(message) for message in asked]),
        **flat("llm.output_messages", [one(answer)]),
        "llm.tools.0.tool.json_schema": json.dumps({"type": "function", "function": TOOL}),
        "openinference.span.kind": "LLM",
        "llm.model_name": "made-up-1",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 2,
    }, []


def parts(message: Message) -> dict[str, Any]:
    if message["role"] == "tool":
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": message["id"], "response": message["text"]}],
        }
    texts = [{"type": "text", "content": message["text"]}] if message["text"] else []
    calls = [{"type": "tool_call", "id": i, "name": n, "arguments": a} for i, n, a in message["calls"]]
    return {"role": message["role"], "parts": texts + calls}


FACTS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.response.model": "made-up-1",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 2,
}


def _newer(asked: list[Message], answer: Message) -> dict[str, Any]:
    return {
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": asked[0]["text"]}]),
        "gen_ai.input.messages": json.dumps([parts(message) for message in asked[1:]]),
        "gen_ai.output.messages": json.dumps([parts(answer) | {"finish_reason": "stop"}]),
        "gen_ai.tool.definitions": json.dumps([{"type": "function", **TOOL}]),
    }


def structured(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    return FACTS | _newer(asked, answer), []


def on_event(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    held = _newer(asked, answer)
    tools = held.pop("gen_ai.tool.definitions")
    event = ("gen_ai.client.inference.operation.details", held)
    return FACTS | {"gen_ai.tool.definitions": tools}, [event]


def events(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    def body(message: Message) -> dict[str, Any]:
        told = openai(message)
        return told | ({"tool_calls": json.dumps(told["tool_calls"])} if "tool_calls" in told else {})

    found = [(f"gen_ai.{message['role']}.message", body(message)) for message in asked]
    choice = {"index": 0, "finish_reason": "stop", "message": json.dumps(openai(answer))}
    return FACTS | {"gen_ai.tool.definitions": json.dumps([TOOL])}, [*found, ("gen_ai.choice", choice)]


def adk(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    names = {i: n for message in asked for i, n, _ in message["calls"]}

    def content(message: Message) -> dict[str, Any]:
        if message["role"] == "tool":
            reply = {"id": message["id"], "name": names[message["id"]], "response": {"seen": message["text"]}}
            return {"role": "user", "parts": [{"function_response": reply}]}
        texts = [{"text": message["text"]}] if message["text"] else []
        calls = [{"function_call": {"id": i, "name": n, "args": a}} for i, n, a in message["calls"]]
        return {"role": "model" if message["role"] == "assistant" else "user", "parts": texts + calls}

    declared = TOOL | {"parameters": {**TOOL["parameters"], "type": "OBJECT"}}  # type: ignore[dict-item]
    config = {"system_instruction": asked[0]["text"], "tools": [{"function_declarations": [declared]}]}
    request = {"model": "made-up-1", "config": config, "contents": [content(message) for message in asked[1:]]}
    response = {"content": content(answer), "finish_reason": "STOP"}
    return FACTS | {
        "gcp.vertex.agent.llm_request": json.dumps(request),
        "gcp.vertex.agent.llm_response": json.dumps(response),
    }, []


def ai_sdk(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    def message(one: Message) -> dict[str, Any]:
        if one["role"] == "tool":
            result = {"type": "tool-result", "toolCallId": one["id"], "output": {"type": "text", "value": one["text"]}}
            return {"role": "tool", "content": [result]}
        if one["role"] == "system":
            return {"role": "system", "content": one["text"]}
        texts = [{"type": "text", "text": one["text"]}] if one["text"] else []
        calls = [{"type": "tool-call", "toolCallId": i, "toolName": n, "input": a} for i, n, a in one["calls"]]
        return {"role": one["role"], "content": texts + calls}

    called = [{"toolCallId": i, "toolName": n, "input": json.dumps(a)} for i, n, a in answer["calls"]]
    return FACTS | {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.prompt.messages": json.dumps([message(one) for one in asked]),
        "ai.response.text": answer["text"],
        "ai.prompt.tools": [
            json.dumps(
                {"type": "function", "inputSchema": TOOL["parameters"]}
                | {"name": "find_seat", "description": TOOL["description"]}
            )
        ],
    } | ({"ai.response.toolCalls": json.dumps(called)} if called else {}), []


def langfuse(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    request = {"messages": [openai(message) for message in asked], "tools": [{"type": "function", "function": TOOL}]}
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "made-up-1",
        "langfuse.observation.input": json.dumps(request),
        "langfuse.observation.output": json.dumps(openai(answer)),
        "langfuse.observation.usage_details.input": 10,
        "langfuse.observation.usage_details.output": 2,
    }, []


def anthropic(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    """The raw request and response on an OpenInference span."""

    def blocks(message: Message) -> dict[str, Any]:
        if message["role"] == "tool":
            return {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": message["id"], "content": message["text"]}],
            }
        texts = [{"type": "text", "text": message["text"]}] if message["text"] else []
        calls = [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in message["calls"]]
        return {"role": message["role"], "content": texts + calls}

    tool = {"name": "find_seat", "description": TOOL["description"], "input_schema": TOOL["parameters"]}
    request = {"system": asked[0]["text"], "messages": [blocks(one) for one in asked[1:]], "tools": [tool]}
    held = openinference([], answer)[0]
    kept = {key: value for key, value in held.items() if not key.startswith(("llm.output", "llm.tools"))}
    return kept | {"input.value": json.dumps(request), "output.value": json.dumps(blocks(answer))}, []


def responses(asked: list[Message], answer: Message) -> tuple[dict[str, Any], list[Any]]:
    """The items of OpenAI's Responses, kept by Langfuse."""

    def items(message: Message) -> list[dict[str, Any]]:
        if message["role"] == "tool":
            return [{"type": "function_call_output", "call_id": message["id"], "output": message["text"]}]
        calls = [
            {"type": "function_call", "id": f"fc_{i}", "call_id": i, "name": n, "arguments": json.dumps(a)}
            for i, n, a in message["calls"]
        ]
        kind = "output_text" if message["role"] == "assistant" else "input_text"
        content = [{"type": kind, "text": message["text"]}]
        told = [{"type": "message", "role": message["role"], "content": content}] if message["text"] else []
        return [*told, *calls]

    tool = {"type": "function", "strict": True, **TOOL}
    response = {"object": "response", "instructions": asked[0]["text"], "output": items(answer), "tools": [tool]}
    listed = [item for message in asked for item in items(message)]
    kept = {"langfuse.observation.input": json.dumps(listed), "langfuse.observation.output": json.dumps(response)}
    return langfuse(asked, answer)[0] | kept, []


DIALECTS: dict[str, Callable[[list[Message], Message], tuple[dict[str, Any], list[Any]]]] = {
    one.__name__: one
    for one in (indexed, openinference, structured, on_event, events, adk, ai_sdk, langfuse, anthropic, responses)
}


SYSTEM = said("system", "You seat guests.")
QUERY = said("user", "Two seats, please.")
BOTH = said("assistant", "", ("c1", "find_seat", {"row": 1}), ("c2", "find_seat", {"row": 2}))
FREE = [said("tool", "1A is free", id="c1"), said("tool", "2B is free", id="c2")]
BOOK = said("assistant", "Both, then.", ("c3", "book", {"seats": ["1A", "2B"]}))
BOOKED = said("tool", "booked", id="c3")
DONE = said("assistant", "1A and 2B are yours.")
THEN = said("user", "And one more.")
ONE = said("assistant", "", ("c4", "find_seat", {"row": 3}))
EXCHANGES = (
    ([SYSTEM, QUERY], BOTH),
    ([SYSTEM, QUERY, BOTH, *FREE], BOOK),
    ([SYSTEM, QUERY, BOTH, *FREE, BOOK, BOOKED], DONE),
    ([SYSTEM, QUERY, BOTH, *FREE, BOOK, BOOKED, DONE, THEN], ONE),
)
"""The requests of one agent and their answers: two prompts, the first answered in three steps."""


def conversation(dialect: str, exchanges: Sequence[tuple[list[Message], Message]] = EXCHANGES) -> list[Span]:
    """Return the spans of an agent: its own, one per exchange, and one of plain HTTP below each."""
    spans = [Span("a", "", "invoke_agent", START, START + 100 * SECOND, {"gen_ai.operation.name": "invoke_agent"})]
    for place, (asked, answer) in enumerate(exchanges):
        attributes, found = DIALECTS[dialect](asked, answer)
        start = START + 10 * place * SECOND
        spans.append(Span(f"m{place}", "a", "chat", start, start + SECOND, attributes, found))
        spans.append(Span(f"h{place}", f"m{place}", "POST", start, start + SECOND, {"http.method": "POST"}))
    return spans
