"""Spans until their trace is complete: on disk, because nothing says when a trace ends.

Spans of one trace may stand anywhere in a log, and in several files. They wait in SQLite's private temporary database,
which stays in memory while it is small and goes to disk as it grows, so that memory does not grow with the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

from pytest_toolmatch.suites.importers.traces.nodes import packed, unpacked
from pytest_toolmatch.suites.importers.traces.span import Node

_TABLES = """
CREATE TABLE node (trace TEXT, id TEXT, parent TEXT, start INTEGER, session TEXT, data BLOB, PRIMARY KEY (trace, id));
CREATE TABLE conversation (trace TEXT PRIMARY KEY, name TEXT, start INTEGER);
"""
_CONVERSATIONS = """
INSERT INTO conversation
SELECT trace, CASE WHEN max(session) = '' THEN 'trace ' || trace ELSE 'session ' || max(session) END, min(start)
FROM node GROUP BY trace
"""
_ORDER = "SELECT name FROM conversation GROUP BY name ORDER BY min(start), name"
_NODES = """
SELECT data FROM conversation JOIN node USING (trace) WHERE conversation.name = ? ORDER BY node.start, node.trace, id
"""


class Row(NamedTuple):
    """A node as it is kept."""

    trace: str
    id: str
    parent: str
    start: int
    session: str
    data: bytes

    @classmethod
    def of(cls, node: Node) -> Row:
        """Return the row of a node."""
        return cls(node.trace, node.id, node.parent, node.start, node.session, packed(node))


class Store:
    """Nodes go in one by one and come out by conversation: all traces of a session, else one trace."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("")
        self._base.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def add(self, row: Row) -> bool:
        """Keep a node; False where its trace has one of that id already, as when a file is given twice."""
        return self._base.execute("INSERT OR IGNORE INTO node VALUES (?, ?, ?, ?, ?, ?)", row).rowcount == 1

    def conversations(self) -> Iterator[list[Node]]:
        """Yield the nodes of each conversation by their start, the conversations by their first."""
        self._base.execute(_CONVERSATIONS)
        self._base.execute("CREATE INDEX by_name ON conversation (name)")
        for (name,) in self._base.execute(_ORDER).fetchall():
            yield [unpacked(data) for (data,) in self._base.execute(_NODES, (name,))]
