"""Langfuse's container: a trace with its observations, which stand for spans.

``input``, ``output`` and ``metadata`` are JSON texts, or objects, and observations come in any order. They become
attributes under the names by which Langfuse's own SDK writes them (``langfuse.observation.input`` …), beside the
OpenTelemetry attributes that ``metadata`` holds where Langfuse was fed by OpenTelemetry.
"""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.suites.importers.files import Document
from pytest_toolmatch.suites.importers.source import Problem
from pytest_toolmatch.suites.importers.traces.containers import Read, moment, read_value
from pytest_toolmatch.suites.importers.traces.span import Span
from pytest_toolmatch.suites.importers.traces.values import opened

PREFIX = "langfuse.observation"
_UNKNOWN = "no Langfuse export: neither a trace with its observations nor an observation"


def observations_in(item: Document) -> Read:
    """Yield the observations of one JSON value as spans."""
    yield from read_value(item.data, item, {"observations": _trace, "traceId": _alone, "trace_id": _alone}, _UNKNOWN)


def _trace(data: dict[str, Any], item: Document) -> Read:
    trace = data["trace"] if isinstance(data.get("trace"), dict) else data
    for place, entry in enumerate(data["observations"] if isinstance(data["observations"], list) else ()):
        if isinstance(entry, dict) and entry.get("id"):
            yield _span(entry, item, trace)
        else:
            yield Problem(f"{item.where} observations[{place}]", "not an observation: it has no id")


def _alone(data: dict[str, Any], item: Document) -> Read:
    if data.get("id"):
        yield _span(data, item, {})
    else:
        yield Problem(item.where, "not an observation: it has no id")


def _span(data: dict[str, Any], item: Document, trace: dict[str, Any]) -> Span:
    return Span(
        trace=str(data.get("traceId") or data.get("trace_id") or trace.get("id") or ""),
        id=str(data["id"]),
        parent=str(data.get("parentObservationId") or data.get("parent_observation_id") or ""),
        name=str(data.get("name") or ""),
        start=moment(data.get("startTime") or data.get("start_time")),
        end=moment(data.get("endTime") or data.get("end_time")),
        attributes=_attributes(data, trace),
        failure=str(data.get("statusMessage") or "failed") if data.get("level") == "ERROR" else "",
        where=item.where,
        label=item.source.label,
    )


def _attributes(data: dict[str, Any], trace: dict[str, Any]) -> dict[str, Any]:
    metadata = opened(data.get("metadata"))
    metadata = metadata if isinstance(metadata, dict) else {}
    held = opened(metadata.get("attributes"))
    counts = opened(data.get("usageDetails") or data.get("usage_details"))
    usage = counts if isinstance(counts, dict) else {}
    own = {
        f"{PREFIX}.type": str(data.get("type") or "").lower(),
        f"{PREFIX}.name": data.get("name"),
        f"{PREFIX}.input": opened(data.get("input")),
        f"{PREFIX}.output": opened(data.get("output")),
        f"{PREFIX}.model.name": data.get("model"),
        f"{PREFIX}.model.parameters": opened(data.get("modelParameters") or data.get("model_parameters")),
        f"{PREFIX}.metadata.tools": metadata.get("tools"),
        "langfuse.session.id": trace.get("sessionId") or data.get("sessionId"),
        **{f"{PREFIX}.usage_details.{key}": count for key, count in usage.items()},
    }
    known = {key: value for key, value in own.items() if value not in (None, "")}
    return {**(held if isinstance(held, dict) else {}), **known}
