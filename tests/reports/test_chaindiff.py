from __future__ import annotations

from textwrap import dedent
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.sample import Refusal
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.reports.chaindiff import case_lines
from pytest_toolmatch.reports.lines import columns
from pytest_toolmatch.reports.summary import summary_lines
from tests.reports.examples import (
    RIGHT,
    WRONG,
    ambiguous,
    call,
    diverging,
    failed,
    judged,
    lost,
    refusal,
    report,
    sample,
    samples,
    search,
    undecided,
)
from tests.reports.strategies import chains, texts

NODE = "suites/test_flights.py::test_flights[cheapest]"


def shown(result: CaseResult, **options: Any) -> str:
    models = {"teacher": "claude-opus-4-5", "student": "local:qwen3-4b"}
    return "\n".join(line.text for line in case_lines(result, **{**models, **options}))


def compared(student: Any, teacher: Any, **options: Any) -> list[str]:
    """Return the lines of the two chains alone."""
    result = judged(samples((1, teacher), role="teacher"), samples((1, student)))
    return shown(result, **options).split("\n\n")[1].splitlines()


def test_a_failing_case() -> None:
    assert shown(msgspec.structs.replace(diverging(), nodeid=NODE)) == dedent("""\
        Book me the cheapest flight from Oslo to Rome on Friday.

           teacher: claude-opus-4-5, 7 of 8        student: local:qwen3-4b, 5 of 11
        1  search_flights                        = search_flights
             origin="OSL"                            origin="OSL"
             destination="FCO"                   ≠   destination="Rome"
                                                       "Rome" does not match "^[A-Z]{3}…
             date="2026-11-27"                       date="2026-11-27"
        2  book_flight                           - (no call)
             id=7
        2                                        + get_weather
                                                     city="Rome"
             says: Booked flight 7.                  says: It is sunny in Rome.
           (-vv shows it in full)

        student's 11 samples: 3 match · 7 diverge (2 decision, 5 names) · 1 truncated ·
          1 lost to infrastructure
        lost to infrastructure: 503 (1)
        chain_match 0.27, wanted at least 0.80; the teacher in the student's place: 0.88
        diverges: step 1: destination

        replay: pytest "suites/test_flights.py::test_flights[cheapest]" --toolmatch""")


def test_only_differing_lines_are_red() -> None:
    lines = case_lines(diverging(), teacher="t", student="s")
    red = [line.text.split()[0] for line in lines if line.style == ("red",)]
    assert red == ['destination="FCO"', '"Rome"', "2", "id=7", "2", 'city="Rome"']


def test_a_chain_without_calls() -> None:
    assert compared([], RIGHT)[1].split() == ["1", "search_flights", "-", "(no", "call)"]
    assert compared(RIGHT, [])[1].split() == ["1", "(no", "call)", "+", "search_flights"]


def test_parallel_calls_share_their_number_and_have_no_order() -> None:
    teacher = [[search("FCO"), search("CIA")], [call("book_flight", id=7)]]
    student = [[search("CIA"), search("FCO")], [call("book_flight", id=8)]]
    lines = compared(student, teacher)
    assert [line[:3] for line in lines[1:3]] == ["1  ", "1  "]
    assert " = " in lines[1]
    assert " = " in lines[2]
    assert [line.split() for line in lines[3:5]] == [["2", "book_flight", "=", "book_flight"], ["id=7", "≠", "id=8"]]


def test_arguments_that_are_no_object() -> None:
    lines = compared([[{"name": "book_flight", "arguments": '{"id": '}]], [[call("book_flight", id=7)]])
    assert [line.split() for line in lines[2:]] == [
        ["id=7", "-"],
        ["+", "not", "JSON:", r'"{\"id\":', '"'],
        ["not", "a", "JSON", "object"],
    ]


