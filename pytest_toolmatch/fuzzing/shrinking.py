"""Shrinking under noise: the smallest variant that keeps the drop in rate.

Edits are left out first, then words, of the variant and its parent alike: so that what is left is a prompt which the
student still gets right without the edits. Each step is decided by a sequential probability ratio test (Wald 1945)
between the two rates that were found; at the end the smallest variant is compared anew, with draws that no step has
looked at, and where that does not show the drop, or the teacher does not do what is expected of it either, it goes on
from the one before it that more draws bear out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.fuzzing.comparing import Compared, compared, expected
from pytest_toolmatch.fuzzing.cutting import Words, joined, meet, size_of, smaller, speaks, unchanged, words_of
from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.generating import drawn
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.screening import LOOKS, Shown, beside_teacher, usual
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Variant, made, together
from pytest_toolmatch.statistics.drops import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.trial import Trial

_SURE, _DOUBTFUL = math.log(50), -math.log(6)
"""Log-likelihood at which a step keeps the drop, and at which it is given up."""

_LIKELY = 1.0
"""What speaks for leaving out what is likely to go, before it is tried: one draw by chance then decides less."""

_DECIDING = 2
"""Draws after which it is mostly known that a word can't be left out."""

_CHANCE = 0.1
"""How often a student is taken to do otherwise by chance, at least: so that no draw decides alone."""

_MOST, _AT_LAST = 9, 24
"""Draws after which a step that is not decided is given up; and the last comparison: anew it would cost more."""

_NEEDED = math.log(10)
"""Evidence that the smallest variant has to show by itself, where that which it was made of has shown enough."""

TRIES, _OTHERS = 3, 24
"""Times that a shrinking begins anew where luck had a hand in it; and edits among which shorter ones are looked for."""

_FEW = 4
"""Edits that are tried one by one before halves of them."""

_ROUNDS = 2
"""What could not be left out of a long prompt may well be out of a short one."""


def shrunk(found: Compared, scorer: Scorer) -> Trial[Compared]:
    """Return the smallest variant that keeps the drop of one that is shown, compared with its own parent."""
    shrinker = Shrinker(found.variant, scorer, found.before, found.skipped + found.after.draws, found.after.rate)
    for _ in range(TRIES):
        yield from shrinker.shrink()
        if len(shrinker.kept) == 1:
            break
        again = yield from shrinker.again(_NEEDED)
        if again.lower and again.teacher_keeps:
            return again.compared
        yield from shrinker.back()
    return found


