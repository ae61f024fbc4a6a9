"""Which text is blamed for a sample, what a reflection model is told of it, and what it may answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.sample import Refusal, Sample, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.repair.blame import Blamer
from pytest_toolmatch.repair.candidate import Components
from pytest_toolmatch.repair.feedback import lesson
from pytest_toolmatch.repair.replies import Queries, Unusable, checked, text_of
from pytest_toolmatch.repair.scoring import Scorer
from tests.servers.scripted import chain_of_text

SEATS = {"type": "array", "items": {"type": "object", "properties": {"row": {"type": "integer"}}}}
SCHEMA = {
    "type": "object",
    "properties": {"to": {"type": "string"}, "day": {"type": "string"}, "seats": SEATS},
    "required": ["to"],
}
CASE = case_of_query("Book me to Rome.", id="rome")
SUITE = Suite(
    name="trips",
    cases=(CASE,),
    tools=(Tool(name="book", parameters=SCHEMA), Tool(name="search", parameters=SCHEMA)),
)
COMPONENTS = Components(SUITE)
WANTED = "search(to='FCO') > book(to='FCO', day='2026-11-27', seats=[{'row': 3}])"


def sample(chain: str | Chain, **more: Any) -> Sample:
    made = chain_of_text(chain) if isinstance(chain, str) else chain
    return Sample(case=CASE.id, role="student", draw=0, outcome=outcome_of(made), chain=made, **more)


def blamer(wanted: str = WANTED, *frozen: str) -> Blamer:
    scorer = Scorer(SUITE, {CASE.id: [sample(wanted)]})
    return Blamer(scorer, COMPONENTS, lambda name: name not in frozen)


@pytest.mark.parametrize(
    ("chain", "first"),
    [
        ("search(to='FCO') > book(to='FCO', day='Friday', seats=[{'row': 3}])", "tool:book:day"),
        ("search(to='FCO') > book(to='FCO', day='2026-11-27', seats=[{'row': 4}])", "tool:book:seats[].row"),
        ("search(to='FCO')", "instructions"),
        ("", "instructions"),
        ("search(to='FCO') > search(to='FCO')", "tool:book"),
    ],
)
def test_what_went_wrong_is_laid_to_the_text_that_tells_it(chain: str, first: str) -> None:
    blamed = blamer().blamed(CASE, sample(chain))
    assert max(blamed, key=lambda name: blamed[name]) == first
    assert sum(blamed.values()) == pytest.approx(1)


def test_a_refused_call_blames_the_argument_that_its_error_names() -> None:
    refusal = Refusal(Call("book", {"to": 1}), "schema_violation", "book: to: 1 is not of type 'string'")
    blamed = blamer("").blamed(CASE, sample("search(to='FCO')", refusals=(refusal,)))
    assert blamed["tool:book:to"] > blamed["tool:book"] > 0


def test_what_must_not_change_is_not_blamed() -> None:
    blamed = blamer(WANTED, "tool:book:day", "instructions").blamed(CASE, sample("search(to='FCO') > book(to='FCO')"))
    assert blamed.keys() == {"tool:book", "tool:book:seats"}
    assert blamer().blamed(CASE, sample(WANTED)) == {}


def test_the_nearer_a_sample_is_the_more_it_is_worth() -> None:
    chains = ("", "search(to='FCO')", "search(to='FCO') > book(to='FCO', day='x')", WANTED)
    worth = [blamer().closeness(CASE, sample(one)) for one in chains]
    assert worth == sorted(worth)
    assert (worth[0], worth[-1]) == (0, 1)
    assert worth[-2] < 0.5


def test_a_lesson_says_what_was_wanted_what_was_done_and_what_differs() -> None:
    scorer = Scorer(SUITE, {CASE.id: [sample(WANTED), sample(WANTED), sample("book(to='FCO')")]})
    refusal = Refusal(Call("book", {}), "schema_violation", "book: 'to' is a required property")
    told = lesson(CASE, sample("search(to='FCO') > book(to='FCO', day='Friday')", refusals=(refusal,)), scorer)
    assert told["Inputs"] == "user: Book me to Rome."
    assert told["Generated Outputs"] == 'search(to="FCO")\nbook(to="FCO", day="Friday")'
    assert 'Wanted: search(to="FCO")\nbook(to="FCO", day="2026-11-27", seats=[{"row": 3}])' in told["Feedback"]
    assert "Refused: book(): book: 'to' is a required property" in told["Feedback"]
    assert '- book: day is "Friday", wanted is "2026-11-27"' in told["Feedback"]
    assert '- book: seats is left out, wanted is [{"row": 3}]' in told["Feedback"]
    assert "not clear-cut" not in told["Feedback"]


def test_a_teacher_that_is_of_two_minds_is_said_to_be() -> None:
    scorer = Scorer(SUITE, {CASE.id: [sample(WANTED), sample("book(to='FCO')")]})
    assert not scorer.agreed(CASE)
    told = lesson(CASE, sample(""), scorer)["Feedback"]
    assert "the reference model itself does this in 50% of its runs" in told


def under(**rules: Any) -> tuple[Suite, Scorer]:
    """Return the suite under other rules, and what scores by a teacher that searches, then books."""
    suite = msgspec.structs.replace(SUITE, rules=Rules(**rules))
    return suite, Scorer(suite, {CASE.id: [sample("search(to='FCO') > book(to='FCO')")]})


@pytest.mark.parametrize(
    ("mode", "chain", "fault", "allowed"),
    [
        ("subset", "book(to='JFK')", "- book: to is", "- Missing: search"),
        ("superset", "search(to='FCO') > search(to='JFK')", "- Missing: book", "- Not wanted: search"),
    ],
)
def test_calls_that_the_match_mode_allows_are_no_fault(mode: Any, chain: str, fault: str, allowed: str) -> None:
    suite, scorer = under(match=mode)
    told = lesson(CASE, sample(chain), scorer)["Feedback"]
    assert fault in told
    assert allowed not in told
    by_mode = Blamer(scorer, Components(suite), lambda _: True)
    assert "tool:search" not in by_mode.blamed(CASE, sample(chain))
    ordered = Blamer(under()[1], COMPONENTS, lambda _: True)
    assert 0.5 > by_mode.closeness(CASE, sample(chain)) > ordered.closeness(CASE, sample(chain))


def test_only_calls_that_have_the_effect_count() -> None:
    tools = (Tool(name="lookup", effect="read"), Tool(name="cancel", effect="write"))
    suite = msgspec.structs.replace(SUITE, tools=tools, rules=Rules(effect="write"))
    teacher = [sample(one) for one in ("lookup(id=1) > cancel(id=1)", "lookup(id=2) > cancel(id=1)", "cancel(id=1)")]
    scorer = Scorer(suite, {CASE.id: teacher})
    assert (scorer.agreed(CASE), scorer.support(CASE)) == (True, 1)
    assert scorer.reference(CASE) == teacher[0]
    assert scorer.divergence(CASE, sample("lookup(id=3) > cancel(id=1)")) is None
    told = lesson(CASE, sample("lookup(id=3) > cancel(id=2)"), scorer)["Feedback"]
    assert "Wanted: cancel(id=1)\nIt parts from what is wanted at step 1: id." in told
    assert "lookup" not in told


def test_a_sample_that_matches_another_chain_of_the_teacher_is_worth_as_much_where_any_will_do() -> None:
    suite = msgspec.structs.replace(SUITE, rules=Rules(reference="any", min_support=1))
    scorer = Scorer(suite, {CASE.id: [sample(WANTED), sample(WANTED), sample("book(to='FCO')")]})
    worth = Blamer(scorer, COMPONENTS, lambda _: True)
    assert [worth.closeness(CASE, sample(one)) for one in (WANTED, "book(to='FCO')")] == [1, 1]
    assert worth.closeness(CASE, sample("book(to='JFK')")) < 0.5


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("```\nCall it.\n```", "Call it."),
        ("Sure:\n```text\nCall it.\nTwice.\n```\nGood?", "Call it.\nTwice."),
        ("<think>```\nNo.\n```</think>\n```\nYes.\n```", "Yes."),
        ("````\nSay\n```json\n{}\n```\n````", "Say\n```json\n{}\n```"),
    ],
)
def test_a_reply_is_its_one_block(reply: str, text: str) -> None:
    assert text_of(reply) == text


@pytest.mark.parametrize(
    "reply", ["", "Call it.", "```\n\n```", "```\nA\n```\n```\nB\n```", "```\nA", "<think>x</think>"]
)
def test_any_other_reply_is_of_no_use(reply: str) -> None:
    with pytest.raises(Unusable):
        text_of(reply)


words = st.lists(st.sampled_from(("book", "me", "seat", "rome", "friday", "please", "window")), max_size=14)


@given(words, words, words)
def test_a_text_with_a_row_of_a_query_copies_it(before: list[str], query: list[str], after: list[str]) -> None:
    queries = Queries([" ".join(query)], [])
    copied = queries.copied(" ".join([*before, "X", *query, "Y", *after]))
    assert bool(copied) >= (len(query) >= 4)
    assert Queries([" ".join(query)], [" ".join([*before, *query])]).copied(" ".join([*query, "X", *query])) == ""


@given(words, words)
def test_what_the_current_text_quotes_already_may_stay(query: list[str], more: list[str]) -> None:
    queries = Queries([" ".join(query)], [])
    current = " ".join(["For:", *query, "X", *more])
    assert checked(f"{current} Y", current, 1000, queries) == f"{current} Y"


def test_a_text_that_is_too_long_old_or_copied_is_refused() -> None:
    queries = Queries(["Book me a seat to Rome on Friday, please."], [])
    for text, why in (
        ("x" * 11, "11 characters"),
        ("Old  one.", "is the old one"),
        ("For: book me a seat to Rome on", "copies a query: 'book me a seat to rome on'"),
    ):
        with pytest.raises(Unusable, match=why):
            checked(text, "Old one.", 10 if text.startswith("x") else 100, queries)
    assert checked("New one.", "Old one.", 100, queries) == "New one."
