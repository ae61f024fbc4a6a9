"""What hypothesis makes of a subject, a turn ahead of what is asked for, and in another process where that can be."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pytest_toolmatch.fuzzing.generating import drawn_together
from pytest_toolmatch.fuzzing.relation import NotApplicable
from pytest_toolmatch.fuzzing.variant import made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.fuzzing.edits import Edit
    from pytest_toolmatch.fuzzing.relation import Relation
    from pytest_toolmatch.fuzzing.variant import Subject, Variant

    Made: TypeAlias = dict[str, list[tuple[Edit, ...]]]

_AT_ONCE, _MANY = 6, 24
"""Variants of a relation that are generated together; and of one of which little new comes, once."""


def beside() -> Executor | None:
    """Return what generates in another process, so that this one has its time for samples; None on a single core."""
    if (os.cpu_count() or 1) == 1:
        return None
    ignore = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for this process, which then ends the other
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), signal.signal, ignore)


def edits_of(subject: Subject, relations: Sequence[Relation], most: int, seed: str) -> Made:
    """Return edits of a subject by relation, ``most`` of each at most, the simplest first."""
    return drawn_together({one.name: one.edits(subject) for one in relations}, most, seed)


class Well:
    """The variants of one subject, by relation: those with the most changes of each turn first, none of them twice.

    What comes depends on the seed alone. ``reasons`` says which relations don't apply, and why. What another process
    can't be sent (a tool's function, say) is generated in this one.
    """

    def __init__(self, subject: Subject, relations: Sequence[Relation], seed: str, executor: Executor | None) -> None:
        self.reasons: dict[str, str] = {}
        self.relations = {one.name: one for one in relations if self._applies(one, subject)}
        self._subject, self._seed, self._turn = subject, f"{seed}/{subject.case.id}", 0
        self._executor = executor if executor and _goes_by_mail(subject, relations) else None
        self._waiting: dict[str, list[Variant]] = {name: [] for name in self.relations}
        self._seen: set[str] = set()
        self._dry: set[str] = set()
        """The relations of which little new comes."""
        self._next = self._begin()

    def _applies(self, relation: Relation, subject: Subject) -> bool:
        try:
            relation.edits(subject)
        except NotApplicable as reason:
            self.reasons[relation.name] = str(reason)
            return False
        return True

    def next(self, relation: str) -> Variant | None:
        """Return another variant of a relation; None where it has no more."""
        waiting = self._waiting[relation]
        while not waiting and relation not in self._dry:
            self._take(self._made())
            self._next = self._begin()
        if not waiting:
            seed = f"{self._seed}/{relation}/{len(self._seen)}"
            self._take(edits_of(self._subject, [self.relations[relation]], _MANY, seed))
        return waiting.pop(0) if waiting else None

    def _begin(self) -> Future[Made] | None:
        """Have the next turn made of all relations that have more, where another process does it."""
        self._turn += 1
        try:
            return self._executor.submit(edits_of, *self._asked()) if self._executor and self._more() else None
        except BrokenProcessPool:  # it was killed, by whomever
            self._executor = None
            return None

    def _asked(self) -> tuple[Subject, list[Relation], int, str]:
        return self._subject, self._more(), _AT_ONCE, f"{self._seed}/{self._turn}"

    def _more(self) -> list[Relation]:
        return [one for name, one in self.relations.items() if name not in self._dry]

    def _made(self) -> Made:
        if self._next:
            try:
                return self._next.result()
            except BrokenProcessPool:
                self._executor = None
        return edits_of(*self._asked())

    def _take(self, found: Made) -> None:
        for name, drawn in found.items():
            must = self.relations[name].must
            variants = {one.id: one for edits in drawn if (one := made(self._subject, name, must, edits))}
            new = [one for one in variants.values() if one.id not in self._seen]
            self._seen.update(one.id for one in new)
            if len(new) <= len(drawn) / 3:
                self._dry.add(name)
            # The first drawn is the simplest. Much at once is likelier to hit a weakness; shrinking takes it apart.
            richest = sorted(new, key=lambda one: len(msgspec.json.encode(one.edits)), reverse=True)
            self._waiting[name] += [*richest[:1], *sorted(richest[1:], key=lambda one: one.id)]


def _goes_by_mail(subject: Subject, relations: Sequence[Relation]) -> bool:
    if any(callable(tool.implementation) or callable(tool.reply) for tool in subject.tools):
        return False
    try:
        pickle.dumps(relations)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True
