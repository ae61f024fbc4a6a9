from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from pytest_toolmatch.core.chain import Call, names_of
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.assemble import assemble
from pytest_toolmatch.suites.importers.source import Skipped
from tests.suites.importers.writing import Logs

SONNET = "claude-sonnet-4-6"


class Script:
    """Writes the records of a session, each hanging off the one before it unless told otherwise."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self._ids = count()
        self.last: str | None = None

    def put(self, kind: str, message: Any = None, *, parent: str | None = None, **fields: Any) -> str:
        uuid = f"u{next(self._ids)}"
        record = {"type": kind, "uuid": uuid, "parentUuid": parent or self.last, "isSidechain": False, **fields}
        self.records.append(record | ({"message": message} if message is not None else {}))
        self.last = uuid
        return uuid

    def ask(self, text: Any, **fields: Any) -> str:
        return self.put("user", {"role": "user", "content": text}, **fields)

    def call(self, response: str, call: str, name: str, arguments: Any, **fields: Any) -> str:
        block = {"type": "tool_use", "id": call, "name": name, "input": arguments}
        return self.say(response, [block], **fields)

    def say(self, response: str, content: Any, *, model: str = SONNET, **fields: Any) -> str:
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        usage = {"input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 7}
        message = {"role": "assistant", "id": response, "model": model, "content": blocks, "usage": usage}
        return self.put("assistant", message, **fields)

    def result(self, call: str, text: Any, **fields: Any) -> str:
        block = {"type": "tool_result", "tool_use_id": call, "content": text}
        return self.put("user", {"role": "user", "content": [block]}, **fields)


@pytest.fixture
def script() -> Script:
    return Script()


def parallel(script: Script, response: str, *names: str) -> None:
    """One response with several calls: one record each, the results hang off different records."""
    records = [script.call(response, f"{response}.{name}", name, {"of": name}) for name in names]
    for name, record in zip(names, records, strict=True):
        script.result(f"{response}.{name}", f"{name} done", parent=record)


def test_one_response_split_over_records_is_one_step(logs: Logs, script: Script) -> None:
    script.put("summary", summary="Earlier talk", leafUuid="x")
    script.ask("Ship the parcel to Oslo")
    script.say("m1", [{"type": "thinking", "thinking": "hm"}])
    parallel(script, "m1", "find", "weigh")
    parallel(script, "m2", "ship")
    script.say("m3", "Shipped.")
    path = logs.lines("p/session.jsonl", *script.records)
    [run] = logs.read("claude-code").runs
    assert run.chain == (
        (Call("find", {"of": "find"}), Call("weigh", {"of": "weigh"})),
        (Call("ship", {"of": "ship"}),),
    )
    assert (run.model, run.outcome, run.text) == (SONNET, "called", "Shipped.")
    assert run.usage == Usage(input=309, cached=300, output=21)
    assert run.case.query == "Ship the parcel to Oslo"
    assert run.case.id.startswith("ship-the-parcel-to-oslo")
    assert run.source == f"{path}:2"


def test_a_repeated_record_counts_once(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "go", {})
    logs.lines("s.jsonl", *script.records, script.records[-1])
    assert names_of(logs.read("claude-code").runs[0].chain) == ["go"]


def test_a_repeated_text_counts_once(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.say("m1", "Going.")
    script.records.append(script.records[-1])
    script.say("m1", "Gone.")
    script.say("m1", "Going.")
    script.ask("And back")
    script.call("m2", "c2", "back", {})
    logs.lines("s.jsonl", *script.records)
    first, second = logs.read("claude-code").runs
    assert first.text == "Going.\nGone."
    assert [message.content for message in second.case.conversation] == ["Go", "Going.\nGone.", "And back"]


def test_sessions_with_one_prompt_are_draws_of_one_case(logs: Logs) -> None:
    for name in ("a_2", "a_10"):
        script = Script()
        script.ask("Go")
        script.call(f"m-{name}", "c", name, {})
        logs.lines(f"{name}.jsonl", *script.records)
    runs = logs.read("claude-code").runs
    assert [names_of(run.chain) for run in runs] == [["a_2"], ["a_10"]]
    assert runs[0].case.id == runs[1].case.id


def test_later_prompts_are_cases_with_the_conversation_so_far(logs: Logs, script: Script) -> None:
    script.ask("Open the door")
    parallel(script, "m1", "open")
    script.say("m2", "It is open.")
    script.ask([{"type": "text", "text": "And close it"}, {"type": "image", "source": {}}])
    script.call("m3", "c3", "close", {})
    logs.lines("s.jsonl", *script.records)
    first, second = logs.read("claude-code").runs
    assert names_of(first.chain) == ["open"]
    assert names_of(second.chain) == ["close"]
    told = [(message.role, message.content) for message in second.case.conversation]
    assert told == [
        ("user", "Open the door"),
        ("assistant", ""),
        ("tool", "open done"),
        ("assistant", "It is open."),
        ("user", "And close it\n[image]"),
    ]
    assert first.case.id != second.case.id
    only = logs.read("claude-code", turns="first")
    assert [names_of(run.chain) for run in only.runs] == [["open"]]
    assert only.skipped == {"calls after the first prompt": 1}


def test_a_fork_at_the_prompt_gives_two_draws_and_one_further_down_the_last_branch(logs: Logs, script: Script) -> None:
    prompt = script.ask("Roll the dice")
    script.call("m1", "c1", "roll", {"n": 1})
    script.call("m2", "c2", "roll", {"n": 2}, parent=prompt)
    branch = script.result("c2", "two")
    script.call("m3", "c3", "stop", {}, parent=branch)
    script.call("m4", "c4", "again", {}, parent=branch)
    logs.lines("s.jsonl", *script.records)
    read = logs.read("claude-code")
    assert [names_of(run.chain) for run in read.runs] == [["roll"], ["roll", "again"]]
    assert read.runs[0].case == read.runs[1].case
    assert read.skipped == {"calls of branches that were taken back": 1}


def test_an_edited_prompt_forgets_what_it_replaced(logs: Logs, script: Script) -> None:
    script.ask("Hello")
    greeting = script.say("m1", "Hi.")
    script.ask("Buy milk", parent=greeting)
    script.call("m2", "c2", "buy", {"what": "milk"})
    script.ask("Buy tea", parent=greeting)
    script.call("m3", "c3", "buy", {"what": "tea"})
    logs.lines("s.jsonl", *script.records)
    tea = logs.read("claude-code").runs[-1]
    assert [message.content for message in tea.case.conversation] == ["Hello", "Hi.", "Buy tea"]


def test_calls_of_subagents_are_counted_but_not_in_the_chain(logs: Logs, script: Script) -> None:
    script.ask("Find out")
    task = script.call("m1", "c1", "Task", {"prompt": "dig"})
    script.ask("dig", isSidechain=True)
    script.call("m2", "c2", "Grep", {}, isSidechain=True)
    script.result("c1", "found", parent=task)
    script.call("m3", "c3", "Write", {})
    logs.lines("s.jsonl", *script.records)
    logs.lines("agent-1.jsonl", *(record | {"isSidechain": True} for record in script.records))
    read = logs.read("claude-code")
    assert [names_of(run.chain) for run in read.runs] == [["Task", "Write"]]
    assert [(r.where, r.calls) for r in read.records if isinstance(r, Skipped)] == [
        (f"{logs.folder}/agent-1.jsonl", 3),
        (f"{logs.folder}/s.jsonl", 1),
    ]


ERROR: dict[str, Any] = {"model": "<synthetic>", "isApiErrorMessage": True, "error": "rate_limit"}


def test_an_api_error_at_the_end_is_infrastructure(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "go", {})
    script.result("c1", "ok")
    script.say("e1", "The server is overloaded.", **ERROR)
    logs.lines("s.jsonl", *script.records)
    [run] = logs.read("claude-code").runs
    assert (run.outcome, run.error, run.model) == ("infrastructure", "The server is overloaded.", SONNET)
    assert names_of(run.chain) == ["go"]


def test_an_api_error_that_was_overcome_is_none(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.say("e1", "The server is overloaded.", **ERROR)
    script.call("m1", "c1", "go", {})
    logs.lines("s.jsonl", *script.records)
    [run] = logs.read("claude-code").runs
    assert (run.outcome, run.model) == ("called", SONNET)


def failed_and_others(logs: Logs, *others: tuple[str, str]) -> list[str]:
    """Write a session without any answer to a/b/failed.jsonl, and others; return what it was taken for and why."""
    script = Script()
    script.ask("Go")
    script.say("e1", "No credit.", **ERROR)
    logs.lines("a/b/failed.jsonl", *script.records)
    for number, (name, model) in enumerate(others):
        other = Script()
        other.ask("Stay")
        other.say(f"m{number}", "Fine.", model=model)
        logs.lines(name, *other.records)
    read = logs.read("claude-code", logs.folder / "a")
    [run] = [run for run in read.runs if run.outcome == "infrastructure"]
    told = (problem.partition(": ")[2] for problem in read.problems)
    return [run.model, *(problem for problem in told if not problem.startswith("no tool is called"))]


def test_an_api_error_without_any_answer_goes_to_the_nearest_model(logs: Logs) -> None:
    guess = "failed before any model answered: "
    assert failed_and_others(logs, ("z.jsonl", "out")) == [
        "unknown",
        f"{guess}model 'unknown'; name it with MODEL=PATH",
    ]
    far = [("a/c/1.jsonl", "far"), ("a/c/2.jsonl", "far"), ("a/x.jsonl", "far"), ("a/y.jsonl", "other")]
    assert failed_and_others(logs, *far) == ["far", f"{guess}guessed to be far's"]
    near = failed_and_others(logs, *far, ("a/b/1.jsonl", "near"), ("a/b/2.jsonl", "near"), ("a/b/3.jsonl", "rare"))
    assert near == ["near", f"{guess}guessed to be near's"]


def test_files_named_one_by_one_are_neighbours_too(logs: Logs) -> None:
    failed_and_others(logs, ("a/b/1.jsonl", "near"))
    read = logs.read("claude-code", logs.folder / "a/b/1.jsonl", logs.folder / "a/b/failed.jsonl")
    assert [run.model for run in read.runs] == ["near", "near"]


def test_within_a_session_the_model_is_no_guess(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.say("m1", "Gone.")
    script.ask("On")
    script.say("e1", "No credit.", **ERROR)
    logs.lines("s.jsonl", *script.records)
    read = logs.read("claude-code")
    assert [(run.model, run.outcome) for run in read.runs] == [(SONNET, "answered"), (SONNET, "infrastructure")]
    assert [problem.partition(": ")[2][:17] for problem in read.problems] == ["no tool is called"]


def test_notes_of_the_harness_are_no_responses(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.say("n1", "No response requested.", model="<synthetic>")
    logs.lines("s.jsonl", *script.records)
    assert logs.read("claude-code").runs == []


def test_an_interrupted_turn_is_truncated(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "go", {})
    script.ask([{"type": "text", "text": "[Request interrupted by user for tool use]"}])
    script.ask("Go slowly")
    script.call("m2", "c2", "walk", {})
    logs.lines("s.jsonl", *script.records)
    assert [run.outcome for run in logs.read("claude-code").runs] == ["truncated", "called"]


def test_a_slash_command_counts_as_the_text_it_stands_for(logs: Logs, script: Script) -> None:
    script.ask("Caveat: The messages below were generated by the user", isMeta=True)
    script.ask("<command-name>/clear</command-name>")
    script.ask("<local-command-stdout></local-command-stdout>")
    script.ask("<command-message>init is running</command-message>")
    script.ask("Describe this repository", isMeta=True)
    script.call("m1", "c1", "Read", {})
    logs.lines("s.jsonl", *script.records)
    [run] = logs.read("claude-code").runs
    assert [message.content for message in run.case.conversation] == ["Describe this repository"]


def test_after_a_compaction_the_summary_is_all_that_was_said(logs: Logs, script: Script) -> None:
    script.ask("Long story")
    end = script.say("m1", "Very long.")
    script.last = None
    script.put("system", subtype="compact_boundary", logicalParentUuid=end)
    script.ask("This session goes on from a summary: a story.", isCompactSummary=True)
    script.ask("End it")
    script.call("m2", "c2", "end", {})
    logs.lines("s.jsonl", *script.records)
    last = logs.read("claude-code").runs[-1]
    assert [message.content for message in last.case.conversation] == [
        "This session goes on from a summary: a story.",
        "End it",
    ]


def test_a_resumed_session_repeats_no_run(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "go", {})
    logs.lines("first.jsonl", *script.records)
    script.ask("On")
    script.call("m2", "c2", "on", {})
    logs.lines("second.jsonl", *script.records)
    identities = [run.identity for run in logs.read("claude-code").runs]
    assert identities == ["m1", "m1", "m2"]


def test_harness_tools_are_left_out_by_glob_from_chain_and_conversation(logs: Logs, script: Script) -> None:
    script.ask("Go")
    parallel(script, "m1", "ToolSearch")
    parallel(script, "m2", "mcp__shop__go", "ToolSearch")
    script.ask("On")
    script.call("m3", "c3", "ToolSearch", {})
    logs.lines("s.jsonl", *script.records)
    for options in ({"include": ("mcp__*",)}, {"exclude": ("Tool*",)}):
        read = logs.read("claude-code", **options)
        assert [run.chain for run in read.runs] == [((Call("mcp__shop__go", {"of": "mcp__shop__go"}),),), ()]
        assert [run.outcome for run in read.runs] == ["called", "answered"]
        assert [message.role for message in read.runs[1].case.conversation] == ["user", "assistant", "tool", "user"]


def test_a_fork_shares_its_beginning_and_its_longest_copy_counts(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "look", {})
    script.result("c1", "seen")
    fork = list(script.records)
    script.call("m2", "c2", "go", {})
    full = list(script.records)
    other = {"type": "user", "uuid": "x", "parentUuid": fork[-1]["uuid"], "message": {"content": "Stop"}}
    answer = {"id": "m9", "model": SONNET, "content": [{"type": "tool_use", "id": "c9", "name": "stop", "input": {}}]}
    last = {"type": "assistant", "uuid": "y", "parentUuid": "x", "message": answer}
    logs.lines("p/1-fork.jsonl", *(record | {"sessionId": "b"} for record in (*fork, other, last)))
    logs.lines("p/2-first.jsonl", *full)
    logs.lines("p/3-copy.jsonl", *full)
    assembly = assemble("mine", logs.read("claude-code").records)
    [suite] = assembly.suites
    chains = {
        case.query: names_of(sample.chain) for case, sample in zip(suite.cases, suite.samples[SONNET], strict=True)
    }
    assert chains == {"Go": ["look", "go"], "Stop": ["stop"]}
    counted = ("runs", "samples", "calls", "runs found twice", "calls of runs found twice")
    assert [assembly.counts[what] for what in counted] == [4, 2, 3, 2, 3]


def test_a_directory_is_read_whatever_else_lies_in_it(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "Bash", {})
    logs.lines("shop/a.jsonl", *script.records)
    logs.packed("shop/b.jsonl.gz", *script.records)
    logs.raw("shop/notes.md", b"# Notes")
    logs.raw("shop/a/tool-results/1.txt", b"long")
    logs.document("shop/sessions-index.json", {"entries": []})
    logs.lines("shop/summary.jsonl", {"type": "summary", "summary": "Earlier", "leafUuid": "x"})
    logs.lines("other/rollout.jsonl", {"timestamp": 1, "type": "session_meta", "payload": {}})
    logs.raw("empty.jsonl", b"")
    (logs.folder / "loop").symlink_to(logs.folder)
    read = logs.read("claude-code")
    assert [names_of(run.chain) for run in read.runs] == [["Bash"], ["Bash"]]
    assert sorted(read.ignored) == [
        "1.txt",
        "empty.jsonl",
        "notes.md",
        "rollout.jsonl",
        "sessions-index.json",
        "summary.jsonl",
        "unpacked",
    ]
    assert read.problems == []


@pytest.mark.parametrize("data", [b"", b'{"type": "summary"}\n', b"{}"], ids=["empty", "summary", "other"])
def test_a_file_that_is_named_and_is_no_session_is_a_problem(logs: Logs, data: bytes) -> None:
    path = logs.raw("x.jsonl", data)
    assert len(logs.read("claude-code", path).problems) == 1


def test_the_tools_that_the_log_tells_of_are_on_offer(logs: Logs, script: Script) -> None:
    script.put("attachment", attachment={"type": "deferred_tools_delta", "addedNames": ["WebFetch", "mcp__a__x", 7]})
    script.put("attachment", attachment="odd")
    script.ask("Go")
    script.call("m1", "c1", "Bash", {"command": "ls"})
    script.call("m2", "c2", "mcp__a__y", {})
    script.call("m3", "c3", "ToolSearch", {"query": "x"})
    logs.lines("s.jsonl", *script.records)
    given = Tool(name="Bash", parameters={"type": "object"})
    assembly = assemble("mine", logs.read("claude-code", tools=(given,), exclude=("Tool*",)).records, (given,))
    tools = {tool.name: tool for tool in assembly.suites[0].tools}
    assert list(tools) == ["Bash", "mcp__a__y", "WebFetch", "mcp__a__x"]
    assert tools["Bash"] is given
    assert tools["WebFetch"].effect == "read"
    assert (tools["WebFetch"].parameters or {})["required"] == ["url", "prompt"]
    assert [str(doubt) for doubt in assembly.doubts] == [
        "mine: calls of undeclared tools: add them to --tools, or --exclude mcp__a__y (1)"
    ]


@pytest.mark.parametrize(("old", "new"), [("Task", "Agent"), ("mcp__old__go", "mcp__new__go")])
def test_a_tool_that_is_renamed_in_mid_session_is_named_once(logs: Logs, script: Script, old: str, new: str) -> None:
    script.ask("Go")
    for number, name in enumerate((old, old, new, "Bash", new)):
        script.call(f"m{number}", f"c{number}", name, {})
    path = logs.lines("s.jsonl", *script.records)
    read = logs.read("claude-code")
    assert read.problems == [f"{path}:4: from here on, {old} is called {new}; both names are kept"]
    assert names_of(read.runs[0].chain) == [old, old, new, "Bash", new]


def test_tools_of_two_servers_that_are_called_by_turns_are_no_rename(logs: Logs, script: Script) -> None:
    script.ask("Go")
    for number, name in enumerate(("mcp__a__go", "mcp__b__go", "mcp__a__go")):
        script.call(f"m{number}", f"c{number}", name, {})
    logs.lines("s.jsonl", *script.records)
    assert logs.read("claude-code").problems == []


def test_a_session_without_any_call_is_named_and_kept(logs: Logs, script: Script) -> None:
    script.ask("Hello")
    script.say("m1", "Hi.")
    path = logs.lines("s.jsonl", *script.records)
    read = logs.read("claude-code")
    assert read.problems == [f"{path}:1: no tool is called; its prompts become cases without calls"]
    assert [run.outcome for run in read.runs] == ["answered"]


def test_parents_in_a_circle_are_named_and_the_order_of_the_file_counts(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "go", {})
    script.call("m2", "c2", "on", {})
    first, second, third = script.records
    circle = [first | {"parentUuid": third["uuid"]}, second, third | {"parentUuid": second["uuid"]}]
    path = logs.lines("s.jsonl", *circle)
    own = {"type": "user", "uuid": "me", "parentUuid": "me", "message": {"content": "Again"}}
    answer = {
        "type": "assistant",
        "uuid": "z",
        "parentUuid": "me",
        "message": {"id": "m9", "model": SONNET, "content": "No."},
    }
    other = logs.lines("t.jsonl", own, answer)
    read = logs.read("claude-code")
    told = "its parents lead back to it: taken in the order of the file"
    assert [problem for problem in read.problems if "its parents" in problem] == [
        f"{path}:1: {told}",
        f"{other}:1: {told}",
    ]
    assert [names_of(run.chain) for run in read.runs] == [["go", "on"], []]


def test_pictures_and_documents_leave_a_placeholder(logs: Logs, script: Script) -> None:
    picture = {"type": "image", "source": {"type": "base64", "data": "iVBORw0KGgo" * 5000}}
    script.ask([{"type": "text", "text": "Look"}, picture, {"type": "document", "source": picture["source"]}])
    script.call("m1", "c1", "Read", {"file_path": "a.png"})
    script.result("c1", [picture, {"type": "tool_reference", "tool_name": "mcp__a__x"}])
    script.ask("On")
    script.say("m2", "Fine.")
    logs.lines("s.jsonl", *script.records)
    last = logs.read("claude-code").runs[-1].case.conversation
    assert [message.content for message in last] == ["Look\n[image]\n[document]", "", "[image]\nmcp__a__x", "On"]


def test_a_file_in_another_encoding_is_a_problem_and_the_rest_is_read(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.call("m1", "c1", "go", {})
    path = logs.lines("a.jsonl", *script.records)
    logs.raw("b.jsonl", path.read_text().encode("utf-16"))
    logs.raw("c.jsonl", path.read_bytes().replace(b"Go", b"G\xf6"))
    read = logs.read("claude-code")
    assert [problem.rpartition("/")[2].partition(":")[0] for problem in read.problems] == [
        "b.jsonl",
        "b.jsonl",
        "c.jsonl",
    ]
    assert len(read.runs) == 1


def test_a_label_names_the_model(logs: Logs, script: Script) -> None:
    script.ask("Go")
    script.say("m1", "Gone.")
    path = logs.packed("s.jsonl.gz", *script.records)
    assert [run.model for run in logs.read("claude-code", f"mine={path}").runs] == ["mine"]


def test_a_lost_parent_falls_back_to_the_order_of_the_file(logs: Logs, script: Script) -> None:
    script.ask("Go", parent="elsewhere")
    script.call("m1", "c1", "go", {}, parent="nowhere")
    logs.lines("s.jsonl", *script.records)
    assert [names_of(run.chain) for run in logs.read("claude-code").runs] == [["go"]]


def test_calls_before_any_prompt_are_accounted_for(logs: Logs, script: Script) -> None:
    script.call("m0", "c0", "lost", {})
    script.ask("Go")
    script.call("m1", "c1", "go", {})
    logs.lines("s.jsonl", *script.records)
    read = logs.read("claude-code")
    assert [names_of(run.chain) for run in read.runs] == [["go"]]
    assert read.skipped == {"calls before the first prompt of a file": 1}


def test_bad_input_is_named_and_the_rest_comes_through(logs: Logs, script: Script) -> None:
    script.ask("Go")
    records = [*script.records, {"type": "assistant", "uuid": "x", "message": {"content": 7}}]
    script.call("m1", "c1", "go", {"n": 1})
    logs.lines("a.jsonl", *records, ["no", "object"], script.records[-1], broken=b'{"type": "assis')
    logs.raw("b.jsonl", b"")
    logs.document("outcomes.json", {"run": {"task": True}})
    read = logs.read("claude-code")
    assert [names_of(run.chain) for run in read.runs] == [["go"]]
    wheres = [problem.split(": ")[0].removeprefix(f"{logs.folder}/") for problem in read.problems]
    assert wheres == ["a.jsonl:2", "a.jsonl:3", "a.jsonl:5"]
    assert "`$.message.content`" in read.problems[0]
    assert read.ignored == ["b.jsonl", "outcomes.json"]


def test_what_tools_answered_is_kept_on_demand_beside_the_calls_that_are_kept(logs: Logs, script: Script) -> None:
    script.ask("Go")
    parallel(script, "m1", "ToolSearch")
    parallel(script, "m2", "find", "ToolSearch", "weigh")
    script.call("m3", "c3", "ship", {})
    logs.lines("s.jsonl", *script.records)
    [run] = logs.read("claude-code", replies=True, exclude=("Tool*",)).runs
    assert [names_of((step,)) for step in run.chain] == [["find", "weigh"], ["ship"]]
    assert run.replies == (("find done", "weigh done"), ())
    [plain] = logs.read("claude-code", exclude=("Tool*",)).runs
    assert plain.replies == ()
