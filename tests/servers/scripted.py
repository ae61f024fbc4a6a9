"""Scripted models behind Chat Completions, Anthropic's Messages and Gemini: they answer by a table."""

from __future__ import annotations

import ast
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_toolmatch.core.chain import Call, Chain
from tests.servers import anthropic, chat, google
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Table = "Mapping[str, Mapping[str, str | Sequence[str]]]"
"""What a model does, by its name and the query (``*`` for any): a chain as text, or one for each draw in turn."""


def chain_of_text(text: str) -> Chain:
    """Read ``search(to='FCO'), book(id=7) > book(id=8)``: a comma within a step, ``>`` between steps."""
    steps = [ast.parse(step.strip(), mode="eval").body for step in text.split(" > ") if step.strip()]
    calls = [step.elts if isinstance(step, ast.Tuple) else [step] for step in steps]
    return tuple(tuple(_call(node) for node in step) for step in calls)


def _call(node: ast.expr) -> Call:
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return Call(node.func.id, {one.arg: ast.literal_eval(one.value) for one in node.keywords})


class Asked(NamedTuple):
    """A request in one form for all wires: who is asked what, and which steps it has taken."""

    model: str
    query: str
    steps: Chain
    replies: tuple[str, ...]


class Scripted(Loopback):
    """A server of scripted models; ``fault`` may answer the request of a number (from 0) in their place."""

    def __init__(
        self,
        table: Mapping[str, Mapping[str, str | Sequence[str]]],
        *,
        fault: Callable[[int, Received], Answer | None] = lambda _number, _received: None,
        delay: float = 0.0,
    ) -> None:
        super().__init__(self._answered)
        self._table = table
        self._fault = fault
        self._delay = delay
        self._draws: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    @property
    def asked(self) -> list[Asked]:
        """All requests, in the order in which they came."""
        return [read(one) for one in self.requests]

    def draws(self, model: str) -> int:
        """How many samples of a model were begun."""
        return sum(one.model == model and not one.steps for one in self.asked)

    def _answered(self, received: Received) -> Answer:
        with self._lock:
            answer = self._fault(len(self.requests) - 1, received)
            if answer is None:
                asked = read(received)
                answer = Answer(_body(received.path, self._next(asked), len(asked.steps)), delay=self._delay)
        return answer

    def _next(self, asked: Asked) -> tuple[Call, ...]:
        answers = self._table[asked.model]
        said = answers[asked.query] if asked.query in answers else answers["*"]
        chains = [chain_of_text(text) for text in ([said] if isinstance(said, str) else said)]
        if not asked.steps:
            self._draws[asked.model, asked.query] += 1
            chains = [chains[(self._draws[asked.model, asked.query] - 1) % len(chains)]]
        taken = len(asked.steps)
        chain = next((one for one in chains if one[:taken] == asked.steps), ())
        return chain[taken] if len(chain) > taken else ()


def read(received: Received) -> Asked:
    """Return what a request asks, whatever its wire."""
    sent = received.json
    if ":generateContent" in received.path:
        return _read_google(received.path, sent)
    return _read_anthropic(sent) if received.path.endswith("/messages") else _read_chat(sent)


def _read_chat(sent: dict[str, Any]) -> Asked:
    messages = sent["messages"]
    steps = tuple(
        tuple(Call(one["function"]["name"], json.loads(one["function"]["arguments"])) for one in message["tool_calls"])
        for message in messages
        if message.get("tool_calls")
    )
    query = next(message["content"] for message in messages if message["role"] == "user")
    return Asked(sent["model"], query, steps, tuple(one["content"] for one in messages if one["role"] == "tool"))


def _read_anthropic(sent: dict[str, Any]) -> Asked:
    blocks = [
        [{"type": "text", "text": one["content"]}] if isinstance(one["content"], str) else one["content"]
        for one in sent["messages"]
    ]
    calls = [tuple(Call(one["name"], one["input"]) for one in some if one["type"] == "tool_use") for some in blocks]
    replies = [_plain(one["content"]) for some in blocks for one in some if one["type"] == "tool_result"]
    return Asked(sent["model"], blocks[0][0]["text"], tuple(filter(None, calls)), tuple(replies))


def _plain(content: Any) -> str:
    return content if isinstance(content, str) else "".join(one["text"] for one in content)


def _read_google(path: str, sent: dict[str, Any]) -> Asked:
    contents = sent["contents"]
    calls = [
        tuple(Call(part["functionCall"]["name"], part["functionCall"]["args"]) for part in one["parts"] if _calls(part))
        for one in contents
    ]
    replies = [json.dumps(p["functionResponse"]) for one in contents for p in one["parts"] if "functionResponse" in p]
    model = path.rpartition("/")[2].partition(":")[0]
    return Asked(model, contents[0]["parts"][0]["text"], tuple(filter(None, calls)), tuple(replies))


def _calls(part: dict[str, Any]) -> bool:
    return "functionCall" in part


def _body(path: str, calls: Sequence[Call], step: int) -> dict[str, Any]:
    ids = [f"call_{step}_{place}" for place in range(len(calls))]
    named = list(zip(calls, ids, strict=True))
    if ":generateContent" in path:
        made = [google.call(call.name, call.arguments, call_id=name) for call, name in named]
        return google.body(*(made or [{"text": "Done."}]))
    if path.endswith("/messages"):
        uses = [anthropic.tool_use(call.name, call.arguments, name) for call, name in named]
        return anthropic.message(*(uses or [anthropic.text("Done.")]))
    tool_calls = [chat.tool_call(call.name, call.arguments, name) for call, name in named]
    return chat.completion(None if calls else "Done.", *tool_calls)
