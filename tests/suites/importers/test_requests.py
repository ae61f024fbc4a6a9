from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call, Chain, calls_of
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers import joining, wire_chat, wire_google
from pytest_toolmatch.suites.importers.assemble import assemble
from pytest_toolmatch.suites.importers.source import Imported, Options
from pytest_toolmatch.suites.importers.wire import Answered, Asked
from pytest_toolmatch.suites.importers.wire_stream import whole
from tests.suites.importers.wires import WIRES, Talk, Wire
from tests.suites.importers.writing import Logs

ROME = Call("weather", {"city": "Rome"})
OSLO = Call("weather", {"city": "Oslo"})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool(name="weather", description="Weather.", parameters=SCHEMA)
TALK: Talk = (("Where is it warmer?", (((ROME, OSLO), ("20", "5")), ((ROME,), ("21",))), "In Rome."),)


@pytest.fixture(params=WIRES, ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    found: Wire = request.param
    return found


def test_requests_that_add_replies_are_one_chain(logs: Logs, wire: Wire) -> None:
    path = logs.lines("a.jsonl", *wire.log(TALK, instructions="Be brief."))
    [run] = logs.read("requests", replies=True).runs
    assert run.chain == ((ROME, OSLO), (ROME,))
    assert run.replies == (("20", "5"), ("21",))
    assert (run.case.conversation, run.case.tools) == (user("Where is it warmer?"), (WEATHER,))
    assert (run.instructions, run.text, run.outcome) == ("Be brief.", "In Rome.", "called")
    assert (run.model, run.source) == ("big-1", f"{path}:1")
    assert run.usage == Usage(input=30, output=6, cache_write=9 if wire.name == "messages" else 0)


def test_the_next_prompt_is_the_next_case(logs: Logs, wire: Wire) -> None:
    logs.lines("a.jsonl", *wire.log((*TALK, ("And now?", (), "Still in Rome."))))
    first, second = logs.read("requests").runs
    assert second.case.conversation == (
        *first.case.conversation,
        Message("assistant", "", (ROME, OSLO)),
        Message("tool", "20", name="weather"),
        Message("tool", "5", name="weather"),
        Message("assistant", "", (ROME,)),
        Message("tool", "21", name="weather"),
        Message("assistant", "In Rome."),
        Message("user", "And now?"),
    )
    assert (second.chain, second.outcome, second.text) == ((), "answered", "Still in Rome.")


calls = st.builds(
    Call, st.sampled_from(["weather", "map"]), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), max_size=2)
)
words = st.text("abc ä\n", min_size=1, max_size=6).filter(str.strip)
steps = st.lists(calls, min_size=1, max_size=3).flatmap(
    lambda made: st.tuples(st.just(tuple(made)), st.lists(words, min_size=len(made), max_size=len(made)).map(tuple))
)
talks = st.lists(st.tuples(words, st.lists(steps, max_size=3).map(tuple), words), min_size=1, max_size=3).map(tuple)


def chains(talk: Talk) -> list[Chain]:
    return [tuple(made for made, _ in turn) for _, turn, _ in talk]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mixed_conversations_of_any_wire_come_apart_again(logs: Logs, data: st.DataObject) -> None:
    """Every conversation is logged in its order, those of others between; each turn is found as one run."""
    told = data.draw(st.lists(st.tuples(st.sampled_from(WIRES), talks), min_size=1, max_size=3))
    queues = [
        wire.log(((f"{number}: {talk[0][0]}", *talk[0][1:]), *talk[1:])) for number, (wire, talk) in enumerate(told)
    ]
    mixed = []
    while waiting := [queue for queue in queues if queue]:
        mixed.append(data.draw(st.sampled_from(waiting)).pop(0))
    logs.lines("a.jsonl", *mixed)
    read = logs.read("requests")
    assert read.problems == []
    expected = [chain for _, talk in told for chain in chains(talk)]
    assert Counter(map(repr, (run.chain for run in read.runs))) == Counter(map(repr, expected))
    assert Counter(run.text for run in read.runs) == Counter(text for _, talk in told for *_, text in talk)


