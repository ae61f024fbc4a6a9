"""Whether a new text helps the cases that blamed the old one: a race of a few draws, beside those of other texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.blame import Blamer
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.flows import Flow
    from pytest_toolmatch.repair.known import Known
    from pytest_toolmatch.repair.phase import Ground

_RACED = 2
"""Cases of a kind that a new text is tried on first."""

_GAIN = 0.1
"""How much nearer to the teacher a text brings its cases on average, to be worth a closer look."""

_CLEAR = 0.6
"""A gain that can't be one draw's luck; a smaller one has to show itself in a second draw, too."""

_BLAMED, _RELIEF = 0.1, 0.2
"""The blame that a text has lost, and what that is worth where a case still fails for another reason."""


class Tried(NamedTuple):
    """A component's new text in a ``child``, for cases of one ``kind``; its ``gain`` is known after the race."""

    component: str
    text: str
    child: Candidate
    kind: tuple[str, ...]
    cases: tuple[Case, ...]
    gain: float = 0.0

    @property
    def helps(self) -> bool:
        """Whether it brings its cases nearer to the teacher."""
        return self.gain >= _GAIN


class Race:
    """Draws what is tried on some cases of each kind, and again where one draw may be chance."""

    def __init__(self, ground: Ground, blamer: Blamer, known: Known) -> None:
        self._ground, self._blamer, self._known = ground, blamer, known

    def run(self, parent: Candidate, tried: Sequence[Tried]) -> list[Tried]:
        """Return what is tried with its gain over the parent; all of it is drawn at once."""
        gains = self._known.together([self._gained(parent, one) for one in tried])
        return [one._replace(gain=gain) for one, gain in zip(tried, gains, strict=True)]

    def _gained(self, parent: Candidate, one: Tried) -> Flow[float]:
        cases = one.cases[:_RACED]
        # A text that was proposed before is drawn anew: what it did then may have been chance.
        first = {case.id: self._ground.evaluator.known(one.child, case) for case in cases}
        # A case that is alone is hardly ever sure after one draw.
        draws = 2 if len(one.cases) == 1 else 1
        yield [(one.child, case, first[case.id] + draws) for case in cases]
        gain = self._gain(parent, one, cases, first)
        if gain >= _CLEAR or (gain < _GAIN and len(one.cases) > 1):
            return gain
        yield [(one.child, case, first[case.id] + 2) for case in cases]
        return self._gain(parent, one, cases, {name: count + 1 for name, count in first.items()})

    def _gain(self, parent: Candidate, one: Tried, cases: Sequence[Case], draws: Mapping[str, int]) -> float:
        """Return how much nearer to the teacher one draw of a child is than its parent, over some cases.

        That a draw blames a component no more that its parent's blamed counts, too: it may fail for something else.
        """
        gains = []
        for case in cases:
            before, after = self._known.scored(parent, case), self._known.scored(one.child, case)
            if before and after and len(after.samples) > draws[case.id]:
                sample, was = after.samples[draws[case.id]], self._blamer.soft(before)
                close = self._blamer.closeness(case, sample)
                blamed = self._blamer.of_scored(before).get(one.component, 0.0) >= _BLAMED
                relieved = blamed and one.component not in self._blamer.blamed(case, sample)
                # Beside the draws that fail: where chance mends one fault of two, its own draws look near.
                nearer = close > self._blamer.failing(before)
                gains.append(close - was + (_RELIEF if relieved and nearer else 0.0))
        return sum(gains) / len(gains) if gains else 0.0


def best(tried: Sequence[Tried]) -> list[Tried]:
    """Return what helps each kind of cases most, as far as it can be had together: of each component one text."""
    by_kind: dict[tuple[str, ...], Tried] = {}
    for one in tried:
        if one.helps and (one.kind not in by_kind or one.gain > by_kind[one.kind].gain):
            by_kind[one.kind] = one
    helped: dict[tuple[str, str], int] = {}
    for one in by_kind.values():
        helped[one.component, one.text] = helped.get((one.component, one.text), 0) + len(one.cases)
    chosen: dict[str, str] = {}
    for component, text in sorted(helped, key=lambda key: -helped[key]):
        chosen.setdefault(component, text)
    return [one for one in by_kind.values() if chosen[one.component] == one.text]
