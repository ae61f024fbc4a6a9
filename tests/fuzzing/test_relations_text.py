"""Relations of the query's text: what each may write, and the traps around it."""

from __future__ import annotations

import itertools
import re
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.fuzzing.edits import Rewrite
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations import RELATIONS, phrased
from pytest_toolmatch.fuzzing.relations.formats import _clocks
from pytest_toolmatch.fuzzing.relations.numerals import LARGEST, read, spelled
from pytest_toolmatch.fuzzing.relations.spelling import misspelt
from pytest_toolmatch.fuzzing.relations.words import parts
from pytest_toolmatch.fuzzing.variant import Subject, made
from tests.fuzzing.subjects import call, made_up, tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy


def written(relation: Relation | str, subject: Subject, draws: int = 200) -> set[str]:
    """Return the queries that some hundred draws write, with every single edit by itself."""
    found: set[str] = set()
    relation = RELATIONS[relation] if isinstance(relation, str) else relation
    strategy = relation.edits(subject)

    @settings(max_examples=draws, database=None, derandomize=True)
    @given(strategy)
    def collect(edits: tuple[Rewrite, ...]) -> None:
        for some in (edits, *((edit,) for edit in edits)):
            found.add(made(subject, "any", "same", some).query)

    collect()
    return found


def simplest(name: str, subject: Subject, holds: Callable[[str], bool]) -> tuple[Rewrite, ...]:
    strategy: SearchStrategy[tuple[Rewrite, ...]] = RELATIONS[name].edits(subject)
    return find(strategy, lambda edits: holds(made(subject, "any", "same", edits).query))


@given(st.integers(0, LARGEST))
def test_numbers_are_read_back_from_words(number: int) -> None:
    assert read(spelled(number)) == number
    assert read(f"{number:,}") == read(str(number)) == number


def test_numbers_are_spelled_as_they_are_said() -> None:
    assert spelled(1250) == "one thousand two hundred and fifty"
    assert spelled(21) == "twenty-one"
    assert spelled(2_000_005) == "two million and five"
    assert [read(text) for text in ("twelve hundred", "a few", "", "1,2x")] == [1200, None, None, None]


@given(st.text("abcdefgh", min_size=4, max_size=9))
def test_a_typo_is_one_slip_that_leaves_the_first_letter(word: str) -> None:
    for typo in misspelt(word):
        assert typo != word or typo[0] == word[0]
        assert typo[0] == word[0]
        assert abs(len(typo) - len(word)) <= 1


def test_typos_leave_names_numbers_and_days_alone() -> None:
    subject = made_up("Madrid to Lisbon on Monday at seven, book with Hanna from accounting.")
    for query in written("typos", subject):
        assert all(word in query for word in ("Madrid", "Lisbon", "Monday", "seven", "Hanna"))


def test_what_is_quoted_or_code_stays() -> None:
    subject = made_up("please explain ```print(total)\nwhile true``` and [alpha, 12 days] and 'some words' to everyone")
    for name in ("typos", "casing", "formats"):
        for query in written_or_none(name, subject.query):
            kept = ("```print(total)\nwhile true```", "[alpha, 12 days]", "'some words'")
            assert all(text in query for text in kept)


def test_no_typo_makes_another_word_of_the_suite() -> None:
    subject = made_up("send the form from here", tools=(tool("send_form", "", "Sends a form; hire a sander, too."),))
    queries = written("typos", subject)
    assert queries
    assert not any({"hire", "form"} & {*query.split()[-2:]} for query in queries)


def test_casing_knows_the_whole_query_and_single_words() -> None:
    subject = made_up("tell us about F-10482 please", [call("get", order="F-10482")])
    queries = written("casing", subject)
    assert {"TELL us ABOUT F-10482 PLEASE", "Tell us about F-10482 please", "tell us ABOUT F-10482 please"} <= queries
    assert not any("US" in query.split() for query in queries)


def test_marks_are_dropped_and_doubled_but_not_between_values() -> None:
    subject = made_up("Where's Anna, Berlin, and my parcel, please?", [call("get", name="Anna", city="Berlin")])
    queries = written("punctuation", subject)
    assert "Where's Anna, Berlin, and my parcel please?" in queries
    assert "Wheres Anna, Berlin, and my parcel, please?" in queries
    assert {query[-2:] for query in queries} >= {"se", "??", "?!", "e…"}
    assert all("Anna, Berlin" in query for query in queries)


