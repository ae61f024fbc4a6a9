"""What hypothesis makes of a subject, a turn ahead of what is asked for, and in another process where that can be."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import signal
from collections import defaultdict, deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pytest_toolmatch.fuzzing.generating import drawn_together
from pytest_toolmatch.fuzzing.relation import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.fuzzing.edits import Edit
    from pytest_toolmatch.fuzzing.relation import Relation
    from pytest_toolmatch.fuzzing.variant import Subject

_FIRST, _NEXT = 8, 8
"""Variants of a relation that are generated in the first turn, and in those after it while much of them is new."""

_WORKERS = 2
"""Processes that generate, at most: what the thread that draws samples leaves of two cores."""

_LOW = 1
"""Variants of a relation that are left when the next turn begins."""


class Made(NamedTuple):
    """Edits by relation, as texts that tell them apart and as what they are read from; and why others don't apply."""

    edits: dict[str, list[tuple[bytes, bytes]]]
    reasons: dict[str, str]


def beside() -> Executor | None:
    """Return what generates in other processes, so that this one has its time for samples; None on a single core."""
    workers = min(_WORKERS, os.cpu_count() or 1)
    if workers == 1:
        return None
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin_process)
    executor.submit(_prepare)  # one starts, and imports what it needs, while the first samples are drawn
    return executor


def end(executor: Executor) -> None:
    """End the processes at once, whatever they are at."""
    executor.shutdown(wait=False, cancel_futures=True)
    for process in multiprocessing.active_children():
        process.terminate()


def _begin_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other process, which then ends this one


def _prepare() -> None:
    import pytest_toolmatch.fuzzing.relations  # noqa: F401, PLC0415


def edits_of(subject: Subject, wanted: Sequence[tuple[Relation, int]], seed: str) -> Made:
    """Return edits of a subject by relation, so many of each at most."""
    found, by_count = Made({}, {}), defaultdict[int, dict[str, Any]](dict)
    for relation, count in wanted:
        try:
            by_count[count][relation.name] = relation.edits(subject)
        except NotApplicable as reason:
            found.reasons[relation.name] = str(reason)
    for count, strategies in by_count.items():
        for name, drawn in drawn_together(strategies, count, f"{seed}/{count}").items():
            found.edits[name] = [(text, pickle.dumps(edits)) for text, edits in _most_new_first(drawn)]
    return found


def _most_new_first(drawn: list[tuple[Edit, ...]]) -> Iterator[tuple[bytes, tuple[Edit, ...]]]:
    """Yield what was drawn, each time that with the most edits which nothing before it had.

    Much at once is likelier to hit a weakness, and shrinking takes it apart; the same once more is not.
    """
    known: set[bytes] = set()
    by_text = {msgspec.json.encode(edits): edits for edits in drawn}
    left = {text: {msgspec.json.encode(one) for one in edits} for text, edits in by_text.items()}
    while left:
        text = min(left, key=lambda one: (-len(left[one] - known), hashlib.sha256(one).digest()))
        known |= left.pop(text)
        yield text, by_text[text]


class Well:
    """The edits of one subject, by relation: those of each turn that change most anew first, none of them twice.

    What comes depends on the seed alone. What another process can't be sent (a tool's function) is generated in this
    one; ``executor`` can be sent the relations.
    """

    def __init__(self, subject: Subject, relations: Sequence[Relation], seed: str, executor: Executor | None) -> None:
        self._subject, self._seed, self._turn = subject, f"{seed}/{subject.case.id}", 0
        self._all = {one.name: one for one in relations}
        self._counts = dict.fromkeys(self._all, _FIRST)
        """How many of each relation are generated next."""
        local = any(callable(tool.implementation) or callable(tool.reply) for tool in subject.tools)
        self._executor = None if local else executor
        self._waiting: dict[str, deque[bytes]] = defaultdict(deque)
        self._seen: dict[str, set[bytes]] = defaultdict(set)
        self._reasons: dict[str, str] = {}
        self._asked: tuple[Subject, list[tuple[Relation, int]], str] | None = None
        self._next: Future[Made] | None = None
        self._begin()

    @property
    def relations(self) -> dict[str, Relation]:
        """The relations that apply, once the first turn is made."""
        self._take_first()
        return {name: self._all[name] for name in self._all if name not in self._reasons}

    @property
    def reasons(self) -> dict[str, str]:
        """Why others don't."""
        self._take_first()
        return self._reasons

    def next(self, relation: str) -> tuple[Edit, ...]:
        """Return other edits of a relation; none where it has no more."""
        self._take_first()
        waiting = self._waiting[relation]
        while not waiting and relation in self._counts:
            self._take(self._made())
        if relation in self._counts and len(waiting) <= _LOW:
            self._begin()
        if not waiting:
            return ()
        edits: tuple[Edit, ...] = pickle.loads(waiting.popleft())  # noqa: S301 - of our own process
        return edits

    def _take_first(self) -> None:
        if self._turn == 0:
            self._take(self._made())

    def _begin(self) -> None:
        """Have the next turn made of the relations that will soon want it, in another process where there is one."""
        if self._asked is None:
            low = [(self._all[name], count) for name, count in self._counts.items() if len(self._waiting[name]) <= _LOW]
            self._asked = (self._subject, low, f"{self._seed}/{self._turn}")
            with self._without_a_broken_process():
                self._next = self._executor.submit(edits_of, *self._asked) if self._executor else None

    def _made(self) -> Made:
        self._begin()
        with self._without_a_broken_process():
            if self._next:
                return self._next.result()
        assert self._asked
        return edits_of(*self._asked)

    @contextmanager
    def _without_a_broken_process(self) -> Iterator[None]:
        try:
            yield
        except BrokenProcessPool:  # it was killed, by whomever
            self._executor = self._next = None

    def _take(self, found: Made) -> None:
        self._reasons |= found.reasons
        for name, drawn in found.edits.items():
            new = [(text, edits) for text, edits in drawn if text not in self._seen[name]]
            self._seen[name].update(text for text, _ in new)
            self._waiting[name].extend(edits for _, edits in new)
            if self._turn and len(new) <= _NEXT / 3:
                del self._counts[name]
            else:
                self._counts[name] = _NEXT
        for name in found.reasons:
            self._counts.pop(name, None)
        self._turn, self._asked, self._next = self._turn + 1, None, None


def sendable(relations: Sequence[Relation]) -> bool:
    """Say whether another process can be sent these relations."""
    try:
        pickle.dumps(relations)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True
