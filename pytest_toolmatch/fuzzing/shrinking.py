"""Shrinking under noise: the smallest variant that keeps the drop in rate.

Edits are left out first, then words, of the variant and its parent alike: so that what is left is a prompt which the
student still gets right without the edits. Each step is decided by a sequential probability ratio test (Wald 1945)
between the two rates that were found; at the end the smallest variant is compared anew, with draws that no step has
looked at, and where that does not show the drop, or the teacher does not do what is expected of it either, the one
before it.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.fuzzing.comparing import Compared, compared, expected, of_teacher, teacher_keeps
from pytest_toolmatch.fuzzing.edits import Before, Edit, Rewrite, Swap
from pytest_toolmatch.fuzzing.generating import drawn
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.pool import side_by_side
from pytest_toolmatch.fuzzing.screening import LOOKS, Shown, pinned, usual
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Subject, Variant, made, together
from pytest_toolmatch.statistics.drops import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.fuzzing.scoring import Scorer
    from pytest_toolmatch.fuzzing.trial import Trial

_SURE, _DOUBTFUL = math.log(50), -math.log(6)
"""Log-likelihood at which a step keeps the drop, and at which it is given up."""

_LIKELY = 1.0
"""What speaks for leaving something out before it is tried, where it is likely: one draw by chance then decides less."""

_DECIDING = 2
"""Draws after which it is mostly known that a word can't be left out."""

_CHANCE = 0.1
"""How often a student is taken to do otherwise by chance, at least: so that no draw decides alone."""

_MOST, _AT_LAST = 9, 24
"""Draws after which a step that is not decided is given up; and the last comparison, after which there is none."""

_NEEDED = math.log(10)
"""Evidence that the smallest variant has to show by itself, where that which it was made of has shown enough."""

_TRIES, _OTHERS = 3, 24

_FEW = 4
"""Edits that are tried one by one before halves of them."""

_ROUNDS = 2
"""What could not be left out of a long prompt may well be out of a short one."""

_STEM = 5
"""Letters of a word by which it is known in another form."""

