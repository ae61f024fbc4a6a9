"""The match modes, on chains of keys.

A chain of keys is a tuple of steps, each a tuple of keys. Call p precedes call q where p's step comes before q's in
the *teacher's* chain; calls of one step are unordered. Each mode scans the steps once: completing each teacher step as
early as possible is optimal, because whatever can be paired later can be paired all the more with more steps left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from pytest_toolmatch.judging.pairing import pairs_into

Steps: TypeAlias = tuple[tuple[Any, ...], ...]
Matches: TypeAlias = Callable[[Steps, Steps, bool], bool]


def _flat(steps: Steps) -> list[Any]:
    return [key for step in steps for key in step]


def _same(students: Sequence[Any], teachers: Sequence[Any], fuzzy: bool) -> bool:
    if len(students) != len(teachers):
        return False
    if len(students) == 1:
        return bool(students[0] == teachers[0])
    return pairs_into(students, teachers, fuzzy=fuzzy, all_of="student")


def strict(student: Steps, teacher: Steps, fuzzy: bool) -> bool:
    """Same number of steps; step i of both sides holds the same multiset of calls."""
    return len(student) == len(teacher) and all(
        _same(ours, theirs, fuzzy) for ours, theirs in zip(student, teacher, strict=True)
    )


def ordered(student: Steps, teacher: Steps, fuzzy: bool) -> bool:
    """The student's sequence is a linear extension of the teacher's partial order."""
    position = 0
    for step in teacher:
        block: tuple[Any, ...] = ()
        while len(block) < len(step) and position < len(student):
            block += student[position]
            position += 1
        if not _same(block, step, fuzzy):
            return False
    return position == len(student)


def sequence(student: Steps, teacher: Steps, _: bool) -> bool:
    """The calls, flattened in the order they were emitted, are equal one by one."""
    return _flat(student) == _flat(teacher)


def unordered(student: Steps, teacher: Steps, fuzzy: bool) -> bool:
    """The same multiset of calls, whatever the order and the steps."""
    return _same(_flat(student), _flat(teacher), fuzzy)


def subset(student: Steps, teacher: Steps, fuzzy: bool) -> bool:
    """Every student call has a distinct equal teacher call, in the teacher's order: nothing extra was done."""
    position = 0
    for step in teacher:
        block: list[Any] = []
        while position < len(student):
            longer = [*block, *student[position]]
            if not pairs_into(longer, step, fuzzy=fuzzy, all_of="student"):
                break
            block, position = longer, position + 1
    return position == len(student)


def superset(student: Steps, teacher: Steps, fuzzy: bool) -> bool:
    """Every teacher call has a distinct equal student call, in the teacher's order: everything was done."""
    position = 0
    for step in teacher:
        block: list[Any] = []
        while not pairs_into(block, step, fuzzy=fuzzy, all_of="teacher"):
            if position == len(student):
                return False
            block += student[position]
            position += 1
    return True


MODES: dict[str, Matches] = {
    "strict": strict,
    "ordered": ordered,
    "sequence": sequence,
    "unordered": unordered,
    "subset": subset,
    "superset": superset,
    "names": ordered,
}