def test_an_argument_of_one_side_only() -> None:
    lines = compared([[call("get_weather", city="Rome", days=2)]], [[call("get_weather", city="Rome", unit="C")]])
    assert [line.split() for line in lines[2:]] == [
        ['city="Rome"', 'city="Rome"'],
        ['unit="C"', "-"],
        ["+", "days=2"],
    ]


def test_long_values_are_cut_where_they_are_alike() -> None:
    one, other = ("x" * 100 + mark + "z" * 100 for mark in "12")
    student, teacher = [[call("get_weather", city=one)]], [[call("get_weather", city=other)]]
    line = compared(student, teacher)[2]
    assert "x1z" in line
    assert "x2z" in line
    assert sum(line.count("z") for line in compared(student, teacher, verbose=True)) == 200


MCP = "mcp__retail-tools__find_user_id_by_name_zip"
LONG = {"first_name": "Yusuf", "last_name": "Rossi", "zip": "19122"}


def test_an_equal_call_keeps_the_name_of_its_tool() -> None:
    start = [call("find_user_id_by_name_zip", **LONG)]
    line = compared([start, [call("book_flight", id=8)]], [start, [call("book_flight", id=7)]])[1]
    assert line.count("find_user_id_by_name_zip(") == 2
    assert line.endswith('22")')


def test_a_tools_name_without_room_keeps_its_end() -> None:
    equal, other = [call(MCP, **LONG)], [call(MCP, zip="1")]
    lines = compared([equal, other], [equal, [call(MCP, zip="2")]])
    assert [line.count("find_user_id_by_name_zip") for line in lines if "=  " not in line and " = " in line] == [2, 2]
    assert "(…)" in lines[1]
    single = judged(samples((1, [[call(f"{'x' * 90}_the_end")]]), role="teacher"), [lost("truncated")])
    assert "x_the_end\n" in shown(single)


def test_what_is_cut_says_how_to_see_it() -> None:
    student, teacher = [[call("book_flight", id=8)]], [[call("book_flight", id=7)]]
    short = shown(judged(samples((1, teacher), role="teacher"), samples((1, student))))
    long = judged(samples((1, [[call("get_weather", city="x" * 90)]]), role="teacher"), samples((1, student)))
    alone = judged(samples((1, [[call("get_weather", city="x" * 90)]]), role="teacher"), [lost("truncated")])
    assert "-vv" not in short
    for result in (long, alone):
        (line,) = [line for line in case_lines(result, teacher="t", student="s") if "-vv" in line.text]
        assert line == ("   (-vv shows it in full)", ("light",))
        assert "-vv" not in shown(result, verbose=True)


def test_many_equal_calls_are_folded() -> None:
    start = [[call("get_weather", city=str(number))] for number in range(9)]
    lines = compared([*start, [call("book_flight", id=8)]], [*start, [call("book_flight", id=7)]])
    assert [line.split()[0] for line in lines[1:4]] == ["1", "…", "9"]
    assert "7 more calls" in lines[2]
    verbose = compared([*start, [call("book_flight", id=8)]], [*start, [call("book_flight", id=7)]], verbose=True)
    assert [line[:3].strip() for line in verbose[1:10]] == [str(number) for number in range(1, 10)]


def test_more_than_99_steps_keep_their_columns() -> None:
    start = [[call("get_weather", city="Rome")]] * 120
    lines = compared([*start, [call("book_flight", id=8)]], [*start, [call("book_flight", id=7)]])
    assert lines[-3].startswith("121 book_flight")


def test_wide_characters_keep_columns_aligned() -> None:
    lines = compared(
        [[search("ローマ")], [call("book_flight", id=8)]], [[search("羅馬🙂")], [call("book_flight", id=8)]]
    )
    places = [columns(line[: line.index(mark)]) for line in lines for mark in ("=  ", "≠") if f" {mark}" in line]
    (different,) = [line for line in lines if "≠" in line]
    assert "羅馬🙂" in different
    assert columns(different[: different.index("≠")]) == columns(lines[1][: lines[1].index(" = ")]) + 1
    assert places


