"""A simulated student for trials: right at a known rate, but for prompts of a known weakness. No model is involved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.sample import Sample, SampleRole, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import Relation
from pytest_toolmatch.fuzzing.variant import Subject, Variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.fuzzing.trial import Ask, Asked, Told

TOOLS = tuple(
    Tool(name=name, parameters={"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]})
    for name in ("get_order", "cancel_order", "track_parcel")
)
_ASKED = {
    "get_order": "Could somebody tell me what exactly I bought with order {} last month",
    "cancel_order": "I have changed my mind so cancel order {} before it leaves the house",
    "track_parcel": "My neighbour is away and I wonder where order {} is right now",
}
_KEYS = {"get_order": "bought", "cancel_order": "cancel", "track_parcel": "where"}


def simulated_suite(per_tool: int = 4) -> Suite:
    cases = [
        case_of_query(text.format(f"F-{place}{number}"), id=f"{name}-{number}")
        for place, (name, text) in enumerate(_ASKED.items())
        for number in range(per_tool)
    ]
    return Suite(name="shop", cases=tuple(cases), tools=TOOLS)


def chain_of_query(query: str) -> Chain | None:
    """Return what is right for a query: None where the words that tell it are gone."""
    tool = next((name for name, key in _KEYS.items() if key in query.lower()), None)
    order = next((word for word in query.split() if word.startswith("F-")), None)
    return ((Call(tool, {"id": order}),),) if tool and order else None


class SimulatedModels:
    """Answers asks; ``weak`` says which variants the student fails on. Draws of one case are the same in any order."""

    def __init__(self, weak: Callable[[Variant], bool] = lambda _: False, noise: float = 0.1, seed: int = 0) -> None:
        self._weak, self._noise, self._seed = weak, noise, seed
        self._drawn: dict[tuple[str, str], int] = {}

    @property
    def calls(self) -> int:
        """How many draws were made; one that is asked for again is not made again."""
        return sum(self._drawn.values())

    def answer(self, asked: Asked) -> Told:
        return tuple([self.sampled(one.case, one.role, draw) for draw in range(self._note(one))] for one in asked)

    def drawn(self, role: str, case: Case) -> int:
        """Return how many draws of a case were made."""
        return self._drawn[role, case.id]

    def _note(self, one: Ask) -> int:
        key = (one.role, one.case.id)
        self._drawn[key] = max(self._drawn.get(key, 0), one.draws)
        return one.draws

    def sampled(self, case: Case, role: SampleRole, draw: int) -> Sample:
        """Return one draw; a variant without edits is a shorter parent."""
        right = chain_of_query(case.query)
        weak = role == "student" and isinstance(case, Variant) and bool(case.edits) and self._weak(case)
        rate = 0.0 if right is None else 0.1 if weak else 1 - self._noise * (role == "student")
        chance = int(hashlib.sha256(f"{self._seed}/{case.id}/{role}/{draw}".encode()).hexdigest()[:12], 16) / 16**12
        chain = right if right is not None and chance < rate else ()
        return Sample(case=case.id, role=role, draw=draw, outcome=outcome_of(chain), chain=chain)

    # What a pool asks of its source.
    def begin(self, asked: Asked) -> None:
        for one in asked:
            self._note(one)

    def ready(self, _: Asked) -> bool:
        return True

    def told(self, asked: Asked) -> Told:
        return self.answer(asked)

    def rest(self) -> None:
        raise AssertionError("everything is there at once")


def _shouting(subject: Subject) -> st.SearchStrategy[tuple[Edit, ...]]:
    places, start = [], 0
    for word in subject.query.split():
        at = subject.query.index(word, start)
        start = at + len(word)
        if word.isalpha():
            places.append(Rewrite(at, at + len(word), word.upper()))
    return st.lists(st.sampled_from(places), min_size=1, max_size=4, unique=True).map(tuple)


def _greeting(_: Subject) -> st.SearchStrategy[tuple[Edit, ...]]:
    return st.sampled_from(["Hi! ", "Hello there, dear desk. ", "Um, "]).map(lambda text: (Rewrite(0, 0, text),))


SHOUTING = Relation(name="shouting", must="same", says="words in capitals change nothing", edits=_shouting)
GREETING = Relation(name="greeting", must="same", says="a greeting changes nothing", edits=_greeting)
