"""Where two chains part: the first step that differs, the level of the difference, and the calls side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Call, Chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.rules import Mode
    from pytest_toolmatch.core.validation import ArgumentValidator
    from pytest_toolmatch.judging.matching import Matcher

Funnel: TypeAlias = Literal["decision", "tool", "names", "arguments"]
FUNNEL: tuple[Funnel, ...] = ("decision", "tool", "names", "arguments")


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the comparison: a teacher's call beside the student's, or either alone.

    ``step`` counts from 1 in the chain that has the call, the teacher's first. ``differing`` maps the arguments that
    are compared and not equal to a note on the student's value, often empty.
    """

    step: int
    teacher: Call | None = None
    student: Call | None = None
    differing: dict[str, str] = {}


class Divergence(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a student's chain parts from the teacher's: ``step`` counts from 1, ``reason`` is a few words."""

    level: Funnel
    step: int
    reason: str
    rows: tuple[Row, ...] = ()


def funnel_level(student: Chain, teacher: Chain, matcher: Matcher) -> Funnel:
    """Say at which level two chains that do not match part: the first of the funnel that they do not pass."""
    if bool(student) != bool(teacher):
        return "decision"
    if matcher.compare(matcher.names(student), matcher.names(teacher)):
        return "arguments"
    first = [sorted(call.name for call in chain[0]) for chain in (student, teacher)]
    return "names" if first[0] == first[1] else "tool"


def divergence(student: Chain, teacher: Chain, matcher: Matcher, validator: ArgumentValidator) -> Divergence:
    """Compare two chains that do not match, call by call."""
    ours = _numbered(student)
    aligned = _Alignment(ours, _as_emitted(_numbered(teacher), ours, matcher), matcher)
    rows = tuple(_row(pair, matcher, validator) for pair in aligned.pairs())
    first = next((row for row in rows if is_difference(row, matcher.rules.match)), None)
    level = funnel_level(student, teacher, matcher)
    if first is None:
        return Divergence(level, 1, "other order", rows)
    return Divergence(level, first.step, _reason(first, student, teacher), rows)


def is_difference(row: Row, mode: Mode) -> bool:
    """Say whether a row is a difference under a match mode."""
    if row.student is None:
        return mode != "subset"
    if row.teacher is None:
        return mode != "superset"
    return bool(row.differing)


def _reason(row: Row, student: Chain, teacher: Chain) -> str:
    if not student:
        return "no call"
    if not teacher:
        return "no call wanted"
    if row.teacher is None and row.student is not None:
        return f"extra {row.student.name}"
    if row.student is None and row.teacher is not None:
        return f"missing {row.teacher.name}"
    return ", ".join(row.differing)


Numbered: TypeAlias = tuple[int, Call]
Pair: TypeAlias = tuple[Numbered | None, Numbered | None]


def _numbered(chain: Chain) -> list[Numbered]:
    return [(number, call) for number, step in enumerate(chain, 1) for call in step]


def _as_emitted(teacher: list[Numbered], student: list[Numbered], matcher: Matcher) -> list[Numbered]:
    """Return the teacher's calls, those without an order among them in the order of the student's counterparts."""
    mode = matcher.rules.match
    if mode == "sequence":
        return teacher
    left = {place: call for place, (_, call) in enumerate(student)}
    places = [len(student)] * len(teacher)
    for alike in (matcher.equal, lambda ours, theirs: ours.name == theirs.name):
        for index, (_, call) in enumerate(teacher):
            found = next((place for place, other in left.items() if alike(other, call)), None)
            if places[index] == len(student) and found is not None:
                places[index] = found
                del left[found]
    order = sorted(range(len(teacher)), key=lambda index: (mode != "unordered" and teacher[index][0], places[index]))
    return [teacher[index] for index in order]


class _Alignment:
    """Two lists of calls side by side at least cost: an equal call 0, another one of the same tool 1, a gap 1."""

    def __init__(self, student: Sequence[Numbered], teacher: Sequence[Numbered], matcher: Matcher) -> None:
        self.student = student
        self.teacher = teacher
        self.matcher = matcher
        self.cost = [[0.0] * (len(teacher) + 1) for _ in range(len(student) + 1)]
        for i in range(len(student), -1, -1):
            for j in range(len(teacher), -1, -1):
                self.cost[i][j] = min((move[0] for move in self._moves(i, j)), default=0.0)

    def pairs(self) -> Iterator[Pair]:
        """Yield (student's, teacher's) in order; None where one side has no partner."""
        i = j = 0
        while i < len(self.student) or j < len(self.teacher):
            _, down, right = min(self._moves(i, j), key=lambda move: move[0])
            yield (self.student[i] if down else None, self.teacher[j] if right else None)
            i, j = i + down, j + right

    def _moves(self, i: int, j: int) -> Iterator[tuple[float, int, int]]:
        if i < len(self.student) and j < len(self.teacher):
            ours, theirs = self.student[i][1], self.teacher[j][1]
            if ours.name == theirs.name:
                yield self.cost[i + 1][j + 1] + (not self.matcher.equal(ours, theirs)), 1, 1
        if j < len(self.teacher):
            yield self.cost[i][j + 1] + 1, 0, 1
        if i < len(self.student):
            yield self.cost[i + 1][j] + 1, 1, 0


def _row(pair: Pair, matcher: Matcher, validator: ArgumentValidator) -> Row:
    ours, theirs = pair
    step = (theirs or ours or (0, None))[0]
    student, teacher = ours[1] if ours else None, theirs[1] if theirs else None
    if student is None or teacher is None or matcher.rules.match == "names" or matcher.equal(student, teacher):
        return Row(step, teacher, student)
    return Row(step, teacher, student, differing_arguments(student, teacher, matcher, validator))


def differing_arguments(student: Call, teacher: Call, matcher: Matcher, validator: ArgumentValidator) -> dict[str, str]:
    """Return the arguments in which two calls of one tool differ, each with a note on the student's value."""
    ours, theirs = ({} if call.arguments is None else call.arguments for call in (student, teacher))
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return {"arguments": "" if isinstance(ours, dict) else "not a JSON object"}
    names = list(dict.fromkeys([*theirs, *ours]))
    differing = [name for name in names if not matcher.equal(_only(student, ours, name), _only(teacher, theirs, name))]
    # Where a union judges arguments together, each may pass alone.
    differing = differing or [name for name in names if ours.get(name) != theirs.get(name)]
    return {name: _note(student, name, validator) for name in differing}


def _note(student: Call, name: str, validator: ArgumentValidator) -> str:
    """Return what the schema says against one argument, out of the message on the whole call."""
    problem = validator.problem(student)
    faults = problem.message.removeprefix(f"{student.name}: ").split("; ") if problem else []
    own = re.compile(rf"{re.escape(name)}(?:[.\[][^:]*)?: ")
    return next((fault[found.end() :] for fault in faults if (found := own.match(fault))), "")


def _only(call: Call, arguments: dict[str, Any], name: str) -> Call:
    return Call(call.name, {name: arguments[name]} if name in arguments else {})
