"""Langfuse exports: traces with their observations, as its API, its interface and its batch export write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_toolmatch.suites.importers.parts import Each, here
from pytest_toolmatch.suites.importers.source import Options, Record, Source
from pytest_toolmatch.suites.importers.traces.observations import observations_in
from pytest_toolmatch.suites.importers.traces.reading import read_traces

NAME = "langfuse"
SUMMARY = "Langfuse exports: {trace, observations} or one observation per line; tools where logged"


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per prompt of every conversation."""
    return read_parts(sources, options, here)


def read_parts(sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield the same; the spans of a line are read by themselves, and put into traces here."""
    return read_traces(sources, options, each, observations_in)
