"""The simulated reflection model of ``repair.py``: useful texts and others, at known rates.

It reads what any optimiser shows it: the text to be improved, by its first sentence, which no edit takes away; and
queries, by which it knows what went wrong. Where a fault of one of the shown intents has a cue in that component, a
useful reply holds it. Nothing is read from the form of the feedback, which differs from optimiser to optimiser.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from repair_faults import LONG
from repair_students import dice

if TYPE_CHECKING:
    from repair_faults import Cue
    from repair_students import Student

USEFUL, USELESS, HARMFUL = 0.5, 0.25, 0.15
"""How often each kind is written; the rest, one in ten, is unusable."""

MOST = 2
"""Cues that one useful reply holds at most: a model that is shown much takes up some of it."""

_FILLERS = (
    "Be precise and helpful.",
    "Think about what the customer says.",
    "Read the request with care.",
    "Quality matters here.",
    "Consider all details.",
)
_PROSE = ("This text is fine as it is, I would not change it.", "", "I am sorry, I can't help with that.", "")
_FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]")
_TEXTS = ("proposed_instruction", "new_instruction")


class Read(NamedTuple):
    """What a prompt asks: to improve the text of a component, shown queries of these intents, each so many times."""

    component: str
    text: str
    shown: dict[str, int]


def read(student: Student, prompt: str) -> Read:
    """Return what a prompt asks; without a known text, the component is empty."""
    plain = " ".join(prompt.split())
    shown: dict[str, int] = {}
    for query, known in student.by_query.items():
        if " ".join(query.split()) in plain:
            shown[known.intent] = shown.get(known.intent, 0) + 1
    for place in _places(prompt):
        component = next((name for name, text in _anchors(student) if text in place), "")
        if component:
            return Read(component, _from_anchor(place, dict(_anchors(student))[component]), shown)
    return Read("", "", shown)


def _places(prompt: str) -> list[str]:
    """Return where the text may stand, the likeliest first: fences and tags, then fields, paragraphs, everything."""
    fenced = re.findall(r"```[^\n]*\n(.*?)\n?```", prompt, re.DOTALL)
    tagged = [text for _, text in re.findall(r"<(\w+)>\n?(.*?)\n?</\1>", prompt, re.DOTALL)]
    fields = [text.strip() for text in re.split(r"\[\[ ## \w+ ## \]\]", prompt)]
    return [*fenced, *tagged, *reversed(fields), *prompt.split("\n\n")]


def _anchors(student: Student) -> list[tuple[str, str]]:
    """Return the first sentence of every component, the longest first."""
    firsts = [(name, text.split(". ")[0].rstrip(".")) for name, text in student.own.items()]
    return sorted(firsts, key=lambda one: -len(one[1]))


def _from_anchor(place: str, anchor: str) -> str:
    return place[place.index(anchor) :].strip()


def pointed(student: Student, asked: Read) -> list[Cue]:
    """Return the cues of the component that the shown queries call for, the most often shown first."""
    found: list[tuple[int, str, Cue]] = []
    for fault, _ in student.faults:
        times = sum(asked.shown.get(intent, 0) for intent in fault.intents)
        own = [cue for cue in fault.cues if cue.component == asked.component and not cue.held(asked.text)]
        found += [(-times, fault.name, cue) for cue in own if times]
    return [cue for _, _, cue in sorted(found, key=lambda one: one[:2])]


def written(student: Student, asked: Read, key: object) -> str | None:
    """Return the new text, None for an unusable reply; the same for the same key."""
    at, cues = dice(key, "kind"), pointed(student, asked)
    if not asked.component or at >= USEFUL + USELESS + HARMFUL:
        return None
    if at < USEFUL and cues:
        return " ".join([asked.text, *(cue.sentence for cue in cues[:MOST])])
    if at < USEFUL + USELESS:
        return f"{asked.text} {_FILLERS[int(dice(key, 'filler') * len(_FILLERS))]}"
    return _harmed(student, asked, key)


def _harmed(student: Student, asked: Read, key: object) -> str:
    """Return a text that has lost all but its first sentence, or bloats, or says what does harm."""
    rules = [harm.cue.sentence for harm in student.harms if harm.cue.component == asked.component]
    first = asked.text.split(". ")[0].rstrip(".") + "."
    bloated = f"{asked.text} {' '.join(_FILLERS * (LONG // 100))}"
    cut = [] if first.rstrip(".") == asked.text.rstrip(".") else [first, first]
    ways = [*cut, bloated, *(f"{asked.text} {rule}" for rule in rules)]
    return ways[int(dice(key, "way") * len(ways))]


def reply(student: Student, prompt: str, key: object) -> str:
    """Return the reply to a prompt, in the form that it asks for: a fence, DSPy's fields, or JSON."""
    wanted = prompt.rpartition("Respond with ")[2]
    if wanted.startswith("a JSON object"):
        return json.dumps(_fields(student, prompt, re.findall(r"`(\w+)`", wanted), key))
    if fields := [one for one in _FIELD.findall(wanted) if one != "completed"]:
        said = _fields(student, prompt, fields, key) | {"completed": ""}
        return "\n\n".join(f"[[ ## {field} ## ]]\n{text}" for field, text in said.items())
    text = written(student, read(student, prompt), key)
    if text is None:
        return _PROSE[int(dice(key, "prose") * len(_PROSE))]
    return f"Here is a better text.\n```\n{text}\n```"


def _fields(student: Student, prompt: str, fields: list[str], key: object) -> dict[str, str]:
    """Return a text for each field; what is to be summed up is repeated, so that a later prompt still has it."""
    asked = read(student, prompt)
    seen = " ".join(prompt.split())
    summed = " ".join(query for query in student.by_query if " ".join(query.split()) in seen)
    text = written(student, asked, key)
    return {
        name: (asked.text if text is None else text) if name in _TEXTS else f"Requests: {summed}" for name in fields
    }
