"""Reads traces from any container: spans into a store, conversations out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from pytest_toolmatch.suites.importers.files import Document
from pytest_toolmatch.suites.importers.parts import Each, Part, parts_of
from pytest_toolmatch.suites.importers.source import Counted, Options, Problem, Record, Source
from pytest_toolmatch.suites.importers.traces.containers import Read
from pytest_toolmatch.suites.importers.traces.nodes import nodes_of
from pytest_toolmatch.suites.importers.traces.runs import runs_of
from pytest_toolmatch.suites.importers.traces.store import Row, Store


def read_traces(
    sources: Sequence[Source], options: Options, each: Each, spans_in: Callable[[Document], Read]
) -> Iterator[Record]:
    """Yield the runs of all traces, each conversation's once every file is read: its spans may stand in any of them."""
    with Store() as store:
        for item in each(partial(_rows, spans_in=spans_in), parts_of(sources), lines=True):
            if isinstance(item, Problem):
                yield item
            elif not store.add(item):
                yield Counted("spans found twice")
        for nodes in store.conversations():
            yield from runs_of(nodes, options)


def _rows(part: Part, spans_in: Callable[[Document], Read]) -> Iterator[Row | Problem]:
    """Yield what is to be kept of the spans of a part."""
    for item in part.documents():
        yield from (item,) if isinstance(item, Problem) else _rows_of(item, spans_in)


def _rows_of(item: Document, spans_in: Callable[[Document], Read]) -> Iterator[Row | Problem]:
    empty = True
    for span in spans_in(item):
        empty = False
        if isinstance(span, Problem):
            yield span
            continue
        yield from (found if isinstance(found, Problem) else Row.of(found) for found in nodes_of(span))
    if empty:
        yield Problem(item.where, "no span in this record", "records hold no span")
