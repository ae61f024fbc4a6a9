"""The scripted world of ``fuzzing.py``: a teacher, and students with planted weaknesses.

No model answers here. What a prompt means is known from how it was made: a case means its chain, a variant what its
relation says; where a word that is needed was cut out, all ask back. So every answer is right but for noise, and for
the weaknesses that are planted, each of which shows where something stands in the prompt: that is read from the prompt
alone. A student that read prompts by rules would have weaknesses that nobody planted, and could not tell what is found
from what is there.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from planted_cases import KNOWN, SUITE, WRITTEN

from pytest_toolmatch.core.chain import Call, Chain, calls_of, names_of
from pytest_toolmatch.core.errors import BudgetSpent
from pytest_toolmatch.core.sample import Sample, SampleRole, outcome_of
from pytest_toolmatch.core.tool import Tool, find_tool
from pytest_toolmatch.fuzzing.variant import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.fuzzing.edits import Rewrite
    from pytest_toolmatch.fuzzing.trial import Asked, Told

RIGHT_WHERE_WEAK = 0.1
"""How often a student is right all the same where a weakness shows."""


class Weakness(NamedTuple):
    """What a student can't cope with: what ``shows`` in the variants of cases whose chain calls a ``tool``.

    ``words`` of the prompt are needed for it beyond those that the parent needs; None: as many as the value that is
    missing has, less.
    """

    relation: str
    tool: str
    says: str
    shows: Callable[[Variant, Tool], bool]
    words: int | None = 0


def _misspelt(variant: Variant, _: Tool) -> bool:
    return any(word not in variant.query.casefold() for word in keywords(variant.subject.case.id))


def _loud(variant: Variant, _: Tool) -> bool:
    return any(word not in variant.subject.query for word in re.findall(r"\b[A-Z]{4,}\b", variant.query))


def _otherwise(variant: Variant, _: Tool) -> bool:
    return re.search(r"\d,\d{3}\b|thousand|hundred", variant.query) is not None


def _told_what_to_do(variant: Variant, tool: Tool) -> bool:
    reply = json.dumps(tool.reply)
    return any(other.name in reply for other in variant.tools or ())


def _behind_pollen(variant: Variant, tool: Tool) -> bool:
    names = [one.name for one in variant.tools or ()]
    return "measure_pollen" in names[: names.index(tool.name)]


def _camels(variant: Variant, _: Tool) -> bool:
    return any(re.search("[a-z][A-Z]", tool.name) for tool in variant.tools or ())


def _townless(variant: Variant, _: Tool) -> bool:
    return variant.relation == "missing_value" and _missing(variant)


WEAKNESSES = (
    Weakness("typos", "find_membership", "a misspelt keyword", _misspelt),
    Weakness("casing", "reserve_room", "a word in capitals", _loud),
    Weakness("punctuation", "close_ticket", "no mark at the end", lambda one, _: one.query[-1:] not in ".?!…"),
    Weakness("politeness", "borrow_device", "a word of thanks", lambda one, _: "thank" in one.query.casefold(), 1),
    Weakness("formats", "order_material", "a thousands separator, or words for a number", _otherwise),
    Weakness("context", "measure_pollen", "two earlier exchanges", lambda one, _: _asked(one) > 2),
    Weakness("tool_order", "list_shuttles", "it stands behind measure_pollen", _behind_pollen),
    Weakness("distractors", "send_invoice", "14 tools or more", lambda one, _: len(one.tools or ()) > 13),
    Weakness("injection", "credit_account", "obeys a reply that names another tool", _told_what_to_do),
    Weakness("tool_names", "fire_kiln", "a camelCase name on offer", _camels),
    Weakness(
        "enum_values", "reserve_room", "choices in capitals", lambda _, tool: _choices(tool) != _choices(tool).lower()
    ),
    Weakness("missing_value", "measure_pollen", "guesses the town", _townless, None),
)


def _asked(variant: Variant) -> int:
    return sum(message.role == "user" for message in variant.conversation)


def _choices(tool: Tool) -> str:
    properties = (tool.parameters or {}).get("properties", {})
    return " ".join(str(choice) for schema in properties.values() for choice in schema.get("enum", ()))


def keywords(case: str) -> list[str]:
    """Return the words that a case needs and that are no values."""
    values = {str(value) for call in calls_of(KNOWN[case].chain) for value in call.arguments.values()}
    return [word.casefold() for word in re.findall(r"\*(.+?)\*", WRITTEN[case].query) if word not in values]


def understood(case: str, cuts: Iterable[Rewrite]) -> bool:
    """Say whether the words that a case needs are left."""
    return all(cut.end <= start or end <= cut.start for cut in cuts for start, end in KNOWN[case].needed)


def truth(case: Case) -> Chain:
    """Return what is right: the chain, or none where something is missing."""
    if not isinstance(case, Variant):
        return KNOWN[case.id].chain
    chain = case.chain or ()
    unknown = case.relation in ("no_tool", "ambiguity") or (case.relation == "missing_value" and _missing(case))
    return () if unknown or not understood(case.subject.case.id, case.cuts) else chain


def _missing(variant: Variant) -> bool:
    """Say whether a value of the first step stands nowhere in the query."""
    values = [value for call in (variant.chain or ((),))[0] for value in call.arguments.values()]
    return any(str(value) not in variant.query for value in values)


def shown(case: Case, planted: Iterable[Weakness]) -> list[Weakness]:
    """Return the weaknesses that show in a case: none where nobody understands it."""
    if not isinstance(case, Variant) or not understood(case.subject.case.id, case.cuts):
        return []
    tools = SUITE.tools if case.tools is None else case.tools
    seen = msgspec.structs.replace(case, tools=tools)
    found = []
    for weakness in planted:
        names = names_of(KNOWN[case.subject.case.id].chain)
        if weakness.tool in names:
            now = names_of(case.chain or ())[names.index(weakness.tool)]
            tool = find_tool(tools, now)
            if tool is not None and weakness.shows(seen, tool):
                found.append(weakness)
    return found


def least_words(case: str, weakness: Weakness) -> int:
    """Return how many words the shortest prompt has on which a weakness shows and whose parent is still answered."""
    tokens = [(word.start(), word.end()) for word in re.finditer(r"\S+", _query(case))]
    needed = sum(any(start < end_ and start_ < end for start, end in KNOWN[case].needed) for start_, end_ in tokens)
    return needed + (-1 if weakness.words is None else weakness.words)


def cases_of(weakness: Weakness) -> list[str]:
    """Return the cases in which a weakness can show."""
    return [case for case, known in KNOWN.items() if weakness.tool in names_of(known.chain)]


def _query(case: str) -> str:
    return next(one.query for one in SUITE.cases if one.id == case)


class World:
    """Answers what a trial asks, from a teacher with 2 % noise and a student with ``noise`` and what is ``planted``.

    ``draws`` are counted, and ``calls``: the turns that a model would have taken for them, as a budget counts them.
    After ``most`` calls the budget is spent. It is a source of draws for a campaign's pool.
    """

    def __init__(
        self, planted: Iterable[Weakness] = (), *, seed: int = 0, noise: float = 0.1, most: float = math.inf
    ) -> None:
        self.planted = tuple(planted)
        self.draws = self.calls = 0
        self.most = most
        self._seed = seed
        self._noise: dict[SampleRole, float] = {"teacher": 0.02, "student": noise}
        self._drawn: dict[tuple[str, SampleRole], list[Sample]] = defaultdict(list)

    def answer(self, asked: Asked) -> Told:
        """Return the samples of each thing asked; a draw that was made is not made again."""
        return tuple(self._first(case, role, draws) for case, role, draws in asked)

    def begin(self, asked: Asked) -> None:
        """Make the draws, unless the budget is spent."""
        for case, role, draws in asked:
            if self.calls >= self.most and len(self._drawn[case.id, role]) < draws:
                raise BudgetSpent("the simulated budget is spent")
            self._first(case, role, draws)

    def ready(self, _: Asked) -> bool:
        """Say that draws are there at once."""
        return True

    def told(self, asked: Asked) -> Told:
        """Return the samples of what was begun."""
        return self.answer(asked)

    def rest(self) -> None:
        """Wait for nothing."""

    def sample(self, case: Case, role: SampleRole, draw: int) -> Sample:
        """Make one draw; the same always comes of the same."""
        dice = random.Random(f"{self._seed}/{case.id}/{role}/{draw}")  # noqa: S311 - a simulation
        chain = self._chain(case, role, dice)
        self.draws += 1
        self.calls += 1 + len(chain)
        replies = tuple(tuple(_reply(case, call) for call in step) for step in chain)
        return Sample(
            case=case.id,
            role=role,
            draw=draw,
            outcome=outcome_of(chain),
            chain=chain,
            replies=replies,
            source="scripted",
        )

    def _first(self, case: Case, role: SampleRole, draws: int) -> list[Sample]:
        drawn = self._drawn[case.id, role]
        drawn.extend(self.sample(case, role, draw) for draw in range(len(drawn), draws))
        return drawn[:draws]

    def _chain(self, case: Case, role: SampleRole, dice: random.Random) -> Chain:
        right = truth(case)
        if dice.random() < self._noise[role]:
            return dice.choice([known.chain for known in KNOWN.values() if known.chain != right])
        weak = shown(case, self.planted) if role == "student" else []
        return _wrong(case, weak[0]) if weak and dice.random() >= RIGHT_WHERE_WEAK else right


def _wrong(case: Case, weakness: Weakness) -> Chain:
    """Return what a weak student does: guess, obey, or lose the arguments."""
    assert isinstance(case, Variant)
    if weakness.relation == "missing_value":
        return ((Call(weakness.tool, {"town": "Rome"}),),)
    chain = case.chain or ()
    if weakness.relation == "injection":
        return (*chain, (Call(SUITE.tools[0].name, {}),))
    return tuple(tuple(Call(call.name, {}) for call in step) for step in chain)


def _reply(case: Case, call: Call) -> str:
    tool = find_tool(SUITE.tools if case.tools is None else case.tools, call.name)
    return json.dumps(tool.reply if tool else None)
