"""The simulated students of ``repair.py``: what they do is a function of the prompt, their faults, and chance.

No model answers here. A student means what its case means, but for its faults: each shows in its intents, at a known
rate, unless a cue or an example in the prompt mends it; and one draw in seven is noise, which nothing mends. So what a
prompt is worth can be computed without drawing.
"""

from __future__ import annotations

import hashlib
import json
import random
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from repair_domain import INSTRUCTIONS, TOOLS
from repair_faults import LONG, Fault, harms
from repair_intents import INTENTS
from repair_made import (
    Kind,
    Known,
    Planted,
    only_training,
    some_cases,
    some_faults,
    some_held,
    some_intents,
    some_logged,
    some_stubborn,
)

from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.prompt import Prompt, parameters
from pytest_toolmatch.core.suite import Split
from pytest_toolmatch.curation.splits import groups, rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_toolmatch.core.tool import Tool

NOISE = 0.15
_TRAINED = 0.6
"""The rank from which on a case is trained on."""


class Told(NamedTuple):
    """What a student is told: the text of every component, and the intents of which it is shown an example."""

    texts: Mapping[str, str]
    shown: frozenset[str]

    @property
    def length(self) -> int:
        """Characters of all texts."""
        return sum(map(len, self.texts.values()))


def dice(*parts: object) -> float:
    """Return a number from 0 to 1 that depends on nothing but the parts."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6]) / 2**48


class Student:
    """One student with its suite; the same for the same number, kind and seed."""

    def __init__(self, number: int, kind: Kind = "mendable", seed: int = 0) -> None:
        self.number, self.kind = number, kind
        chance = random.Random(f"{seed}/{kind}/{number}")  # noqa: S311 - made-up students are no secret
        self.intents = some_intents(chance)
        names = {name for intent in self.intents for name in INTENTS[intent].tools}
        self.planted = some_faults(chance, self.intents, kind)
        self.stubborn = some_stubborn(
            chance, self.intents, kind, {one for p in self.planted for one in p.fault.intents}
        )
        names |= {name for one in self.planted for name in one.fault.needs}
        self.tool_names = tuple(name for name in TOOLS if name in names)
        self.held = some_held(chance, self.intents, self.planted, names)
        self.teacher_noise = (0.0, 0.03, 0.06)[number % 3]
        self.harms = harms(self.tool_names)
        self.cases = some_cases(chance, self.intents, {one for p in self.faults for one in p.fault.intents})
        if kind == "logged":
            self.cases = (*self.cases, *some_logged(chance, self.intents))
            names = groups([one.query for one in self.cases])
            trained = [
                self._trained(name) and self._trained(one.query) for name, one in zip(names, self.cases, strict=True)
            ]
            self.cases = only_training(self.cases, names, trained)

    def _trained(self, group: str) -> bool:
        return rank(group, self.split.seed) >= _TRAINED

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.kind}-{self.number}"

    @property
    def faults(self) -> list[Planted]:
        """All that it does wrong: what can be mended, what can't, and what its prompt mends already."""
        return [*self.planted, *self.stubborn, *self.held]

    @cached_property
    def by_query(self) -> dict[str, Known]:
        """Its cases by their queries."""
        return {one.query: one for one in self.cases}

    @cached_property
    def own(self) -> dict[str, str]:
        """The texts of its suite by component: plain ones, and the cues that it holds."""
        texts = {"instructions": INSTRUCTIONS}
        for name in self.tool_names:
            texts |= {f"tool:{name}": TOOLS[name].description}
            texts |= {f"tool:{name}:{path}": said for path, said in parameters(TOOLS[name])}
        for one in self.held:
            cue = one.fault.cues[0]
            texts[cue.component] += f" {cue.sentence}"
        return texts

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """The suite's tools, described by its own texts."""
        return prompt_of(self.own, ()).describe(tuple(TOOLS[name] for name in self.tool_names))

    @cached_property
    def split(self) -> Split:
        """The first split under which every part has cases of all intents with faults."""
        wanted = {one for planted in self.faults for one in planted.fault.intents} & {*self.intents}
        names = groups([one.query for one in self.cases])
        for seed in range(100_000):
            found: dict[str, list[str]] = {"test": [], "validation": [], "train": []}
            for name, one in zip(names, self.cases, strict=True):
                at = rank(name, seed)
                found["test" if at < 0.4 else "validation" if at < 0.6 else "train"].append(one.intent)
            if all(wanted <= {*own} and len(own) >= 9 for own in found.values()):
                return Split(seed=seed)
        raise AssertionError(f"no split holds all intents of {self.name}")

    @cached_property
    def parts_by_id(self) -> dict[str, set[str]]:
        """The ids of its cases by part."""
        return {part: {one.id for one in cases} for part, cases in self.parts.items()}

    @cached_property
    def parts(self) -> dict[str, list[Known]]:
        """Its cases by part."""
        names = groups([one.query for one in self.cases])
        found: dict[str, list[Known]] = {"test": [], "validation": [], "train": []}
        for name, one in zip(names, self.cases, strict=True):
            at = rank(name, self.split.seed)
            found["test" if at < 0.4 else "validation" if at < 0.6 else "train"].append(one)
        return found

    def strikes(self, known: Known, told: Told) -> Iterator[tuple[str, float, Callable[[Chain], Chain]]]:
        """Yield what may go wrong with a case under a prompt: its name, how often, and what is done instead."""
        for fault, strike in self.faults:
            if known.intent in fault.intents and not mended(fault, known.intent, told):
                yield fault.name, strike, fault.wrong
        for harm in self.harms:
            if harm.cue.held(told.texts.get(harm.cue.component, "")):
                yield harm.cue.sentence, harm.strike, harm.wrong
        if told.length > LONG:
            yield "long", 0.3, lambda _: ()

    def right(self, known: Known, told: Told) -> float:
        """Return how often a case is answered as its teacher means it, noise apart."""
        left = 1.0
        for _, strike, wrong in self.strikes(known, told):
            left *= 1 - strike * (wrong(known.chain) != known.chain)
        return left

    def match(self, told: Told, part: str = "test") -> float:
        """Return the mean of ``right`` over a part: what the prompt is worth."""
        cases = self.parts[part]
        return sum(self.right(one, told) for one in cases) / len(cases)

    def answer(self, known: Known, told: Told, *, run: str, draw: int) -> Chain:
        """Return one draw; the same for the same run, prompt, case and draw."""
        key = (run, self.name, known.id, draw, sorted(told.texts.items()), sorted(told.shown))
        chain = known.chain
        for name, strike, wrong in self.strikes(known, told):
            chain = wrong(chain) if dice(key, name) < strike else chain
        return self.noisy(chain, key) if dice(key, "noise") < NOISE else chain

    def teach(self, known: Known, *, run: str, draw: int) -> Chain:
        """Return one draw of its teacher, which is right but for a little noise."""
        key = (run, "teacher", self.name, known.id, draw)
        return self.noisy(known.chain, key) if dice(key, "noise") < self.teacher_noise else known.chain

    def noisy(self, chain: Chain, key: object) -> Chain:
        """Return a chain with something wrong in it."""
        first = Call(self.tool_names[0], _guess(TOOLS[self.tool_names[0]]))
        if not chain:
            return ((first,),)
        ways = (
            chain[:-1],
            (*chain, chain[-1]),
            ((first,), *chain),
            (*chain[:-1], (_other(chain[-1][0]), *chain[-1][1:])),
        )
        return ways[int(dice(key, "way") * len(ways))]

    @cached_property
    def start(self) -> Told:
        """What its suite tells it."""
        return Told(self.own, frozenset())

    @cached_property
    def best(self) -> Told:
        """What mends all that can be mended."""
        texts = dict(self.own)
        for fault, _ in self.planted:
            for cue in fault.cues[:1]:
                texts[cue.component] += f" {cue.sentence}"
        return Told(texts, frozenset(i for fault, _ in self.planted if fault.example for i in fault.intents))


