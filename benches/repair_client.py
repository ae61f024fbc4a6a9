"""How the peers of ``repair.py`` call a student: as a user would, over the wire. The standard library alone.

DSPy runs this in an environment of its own, where nothing of ours is installed.
"""

from __future__ import annotations

import http.client
import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_STEPS = 8
Steps = list[list[dict[str, Any]]]


class Wire:
    """One server; a connection for each thread."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._local = threading.local()

    def post(self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] = ()) -> dict[str, Any]:
        """Return the message that a model answers with."""
        body = {"model": model, "messages": [*messages]} | ({"tools": [*tools]} if tools else {})
        connection = self._connection()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        return json.load(connection.getresponse())["choices"][0]["message"]

    def figures(self, run: str) -> dict[str, Any]:
        """Return the server's counts of a run."""
        connection = self._connection()
        connection.request("GET", "/" + run.replace("/", "~"))
        return json.load(connection.getresponse())

    def say(self, model: str, prompt: str | Sequence[Mapping[str, Any]]) -> str:
        """Return what a model says to a prompt."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return self.post(model, messages)["content"] or ""

    def roll(
        self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], replies: Mapping[str, Any]
    ) -> Steps:
        """Return the steps that a model takes, each a list of its calls."""
        told, steps = [*messages], []
        for _ in range(MOST_STEPS):
            said = self.post(model, told, tools)
            calls = said.get("tool_calls") or []
            if not calls:
                break
            plain = [{key: call["function"][key] for key in ("name", "arguments")} for call in calls]
            steps.append([{**call, "arguments": json.loads(call["arguments"])} for call in plain])
            told.append({"role": "assistant", "content": None, "tool_calls": calls})
            for call in calls:
                reply = json.dumps(replies[call["function"]["name"]])
                told.append({"role": "tool", "tool_call_id": call["id"], "content": reply})
        return steps

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection().close()

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._host, timeout=60)
        return self._local.connection


def described(tools: Sequence[dict[str, Any]], texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return tools with the texts of a candidate in their descriptions."""
    found = json.loads(json.dumps(tools))
    for tool in found:
        function = tool["function"]
        name = f"tool:{function['name']}"
        function["description"] = texts.get(name, function["description"])
        for path, schema in function["parameters"]["properties"].items():
            schema["description"] = texts.get(f"{name}:{path}", schema["description"])
    return found


def feedback(expected: Steps, made: Steps) -> str:
    """Return what a user would write about a chain."""
    if made == expected:
        return "Right."
    return f"Wrong. Expected calls: {json.dumps(expected)}. The assistant's calls: {json.dumps(made)}."
