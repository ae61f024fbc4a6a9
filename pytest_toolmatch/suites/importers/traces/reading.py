"""Reads traces from any container: spans into a store, conversations out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_toolmatch.suites.importers.files import Document, documents
from pytest_toolmatch.suites.importers.source import Counted, Options, Problem, Record, Source
from pytest_toolmatch.suites.importers.traces.containers import Read
from pytest_toolmatch.suites.importers.traces.nodes import nodes_of
from pytest_toolmatch.suites.importers.traces.runs import runs_of
from pytest_toolmatch.suites.importers.traces.store import Store


def read_traces(sources: Sequence[Source], options: Options, spans_in: Callable[[Document], Read]) -> Iterator[Record]:
    """Yield the runs of all traces, each conversation's once every file is read: its spans may stand in any of them."""
    with Store() as store:
        for item in documents(sources):
            yield from (item,) if isinstance(item, Problem) else _kept(item, store, spans_in)
        for nodes in store.conversations():
            yield from runs_of(nodes, options)


def _kept(item: Document, store: Store, spans_in: Callable[[Document], Read]) -> Iterator[Record]:
    empty = True
    for span in spans_in(item):
        empty = False
        if isinstance(span, Problem):
            yield span
            continue
        for found in nodes_of(span):
            if isinstance(found, Problem):
                yield found
            elif not store.add(found):
                yield Counted("spans found twice")
    if empty:
        yield Problem(item.where, "no span in this record", "records hold no span")
