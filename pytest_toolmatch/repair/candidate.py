"""Candidates: what a student may be told, as the flat texts that optimisers change, and back.

A candidate maps components to texts: ``instructions``, ``tool:NAME`` (its description), ``tool:NAME:PATH`` (that of a
parameter), and ``examples``, a JSON list of ids. It always has all components of its suite.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.core.prompt import Example, Prompt, ToolTexts, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool

Candidate: TypeAlias = dict[str, str]

INSTRUCTIONS, EXAMPLES = "instructions", "examples"


class Place(NamedTuple):
    """What a component describes: a tool, or a parameter of it by its path."""

    tool: str
    path: str = ""


class Components:
    """The components of one suite, and how candidates and prompts become each other.

    ``own`` is what the suite says without its ``student`` block, ``start`` what its student is told today. ``examples``
    are those that candidates may name, by id; those that the student has already come with ids of their own.
    """

    def __init__(self, suite: Suite, examples: Mapping[str, Example] | None = None) -> None:
        student = suite.student or Prompt()
        self.tools = _tools(suite)
        self.places = dict(_places(self.tools.values()))
        self._known = _by_id(student.examples)
        self._offered = dict(examples or {})
        self.own: Candidate = {
            INSTRUCTIONS: suite.instructions,
            **{name: _said(self.tools[place.tool], place.path) for name, place in self.places.items()},
            EXAMPLES: "[]",
        }
        self.start = self.candidate(student)

    @property
    def examples(self) -> dict[str, Example]:
        """The examples that candidates may name, by id."""
        return self._offered | self._known

    def candidate(self, prompt: Prompt) -> Candidate:
        """Return what a student is told as a candidate; its examples have to be known."""
        told = dict(self.own)
        if prompt.instructions is not None:
            told[INSTRUCTIONS] = prompt.instructions
        for name, place in self.places.items():
            texts = prompt.tools.get(place.tool, ToolTexts())
            said = texts.parameters.get(place.path) if place.path else texts.description
            told[name] = told[name] if said is None else said
        ids = {msgspec.json.encode(one): name for name, one in self.examples.items()}
        told[EXAMPLES] = ids_text(ids[msgspec.json.encode(one)] for one in prompt.examples)
        return told

    def prompt(self, candidate: Candidate) -> Prompt:
        """Return what a student is told under a candidate: only what differs from the suite's own."""
        changed = {name: text for name, text in candidate.items() if text != self.own.get(name)}
        tools: dict[str, ToolTexts] = {}
        for name, text in changed.items():
            if place := self.places.get(name):
                tools[place.tool] = _with_text(tools.get(place.tool, ToolTexts()), place.path, text)
        known = self.examples
        named = example_ids(candidate)
        return Prompt(
            instructions=changed.get(INSTRUCTIONS),
            tools=tools,
            examples=tuple(known[name] for name in named if name in known),
        )

    def of_tool(self, tool: str) -> list[str]:
        """Return the components of a tool: its description first, then its parameters'."""
        return [name for name, place in self.places.items() if place.tool == tool]


def tool_component(tool: str, path: str = "") -> str:
    """Return the name of a tool's component, or of one of its parameters."""
    return f"tool:{tool}:{path}" if path else f"tool:{tool}"


def example_ids(candidate: Candidate) -> list[str]:
    """Return the ids of a candidate's examples."""
    return msgspec.json.decode(candidate.get(EXAMPLES, "[]"), type=list[str])


def ids_text(ids: Iterable[str]) -> str:
    """Return ids as the text of an ``examples`` component."""
    return msgspec.json.encode(list(ids)).decode()


def with_examples(candidate: Candidate, ids: Sequence[str]) -> Candidate:
    """Return the candidate with these examples."""
    return candidate | {EXAMPLES: ids_text(ids)}


def key_of(candidate: Candidate) -> str:
    """Return a short hash of all texts of a candidate."""
    return hashlib.sha256(msgspec.json.encode(candidate, order="sorted")).hexdigest()[:16]


def changed_components(before: Candidate, after: Candidate) -> list[str]:
    """Return the components whose texts differ, in their order."""
    return [name for name in after if after[name] != before.get(name)]


def _tools(suite: Suite) -> dict[str, Tool]:
    """Return the tools of a suite and of its cases by name; of several of one name the first has the say."""
    found: dict[str, Tool] = {}
    for tool in (*suite.tools, *(tool for case in suite.cases for tool in case.tools or ())):
        found.setdefault(tool.name, tool)
    return found


def _places(tools: Iterable[Tool]) -> Iterable[tuple[str, Place]]:
    for tool in tools:
        yield tool_component(tool.name), Place(tool.name)
        for path, _ in parameters(tool):
            yield tool_component(tool.name, path), Place(tool.name, path)


def _said(tool: Tool, path: str) -> str:
    return dict(parameters(tool))[path] if path else tool.description


def _with_text(texts: ToolTexts, path: str, text: str) -> ToolTexts:
    if not path:
        return msgspec.structs.replace(texts, description=text)
    return msgspec.structs.replace(texts, parameters={**texts.parameters, path: text})


def _by_id(examples: Iterable[Example]) -> dict[str, Example]:
    """Return examples by their cases; one of no case, or of one that is taken, has its place in its id."""
    found: dict[str, Example] = {}
    for place, one in enumerate(examples, 1):
        name = one.case or f"example {place}"
        while name in found:
            name += f" ({place})"
        found[name] = one
    return found
