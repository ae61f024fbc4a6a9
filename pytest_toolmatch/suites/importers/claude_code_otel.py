"""Claude Code's OpenTelemetry log events: prompts, requests and results of tools, without what the model said.

Calls have arguments there only where Claude Code ran with ``OTEL_LOG_TOOL_DETAILS=1``, prompts a text only with
``OTEL_LOG_USER_PROMPTS=1``, and long arguments are shortened. Its own session files lack none of this and are the
better source; what can't be imported from events is counted, and the reason said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.sample import Usage, outcome_of
from pytest_toolmatch.suites.importers.contents import dicts
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.files import Document, documents
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Skipped, Source
from pytest_toolmatch.suites.importers.traces.containers import keyed, moment
from pytest_toolmatch.suites.importers.traces.values import number

NAME = "claude-code-otel"
SUMMARY = "Claude Code's OpenTelemetry log events, where they hold arguments (OTEL_LOG_TOOL_DETAILS=1)"

_KINDS = ("user_prompt", "api_request", "tool_result")
_TOKENS = ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
_OWN = ("repl_main_thread", "sdk", "main")
"""How the sources of requests begin that belong to the prompt itself: all others ask for titles, summaries and such."""
_BETTER = "import the sessions below ~/.claude/projects, or log with"
_NO_ARGUMENTS = f"calls without arguments: {_BETTER} OTEL_LOG_TOOL_DETAILS=1"
_NO_PROMPT = f"a prompt without its text: {_BETTER} OTEL_LOG_USER_PROMPTS=1"


class _Event(msgspec.Struct, frozen=True):
    name: str
    held: dict[str, Any]
    time: int
    where: str
    label: str

    @property
    def prompt(self) -> tuple[str, str]:
        """Return the session and the prompt that it belongs to."""
        return str(self.held.get("session.id") or ""), str(self.held.get("prompt.id") or "")


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per prompt whose calls have arguments, in the order of the prompts."""
    del options
    prompts: dict[tuple[str, str], list[_Event]] = {}
    for item in documents(sources):
        if isinstance(item, Problem):
            yield item
            continue
        found = list(_events(item))
        for event in found:
            if event.name in _KINDS:
                prompts.setdefault(event.prompt, []).append(event)
        if not found and not _passed_over(item.data):
            yield Problem(item.where, "no log event of Claude Code")
    for events in prompts.values():
        for turn in _turns(sorted(events, key=_order)):
            yield from _run(turn)


def _turns(events: Sequence[_Event]) -> list[list[_Event]]:
    """Return the events of each prompt: earlier versions name only the session that they belong to."""
    turns: list[list[_Event]] = []
    for event in events:
        if event.name == "user_prompt" or not turns:
            turns.append([])
        turns[-1].append(event)
    return turns


def _passed_over(data: Any) -> bool:
    """Return whether a record is telemetry of another kind, such as metrics."""
    return isinstance(data, dict) and any(key in data for key in ("_type", "attrs", "resourceLogs", "resourceMetrics"))


def _order(event: _Event) -> tuple[int, int]:
    return event.time, number(event.held.get("event.sequence"))


def _events(item: Document) -> Iterator[_Event]:
    data = item.data if isinstance(item.data, dict) else {}
    if isinstance(data.get("attrs"), dict) and data.get("_type") != "metric":
        yield _event(data["attrs"], str(data.get("name") or ""), moment(data.get("ts")), item)
    for resource in dicts(data.get("resourceLogs")):
        for scope in dicts(resource.get("scopeLogs")):
            for record in dicts(scope.get("logRecords")):
                body = keyed([{"key": "body", "value": record.get("body")}])["body"]
                held = keyed(record.get("attributes"))
                yield _event(held, str(body), number(record.get("timeUnixNano")), item)


def _event(held: dict[str, Any], name: str, time: int, item: Document) -> _Event:
    named = str(held.get("event.name") or name).removeprefix("claude_code.")
    return _Event(named, held, time, item.where, item.source.label)


def _run(events: Sequence[_Event]) -> Iterator[Record]:
    """Yield the run of one prompt, or why there is none."""
    asked = next((event for event in events if event.name == "user_prompt"), None)
    calls = [event for event in events if event.name == "tool_result"]
    requests = [event for event in events if event.name == "api_request"]
    text = str(asked.held.get("prompt") or "") if asked else ""
    missing = sum("tool_input" not in call.held for call in calls)
    redacted = text in ("", "<REDACTED>")
    where = (asked or events[0]).where
    if redacted or missing:
        yield Skipped(where, "calls of events that do not tell enough", calls=len(calls))
        if not calls and not asked:
            return  # requests alone, as for titles and summaries
        what = _NO_PROMPT if redacted else _NO_ARGUMENTS
        yield Problem(where, what, f"prompts can't be imported: {what}")
        return
    chain, below = _chain(events)
    if below:
        yield Skipped(where, "calls of subagents", calls=below)
    yield Imported(
        case=Case(id=slug(text), conversation=user(text), where=where),
        model=events[0].label or _model(requests),
        outcome=outcome_of(chain),
        chain=chain,
        usage=_usage(requests),
        source=where,
        identity=f"{' '.join(events[0].prompt)} {events[0].time}",
    )


def _chain(events: Sequence[_Event]) -> tuple[Chain, int]:
    """Return the calls, those between two requests as one step, and how many more follow a subagent's request."""
    steps: list[list[Call]] = [[]]
    below, agent = 0, False
    for event in events:
        if event.name == "api_request":
            agent = str(event.held.get("query_source") or "").startswith("agent")
            steps.append([])
        elif event.name == "tool_result" and agent:
            below += 1
        elif event.name == "tool_result":
            steps[-1].append(Call(str(event.held.get("tool_name") or ""), parsed(event.held["tool_input"])))
    return tuple(tuple(step) for step in steps if step), below


def _model(requests: Sequence[_Event]) -> str:
    """Return the model of the first request that is the prompt's own, or of the first where none is known to be."""
    own = [one for one in requests if str(one.held.get("query_source") or _OWN[0]).startswith(_OWN)]
    return next((str(one.held.get("model")) for one in (*own, *requests)), "unknown")


def _usage(requests: Sequence[_Event]) -> Usage | None:
    given = sum(number(one.held.get(key)) for one in requests for key in _TOKENS)
    cached = sum(number(one.held.get("cache_read_tokens")) for one in requests)
    output = sum(number(one.held.get("output_tokens")) for one in requests)
    return Usage(input=given, cached=cached, output=output) if requests else None
