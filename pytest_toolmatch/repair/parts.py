"""The three parts of a suite's cases: what an optimiser learns from, chooses by, and never sees."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.suite import Split
from pytest_toolmatch.curation.splits import Part, groups, rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.suite import Suite

FEWEST = 10
"""Cases that a suite needs."""

LEAST: dict[Part, int] = {"test": 5, "validation": 1, "train": 1}
"""Groups of near-duplicates that a part needs. A sign-flip test of fewer than five can show nothing at 95 %."""

_DIGITS = 4


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The cases of a suite by part, the split that tells them apart, and the group of near-duplicates of each case."""

    train: tuple[Case, ...]
    validation: tuple[Case, ...]
    test: tuple[Case, ...]
    split: Split
    groups: dict[str, str]

    def __str__(self) -> str:
        return f"{len(self.train)} to train on, {len(self.validation)} to choose by, {len(self.test)} to test on"


def parts_of(suite: Suite, cases: Sequence[Case] | None = None) -> Parts:
    """Return the parts of a suite's cases, or of those of them that can be used.

    Groups of near-duplicates, among all cases of the suite, are in one part; those with a case that is held out are
    in the last. Without a ``split`` of the suite, its
    thresholds are laid so that each part has its share. Raises ConfigError where there are too few cases, or no
    thresholds that leave each part enough of them.
    """
    used = suite.cases if cases is None else tuple(cases)
    if len(used) < FEWEST:
        raise ConfigError(
            f"{suite.where or suite.name}: {len(used)} cases can be used, and a repair needs at least {FEWEST}: some "
            "to learn from, some to choose by, some that prove it; add cases"
        )
    names = dict(zip((case.id for case in suite.cases), groups([case.query for case in suite.cases]), strict=True))
    split = suite.split or fitted([names[case.id] for case in used], Split(), suite.where or suite.name)
    kept = {names[case.id] for case in suite.cases if case.held_out}
    if all(names[case.id] in kept for case in used):
        raise ConfigError(
            f"{suite.where or suite.name}: all of its cases are held out (by held-out.jsonl beside it): repair on "
            "those that toolmatch curate chose to optimise on"
        )
    by_part: dict[Part, list[Case]] = {"test": [], "validation": [], "train": []}
    for case in used:
        by_part["test" if names[case.id] in kept else part_of(names[case.id], split)].append(case)
    for part, own in by_part.items():
        count = len({names[case.id] for case in own})
        if count < LEAST[part]:
            raise ConfigError(
                f"{suite.where or suite.name}: under its split, the {part} part has {count} cases that are no "
                f"near-duplicates, and needs at least {LEAST[part]}; give split: another seed, or leave it out"
            )
    return Parts(**{part: tuple(own) for part, own in by_part.items()}, split=split, groups=names)


def part_of(group: str, split: Split) -> Part:
    """Return the part of a group of near-duplicates."""
    at = rank(group, split.seed)
    return "test" if at < split.test else "validation" if at < split.test + split.validation else "train"


def fitted(names: Sequence[str], wanted: Split, where: str) -> Split:
    """Return a split whose thresholds lie between groups, so that the parts come near to the wanted shares.

    ``names`` has one group a case. Raises ConfigError where the groups are too few or too large.
    """
    ranks = sorted(rank(name, wanted.seed) for name in names)
    ends = [place for place in range(1, len(ranks)) if ranks[place] > ranks[place - 1]]
    total, best = len(ranks), None
    # Ends of groups, in their order: the first so many groups are the least that the test part may have.
    for test, upto in combinations(ends[LEAST["test"] - 1 :], 2):
        off = abs(test - wanted.test * total) + abs(upto - test - wanted.validation * total)
        best = min(best or (off, test, upto), (off, test, upto))
    if best is None:
        raise ConfigError(
            f"{where}: no validation part is possible: its {total} cases are {len(set(names))} groups of "
            "near-duplicates, which must not be parted; add cases that ask for something else"
        )
    test_end, end = _between(ranks, best[1]), _between(ranks, best[2])
    return Split(seed=wanted.seed, test=test_end, validation=round(end - test_end, 2 * _DIGITS))


def _between(ranks: Sequence[float], place: int) -> float:
    """Return a number of few digits between two ranks."""
    low, high = ranks[place - 1], ranks[place]
    for digits in range(_DIGITS, 17):
        middle = round((low + high) / 2, digits)
        if low < middle < high:
            return middle
    return (low + high) / 2
