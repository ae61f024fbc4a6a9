"""Rows to export, of all shapes that recordings may have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call, Chain, Step
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.exporters import find_format
from pytest_toolmatch.suites.exporters.row import Line, Row

FIND = Call("find", {"to": "Rome", "via": ["Oslo", "Bari"]})
BOOK = Call("book", {"id": 7, "who": {"name": "Ada", "age": None}})
TOOLS = (
    Tool(name="find", description="Find a flight.", parameters={
        "type": "object", "properties": {"to": {"type": "string"}, "cost": {"type": ["number", "null"]}}}),
    Tool(name="book", effect="write", reply="booked"),
)  # fmt: skip

texts = st.text(max_size=6) | st.sampled_from(["", "a", "'", '"', "\\", "[1]", "\n", "None", "é", "🙂"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3), max_leaves=6
)
names = st.sampled_from(["to", "cost", "id", "class", "a-b", ""])
arguments = st.dictionaries(names, values, max_size=3) | st.none()
calls = st.builds(Call, st.sampled_from(["find", "book"]), arguments)
steps: st.SearchStrategy[Step] = st.lists(calls, min_size=1, max_size=2).map(tuple)
chains: st.SearchStrategy[Chain] = st.lists(steps, max_size=3).map(tuple)
odd_calls = calls | st.just(Call("find", "{to"))
before = st.lists(
    st.builds(Message, st.sampled_from(["user", "system", "tool"]), texts, name=st.sampled_from(["", "find"]))
    | st.builds(Message, st.just("assistant"), texts, st.lists(odd_calls, max_size=2).map(tuple)),
    max_size=4,
).map(tuple)


def told(chain: Chain, text: str = "") -> Conversation:
    """Return what a teacher goes on with: its calls, each answered by its name, and its last words."""
    said: list[Message] = []
    for place, step in enumerate(chain):
        said.append(Message("assistant", calls=step))
        if text or place < len(chain) - 1:
            said += [Message("tool", f"reply of {call.name}", name=call.name) for call in step]
    return (*said, *([Message("assistant", text)] if text else ()))


def row(*chain: Step, text: str = "", conversation: Conversation | None = None, **more: Any) -> Row:
    fields: dict[str, Any] = {"suite": "trips", "case": "one", "number": 0, "draw": 0, "part": "train"}
    fields |= {"tools": TOOLS, "instructions": "Today is Friday."} | more
    said = user("A flight to Rome.") if conversation is None else conversation
    return Row(**fields, conversation=said, said=told(chain, text), chain=chain, text=text)


rows = st.builds(
    lambda chain, text, conversation, last, instructions: row(
        *chain, text=text, conversation=(*conversation, Message("user", last)), instructions=instructions
    ),
    chains,
    st.sampled_from(["", "Done.", "{}"]),
    before,
    texts,
    texts,
)


def written(form: str, one: Row) -> Any:
    """Return the one line of a row."""
    lines = find_format(form).write(one)
    assert isinstance(lines, tuple)
    (line,) = lines
    assert isinstance(line, Line)
    assert not line.file
    return line.data


def objects(chain: Chain) -> list[list[dict[str, Any]]]:
    """Return a chain as JSON, with an object for the arguments of every call."""
    return [[{"name": call.name, "arguments": call.arguments or {}} for call in step] for step in chain]
