"""Langfuse exports: traces with their observations, as its API, its interface and its batch export write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_toolmatch.suites.importers.source import Options, Record, Source
from pytest_toolmatch.suites.importers.traces.observations import observations_in
from pytest_toolmatch.suites.importers.traces.reading import read_traces

NAME = "langfuse"
SUMMARY = "Langfuse exports: {trace, observations} or one observation per line; tools where logged"


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per prompt of every conversation."""
    yield from read_traces(sources, options, observations_in)