@pytest.mark.parametrize("name", ["politeness", "filler"])
def test_nothing_is_put_beside_a_value_that_might_take_it_in(name: str) -> None:
    subject = made_up("Text Ben saying I am late", [call("text", to="Ben", body="I am late")])
    assert all(query.endswith("saying I am late") for query in written(name, subject, 80))


@pytest.mark.parametrize("name", ["politeness", "filler"])
def test_a_query_that_is_a_value_as_a_whole_has_no_room(name: str) -> None:
    subject = made_up("where does it hurt", [call("ask", question="where does it hurt")])
    with pytest.raises(NotApplicable, match="nothing but a value"):
        RELATIONS[name].edits(subject)


def test_a_command_is_asked_for_politely() -> None:
    queries = written("politeness", made_up("Book a table."))
    assert {"Please book a table.", "Could you please book a table.", "Hello! Book a table."} <= queries
    assert not any(query.lower().count("please") > 1 for query in written("politeness", made_up("Please go.")))


@pytest.mark.parametrize(
    ("query", "forms"),
    [
        ("pay 1000 euros", {"pay 1,000 euros", "pay one thousand euros", "pay 1000 EUR"}),
        ("pay one thousand euros", {"pay 1000 euros", "pay 1,000 euros"}),
        ("run 5 km", {"run 5 kilometres", "run 5 kilometers", "run five km"}),
        ("run 5km", {"run 5 kilometres", "run 5 kilometers"}),
        ("at 2 pm", {"at 14:00"}),
        ("at 2:30 p.m. today", {"at 14:30 today"}),
        ("at 14:05", {"at 2:05 pm", "at 2:05pm"}),
        ("by 09:00", {"by 9 am", "by 9am"}),
        ("on 2026-05-01", {"on 1 May 2026", "on May 1, 2026"}),
        ("on May 1, 2026", {"on 1 May 2026", "on 2026-05-01"}),
        ("on the 2nd of March", {"on 2 March", "on March 2"}),
        ("on 3 October", {"on October 3", "on the 3rd of October"}),
    ],
)
def test_formats_say_the_same(query: str, forms: set[str]) -> None:
    assert forms <= written("formats", made_up(query))


@pytest.mark.parametrize(
    "query",
    [
        *("order 1000", "call +49 151 5550117", "room 12", "on 04/05", "at 12 pm", "between 2 and 3 pm", "2-3 pm"),
        *("half past 2 pm", "from 3 to 5 May", "May 3-5", "one of them", "version 2.10", "1:30 long", "a 16:10 screen"),
        *("F-1000", "#1000", "31 February 2026", "on 2026-13-01", "that one", "€5", "three-day trip"),
    ],
)
def test_formats_leave_what_might_be_read_otherwise(query: str) -> None:
    with pytest.raises(NotApplicable, match="no number, unit, time or date"):
        RELATIONS["formats"].edits(made_up(query))


def test_a_number_is_rewritten_where_the_chain_has_it_as_a_number() -> None:
    assert "send twelve of them" in written("formats", made_up("send 12 of them", [call("send", count=12)]))
    for arguments in ({"order_id": 12}, {"count": 13}, {"count": "12"}, {"count": True}):
        with pytest.raises(NotApplicable):
            RELATIONS["formats"].edits(made_up("send 12 of them", [call("send", **arguments)]))


def test_a_copied_date_is_rewritten_only_where_its_form_is_settled() -> None:
    for form, applies in (("date", True), (None, False)):
        schema = {"type": "string"} | ({"format": form} if form else {})
        subject = made_up("go on 2026-05-01", [call("go", day="2026-05-01")], tools=(tool("go", "day", day=schema),))
        if applies:
            assert "go on 1 May 2026" in written("formats", subject)
        else:
            with pytest.raises(NotApplicable):
                RELATIONS["formats"].edits(subject)


def test_a_unit_that_the_chain_names_keeps_its_name() -> None:
    with pytest.raises(NotApplicable):
        RELATIONS["formats"].edits(made_up("it weighs 20.5 kg", [call("weigh", unit="kg")]))


