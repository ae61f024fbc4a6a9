"""Edits: the atoms of a fuzzed prompt, and what each does to the chain that is expected.

A variant is its parent with a few edits; shrinking leaves some of them out. All are plain values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import Conversation
from pytest_toolmatch.core.rules import Overrides
from pytest_toolmatch.core.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A case in the making: its parent's ``query``, what is written over it, the tools, and what was said ``before``.

    ``before`` stands at the start of the conversation. ``chain`` is what the parent's reference has become, where
    there is one; ``overrides`` are the suite's, under the names that tools and arguments have now.
    """

    query: str
    tools: tuple[Tool, ...] = ()
    chain: Chain | None = None
    overrides: Overrides = {}
    rewrites: tuple[Rewrite, ...] = ()
    before: Conversation = ()


class Edit(msgspec.Struct, frozen=True, tag=True):
    """One change to a prompt; edits of a variant are made one after the other.

    ``told`` says it in a few words, where it can't be seen in the query.
    """

    @property
    def told(self) -> str:
        """What is changed beside the query, in a few words."""
        return ""

    def apply(self, draft: Draft) -> Draft:
        """Return the draft with the change made."""
        raise NotImplementedError


class Rewrite(Edit, frozen=True):
    """Characters ``start`` to ``end`` of the parent's query become ``text``; nothing is inserted where they meet.

    Of rewrites that overlap, the first one counts.
    """

    start: int
    end: int
    text: str = ""

    def apply(self, draft: Draft) -> Draft:
        """Note the change; it is made when the query is written out, since places are those of the parent's query."""
        return msgspec.structs.replace(draft, rewrites=(*draft.rewrites, self))


class Swap(Edit, frozen=True):
    """A value that the chain copies from the query becomes another, in both: ``old`` and ``new`` as texts.

    A number in the chain follows where its digits are ``old``.
    """

    old: str
    new: str

    def apply(self, draft: Draft) -> Draft:
        """Rewrite every place of the old value, and the chain's arguments that hold it."""
        places, start = [], draft.query.find(self.old)
        while start >= 0:
            places.append(Rewrite(start, start + len(self.old), self.new))
            start = draft.query.find(self.old, start + len(self.old))
        chain = mapped(draft.chain, lambda call: Call(call.name, self._value(call.arguments)))
        return msgspec.structs.replace(draft, rewrites=(*draft.rewrites, *places), chain=chain)

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._value(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._value(one) for one in value]
        if isinstance(value, str):
            return value.replace(self.old, self.new)
        if isinstance(value, int | float) and not isinstance(value, bool) and f"{value:g}" == self.old:
            return msgspec.json.decode(self.new)
        return value


class Before(Edit, frozen=True):
    """Messages that were said before the parent's conversation."""

    messages: Conversation

    @property
    def told(self) -> str:
        """What is changed."""
        return f"after {len(self.messages)} earlier messages"

    def apply(self, draft: Draft) -> Draft:
        """Put the messages after those that are there already."""
        return msgspec.structs.replace(draft, before=(*draft.before, *self.messages))


class Order(Edit, frozen=True):
    """The tools stand in another order: that of ``names``; those not named come last."""

    names: tuple[str, ...]

    @property
    def told(self) -> str:
        """What is changed."""
        return "the tools in another order"

    def apply(self, draft: Draft) -> Draft:
        """Sort the tools."""
        rank = {name: place for place, name in enumerate(self.names)}
        return _with_tools(draft, sorted(draft.tools, key=lambda tool: rank.get(tool.name, len(rank))))


class Add(Edit, frozen=True):
    """One more ``tool`` is on offer, at place ``at`` (0: first)."""

    tool: Tool
    at: int = 0

    @property
    def told(self) -> str:
        """What is changed."""
        return f"{self.tool.name} offered, too"

    def apply(self, draft: Draft) -> Draft:
        """Put the tool among the others."""
        return _with_tools(draft, [*draft.tools[: self.at], self.tool, *draft.tools[self.at :]])


class Remove(Edit, frozen=True):
    """The tool ``name`` is not on offer."""

    name: str

    @property
    def told(self) -> str:
        """What is changed."""
        return f"{self.name} not offered"

    def apply(self, draft: Draft) -> Draft:
        """Leave the tool out."""
        return _with_tools(draft, [tool for tool in draft.tools if tool.name != self.name])


class Retool(Edit, frozen=True):
    """The tool ``name`` becomes ``tool``; ``parameters`` and ``values`` tell what its arguments are called now.

    ``parameters`` maps old names to new ones, ``values`` the new name of a parameter to its values, old to new.
    What the suite says of the tool's arguments (overrides) goes along.
    """

    name: str
    tool: Tool
    parameters: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}

    @property
    def told(self) -> str:
        """What is changed."""
        if self.tool.name != self.name:
            return f"{self.name} is called {self.tool.name}"
        renamed = [f"{old} is called {new}" for old, new in self.parameters.items() if old != new]
        renamed += [f"{old} is called {new}" for known in self.values.values() for old, new in known.items()]
        return f"of {self.name}: {', '.join(renamed)}" if renamed else f"{self.name} answers something else"

    def apply(self, draft: Draft) -> Draft:
        """Put the tool in the old one's place, and rename the chain's calls of it."""
        changed = _with_tools(draft, [self.tool if tool.name == self.name else tool for tool in draft.tools])
        overrides = {
            (self.tool.name if name == self.name else name): (self._renamed(rules) if name == self.name else rules)
            for name, rules in draft.overrides.items()
        }
        return msgspec.structs.replace(changed, chain=mapped(draft.chain, self._call), overrides=overrides)

    def _call(self, call: Call) -> Call:
        if call.name != self.name:
            return call
        arguments = call.arguments
        if isinstance(arguments, dict):
            renamed = {self.parameters.get(key, key): value for key, value in arguments.items()}
            arguments = {key: self._value(key, value) for key, value in renamed.items()}
        return Call(self.tool.name, arguments)

    def _value(self, key: Any, value: Any) -> Any:
        known = self.values.get(key, {})
        if isinstance(value, list):
            return [self._value(key, one) for one in value]
        return known.get(value, value) if isinstance(value, str) else value

    def _renamed(self, rules: dict[str, Any]) -> dict[str, Any]:
        """Return overrides by argument path, each under its parameter's name now."""
        found = {}
        for path, rule in rules.items():
            first = path.split(".", 1)[0].split("[", 1)[0]
            found[self.parameters.get(first, first) + path[len(first) :]] = rule
        return found


AnyEdit: TypeAlias = Rewrite | Swap | Before | Order | Add | Remove | Retool


def mapped(chain: Chain | None, change: Callable[[Call], Call]) -> Chain | None:
    """Return the chain with every call changed."""
    return None if chain is None else tuple(tuple(change(call) for call in step) for step in chain)


def written(query: str, rewrites: tuple[Rewrite, ...]) -> str:
    """Return a query with its rewrites made, without spaces that they left behind."""
    text, end = "", 0
    for one in sorted(rewrites, key=lambda one: (one.start, one.end)):
        if one.start < end:
            continue
        text += query[end : one.start] + one.text
        end = one.end
    return text + query[end:]


def _with_tools(draft: Draft, tools: list[Tool]) -> Draft:
    return msgspec.structs.replace(draft, tools=tuple(tools))
