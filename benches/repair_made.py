"""How students of ``repair.py`` are made: intents, faults and cases by chance."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from repair_domain import slots
from repair_faults import FAULTS, Fault, stubborn
from repair_intents import INTENTS

from pytest_toolmatch.core.chain import Chain

if TYPE_CHECKING:
    import random

CASES, EACH = 60, 8
LOGGED = 240
Kind: TypeAlias = Literal["mendable", "broken", "sound", "logged"]
"""``mendable`` students have three to six faults (some of them one more, which nothing mends), ``broken`` ones only
such as nothing mends, ``sound`` ones none. ``logged`` ones are mendable, and have training cases as a log has them: far
more of some intents than of others, and the same words over again with other values."""


class Known(NamedTuple):
    """A case as it was made."""

    id: str
    query: str
    intent: str
    chain: Chain


class Planted(NamedTuple):
    """A fault of a student, and how often it strikes where nothing mends it."""

    fault: Fault
    strike: float


def some_intents(chance: random.Random) -> tuple[str, ...]:
    """Return nine to eleven intents whose tools are six to eight."""
    while True:
        some = chance.sample(sorted(INTENTS), chance.randrange(8, 11))
        if 6 <= len({tool for intent in some for tool in INTENTS[intent].tools}) <= 8:
            return tuple(some)


def _fits(fault: Fault, intents: tuple[str, ...]) -> bool:
    tools = {tool for intent in intents for tool in INTENTS[intent].tools}
    return bool({*fault.intents} & {*intents}) and {*fault.needs} <= tools


def some_faults(chance: random.Random, intents: tuple[str, ...], kind: Kind) -> list[Planted]:
    """Return three to six faults that are mended in as many places as can be, at most two of them in one intent."""
    fitting = [fault for fault in FAULTS.values() if _fits(fault, intents)]
    chance.shuffle(fitting)
    turns: Counter[str] = Counter()
    order = {}
    for fault in fitting:
        turns[fault.place] += 1
        order[fault.name] = turns[fault.place]
    fitting.sort(key=lambda fault: order[fault.name])
    wanted = chance.randrange(3, 7) if kind in ("mendable", "logged") else 0
    found: list[Planted] = []
    for fault in fitting:
        shared = [one for one in found if {*one.fault.intents} & {*fault.intents}]
        if len(found) < wanted and len(shared) < 2:
            found.append(Planted(fault, chance.choice((0.85, 0.95, 1.0))))
    return found


def some_stubborn(chance: random.Random, intents: tuple[str, ...], kind: Kind, taken: set[str]) -> list[Planted]:
    """Return faults that nothing mends, in intents that have no other fault."""
    few, many = chance.choice((0, 0, 1)), chance.randrange(2, 5)
    wanted = {"mendable": few, "logged": few, "broken": many, "sound": 0}[kind]
    free = [one for one in intents if INTENTS[one].chain and one not in taken]
    return [Planted(stubborn(one), 0.9) for one in chance.sample(free, min(wanted, len(free)))]


def some_held(
    chance: random.Random, intents: tuple[str, ...], planted: list[Planted], tools: set[str]
) -> list[Planted]:
    """Return up to three faults that the suite's own texts mend: an edit may lose these."""
    taken = {cue.component for one in planted for cue in one.fault.cues} - {"instructions"}
    fitting = [
        fault
        for fault in FAULTS.values()
        if fault.cues
        and _fits(fault, intents)
        and not any(fault is one.fault for one in planted)
        and fault.cues[0].component not in taken
        and fault.cues[0].component.partition(":")[2].partition(":")[0] in {"", *tools}
    ]
    return [Planted(fault, 1.0) for fault in chance.sample(fitting, min(3, len(fitting)))]


def some_cases(chance: random.Random, intents: tuple[str, ...], faulty: set[str]) -> tuple[Known, ...]:
    """Return about sixty cases: eight of each intent that has a fault, fewer of the others."""
    found: list[Known] = []
    for intent in sorted(intents, key=lambda one: one not in faulty):
        phrasings = INTENTS[intent].phrasings.splitlines()
        count = EACH if intent in faulty else min(EACH, max(3, (CASES - len(found)) // 3))
        for place, phrasing in enumerate(chance.sample(phrasings, count)):
            values = slots(chance)
            said = {name: slot.said for name, slot in values.items()}
            found.append(Known(f"{intent}-{place}", phrasing.format(**said), intent, INTENTS[intent].means(values)))
    return tuple(found)


def some_logged(chance: random.Random, intents: tuple[str, ...]) -> tuple[Known, ...]:
    """Return what a log has beside: the n-th intent, in an order by chance, 1/n as often as the first (Zipf's law)."""
    order = chance.sample(sorted(intents), len(intents))
    drawn = chance.choices(order, [1 / place for place in range(1, len(order) + 1)], k=LOGGED)
    return tuple(_logged(chance, intent, place) for place, intent in enumerate(drawn))


def _logged(chance: random.Random, intent: str, place: int) -> Known:
    values = slots(chance)
    phrasing = chance.choice(INTENTS[intent].phrasings.splitlines())
    said = {name: slot.said for name, slot in values.items()}
    return Known(f"{intent}-log{place}", phrasing.format(**said), intent, INTENTS[intent].means(values))


def only_training(cases: tuple[Known, ...], names: list[str], in_training: list[bool]) -> tuple[Known, ...]:
    """Return the cases without what a log has beside of those that are not trained on.

    Of a group of near-duplicates, the case stays by which it is called, or its part would be another one; each that is
    trained on would be so without the others, too.
    """
    base = {name for name, one in zip(names, cases, strict=True) if "-log" not in one.id}
    seen, found = set[str](), []
    for name, one, trained in zip(names, cases, in_training, strict=True):
        stays = trained or (name in base and one.query == name)
        if stays and one.query not in seen:
            found.append(one)
            seen.add(one.query)
    return tuple(found)
