"""The model that writes new texts: asked through the sampler like any other, and no longer once it is broken."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.repair.replies import Unusable, checked, text_of
from pytest_toolmatch.repair.templates import SYSTEM, longest, question
from pytest_toolmatch.sampling.replayed import Replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.repair.candidate import Candidate, Components
    from pytest_toolmatch.repair.feedback import Lesson
    from pytest_toolmatch.repair.replies import Queries
    from pytest_toolmatch.sampling.recordings import Recording
    from pytest_toolmatch.sampling.session import Session

_FAILURES, _LATER_FAILURES = 5, 12
"""Replies in a row that are of no use, after which a model is not asked again: at its first, and at its later ones."""

_FAILED = 2
"""Texts that were tried in vain that a model is shown: the latest."""


class Wish(NamedTuple):
    """A new text that is wanted: of which component, what there is to learn, and what was tried in vain."""

    component: str
    candidate: Candidate
    lessons: Sequence[Lesson]
    tried: Sequence[str] = ()


class Reflector:
    """Asks a model for new texts, all of a call together; its replies are recorded and not paid for twice.

    ``broken`` says why it is not asked any more, once it isn't.
    """

    def __init__(
        self, components: Components, queries: Queries, model: Model, recording: Recording, session: Session
    ) -> None:
        self._components, self._queries = components, queries
        self.model = model
        asked = Suite(name="reflections", instructions=SYSTEM)
        self._source = session.source(Replayed(Plan(asked, model), "teacher", recording, None, fewer=True))
        self._asked: dict[str, int] = {}
        self._in_a_row = self._useful = 0
        self.asked = 0
        self.refused: list[str] = []
        self.broken = ""

    def texts(self, wishes: Sequence[Wish]) -> list[str | None]:
        """Return a new text for each wish; None where the reply is of no use.

        Raises what keeps the model from being asked at all.
        """
        drawn = self.ask(
            [question(w.component, w.candidate, self._components, w.lessons, w.tried[-_FAILED:]) for w in wishes],
        )
        return [self._checked(wish, sample) for wish, sample in zip(wishes, drawn, strict=True)]

    def ask(self, prompts: Sequence[str]) -> list[Sample]:
        """Return the reply to each prompt; one that was put before gets another reply."""
        begun = [(case, self._next(case)) for case in map(_case_of, prompts)]
        for case, draw in begun:
            self._source.prefetch((case,), None, draw + 1)
        self.asked += len(begun)
        return [self._source.samples(case, None, draw + 1)[draw] for case, draw in begun]

    def _next(self, case: Case) -> int:
        draw = self._asked.get(case.id, 0)
        self._asked[case.id] = draw + 1
        return draw

    def _checked(self, wish: Wish, sample: Sample) -> str | None:
        current = wish.candidate[wish.component]
        try:
            if not sample.valid:
                raise Unusable(sample.error or "no reply")  # noqa: TRY301 - as any other reply of no use
            limit = longest(wish.component, self._components, current)
            text = checked(text_of(sample.text), current, limit, self._queries)
        except Unusable as error:
            self._fail(f"{wish.component}: {error}")
            return None
        self._useful += 1
        if text in wish.tried:
            # It may be tried again, for chance may have spoilt it; but a model that writes nothing else is of no use.
            self._in_vain(f"{wish.component}: the new text was tried before")
        else:
            self._in_a_row = 0
        return text

    def _fail(self, why: str) -> None:
        self.refused.append(why)
        self._in_vain(why)

    def _in_vain(self, why: str) -> None:
        self._in_a_row += 1
        most = _LATER_FAILURES if self._useful else _FAILURES
        if self._in_a_row >= most and not self.broken:
            self.broken = f"{self.model.identity}: {self._in_a_row} replies in a row were of no use ({why})"


def _case_of(prompt: str) -> Case:

    return Case(id=hashlib.sha256(prompt.encode()).hexdigest()[:16], conversation=user(prompt))
