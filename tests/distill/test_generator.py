from __future__ import annotations

import itertools
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from pytest_toolmatch.core.validation import ArgumentValidator, check_schema
from pytest_toolmatch.distill.examples import KINDS, Example
from pytest_toolmatch.distill.generator import everyday, generate
from pytest_toolmatch.distill.generator.dice import Dice
from pytest_toolmatch.distill.generator.drills import answers, verbs
from pytest_toolmatch.distill.generator.endings import no_call
from pytest_toolmatch.distill.generator.several import ask_both_anew
from pytest_toolmatch.distill.generator.toolbox import some_plan
from pytest_toolmatch.distill.generator.vocabulary import COMMON, Vocabulary, vocabulary
from pytest_toolmatch.distill.generator.world import World
from tests.distill.evidence import leaves, text_of, without_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.tool import Tool

WORDS = sys.modules[Vocabulary.__module__]
PLAN = {"one": 0.34, "parallel": 0.21, "no_call": 0.12, "missing": 0.08, "done": 0.07}
SEVERAL = 0.20
ANSWERS = ("done", "no_call", "missing")


def some(seed: int, count: int, *, held_out: bool = False) -> list[Example]:
    return list(itertools.islice(generate(seed, held_out=held_out), count))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return some(7, 3000)


@pytest.fixture(scope="module")
def held_out() -> list[Example]:
    return some(7, 1500, held_out=True)


def made_up(examples: list[Example]) -> list[Example]:
    """Return those that are not written by hand, which speak more freely."""
    return [one for one in examples if not one.group.startswith("plain.")]


def test_every_call_satisfies_its_schema(examples: list[Example], held_out: list[Example]) -> None:
    for example in examples + held_out:
        validator = ArgumentValidator(example.tools)
        assert [validator.problem(call) for call in example.calls if not validator.valid(call)] == [], example


def test_every_schema_is_one(held_out: list[Example]) -> None:
    for example in held_out[:300]:
        for tool in example.tools:
            check_schema(tool)


def test_tools_have_names_of_their_own_and_are_one_to_eight(examples: list[Example], held_out: list[Example]) -> None:
    assert all(len({tool.name for tool in one.tools}) == len(one.tools) for one in examples + held_out)
    assert {len(one.tools) for one in held_out} == set(range(1, 9))
    assert {len(one.tools) for one in examples} <= set(range(1, 9))


def test_every_value_is_shown_by_the_conversation(examples: list[Example], held_out: list[Example]) -> None:
    lacking = {one.group: found for one in examples + held_out if (found := without_evidence(one))}
    assert lacking == {}


def test_enum_values_are_said_or_explained(examples: list[Example]) -> None:
    for example in made_up(examples):
        text = re.sub(r"[-_]", " ", text_of(example))
        schemas = {tool.name: tool.parameters or {} for tool in example.tools}
        for call in example.calls:
            for name, value, schema in leaves(call, schemas[call.name]):
                if "enum" in schema and isinstance(value, str):
                    about = _about(schemas[call.name], name)
                    meaning = re.search(rf"{re.escape(value)}: ([\w ]+)", about)
                    words = meaning[1] if meaning else re.sub(r"[-_]", " ", value)
                    assert words.lower() in text, (value, text)


def _about(schema: dict[str, Any], name: str) -> str:
    return str(schema["properties"].get(name, {}).get("description", ""))


def test_only_turns_that_call_have_calls(examples: list[Example]) -> None:
    for example in examples:
        assert bool(example.calls) is (example.kind not in ANSWERS), example
        assert (len(example.calls) > 1) or example.kind != "parallel"
        assert example.conversation[-1].role == ("tool" if example.kind in ("done", "next_of_several") else "user")


def test_a_condition_that_does_not_hold_counts_for_more(examples: list[Example]) -> None:
    looked = [one for one in examples if one.group.startswith("decide.") and one.conversation[-1].role == "tool"]
    replies = [sum(message.role == "tool" for message in one.conversation) for one in looked]
    weights = {(one.kind, count): one.weight for one, count in zip(looked, replies, strict=True)}
    assert weights == {("done", 1): 3.0, ("done", 2): 1.0, ("next_of_several", 1): 1.0}


def test_nothing_to_call_counts_for_more_where_something_seems_to_be_wanted(held_out: list[Example]) -> None:
    weights = {_way(one): one.weight for one in held_out if one.kind == "no_call"}
    assert weights == {"absent": 15.0, "confirm": 60.0, "negated": 15.0, "chitchat": 5.0, "knowledge": 5.0}
    assert {one.weight for one in held_out if one.kind == "missing"} == {2.0}


