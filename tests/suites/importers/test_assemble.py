from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ConfigError, ImportFormatError
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers import FORMATS, find_format, read_log
from pytest_toolmatch.suites.importers.assemble import assemble
from pytest_toolmatch.suites.importers.source import Imported, Problem, Question, Record, Skipped, Source
from tests.suites.importers.writing import Logs

GO = Tool(name="go")


def run(query: str = "Go", name: str = "go", **fields: Any) -> Imported:
    given: dict[str, Any] = {
        "case": case_of_query(query),
        "model": "m",
        "outcome": "called",
        "chain": ((Call(name),),),
        "source": "f:1",
    }
    return Imported(**given | fields)


def test_draws_are_numbered_per_case_and_model_in_order_of_appearance() -> None:
    records = [run("Go"), run("Stay"), run("Go"), run("Go", model="n"), run("Stay")]
    [suite] = assemble("mine", records, (GO,)).suites
    assert suite.name == "mine"
    assert [case.query for case in suite.cases] == ["Go", "Stay"]
    drawn = {model: [(sample.case[:2], sample.draw) for sample in samples] for model, samples in suite.samples.items()}
    assert drawn == {"m": [("go", 0), ("go", 1), ("st", 0), ("st", 1)], "n": [("go", 0)]}


def test_a_sample_keeps_what_was_recorded() -> None:
    record = run(text="Gone.", error="", latency=1.5, outcome="truncated")
    [suite] = assemble("mine", [record], (GO,)).suites
    assert suite.samples["m"] == (
        Sample(
            case=record.case.id,
            role="recorded",
            draw=0,
            outcome="truncated",
            chain=record.chain,
            text="Gone.",
            latency=1.5,
            source="f:1",
        ),
    )
    assert suite.tools == (GO,)


def test_a_run_found_twice_counts_once_per_model() -> None:
    records = [run(identity="a"), run(identity="a"), run(identity="b"), run(identity="a", model="n"), run(), run()]
    assembly = assemble("mine", records, (GO,))
    assert {model: len(samples) for model, samples in assembly.suites[0].samples.items()} == {"m": 4, "n": 1}
    assert (assembly.counts["runs"], assembly.counts["runs found twice"], assembly.counts["samples"]) == (6, 1, 5)


def test_another_conversation_under_the_same_id_becomes_a_case_of_its_own() -> None:
    other = case_of_query("Something else", id="go")
    first = msgspec.structs.replace(case_of_query("Go", id="go"), where="a:1")
    records = [run(case=first), run(case=msgspec.structs.replace(other, where="b:2")), run(case=first), run(case=other)]
    assembly = assemble("mine", records, (GO,))
    assert [sample.case for sample in assembly.suites[0].samples["m"]] == ["go", "go", "go-2", "go-2"]
    assert [str(problem) for problem in assembly.problems] == [
        "b:2: another conversation than a:1 under the id 'go': it becomes 'go-2'"
    ]


def test_the_parts_of_a_benchmark_are_suites_and_questions_are_cases_without_samples() -> None:
    asked = Case(id="q", conversation=case_of_query("Q").conversation, tools=(GO,))
    records: list[Record] = [Question(case=asked, suite="easy"), run(suite="hard"), run(suite="easy", case=asked)]
    easy, hard = assemble("bench", records, (GO,)).suites
    assert (easy.name, hard.name) == ("easy", "hard")
    assert [case.id for case in easy.cases] == ["q"]
    assert len(easy.samples["m"]) == 1


def test_instructions_are_those_of_most_runs() -> None:
    records = [run(instructions="A"), run(instructions="B"), run(instructions="B"), run()]
    assembly = assemble("mine", records, (GO,))
    assert assembly.suites[0].instructions == "B"
    assert [str(doubt) for doubt in assembly.doubts] == [
        "mine: 1 of 3 runs had other instructions than the suite now has"
    ]


def test_undeclared_tools_are_named() -> None:
    records = [run(name="fly"), run(name="fly"), run(name="go")]
    assert str(assemble("mine", records, (GO,)).doubts[0]) == (
        "mine: calls of undeclared tools: add them to --tools, or --exclude fly (2)"
    )
    assert str(assemble("mine", records).doubts[0]).endswith(
        "declares no tools: give --tools a file with fly (2), go (1)"
    )


def test_what_was_left_out_is_counted_by_reason() -> None:
    skipped: list[Record] = [Skipped("f", "calls of subagents", calls=3), Skipped("g", "calls of subagents", calls=4)]
    assert assemble("mine", [run(), *skipped], (GO,)).counts["calls of subagents"] == 7


def test_nothing_at_all_is_an_error_that_repeats_the_problems() -> None:
    problems: list[Record] = [Problem(f"f:{n}", "no JSON") for n in range(1, 8)]
    with pytest.raises(ImportFormatError) as caught:
        assemble("mine", problems)
    assert caught.value.__notes__[0] == "  f:1: no JSON"
    assert caught.value.__notes__[-1] == "  and 2 more"


def test_a_case_without_a_message_is_left_out_and_said_to_be() -> None:
    empty = Case(id="empty", conversation=(), where="a:1")
    assembly = assemble("mine", [run(), run(case=empty), Question(case=empty)], (GO,))
    [suite] = assembly.suites
    assert [case.id for case in suite.cases] == [run().case.id]
    assert [str(problem) for problem in assembly.problems] == ["a:1: a case without a message: left out"] * 2
    assert (assembly.counts["runs"], assembly.counts["problems"]) == (1, 2)


def test_a_log_becomes_suites(logs: Logs) -> None:
    runs = [{"steps": [{"action": "go", "action_input": {}}, {"action": "hide"}]}]
    logs.lines("a.jsonl", {"question": "Go?", "runs": runs, "model": "m"})
    assembly = assemble("mine", logs.read("react", exclude=("hid*",)).records, (GO,))
    assert assembly.suites[0].samples["m"][0].chain == ((Call("go", {}),),)
    assert assembly.counts == {
        "calls of tools that are not wanted": 1,
        "runs": 1,
        "samples": 1,
        "calls": 1,
        "problems": 0,
    }


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_exports_the_same_names(name: str) -> None:
    form = find_format(name)
    assert name == form.NAME
    assert "\n" not in form.SUMMARY
    assert callable(form.read)


def test_an_unknown_format_names_the_near_one() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'claude-code'\?; known: .*bfcl, claude-code"):
        find_format("claude_code")


def test_problems_of_one_file_are_capped(logs: Logs) -> None:
    path = logs.raw("a.jsonl", b"no json\n" * 30)
    records = list(read_log("react", [Source(path)]))
    assert len(records) == 21
    assert str(records[-1]) == f"{path}: 10 more problems of this kind"


def test_problems_of_files_as_a_whole_are_not_capped_as_if_they_were_of_one(logs: Logs) -> None:
    for number in range(25):
        logs.raw(f"{number}.txt", b"no log")
    problems = [record for record in read_log("auto", [Source(logs.folder)]) if isinstance(record, Problem)]
    assert {problem.where for problem in problems} == {str(logs.folder / f"{number}.txt") for number in range(25)}


def test_tools_that_cases_bring_along_are_not_asked_for() -> None:
    chain = ((Call("f"),),)
    own = msgspec.structs.replace(run(chain=chain).case, tools=(Tool(name="f"),))
    other = run("Stay", "stay", chain=((Call("g"),),))
    [doubt] = assemble("s", [run(chain=chain, case=own), other]).doubts
    assert doubt.what == "the log declares no tools: give --tools a file with g (1)"
    assert assemble("s", [run(chain=chain, case=own)]).doubts == ()
