from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call, names_of
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.suites.importers.source import Imported
from tests.suites.importers.tracing import (
    BOTH,
    DIALECTS,
    DONE,
    EXCHANGES,
    FACTS,
    FREE,
    QUERY,
    SECOND,
    START,
    SYSTEM,
    Span,
    conversation,
    openai,
    parts,
    said,
    structured,
)
from tests.suites.importers.tracing_containers import CONTAINERS, otlp, otlp_span
from tests.suites.importers.writing import Logs, Read

BY_EVENTS = ("events", "on_event")
PAIRS = [
    pytest.param(container, dialect, id=f"{container}-{dialect}")
    for container in CONTAINERS
    for dialect in DIALECTS
    if (container, dialect) not in {("observed", one) for one in BY_EVENTS}  # observations have no events
]
FIRST = (
    (Call("find_seat", {"row": 1}), Call("find_seat", {"row": 2})),
    (Call("book", {"seats": ["1A", "2B"]}),),
)
SECOND_PROMPT = ((Call("find_seat", {"row": 3}),),)


def read(logs: Logs, container: str, spans: list[Span], **options: Any) -> Read:
    form, put = CONTAINERS[container]
    logs.lines("log.jsonl", *put(spans))
    return logs.read(form, **options)


@pytest.mark.parametrize(("container", "dialect"), PAIRS)
def test_every_dialect_is_read_from_every_container(logs: Logs, container: str, dialect: str) -> None:
    found = read(logs, container, conversation(dialect), replies=True)
    first, second = found.runs
    assert (first.chain, second.chain) == (FIRST, SECOND_PROMPT)
    assert [(one.role, one.content) for one in first.case.conversation] == [("user", "Two seats, please.")]
    assert (first.text, first.outcome, first.model) == ("1A and 2B are yours.", "called", "made-up-1")
    assert (first.instructions, first.usage, first.latency) == ("You seat guests.", Usage(input=30, output=6), 3.0)
    assert [tool.name for tool in first.case.tools or ()] == ["find_seat"]
    assert (first.case.tools or ())[0].parameters == {
        "type": "object",
        "properties": {"row": {"type": "integer"}},
        "required": ["row"],
    }
    assert [len(texts) for texts in first.replies] == [2, 1]
    assert second.case.query == "And one more."
    assert [one.role for one in second.case.conversation] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert found.problems == []


def shape(run: Imported) -> Any:
    """Return all of a run but its place in the file."""
    return run.case.id, run.case.conversation, run.case.tools, run.model, run.chain, run.text, run.usage, run.replies


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spans_in_any_order_give_the_same_suite(tmp_path: Path, data: st.DataObject) -> None:
    container = data.draw(st.sampled_from([*CONTAINERS]))
    dialect = data.draw(st.sampled_from(["indexed", "openinference", "structured", "langfuse"]))
    spans = conversation(dialect) + [
        one._replace(trace="t2", start=one.start + 5, id=f"x{one.id}", parent=one.parent and f"x{one.parent}")
        for one in conversation(dialect, EXCHANGES[:3])
    ]
    shuffled = data.draw(st.permutations(spans))
    logs = Logs(tmp_path)
    one, other = (list(map(shape, read(logs, container, order, replies=True).runs)) for order in (spans, shuffled))
    assert one == other
    assert len(one) == 3


