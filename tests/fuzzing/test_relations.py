"""What every relation keeps to, over the cases of the example suites."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.core.validation import ArgumentValidator, check_schema
from pytest_toolmatch.fuzzing.edits import AnyEdit, Rewrite
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.relations.words import leaves
from pytest_toolmatch.fuzzing.variant import Subject, Variant, made
from tests.fuzzing.subjects import example_subjects

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SUITES = ("flights", "support")
MUST = {
    **dict.fromkeys(("typos", "casing", "punctuation", "politeness", "filler", "formats"), "same"),
    **dict.fromkeys(("phrasing", "context", "tool_order", "distractors", "injection"), "same"),
    **dict.fromkeys(("tool_names", "parameter_names", "enum_values", "entities"), "mapped"),
    **dict.fromkeys(("missing_value", "no_tool"), "abstain"),
    **dict.fromkeys(("ambiguity", "overlap"), "teacher"),
}
TEXT = [
    name for name, must in MUST.items() if must == "same" and name not in ("tool_order", "distractors", "injection")
]
APPLIES = {
    "typos": (43, 45),
    "casing": (43, 47),
    "punctuation": (43, 47),
    "politeness": (43, 47),
    "filler": (43, 47),
    "formats": (13, 4),
    "phrasing": (17, 22),
    "context": (43, 47),
    "tool_order": (43, 47),
    "distractors": (43, 47),
    "injection": (28, 36),
    "tool_names": (43, 47),
    "parameter_names": (31, 36),
    "enum_values": (15, 23),
    "entities": (11, 26),
    "missing_value": (8, 24),
    "no_tool": (27, 30),
    "ambiguity": (11, 27),
    "overlap": (31, 36),
}
"""For how many of the 43 cases of ``flights`` and of the 47 of ``support`` each relation has something to change."""


def applicable(relation: Relation, suite: str) -> list[Subject]:
    found = []
    for subject in example_subjects(suite):
        with contextlib.suppress(NotApplicable):
            relation.edits(subject)
            found.append(subject)
    return found


def variants(name: str) -> SearchStrategy[Variant]:
    relation = RELATIONS[name]
    subjects = [subject for suite in SUITES for subject in applicable(relation, suite)]
    return st.sampled_from(subjects).flatmap(relation.variants)


def prompt(variant: Variant) -> tuple[object, ...]:
    return variant.conversation, [(tool.shown(), tool.answering()) for tool in variant.tools or variant.subject.tools]


def test_relations_come_in_their_order() -> None:
    assert {name: one.must for name, one in RELATIONS.items()} == MUST
    assert list(RELATIONS) == list(MUST)
    assert [one.name for one in RELATIONS.values()] == list(MUST)


@pytest.mark.parametrize("name", RELATIONS)
def test_how_many_cases_of_the_example_suites_each_relation_applies_to(name: str) -> None:
    assert tuple(len(applicable(RELATIONS[name], suite)) for suite in SUITES) == APPLIES[name]


@pytest.mark.parametrize("name", RELATIONS)
def test_every_variant_is_well_formed_and_another_prompt(name: str) -> None:
    @settings(max_examples=40)
    @given(variants(name))
    def holds(variant: Variant) -> None:
        assert variant.edits
        assert variant.query.strip()
        parent = made(variant.subject, name, variant.must, ())
        assert prompt(variant) != prompt(parent)
        well_formed(variant)

    holds()


@pytest.mark.parametrize("name", RELATIONS)
def test_every_edit_counts_and_any_may_be_left_out(name: str) -> None:
    @settings(max_examples=30)
    @given(variants(name), st.data())
    def holds(variant: Variant, data: st.DataObject) -> None:
        left = data.draw(st.lists(st.sampled_from(variant.edits), unique_by=id))
        some = made(variant.subject, name, variant.must, [one for one in variant.edits if one in left])
        well_formed(some)
        without = [made(variant.subject, name, variant.must, rest) for rest in all_but_one(variant.edits)]
        assert prompt(variant) not in [prompt(one) for one in without]

    holds()


@pytest.mark.parametrize("name", RELATIONS)
def test_the_same_choices_make_the_same_variant(name: str) -> None:
    @settings(max_examples=10)
    @given(variants(name))
    def holds(variant: Variant) -> None:
        again = made(variant.subject, name, variant.must, variant.edits)
        assert (again.id, again.conversation, again.chain) == (variant.id, variant.conversation, variant.chain)
        assert variant.id.startswith(f"{variant.subject.case.id}~{name}-")

    holds()


@pytest.mark.parametrize("name", TEXT)
def test_what_the_chain_copies_stays_letter_for_letter(name: str) -> None:
    @settings(max_examples=50)
    @given(variants(name))
    def holds(variant: Variant) -> None:
        subject = variant.subject
        texts = {leaf.value for leaf in leaves(subject) if isinstance(leaf.value, str)}
        for text in texts:
            whole = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")
            assert len(whole.findall(variant.query)) >= len(whole.findall(subject.query))
        assert variant.chain == subject.chain
        assert variant.tools == subject.case.tools

    holds()


@pytest.mark.parametrize("name", [name for name, must in MUST.items() if must == "mapped"])
def test_mapped_chains_satisfy_the_tools_that_are_on_offer(name: str) -> None:
    @settings(max_examples=50)
    @given(variants(name))
    def holds(variant: Variant) -> None:
        check = ArgumentValidator(variant.tools or variant.subject.tools)
        assert [check.problem(call) for call in calls_of(variant.chain or ())].count(None) == len(
            calls_of(variant.subject.chain or ())
        )

    holds()


@pytest.mark.parametrize("name", RELATIONS)
def test_edits_are_plain_values(name: str) -> None:
    @settings(max_examples=10)
    @given(variants(name))
    def holds(variant: Variant) -> None:
        if not any(tool.implementation for tool in variant.subject.tools):
            text = msgspec.json.encode(variant.edits)
            assert msgspec.json.decode(text, type=tuple[AnyEdit, ...]) == variant.edits

    holds()


@pytest.mark.parametrize("name", RELATIONS)
def test_variants_are_few_edits_long(name: str) -> None:
    most = {"casing": 40, "distractors": 8, "context": 3, "entities": 3}.get(name, 4)

    @settings(max_examples=10)
    @given(variants(name))
    def holds(variant: Variant) -> None:
        assert len(variant.edits) <= most
        assert all(0 <= one.start <= one.end for one in variant.edits if isinstance(one, Rewrite))

    holds()


@pytest.mark.parametrize("name", RELATIONS)
def test_nothing_to_change_is_said_in_one_line(name: str) -> None:
    from pytest_toolmatch.core.case import case_of_query  # noqa: PLC0415

    with pytest.raises(NotApplicable, match=r"^[^\n]+$"):
        RELATIONS[name].edits(Subject(case=case_of_query(" ", id="empty"), chain=()))


def all_but_one(edits: tuple[object, ...]) -> list[tuple[object, ...]]:
    return [(*edits[:at], *edits[at + 1 :]) for at in range(len(edits))]


def well_formed(variant: Variant) -> None:
    tools = variant.tools or variant.subject.tools
    names = [tool.name for tool in tools]
    assert len({*names}) == len(names)
    for tool in tools:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tool.name)
        check_schema(tool)
    assert not any("  " in line for line in variant.query.splitlines())