@given(st.integers(0, 23), st.integers(0, 59))
def test_clocks_agree(hour: int, minute: int) -> None:
    shown = f"{hour:02}:{minute:02}"
    forms = [rewrite.text for rewrite in _clocks(f"at {shown}")]
    assert bool(forms) == (hour not in (0, 12))
    for form in forms:
        pattern = "%I:%M%p" if ":" in form else "%I%p"
        assert datetime.strptime(form.replace(" ", ""), pattern).strftime("%H:%M") == shown  # noqa: DTZ007
        assert [rewrite.text for rewrite in _clocks(form)] == [shown]


@pytest.mark.parametrize(
    ("query", "other"),
    [
        ("Can you book a table?", "Could you book a table?"),
        ("Book a table.", "I need you to book a table."),
        ("Please book a table.", "Book a table."),
        ("I want to send it back.", "I'd like to send it back."),
        ("I’d like to send it back.", "I want to send it back."),
        ("I don't know.", "I do not know."),
        ("What is new here?", "What's new here?"),
        ("Cancel the trip.", "Call off the trip."),
        ("Call me soon.", "Phone me soon."),
    ],
)
def test_phrases_are_exchanged_for_equal_ones(query: str, other: str) -> None:
    assert other in written("phrasing", made_up(query))


@pytest.mark.parametrize(
    "query",
    [
        *(
            "Order 12 is late.",
            "Isn't it late?",
            "Tell where it is, will you",
            "Is the call centre open?",
            "Cancellations",
        ),
        *('Write "I am" there', "What do I have to pay"),
    ],
)
def test_phrases_that_would_mean_something_else_stay(query: str) -> None:
    for said in written_or_none("phrasing", query):
        assert not re.search(r"lease order|Is not it|where it's|purchase order|\"I'm\"|do I've", said)


def written_or_none(name: str, query: str) -> set[str]:
    try:
        return written(name, made_up(query))
    except NotApplicable:
        return set()


def test_texts_that_somebody_wrote_take_the_place_of_the_query() -> None:
    subject = made_up("Where is F-10482?", [call("track", order="F-10482")])
    relation = phrased(
        {subject.case.id: ["Track F-10482 for me", "Where is it?", "Where is F-10482?", " "], "b": ["x"]}
    )
    assert relation.name == "phrasing"
    by_rules = written_or_none("phrasing", "Where is F-10482?")
    assert written(relation, subject) - by_rules == {"Track F-10482 for me"}


def test_without_a_text_of_a_model_the_rules_are_left() -> None:
    with pytest.raises(NotApplicable, match="no phrase that the rules know"):
        phrased({}).edits(made_up("Order 12 is late."))


def test_small_talk_comes_before_everything_but_the_system_prompt() -> None:
    system, query = Message("system", "Be kind."), Message("user", "Where is it?")
    subject = made_up(Case(id="one", conversation=(system, query)))
    longer = find(RELATIONS["context"].variants(subject), lambda variant: len(variant.conversation) > 2)
    assert longer.conversation[0] == system
    assert [one.role for one in longer.conversation[1:]] == ["user", "assistant", "user"]
    assert longer.conversation[-1] == query


def test_small_talk_is_about_nothing_that_the_tools_do() -> None:
    tools = (tool("tune_piano", "", "Tunes a piano; also for a cat, a quiz or a novel."),)
    subject = made_up("Where is it?", tools=tools)
    for variant in drawn("context", subject):
        said = " ".join(message.content for message in variant).lower()
        assert not {"piano", "cat", "quiz", "novel"} & {*parts(said)}


def drawn(name: str, subject: Subject) -> list[tuple[Message, ...]]:
    found = []

    @settings(max_examples=60, database=None, derandomize=True)
    @given(RELATIONS[name].variants(subject))
    def collect(variant: Case) -> None:
        found.append(variant.conversation)

    collect()
    return found


def test_the_simplest_edits_come_first() -> None:
    subject = made_up("Please show me all the flights, if you can.")
    assert len(simplest("typos", subject, lambda query: query != subject.query)) == 1
    assert len(simplest("typos", subject, lambda query: "flights" not in query)) == 1
    assert simplest("casing", subject, lambda query: query != subject.query) == (Rewrite(0, 6, "please"),)


def test_edits_that_meet_are_never_drawn_together() -> None:
    @given(RELATIONS["phrasing"].edits(made_up("I'd like to know what is new, I don't want to call off anything.")))
    def holds(edits: tuple[Rewrite, ...]) -> None:
        ordered = sorted(edits, key=lambda one: one.start)
        assert all(one.end <= other.start for one, other in itertools.pairwise(ordered))

    holds()
