"""The contract with cactus-needle, against a scripted module of its name: engine and weights are its own download."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.errors import ConfigError, ModelUnavailable, RequestRejected
from pytest_toolmatch.core.model import parse_model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers.needle import from_wire, to_wire
from pytest_toolmatch.providers.registry import open_provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPTED = '''
"""A scripted stand-in for cactus-needle 3.2: the same class and methods, answers from a table."""
import os
import time

TELEMETRY = os.environ.get("NEEDLE_TELEMETRY"), os.environ.get("DO_NOT_TRACK")
LOG = []
TABLE = {}
BROKEN = []
ACTIVE = []
TAKES = {}


class Needle:
    def __init__(self, tools=None, system=None, weights=None, tool_index_path=None, buffer_size=65536,
                 auto_date=True, generation=None, stateless=False):
        time.sleep(TAKES.get("open", 0))
        LOG.append(("open", tools, system, weights, auto_date, generation))
        if BROKEN:
            raise BROKEN[0]
        self._turns = 0

    def complete(self, text="", max_new_tokens=512):
        assert not ACTIVE, "two at once"
        ACTIVE.append(self)
        self._turns += 1
        assert self._turns <= 4, "it warns here"
        time.sleep(TAKES.get("say", 0))
        LOG.append(("say", text, max_new_tokens))
        answer = TABLE.get(text, {"type": "respond", "function_calls": []})
        ACTIVE.clear()
        if isinstance(answer, Exception):
            raise answer
        return {"success": True, "error": None, "reasoning": "", "confidence": 0.94, **answer}

    def reset(self):
        self._turns = 0
        LOG.append(("reset",))

    def close(self):
        LOG.append(("close",))
'''
TOOLS = (
    Tool(
        name="lights",
        description="Set lights.",
        parameters={"type": "object", "properties": {"on": {"type": "boolean"}}},
    ),
    Tool(name="find_phone"),
)
LIGHTS = Call("lights", {"on": True})
CALLED = {"type": "call", "function_calls": [{"name": "lights", "arguments": {"on": True}}]}


@pytest.fixture
def needle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "needle.py").write_text(SCRIPTED)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("NEEDLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")
    yield lambda: sys.modules["needle"]
    sys.modules.pop("needle", None)


def ask(
    name: str,
    *conversations: Conversation,
    table: dict[str, Any] | None = None,
    takes: dict[str, float] | None = None,
    **more: Any,
) -> list[Turn]:
    async def run() -> list[Turn]:
        provider = open_provider(parse_model(name))
        sys.modules["needle"].TABLE.update(table or {})  # type: ignore[attr-defined]
        sys.modules["needle"].TAKES.update(takes or {})  # type: ignore[attr-defined]
        requests = [
            Request(role="student", model=name, conversation=one, tools=TOOLS, instructions="room: kitchen", **more)
            for one in conversations
        ]
        try:
            return await asyncio.gather(*map(provider.complete, requests))
        finally:
            await provider.aclose()

    return asyncio.run(run())


@pytest.mark.usefixtures("needle")
def test_calls_come_as_a_turn() -> None:
    [turn] = ask("needle:3", user("Lights on."), table={"Lights on.": CALLED})
    assert turn == Turn(calls=(LIGHTS,), ids=("call_0",), latency=turn.latency, confidence=0.94)


@pytest.mark.usefixtures("needle")
def test_an_empty_list_is_an_answer() -> None:
    [turn] = ask("needle:3", user("Sing."))
    assert turn == Turn(latency=turn.latency, confidence=0.94)


def test_it_is_asked_the_way_its_package_says(needle: Any) -> None:
    ask("needle:2", user("Lights on."), settings={"max_tokens": 64})
    empty = {"type": "object", "properties": {}}
    tools = [
        {"name": "lights", "description": "Set lights.", "parameters": TOOLS[0].parameters},
        {"name": "find_phone", "description": "", "parameters": empty},
    ]
    assert [
        ("open", tools, "room: kitchen", None, False, 2),
        ("reset",),
        ("say", "Lights on.", 64),
        ("close",),
    ] == needle().LOG


def test_tuned_weights_are_a_file(needle: Any) -> None:
    ask("needle:mine/tuned.cact", user("Lights on."))
    assert needle().LOG[0][3:] == ("mine/tuned.cact", False, None)


def test_telemetry_is_off_before_the_import(needle: Any) -> None:
    ask("needle:3", user("Lights on."))
    assert needle().TELEMETRY == ("0", "1")
    assert os.environ["NEEDLE_TELEMETRY"] == "0"


def test_requests_neither_meet_nor_follow_each_other(needle: Any) -> None:
    turns = ask("needle:3", *(user(f"{place}") for place in range(12)), table={"7": CALLED})
    assert [bool(turn.calls) for turn in turns] == [place == 7 for place in range(12)]
    log = needle().LOG
    assert [entry[0] for entry in log].count("open") == 1
    assert all(log[place - 1] == ("reset",) for place, entry in enumerate(log) if entry[0] == "say")


@pytest.mark.usefixtures("needle")
def test_neither_its_loading_nor_other_requests_are_latency() -> None:
    takes = {"open": 0.3, "say": 0.05}
    turns = ask("needle:3", *(user(f"{place}") for place in range(8)), takes=takes)
    assert all(turn.latency and takes["say"] <= turn.latency < takes["open"] for turn in turns)


def test_a_conversation_is_told_from_its_start(needle: Any) -> None:
    step = Message("assistant", calls=(LIGHTS, LIGHTS), ids=("a", "b"))
    replies = (Message("tool", '{"ok": true}', reply_to="a"), Message("tool", "no lamp", reply_to="b"))
    conversation = (*user("Lights on."), step, *replies, *(step, replies[0]) * 4, Message("user", "And off."))
    ask("needle:3", conversation)
    said = [entry[1] for entry in needle().LOG if entry[0] == "say"]
    assert said == ["Lights on.", '[{"ok":true},"no lamp"]', *['[{"ok":true}]'] * 4, "And off."]
    assert to_wire(conversation) == said
    assert to_wire(conversation[:4]) == said[:2]


@pytest.mark.parametrize("roles", [["assistant"], ["system", "assistant"]])
@pytest.mark.usefixtures("needle")
def test_a_conversation_that_says_nothing_to_it_is_refused(roles: list[Any]) -> None:
    with pytest.raises(RequestRejected, match="needle:3: the conversation has no words of a user, and no reply of a"):
        ask("needle:3", tuple(Message(role, "Hi.") for role in roles))


@pytest.mark.parametrize("name", ["temperature", "seed", "top_p"])
@pytest.mark.usefixtures("needle")
def test_there_is_no_chance_to_set(name: str) -> None:
    with pytest.raises(ConfigError, match=f"needle:3: there is no {name}: Needle always takes what is likeliest"):
        open_provider(parse_model("needle:3", {name: 1}))
    with pytest.raises(RequestRejected):
        ask("needle:3", user("Hi."), settings={name: 1})


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("needle:3", {"max_token": 9}, "there is no setting 'max_token'; did you mean 'max_tokens'?"),
        ("needle:3", {"max_tokens": 0}, "max_tokens is 0: write a whole number above 0"),
        ("needle:26m", {}, "write needle:3 or needle:2, or the file of tuned weights, needle:FILE.cact"),
    ],
)
@pytest.mark.usefixtures("needle")
def test_names_and_settings_that_say_nothing(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_provider(parse_model(name, settings))
    assert str(caught.value).startswith(f"{name}: {message}")


@pytest.mark.usefixtures("needle")
def test_what_the_engine_raises_is_about_the_request() -> None:
    with pytest.raises(RequestRejected, match=r"^needle:3: RuntimeError: needle_complete failed$"):
        ask("needle:3", user("Hi."), table={"Hi.": RuntimeError("needle_complete\nfailed")})


def test_an_engine_that_is_not_there_makes_it_unavailable(needle: Any) -> None:
    provider = open_provider(parse_model("needle:3"))
    needle().BROKEN.append(OSError("no such file on the hub"))
    asked = provider.complete(Request(role="student", model="needle:3", conversation=user("Hi.")))
    with pytest.raises(
        ModelUnavailable, match=r"can't be loaded: OSError: no such file on the hub; .* `needle fetch` beforehand"
    ):
        asyncio.run(asked)  # type: ignore[arg-type]


def test_another_package_of_that_name_is_refused(needle: Any, tmp_path: Path) -> None:
    assert needle
    (tmp_path / "needle.py").write_text("driver = None")
    with pytest.raises(ModelUnavailable, match=r"needle.py is another package of that name: pip uninstall needle"):
        open_provider(parse_model("needle:3"))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "needle", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'pytest-toolmatch\[needle\]'"):
        open_provider(parse_model("needle:3"))


@pytest.mark.parametrize(
    ("said", "confidence"), [(0, 0.0), (1, 1.0), (0.3, 0.3), (1.5, None), (-1, None), (None, None)]
)
def test_its_confidence_is_a_probability_or_none(said: float | None, confidence: float | None) -> None:
    assert from_wire({"function_calls": [], "confidence": said}) == Turn(confidence=confidence)
    assert from_wire({"function_calls": []}).confidence is None


def test_answers_that_failed_or_are_none() -> None:
    assert from_wire({"error": "token budget exhausted"}) == Turn(stop="truncated")
    with pytest.raises(RequestRejected, match=r"^needle:3: bad schema$"):
        from_wire({"success": False, "error": "bad schema"}, "needle:3")
    with pytest.raises(RequestRejected, match=r"^needle:3 answered in a form of its own: "):
        from_wire({"function_calls": "none"}, "needle:3")
