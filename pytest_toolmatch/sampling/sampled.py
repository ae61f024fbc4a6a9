"""What is drawn from a model for one suite, beside what is recorded already."""

from __future__ import annotations

import contextlib
import itertools
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.core.request import followed_digest
from pytest_toolmatch.sampling.forced import roll_forced
from pytest_toolmatch.sampling.lane import Work
from pytest_toolmatch.sampling.leader import Leader, caches
from pytest_toolmatch.sampling.recordings import Record
from pytest_toolmatch.sampling.rollout import roll_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.errors import ModelUnavailable
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.sampling.lane import Complete
    from pytest_toolmatch.sampling.replayed import Replayed
    from pytest_toolmatch.sampling.replies import Answer
    from pytest_toolmatch.sampling.session import Session

DRAWS = 5
"""Draws of each case and model where nobody says how many: consistency of .5 shows itself, and four pairs a draw."""


class Sampled:
    """The samples of one suite and model, in one role: drawn at the earliest moment, waited for at the latest.

    ``replayed`` is what is recorded already; in the modes ``refresh`` and ``live`` it does not count. ``keep`` records
    a sample and returns the one that stands; None keeps nothing.
    """

    def __init__(
        self,
        replayed: Replayed,
        session: Session,
        answer: Callable[[Case], Answer],
        keep: Callable[[Record], Record] | None,
    ) -> None:
        self.replayed = replayed
        self.plan = replayed.plan
        self.role = replayed.role
        self._session = session
        self._answer = answer
        self._keep = keep
        self._leader = Leader() if caches(self.plan.model) else None
        self._futures: dict[str, list[Sample | Future[Sample]]] = {}
        self.submitted = 0

    def prefetch(self, cases: Iterable[Case], teacher: Sample | None = None, draws: int | None = None) -> None:
        """Have so many draws of each case made, or as many as usual where nobody says.

        ``teacher`` is the sample that teacher-forced draws follow.
        """
        for case in cases:
            if draws is not None or case.id not in self._futures:
                self._begin(case, teacher, self._usual(case) if draws is None else draws)

    def samples(self, case: Case, teacher: Sample | None = None, draws: int | None = None) -> list[Sample]:
        """Wait for the first ``draws`` samples of a case, or all; raises what keeps its model from being sampled."""
        self.prefetch((case,), teacher, draws)
        begun = self._futures[case.id]
        found = [self._session.wait(one) for one in begun[:draws]]
        # The samples take the place of their futures, which hold much more.
        begun[: len(found)] = found
        return found

    def coming(self, case: Case, draws: int) -> list[Future[Sample]]:
        """Return those of the first draws of a case, begun before, that nobody has waited for."""
        return [one for one in self._futures.get(case.id, ())[:draws] if isinstance(one, Future)]

    def ready(self, case: Case, draws: int) -> bool:
        """Say whether so many draws of a case were begun and are there, or have failed."""
        begun = self._futures.get(case.id, ())
        return len(begun) >= draws and all(not isinstance(one, Future) or one.done() for one in begun[:draws])

    def then(self, case: Case, follow: Callable[[list[Sample]], None], draws: int | None = None) -> None:
        """Call ``follow`` with the first samples of a case once they are there; never where one can't be made.

        It may be called on the sampler's loop: so nothing is waited for here, nor done meanwhile.
        """
        self.prefetch((case,), None, draws)
        first = self._futures[case.id][:draws]
        waiting = [one for one in first if isinstance(one, Future)]
        _when_done(waiting, lambda: follow([one.result() if isinstance(one, Future) else one for one in first]))

    def unopened(self, case: Case, draws: int | None = None) -> ModelUnavailable | None:
        """Return why draws of a case that are not recorded can't be made: their model could not be opened."""
        error = self._session.unopened(self.plan.model)
        return error if error and self.lacks(case, draws) else None

    def lacks(self, case: Case, draws: int | None = None) -> bool:
        """Say whether so many draws of a case, or as many as usual, are not all recorded."""
        draws = self._usual(case) if draws is None else draws
        if self._session.mode != "record":
            return draws > 0
        if self.plan.suite.rollout.mode == "next_step":  # only the teacher's samples tell which answer today
            return self.replayed.count(case) < draws
        return not self.replayed.drawn(case).keys() >= set(range(draws))

    def _usual(self, case: Case) -> int:
        return self.replayed.wanted or max(DRAWS, self.replayed.count(case))

    def _begin(self, case: Case, teacher: Sample | None, draws: int) -> None:
        begun = self._futures.get(case.id, [])
        if len(begun) >= draws:
            self._futures.setdefault(case.id, begun)
            return
        recorded = self.replayed.drawn(case, teacher) if self._session.mode == "record" else {}
        # Every gap is drawn: what was recorded may lack some draws, where a service failed.
        missing = range(len(begun), draws)
        more = [recorded[draw] if draw in recorded else self._submit(case, draw, teacher) for draw in missing]
        self._futures[case.id] = [*begun, *more]

    def _submit(self, case: Case, draw: int, teacher: Sample | None) -> Future[Sample]:
        self.submitted += 1
        key = self.plan.key(case, self.role, draw, followed_digest(teacher) if teacher else "")
        return self._session.submit(
            Work(
                case=case.id,
                key=key,
                home=str(self.replayed.recording.path),
                model=self.plan.model,
                run=partial(self._run, case, draw, teacher),
                keep=partial(self._kept, key) if self._keep else None,
            )
        )

    def _run(
        self,
        case: Case,
        draw: int,
        teacher: Sample | None,
        complete: Complete,
        remember: Callable[[Answer], Answer] = lambda answer: answer,
    ) -> Awaitable[Sample]:
        request, answer = self.plan.request(case, self.role, draw), remember(self._answer(case))
        if self._leader:
            complete = partial(self._leader, complete)
        if teacher is None:
            return roll_out(case.id, request, complete, answer)
        followed = msgspec.structs.replace(request, followed=followed_digest(teacher))
        return roll_forced(case.id, followed, teacher, complete, answer)

    def _kept(self, key: str, sample: Sample) -> Sample:
        assert self._keep
        return self._keep(Record(key=key, model=self.plan.model.identity, sample=sample)).sample


def _when_done(futures: list[Future[Sample]], act: Callable[[], None]) -> None:
    """Act when the last future is done, in its thread; not at all where one has failed."""
    if not futures:
        act()
    done = itertools.count(1)

    def count(_: Future[Sample]) -> None:
        if next(done) == len(futures) and not any(one.cancelled() or one.exception() for one in futures):
            with contextlib.suppress(ToolmatchError, RuntimeError):  # whoever waits for what it begins meets it again
                act()

    for future in futures:
        future.add_done_callback(count)
