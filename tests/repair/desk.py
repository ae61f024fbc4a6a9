"""A simulated desk: a student with planted faults, its teacher, and a reflection model, on one loopback server.

No model is involved. Each fault is mended by a word in one text alone; the reflection model knows these words, and
says them in some of its replies.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.servers import chat
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = {"Monday": "2026-11-23", "Friday": "2026-11-27"}
PLACES = (  # noqa: SIM905 - so many words are read best as a text
    "Oslo Rome Bern Lima Cairo Quito Delhi Hanoi Paris Sofia Minsk Dakar Accra Tunis Kyiv Riga Prague Vienna Havana "
    "Nairobi Seoul Tokyo Lisbon Dublin Athens Ankara Baku Doha Kabul Male"
).split()
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}, "day": {"type": "string"}}}
TOOLS = [
    {"name": "book", "description": "Book.", "parameters": SCHEMA | {"required": ["to", "day"]}},
    {"name": "cancel", "description": "Cancel.", "parameters": SCHEMA | {"required": ["to"]}},
    {"name": "track", "description": "Track.", "parameters": SCHEMA | {"required": ["to"]}},
]


class Fault(NamedTuple):
    """A fault: the text in which a word mends it, the word, what it does to a call, and to which queries."""

    component: str
    word: str
    spoil: Callable[[dict[str, Any]], dict[str, Any] | None]
    hits: Callable[[str], bool]


def _other_day(call: dict[str, Any]) -> dict[str, Any]:
    return call | {"arguments": call["arguments"] | {"day": "soon"}}


FAULTS = (
    Fault("tool:book:day", "ISO", _other_day, lambda query: "journey" in query),
    Fault("tool:cancel", "unpacked", lambda call: call | {"name": "track"}, lambda query: "give up" in query),
    Fault("instructions", "always", lambda _: None, lambda query: "wonder" in query),
)


def cases() -> list[dict[str, str]]:
    """Return thirty cases, no two of which are near-duplicates; most meet one of the faults."""
    said = (
        "Please arrange a {place} journey leaving {day} with my aunt {name} from number {name}street",
        "I want to give up everything about {place} because {name} said {name}ing is too far",
        "I wonder where on earth the {place} parcel went since {name} {name}ed it",
        "Where is what {name} sent to {place} by {name} ship?",
    )
    return [
        {
            "id": place.lower(),
            "query": said[n % 4].format(place=place, day=list(DAYS)[n % 2], name=f"{place[::-1].lower()}o"),
        }
        for n, place in enumerate(PLACES)
    ]


def right(query: str) -> dict[str, Any]:
    """Return the call that the teacher makes."""
    place = next(one for one in PLACES if one in query)
    if "journey" in query:
        day = next(date for day, date in DAYS.items() if day in query)
        return {"name": "book", "arguments": {"to": place, "day": day}}
    return {"name": "cancel" if "give up" in query else "track", "arguments": {"to": place}}


class Desk(Loopback):
    """The server. ``useful`` is the share of the reflection model's replies that mend; ``reflect`` is what it says."""

    def __init__(
        self,
        *,
        faults: tuple[Fault, ...] = FAULTS,
        noise: float = 0.0,
        useful: float = 0.5,
        reflect: Callable[[str], Answer | str] | None = None,
        fault: Callable[[int, dict[str, Any]], Answer | None] = lambda _number, _sent: None,
        seed: int = 0,
    ) -> None:
        super().__init__(self._answered)
        self._faults, self._noise, self._useful = faults, noise, useful
        self._reflect, self._fault, self._seed = reflect or self._written, fault, seed
        self._drawn: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()

    def model(self, name: str) -> str:
        """Return a model's name for the command line."""
        return f"local:{name}@{self.url}/v1"

    def _answered(self, received: Received) -> Answer:
        sent = received.json
        with self._lock:
            self.calls[sent["model"]] += 1
            if odd := self._fault(self.calls.total(), sent):
                return odd
            if not sent.get("tools"):
                said = self._reflect(sent["messages"][-1]["content"])
                return said if isinstance(said, Answer) else Answer(chat.completion(said))
            if sent["messages"][-1]["role"] == "tool":
                return Answer(chat.completion("Done."))
            call = self._called(sent)
        if call is None:
            return Answer(chat.completion("What do you mean?"))
        return Answer(chat.completion(None, chat.tool_call(call["name"], call["arguments"])))

    def _called(self, sent: dict[str, Any]) -> dict[str, Any] | None:
        query = sent["messages"][-1]["content"]
        call: dict[str, Any] | None = right(query)
        if sent["model"] == "teacher":
            return call
        key = hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()
        self._drawn[key] += 1
        if chance(f"{self._seed}/{key}/{self._drawn[key]}") < self._noise:
            return None
        for one in self._faults:
            if call and one.hits(query) and one.word not in told(sent, one.component):
                call = one.spoil(call)
        return call

    def _written(self, prompt: str) -> str:
        component = re.match(r"Component: (.+)", prompt)
        assert component
        words = [one.word for one in self._faults if one.component == component[1]]
        useful = chance(f"{self._seed}/{prompt}") < self._useful
        new = " ".join(words) if useful and words else f"Be careful {int(chance(prompt) * 1e6)}."
        return f"Here it is:\n```\n{new}\n```\nI hope that it helps."


def told(sent: dict[str, Any], component: str) -> str:
    """Return what a request says in the place of a component."""
    kind, _, rest = component.partition(":")
    if kind == "instructions":
        return "".join(one["content"] for one in sent["messages"] if one["role"] == "system")
    name, _, path = rest.partition(":")
    tool = next(one["function"] for one in sent["tools"] if one["function"]["name"] == name)
    return str(tool["parameters"]["properties"][path].get("description", "") if path else tool["description"])


def chance(text: str) -> float:
    """Return a number from 0 to 1 that only depends on a text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16) / 16**12


def write_suite(folder: Path, more: str = "") -> Path:
    """Write the suite, with a comment that has to stay."""
    (folder / "desk.tools.json").write_text(json.dumps(TOOLS))
    (folder / "desk.cases.jsonl").write_text("".join(json.dumps(one) + "\n" for one in cases()))
    path = folder / "desk.toolmatch.yaml"
    path.write_text(
        f"# Ours.\ninstructions: You help.  # short\ntools: desk.tools.json\n{more}"
        "\n# All of them:\ncases: desk.cases.jsonl\n"
    )
    return path