def _way(example: Example) -> str:
    return example.group.split(".")[0].rstrip("0123456789")


def test_what_is_not_to_be_done_is_no_question() -> None:
    world = World(Dice(5), vocabulary(True))
    made = itertools.chain.from_iterable(no_call(world) for _ in range(1000))
    denied = [one.tools[0] for one in made if _way(one) == "negated" and len(one.tools) == 1]
    spoken = vocabulary(True).verbs
    deeds = {name for form in ("act", "new") for verb in spoken[form] for name in verb.names}
    asked = {name for form in ("tell", "find", "calc") for verb in spoken[form] for name in verb.names} - deeds
    names = [re.sub("[A-Z]", r"_\g<0>", tool.name) for tool in denied]
    tools = [f"_{re.sub('[-.]', '_', name).lower()}_" for name in names]
    assert len(tools) > 5
    assert [tool for tool in tools if any(f"_{name}_" in tool for name in asked)] == []


def test_a_drill_offers_tools_for_one_thing_of_which_at_most_one_does_it() -> None:
    world = World(Dice(5), vocabulary(False))
    made = list(itertools.chain.from_iterable(verbs(world) for _ in range(400)))
    assert Counter(len(one.tools) for one in made).keys() == {1, 2, 3, 4}
    assert 0.3 < sum(not one.calls for one in made) / len(made) < 0.45
    for one in made:
        assert one.kind == ("one" if one.calls else "no_call")
        assert len(one.calls) <= 1
        assert {call.name for call in one.calls} <= {tool.name for tool in one.tools}
        assert len({tool.name for tool in one.tools}) == len(one.tools)


def test_a_drill_has_as_many_yeses_as_noes() -> None:
    world = World(Dice(5), vocabulary(False))
    made = list(itertools.chain.from_iterable(answers(world) for _ in range(300)))
    assert {_way(one) for one in made} == {"confirm"}
    assert 0.4 < sum(bool(one.calls) for one in made) / len(made) < 0.6
    yes, no = (
        {one.conversation[-1].content.lower() for one in made if bool(one.calls) is said} for said in (True, False)
    )
    assert yes.isdisjoint(no)


def test_what_is_held_out_has_kinds_near_the_plan() -> None:
    examples = some(7, 1500, held_out=True)
    share = {kind: count / len(examples) for kind, count in Counter(one.kind for one in examples).items()}
    assert set(share) == set(KINDS)
    assert {kind: share[kind] for kind in PLAN} == pytest.approx(PLAN, abs=0.03)
    assert share["first_of_several"] + share["next_of_several"] == pytest.approx(SEVERAL, abs=0.03)


def test_the_same_seed_says_the_same() -> None:
    assert some(3, 300) == some(3, 300)
    assert some(3, 20) != some(4, 20)


def _lists(value: Any, path: str = "") -> Iterator[tuple[str, set[str]]]:
    for name, items in value.items():
        yield f"{path}{name}", {str(item) for item in items}


def test_what_is_held_out_is_never_learnt_from() -> None:
    ours, theirs = vocabulary(False), vocabulary(True, unknown_verbs=True)
    for part in ("verbs", "nouns", "phrases", "chat", "words"):
        kept = dict(_lists(getattr(ours, part)))
        for name, items in _lists(getattr(theirs, part)):
            assert items, name
            assert name in COMMON or not items & kept[name], name
    assert not {kind.names[0] for kind in ours.kinds} & {kind.names[0] for kind in theirs.kinds}
    assert not {kind.names[0] for kind in ours.flags} & {kind.names[0] for kind in theirs.flags}


HELD_OUT = {
    "banking": 3174741123,
    "chatter": 3769992992,
    "culture": 175241258,
    "daily": 2400959623,
    "energy": 2537285212,
    "farming": 2410803769,
    "general": 1521695659,
    "government": 159784942,
    "health": 499214405,
    "housing": 2532369220,
    "kitchen": 3209345936,
    "law": 2942225981,
    "logistics": 869539306,
    "manners": 2059719585,
    "names": 1537297423,
    "replies": 2992103897,
    "school": 4098286033,
    "science": 2529783683,
    "shops": 3514487218,
    "software": 1736053966,
    "speech": 2250660944,
    "sports": 1440666035,
    "talk": 1736407604,
    "travel": 2990560881,
    "work": 468546829,
}
"""What is held out of each field, as a checksum: a word that is added to a field moves others, a new field does not."""


