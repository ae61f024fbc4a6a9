"""Puts spans into every container that they may lie in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.suites.importers.tracing import SECOND, Span


def _any(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_any(one) for one in value]}}
        case dict():
            return {"kvlistValue": {"values": _keyed(value)}}
    return {"stringValue": value}


def _keyed(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any(value)} for key, value in attributes.items()]


def otlp_span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace,
        "spanId": span.id,
        "parentSpanId": span.parent,
        "name": span.name,
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _keyed(span.attributes),
        "events": [{"name": name, "attributes": _keyed(held)} for name, held in span.events],
        "status": {"code": "STATUS_CODE_ERROR", "message": span.failed} if span.failed else {},
    }


def otlp(spans: Sequence[Span]) -> list[Any]:
    """One line per span, as the collector's file exporter may write them."""
    return [{"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [otlp_span(one)]}]}]} for one in spans]


def tempo(spans: Sequence[Span]) -> list[Any]:
    return [{"batches": [{"instrumentationLibrarySpans": [{"spans": [otlp_span(one) for one in spans]}]}]}]


def tempo_v2(spans: Sequence[Span]) -> list[Any]:
    return [{"trace": {"resourceSpans": [{"scopeSpans": [{"spans": [otlp_span(one) for one in spans]}]}]}}]


def _tags(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": k, "type": "string", "value": v if isinstance(v, str | int | float) else json.dumps(v)}
        for k, v in attributes.items()
    ]


def jaeger(spans: Sequence[Span]) -> list[Any]:
    def one(span: Span) -> dict[str, Any]:
        parent = [{"refType": "CHILD_OF", "traceID": span.trace, "spanID": span.parent}] if span.parent else []
        failed = {"error": True, "otel.status_description": span.failed} if span.failed else {}
        return {
            "traceID": span.trace,
            "spanID": span.id,
            "operationName": span.name,
            "references": parent,
            "startTime": span.start // 1000,
            "duration": (span.end - span.start) // 1000,
            "tags": _tags(span.attributes | failed),
            "logs": [{"timestamp": 1, "fields": _tags({"event": name, **held})} for name, held in span.events],
        }

    return [{"data": [{"traceID": "t1", "spans": [one(span) for span in spans]}]}]


def iso(time: int) -> str:
    return datetime.fromtimestamp(time / SECOND, UTC).isoformat().replace("+00:00", "Z")


def printed(spans: Sequence[Span]) -> list[Any]:
    return [
        {
            "name": span.name,
            "context": {"trace_id": f"0x{span.trace}", "span_id": f"0x{span.id}"},
            "parent_id": f"0x{span.parent}" if span.parent else None,
            "start_time": iso(span.start),
            "end_time": iso(span.end),
            "status": {"status_code": "ERROR", "description": span.failed} if span.failed else {"status_code": "OK"},
            "attributes": span.attributes,
            "events": [{"name": name, "attributes": held} for name, held in span.events],
        }
        for span in spans
    ]


def observed(spans: Sequence[Span]) -> list[Any]:
    """Langfuse's export; what Langfuse makes fields of its own is one."""

    def one(span: Span) -> dict[str, Any]:
        own = {key.removeprefix("langfuse.observation."): value for key, value in span.attributes.items()}
        held = {key: value for key, value in span.attributes.items() if not key.startswith("langfuse.")}
        return {
            "id": span.id,
            "traceId": span.trace,
            "parentObservationId": span.parent or None,
            "name": span.name,
            "type": str(own.get("type") or "span").upper(),
            "startTime": iso(span.start),
            "endTime": iso(span.end),
            "level": "ERROR" if span.failed else "DEFAULT",
            "statusMessage": span.failed or None,
            "model": own.get("model.name"),
            "input": own.get("input"),
            "output": own.get("output"),
            "usageDetails": {"input": own.get("usage_details.input"), "output": own.get("usage_details.output")},
            "metadata": json.dumps({"attributes": held}),
        }

    return [{"trace": {"id": "t1", "projectId": "p"}, "observations": [one(span) for span in spans]}]


CONTAINERS: dict[str, tuple[str, Callable[[Sequence[Span]], list[Any]]]] = {
    "otlp": ("otel", otlp),
    "tempo": ("otel", tempo),
    "tempo_v2": ("otel", tempo_v2),
    "jaeger": ("otel", jaeger),
    "printed": ("otel", printed),
    "observed": ("langfuse", observed),
}
"""Name → the format that reads it, and how spans are put into it."""
