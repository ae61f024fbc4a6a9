"""Made-up requests for ``curation.py``: intents with several phrasings, values, and chains that a teacher would call.

All of it is written for the bench; nothing is from any data set, and no number says anything about a real log.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from pytest_toolmatch.core.chain import Chain, chain_of


class Intent(NamedTuple):
    """One tool with the slots that it needs, and how people ask for it."""

    tool: str
    slots: dict[str, str]
    phrasings: tuple[str, ...]


class Made(NamedTuple):
    """A request, the chain that is right for it, what makes two the same (intent and values), and its wording."""

    text: str
    chain: Chain
    same: str
    kind: str
    phrasing: int


CITIES = ("Oslo", "Rome", "Lima", "Cairo", "Quito", "Perth", "Turin", "Osaka", "Dakar", "Tunis", "Riga", "Izmir")
NAMES = ("Ada", "Bruno", "Chidi", "Dora", "Emil", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kemal", "Lotte")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "tomorrow")
ROOMS = ("kitchen", "bedroom", "hall", "garage", "study", "attic", "cellar", "bathroom")
THINGS = ("kettle", "desk lamp", "rain jacket", "bike pump", "sleeping bag", "tea towel", "headphones", "tripod")
DISHES = ("lentil soup", "apple cake", "fish stew", "rice salad", "onion tart", "bean curry", "plum jam", "flatbread")
VALUES: dict[str, tuple[Any, ...]] = {
    "city": tuple(CITIES),
    "other": tuple(reversed(CITIES)),
    "name": tuple(NAMES),
    "day": tuple(DAYS),
    "room": ROOMS,
    "thing": THINGS,
    "dish": DISHES,
    "count": tuple(range(2, 40)),
    "order": tuple(range(1000, 9999, 7)),
    "degrees": tuple(range(15, 27)),
}

INTENTS = (
    Intent(
        "book_flight",
        {"origin": "city", "destination": "other", "date": "day"},
        (
            "Book me a flight from {origin} to {destination} on {date}.",
            "I need to fly from {origin} to {destination}, {date} please.",
            "Can you get me a plane ticket {origin} to {destination} for {date}?",
            "{date} I have to be in {destination}, so reserve a flight out of {origin}.",
            "Please find and book the {date} flight that goes from {origin} to {destination}.",
        ),
    ),
    Intent(
        "weather",
        {"city": "city", "date": "day"},
        (
            "What's the weather like in {city} on {date}?",
            "Will I need an umbrella in {city} {date}?",
            "Give me the forecast for {city}, {date}.",
            "How warm will it be in {city} on {date}?",
        ),
    ),
    Intent(
        "weather",
        {"city": "city"},
        ("What's the weather like in {city}?", "Tell me the weather for {city}.", "Is it raining in {city} right now?"),
    ),
    Intent(
        "set_heating",
        {"room": "room", "degrees": "degrees"},
        (
            "Set the {room} to {degrees} degrees.",
            "Make it {degrees} degrees in the {room}.",
            "I'd like the {room} heated to {degrees}.",
            "Turn the heating in the {room} up or down until it is {degrees}.",
        ),
    ),
    Intent(
        "cancel_order",
        {"order": "order"},
        (
            "Cancel order {order}.",
            "I don't want order {order} any more, please cancel it.",
            "Could you stop order {order} before it ships?",
            "Please take back my order, number {order}.",
        ),
    ),
    Intent(
        "send_message",
        {"to": "name", "place": "city", "date": "day"},
        (
            "Tell {to} that I will be in {place} on {date}.",
            "Message {to}: I'm in {place} {date}.",
            "Let {to} know I arrive in {place} on {date}.",
            "Write to {to} that {date} finds me in {place}.",
        ),
    ),
    Intent(
        "add_to_cart",
        {"item": "thing", "count": "count"},
        (
            "Put {count} of the {item} into my cart.",
            "Add the {item}, {count} pieces, to my basket.",
            "I'll take {count} times the {item}.",
            "Order {count} of those {item} things for me.",
        ),
    ),
    Intent(
        "find_recipe",
        {"dish": "dish", "people": "count"},
        (
            "Find me a recipe for {dish} for {people} people.",
            "How do I cook {dish} so that {people} have enough?",
            "{people} guests are coming; what goes into {dish}?",
            "Show a {dish} recipe that serves {people}.",
        ),
    ),
    Intent(
        "call",
        {"who": "name"},
        ("Call {who}.", "Ring {who} for me.", "Get me {who} on the phone.", "Could you phone {who}?"),
    ),
)

SMALL_TALK = (
    Intent(
        "",
        {"thing": "thing"},
        ("Tell me a joke about {thing}s.", "Do you know a joke about a {thing}?", "Make me laugh with a {thing} joke."),
    ),
    Intent(
        "",
        {"thing": "thing"},
        ("Who invented the {thing}?", "Whose idea was the {thing}?", "Tell me who came up with the {thing}."),
    ),
    Intent(
        "",
        {"city": "city"},
        (
            "Is {city} worth a visit?",
            "Should I travel to {city} one day?",
            "What do you think of {city} for a holiday?",
        ),
    ),
)

BEFORE = ("", "", "", "Hi, ", "Hello! ", "Hey there, ", "Please help: ", "Quick one: ")
AFTER = ("", "", "", " Thanks!", " Thank you.", " Cheers", " It's urgent.", " No rush.")


class World(NamedTuple):
    """What requests are made of: intents that need a tool, those that need none, values by kind, and courtesies."""

    intents: tuple[Intent, ...]
    small_talk: tuple[Intent, ...]
    values: dict[str, tuple[Any, ...]]
    before: tuple[str, ...]
    after: tuple[str, ...]


TUNED = World(INTENTS, SMALL_TALK, VALUES, BEFORE, AFTER)
"""The requests that constants of the product were chosen on."""


def made(chance: random.Random, count: int, *, calls: bool = True, world: World = TUNED) -> list[Made]:
    """Return requests: about a third of them again in other words, a third of them with other values."""
    found: list[Made] = []
    intents = world.intents if calls else world.small_talk
    while len(found) < count:
        number = chance.randrange(len(intents))
        intent = intents[number]
        values = {slot: chance.choice(world.values[kind]) for slot, kind in intent.slots.items()}
        phrasing = chance.randrange(len(intent.phrasings))
        found.append(_request(chance, world, number, phrasing, values, calls=calls))
        turn = chance.random()
        if turn < 1 / 3:
            other = chance.choice([one for one in range(len(intent.phrasings)) if one != phrasing])
            found.append(_request(chance, world, number, other, values, calls=calls))
        elif turn < 2 / 3:
            changed = dict(values)
            slot = chance.choice(list(changed))
            changed[slot] = chance.choice([one for one in world.values[intent.slots[slot]] if one != changed[slot]])
            found.append(_request(chance, world, number, phrasing, changed, calls=calls))
    return found[:count]


def _request(
    chance: random.Random, world: World, number: int, phrasing: int, values: dict[str, Any], *, calls: bool
) -> Made:
    intent = (world.intents if calls else world.small_talk)[number]
    said = intent.phrasings[phrasing].format(**values)
    text = _mistyped(chance, chance.choice(world.before) + said + chance.choice(world.after))
    chain = chain_of([[{"name": intent.tool, "arguments": values}]]) if calls else ()
    return Made(text, chain, f"{calls}/{number}/{sorted(values.items())}", intent.tool or "small talk", phrasing)


def _mistyped(chance: random.Random, text: str) -> str:
    """Return the text, one time in five in small letters, one time in five with two letters swapped."""
    turn = chance.random()
    if turn < 0.2:
        return text.lower()
    if turn < 0.4 and len(text) > 8:
        at = chance.randrange(1, len(text) - 2)
        if text[at : at + 2].isalpha():
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text