def _held_out_of(field: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    every = WORDS.parts
    with monkeypatch.context() as alone:
        alone.setattr(WORDS, "parts", lambda name: {key: one for key, one in every(name).items() if key == field})
        return _all(Vocabulary(held_out=True, unknown_verbs=True))


def _all(half: Vocabulary) -> set[str]:
    lists = {name: getattr(half, name) for name in ("verbs", "nouns", "words", "phrases", "chat")}
    kinds = {f"kind {kind.names[0]}" for kind in (*half.kinds, *half.flags)}
    return kinds | {
        f"{name} {key} {item}"
        for name, some in lists.items()
        for key, items in some.items()
        if key not in COMMON
        for item in items
    }


def test_a_field_is_split_by_itself_and_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = sorted({field for name in ("slots", "words", "phrases") for field in WORDS.parts(name)})
    found = {field: _held_out_of(field, monkeypatch) for field in fields}
    assert set().union(*found.values()) == _all(vocabulary(True, unknown_verbs=True))
    told = "a model has learned from the other words of this field: put new ones in a field of their own"
    assert {field: crc32(repr(sorted(some)).encode()) for field, some in found.items()} == HELD_OUT, told


def test_every_kind_of_value_is_learnt_and_held_out_verbs_are_others() -> None:
    ours, theirs, strange = vocabulary(False), vocabulary(True), vocabulary(True, unknown_verbs=True)
    assert {kind.value for kind in theirs.kinds} <= {kind.value for kind in ours.kinds}
    assert theirs.verbs == ours.verbs
    assert all(strange.verbs[form] and not {*strange.verbs[form]} & {*verbs} for form, verbs in ours.verbs.items())


def test_flags_are_said_with_a_word_of_their_schema() -> None:
    for kind in [*vocabulary(False).flags, *vocabulary(True).flags]:
        told = {word[:5] for text in (*kind.names, *kind.about) for word in re.findall("[a-z]{3,}", text.lower())}
        for said in (*kind.said, *kind.unsaid):
            assert told & {word[:5] for word in re.findall("[a-z]{3,}", said.lower())}, (kind.names, said)


def _enum_values(examples: list[Example]) -> set[str]:
    schemas = [
        prop for one in examples for tool in one.tools for prop in (tool.parameters or {})["properties"].values()
    ]
    found = {value for schema in schemas for value in schema.get("enum", schema.get("items", {}).get("enum", ()))}
    return {re.sub(r"[-_]", " ", value).lower() for value in found if isinstance(value, str)}


def _first_requests(examples: list[Example]) -> set[str]:
    return {next(m.content for m in one.conversation if m.role == "user") for one in examples}


def test_enum_values_and_phrasings_are_disjoint(examples: list[Example], held_out: list[Example]) -> None:
    assert _enum_values(made_up(examples)) & _enum_values(held_out) == set()
    assert len(_enum_values(held_out)) > 300
    assert _first_requests(examples) & _first_requests(held_out) == set()


def test_everyday_tools_are_held_out_whole() -> None:
    ours, theirs = (list(itertools.islice(everyday(7, held_out=half), 1500)) for half in (False, True))
    assert {one.group for one in ours}.isdisjoint(one.group for one in theirs)
    assert _first_requests(ours).isdisjoint(_first_requests(theirs))
    assert {one.kind for one in theirs} == {"one", "parallel", "missing", "no_call"}
    for example in ours + theirs:
        validator = ArgumentValidator(example.tools)
        assert all(validator.valid(call) for call in example.calls), example
        assert len({tool.name for tool in example.tools}) == len(example.tools)


def test_most_examples_are_within_reach_of_a_pocket_model() -> None:
    targets = pytest.importorskip("pytest_toolmatch.distill.targets")
    found = list(targets.encode_all(some(11, 300)))
    assert sum(isinstance(one, targets.Encoded) for one in found) / len(found) > 0.95


def test_a_tool_of_two_possible_calls_is_not_asked_for_three() -> None:
    world = World(Dice(3), vocabulary(False))
    plans = iter(lambda: some_plan(world), None)
    two = next(one for one in plans if _choices(one.tool) == [2])
    assert ask_both_anew(world, [two] * 3) is None
    asked = ask_both_anew(world, [two] * 2)
    assert asked
    assert asked.calls[0] != asked.calls[1]


def _choices(tool: Tool) -> list[int]:
    """Return how many values each parameter of a tool has to choose from; 0 where it is any."""
    return [len(one.get("enum", ())) for one in tool.parameters["properties"].values()]
