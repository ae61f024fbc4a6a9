from __future__ import annotations

import string
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, Role, user
from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.prompt import Example, Prompt, ToolTexts
from pytest_toolmatch.core.rollout import Rollout, RolloutMode
from pytest_toolmatch.core.rules import Arguments, Mode, Override, Reference, Rules
from pytest_toolmatch.core.suite import Split, Suite
from pytest_toolmatch.core.tool import Effect, Tool
from pytest_toolmatch.judging.demands import faults_of
from pytest_toolmatch.suites.writer import write_suite
from pytest_toolmatch.suites.yaml_file import read_suite

words = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=12)
texts = st.text(max_size=40)
said = st.text(min_size=1, max_size=40)
shares = st.floats(0.01, 1)
schemas = st.none() | st.builds(
    lambda names: {"type": "object", "properties": {name: {"type": "string"} for name in names}},
    st.lists(texts, max_size=3, unique=True),
)
tools = st.lists(
    st.builds(
        Tool,
        name=words,
        description=texts,
        parameters=schemas,
        effect=st.sampled_from((None, *get_args(Effect))),
        reply=st.none() | texts | st.lists(st.integers(), max_size=2),
        execute=st.booleans(),
        returns=schemas,
    ),
    max_size=3,
    unique_by=lambda tool: tool.name.rpartition("__")[2],
)
messages = st.builds(
    Message,
    role=st.sampled_from(get_args(Role)),
    content=texts,
    calls=st.lists(st.builds(Call, words, st.none() | st.dictionaries(words, texts)), max_size=2).map(tuple),
    name=texts,
    reply_to=texts,
)
cases = st.lists(
    st.builds(
        Case,
        id=st.text(min_size=1, max_size=40).filter(str.isprintable),
        conversation=said.map(user) | st.lists(messages, min_size=2, max_size=3).map(tuple),
        tags=st.lists(texts, max_size=2).map(tuple),
        tools=st.none() | tools.map(tuple),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda case: case.id,
)
overrides = st.builds(Override, ignore=st.just(value=True)) | st.builds(Override, tolerance=shares)
rules = st.builds(
    Rules,
    match=st.sampled_from(get_args(Mode)),
    arguments=st.sampled_from(get_args(Arguments)),
    reference=st.sampled_from(get_args(Reference)),
    effect=st.sampled_from((None, "read", "write")),
    overrides=st.dictionaries(words, st.dictionaries(words, overrides, min_size=1, max_size=2), max_size=2),
    min_consensus=shares,
    min_support=st.integers(1, 5),
)
rollouts = st.builds(
    Rollout,
    mode=st.sampled_from(get_args(RolloutMode)),
    max_steps=st.integers(1, 99),
    max_retries=st.integers(0, 9),
    timeout=st.floats(0.1, 900),
)
prompts = st.builds(
    Prompt,
    instructions=st.none() | texts,
    tools=st.dictionaries(words, st.builds(ToolTexts, description=st.none() | texts), max_size=2),
    examples=st.lists(
        st.builds(
            lambda query, said, case: Example(conversation=(*user(query), Message("assistant", said)), case=case),
            said,
            said,
            texts,
        ),
        max_size=2,
    ).map(tuple),
)
splits = st.builds(Split, seed=st.integers(0, 9), test=st.floats(0.1, 0.5), validation=st.floats(0.1, 0.4))
suites = st.builds(
    Suite,
    student=st.none() | prompts.filter(lambda prompt: prompt != Prompt()),  # which says nothing
    split=st.none() | splits,
    rollout=rollouts,
    name=words,
    cases=cases.map(tuple),
    tools=tools.map(tuple),
    instructions=texts,
    rules=rules,
    gates=st.lists(st.sampled_from(("chain_match >= 0.9", "cost < 1.5")), max_size=2).map(tuple),
    chain_match=st.none() | shares,
    divergence=st.sampled_from((None, "fail", "xfail")),
)
FLIGHTS = Suite(
    name="flights",
    cases=(case_of_query("To Rome", id="rome"),),
    tools=(Tool(name="search", description="Find flights.", effect="read"),),
    instructions="You are a travel assistant.\nBe brief.\n",
    gates=("chain_match >= 0.9",),
)


def placeless(suite: Suite) -> Suite:
    """Return the suite without what only its files know."""
    bare: Any = tuple(msgspec.structs.replace(case, where="") for case in suite.cases)
    return msgspec.structs.replace(suite, cases=bare, where="", recordings=None)


@given(suites)
def test_a_suite_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, suite: Suite) -> None:
    assume(not list(faults_of(suite)))  # such a suite is refused when it is read
    path = write_suite(suite, tmp_path_factory.mktemp("suites"))
    assert placeless(read_suite(path)) == placeless(suite)


def test_a_suite_is_three_files_that_a_person_can_read(tmp_path: Path) -> None:
    path = write_suite(FLIGHTS, tmp_path / "new" / "flights")
    assert {one.name for one in path.parent.iterdir()} == {
        "flights.toolmatch.yaml",
        "flights.tools.json",
        "flights.cases.jsonl",
    }
    assert path.read_text() == (
        "instructions: |\n  You are a travel assistant.\n  Be brief.\ntools: flights.tools.json\n"
        "effects:\n  search: read\nmatch: ordered\narguments: schema\ngates:\n- chain_match >= 0.9\n"
        "recordings: recordings/flights\ncases: flights.cases.jsonl\n"
    )
    assert (path.parent / "flights.cases.jsonl").read_text() == '{"id":"rome","query":"To Rome"}\n'


def test_recordings_lie_beside_the_suite(tmp_path: Path) -> None:
    assert read_suite(write_suite(FLIGHTS, tmp_path)).recordings == tmp_path / "recordings" / "flights"


@pytest.mark.parametrize("taken", ["flights.toolmatch.yaml", "flights.tools.json", "flights.cases.jsonl"])
def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(SuiteError, match=rf"{tmp_path / taken} exists already: choose another directory"):
        write_suite(FLIGHTS, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "mine"


def test_a_directory_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuiteError, match=rf"can't write to {tmp_path / 'file'}: .*; choose another directory"):
        write_suite(FLIGHTS, tmp_path / "file")


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", denied)
    with pytest.raises(SuiteError, match=rf"can't write to {tmp_path}: Permission denied; choose another directory"):
        write_suite(FLIGHTS, tmp_path)
