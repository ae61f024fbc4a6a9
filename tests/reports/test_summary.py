from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.cli.schema import schema_of
from pytest_toolmatch.judging.gate import GateResult
from pytest_toolmatch.judging.metrics import Estimate
from pytest_toolmatch.reports.figures import number
from pytest_toolmatch.reports.json_file import read_report, write_report
from pytest_toolmatch.reports.lines import columns
from pytest_toolmatch.reports.report import Report
from pytest_toolmatch.reports.summary import summary_lines
from tests.reports.examples import (
    RIGHT,
    agreeing,
    ambiguous,
    diverging,
    failed,
    judged,
    mixed,
    report,
    samples,
    undecided,
)
from tests.reports.strategies import texts


def shown(made: Report, **options: Any) -> str:
    return "\n".join(line.text for line in summary_lines(made, **options))


def line_with(text: str, part: str) -> str:
    return next(line for line in text.splitlines() if part in line)


def test_a_small_summary() -> None:
    made = report(*(agreeing(f"easy-{number}") for number in range(9)), diverging(), gates=("chain_match >= 0.50",))
    assert shown(made) == dedent("""\
        claude-opus-4-5 → local:qwen3-4b            10 cases × 8 + 8–11 samples   replay
        9 agree · 1 diverges · 1 infrastructure failure: 503

        case      chain names args retry teacher
        cheapest   0.27  0.27 0.69  0.00    0.75  ✗ step 1: destination
                                                               9 more agree (-v to list)

        flights: 10 cases, wanted at least 0.80 of each
        match: ordered, arguments by schema, against the teacher's consensus
                                  95 %: this  95 %: queries
        metric             value       suite     like these  ceiling   n
        chain_match         0.93   0.87–0.97      0.63–1.00     0.99  10  full chain
        name_match          0.93   0.87–0.97      0.63–1.00     0.99  10  tool order
        tools_match         0.93   0.87–0.97      0.63–1.00     0.99  10  tools
        consistency         0.97   0.87–1.00      0.77–1.00        –  10
        agreement           0.92   0.86–0.96      0.61–1.00     0.97  10
        relative_match      0.95   0.88–1.07      0.69–1.10     1.00  10  0.92 ÷ 0.97
        argument_validity   0.97   0.91–0.99      0.76–1.00     1.00  10
        retries             0.00   0.00–0.05      0.00–0.38     0.00  10
        ambiguous           0.00   0.00–0.31      0.00–0.31        –  10
        latency_p50         1.50   1.50–1.50      1.50–1.50        –  10  s
        latency_p95         2.00   1.50–2.00         1.50–∞        –  10  s
        7 samples diverge: decision 2 (29 %) → tool 0 → names 5 (71 %) → arguments 0
        unusable student samples, which match nothing: 1 truncated

        this suite: if its cases were sampled again; queries like these: if the cases
        were others too; ceiling: the teacher in the student's place; n: cases behind
        the number

        gate  flights  chain_match >= 0.50  0.93  0.87–0.97  ok""")


def test_worst_cases_come_first_and_carry_their_suite_where_there_are_several() -> None:
    made = report(ambiguous(), failed(), diverging(), agreeing("fine"), agreeing("room", "hotels"))
    lines = shown(made, width=100).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("case"))
    assert [line.split()[0] for line in lines[start + 1 : start + 4]] == [
        "flights::cheapest",
        "flights::broken",
        "flights::late-checkout",
    ]
    assert lines[start + 3].endswith("? no consensus (3 of 8 alike)")
    assert lines[start + 4].strip() == "2 more agree (-v to list)"


def test_undecided_cases_follow_those_that_diverge_under_a_mark_of_their_own() -> None:
    lines = shown(report(undecided(among=5), diverging(), agreeing("fine")), width=100).splitlines()
    assert lines[1].startswith("1 agrees · 1 diverges · 1 undecided")
    start = next(place for place, line in enumerate(lines) if line.startswith("case"))
    assert "✗ step 1" in lines[start + 1]
    assert lines[start + 2].split()[:2] == ["unlucky", "0.60"]
    assert lines[start + 2].endswith("~ about 25 more would tell")