def test_answers_that_share_an_id_are_runs_of_their_own_cases(logs: Logs) -> None:
    asked = [("Warm?", (((ROME,), ("20",)),), "Yes."), ("Warmer?", (((ROME, OSLO), ("20", "5")),), "In Rome.")]
    lines = [WIRES[0].log((turn,))[0] for turn in asked]
    logs.lines("a.jsonl", *(line | {"response": line["response"] | {"id": "chatcmpl-637"}} for line in lines))
    assembly = assemble("mine", logs.read("requests").records)
    [suite] = assembly.suites
    assert [case.query for case in suite.cases] == ["Warm?", "Warmer?"]
    assert [sample.chain for sample in suite.samples["big-1"]] == [((ROME,),), ((ROME, OSLO),)]
    assert "runs found twice" not in assembly.counts


def spoken(model: str, *steps: tuple[Call, ...], text: str) -> list[dict[str, Any]]:
    """Return what a model is asked and answers in one turn, as it and its gateway log it."""
    made = tuple((step, tuple("20" for _ in step)) for step in steps)
    lines = WIRES[0].log((("Where is it warmer?", made, text),))
    for line in lines:
        line["request"]["model"] = line["response"]["model"] = model
    return lines


def test_models_that_make_the_same_call_keep_their_own_chains(logs: Logs) -> None:
    a, b = spoken("a", (ROME,), (OSLO,), text="In Rome."), spoken("b", (ROME,), text="No idea.")
    logs.lines("a.jsonl", a[0], b[0], b[1], a[1], a[2])
    runs = {run.model: (run.chain, run.text) for run in logs.read("requests").runs}
    assert runs == {"a": (((ROME,), (OSLO,)), "In Rome."), "b": (((ROME,),), "No idea.")}


def test_a_turn_that_another_model_takes_over_is_one_run(logs: Logs) -> None:
    first, last = spoken("a", (ROME,), text="In Rome.")
    last["request"]["model"] = last["response"]["model"] = "b"
    logs.lines("a.jsonl", first, last)
    assert [(run.model, run.text) for run in logs.read("requests").runs] == [("a", "In Rome.")]


def test_logs_with_labels_go_on_with_none_of_each_others_chains(logs: Logs) -> None:
    first, last = spoken("m", (ROME,), text="In Rome.")
    sources = [f"A={logs.lines('a.jsonl', first)}", f"B={logs.lines('b.jsonl', last)}"]
    runs = {run.model: (run.chain, run.text) for run in logs.read("requests", *sources).runs}
    assert runs == {"A": (((ROME,),), ""), "B": ((), "In Rome.")}


def test_memory_is_bounded_and_no_call_is_lost(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "WAITING", 3)
    wire = WIRES[0]
    firsts = [wire.log(((f"Ask {number}", TALK[0][1], "."),))[:1] for number in range(10)]
    logs.lines("a.jsonl", *(one for first in firsts for one in first), *wire.log(TALK))
    runs = logs.read("requests").runs
    assert [len(calls_of(run.chain)) for run in runs].count(2) == 10
    assert sum(len(calls_of(run.chain)) for run in runs) == 23


@given(asked=st.lists(st.sampled_from("ab"), min_size=1, max_size=12), waiting=st.integers(1, 4))
def test_of_chains_that_wait_the_oldest_is_closed_whatever_was_asked(asked: list[str], waiting: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "WAITING", waiting)
        joiner = joining.Joiner(Options())
        for number, query in enumerate(asked):
            exchange = joining.Exchange(
                asked=Asked(messages=[Message("user", query)]),
                answered=Answered(message=Message("assistant", calls=(ROME,))),
                tools=(WEATHER,),
                where=str(number),
            )
            ended = [run.source for run in joiner.add(exchange) if isinstance(run, Imported)]
            assert ended == [str(number - waiting)] * (number >= waiting)
        left = [run.source for run in joiner.rest() if isinstance(run, Imported)]
    assert left == [str(number) for number in range(len(asked))][-waiting:]


def test_a_response_that_is_gone_on_from_by_its_id(logs: Logs) -> None:
    responses = next(wire for wire in WIRES if wire.name == "responses")
    first, second, third = responses.log(TALK)
    for later, before, items in ((second, first, 2), (third, second, 1)):
        later["request"] |= {
            "previous_response_id": before["response"]["id"],
            "input": later["request"]["input"][-items:],
        }
    lost = json.loads(json.dumps(second))
    lost["request"]["previous_response_id"] = "resp_other"
    path = logs.lines("a.jsonl", first, second, lost, third)
    read = logs.read("requests", replies=True)
    assert [(run.chain, run.replies) for run in read.runs] == [(((ROME, OSLO), (ROME,)), (("20", "5"), ("21",)))]
    what = "goes on from response resp_other, which is not in the log: left out, with calls: 1"
    assert read.problems == [f"{path}:3: {what}"]


