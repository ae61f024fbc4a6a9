from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.needle_format import Written, to_needle, write_needle
from pytest_toolmatch.providers.needle import tools_to_wire

if TYPE_CHECKING:
    from pathlib import Path

LAMP = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}
TOOLS = (Tool(name="lights", description="Set lights.", parameters=LAMP, effect="write", reply="ok"), Tool(name="find"))
ON, FIND = Call("lights", {"on": True}), Call("find")


def example(*calls: Call, conversation: Conversation | None = None, weight: float = 1.0) -> Example:
    said = conversation or user("Lights on, and where's my phone?")
    return Example(tools=TOOLS, conversation=said, calls=calls, kind="parallel", group="g", weight=weight)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_is_query_tools_and_answers() -> None:
    assert to_needle(example(ON, FIND)) == {
        "query": "Lights on, and where's my phone?",
        "tools": [
            {"name": "lights", "description": "Set lights.", "parameters": LAMP},
            {"name": "find", "description": "", "parameters": {"type": "object", "properties": {}}},
        ],
        "answers": [{"name": "lights", "arguments": {"on": True}}, {"name": "find", "arguments": {}}],
    }


def test_it_is_trained_on_the_tools_that_it_is_asked_with() -> None:
    line = to_needle(example(ON))
    assert line
    assert line["tools"] == tools_to_wire(TOOLS)


def test_nothing_to_call_is_an_empty_list() -> None:
    line = to_needle(example(conversation=(Message("system", "room: hall"), *user("Hello."))))
    assert line
    assert (line["answers"], line["query"], line["system"]) == ([], "Hello.", "room: hall")


def test_later_turns_and_rarer_answers_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "new/needle.jsonl"
    later = (*user("Lights on."), Message("assistant", calls=(ON,)), Message("tool", "ok"))
    examples = [
        example(ON, weight=0.2),
        example(ON, FIND, weight=0.5),
        example(FIND, weight=0.5),
        example(conversation=later),
        example(conversation=user("Grüezi.")),
    ]
    assert write_needle(examples, file) == Written(lines=2, later_turns=1, rarer_answers=2)
    assert [line["query"] for line in lines(file)] == ["Lights on, and where's my phone?", "Grüezi."]
    assert [call["name"] for call in lines(file)[0]["answers"]] == ["lights", "find"]
    assert [path.name for path in file.parent.iterdir()] == ["needle.jsonl"]


def test_a_disk_that_does_not_take_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"can't be written: .*: nothing was left behind"):
        write_needle([example(ON)], tmp_path / "file/needle.jsonl")