Words = tuple[Rewrite, ...]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What a suspect came to: the ``smallest`` variant that keeps its drop, or none; and all that were ``compared``."""

    suspect: Variant
    smallest: Shown | None = None
    compared: tuple[Shown, ...] = ()


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """A suspect that more draws bear out, by so many in all; or one that the teacher does not keep up with either."""

    suspect: Variant
    drawn: int = 0
    broken: Shown | None = None


def examined(suspect: Variant, scorer: Scorer, before: Tally) -> Trial[tuple[Examined, ...]]:
    """Return what of a suspect is borne out: each relation alone, where it has several; ``before`` is the parent's.

    What the teacher does not keep up with says nothing against the student.
    """
    found = (yield from pinned(suspect, scorer, before)) if suspect.parts else (suspect,)
    borne_out = yield from side_by_side([_borne_out(one, scorer, before) for one in found])
    return tuple(one for one in borne_out if one.drawn or one.broken)


def _borne_out(suspect: Variant, scorer: Scorer, before: Tally) -> Trial[Examined]:
    (samples, _) = yield (Ask(suspect, "teacher", 1), Ask(suspect, "student", LOOKS + 1))
    chain = yield from expected(suspect, scorer)
    if chain is None:
        return Examined(suspect=suspect)
    if not all(scorer.hits(suspect, chain, samples)):
        teacher = yield from of_teacher(suspect, chain, scorer)
        if not teacher_keeps(teacher):
            unclear = Compared(variant=suspect, state="unclear", chain=chain)
            return Examined(suspect=suspect, broken=Shown(compared=unclear, teacher=teacher))
    return Examined(suspect=suspect, drawn=(yield from _Shrinker(suspect, scorer, before, LOOKS).confirmed(chain)))


def settled(
    found: Examined, scorer: Scorer, before: Tally, *, needed: Callable[[], float], hurried: Callable[[], bool]
) -> Trial[Settled]:
    """Make a suspect small, then compare the smallest with its parent, until a drop is shown by ``needed`` nats.

    ``before`` is what is known of the parent. Once ``hurried``, nothing smaller is tried.
    """
    suspect, shrinker = found.suspect, _Shrinker(found.suspect, scorer, before, found.drawn, hurried=hurried)
    tried: list[Shown] = []
    while shrinker.kept:
        if len(tried) < _TRIES:
            yield from shrinker.shrink()
        tried.append((yield from shrinker.again(needed())))
        if tried[-1].lower and tried[-1].teacher_keeps:
            return Settled(suspect=suspect, smallest=tried[-1], compared=tuple(tried))
        shrinker.back(all_the_way=len(tried) >= _TRIES)
    return Settled(suspect=suspect, compared=tuple(tried))


def shrunk(found: Compared, scorer: Scorer) -> Trial[Compared]:
    """Return the smallest variant that keeps the drop of one that is shown, compared with its own parent."""
    shrinker = _Shrinker(found.variant, scorer, found.before, found.skipped + found.after.draws, found.after.rate)
    for _ in range(_TRIES):
        yield from shrinker.shrink()
        if len(shrinker.kept) == 1:
            break
        again = yield from shrinker.again(_NEEDED)
        if again.lower and again.teacher_keeps:
            return again.compared
        shrinker.back()
    return found


class _Shrinker:
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
    ) -> None:
        self.kept = [found]
        self.drawn = {found.id: drawn}
        self._scorer, self._hurried = scorer, hurried
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

    def confirmed(self, chain: Chain) -> Trial[int]:
        """Return by how many draws a suspect is borne out, of which no look has seen the last ones; 0 if it isn't."""
        lower = yield from self._decided(
            self.smallest, chain, high=False, prior=_LIKELY, first=LOOKS + 1, skip=LOOKS
        )
        return self.drawn[self.smallest.id] if lower else 0

    def back(self, *, all_the_way: bool = False) -> None:
        """Go back to what had another parent: luck had a hand in the last step, and another one may do."""
        last = self.kept.pop()
        while len(self.kept) > 1 and (all_the_way or self.kept[-1].cuts == last.cuts):
            self.kept.pop()

    def again(self, needed: float) -> Trial[Shown]:
        """Compare the smallest variant anew, and see whether the teacher does what is expected of it."""
        variant, most = self.smallest, _MOST if len(self.kept) > 1 else _AT_LAST
        skip, of_parent = (self.drawn.get(case.id, 0) for case in (variant, variant.parent))
        found = yield from compared(
            variant, self._scorer, needed=needed, most=most, skip=skip, skip_parent=of_parent, sparing=True
        )
        if found.state != "lower" or found.chain is None:
            return Shown(compared=found)
        return Shown(compared=found, teacher=(yield from of_teacher(variant, found.chain, self._scorer)))

    @property
    def smallest(self) -> Variant:
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
            if _size(one := made(now.subject, now.relation, now.must, edits, now.cuts)) < _size(now)
        ]
        for one in sorted(shorter, key=lambda one: (not _meet(one.edits, now.edits), _size(one)))[:_TRIES]:
            if (yield from self._keeps(one)):
                return

    def leave_out_edits(self) -> Trial[None]:
        """Try one edit alone, or one half where there are many, then all but one, until none can be left out."""
        if self.smallest.parts:
            return
        while len(edits := self.smallest.edits) > 1:
            half, size = len(edits) // 2, len(edits)
            few = [(one,) for one in edits] if size <= _FEW else [edits[:half], edits[half:]]
            for kept in (*few, *(edits[:place] + edits[place + 1 :] for place in range(size))):
                if (yield from self._try(kept, self.smallest.cuts)):
                    break
            else:
                return

    def make_edits_smaller(self) -> Trial[None]:
        """Try smaller forms of each edit, until none keeps the drop."""
        place = len(self.smallest.edits) if self.smallest.parts else 0
        while place < len(edits := self.smallest.edits):
            for smaller in _smaller(edits[place], self.smallest.subject.query):
                changed = (*edits[:place], smaller, *edits[place + 1 :])
                if (yield from self._try(changed, self.smallest.cuts, ask_teacher=True)):
                    break
            else:
                place += 1

    def leave_out_idle_words(self) -> Trial[None]:
        """Leave out all words at once that are none of the tool's, and no value."""
        idle = tuple(one for one in _words(self.smallest) if not self._speaks(one))
        if 0 < len(idle) < len(_words(self.smallest)):
            yield from self._without(idle, likely=True)

    def leave_out_words(self) -> Trial[None]:
        """Leave out words, half of them at first, then fewer and fewer at a time (ddmin; Zeller & Hildebrandt 2002).

        Of words that speak hardly any can go: those are tried one by one.
        """
        yield from self.leave_out_idle_words()
        size = max(1, len(_words(self.smallest)) // 2)
        if all(map(self._speaks, _words(self.smallest))):
            size = 1
        while True:
            words, place, found = _words(self.smallest), 0, False
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
        cuts = [_joined((*now.cuts, word)) for word in words]
        parents = [made(now.subject, now.relation, now.must, now.edits, one).parent for one in cuts]
        yield tuple(Ask(one, "student", _DECIDING) for one in parents if one.query.strip())

    def _without(self, words: Words, *, likely: bool) -> Trial[bool]:
        cuts = _joined((*self.smallest.cuts, *words))
        return (yield from self._try(self.smallest.edits, cuts, _LIKELY if likely else 0.0))

    def _speaks(self, word: Rewrite) -> bool:
        """Say whether a word is one of the tool's that is called, or has a value of its call."""
        subject = self.smallest.subject
        text = subject.query[word.start : word.end].strip(" .,;:!?'\"").casefold()
        stems, values = _words_of_calls(subject)
        return text in values or any(one in text for one in stems | {one for one in values if len(one) >= _STEM})

    def _try(
        self, edits: tuple[Edit, ...], cuts: Words, prior: float = 0.0, *, ask_teacher: bool = False
    ) -> Trial[bool]:
        """Say whether these edits and cuts keep the drop; then they are the smallest.

        ``ask_teacher`` where it is not known that the edits call for what is expected.
        """
        now = self.smallest
        variant = made(now.subject, now.relation, now.must, edits, cuts)
        if not (yield from self._keeps(msgspec.structs.replace(variant, parts=now.parts), prior)):
            return False
        if ask_teacher and variant.must != "teacher":
            (samples,) = yield (Ask(variant, "teacher", 1),)
            if not all(self._scorer.hits(variant, variant.expected or (), samples)):
                self.kept.pop()
                return False
        return True

    def _keeps(self, variant: Variant, prior: float = 0.0) -> Trial[bool]:
        """Say whether a variant keeps the drop; then it is the smallest. ``prior`` speaks for it from the start."""
        if self._hurried() or variant.id in self._lost or not variant.query.strip() or _unchanged(variant):
            return False
        self._lost.add(variant.id)
        if variant.cuts != self.smallest.cuts:
            wanted = variant.subject.chain
            if wanted is None or not (yield from self._decided(variant.parent, wanted, high=True, prior=prior)):
                return False
        chain = yield from expected(variant, self._scorer)
        if chain is None or not (yield from self._decided(variant, chain, high=False, prior=prior)):
            return False
        self.kept.append(variant)
        return True

    def _decided(
        self, case: Case, chain: Chain, *, high: bool, prior: float = 0.0, first: int = 1, skip: int = 0
    ) -> Trial[bool]:
        """Say whether the student's rate on a case is the high one of the two, or the low one, as is asked.

        By ``first`` draws and more, of which ``skip`` don't count.
        """
        for draws in range(first, skip + _MOST + 1):
            (samples,) = yield (Ask(case, "student", draws),)
            self.drawn[case.id] = max(draws, self.drawn.get(case.id, 0))
            tally = self._scorer.tally(case, chain, [one for one in samples if one.draw >= skip])
            towards = prior + self._lead(tally) * (1 if high else -1)
            if towards >= (-_DOUBTFUL if high else _SURE):
                return True
            if towards <= _DOUBTFUL:
                return False
        return False

    def _lead(self, tally: Tally) -> float:
        """Return by how much the high rate explains draws better than the low one, as a log-likelihood."""
        misses = tally.draws - tally.matches
        up, down = math.log(self._high / self._low), math.log((1 - self._high) / (1 - self._low))
        return tally.matches * up + misses * down


def _words_of_calls(subject: Subject) -> tuple[set[str], set[str]]:
    """Return the stems of the names of the tools that are called and of their arguments; and the values' words."""
    calls = calls_of(subject.chain or ())
    names = [name for call in calls for name in (call.name, *_keys(call.arguments))]
    stems = {word.casefold()[:_STEM] for name in names for word in re.findall(r"[^\W\d_]{3,}", name)}
    values = {str(value).casefold() for call in calls for value in _leaves(call.arguments)}
    return stems, values | {word for value in values for word in value.split()}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from map(str, value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    elif value not in (None, True, False):
        yield value


def _size(variant: Variant) -> tuple[int, int]:
    said = sum(len(message.content.split()) for message in variant.conversation)
    return said, len(msgspec.json.encode(variant.edits))


def _meet(edits: tuple[Edit, ...], others: tuple[Edit, ...]) -> bool:
    """Say whether some edit of the one writes over words that some edit of the other does, too."""
    return any(
        isinstance(one, Rewrite) and isinstance(other, Rewrite) and one.start < other.end and other.start < one.end
        for one in edits
        for other in others
    )


def _unchanged(variant: Variant) -> bool:
    parent = variant.parent
    return variant.conversation == parent.conversation and variant.tools == parent.tools


def _words(variant: Variant) -> list[Rewrite]:
    """Return the words that may be left out, as cuts: those that no edit touches, each with the space behind it."""
    touched = [(one.start, one.end) for one in (*variant.cuts, *_rewrites(variant.subject, variant.edits))]
    found = [Rewrite(word.start(), word.end()) for word in re.finditer(r"\S+\s*", variant.subject.query)]
    return [one for one in found if all(one.end <= start or end <= one.start for start, end in touched)]


def _rewrites(subject: Subject, edits: tuple[Edit, ...]) -> Iterator[Rewrite]:
    for edit in edits:
        if isinstance(edit, Rewrite):
            yield edit
        if isinstance(edit, Swap):
            yield from (
                Rewrite(place.start(), place.end()) for place in re.finditer(re.escape(edit.old), subject.query)
            )


def _joined(cuts: Words) -> Words:
    """Return cuts in order, those that meet as one."""
    joined: list[Rewrite] = []
    for one in sorted(cuts, key=lambda one: one.start):
        if joined and joined[-1].end >= one.start:
            joined[-1] = Rewrite(joined[-1].start, max(one.end, joined[-1].end))
        else:
            joined.append(one)
    return tuple(joined)


def _smaller(edit: Edit, query: str) -> Iterator[Edit]:
    """Return smaller forms of an edit, the smallest first: fewer messages, fewer words put in or written anew."""
    if isinstance(edit, Before):
        for count in range(2, len(edit.messages), 2):
            yield msgspec.structs.replace(edit, messages=edit.messages[:count])
    if isinstance(edit, Rewrite):
        yield from _fewer_words(edit) if edit.start == edit.end else _fewer_rewritten(edit, query)


def _fewer_words(edit: Rewrite) -> Iterator[Rewrite]:
    """Return insertions of the first or the last few words."""
    inner = edit.text.split()
    head, tail = (" " if edit.text[:1] == " " else ""), (" " if edit.text[-1:] == " " else "")
    for count in range(1, len(inner)):
        yield msgspec.structs.replace(edit, text=f"{head}{' '.join(inner[:count])}{tail}")
        yield msgspec.structs.replace(edit, text=f"{head}{' '.join(inner[-count:])}{tail}")


def _fewer_rewritten(edit: Rewrite, query: str) -> Iterator[Rewrite]:
    """Return rewrites of single words, then of halves, of what is rewritten word by word."""
    old = [
        (word.start() + edit.start, word.end() + edit.start) for word in _WORD.finditer(query[edit.start : edit.end])
    ]
    new = edit.text.split()
    if len(old) != len(new) or len(old) < 2:  # noqa: PLR2004 - a single word can't be taken apart
        return
    pairs = [(start, end, text) for (start, end), text in zip(old, new, strict=True) if query[start:end] != text]
    yield from (Rewrite(*pair) for pair in pairs)
    for half in (slice(len(old) // 2), slice(len(old) // 2, None)):
        yield Rewrite(old[half][0][0], old[half][-1][1], " ".join(new[half]))


_WORD = re.compile(r"\S+")