def test_an_id_that_is_given_again_and_again(logs: Logs) -> None:
    lines = WIRES[0].log(TALK)
    text = json.dumps(lines).replace("call_2", "call_0")
    logs.lines("a.jsonl", *json.loads(text))
    [run] = logs.read("requests", replies=True).runs
    assert run.replies == (("20", "5"), ("21",))


def test_the_bodies_may_be_wrapped_or_text(logs: Logs, wire: Wire) -> None:
    plain = wire.log(TALK)
    wrapped = [
        {
            "request": {"url": "x", "body": json.dumps(one["request"])},
            "response": {"status": 200, "body": one["response"]},
        }
        for one in plain
    ]
    logs.lines("a.jsonl", *wrapped)
    logs.document("b.json", [{"request_body": one["request"], "response_body": one["response"]} for one in plain])
    beside = {"model_parameters": {"tools": WIRES[0].log(TALK)[0]["request"]["tools"]}, "metadata": {"user": "x"}}
    chat = WIRES[0].log(TALK)[0]
    logs.lines("d.jsonl", {"messages": chat["request"]["messages"], "response": chat["response"]} | beside)
    body = gzip.compress(json.dumps(plain[0]["response"]).encode())
    tape = {
        "request": {"body": json.dumps(plain[0]["request"])},
        "response": {"body": {"string": body}, "status": {"code": 200}},
    }
    logs.raw("c.yaml", yaml.safe_dump({"interactions": [tape], "version": 1}).encode())
    runs = logs.read("requests").runs
    assert [len(run.chain) for run in runs] == [2, 2, 1, 1]
    assert all(run.case.tools == (WEATHER,) for run in runs)


CHAT = WIRES[0].log(TALK)[0]


def test_cassettes_are_read_without_libyaml(logs: Logs) -> None:
    path = logs.raw("c.yaml", yaml.safe_dump({"interactions": [CHAT]}).encode())
    program = f"""
import yaml; del yaml.CSafeLoader
from pytest_toolmatch.suites.importers.requests import _cassette
from pathlib import Path
print(len(list(_cassette(Path({str(path)!r}))).pop()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2\n", "")


@pytest.mark.parametrize(
    ("response", "what"),
    [
        ({"error": {"message": "overloaded"}}, "the response is an error: overloaded"),
        ({"type": "error", "error": {"type": "x", "message": "too long"}}, "the response is an error: too long"),
        ({"status_code": 503, "body": "busy"}, "the response is an error: status 503"),
        ("<html>", "the response has no JSON body"),
        ("data: {\n\n", "a streamed response without its end"),
        ([{"type": "error", "error": {"message": "overloaded"}}], "the response is an error: overloaded"),
        (None, "the response has no JSON body"),
        ({"object": "list", "data": []}, "the response is in no form of OpenAI's, Anthropic's or Google's"),
        ({"choices": []}, "the response is in no form of OpenAI's, Anthropic's or Google's"),
        ({"output": [], "status": "in_progress"}, "the response is in no form of OpenAI's, Anthropic's or Google's"),
        ({"content": []}, "offers no tool: left out"),
    ],
)
def test_what_is_no_answer_is_named(logs: Logs, response: Any, what: str) -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    path = logs.lines("a.jsonl", {"request": request, "response": response}, CHAT)
    read = logs.read("requests")
    assert read.problems == [f"{path}:1: {what}"]
    assert len(read.runs) == 1


def deltas(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a Chat response in pieces of three characters."""
    said = response["choices"][0]["message"]
    calls = said.get("tool_calls") or []
    parts: list[dict[str, Any]] = [{"content": piece} for piece in pieces(said["content"] or "")]
    for index, call in enumerate(calls):
        parts.append({"tool_calls": [call | {"index": index, "function": call["function"] | {"arguments": ""}}]})
        written = pieces(call["function"]["arguments"])
        parts += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in written]
    chunks = [{"id": response["id"], "model": "big-1", "choices": [{"delta": part}]} for part in parts]
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    return [*chunks, end, {"choices": [], "usage": response["usage"]}]


