"""Spans as a tree by their parents: which agent is above each, and which repeat what a span below them tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_toolmatch.suites.importers.source import Problem
from pytest_toolmatch.suites.importers.traces.span import Node


class Tree:
    """The spans of one conversation; parents that are missing, or that run in a circle, end a path."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._by_id = {(node.trace, node.id): node for node in nodes}
        self._cyclic = [node for node in nodes if self._circles(node)]
        self.agents = {node.id: self._agent(node) for node in nodes}
        self._outer = self._repeating()

    def problems(self) -> Iterator[Problem]:
        """Yield one problem for every trace whose parents run in a circle."""
        first = {node.trace: node for node in reversed(self._cyclic)}
        for node in first.values():
            yield Problem(node.place, "it is its own ancestor: parents are left out of account", "spans are cyclic")

    def above(self, node: Node) -> Iterator[Node]:
        """Yield the ancestors of a span, the nearest first; each once."""
        seen = {(node.trace, node.id)}
        key = (node.trace, node.parent)
        while key in self._by_id and key not in seen:
            seen.add(key)
            found = self._by_id[key]
            yield found
            key = (found.trace, found.parent)

    def repeats(self, node: Node) -> bool:
        """Return whether spans below this one tell of the same requests."""
        return (node.trace, node.id) in self._outer

    def tool_runs(self) -> list[Node]:
        """Return the runs of tools; of one tool's spans within each other the outermost."""
        ran = [node for node in self._nodes if node.kind == "tool" and node.tool]
        return [node for node in ran if not any(self._same(node, one) for one in self.above(node))]

    @staticmethod
    def _same(node: Node, other: Node) -> bool:
        return bool(node.tool and other.tool and node.tool.name == other.tool.name)

    def _circles(self, node: Node) -> bool:
        *_, last = (node, *self.above(node))
        return (last.trace, last.parent) in self._by_id

    def _agent(self, node: Node) -> str:
        """Return the nearest agent above, else the parent: spans of one agent have it in common."""
        return next((one.id for one in self.above(node) if one.kind == "agent"), node.parent)

    def _repeating(self) -> set[tuple[str, str]]:
        """Return the spans above an exchange, up to the tool that was run or the agent that was asked."""
        outer: set[tuple[str, str]] = set()
        for node in self._nodes:
            if node.kind not in ("model", "agent") or not node.exchange:
                continue
            for one in self.above(node):
                if one.kind == "tool":
                    break
                outer.add((one.trace, one.id))
                if one.kind == "agent":
                    break
        return outer