def test_plain_agreement_is_one_line() -> None:
    text = shown(report(*(agreeing(f"c{number}") for number in range(3))))
    assert "3 agree (-v to list)" in text
    assert "case  " not in text


def test_ten_cases_are_listed_and_the_rest_counted_unless_verbose() -> None:
    made = report(*(diverging(f"d{number:02}") for number in range(12)), agreeing("fine"))
    assert "2 more diverge, 1 more agrees (-v to list)" in shown(made)
    verbose = shown(made, verbose=True)
    assert all(f"\nd{number:02} " in verbose for number in range(12))
    assert "\nfine " in verbose
    assert "-v to list" not in verbose
    assert "decision_match" in verbose
    assert "decision_match" not in shown(made)


def test_one_teacher_sample_leaves_consistency_unknown() -> None:
    one = judged(samples((1, RIGHT), role="teacher"), samples((4, RIGHT)), case="one")
    text = shown(report(one))
    assert "1 case × 1 + 4 samples" in text
    assert line_with(text, "consistency  ").split()[1:] == ["–", "–", "–", "–", "0"]
    assert line_with(text, "chain_match").split()[4] == "–"
    assert "consistency unknown: one teacher sample per case" in text
    assert "relative_match" not in text
    assert "consistency unknown in 1 of 2 cases: one teacher sample" in shown(report(one, agreeing("two")))


def test_samples_that_vary_are_shown_as_a_range() -> None:
    assert "2 cases × 2–8 + 2–8 samples" in shown(report(agreeing("a"), agreeing("b", draws=2)))


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"match": "superset", "arguments": "json", "reference": "any"}, "superset, arguments as plain JSON"),
        ({"reference": "any"}, "against any of the teacher's draws"),
        ({"reference": "draws"}, "against every teacher draw, averaged"),
        ({"match": "names"}, "match: tool names in order"),
        ({"effect": "write"}, "only calls with effect write"),
    ],
)
def test_the_rule_stands_beside_the_numbers(terms: dict[str, str], rule: str) -> None:
    assert rule in shown(report(agreeing("a"), **terms), width=120)


def test_sections_per_suite_then_all() -> None:
    lines = shown(mixed()).splitlines()
    heads = [line.split(":")[0] for line in lines if "wanted at least" in line]
    assert heads == ["flights", "hotels", "all"]


def test_gates_stand_last_with_their_state() -> None:
    made = report(agreeing("a"), diverging(), gates=("chain_match >= 0.99", "chain_match >= 0.6", "recovery >= 0.5"))
    lines = summary_lines(made)[-6:]
    failed, undecided, *lacking, without, why = lines
    assert [line.text.split()[-1] for line in (failed, undecided, without)] == ["FAILED", "UNDECIDED", "UNDECIDED"]
    assert [line.style for line in (failed, undecided)] == [("red", "bold"), ("yellow", "bold")]
    said = " ".join(line.text.strip() for line in lacking)
    assert re.fullmatch(r"the samples can't tell yet: about \d+ more of the student would \(\d+ a case\)", said)
    assert why.text == "      no data for this metric"


def test_gates_of_a_partial_run_decide_nothing() -> None:
    made = report(agreeing("a"), gates=("chain_match >= 0.1",), expected=4)
    lines = summary_lines(made)
    assert lines[-1].text.endswith("not all cases ran")
    assert any(line.text == "3 cases of these suites not judged" for line in lines)


def test_an_interrupted_run_says_so() -> None:
    made = msgspec.structs.replace(report(agreeing("a"), expected=3), interrupted=True)
    assert "interrupted: 2 cases of these suites not judged" in shown(made)


def test_a_run_without_cases() -> None:
    assert shown(report()).splitlines()[1] == "no case was judged"