def pieces(text: str) -> list[str]:
    return [text[start : start + 3] for start in range(0, len(text), 3)]


def blocks(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a Messages response as its events."""
    start = {"type": "message_start", "message": response | {"content": [], "stop_reason": None}}
    events: list[dict[str, Any]] = [start, {"type": "ping"}]
    for index, block in enumerate(response["content"]):
        empty = block | ({"text": ""} if "text" in block else {"input": {}})
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        key, whole = ("text", block["text"]) if "text" in block else ("partial_json", json.dumps(block["input"]))
        for piece in pieces(whole):
            delta = {"type": "input_json_delta", key: piece}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    return [*events, end, {"type": "message_stop"}]


def created(response: dict[str, Any]) -> list[dict[str, Any]]:
    first = {"type": "response.created", "response": response | {"status": "in_progress", "output": []}}
    return [
        first,
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.completed", "response": response},
    ]


def candidates(response: dict[str, Any]) -> list[dict[str, Any]]:
    parts = response["candidates"][0]["content"]["parts"]
    chunks: list[dict[str, Any]] = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    return [*chunks, response | {"candidates": [{"finishReason": "STOP"}]}]


STREAMS = {"chat": deltas, "messages": blocks, "responses": created, "google": candidates}


@pytest.mark.parametrize("as_text", [True, False])
def test_streamed_responses_are_put_together(logs: Logs, wire: Wire, *, as_text: bool) -> None:
    whole = wire.log(TALK)
    streamed, cut = [], []
    for one in whole:
        chunks = STREAMS[wire.name](one["response"])
        text = "".join(f"event: x\ndata: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n"
        streamed.append(one | {"response": {"status": 200, "body": text} if as_text else chunks})
        cut.append(one | {"response": chunks[:1]})
    found = [logs.read("requests", logs.lines("a.jsonl", *lines)).runs for lines in (whole, streamed)]
    assert [(run.chain, run.text, run.usage, run.identity) for run in found[0]] == [
        (run.chain, run.text, run.usage, run.identity) for run in found[1]
    ]
    problems = logs.read("requests", logs.lines("a.jsonl", *cut)).problems
    assert [problem.partition(": ")[2] for problem in problems] == ["a streamed response without its end"] * 3


def streamed(*parts: dict[str, Any]) -> Answered:
    """Return what a stream of these deltas comes to."""
    chunks = [{"choices": [{"delta": part}]} for part in parts]
    found = wire_chat.answered(whole([*chunks, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]) or {})
    assert found
    return found


def piece(key: str, name: str | None, written: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "id": key, "function": {"name": name, "arguments": written}}]}


@given(st.lists(calls, max_size=3), st.booleans())
def test_streamed_calls_that_share_an_index_are_told_apart_by_their_ids(made: list[Call], repeated: bool) -> None:
    parts = []
    for number, call in enumerate(made):
        first, *others = pieces(json.dumps(call.arguments))
        parts += [piece(f"c{number}", call.name, first)]
        parts += [piece(f"c{number}" if repeated else "", None, more) for more in others]
    assert streamed(*parts).message.calls == tuple(made)


def test_a_part_with_another_id_and_no_name_goes_on_with_its_call() -> None:
    message = streamed(piece("c1", "weather", '{"city": '), piece("c2", None, '"Rome"}')).message
    assert message.calls == (ROME,)


def test_a_refusal_that_is_streamed_is_one() -> None:
    found = streamed({"role": "assistant", "refusal": None}, {"refusal": "I can't "}, {"refusal": "do that."})
    assert (found.stop, found.message.content) == ("refused", "I can't do that.")
    assert streamed({"content": "Sure.", "refusal": None}).stop is None


@pytest.mark.parametrize("tokens", [float("nan"), float("inf"), -float("inf")])
def test_numbers_of_tokens_that_are_none_count_nothing(logs: Logs, tokens: float) -> None:
    response = CHAT["response"] | {"usage": {"prompt_tokens": tokens, "completion_tokens": 2.0}}
    logs.lines("a.jsonl", CHAT | {"response": response})
    [run] = logs.read("requests").runs
    assert run.usage == Usage(input=0, output=2)


answers = st.lists(st.tuples(st.lists(calls, max_size=2).map(tuple), words), min_size=1, max_size=3)


@settings(max_examples=40)
@given(data=st.data(), name=st.sampled_from(["chat", "google"]), told=answers)
def test_answers_that_are_streamed_side_by_side_come_apart(
    data: st.DataObject, name: str, told: list[tuple[tuple[Call, ...], str]]
) -> None:
    wire = next(wire for wire in WIRES if wire.name == name)
    key, read = {"chat": ("choices", wire_chat), "google": ("candidates", wire_google)}[name]
    said = [wire.called(made, ["a", "b"][: len(made)]) if made else wire.said(text) for made, text in told]
    responses: list[dict[str, Any]] = json.loads(json.dumps([wire.response(parts) for parts in said]))
    streams = [STREAMS[name](response) for response in responses]
    for index, chunk in ((index, chunk) for index, stream in enumerate(streams) for chunk in stream):
        chunk[key] = [choice | {"index": index} for choice in chunk[key]]
    mixed = []
    while waiting := [stream for stream in streams if stream]:
        mixed.append(data.draw(st.sampled_from(waiting)).pop(0))
    expected = read.answered(responses[0] | {key: [response[key][0] for response in responses]})
    found = read.answered(whole(mixed) or {})
    assert found
    assert expected
    assert (found.message, found.others) == (expected.message, expected.others)


def test_other_bad_input_is_named(logs: Logs) -> None:
    response = CHAT["response"]
    path = logs.lines(
        "a.jsonl",
        {"a": 1},
        [7],
        {"request": None, "response": response},
        {"request": {"input": "hi"}, "response": response},
        CHAT,
        broken=b'{"request": {',
    )
    logs.raw("b.yaml", b"a: [")
    logs.raw("c.yml", b"a: 1")
    found = [problem.removeprefix(f"{logs.folder}/") for problem in logs.read("requests").problems]
    assert found[:4] == [
        f"{path.name}:1: no {{request, response}}",
        f"{path.name}:2 [0]: no {{request, response}}",
        f"{path.name}:3: the request has no JSON body",
        f"{path.name}:4: the request holds no messages, or not in the form of its response",
    ]
    assert [problem.partition(": ")[0] for problem in found[4:]] == ["a.jsonl:6", "b.yaml:1", "c.yml:1"]
    assert len(logs.read("requests").runs) == 1


def test_pictures_thoughts_and_the_providers_own_tools(logs: Logs) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"x").decode()}
    said = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    own = {"type": "web_search_20250305", "name": "web_search"}
    content = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "text", "text": "A cat."},
        {"type": "tool_use", "id": "t", "name": "free", "input": {"input": "meow"}},
    ]
    free = {"type": "custom", "name": "free", "description": "Text."}
    request = {"model": "m", "messages": [{"role": "user", "content": said}], "tools": [own, free, {"name": 3}]}
    path = logs.lines("a.jsonl", {"request": request, "response": {"type": "message", "content": content}})
    read = logs.read("requests")
    [run] = read.runs
    assert (run.case.query, run.text) == ("[image]\nWhat is it?", "A cat.")
    assert run.chain == ((Call("free", {"input": "meow"}),),)
    assert [tool.name for tool in run.case.tools or ()] == ["free"]
    assert read.skipped == {"calls that the provider answered itself": 1}
    assert read.problems[0] == f"{path}:1: 'web_search' is run by the provider: no tool of the suite"
    assert read.problems[1].startswith(f"{path}:1: a tool that can't be read: ")


@pytest.mark.parametrize(("name", "key"), [("chat", "choices"), ("google", "candidates")])
def test_several_answers_at_once(logs: Logs, name: str, key: str) -> None:
    line = next(wire for wire in WIRES if wire.name == name).log(TALK)[0]
    line["response"][key] *= 3
    logs.lines("a.jsonl", line)
    read = logs.read("requests")
    assert [run.chain for run in read.runs] == [((ROME, OSLO),)]
    assert read.skipped == {"calls of further answers to one request": 4}


def test_one_query_with_other_tools_is_another_case(logs: Logs) -> None:
    line = WIRES[0].log(TALK)[0]
    other = {"type": "function", "function": {"name": "weather", "description": "Newer."}}
    logs.lines(
        "a.jsonl",
        line,
        line | {"request": line["request"] | {"tools": [other]}, "response": line["response"] | {"id": "r2"}},
    )
    [suite] = assemble("mine", logs.read("requests").records).suites
    assert [len(case.tools or ()) for case in suite.cases] == [1, 1]
