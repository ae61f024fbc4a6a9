from __future__ import annotations

from typing import Any

from pytest_toolmatch.core.chain import Call, calls_of, names_of
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.sample import Usage
from tests.suites.importers.writing import Logs


def used(key: str, name: str, result: str | None = "ok", status: str = "success", **arguments: Any) -> dict[str, Any]:
    told = {"functionResponse": {"id": key, "name": name, "response": {"output": result}}}
    return {"id": key, "name": name, "args": arguments, "status": status, "result": [told] if result else None}


def user(key: str, text: Any) -> dict[str, Any]:
    return {"id": key, "type": "user", "content": text}


def gemini(key: str, text: str = "", *calls: dict[str, Any], **fields: Any) -> dict[str, Any]:
    tokens = {"input": 50, "output": 5, "cached": 20, "thoughts": 7, "total": 62}
    called = {"toolCalls": list(calls)} if calls else {}
    return {"id": key, "type": "gemini", "content": text, "model": "gem-1", "tokens": tokens} | called | fields


def session(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"sessionId": "s", "projectHash": "p", "startTime": "x", "messages": list(messages)}


TALK = (
    user("1", "what is here"),
    gemini("2", "", used("a", "ls", "x.txt", path="."), used("b", "pwd", "home")),
    gemini("3", "One file."),
    user("4", [{"text": "read it"}]),
    gemini("5", "Reading.", used("c", "read", None, status="error", file="x.txt")),
)


def test_a_session_becomes_a_case_per_prompt(logs: Logs) -> None:
    path = logs.document("session-1.json", session(*TALK))
    first, second = logs.read("gemini-cli", replies=True).runs
    assert first.chain == ((Call("ls", {"path": "."}), Call("pwd", {})),)
    assert (first.replies, first.text) == ((("x.txt", "home"),), "One file.")
    assert first.usage == Usage(input=100, cached=40, output=24, reasoning=14)
    assert (first.model, first.source) == ("gem-1", f"{path}:1")
    assert second.chain == ((Call("read", {"file": "x.txt"}),),)
    assert second.replies == ((),)
    assert second.case.conversation == (
        Message("user", "what is here"),
        Message("assistant", "", first.chain[0]),
        Message("tool", "x.txt", name="ls"),
        Message("tool", "home", name="pwd"),
        Message("assistant", "One file."),
        Message("user", "read it"),
    )


def test_later_versions_write_a_line_per_change(logs: Logs) -> None:
    head = {"sessionId": "s", "projectHash": "p"}
    waiting = gemini("2", "", used("a", "ls", None, status="executing", path="."))
    logs.lines("a.jsonl", head, TALK[0], waiting, TALK[1], {"$set": {"lastUpdated": "y"}}, *TALK[2:])
    logs.lines("b.jsonl", head, {"$set": {"messages": list(TALK[:3])}}, *TALK[3:])
    once = session(*TALK)
    logs.document("c.json", once)
    runs = logs.read("gemini-cli").runs
    assert [run.chain for run in runs[:2]] == [run.chain for run in runs[2:4]] == [run.chain for run in runs[4:]]
    assert runs[0].source.endswith("a.jsonl:2")
    assert len({run.identity for run in runs}) == 2


def test_what_was_taken_back_is_counted_and_no_past(logs: Logs) -> None:
    logs.lines("a.jsonl", {"sessionId": "s"}, *TALK, {"$rewindTo": "4"}, user("6", "thanks"), gemini("7", "Bye."))
    read = logs.read("gemini-cli")
    assert [names_of(run.chain) for run in read.runs] == [["ls", "pwd"], []]
    assert [message.content for message in read.runs[1].case.conversation][-2:] == ["One file.", "thanks"]
    assert read.skipped == {"calls of branches that were taken back": 1}


def test_a_summary_takes_the_place_of_what_was_said(logs: Logs) -> None:
    short = {
        "$set": {"messages": [user("s", "In short: x."), {"id": "t", "type": "gemini", "content": "Got it."}, TALK[4]]}
    }
    logs.lines("a.jsonl", {"sessionId": "s"}, *TALK, short, user("6", "go on"), gemini("7", "", used("d", "ls")))
    read = logs.read("gemini-cli")
    assert [names_of(run.chain) for run in read.runs] == [["ls", "pwd"], ["read"], ["ls"]]
    assert [message.content for message in read.runs[2].case.conversation] == [
        *("In short: x.", "Got it.", "Reading.", "go on")
    ]
    assert {run.model for run in read.runs} == {"gem-1"}


def test_how_a_turn_ended(logs: Logs) -> None:
    logs.document(
        "a.json",
        session(
            user("1", "one"),
            gemini("2", "", used("a", "ls")),
            {"id": "3", "type": "error", "content": "[API Error: 503]"},
            user("4", "two"),
            gemini("5", "", used("b", "ls", None, status="cancelled")),
            {"id": "6", "type": "info", "content": "Request cancelled."},
            user("7", "three"),
            gemini("8", "Yes."),
            {"id": "9", "type": "error", "content": "Unknown command: /x"},
        ),
    )
    runs = logs.read("gemini-cli").runs
    assert [(run.outcome, run.error) for run in runs] == [
        ("infrastructure", "[API Error: 503]"),
        ("truncated", "Request cancelled."),
        ("answered", ""),
    ]


def test_bad_input_is_named_and_the_rest_comes_through(logs: Logs) -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    odd = [user("1", [picture, {"text": "what is it"}]), gemini("2", "", used("a", "ls"), toolCalls=None), {"type": 3}]
    logs.document("a.json", session(*odd, user("3", "go on"), gemini("4", "", used("b", "ls"))))
    logs.document("logs.json", [{"sessionId": "s", "messageId": 0, "type": "user", "message": "hi"}])
    logs.raw("z.json", b'{"sessionId": "s", "messages": [{"id"')
    read = logs.read("gemini-cli")
    assert [len(calls_of(run.chain)) for run in read.runs] == [0, 1]
    assert read.runs[0].case.query == "[inlineData]\nwhat is it"
    found = [problem.removeprefix(f"{logs.folder}/") for problem in read.problems]
    assert found[0] == "logs.json:1: no Gemini CLI session: it has no sessionId and messages of one"
    assert found[1].startswith("z.json:1: not JSON, or cut off")
    assert len(found) == 2
