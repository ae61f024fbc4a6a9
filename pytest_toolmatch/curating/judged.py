"""What recordings say of each case: the teacher's chain, how often who agrees; block by block, on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import asked_in
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.curating.finished import NOTHING
from pytest_toolmatch.curating.logged import tools_of
from pytest_toolmatch.curation.quality import Known
from pytest_toolmatch.engines.engine import blocks_of
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.core.rules import Rules
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.curating.finished import Finished
    from pytest_toolmatch.curating.logged import Logged, Logs
    from pytest_toolmatch.engines.engine import Engine
    from pytest_toolmatch.judging.verdict import CaseResult

Drawn: TypeAlias = "dict[str, list[Sample]]"

_MEETS = 1.0
_ANY = Case(id="any", conversation=())
"""What a case asks has no say in how its samples are judged."""
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[dict[str, list[Sample]]])
_BLOCK = 256


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One case that the teacher answered: where it is from, what it asks, and what is known of it.

    ``match`` is how often each student matches, ``offered`` are the names of the tools on offer.
    """

    suite: int
    case: Case
    text: str
    known: Known
    match: dict[str, float] = {}
    offered: tuple[str, ...] = ()

    @property
    def chain(self) -> Chain:
        """The teacher's chain with the most support."""
        return self.known.chain

    @property
    def asked(self) -> str:
        """All that the user says, by which cases are near-duplicates or not."""
        return asked_in(self.case.conversation)


class Block(NamedTuple):
    """Cases of one suite; of each, its tools and the valid samples of every model."""

    name: str
    rules: Rules
    teacher: str
    cases: list[tuple[tuple[Tool, ...], Drawn]]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel with samples as JSON, as they were recorded: that takes a fraction of what pickling them would."""
        tools, samples = zip(*self.cases, strict=True)
        return _arrived, (self.name, self.rules, self.teacher, tools, _encoder.encode(samples))


def _arrived(name: str, rules: Rules, teacher: str, tools: Sequence[tuple[Tool, ...]], samples: bytes) -> Block:
    return Block(name, rules, teacher, list(zip(tools, _decoder.decode(samples), strict=True)))


class Judged(NamedTuple):
    """What samples say: which of the teacher's has its chain, rates, how often each student matches, tools' names."""

    chosen: int
    consistency: float | None
    validity: float | None
    ambiguous: bool
    match: dict[str, float]
    offered: tuple[str, ...]


def subjects(logs: Logs, engine: Engine, done: Finished = NOTHING) -> Iterator[Subject | None]:
    """Yield every case with what is known of it; None for one that the teacher did not answer."""
    cases = (
        (number, case, teacher)
        for number, logged in enumerate(logs.suites)
        for some in _numbered(logged)
        for (_, case), teacher in zip(some, _valid(logged, logs.teacher, some), strict=True)
    )
    for found in done.blocks("judged", list[Judged | None], lambda after: engine.map(judged, _blocks(logs, after))):
        for one, (number, case, teacher) in zip(found, cases, strict=False):
            yield one and _subject(number, case, teacher[one.chosen].chain, one)


def _subject(number: int, case: Case, chain: Chain, said: Judged) -> Subject:
    match = said.match
    known = Known(
        chain=chain,
        consistency=said.consistency,
        validity=said.validity,
        failure=1 - sum(match.values()) / len(match) if match else None,
        ambiguous=said.ambiguous,
    )
    return Subject(suite=number, case=case, text=said_in(case), known=known, match=match, offered=said.offered)


def _numbered(logged: Logged) -> Iterator[list[tuple[int, Case]]]:
    return blocks_of(enumerate(logged.suite.cases), _BLOCK)


def _blocks(logs: Logs, after: int) -> Iterator[Block]:
    """Yield all blocks after so many."""
    number = 0
    for logged in logs.suites:
        plain: dict[int, tuple[Tool, ...]] = {}
        for some in _numbered(logged):
            number += 1
            if number <= after:
                continue
            drawn = {model: _valid(logged, model, some) for model in (logs.teacher, *logs.students)}
            cases = [
                (_plain(tools_of(logged.suite, case), plain), {model: mine[at] for model, mine in drawn.items()})
                for at, (_, case) in enumerate(some)
            ]
            yield Block(logged.suite.name, logged.suite.rules, logs.teacher, cases)


def _plain(tools: tuple[Tool, ...], known: dict[int, tuple[Tool, ...]]) -> tuple[Tool, ...]:
    """Return tools without what answers their calls: nobody calls them here, and a function may not travel."""
    if id(tools) not in known:
        known[id(tools)] = tuple(msgspec.structs.replace(one, implementation=None, reply=None) for one in tools)
    return known[id(tools)]


def _valid(logged: Logged, model: str, cases: Sequence[tuple[int, Case]]) -> list[list[Sample]]:
    """Return the valid samples of a model on each of some cases."""
    records = logged.records.of(model, [number for number, _ in cases])
    return [[one.sample for one in mine if one.sample.valid] for mine in records]


def judged(block: Block) -> list[Judged | None]:
    """Return what is known of each case of a block; None where its teacher did not answer."""
    judges: dict[int, tuple[Judge, tuple[str, ...]]] = {}
    found = []
    for tools, drawn in block.cases:
        if id(tools) not in judges:
            matcher = Matcher(tools, rules=block.rules)
            judge = Judge(block.name, matcher, ArgumentValidator(tools), wanted=_MEETS)
            judges[id(tools)] = judge, tuple(tool.name for tool in tools)
        students = {model: samples for model, samples in drawn.items() if model != block.teacher and samples}
        found.append(_judged(drawn[block.teacher], students, *judges[id(tools)]))
    return found


def _judged(teacher: Sequence[Sample], students: Drawn, judge: Judge, offered: tuple[str, ...]) -> Judged | None:
    chosen = representative(judge.matcher, teacher)
    if chosen is None:
        return None
    itself = judge.judge(_ANY, teacher, teacher)
    match = {model: _match(judge.judge(_ANY, teacher, samples)) for model, samples in students.items()}
    return Judged(
        next(place for place, one in enumerate(teacher) if one is chosen),
        itself.value("consistency"),
        # Without any schema, no call is known to be valid, nor to be anything else.
        itself.value("argument_validity") if offered else None,
        bool(itself.value("ambiguous")),
        {model: value for model, value in match.items() if value is not None},
        offered,
    )


def _match(result: CaseResult) -> float | None:
    match = result.value("chain_match")
    return result.value("agreement") if match is None else match


_SHORT = 4


def said_in(case: Case) -> str:
    """Return what a case asks: its query, after what was said before it where that alone tells little."""
    query = case.query
    if len(query.split()) >= _SHORT:
        return query
    before = [one.content for one in case.conversation if one.content and one.role in ("user", "assistant")]
    return "\n".join(before[-2:]) or query
