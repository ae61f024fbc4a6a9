"""Every relation over real questions with their real schemas: nothing falls over, and what must hold holds."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.fuzzing.relation import NotApplicable
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.relations.words import leaves, places
from pytest_toolmatch.fuzzing.variant import Subject, Variant
from pytest_toolmatch.suites.importers import read_log
from pytest_toolmatch.suites.importers.assemble import assemble
from pytest_toolmatch.suites.importers.source import Source
from tests.realdata.test_importers import DATA

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real logs: {DATA} is absent")

EVERY = 12
TEXT = ("typos", "casing", "punctuation", "politeness", "filler", "formats", "phrasing", "context")


@cache
def subjects() -> tuple[Subject, ...]:
    """Return every twelfth case of BFCL with the answer that counts as right, where there is one."""
    found = []
    for suite in assemble("real", read_log("bfcl", [Source.parse(str(DATA / "bfcl_v4"))])).suites:
        right = {sample.case: sample.chain for sample in reversed(suite.samples.get("reference", ()))}
        for case in suite.cases[::EVERY]:
            tools = suite.tools if case.tools is None else case.tools
            found.append(Subject(case=case, tools=tools, chain=right.get(case.id)))
    return tuple(found)


def applicable(name: str) -> list[Subject]:
    found = []
    for subject in subjects():
        try:
            RELATIONS[name].edits(subject)
        except NotApplicable:
            continue
        found.append(subject)
    return found


@pytest.mark.parametrize("name", [name for name in RELATIONS if name != "injection"])
def test_relations_hold_on_real_questions(name: str) -> None:
    usable = applicable(name)
    assert len(usable) >= len(subjects()) / 25

    @settings(max_examples=100, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(usable).flatmap(RELATIONS[name].variants))
    def holds(variant: Variant) -> None:
        subject = variant.subject
        assert (variant.conversation, variant.tools) != (subject.case.conversation, subject.case.tools)
        if name in TEXT:
            for text in {leaf.value for leaf in leaves(subject) if isinstance(leaf.value, str)}:
                said = {span.text for span in places(text, variant.query)}
                assert {span.text for span in places(text, subject.query)} <= said
        if variant.must == "mapped":
            old, new = ArgumentValidator(subject.tools), ArgumentValidator(variant.tools or subject.tools)
            pairs = zip(calls_of(subject.chain or ()), calls_of(variant.chain or ()), strict=True)
            assert all(new.valid(after) or not old.valid(before) for before, after in pairs)

    holds()
