"""Which text is to blame for a sample that does not match, and how far from the teacher it is."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.judging.divergence import is_difference
from pytest_toolmatch.repair.candidate import INSTRUCTIONS, tool_component

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.sample import Refusal, Sample
    from pytest_toolmatch.judging.divergence import Divergence, Row
    from pytest_toolmatch.repair.candidate import Components
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.scoring import Scorer

_ARGUMENT = {"parameter": 0.7, "tool": 0.2, "instructions": 0.1}
_WRONG_TOOL = {"wanted": 0.4, "called": 0.4, "instructions": 0.2}
_MISSING = {"instructions": 0.55, "tool": 0.45}
_EXTRA = {"instructions": 0.6, "tool": 0.4}
_PARTIAL = 0.5
"""What a chain is worth that has all but its last detail right: so that what mends one of two faults is seen to."""


class Blamer:
    """Blames components for samples; ``may_change`` says which can be mended at all."""

    def __init__(self, scorer: Scorer, components: Components, may_change: Callable[[str], bool]) -> None:
        self._scorer, self._components, self._may_change = scorer, components, may_change
        self._mode = scorer.suite.rules.match

    def blamed(self, case: Case, sample: Sample) -> dict[str, float]:
        """Return the share of each component in what went wrong, together 1; nothing where the sample matches."""
        parts = self._scorer.divergence(case, sample)
        shares: defaultdict[str, float] = defaultdict(float)
        for component, share in self._shares(sample, parts):
            shares[component] += share
        known = {name: share for name, share in shares.items() if name in self._components.own}
        known = {name: share for name, share in known.items() if self._may_change(name)}
        total = sum(known.values())
        return {name: share / total for name, share in known.items()} if total else {}

    def closeness(self, case: Case, sample: Sample) -> float:
        """Return 1 for a sample that matches, else up to a half by how many of its calls and arguments are right."""
        score = sum(self._scorer.scores(case, [sample]).get("chain_match", []))
        parts = None if score == 1 else self._scorer.divergence(case, sample)
        if parts is None:
            return score
        counts = [_right(row) for row in parts.rows if _is_paired(row) or is_difference(row, self._mode)]
        total = sum(whole for _, whole in counts)
        return _PARTIAL * sum(right for right, _ in counts) / total if total else 0.0

    def of_scored(self, scored: Scored) -> dict[str, float]:
        """Return what each component has lost on a case: the shares in its samples, by how much these fall short."""
        valid = [one for one in scored.samples if one.valid]
        lost: defaultdict[str, float] = defaultdict(float)
        for sample, score in zip(valid, scored.scores, strict=True):
            if score < 1:
                for name, share in self.blamed(scored.case, sample).items():
                    lost[name] += (1 - score) * share / len(valid)
        return dict(lost)

    def soft(self, scored: Scored) -> float:
        """Return the mean closeness of a case's valid samples."""
        valid = [one for one in scored.samples if one.valid]
        return sum(self.closeness(scored.case, one) for one in valid) / len(valid) if valid else 0.0

    def failing(self, scored: Scored) -> float:
        """Return the mean closeness of a case's valid samples that do not match."""
        found = [close for one in scored.samples if one.valid and (close := self.closeness(scored.case, one)) < 1]
        return sum(found) / len(found) if found else 1.0

    def _shares(self, sample: Sample, parts: Divergence | None) -> Iterator[tuple[str, float]]:
        for refusal in sample.refusals:
            yield from self._of_refusal(refusal)
        if parts is None:
            return
        rows = [row for row in parts.rows if is_difference(row, self._mode)]
        missing = [row.teacher for row in rows if row.teacher and row.student is None]
        extra = [row.student for row in rows if row.student and row.teacher is None]
        yield from _of_gaps(missing, extra)
        for row in rows:
            if row.teacher and row.student:
                yield from self._of_arguments(row)
        if not rows:  # the order
            yield INSTRUCTIONS, 1.0

    def _of_refusal(self, refusal: Refusal) -> Iterator[tuple[str, float]]:
        tool = refusal.call.name
        names = [one.path for one in self._components.places.values() if one.tool == tool and one.path]
        told = [name for name in names if re.search(rf"\b{re.escape(name)}\b", refusal.message)]
        for name in told:
            yield tool_component(tool, name), _ARGUMENT["parameter"] / len(told)
        yield tool_component(tool), _ARGUMENT["tool"]
        yield INSTRUCTIONS, _ARGUMENT["instructions"]

    def _of_arguments(self, row: Row) -> Iterator[tuple[str, float]]:
        assert row.teacher
        assert row.student
        tool, known = row.teacher.name, self._components.places
        for name in row.differing:
            path = _deepest(name, _value(row.teacher, name), _value(row.student, name))
            while path and tool_component(tool, path) not in known:
                path = path.rpartition(".")[0].removesuffix("[]")
            share = 1 / len(row.differing)
            if path:
                yield tool_component(tool, path), share * _ARGUMENT["parameter"]
            yield tool_component(tool), share * _ARGUMENT["tool"]
            yield INSTRUCTIONS, share * _ARGUMENT["instructions"]


def _of_gaps(missing: list[Call], extra: list[Call]) -> Iterator[tuple[str, float]]:
    """Blame for calls that one side has alone; one of each is taken for a choice of the wrong tool."""
    for wanted, called in zip(missing, extra, strict=False):
        if wanted.name == called.name:  # in another place of the chain
            yield INSTRUCTIONS, 1.0
            continue
        yield tool_component(wanted.name), _WRONG_TOOL["wanted"]
        yield tool_component(called.name), _WRONG_TOOL["called"]
        yield INSTRUCTIONS, _WRONG_TOOL["instructions"]
    for call in missing[len(extra) :]:
        yield INSTRUCTIONS, _MISSING["instructions"]
        yield tool_component(call.name), _MISSING["tool"]
    for call in extra[len(missing) :]:
        yield INSTRUCTIONS, _EXTRA["instructions"]
        yield tool_component(call.name), _EXTRA["tool"]


def _is_paired(row: Row) -> bool:
    return row.teacher is not None and row.student is not None


def _right(row: Row) -> tuple[int, int]:
    """Return how many of a row's call and arguments are right, and how many there are."""
    if row.teacher is None:
        return 0, 1
    names = row.teacher.arguments if isinstance(row.teacher.arguments, dict) else {}
    if row.student is None:
        return 0, 1 + len(names)
    whole = 1 + len({*names, *row.differing})
    return whole - len(row.differing), whole


def _value(call: Call, name: str) -> Any:
    return call.arguments.get(name) if isinstance(call.arguments, dict) else None


def _deepest(path: str, teacher: Any, student: Any) -> str:
    """Return the path of the one place below an argument in which two values differ, else that of the argument."""
    if isinstance(teacher, dict) and isinstance(student, dict):
        differing = [key for key in {**teacher, **student} if teacher.get(key) != student.get(key)]
        if len(differing) == 1:
            return _deepest(f"{path}.{differing[0]}", teacher.get(differing[0]), student.get(differing[0]))
    if isinstance(teacher, list) and isinstance(student, list) and len(teacher) == len(student):
        pairs = [(theirs, ours) for theirs, ours in zip(teacher, student, strict=True) if theirs != ours]
        if len(pairs) == 1:
            return _deepest(f"{path}[]", *pairs[0])
    return path
