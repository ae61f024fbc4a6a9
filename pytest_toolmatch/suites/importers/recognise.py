"""Which format a file is of, by its first records: one test per importer, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from pytest_toolmatch.suites.importers.contents import dicts

Record: TypeAlias = dict[str, Any]

_SESSION_TYPES = (
    *("user", "assistant", "system", "summary", "progress", "attachment", "permission-mode", "last-prompt"),
    *("file-history-snapshot", "queue-operation", "agent-setting", "custom-title", "ai-title"),
)
_SESSION_KEYS = ("uuid", "parentUuid", "leafUuid", "sessionId", "messageId")
_OBSERVATIONS = ("GENERATION", "SPAN", "EVENT", "TOOL", "AGENT", "CHAIN")


def recognised(records: Iterable[Any]) -> str:
    """Return the format that most of the records are of, or the empty string; the first in the table of equals."""
    found = [one for one in records if isinstance(one, dict)]
    counts = {name: sum(map(test, found)) for name, test in RECOGNISERS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def _claude_code(record: Record) -> bool:
    return record.get("type") in _SESSION_TYPES and any(key in record for key in _SESSION_KEYS)


def _claude_code_otel(record: Record) -> bool:
    telemetry = record.get("_type") in ("log", "metric") and isinstance(record.get("attrs"), dict)
    return telemetry or ("resourceLogs" in record and "claude_code" in str(record["resourceLogs"]))


def _otel(record: Record) -> bool:
    if any(isinstance(record.get(key), list) for key in ("resourceSpans", "resource_spans", "batches")):
        return True
    if isinstance(record.get("trace"), dict) and _otel(record["trace"]):
        return True
    context = record.get("context")
    printed = isinstance(context, dict) and "span_id" in context
    return printed or ("traceID" in record and "spans" in record) or any(map(_otel, dicts(record.get("data"))))


def _langfuse(record: Record) -> bool:
    whole = isinstance(record.get("observations"), list) and ("trace" in record or "projectId" in record)
    begun = isinstance(record.get("trace"), dict) and "projectId" in record["trace"]
    alone = record.get("type") in _OBSERVATIONS and ("traceId" in record or "trace_id" in record)
    return whole or begun or alone


def _tau2(record: Record) -> bool:
    info = record.get("info")
    native = "simulations" in record or (isinstance(info, dict) and "environment_info" in info)
    return native or "task_results" in record or ("task_id" in record and "messages" in record)


def _tau_bench(record: Record) -> bool:
    return "task_id" in record and "traj" in record


def _react(record: Record) -> bool:
    return "question" in record and any("steps" in run for run in dicts(record.get("runs")))


def _bfcl(record: Record) -> bool:
    parameters = record.get("parameters")
    if isinstance(parameters, dict) and parameters.get("type") == "dict":
        return True
    question = "question" in record and any(key in record for key in ("function", "involved_classes"))
    return question or "ground_truth" in record or ("result" in record and ("id" in record or "idx" in record))


def _codex(record: Record) -> bool:
    kinds = ("session_meta", "turn_context", "response_item", "event_msg", "compacted")
    return record.get("type") in kinds and isinstance(record.get("payload"), dict)


def _gemini_cli(record: Record) -> bool:
    whole = "sessionId" in record and ("projectHash" in record or any(map(_gemini_cli, dicts(record.get("messages")))))
    changed = "$set" in record or "$rewindTo" in record
    return whole or changed or (record.get("type") == "gemini" and "id" in record)


def _inspect_ai(record: Record) -> bool:
    told = record.get("eval")
    unpacked = "epoch" in record and "messages" in record
    return unpacked or (isinstance(told, dict) and ("task" in told or "run_id" in told))


def _requests(record: Record) -> bool:
    pairs = (("request", "response"), ("request_body", "response_body"), ("requestBody", "responseBody"))
    beside = "response" in record and any(key in record for key in ("messages", "input", "contents"))
    return beside or any(one in record and other in record for one, other in pairs) or "interactions" in record


def _bashkit(record: Record) -> bool:
    return "model" in record and any("task" in one and "trace" in one for one in dicts(record.get("results")))


def _tool_calling_benchmark(record: Record) -> bool:
    return ("model_name" in record and "runs" in record) or ("prompts" in record and "tools" in record)


RECOGNISERS: Mapping[str, Callable[[Record], bool]] = MappingProxyType(
    {
        "bashkit": _bashkit,
        "bfcl": _bfcl,
        "claude-code": _claude_code,
        "claude-code-otel": _claude_code_otel,
        "codex": _codex,
        "gemini-cli": _gemini_cli,
        "inspect-ai": _inspect_ai,
        "langfuse": _langfuse,
        "otel": _otel,
        "react": _react,
        "requests": _requests,
        "tau-bench": _tau_bench,
        "tau2": _tau2,
        "tool-calling-benchmark": _tool_calling_benchmark,
    }
)
"""Format → whether a record is of it. Every format but ``auto`` has a line; the narrower test comes first."""
