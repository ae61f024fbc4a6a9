"""Every sample is a row, or counted with the reason why it is none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.recorded.parted import Parted
from pytest_toolmatch.recorded.reading import Recorded, usable
from pytest_toolmatch.recorded.rows import Rows

if TYPE_CHECKING:
    from types import FrameType

    from pytest_toolmatch.suites.exporters.row import Row, Unit

TOOLS = (Tool(name="find", parameters={"type": "object", "properties": {"to": {"type": "string"}}}), Tool(name="book"))
CASE = Case(id="trip", conversation=(*user("Hi."), Message("assistant", "Hello!", native={"provider": "x"})))
SUITE = Suite(name="trips", cases=(CASE,), tools=TOOLS)

calls = st.builds(
    Call, st.sampled_from(["find", "book", "fly"]), st.sampled_from([None, {}, {"to": "Rome"}, {"to": 5}, "{to"])
)
steps = st.lists(calls, min_size=1, max_size=2).map(tuple)
chains = st.lists(steps, max_size=3).map(tuple)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Sample, ...]:
    some = draw(st.lists(chains, min_size=1, max_size=2))
    alternative = draw(st.booleans()) and draw(st.booleans())
    found = []
    for number in range(draw(st.integers(1, 5))):
        chain = draw(st.sampled_from(some))
        known = draw(st.integers(0, len(chain)))
        replies = tuple(tuple(f"{number}.{place}" for _ in step) for place, step in enumerate(chain[:known]))
        fields: dict[str, Any] = {"outcome": draw(st.sampled_from(["called", "called", "answered", "truncated"]))}
        fields |= {"text": draw(st.sampled_from(["", " ", "Done."])), "alternative": alternative}
        found.append(Sample(case="trip", role="teacher", draw=number, chain=chain, replies=replies, **fields))
    return tuple(found)


def made(samples: tuple[Sample, ...], unit: Unit) -> tuple[list[Row], Rows]:
    rows = Rows(unit)
    return list(rows.of(Parted(Recorded(SUITE, CASE, TOOLS, samples), "g", "train"), 7)), rows


@given(drawn())
def test_every_usable_sample_is_a_row_or_counted(samples: tuple[Sample, ...]) -> None:
    found, rows = made(samples, "sample")
    assert len(found) + sum(rows.left.values()) == len(usable(samples))
    assert {noun for noun, _ in rows.left} <= {"sample"}
    assert all(row.support == 1 for row in found)


@given(drawn())
def test_a_case_has_one_row_at_most(samples: tuple[Sample, ...]) -> None:
    found, rows = made(samples, "case")
    assert len(found) <= 1
    assert found or rows.left or not usable(samples)
    assert all(1 <= row.support <= row.draws == len(samples) for row in found)


@given(drawn())
def test_a_row_holds_what_its_sample_does_and_ends_with_the_teacher(samples: tuple[Sample, ...]) -> None:
    for row in made(samples, "sample")[0]:
        sample = next(one for one in samples if one.draw == row.draw)
        assert (row.chain, row.text, row.number, row.part) == (sample.chain, sample.text, 7, "train")
        said = row.said
        assert tuple(one.calls for one in said if one.calls) == sample.chain
        assert [one.content for one in said if one.role == "assistant" and one.content] == [sample.text.strip()] * bool(
            sample.text.strip()
        )
        assert row.is_silent or said[-1].role == "assistant"
        told = [one.content for one in said if one.role == "tool"]
        known = [text for texts in sample.replies for text in texts]
        assert told[: len(known)] == known[: len(told)]
        assert all(one.native is None for one in row.conversation)


def compiled(unit: Unit, cases: list[tuple[Suite, tuple[Tool, ...], tuple[Sample, ...]]]) -> int:
    """Return how many matchers are made for the rows of some cases."""
    rows, count = Rows(unit), 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code is Matcher.__init__.__code__

    sys.setprofile(note)
    try:
        for suite, tools, samples in cases:
            assert list(rows.of(Parted(Recorded(suite, CASE, tools, samples), "g", "train"), 7))
    finally:
        sys.setprofile(None)
    return count


def test_one_matcher_compares_the_calls_of_a_suite_and_none_where_all_replies_are_known() -> None:
    chain = ((Call("find", {"to": "Rome"}),), (Call("find"),))
    known, lost = (
        (Sample(case="trip", role="teacher", draw=0, outcome="called", chain=chain, replies=replies, text="Done."),)
        for replies in ((("7",), ("8",)), (("7",),))
    )
    other = Suite(name="other", tools=TOOLS, rules=Rules(match="names"))
    assert compiled("sample", [(SUITE, TOOLS, known)] * 3) == 0
    assert compiled("sample", [(SUITE, TOOLS, lost)] * 3) == 1
    assert compiled("case", [(SUITE, TOOLS, lost)] * 3) == 1
    assert compiled("case", [(SUITE, TOOLS, known), (other, TOOLS, known), (SUITE, TOOLS, lost)]) == 2
    assert compiled("case", [(SUITE, (TOOLS[0], tool), known) for tool in (TOOLS[1], Tool(name="book"))]) == 2