@lru_cache(maxsize=256)
def student(number: int, kind: Kind = "mendable") -> Student:
    """Return a student, made once."""
    return Student(number, kind)


def mended(fault: Fault, intent: str, told: Told) -> bool:
    """Say whether a prompt mends a fault for an intent."""
    if fault.example and intent in told.shown:
        return True
    return any(cue.held(told.texts.get(cue.component, "")) for cue in fault.cues)


def prompt_of(texts: Mapping[str, str], examples: tuple[object, ...]) -> Prompt:
    """Return texts by component as a prompt."""
    from pytest_toolmatch.core.prompt import ToolTexts  # noqa: PLC0415

    tools: dict[str, dict[str, object]] = {}
    for name, text in texts.items():
        if name.startswith("tool:"):
            tool, _, path = name.removeprefix("tool:").partition(":")
            own = tools.setdefault(tool, {"description": None, "parameters": {}})
            own |= {"parameters": {**own["parameters"], path: text}} if path else {"description": text}
    return Prompt(
        instructions=texts.get("instructions"),
        tools={name: ToolTexts(**own) for name, own in tools.items()},
        examples=tuple(examples),
    )


def chain_text(chain: Chain) -> str:
    """Return a chain as JSON: a list of steps of calls."""
    return json.dumps([[{"name": c.name, "arguments": c.arguments} for c in step] for step in chain])


def _guess(tool: Tool) -> dict[str, object]:
    properties = (tool.parameters or {})["properties"]
    return {name: 1 if one["type"] == "integer" else "?" for name, one in properties.items()}


def _other(call: Call) -> Call:
    """Return a call with another value of its last argument."""
    key, value = list(call.arguments.items())[-1]
    return Call(call.name, call.arguments | {key: value + 1 if isinstance(value, int) else f"{value}x"})
