"""What recordings say of each case: the teacher's chain, how often who agrees; block by block, on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_toolmatch.core.conversation import asked_in
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.curating.engines.engine import blocks_of
from pytest_toolmatch.curating.logged import tools_of
from pytest_toolmatch.curation.quality import Known
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.core.rules import Rules
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.curating.engines.engine import Engine
    from pytest_toolmatch.curating.logged import Logged, Logs
    from pytest_toolmatch.judging.verdict import CaseResult

_MEETS = 1.0
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
    """Cases of one suite, by its number; of each, its tools and the valid samples of every model."""

    suite: int
    name: str
    rules: Rules
    teacher: str
    cases: list[tuple[Case, tuple[Tool, ...], dict[str, list[Sample]]]]


def subjects(logs: Logs, engine: Engine) -> Iterator[Subject | None]:
    """Yield every case with what is known of it; None for one that the teacher did not answer."""
    cases = (case for logged in logs.suites for case in logged.suite.cases)
    for found in engine.map(judged, _blocks(logs)):
        for one, case in zip(found, cases, strict=False):
            # What comes from elsewhere has a copy of its case.
            yield one and msgspec.structs.replace(one, case=case)


def _blocks(logs: Logs) -> Iterator[Block]:
    for number, logged in enumerate(logs.suites):
        plain: dict[int, tuple[Tool, ...]] = {}
        for cases in blocks_of(logged.suite.cases, _BLOCK):
            some = [(case, _plain(tools_of(logged.suite, case), plain), _drawn(case, logged, logs)) for case in cases]
            yield Block(number, logged.suite.name, logged.suite.rules, logs.teacher, some)


def _plain(tools: tuple[Tool, ...], known: dict[int, tuple[Tool, ...]]) -> tuple[Tool, ...]:
    """Return tools without what answers their calls: nobody calls them here, and a function may not travel."""
    if id(tools) not in known:
        known[id(tools)] = tuple(msgspec.structs.replace(one, implementation=None, reply=None) for one in tools)
    return known[id(tools)]


def _drawn(case: Case, logged: Logged, logs: Logs) -> dict[str, list[Sample]]:
    return {
        model: [one.sample for one in logged.records.get(model, {}).get(case.id, ()) if one.sample.valid]
        for model in (logs.teacher, *logs.students)
    }


def judged(block: Block) -> list[Subject | None]:
    """Return what is known of each case of a block; None where its teacher did not answer."""
    judges: dict[int, Judge] = {}
    found = []
    for case, tools, drawn in block.cases:
        if id(tools) not in judges:
            matcher = Matcher(tools, rules=block.rules)
            judges[id(tools)] = Judge(block.name, matcher, ArgumentValidator(tools), wanted=_MEETS)
        teacher = drawn[block.teacher]
        students = {model: samples for model, samples in drawn.items() if model != block.teacher and samples}
        found.append(_subject(block.suite, case, teacher, students, judges[id(tools)]))
    return found


def _subject(
    number: int, case: Case, teacher: Sequence[Sample], students: dict[str, list[Sample]], judge: Judge
) -> Subject | None:
    chosen = representative(judge.matcher, teacher)
    if chosen is None:
        return None
    offered = tuple(tool.name for tool in judge.matcher.tools)
    itself = judge.judge(case, teacher, teacher)
    match = {model: _match(judge.judge(case, teacher, samples)) for model, samples in students.items()}
    said = {model: value for model, value in match.items() if value is not None}
    known = Known(
        chain=chosen.chain,
        consistency=itself.value("consistency"),
        # Without any schema, no call is known to be valid, nor to be anything else.
        validity=itself.value("argument_validity") if offered else None,
        failure=1 - sum(said.values()) / len(said) if said else None,
        ambiguous=bool(itself.value("ambiguous")),
    )
    return Subject(suite=number, case=case, text=said_in(case), known=known, match=said, offered=offered)


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
