"""OpenTelemetry traces of agents: Jaeger, Tempo and OTLP JSON, what SDKs print, Phoenix; in any dialect.

An agent's requests to its model, joined where one goes on from the other, are a run; its case is the conversation of
the first request, with the tools that it declares. A later prompt of a conversation becomes a case of its own. Spans
may stand in any order, over any number of lines and files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_toolmatch.suites.importers.parts import Each, here
from pytest_toolmatch.suites.importers.source import Options, Record, Source
from pytest_toolmatch.suites.importers.traces.containers import spans_in
from pytest_toolmatch.suites.importers.traces.reading import read_traces

NAME = "otel"
SUMMARY = "OpenTelemetry traces (GenAI conventions, OpenInference) as Jaeger, Tempo or OTLP JSON; tools where logged"


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per prompt of every conversation."""
    return read_parts(sources, options, here)


def read_parts(sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield the same; the spans of a line are read by themselves, and put into traces here."""
    return read_traces(sources, options, each, spans_in)