def test_a_models_text_can_not_control_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\r\u202e"
    chain = [[call(evil, **{evil: evil})]]
    result = judged(
        samples((1, chain), role="teacher", text=evil),
        [sample([[call(evil, city=evil)]], text=evil, refusals=[Refusal(Call(evil), "unknown_tool", evil)])],
        query=evil,
    )
    text = shown(msgspec.structs.replace(result, nodeid=evil), teacher=evil, student=evil, verbose=True)
    assert all(line.isprintable() for line in text.splitlines())


def test_an_ambiguous_case_shows_what_the_teacher_does_most() -> None:
    text = shown(ambiguous())
    assert "teacher: claude-opus-4-5, 3 of 8 like this" in text
    assert "ambiguous: teacher agrees with itself in 3 of 8 samples" in text
    assert "student's 8 samples: 8 called" in text


def test_an_undecided_case_shows_both_chains_and_what_would_tell() -> None:
    text = shown(undecided(among=5))
    assert 'destination="FCO"                   ≠   destination="Rome"' in text
    assert "student's 5 samples: 3 match · 2 diverge (2 names)\nchain_match 0.60, wanted at least 0.80" in text
    assert "\nundecided: 3 of 5 samples match, wanted 0.80: could be chance among 5 cases;\n  about" in text


def test_a_case_in_error_shows_why() -> None:
    text = shown(failed())
    assert "error: no valid sample of the student: 3 × infrastructure (503)" in text
    assert "student's 0 samples: 3 lost to infrastructure" in text


def test_a_student_without_one_usable_sample() -> None:
    result = judged(samples((2, RIGHT), role="teacher"), [lost("truncated"), lost("invalid")])
    text = shown(result)
    assert "teacher: claude-opus-4-5, 2 of 2 like this" in text
    assert "diverges: 1 invalid, 1 truncated" in text


def test_refused_calls_and_answers_are_counted() -> None:
    student = [*samples((2, WRONG), refusals=(refusal(),)), lost("refused")]
    text = shown(judged(samples((2, RIGHT), role="teacher"), student), width=100)
    assert "0 match · 3 diverge (1 decision, 2 names) · 1 refused · 2 calls refused" in text


STEAL = Refusal(
    Call("steal"), "unknown_tool", "there is no tool 'steal'; there are book_flight, get_weather, search_flights"
)


def without_a_valid_call(*refusals: Refusal) -> CaseResult:
    return judged(samples((2, RIGHT), role="teacher"), samples((5, []), refusals=refusals))


def test_what_was_refused_is_shown_with_its_reason() -> None:
    result = without_a_valid_call(STEAL, STEAL)
    assert "\nrefused: steal() – there is no tool 'steal'; there are book_flight, ge… (5 of 5)\n" in shown(result)
    in_full = (
        "refused: steal() – there is no tool 'steal'; there are book_flight, get_weather,\n  search_flights (5 of 5)\n"
    )
    assert in_full in shown(result, verbose=True)
    assert "diverges: step 1: no valid call, steal refused" in shown(result)


def test_a_refusal_counts_samples_and_says_how_many_were_just_like_it() -> None:
    raw, other = (Refusal(Call("steal", text), "malformed_json", f"steal: no JSON object but {text}") for text in "ab")
    student = [*samples((3, []), refusals=(raw,)), *samples((1, []), refusals=(other, STEAL)), *samples((1, RIGHT))]
    result = judged(samples((2, RIGHT), role="teacher"), student)
    assert [line for line in shown(result).splitlines() if "refused:" in line] == [
        "refused: steal – no JSON object but a (4 of 5, 3 like this)",
        "refused: steal() – there is no tool 'steal'; there are book_flight, ge… (1 of 5)",
    ]