@given(st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_call_is_accounted_for_whatever_spans_are_lost(tmp_path: Path, data: st.DataObject) -> None:
    dialect = data.draw(st.sampled_from(["indexed", "structured", "events"]))
    spans = data.draw(st.lists(st.sampled_from(conversation(dialect)), unique_by=lambda one: one.id, min_size=1))
    found = read(Logs(tmp_path), "otlp", spans)
    calls = sum(len(EXCHANGES[int(one.id[1])][1]["calls"]) for one in spans if one.id.startswith("m"))
    assert sum(len(names_of(run.chain)) for run in found.runs) + sum(found.skipped.values()) == calls


def model(place: int, asked: list[Any], answer: Any, **fields: Any) -> Span:
    attributes, found = structured(asked, answer)
    start = START + 10 * place * SECOND
    given = {"id": f"m{place}", "start": start, "end": start + SECOND, "attributes": attributes, "events": found}
    return Span(**(given | fields))


def tool(place: int, name: str, key: str = "", parent: str = "", **held: Any) -> Span:
    start = START + 10 * place * SECOND + 2 * SECOND
    named = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.id": key} | held
    return Span(f"e{place}{name}", parent, f"execute_tool {name}", start, start + SECOND, named)


def test_spans_may_stand_in_several_files(logs: Logs) -> None:
    for place, line in enumerate(otlp(conversation("indexed"))):
        logs.packed(f"{place}.json.gz", line)
    assert [run.chain for run in logs.read("otel").runs] == [FIRST, SECOND_PROMPT]
    assert len(logs.read("otel", turns="first").runs) == 1
    assert logs.read("otel", turns="first").skipped == {"calls after the first prompt": 1}


def test_the_same_file_twice_counts_once(logs: Logs) -> None:
    path = logs.lines("a.jsonl", *otlp(conversation("indexed")))
    assert len(logs.read("otel", path, path).runs) == 2


def test_one_session_over_several_traces_is_one_conversation(logs: Logs) -> None:
    spans = [
        one._replace(trace=f"t{place}", parent="", attributes=one.attributes | {"gen_ai.conversation.id": "s"})
        for place, one in enumerate(conversation("structured"))
        if one.id.startswith("m")
    ]
    first, second = read(logs, "otlp", spans).runs
    assert (first.chain, second.chain) == (FIRST, SECOND_PROMPT)


def test_an_enclosing_span_that_tells_the_same_counts_once(logs: Logs) -> None:
    inner = model(0, [SYSTEM, QUERY], BOTH, parent="o")
    outer = model(0, [SYSTEM, QUERY], BOTH, id="o")
    found = read(logs, "otlp", [outer, inner])
    assert [names_of(run.chain) for run in found.runs] == [["find_seat", "find_seat"]]
    assert found.skipped == {"calls that an enclosing span repeats": 2}


def test_an_agent_that_is_asked_by_a_tool_is_a_run_of_its_own(logs: Logs) -> None:
    asking = said("assistant", "", ("c1", "ask_chef", {"about": "soup"}))
    below = said("user", "What soup is there?")
    spans = [
        model(0, [SYSTEM, QUERY], asking),
        tool(0, "ask_chef", "c1", parent="m0"),
        model(1, [said("system", "You cook."), below], said("assistant", "Leek."), parent="e0ask_chef"),
        model(2, [SYSTEM, QUERY, asking, said("tool", "Leek.", id="c1")], said("assistant", "There is leek soup.")),
    ]
    found = read(logs, "otlp", spans)
    assert [(run.case.query, names_of(run.chain), run.text) for run in found.runs] == [
        ("Two seats, please.", ["ask_chef"], "There is leek soup."),
        ("What soup is there?", [], "Leek."),
    ]
    assert found.problems == []


def test_two_draws_in_one_trace_stay_two(logs: Logs) -> None:
    other = said("assistant", "", ("d1", "find_seat", {"row": 1}), ("d2", "find_seat", {"row": 2}))
    told = [said("tool", "taken", id="d1"), said("tool", "taken", id="d2")]
    spans = [
        model(0, [SYSTEM, QUERY], BOTH),
        model(1, [SYSTEM, QUERY], other),
        model(2, [SYSTEM, QUERY, BOTH, *FREE], said("assistant", "free")),
        model(3, [SYSTEM, QUERY, other, *told], said("assistant", "taken")),
    ]
    runs = read(logs, "otlp", spans).runs
    assert [(len(names_of(run.chain)), run.text) for run in runs] == [(2, "free"), (2, "taken")]
    assert runs[0].case.id == runs[1].case.id


def test_a_request_that_failed_and_was_repeated_is_one_run(logs: Logs) -> None:
    silent = said("assistant", "")
    spans = [model(0, [SYSTEM, QUERY], silent, failed="overloaded"), model(1, [SYSTEM, QUERY], BOTH)]
    [run] = read(logs, "otlp", spans).runs
    assert (run.outcome, names_of(run.chain)) == ("called", ["find_seat", "find_seat"])
    [run] = read(logs, "otlp", spans[:1]).runs
    assert (run.outcome, run.error, run.chain) == ("infrastructure", "overloaded", ())


def test_an_answer_that_was_not_logged_is_taken_from_the_next_request(logs: Logs) -> None:
    silent = [model(0, [SYSTEM, QUERY], BOTH), model(1, [SYSTEM, QUERY, BOTH, *FREE], DONE)]
    del silent[0].attributes["gen_ai.output.messages"]
    [run] = read(logs, "otlp", silent, replies=True).runs
    assert (run.chain, run.text, run.replies) == (FIRST[:1], "1A and 2B are yours.", (("1A is free", "2B is free"),))
    del silent[1].attributes["gen_ai.output.messages"]
    found = read(logs, "otlp", silent)
    assert [(run.chain, run.outcome) for run in found.runs] == [(FIRST[:1], "infrastructure")]
    assert "the last answer was not logged" in found.problems[0]


@pytest.mark.parametrize("kind", ["EMBEDDING", "RETRIEVER", "CHAIN"])
def test_what_is_no_request_to_a_chat_model_is_passed_over(logs: Logs, kind: str) -> None:
    held = {"openinference.span.kind": kind, "llm.model_name": "e", "input.value": "Seats", "output.value": "[0.1]"}
    found = read(logs, "otlp", [model(0, [SYSTEM, QUERY], BOTH), Span("v", attributes=held)])
    assert [run.case.query for run in found.runs] == ["Two seats, please."]
    assert found.problems == []


@pytest.mark.parametrize(
    ("finish", "outcome"), [("length", "truncated"), ("content_filter", "refused"), ("stop", "called")]
)
def test_why_an_answer_ended_decides_the_outcome(logs: Logs, finish: str, outcome: str) -> None:
    span = model(0, [SYSTEM, QUERY], BOTH)
    span.attributes["gen_ai.response.finish_reasons"] = [finish]
    [run] = read(logs, "otlp", [span]).runs
    assert run.outcome == outcome


def test_calls_that_only_the_spans_of_tools_tell_of(logs: Logs) -> None:
    agent = FACTS | {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": json.dumps([parts(QUERY)]),
        "gen_ai.output.messages": json.dumps([parts(said("assistant", "Done."))]),
    }
    arguments = {"gen_ai.tool.call.arguments": '{"row": 1}', "gen_ai.tool.call.result": "1A"}
    spans = [
        Span("a", attributes=agent, end=START + 90 * SECOND),
        tool(0, "find_seat", "c1", "a", **arguments),
        tool(0, "look", "c2", "a", **{"gen_ai.tool.call.arguments": "{}"}),
        tool(1, "book", "c3", "a", **{"gen_ai.tool.call.arguments": '{"seat": "1A"}'}),
    ]
    found = read(logs, "otlp", spans, replies=True)
    [run] = found.runs
    assert [names_of((step,)) for step in run.chain] == [["find_seat", "look"], ["book"]]
    assert run.chain[0][0].arguments == {"row": 1}
    assert run.replies == (("1A", ""), ("",))
    assert "told by their times" in found.problems[0]


def test_a_run_of_a_tool_that_no_answer_asked_for_is_reported(logs: Logs) -> None:
    found = read(logs, "otlp", [model(0, [SYSTEM, QUERY], BOTH), tool(0, "find_seat", "c1"), tool(0, "ghost", "c9")])
    assert found.skipped == {"calls known from the span of their tool alone": 1}
    assert "a run of ghost that no logged answer" in found.problems[0]


def test_traces_that_hold_nothing_to_import_are_said_to(logs: Logs) -> None:
    bare = Span("b", trace="plain", attributes={"http.method": "GET"})
    mute = Span("c", trace="mute", attributes=FACTS)
    ran = tool(0, "find_seat")._replace(trace="mute")
    found = read(logs, "otlp", [bare, mute, ran, model(0, [SYSTEM, QUERY], BOTH)])
    assert len(found.runs) == 1
    assert sorted(problem.partition(": ")[2][:27] for problem in found.problems) == [
        "no messages in its spans: l",
        "no request to a model in th",
    ]
    assert found.skipped == {"calls known from the span of their tool alone": 1}


def test_a_run_without_any_tool_is_imported_and_said_to_be_one(logs: Logs) -> None:
    span = model(0, [QUERY], said("assistant", "No."))
    del span.attributes["gen_ai.tool.definitions"]
    found = read(logs, "otlp", [span])
    assert [(run.outcome, run.case.tools) for run in found.runs] == [("answered", None)]
    assert "no tool is offered or called here" in found.problems[0]


@pytest.mark.parametrize("endless", [float("inf"), float("nan")])
def test_numbers_that_are_none_count_nothing(logs: Logs, endless: float) -> None:
    spans = [one | {"startTimeUnixNano": endless} for one in map(otlp_span, conversation("structured"))]
    for one in spans:
        one["attributes"].append({"key": "gen_ai.usage.input_tokens", "value": {"doubleValue": endless}})
    logs.lines("a.jsonl", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    runs = logs.read("otel").runs
    assert runs
    assert all(run.usage and run.usage.input == 0 for run in runs)


def test_parents_in_a_circle_end_nothing(logs: Logs) -> None:
    spans = [model(0, [SYSTEM, QUERY], BOTH, parent="x"), Span("x", "y"), Span("y", "m0"), Span("z", "z")]
    found = read(logs, "otlp", spans)
    assert len([problem for problem in found.problems if "its own ancestor" in problem]) == 1
    assert sum(len(names_of(run.chain)) for run in found.runs) + sum(found.skipped.values()) == 2


BROKEN: list[tuple[bytes, str]] = [
    (b"\xff\xfe{\x00}\x00\n", "binary data"),
    (b'{"resourceSpans": [\xe9]}\n', "not UTF-8"),
    (b'{"resourceSpans": [{"scop', "cut off"),
    (b'{"resourceLogs": []}\n', "log records, no spans"),
    (b'{"hello": 1}\n', "no trace"),
    (b'{"batches": [{"scopeSpans": [{"spans": [{"name": "x"}, 7]}]}]}\n', "not a span"),
    (b'{"data": [{"spans": [{"operationName": "x"}]}]}\n', "not a span"),
    (b'{"context": 3}\n', "not a span"),
]


@pytest.mark.parametrize(("line", "what"), BROKEN)
def test_what_is_no_span_is_named_and_the_rest_comes_through(logs: Logs, line: bytes, what: str) -> None:
    path = logs.lines("a.jsonl", *otlp(conversation("indexed")), broken=line)
    found = logs.read("otel")
    assert len(found.runs) == 2
    assert what in found.problems[0]
    assert f"{path}:{len(conversation('indexed')) + 1}" in found.problems[0]


@pytest.mark.parametrize("document", [{"observations": [{"type": "SPAN"}, 3]}, {"traceId": "t"}, {"x": 1}, 7])
def test_what_is_no_observation_is_named(logs: Logs, document: Any) -> None:
    logs.lines("a.jsonl", document)
    found = logs.read("langfuse")
    assert found.runs == []
    assert found.problems


def test_a_tool_that_is_none_is_named_and_the_others_are_offered(logs: Logs) -> None:
    span = model(0, [SYSTEM, QUERY], BOTH)
    tools = [{"name": "find_seat", "parameters": {"type": "object"}}, {"name": "bad", "parameters": {"type": 7}}]
    span.attributes["gen_ai.tool.definitions"] = json.dumps(tools)
    found = read(logs, "otlp", [span])
    assert [tool.name for tool in found.runs[0].case.tools or ()] == ["find_seat"]
    assert "can't be offered" in found.problems[0]


def test_pictures_and_blobs_are_only_named(logs: Logs) -> None:
    content = [{"type": "text", "content": "What is this?"}, {"type": "blob", "data": "AAAA" * 1000}]
    span = model(0, [QUERY], BOTH)
    span.attributes["gen_ai.input.messages"] = json.dumps([{"role": "user", "parts": content}])
    [run] = read(logs, "otlp", [span]).runs
    assert run.case.query == "What is this?\n[blob]"


def test_choices_that_were_not_taken_are_counted(logs: Logs) -> None:
    span = model(0, [QUERY], BOTH)
    other = said("assistant", "", ("o", "book", {}))
    span.attributes["gen_ai.output.messages"] = json.dumps([parts(BOTH), parts(other)])
    span.attributes["gen_ai.request.choice.count"] = 2
    found = read(logs, "otlp", [span])
    assert names_of(found.runs[0].chain) == ["find_seat", "find_seat"]
    assert found.skipped == {"calls of choices that were not taken": 1}
    del span.attributes["gen_ai.request.choice.count"]
    assert names_of(read(logs, "otlp", [span]).runs[0].chain) == ["find_seat", "find_seat", "book"]


def test_choices_of_a_raw_response_are_choices(logs: Logs) -> None:
    answers = [{"index": at, "message": openai(answer)} for at, answer in enumerate((BOTH, BOTH))]
    attributes, _ = DIALECTS["langfuse"]([QUERY], BOTH)
    output = {"langfuse.observation.output": json.dumps({"choices": answers})}
    found = read(logs, "observed", [Span("m", attributes=attributes | output)])
    assert names_of(found.runs[0].chain) == ["find_seat", "find_seat"]
    assert found.skipped == {"calls of choices that were not taken": 2}


def test_a_label_names_the_model(logs: Logs) -> None:
    path = logs.lines("a.jsonl", *otlp(conversation("indexed")))
    assert {run.model for run in logs.read("otel", f"mine={path}").runs} == {"mine"}
