"""Pairing calls with distinct equal calls: by counting where equality is transitive, else by optimal assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def pairs_into(students: Sequence[Any], teachers: Sequence[Any], *, fuzzy: bool, all_of: str) -> bool:
    """Say whether every key of one side (``all_of``: student or teacher) has a distinct equal partner on the other."""
    few, many = (students, teachers) if all_of == "student" else (teachers, students)
    if len(few) > len(many):
        return False
    if not fuzzy:
        return _contained(few, many)
    if all_of == "student":
        return _assignable([[ours == theirs for theirs in teachers] for ours in students])
    return _assignable([[ours == theirs for ours in students] for theirs in teachers])


def _contained(few: Sequence[Any], many: Sequence[Any]) -> bool:
    """Say whether one multiset holds another; several times faster than comparing two counters."""
    left: dict[Any, int] = {}
    for key in many:
        left[key] = left.get(key, 0) + 1
    for key in few:
        count = left.get(key, 0)
        if not count:
            return False
        left[key] = count - 1
    return True


def _assignable(equal: list[list[bool]]) -> bool:
    """Say whether every row can have a column of its own (Kuhn 1955: augmenting paths in a bipartite graph)."""
    owner: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column, fits in enumerate(equal[row]):
            if fits and column not in tried:
                tried.add(column)
                if column not in owner or place(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(equal)))
