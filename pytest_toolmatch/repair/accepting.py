"""The one look at the test part: old and new prompt beside each other, on cases that nothing was chosen by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import RecordingError
from pytest_toolmatch.repair.candidate import key_of
from pytest_toolmatch.reports.paired import PairedTest, paired_test
from pytest_toolmatch.statistics.measures import Measure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.evaluating import Evaluator, Scored
    from pytest_toolmatch.repair.parts import Parts

_TELLING = 0.5
"""A case is fixed, or broken, where its match changes by at least so much."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the test part says: the paired ``test`` of the new prompt against the old one, and the cases it moved.

    ``before`` and ``after`` are what it compares: the match of each group of near-duplicates.
    ``looks`` is how many different prompts this test part has judged by now, this one among them: each look after the
    first makes its confidence less worth.
    """

    test: PairedTest
    before: tuple[Measure, ...]
    after: tuple[Measure, ...]
    accepted: bool
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    looks: int = 1
    rollouts: int = 0


def prove(
    evaluator: Evaluator, parts: Parts, old: Candidate, new: Candidate, *, draws: int, confidence: float
) -> tuple[Proof | None, list[tuple[Scored, Scored]]]:
    """Return what the test part says of a new prompt, and the pairs it says so by; no proof without a valid pair.

    Accepted is what is better by a one-sided sign-flip test. Near-duplicates count as one case there: they are no
    independent witnesses.
    """
    drawn, cases = evaluator.rollouts, parts.test
    scored = evaluator.evaluate([(candidate, case, draws) for candidate in (old, new) for case in cases])
    pairs = list(zip(scored[: len(cases)], scored[len(cases) :], strict=True))
    valid = [(a, b) for a, b in pairs if a.scores and b.scores]
    groups = [parts.groups[a.case.id] for a, _ in valid]
    before, after = (tuple(_by_group(groups, [pair[side] for pair in valid])) for side in (0, 1))
    test = paired_test(before, after, confidence)
    if test is None:
        return None, pairs
    moved = {b.case.id: b.score - a.score for a, b in valid}
    return Proof(
        test=test,
        before=before,
        after=after,
        accepted=test.difference > 0 and test.p / 2 < 1 - confidence,
        fixed=tuple(name for name, by in moved.items() if by >= _TELLING),
        broken=tuple(name for name, by in moved.items() if by <= -_TELLING),
        rollouts=evaluator.rollouts - drawn,
    ), pairs


def _by_group(groups: Sequence[str], scored: Sequence[Scored]) -> list[Measure]:
    """Return the mean over each group's cases."""
    gathered: dict[str, list[Measure]] = {}
    for name, one in zip(groups, scored, strict=True):
        gathered.setdefault(name, []).append(one.measure)
    return [
        Measure(
            sum(one.total for one in own) / len(own),
            1.0,
            sum(one.variance for one in own) / len(own) ** 2,
            sum(one.draws for one in own),
        )
        for own in gathered.values()
    ]


class Looks:
    """How often a test part was looked at: kept in the repair's folder, prompt by prompt."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "test-part.json"

    def note(self, cases: Sequence[Case], new: Candidate) -> int:
        """Remember that these cases judge a prompt; return how many different ones they have judged by now."""
        part = ",".join(sorted(case.id for case in cases))
        known = self._read()
        own = known.setdefault(part, [])
        if key_of(new) not in own:
            own.append(key_of(new))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2))
        return own.index(key_of(new)) + 1

    def _read(self) -> dict[str, list[str]]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, list[str]])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise RecordingError(f"{self._path}: can't be read ({error}); delete it to begin anew") from None
