"""The levels on which two samples can agree, from the whole chain down to whether anything is called at all."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_toolmatch.core.chain import Chain, encode_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.judging.matching import Matcher


def comparable(sample: Sample) -> bool:
    """Say whether a valid sample can be compared; one that can't agrees with nothing, not even with its like.

    A run that ended early is compared by what it called, unless it called nothing (that is no decision not to call)
    or its last call was refused for good. A call that the server lost leaves nothing to compare.
    """
    if sample.outcome in ("invalid", "truncated"):
        return bool(sample.chain) and not (sample.outcome == "invalid" and sample.refusals)
    return sample.outcome != "lost_by_server"


class Level(NamedTuple):
    """One level: how its metrics are named, and what is compared.

    ``key`` turns a chain into something comparable once; ``same`` decides on (student's key, teacher's key).
    """

    match: str
    agreement: str
    consistency: str
    key: Callable[[Matcher, Chain], Any]
    same: Callable[[Matcher, Any, Any], bool]


def _names(_: Matcher, chain: Chain) -> Any:
    return tuple(sorted([call.name for step in chain for call in step]))


def _first_tools(_: Matcher, chain: Chain) -> Any:
    return tuple(sorted([call.name for call in chain[0]])) if chain else ()


def _calls(_: Matcher, chain: Chain) -> Any:
    return bool(chain)


LEVELS: tuple[Level, ...] = (
    Level(
        "chain_match",
        "agreement",
        "consistency",
        lambda matcher, chain: matcher.keyed(chain),
        lambda matcher, student, teacher: matcher.compare(student, teacher),
    ),
    Level(
        "name_match",
        "name_agreement",
        "name_consistency",
        lambda matcher, chain: matcher.names(chain),
        lambda matcher, student, teacher: matcher.compare(student, teacher),
    ),
    Level("tools_match", "tools_agreement", "tools_consistency", _names, lambda _, s, t: s == t),
    Level("tool_selection", "selection_agreement", "selection_consistency", _first_tools, lambda _, s, t: s == t),
    Level("decision_match", "decision_agreement", "decision_consistency", _calls, lambda _, s, t: s == t),
)


class Classes:
    """The samples of one case and both models, grouped into classes of textually equal chains.

    K × N comparisons become comparisons of the few distinct chains, each made at most once a level. ``part`` cuts a
    chain down to what the rules compare. The chain of a class whose samples can't be compared is None.
    """

    def __init__(
        self,
        matcher: Matcher,
        teacher: Sequence[Sample],
        student: Sequence[Sample],
        part: Callable[[Chain], Chain] = lambda chain: chain,
    ) -> None:
        self.matcher = matcher
        self._part = part
        self.chains: list[Chain | None] = []
        self._index: dict[bytes, int] = {}
        self._texts: list[bytes] = []
        self._keys: dict[str, dict[int, Any]] = {}
        self.teacher = [self._class_of(sample) for sample in teacher]
        self.student = [self._class_of(sample) for sample in student]

    def _class_of(self, sample: Sample) -> int:
        chain = self._part(sample.chain) if comparable(sample) else None
        text = b"!%d" % len(self.chains) if chain is None else encode_chain(chain)
        if text not in self._index:
            self._index[text] = len(self.chains)
            self.chains.append(chain)
            self._texts.append(text)
        return self._index[text]

    def merged(self, level: Level) -> Classes:
        """Return the same samples with one class for all chains that have one key at a level.

        The smallest text stands for its class, so the order of the samples has no say. Fuzzy keys are no classes.
        """
        keys, first = self.keys(level), dict[Any, int]()
        into = {}
        for index in sorted(keys, key=self.rank) if len(keys) > 1 else keys:
            key = keys[index]
            into[index] = index if getattr(key, "fuzzy", False) else first.setdefault(key, index)
        merged = copy(self)
        merged.teacher = [into.get(index, index) for index in self.teacher]
        merged.student = [into.get(index, index) for index in self.student]
        return merged

    def keys(self, level: Level) -> dict[int, Any]:
        """Return what a level compares, for at least every class of a sample that can be compared."""
        known, chains = self._keys.setdefault(level.match, {}), self.chains
        for index in {*self.teacher, *self.student}.difference(known):
            chain = chains[index]
            if chain is not None:
                known[index] = level.key(self.matcher, chain)
        return known

    def matrix(self, level: Level) -> dict[int, dict[int, bool]]:
        """Return ``matrix[s][t]``: class s, as a student, matches class t, as a teacher."""
        keys, same, matcher, teachers = self.keys(level), level.same, self.matcher, set(self.teacher)
        return {
            ours: {
                theirs: ours in keys and theirs in keys and same(matcher, keys[ours], keys[theirs])
                for theirs in teachers
            }
            for ours in teachers.union(self.student)
        }

    def rank(self, index: int) -> bytes:
        """Return what breaks ties between classes, whatever the order of the samples."""
        return self._texts[index]