def test_arguments_that_are_no_plain_json_still_have_a_report() -> None:
    evil = Refusal(Call("x\ud800", {"a": "\ud800"}), "unknown_tool", "there is no such tool")
    assert b"no such tool" in msgspec.json.encode(without_a_valid_call(evil))


def test_a_sample_that_was_cut_off_says_so() -> None:
    long = {"outcome": "truncated", "error": "stopped: book_flight called 3 times"}
    result = judged(samples((2, RIGHT[:1]), role="teacher"), samples((4, [*RIGHT, *RIGHT]), **long))
    assert "\ncut off after 4 steps: book_flight called 3 times (4 of 4)\n" in shown(result)
    assert "diverges: step 2: extra book_flight, cut off" in shown(result)


def test_samples_of_refused_calls_alone_say_which() -> None:
    ended = {"outcome": "invalid", "error": "stopped: refused in 3 turns", "refusals": (STEAL,)}
    text = shown(judged(samples((2, RIGHT), role="teacher"), samples((5, []), **ended)))
    assert "given up after 0 steps: refused in 3 turns (5 of 5)" in text
    assert "diverges: 5 invalid, steal refused" in text


def test_nothing_is_said_where_nothing_was_refused() -> None:
    text = shown(diverging())
    assert "refused" not in text
    assert "cut off" not in text


def test_why_samples_were_lost_is_said_with_its_number() -> None:
    lost_ones = [msgspec.structs.replace(lost("infrastructure"), error=why) for why in ("late", "503", "503")]
    result = judged(samples((2, RIGHT), role="teacher"), [*samples((3, WRONG)), *lost_ones])
    assert "lost to infrastructure: 503 (2)\nlost to infrastructure: late (1)\n" in shown(result)
    assert "3 infrastructure failures: most often (2) 503\n" in "\n".join(
        line.text for line in summary_lines(report(result))
    )


def test_a_long_query_is_cut_unless_verbose() -> None:
    query = "\n".join(f"line {number}" for number in range(20))
    result = judged(samples((1, RIGHT), role="teacher"), samples((1, RIGHT)), query=query)
    assert "… 14 more lines (-vv shows them)" in shown(result)
    assert "line 19" in shown(result, verbose=True)


def test_a_node_id_is_quoted_for_the_shell() -> None:
    result = msgspec.structs.replace(failed(), nodeid='t.py::t["$x`]')
    assert shown(result).endswith(r'replay: pytest "t.py::t[\"\$x\`]" --toolmatch')


def test_the_command_is_on_one_line_however_long() -> None:
    result = msgspec.structs.replace(failed(), nodeid=f"t.py::t[{'a case ' * 20}]")
    assert shown(result).splitlines()[-1] == f'replay: pytest "{result.nodeid}" --toolmatch'


def test_ascii_has_the_same_columns() -> None:
    for plain, line in zip(
        case_lines(diverging(), teacher="t", student="s", ascii=True),
        case_lines(diverging(), teacher="t", student="s"),
        strict=True,
    ):
        assert plain.text.isascii()
        assert columns(plain.text) == columns(line.text)


@given(st.tuples(chains, chains), st.tuples(texts, texts), st.integers(40, 130), st.booleans())
def test_no_line_is_wider_than_asked_for(
    made: tuple[Any, Any], words: tuple[str, str], width: int, verbose: bool
) -> None:
    text, name = words
    refused = Refusal(Call(name, {text: text}), "unknown_tool", text)
    ended = {"outcome": "truncated", "error": text, "refusals": (refused, STEAL)}
    teacher = samples((2, made[0]), role="teacher", text=text)
    student = [*samples((2, made[1]), text=name), *samples((1, made[0]), **ended)]
    result = msgspec.structs.replace(judged(teacher, student, query=text), nodeid=name)
    for line in case_lines(result, teacher=name, student=text, width=width, verbose=verbose, flags=f"--{name}"):
        assert columns(line.text) <= width or line.text.startswith("replay: ")
        assert line.text.isprintable()