class Shrinker:
    """The steps of one shrinking; ``kept`` are the variants that kept the drop, each smaller than the one before."""

    def __init__(
        self,
        found: Variant,
        scorer: Scorer,
        before: Tally,
        drawn: int,
        after: float = 0.0,
        *,
        hurried: Callable[[], bool] = lambda: False,
        doubtful: float = _DOUBTFUL,
    ) -> None:
        self.kept = [found]
        self.drawn = {found.id: drawn}
        self._scorer, self._hurried, self._doubtful = scorer, hurried, doubtful
        self._high = min(1 - _CHANCE, usual(before))
        self._low = min(max(_CHANCE, after), self._high - _CHANCE)
        self._lost: set[str] = {found.id}

    def shrink(self) -> Trial[None]:
        """Leave out whatever can be: relations, edits, words; first of all what is most likely to say nothing."""
        yield from self.take_apart()
        yield from self.leave_out_idle_words()
        for _ in range(_ROUNDS):
            yield from self.leave_out_edits()
            yield from self.exchange()
            yield from self.make_edits_smaller()
            yield from self.leave_out_words()

    def confirmed(self, chain: Chain) -> Trial[Tally]:
        """Return the draws by which a suspect is borne out, and which no look has seen; none if it isn't.

        A rate that is half of the parent's is low enough.
        """
        self._low = self._high / 2
        lower = yield from self._decided(self.smallest, chain, high=False, prior=_LIKELY, first=LOOKS + 1, skip=LOOKS)
        (samples,) = yield (Ask(self.smallest, "student", self.drawn[self.smallest.id]),)
        tally = self._scorer.tally(self.smallest, chain, [one for one in samples if one.draw >= LOOKS])
        return tally if lower else Tally()

    def back(self, *, all_the_way: bool = False) -> Trial[None]:
        """Go back to the smallest that more draws bear out: luck had a hand in one of the steps, and others may do."""
        self.kept.pop()
        while len(self.kept) > 1 and (all_the_way or not (yield from self._stands(self.smallest))):
            self.kept.pop()

    def _stands(self, variant: Variant) -> Trial[bool]:
        """Say whether the teacher copes with a variant, and new draws bear it out, and its parent."""
        if not (yield from self._teacher_keeps(variant)):
            return False
        chain = yield from expected(variant, self._scorer)
        for case, wanted, high in ((variant.parent, variant.subject.chain, True), (variant, chain, False)):
            seen = self.drawn.get(case.id, 0)
            if wanted is None:
                return False
            if not (yield from self._decided(case, wanted, high=high, prior=_LIKELY, first=seen + 1, skip=seen)):
                return False
        return True

    def again(self, needed: float) -> Trial[Shown]:
        """Compare the smallest variant anew, and see whether the teacher does what is expected of it."""
        variant = self.smallest
        skip, of_parent = (self.drawn.get(case.id, 0) for case in (variant, variant.parent))
        found = yield from compared(
            variant, self._scorer, needed=needed, most=_AT_LAST, skip=skip, skip_parent=of_parent, sparing=True
        )
        return (yield from beside_teacher(found, self._scorer))

    @property
    def smallest(self) -> Variant:
        """The smallest variant so far."""
        return self.kept[-1]

    def take_apart(self) -> Trial[None]:
        """Try each of the relations alone that were put together, then leave out what can be left out."""
        for variant in self.smallest.alone():
            if (yield from self._keeps(variant, _LIKELY)):
                return
        for place in reversed(range(len(self.smallest.parts))):
            rest = self.smallest.alone()
            if len(rest) > 1 and (yield from self._keeps(together(rest[:place] + rest[place + 1 :]))):
                continue

    def exchange(self) -> Trial[None]:
        """Try single edits of the same relation that make a shorter prompt: first those of the same words."""
        now = self.smallest
        if now.relation not in RELATIONS:
            return
        others = drawn(RELATIONS[now.relation].variants(now.subject), _OTHERS, now.id)
        single = {msgspec.json.encode(edit): (edit,) for one in others for edit in one.edits}
        shorter = [
            one
            for edits in single.values()
            if size_of(one := made(now.subject, now.relation, now.must, edits, now.cuts)) < size_of(now)
        ]
        for one in sorted(shorter, key=lambda one: (not meet(one.edits, now.edits), size_of(one)))[:TRIES]:
            if (yield from self._keeps(one)):
                return

    def leave_out_edits(self) -> Trial[None]:
        """Try one edit alone, or one half where there are many, then all but one, until none can be left out."""
        if self.smallest.parts:
            return
        while len(edits := self.smallest.edits) > 1:
            half, size = len(edits) // 2, len(edits)
            few = [(one,) for one in edits] if size <= _FEW else [edits[:half], edits[half:]]
            less = (*few, *(edits[:place] + edits[place + 1 :] for place in range(size)))
            for kept in less:
                if (yield from self._try(kept, self.smallest.cuts, of=len(less))):
                    break
            else:
                return

    def make_edits_smaller(self) -> Trial[None]:
        """Try smaller forms of each edit, until none keeps the drop."""
        place = len(self.smallest.edits) if self.smallest.parts else 0
        while place < len(edits := self.smallest.edits):
            for less in smaller(edits[place], self.smallest.subject.query):
                changed = (*edits[:place], less, *edits[place + 1 :])
                if (yield from self._try(changed, self.smallest.cuts, ask_teacher=True)):
                    break
            else:
                place += 1

    def leave_out_idle_words(self) -> Trial[None]:
        """Leave out all words at once that are none of the tool's, and no value."""
        idle = tuple(one for one in words_of(self.smallest) if not speaks(one, self.smallest.subject))
        if 0 < len(idle) < len(words_of(self.smallest)):
            cuts = joined((*self.smallest.cuts, *idle))
            yield from self._try(self.smallest.edits, cuts, _LIKELY, hurried=False)

    def leave_out_words(self) -> Trial[None]:
        """Leave out words, half of them at first, then fewer and fewer at a time (ddmin; Zeller & Hildebrandt 2002).

        Of words that speak hardly any can go: those are tried one by one.
        """
        yield from self.leave_out_idle_words()
        size = max(1, len(words_of(self.smallest)) // 2)
        if all(speaks(one, self.smallest.subject) for one in words_of(self.smallest)):
            size = 1
        while True:
            words, place, found = words_of(self.smallest), 0, False
            if size == 1 and len(words) > 1 and not self._hurried():
                yield from self._ask_ahead(words)
            while place < len(words):
                part = tuple(words[place : place + size])
                if len(words) > len(part) and (yield from self._without(part, likely=size == 1)):
                    words, found = words[:place] + words[place + size :], True
                else:
                    place += size
            if size == 1 and not found:
                return
            size = max(1, size // 2)

    def _ask_ahead(self, words: Sequence[Rewrite]) -> Trial[None]:
        """Have the parents without each of the words drawn at once: where none can go, each takes its draws anyway."""
        now = self.smallest
        cuts = [joined((*now.cuts, word)) for word in words]
        parents = [made(now.subject, now.relation, now.must, now.edits, one).parent for one in cuts]
        yield tuple(Ask(one, "student", _DECIDING) for one in parents if one.query.strip())

    def _without(self, words: Words, *, likely: bool) -> Trial[bool]:
        cuts = joined((*self.smallest.cuts, *words))
        return (yield from self._try(self.smallest.edits, cuts, _LIKELY if likely else 0.0))

    def _try(
        self,
        edits: tuple[Edit, ...],
        cuts: Words,
        prior: float = 0.0,
        *,
        ask_teacher: bool = False,
        hurried: bool = True,
        of: int = 1,
    ) -> Trial[bool]:
        """Say whether these edits and cuts keep the drop; then they are the smallest.

        ``ask_teacher`` where it is not known that the edits call for what is expected.
        """
        now = self.smallest
        variant = made(now.subject, now.relation, now.must, edits, cuts)
        if not (
            yield from self._keeps(msgspec.structs.replace(variant, parts=now.parts), prior, hurried=hurried, of=of)
        ):
            return False
        if ask_teacher and not (yield from self._teacher_keeps(variant)):
            self.kept.pop()
            return False
        return True

    def _teacher_keeps(self, variant: Variant) -> Trial[bool]:
        """Say whether the teacher does what is expected, by one draw."""
        if variant.must == "teacher":
            return True
        (samples,) = yield (Ask(variant, "teacher", 1),)
        return all(self._scorer.hits(variant, variant.expected or (), samples))

    def _keeps(self, variant: Variant, prior: float = 0.0, *, hurried: bool = True, of: int = 1) -> Trial[bool]:
        """Say whether a variant keeps the drop; then it is the smallest. ``prior`` speaks for it from the start.

        One ``of`` many has to be surer. ``hurried``: not if there is no time left.
        """
        if (hurried and self._hurried()) or variant.id in self._lost or not variant.query.strip() or unchanged(variant):
            return False
        self._lost.add(variant.id)
        if variant.cuts != self.smallest.cuts:
            wanted = variant.subject.chain
            if wanted is None or not (yield from self._decided(variant.parent, wanted, high=True, prior=prior)):
                return False
        chain = yield from expected(variant, self._scorer)
        sure = _SURE + math.log(of)
        if chain is None or not (yield from self._decided(variant, chain, high=False, prior=prior, sure=sure)):
            return False
        self.kept.append(variant)
        return True

    def _decided(
        self,
        case: Case,
        chain: Chain,
        *,
        high: bool,
        prior: float = 0.0,
        sure: float = _SURE,
        first: int = 1,
        skip: int = 0,
    ) -> Trial[bool]:
        """Say whether the student's rate on a case is the high one of the two, or the low one, as is asked.

        By ``first`` draws and more, of which ``skip`` don't count; that it is low has to be ``sure``.
        """
        for draws in range(first, skip + _MOST + 1):
            (samples,) = yield (Ask(case, "student", draws),)
            self.drawn[case.id] = max(draws, self.drawn.get(case.id, 0))
            tally = self._scorer.tally(case, chain, [one for one in samples if one.draw >= skip])
            towards = prior + self._lead(tally) * (1 if high else -1)
            if towards >= (-_DOUBTFUL if high else sure):
                return True
            if towards <= self._doubtful:
                return False
        return False

    def _lead(self, tally: Tally) -> float:
        """Return by how much the high rate explains draws better than the low one, as a log-likelihood."""
        misses = tally.draws - tally.matches
        up, down = math.log(self._high / self._low), math.log((1 - self._high) / (1 - self._low))
        return tally.matches * up + misses * down
