"""Containers: how spans lie in a file. Jaeger, Tempo, OTLP JSON and what SDKs print; nothing of their attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from pytest_toolmatch.suites.importers.contents import dicts
from pytest_toolmatch.suites.importers.files import Document
from pytest_toolmatch.suites.importers.source import Problem
from pytest_toolmatch.suites.importers.traces.span import Span

Read: TypeAlias = Iterator[Span | Problem]
Reader: TypeAlias = Callable[[dict[str, Any], Document], Read]

_UNKNOWN = "no trace: neither resourceSpans, batches, Jaeger's data nor a span"
_ERROR = 2
"""OTLP's status code of a span that failed."""


def spans_in(item: Document) -> Read:
    """Yield the spans of one JSON value, whatever holds them; a Problem where there are none to be found."""
    yield from read_value(item.data, item, CONTAINERS, _UNKNOWN)


def read_value(value: Any, item: Document, containers: Mapping[str, Reader], unknown: str) -> Read:
    """Read a value, or every item of a list, by the first key that names a container."""
    if isinstance(value, list):
        for entry in value:
            yield from read_value(entry, item, containers, unknown)
        return
    reader = next((containers[key] for key in containers if isinstance(value, dict) and key in value), None)
    if reader:
        yield from reader(value, item)
    else:
        yield Problem(item.where, unknown)


def _otlp(data: dict[str, Any], item: Document) -> Read:
    keys = ("resourceSpans", "resource_spans", "batches")
    scopes = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
    for resource in dicts(next((data[key] for key in keys if key in data), ())):
        for key in scopes:
            for scope in dicts(resource.get(key)):
                yield from _each(scope.get("spans"), _otlp_span, item)


def _each(spans: Any, reader: Callable[[dict[str, Any], Document], Span], item: Document) -> Read:
    """Read spans one by one; what is none is reported."""
    for place, entry in enumerate(spans if isinstance(spans, list) else ()):
        try:
            yield reader(entry, item)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            yield Problem(f"{item.where} spans[{place}]", f"not a span: {error!r}")


def _otlp_span(data: dict[str, Any], item: Document) -> Span:
    status = data.get("status") or {}
    failed = status.get("code") in (_ERROR, "STATUS_CODE_ERROR")
    return Span(
        trace=str(data.get("traceId") or data["trace_id"]),
        id=str(data.get("spanId") or data["span_id"]),
        parent=str(data.get("parentSpanId") or data.get("parent_span_id") or ""),
        name=str(data.get("name") or ""),
        start=_int(data.get("startTimeUnixNano") or data.get("start_time_unix_nano")),
        end=_int(data.get("endTimeUnixNano") or data.get("end_time_unix_nano")),
        attributes=keyed(data.get("attributes")),
        events=tuple((str(one.get("name")), keyed(one.get("attributes"))) for one in dicts(data.get("events"))),
        failure=str(status.get("message") or "failed") if failed else "",
        where=item.where,
        label=item.source.label,
    )


def keyed(attributes: Any) -> dict[str, Any]:
    """Return OTLP's list of ``{key, value: {stringValue}}`` as an object of plain values."""
    if isinstance(attributes, dict):
        return attributes
    return {str(one.get("key")): plain(one.get("value")) for one in dicts(attributes)}


def plain(value: Any) -> Any:
    """Return what one of OTLP's ``AnyValue`` stands for."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    [(kind, held)] = value.items()
    return _PLAIN[kind](held) if kind in _PLAIN else value


def _int(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0


_PLAIN: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "stringValue": str,
        "boolValue": bool,
        "intValue": _int,
        "doubleValue": lambda held: held,
        "bytesValue": lambda _: "[bytes]",
        "arrayValue": lambda held: [plain(one) for one in (held or {}).get("values", ())],
        "kvlistValue": lambda held: keyed((held or {}).get("values")),
    }
)


def _jaeger(data: dict[str, Any], item: Document) -> Read:
    traces = data["data"] if isinstance(data.get("data"), list) else [data]
    for trace in dicts(traces):
        yield from _each(trace.get("spans"), _jaeger_span, item)


def _jaeger_span(data: dict[str, Any], item: Document) -> Span:
    attributes = _tags(data.get("tags"))
    start = _int(data.get("startTime")) * 1000
    parents = [one for one in dicts(data.get("references")) if one.get("refType") == "CHILD_OF"]
    failed = attributes.get("error") or attributes.get("otel.status_code") == "ERROR"
    return Span(
        trace=str(data["traceID"]),
        id=str(data["spanID"]),
        parent=str(parents[0].get("spanID") if parents else data.get("parentSpanID") or ""),
        name=str(data.get("operationName") or ""),
        start=start,
        end=start + _int(data.get("duration")) * 1000,
        attributes=attributes,
        events=tuple(_logged(_tags(one.get("fields"))) for one in dicts(data.get("logs"))),
        failure=str(attributes.get("otel.status_description") or "failed") if failed else "",
        where=item.where,
        label=item.source.label,
    )


def _tags(tags: Any) -> dict[str, Any]:
    return {str(one.get("key")): one.get("value") for one in dicts(tags)}


def _logged(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return str(fields.pop("event", "")), fields


def _printed(data: dict[str, Any], item: Document) -> Read:
    yield from _each([data], _printed_span, item)


def _printed_span(data: dict[str, Any], item: Document) -> Span:
    """Read a span as the OpenTelemetry SDKs and Phoenix write it."""
    context, status = data["context"], data.get("status") or data.get("status_code") or {}
    code, message = (status.get("status_code"), status.get("description")) if isinstance(status, dict) else (status, "")
    return Span(
        trace=str(context["trace_id"]).removeprefix("0x"),
        id=str(context["span_id"]).removeprefix("0x"),
        parent=str(data.get("parent_id") or "").removeprefix("0x"),
        name=str(data.get("name") or ""),
        start=moment(data.get("start_time")),
        end=moment(data.get("end_time")),
        attributes=keyed(data.get("attributes")),
        events=tuple((str(one.get("name")), keyed(one.get("attributes"))) for one in dicts(data.get("events"))),
        failure=str(message or "failed") if code == "ERROR" else "",
        where=item.where,
        label=item.source.label,
    )


def moment(text: Any) -> int:
    """Return an ISO 8601 date as nanoseconds since the epoch; 0 where it is none."""
    try:
        date = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return 0
    known = date if date.tzinfo else date.replace(tzinfo=UTC)
    return round(known.timestamp() * 1_000_000) * 1000


def _wrapped(data: dict[str, Any], item: Document) -> Read:
    yield from read_value(data["trace"], item, CONTAINERS, _UNKNOWN)


def _no_spans(data: dict[str, Any], item: Document) -> Read:
    what = "log records" if "resourceLogs" in data else "metrics"
    yield Problem(item.where, f"{what}, no spans: give the traces of the same run", f"records are {what}, no spans")


CONTAINERS: Mapping[str, Reader] = MappingProxyType(
    {
        "resourceSpans": _otlp,
        "resource_spans": _otlp,
        "batches": _otlp,
        "trace": _wrapped,
        "data": _jaeger,
        "spans": _jaeger,
        "context": _printed,
        "resourceLogs": _no_spans,
        "resourceMetrics": _no_spans,
    }
)
"""Key of a JSON object → how to read the spans in it; the first that is there counts."""
