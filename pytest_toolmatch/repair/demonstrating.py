"""A search over examples alone: random sets in a race, then exchanges of single ones. It needs no other model.

The race is successive halving (Jamieson & Talwalkar 2016, arXiv:1502.07943): many sets on a few cases, the better half
of them on more. Cases are those to learn from; an example is never shown before its own query.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from pytest_toolmatch.repair.candidate import EXAMPLES, Candidate, example_ids, with_examples
from pytest_toolmatch.repair.evaluating import mean_score
from pytest_toolmatch.repair.phase import Mended
from pytest_toolmatch.repair.searching import SPENT, affords, means, pool_of, shots_of, tried
from pytest_toolmatch.reports.figures import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.prompt import Example
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.phase import Ground

_BLOCK = 4
"""Cases that a race begins with, and that each of its rounds adds; and failing ones that an exchange is tried on."""

_RACING, _EXCHANGING = 0.5, 0.7
"""The shares of the rollouts after which the race has to be over, and the exchanges."""

_AT_ONCE, _PATIENCE = 4, 4
"""Exchanges that are tried together, and times that none of them may help before the search ends."""

_FEWEST = 4
"""Sets in a race at least."""


def demonstrate(ground: Ground, start: Candidate, say: Callable[[str], None]) -> Mended:
    """Return the start with the examples that help most; a ``Phase``."""
    if not shots_of(ground):
        return Mended(start, len(ground.train), "no example may be shown")
    if ground.left < 2 * _BLOCK:
        return Mended(start, len(ground.train), SPENT)
    search = _Search(ground, say)
    return Mended(search.run(start), len(ground.train), pool=search.pool)


class _Search:
    def __init__(self, ground: Ground, say: Callable[[str], None]) -> None:
        self._ground, self._rollouts, self._say = ground, ground.left, say
        self._chance = random.Random(ground.options.seed)  # noqa: S311 - chance that is to be repeated
        self._cases = self._chance.sample(ground.train, len(ground.train))
        self._shots = shots_of(ground)
        self.pool: list[tuple[Candidate, float]] = []
        self._kinds = {case.id: _kind(ground.components.examples[case.id]) for case in pool_of(ground)}
        self._by_kind: dict[tuple[str, ...], list[str]] = {}
        for name, kind in self._kinds.items():
            self._by_kind.setdefault(kind, []).append(name)

    def run(self, start: Candidate) -> Candidate:
        """Return the best candidate that is found from one to start from."""
        count = max(_FEWEST, int(self._rollouts * _RACING / (2 * _BLOCK)))
        best = self._raced([start, *(self._random(start) for _ in range(count - 1))])
        self._tell(f"{plural(_size(best), 'example')} won a race of {count} sets")
        best = self._thinned(self._exchanged(best))
        self._tell(f"{plural(_size(best), 'example')} left after exchanges")
        return best

    def _tell(self, what: str) -> None:
        self._say(f"  {self._ground.evaluator.rollouts} rollouts · {what}")

    def _random(self, start: Candidate) -> Candidate:
        """Return the start with a random set of examples, each of another kind as far as there are as many."""
        kinds = self._chance.sample(list(self._by_kind), len(self._by_kind))
        size = self._chance.randint(1, self._shots)
        chosen = [self._chance.choice(self._by_kind[kind]) for kind in kinds[:size]]
        rest = [name for name in self._kinds if name not in chosen]
        return with_examples(start, [*chosen, *self._chance.sample(rest, size - len(chosen))])

    def _raced(self, candidates: Iterable[Candidate]) -> Candidate:
        """Return the best of some candidates: half of them go on to more cases each time."""
        running = list({candidate[EXAMPLES]: candidate for candidate in candidates}.values())
        seen = 0
        while len(running) > 1 and seen < len(self._cases):
            seen += _BLOCK
            while len(running) > 1 and not affords(self._ground, running, self._cases[:seen]):
                running.pop()
            if len(running) == 1:
                break
            found = means(self._ground, running, self._cases[:seen])
            places = sorted(range(len(running)), key=lambda at: (-found[at], _size(running[at]), at))
            running = [running[at] for at in places[: math.ceil(len(running) / 2)]]
        return running[0]

    def _exchanged(self, best: Candidate) -> Candidate:
        """Return the candidate after all exchanges of single examples that help."""
        patience, reserve = _PATIENCE, self._rollouts * (1 - _EXCHANGING)
        while patience and self._ground.left > reserve and affords(self._ground, [best], self._cases):
            (own,) = tried(self._ground, [best], self._cases)
            failing = [one for one in own if one.score < 1]
            if not failing:
                break
            better = self._better(best, own, failing)
            best, patience = (best, patience - 1) if better is None else (better, _PATIENCE)
        return best

    def _better(self, best: Candidate, own: Sequence[Scored], failing: Sequence[Scored]) -> Candidate | None:
        """Return an exchange that helps where the best fails, and on all cases; None where none of those tried does."""
        near = [*self._some(failing), *self._some([one for one in own if one.score == 1])]
        cases = [one.case for one in near]
        changed = [self._neighbour(best, self._chance.choice(failing).case) for _ in range(_AT_ONCE)]
        changed = list({one[EXAMPLES]: one for one in changed if one != best}.values())
        if not changed or not affords(self._ground, changed, cases):
            return None
        found = means(self._ground, changed, cases)
        mean, _, chosen = max((mean, -place, one) for place, (mean, one) in enumerate(zip(found, changed, strict=True)))
        if mean <= mean_score(near) or not affords(self._ground, [chosen], self._cases):
            return None
        return chosen if self._on_all([chosen])[0] > mean_score(own) else None

    def _on_all(self, candidates: Sequence[Candidate]) -> list[float]:
        found = means(self._ground, candidates, self._cases)
        self.pool += zip(candidates, found, strict=True)
        return found

    def _some(self, scored: Sequence[Scored]) -> list[Scored]:
        return self._chance.sample(scored, min(_BLOCK, len(scored)))

    def _neighbour(self, best: Candidate, failing: Case) -> Candidate:
        """Return the candidate with one more example or another one, if possible like what the failing case needs."""
        shown = example_ids(best)
        others = [name for name in self._kinds if name not in shown and name != failing.id]
        alike = [name for name in others if self._kinds[name] == self._kinds.get(failing.id)]
        if not others:
            return best
        new = self._chance.choice(alike or others)
        if len(shown) < self._shots:
            return with_examples(best, [*shown, new])
        at = self._chance.randrange(len(shown))
        return with_examples(best, [*shown[:at], *shown[at + 1 :], new])

    def _thinned(self, found: Candidate) -> Candidate:
        """Return the candidate without examples that it does as well without, as far as rollouts go.

        One case less counts as well: what won a race has had some luck in it.
        """
        best, least = found, 0.0
        while shown := example_ids(best):
            fewer = [with_examples(best, shown[:at] + shown[at + 1 :]) for at in range(len(shown))]
            if not affords(self._ground, [best, *fewer], self._cases):
                break
            own, *rest = self._on_all([best, *fewer])
            least = least or own - 1 / max(1, len(self._cases) - len(shown))
            at = max(range(len(fewer)), key=rest.__getitem__)
            if rest[at] < least:
                break
            best = fewer[at]
        return best


def _kind(example: Example) -> tuple[str, ...]:
    """Return what an example shows: the tools that are called, in order of their names."""
    return tuple(sorted(call.name for message in example.conversation for call in message.calls))


def _size(candidate: Candidate) -> int:
    return len(example_ids(candidate))
