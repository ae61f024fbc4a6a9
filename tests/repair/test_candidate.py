"""Candidates and prompts become each other, and a suite's cases fall into the same parts whatever comes beside them."""

from __future__ import annotations

import string

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.prompt import Example, Prompt, ToolTexts, parameters
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.suite import Split, Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.repair.candidate import Components, changed_components, example_ids, with_examples
from pytest_toolmatch.repair.examples import example_of
from pytest_toolmatch.repair.parts import LEAST, part_of, parts_of

WHEN = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "description": "A day."},
        "slots": {"type": "array", "items": {"type": "object", "properties": {"hour": {"type": "integer"}}}},
    },
}
SUITE = Suite(
    name="desk",
    cases=(case_of_query("Book it.", id="book"),),
    tools=(Tool(name="book", description="Book.", parameters=WHEN), Tool(name="look:up", description="Look.")),
    instructions="You help.",
)
EXAMPLES = {
    name: Example(conversation=(*user(f"Do {name}."), Message("assistant", "Done.")), case=name) for name in ("a", "b")
}
texts = st.text(max_size=20)
prompts = st.builds(
    Prompt,
    instructions=st.none() | texts,
    tools=st.dictionaries(
        st.just("book"),
        st.builds(
            ToolTexts,
            description=st.none() | texts,
            parameters=st.dictionaries(st.sampled_from(("day", "slots", "slots[].hour")), texts),
        ),
    )
    | st.dictionaries(st.just("look:up"), st.builds(ToolTexts, description=st.none() | texts)),
    examples=st.lists(st.sampled_from(sorted(EXAMPLES)), unique=True).map(
        lambda names: tuple(EXAMPLES[name] for name in names)
    ),
)


def described(prompt: Prompt) -> list[tuple[str, dict[str, str]]]:
    """Return what a model reads of the tools; a description that is empty is as good as none."""
    return [(tool.description, dict(parameters(tool))) for tool in prompt.describe(SUITE.tools)]


def test_every_text_is_a_component() -> None:
    components = Components(SUITE)
    assert components.start == {
        "instructions": "You help.",
        "tool:book": "Book.",
        "tool:book:day": "A day.",
        "tool:book:slots": "",
        "tool:book:slots[].hour": "",
        "tool:look:up": "Look.",
        "examples": "[]",
    }
    assert components.of_tool("look:up") == ["tool:look:up"]
    assert components.prompt(components.start) == Prompt()


@given(prompts)
def test_a_prompt_comes_back_from_its_candidate_but_for_what_the_suite_says_itself(prompt: Prompt) -> None:
    components = Components(SUITE, EXAMPLES)
    candidate = components.candidate(prompt)
    assert components.candidate(components.prompt(candidate)) == candidate
    told = components.prompt(candidate)
    assert described(told) == described(prompt)
    assert told.examples == prompt.examples
    assert (SUITE.instructions if told.instructions is None else told.instructions) == candidate["instructions"]
    assert set(changed_components(components.own, candidate)) == {
        name for name in candidate if candidate[name] != components.own[name]
    }


@given(prompts)
def test_what_a_student_is_told_today_is_where_a_repair_starts(prompt: Prompt) -> None:
    components = Components(msgspec.structs.replace(SUITE, student=prompt), {})
    assert described(components.prompt(components.start)) == described(prompt)
    assert components.prompt(components.start).examples == prompt.examples
    assert example_ids(with_examples(components.start, ["a"])) == ["a"]


@given(st.lists(st.tuples(st.sampled_from(("", "a", "a (2)", "example 2")), texts), max_size=5))
def test_a_case_may_have_several_examples(several: list[tuple[str, str]]) -> None:
    told = [(case, (*user("Do it."), Message("assistant", said))) for case, said in several]
    examples = tuple(Example(conversation=messages, case=case) for case, messages in told)
    components = Components(msgspec.structs.replace(SUITE, student=Prompt(examples=examples)))
    assert components.prompt(components.start).examples == examples


def test_a_training_case_becomes_an_example_of_real_calls() -> None:
    sample = Sample(
        case="c",
        role="teacher",
        draw=0,
        outcome="called",
        chain=((Call("book", {"day": "mon"}), Call("look:up")),),
        text=" Booked. ",
        replies=(("ok",),),
    )
    made = example_of(case_of_query("Book.", id="c"), sample, {"look:up": Tool(name="look:up", returns={"const": 7})})
    assert made == Example(
        case="c",
        conversation=(
            *user("Book."),
            Message("assistant", calls=sample.chain[0]),
            Message("tool", "ok", name="book"),
            Message("tool", "7", name="look:up"),
            Message("assistant", "Booked."),
        ),
    )
    assert not list(Prompt(examples=(made,)).faults(()))


words = st.lists(st.text(string.ascii_lowercase, min_size=3, max_size=8), min_size=2, max_size=5).map(" ".join)
queries = st.lists(words, min_size=10, max_size=40, unique=True)


def suite_of(said: list[str], split: Split | None = None) -> Suite:
    return Suite(name="s", cases=tuple(Case(id=f"c{i}", conversation=user(q)) for i, q in enumerate(said)), split=split)


@given(queries, st.integers(0, 5))
def test_parts_have_all_cases_once_and_stay_where_they_are(said: list[str], more: int) -> None:
    try:
        parts = parts_of(suite_of(said))
    except ConfigError as error:
        assert "no validation part is possible" in str(error)  # noqa: PT017 - a suite of near-duplicates only
        assume(False)
    by_part = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    assert sorted(case.id for own in by_part.values() for case in own) == sorted(f"c{i}" for i in range(len(said)))
    assert all(len({parts.groups[case.id] for case in own}) >= LEAST[part] for part, own in by_part.items())
    # Kept in the suite, the split says the same, also beside cases that are like none of them.
    later = suite_of([*said, *(f"UNLIKE{i}" for i in range(more))], parts.split)
    again = parts_of(later)
    assert [case.id for case in again.test if int(case.id[1:]) < len(said)] == [case.id for case in parts.test]


def test_near_duplicates_are_in_one_part() -> None:
    said = [f"{verb} order {number} for my neighbour" for number in range(3) for verb in "abcdefghijklmnopqrst"]
    parts = parts_of(suite_of(said))
    by_verb = {case.query[0]: part_of(case.query, parts.split) for case in parts.test}
    assert {case.query[0] for case in parts.test}.isdisjoint(
        {case.query[0] for case in (*parts.train, *parts.validation)}
    )
    assert len(by_verb) * 3 == len(parts.test)


@pytest.mark.parametrize(
    ("said", "split", "message"),
    [
        (["one", "two"], None, "2 cases can be used, and a repair needs at least 10"),
        ([f"Track parcel {n}" for n in range(20)], None, "no validation part is possible: its 20 cases are 1 groups"),
        (
            [f"{n}x" * 3 for n in "abcdefghijklmnopqrstuvw"],
            Split(validation=1e-6),
            "the validation part has 0 cases that are no",
        ),
    ],
)
def test_what_can_not_be_split_is_said(said: list[str], split: Split | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parts_of(suite_of(said, split))
