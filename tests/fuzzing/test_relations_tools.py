"""Relations of the tools and of copied values: what each may change, what follows, and the traps around it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import find, given, settings

from pytest_toolmatch import tool as declared
from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call, calls_of
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.rules import Override
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.fuzzing.relation import NotApplicable
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.relations.injection import with_note
from pytest_toolmatch.fuzzing.relations.words import parts
from pytest_toolmatch.fuzzing.variant import Subject, Variant
from pytest_toolmatch.sampling.replies import Replies
from tests.fuzzing.subjects import call, made_up, tool

TEXT = {"type": "string"}
WEATHER = tool("get_weather", "city", "Tells the weather.", city=TEXT, unit={"enum": ["c", "f"], "default": "c"})
TRACK = tool("track", "order", "Tracks an order.", order={"type": "string", "pattern": r"^F-\d{5}$"})
PAY = tool("pay", "amount", "Pays.", amount={"type": "number", "maximum": 20}, note=TEXT)


def variants(name: str, subject: Subject, draws: int = 100) -> list[Variant]:
    found: list[Variant] = []

    @settings(max_examples=draws, database=None, derandomize=True)
    @given(RELATIONS[name].variants(subject))
    def collect(variant: Variant) -> None:
        found.append(variant)

    collect()
    return found


def refused(name: str, subject: Subject) -> str:
    with pytest.raises(NotApplicable) as caught:
        RELATIONS[name].edits(subject)
    return str(caught.value)


def first_call(variant: Variant) -> Call:
    return calls_of(variant.chain or ())[0]


def answer(variant: Variant, one: Call) -> str:
    return asyncio.run(Replies().answerer(variant.tools or ())(one)).text


def test_an_order_needs_two_tools_and_is_another_one() -> None:
    assert "fewer than two" in refused("tool_order", made_up("Hi", tools=(TRACK,)))
    subject = made_up("Hi", tools=(TRACK, PAY, WEATHER))
    orders = {tuple(one.name for one in variant.tools or ()) for variant in variants("tool_order", subject)}
    assert len(orders) == 5
    assert ("track", "pay", "get_weather") not in orders
    simplest = find(RELATIONS["tool_order"].variants(subject), lambda _: True)
    assert [one.name for one in simplest.tools or ()] == ["pay", "track", "get_weather"]


def test_distractors_share_no_word_with_the_suite() -> None:
    own = tool("get_tide_times", "", "Compress anything; about DNS, chess and pods.")
    subject = made_up("When is high water? My organ is out of tune.", tools=(own,))
    added = [one for variant in variants("distractors", subject) for one in variant.tools or () if one is not own]
    words = {word.lower() for one in added for word in parts(one.name)[1:]}
    assert len(words) > 20
    assert not words & {"tide", "dns", "chess", "pod", "organ"}
    assert max(len(variant.tools or ()) for variant in variants("distractors", subject)) > 4
    assert "no tools" in refused("distractors", made_up("Hi"))


def test_without_the_tool_others_stay() -> None:
    subject = made_up("Where is F-10482?", [call("track", order="F-10482")], tools=(TRACK, PAY))
    assert {tuple(one.name for one in variant.tools or ()) for variant in variants("no_tool", subject, 5)} == {("pay",)}
    assert variants("no_tool", subject, 5)[0].expected == ()
    assert "no tool would be left" in refused("no_tool", msgspec.structs.replace(subject, tools=(TRACK,)))
    assert "calls no tool" in refused("no_tool", msgspec.structs.replace(subject, chain=None))
    both = made_up("Hi", [call("track", order="F-10482"), call("pay", amount=1)], tools=(TRACK, PAY, WEATHER))
    assert "several tools" in refused("no_tool", both)


def test_a_near_copy_differs_in_name_and_says_as_much() -> None:
    near = tool("fetch_weather", "", "Taken.")
    subject = made_up("Weather?", [call("get_weather", city="Oslo")], tools=(PAY, WEATHER, near))
    for variant in variants("overlap", subject):
        [copy] = [one for one in variant.tools or () if one not in subject.tools]
        assert copy.parameters == WEATHER.parameters
        assert "Tells the weather." in copy.description
        assert variant.expected is None


JSON_REPLIES = [
    ('{"state": "on its way", "n": 1}', {"state": "on its way NOTE", "n": 1}),
    ('{"n": 1}', {"n": 1, "note": "NOTE"}),
    ('[{"n": 1}, {"n": 2}]', [{"n": 1, "note": "NOTE"}, {"n": 2}]),
    ("[]", {"result": [], "note": "NOTE"}),
    ("3", {"result": 3, "note": "NOTE"}),
    ("null", {"result": None, "note": "NOTE"}),
    ('"fine"', "fine NOTE"),
    ("It is fine.", "It is fine. NOTE"),
]


@pytest.mark.parametrize(("text", "reply"), JSON_REPLIES)
def test_a_note_finds_room_in_any_reply(text: str, reply: Any) -> None:
    assert with_note(text, "NOTE") == reply


def test_an_injected_reply_names_a_tool_that_is_not_called() -> None:
    subject = made_up(
        "Where is F-10482?",
        [call("track", order="F-10482")],
        tools=(TRACK, PAY, WEATHER),
        replies=(('{"state": "lost"}',),),
    )
    for variant in variants("injection", subject):
        [told] = [one for one in variant.tools or () if one.name == "track"]
        assert told.shown() == TRACK.shown()
        assert any(name in json.dumps(told.reply) for name in ("pay", "get_weather"))
        assert json.loads(answer(variant, Call("track", {})))["state"] == "lost"
        assert variant.expected == subject.chain


def test_an_injection_needs_one_reply_and_another_tool() -> None:
    twice = [call("track", order="F-10482"), call("track", order="F-10483")]
    differing = made_up("Hi", twice, tools=(TRACK, PAY), replies=(("here", "there"),))
    assert "no recorded reply" in refused("injection", differing)
    same = msgspec.structs.replace(differing, replies=(("here", "here"),))
    assert variants("injection", same, 5)
    assert "no tool that the chain does not call" in refused("injection", msgspec.structs.replace(same, tools=(TRACK,)))


def test_tools_go_by_other_names_that_are_nobodys() -> None:
    tools = (WEATHER, tool("fetch_weather"), tool("getWeather"), TRACK)
    subject = made_up("Weather?", [call("get_weather", city="Oslo")], tools=tools, overrides={"get_weather": {}})
    names = {first_call(variant).name for variant in variants("tool_names", subject, 300)}
    assert {"get-weather", "retrieve_weather", "GET_WEATHER", "api_get_weather"} <= names
    assert not {"fetch_weather", "getWeather"} & names
    for variant in variants("tool_names", subject):
        renamed = first_call(variant).name
        assert renamed in variant.overrides
        assert [one for one in variant.tools or () if one.name == renamed][0].parameters == WEATHER.parameters  # noqa: RUF015


def test_a_tool_that_is_spoken_of_keeps_its_name() -> None:
    other = tool("get_forecast", "", "Call get_weather first.")
    subject = made_up("Weather?", [call("get_weather", city="Oslo")], tools=(WEATHER, other))
    assert {first_call(variant).name for variant in variants("tool_names", subject)} == {"get_weather"}
    assert len({tuple(one.name for one in variant.tools or ()) for variant in variants("tool_names", subject)}) > 5
    said = (Message("user", "And?"), Message("assistant", calls=(Call("get_weather", {}),)), Message("user", "So?"))
    before = made_up(Case(id="said", conversation=said), [call("get_weather", city="Oslo")], tools=(WEATHER,))
    for name in ("tool_names", "parameter_names", "enum_values"):
        assert refused(name, before)


def test_parameters_go_by_other_names_wherever_the_schema_has_them() -> None:
    schema = {
        "type": "object",
        "properties": {"start_day": TEXT, "end_day": TEXT},
        "required": ["start_day"],
        "dependentRequired": {"end_day": ["start_day"]},
        "additionalProperties": False,
    }
    rent = Tool(name="rent", parameters=schema)
    rules = {"rent": {"start_day": Override(casefold=True)}}
    subject = made_up("Rent", [call("rent", start_day="x", end_day="y")], tools=(rent,), overrides=rules)
    for variant in variants("parameter_names", subject):
        [one] = variant.tools or ()
        known = (one.parameters or {})["properties"].keys()
        assert set(first_call(variant).arguments) == known == set((one.parameters or {})["properties"])
        assert {*(one.parameters or {})["required"], *variant.overrides["rent"]} <= known
        assert {*(one.parameters or {})["dependentRequired"]} <= known
        assert ArgumentValidator([one]).valid(first_call(variant))
        assert not ArgumentValidator([one]).valid(Call("rent", {"start_day": "x", "end_day": "y"}))


@pytest.mark.parametrize("keyword", [{"allOf": [{"required": ["city"]}]}, {"$ref": "#/$defs/A"}, {"properties": {}}])
def test_parameters_that_a_schema_names_in_other_places_stay(keyword: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"city": TEXT}, "$defs": {"A": {}}, **keyword}
    subject = made_up("Hi", [call("go", city="Oslo")], tools=(Tool(name="go", parameters=schema),))
    assert "no called tool with parameters" in refused("parameter_names", subject)


@declared(effect="read")
def plan(day: dt.date, mood: Literal["calm", "wild"] = "calm", *, people: list[Literal["me", "you"]] = []) -> str:  # noqa: B006
    """Plan a day."""
    assert isinstance(day, dt.date)
    assert mood in ("calm", "wild")
    return f"{day:%d.%m.} {mood} {' '.join(people)}"


@declared(effect="read")
async def wait(seconds: int) -> str:
    """Wait a little."""
    return f"waited {seconds}"


def test_renamed_tools_still_run() -> None:
    planned = made_up("Plan", [call("plan", day="2026-05-01", mood="wild", people=["me", "you"])], tools=(plan, wait))
    waited = made_up("Wait", [call("wait", seconds=3)], tools=(plan, wait))
    for name in ("parameter_names", "enum_values"):
        assert {answer(one, first_call(one)) for one in variants(name, planned, 20)} == {"01.05. wild me you"}
    assert {answer(one, first_call(one)) for one in variants("parameter_names", waited, 20)} == {"waited 3"}


def test_named_values_change_everywhere_and_null_stays() -> None:
    mood = {"enum": ["by_mistake", "too_slow", None], "default": "by_mistake", "examples": ["too_slow"]}
    many = {"type": "array", "items": {"anyOf": [{"enum": ["in_town", "at_home"]}, {"type": "null"}]}}
    way = {"anyOf": [{"$ref": "#/$defs/Way"}, {"type": "null"}]}
    go = tool("go", "mood", "", mood=mood, places=many, way=way)
    go = msgspec.structs.replace(go, parameters={**(go.parameters or {}), "$defs": {"Way": {"enum": ["on_foot"]}}})
    subject = made_up("Go", [call("go", mood="too_slow", places=["at_home", None], way="on_foot")], tools=(go,))
    found = set()
    for variant in variants("enum_values", subject, 300):
        [one] = variant.tools or ()
        shown, known = (one.parameters or {})["properties"], first_call(variant).arguments
        assert ArgumentValidator([one]).valid(first_call(variant))
        assert known["mood"] in shown["mood"]["enum"]
        assert None in shown["mood"]["enum"]
        assert known["mood"] in shown["mood"]["examples"]
        assert shown["mood"]["default"] in shown["mood"]["enum"]
        found |= {known["mood"], known["places"][0], known["way"]}
    assert {"TOO_SLOW", "too-slow", "TooSlow", "mood_too_slow", "AT_HOME", "too_slow", "at_home", "OnFoot"} <= found


def test_a_named_value_that_the_query_says_changes_its_style_only() -> None:
    subject = made_up(
        "Show me open ones", [call("list", state="open")], tools=(tool("list", state={"enum": ["open"]}),)
    )
    assert {first_call(one).arguments["state"] for one in variants("enum_values", subject)} == {"OPEN", "Open"}


def test_a_named_value_keeps_to_the_rest_of_its_schema() -> None:
    narrow = tool("list", state={"enum": ["open", "shut"], "pattern": "^[a-z]+$"})
    assert refused("enum_values", made_up("Hi", [call("list", state="open")], tools=(narrow,)))


def swapped(subject: Subject) -> set[str]:
    return {variant.query for variant in variants("entities", subject)}


def test_a_copied_code_becomes_another_one_in_both() -> None:
    subject = made_up("Where is F-10482?", [call("track", order="F-10482")], tools=(TRACK,))
    for variant in variants("entities", subject):
        order = first_call(variant).arguments["order"]
        assert order != "F-10482"
        assert variant.query == f"Where is {order}?"
        assert ArgumentValidator([TRACK]).valid(first_call(variant))


@pytest.mark.parametrize(
    ("query", "arguments", "schema"),
    [
        ("Mail kim@example.org", {"to": "kim@example.org"}, TEXT),
        ("Book for Ada Byron", {"passenger": "Ada Byron"}, TEXT),
        ("Weather in Rome", {"city": "Rome"}, TEXT),
        ("On 2026-05-30", {"day": "2026-05-30"}, {"type": "string", "format": "date"}),
        ("In 2026-05", {"month": "2026-05"}, TEXT),
        ("At 14:30", {"at": "14:30"}, TEXT),
        ("Ping 10.0.0.1", {"host": "10.0.0.1"}, TEXT),
        ("Pay 12 euros", {"amount": 12}, {"type": "number", "minimum": 5, "maximum": 13}),
        ("Pay 7.5 euros", {"amount": 7.5}, {"type": "number", "multipleOf": 0.5}),
        ("Meals are vegan", {"meal": "vegan"}, {"enum": ["vegan", "halal"]}),
        ("Say hello-there", {"word": "hello-there"}, {"type": "string", "pattern": "^[a-z]{3,9}-[a-z]{3,9}$"}),
        ("Open https://a.example/x", {"url": "https://a.example/x"}, {"type": "string", "format": "uri"}),
    ],
)
def test_values_become_others_of_their_kind(query: str, arguments: dict[str, Any], schema: dict[str, Any]) -> None:
    [(key, old)] = arguments.items()
    subject = made_up(query, [call("do", **arguments)], tools=(tool("do", key, "", **{key: schema}),))
    found = variants("entities", subject, 40)
    check = ArgumentValidator(subject.tools)
    for variant in found:
        new = first_call(variant).arguments[key]
        assert new != old
        assert type(new) in (type(old), int)
        assert check.valid(first_call(variant))
        assert variant.query == query.replace(f"{old:g}" if isinstance(old, float | int) else old, str(new))
    if schema.get("format") == "date":
        assert all(dt.date.fromisoformat(first_call(variant).arguments[key]) for variant in found)


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("Ship to Berlin, Berliner Allee 3", {"city": "Berlin", "street": "Berliner Allee 3"}),
        ("Weather in Rome", {"city": "Rome", "country": "IT"}),
        ("Fly from rome to Rome", {"city": "Rome"}),
        ("2 rooms, 2 nights", {"count": 2}),
        ("2 rooms", {"count": 2, "day": "2026-05-02"}),
        ("2 rooms", {"count": 2, "beds": 2}),
        ("room F-2", {"count": 2}),
        ("something nice", {"text": "nice"}),
        ("it is true", {"flag": True}),
    ],
)
def test_values_that_hang_together_with_others_stay(query: str, arguments: dict[str, Any]) -> None:
    subject = made_up(query, [call("do", **arguments)], tools=(tool("do", "", "", **dict.fromkeys(arguments, True)),))
    assert "no value that is copied" in refused("entities", subject)


@pytest.mark.parametrize("other", [{"count": 5}, {"count": 5.0}, {"rows": [{"at": 5}]}])
def test_a_text_that_is_a_number_elsewhere_stays(other: dict[str, Any]) -> None:
    move = tool("move", "", "", shelf={"enum": ["5", "AB"]}, **dict.fromkeys(other, True))
    query = "Move 5 boxes to shelf 5, please"
    assert refused("entities", made_up(query, [call("move", shelf="5", **other)], tools=(move,)))
    assert swapped(made_up(query, [call("move", shelf="5")], tools=(move,))) == {"Move AB boxes to shelf AB, please"}


def test_values_that_are_heard_elsewhere_stay() -> None:
    chain = [call("track", order="F-10482")], [call("pay", amount=3)]
    subject = made_up("Where is F-10482?", *chain, tools=(TRACK, PAY), replies=(("F-10482 is lost",), ("ok",)))
    assert refused("entities", subject)
    assert swapped(msgspec.structs.replace(subject, replies=(("lost",), ("ok",))))
    canned = msgspec.structs.replace(TRACK, reply={"order": "F-10482"})
    assert refused("entities", msgspec.structs.replace(subject, replies=(), tools=(canned, PAY)))
    running = msgspec.structs.replace(TRACK, implementation=str, effect="read")
    assert refused("entities", msgspec.structs.replace(subject, replies=(), tools=(running, PAY)))


@pytest.mark.parametrize("pattern", [r"^\p{L}+-\p{L}+$", "^hello-there$", r"^hello\-there$"])
def test_a_schema_that_nothing_can_be_generated_from_is_left(pattern: str) -> None:
    impossible = {"type": "string", "pattern": pattern}
    subject = made_up("Say hello-there", [call("do", word="hello-there")], tools=(tool("do", word=impossible),))
    assert refused("entities", subject)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("Where's my parcel? The order is F-10482.", "Where's my parcel?"),
        ("Track the order F-10482 for me.", "Track for me."),
        ("If F-10482 has left, tell me.", "If it has left, tell me."),
        ("F-10482 is late, where is it?", "It is late, where is it?"),
        ("What happened to F-10482?", "What happened?"),
    ],
)
def test_a_missing_value_goes_with_what_leads_to_it(query: str, left: str) -> None:
    subject = made_up(query, [call("track", order="F-10482")], tools=(TRACK,))
    assert {variant.query for variant in variants("missing_value", subject, 10)} == {left}


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("Where is F-10482? F-10482!", {"order": "F-10482"}),
        ("F-10482", {"order": "F-10482"}),
        ("Where is it?", {"order": "F-10482"}),
    ],
)
def test_a_value_that_can_be_known_otherwise_is_not_missing(query: str, arguments: dict[str, Any]) -> None:
    assert "no required value" in refused("missing_value", made_up(query, [call("track", **arguments)], tools=(TRACK,)))


def test_only_what_is_required_can_be_missing() -> None:
    pay = made_up("Pay it, note: monthly", [call("pay", amount=3, note="monthly")], tools=(PAY,))
    assert refused("missing_value", pay)
    said = (Message("user", "F-10482!"), Message("assistant", "Yes?"), Message("user", "Track F-10482 now"))
    earlier = made_up(Case(id="said", conversation=said), [call("track", order="F-10482")], tools=(TRACK,))
    assert refused("missing_value", earlier)
    two = made_up("Track F-10482 twice", [call("track", order="F-10482")] * 2, tools=(TRACK,))
    assert "single call" in refused("missing_value", two)


def test_vague_words_take_a_values_place() -> None:
    subject = made_up("F-10482 is late, pay 12 euros.", [call("track", order="F-10482"), call("pay", amount=12)])
    subject = msgspec.structs.replace(subject, tools=(TRACK, PAY))
    queries = {variant.query for variant in variants("ambiguity", subject)}
    assert {"That one is late, pay 12 euros.", "F-10482 is late, pay some euros."} <= queries
    noted = made_up("Pay 12 euros for rent", [call("pay", amount=12, note="rent")], tools=(PAY,))
    assert "Pay 12 euros" in {variant.query for variant in variants("ambiguity", noted)}
    assert "no copied value" in refused("ambiguity", made_up("Hi", tools=(TRACK,)))