def test_ascii_has_the_same_columns() -> None:
    made = mixed()
    for plain, line in zip(summary_lines(made, ascii=True), summary_lines(made), strict=True):
        assert plain.text.isascii()
        assert columns(plain.text) == columns(line.text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (950.4, "950"),
        (9999.4, "9999"),
        (9999.6, "10.0k"),
        (14_230, "14.2k"),
        (99_960, "100k"),
        (142_345, "142k"),
        (999_600, "1.0M"),
        (1_234_567, "1.2M"),
        (5e13, "50.0T"),
        (1e18, "1e+18"),
    ],
)
def test_large_amounts_are_short(value: float, text: str) -> None:
    assert number("tokens", value) == text
    assert len(text) <= 5
    assert number("latency_p95", value) == text
    assert number("cost", value) == (text if value > 1000 else "950.40")


@pytest.mark.parametrize("verbose", [False, True])
def test_no_number_of_a_suite_is_cut(verbose: bool) -> None:
    made = report(agreeing("a"), diverging())
    assert "n" in shown(made, width=80).split("queries\n")[1].splitlines()[0].split()
    text = shown(made, width=60, verbose=verbose).split("match: ")[1]
    assert re.search(r"^chain_match +\d\.\d\d ", text, re.MULTILINE)
    assert not re.search(r"[\d.–]…", text)
    assert re.search(r"\d\.\d\d ÷ \d\.\d\d$", text, re.MULTILINE)


def test_a_suite_in_which_nothing_was_compared_says_so() -> None:
    said = "flights has no gate, and in none of its cases a consensus of the teacher, so nothing was compared"
    assert said in " ".join(shown(report(ambiguous("a"), ambiguous("b"))).split())
    assert said not in " ".join(shown(report(ambiguous("a"), agreeing("b"))).split())


@pytest.mark.parametrize("spent", [{"tokens": 142_345.0}, {"tokens": 1_234_567.0, "cost": 0.0123}])
@pytest.mark.parametrize("verbose", [False, True])
def test_the_parts_of_relative_match_are_never_cut(spent: dict[str, float], verbose: bool) -> None:
    made = report(agreeing("a"), diverging())
    wide = {
        name: Estimate(value, (value, value * 1.2), (value * 0.9, value * 1.2), 1200, None)
        for name, value in spent.items()
    }
    suites = {
        name: msgspec.structs.replace(suite, metrics={**suite.metrics, **wide}) for name, suite in made.suites.items()
    }
    text = shown(msgspec.structs.replace(made, suites=suites), verbose=verbose)
    assert re.search(r"\d\.\d\d ÷ \d\.\d\d$", text, re.MULTILINE)
    assert "÷ 0…" not in text
    assert verbose or ("  = " in text) is ("cost" in spent)


def test_the_report_file_gives_the_same_summary(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    made, path = mixed(), tmp_path / "build" / "report.json"
    write_report(made, path)
    assert read_report(path) == made
    assert summary_lines(read_report(path)) == summary_lines(made)
    schema = schema_of("report")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(msgspec.json.decode(path.read_bytes()), schema)


@given(st.tuples(texts, texts, texts, texts), st.integers(60, 130), st.booleans())
def test_no_line_is_wider_than_asked_for(words: tuple[str, str, str, str], width: int, verbose: bool) -> None:
    name, case, reason, expression = words
    cases = [
        msgspec.structs.replace(result, suite=name, case=case, reason=reason)
        for result in (diverging(), ambiguous(), failed(), undecided())
    ]
    made = report(*cases, agreeing("a", "hotels"))
    gates = tuple(
        GateResult(expression, state, value=0.5, low=0.1, high=0.9, reason=reason)
        for state in ("holds", "fails", "undecided")
    )
    suites = {key: msgspec.structs.replace(suite, gates=gates) for key, suite in made.suites.items()}
    made = msgspec.structs.replace(made, suites=suites, teacher=name, student=case, mode=reason)
    for line in summary_lines(made, width=width, verbose=verbose):
        assert columns(line.text) <= width
        assert line.text.isprintable()
