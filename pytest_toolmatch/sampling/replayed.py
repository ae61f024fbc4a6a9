"""What is recorded of one suite and one model, and whether it still answers what is asked today."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import MissingRecording
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.core.request import changed_parts, followed_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.plan import Plan
    from pytest_toolmatch.core.sample import Sample, SampleRole
    from pytest_toolmatch.sampling.recordings import Record, Recording


class Replayed:
    """The recorded samples of one suite and model, in one role.

    ``wanted`` is how many draws a case is judged by; None means all that there are. Where ``fewer`` will do, a case
    that has fewer is judged by these.
    """

    def __init__(
        self, plan: Plan, role: SampleRole, recording: Recording, wanted: int | None, *, fewer: bool = False
    ) -> None:
        self.plan = plan
        self.role = role
        self.recording = recording
        self.wanted = wanted
        self._least = 1 if fewer or wanted is None else wanted

    def prefetch(self, cases: Iterable[Case], teacher: Sample | None = None, draws: int | None = None) -> None:
        """Do nothing: what is recorded is there."""

    def ready(self, case: Case, draws: int) -> bool:  # noqa: ARG002 - as where samples are drawn
        """Say that what is recorded is there."""
        return True

    def then(self, case: Case, follow: Callable[[list[Sample]], None], draws: int | None = None) -> None:
        """Call ``follow`` with the samples of a case, if they are there."""
        with contextlib.suppress(MissingRecording):
            follow(self.samples(case, None, draws))

    def samples(self, case: Case, teacher: Sample | None = None, draws: int | None = None) -> list[Sample]:
        """Return the recorded samples of a case; MissingRecording where there are none, too few, or stale ones.

        ``teacher`` is the sample that teacher-forced draws follow; ``draws`` asks for the first so many draws only.
        """
        found, followed = self._found(case), followed_digest(teacher) if teacher else ""
        fresh = self._fresh(case, found, followed)
        if len(fresh) < self._least:
            raise MissingRecording(self._missing(case, fresh, found, followed))
        return [one.sample for one in fresh[: self.wanted] if draws is None or one.sample.draw < draws]

    def drawn(self, case: Case, teacher: Sample | None = None) -> dict[int, Sample]:
        """Return the fresh samples of a case that were drawn for this role, by draw."""
        followed = followed_digest(teacher) if teacher else ""
        fresh = self._fresh(case, self._found(case), followed)
        return {one.sample.draw: one.sample for one in fresh if one.sample.role == self.role}

    def count(self, case: Case) -> int:
        """Return how many draws of a case were recorded for this role, stale ones among them."""
        recorded = self.recording.by_case.get(case.id, ())
        return len({one.sample.draw for one in recorded if one.sample.role == self.role})

    def end(self, case: Case) -> int:
        """Return the draw after the last one that is recorded of a case, for this role or for either."""
        return max((one.sample.draw + 1 for one in self._found(case)), default=0)

    def _fresh(self, case: Case, found: Iterable[Record], followed: str) -> list[Record]:
        """Return the records that answer what is asked today, in the order of their draws."""
        roles = {one.sample.role for one in found}
        asked = {role: f"{self.plan.asked(case, role, followed)}/{role}/" for role in roles}
        return [one for one in found if one.key == f"{asked[one.sample.role]}{one.sample.draw}"]

    def _found(self, case: Case) -> list[Record]:
        recorded = self.recording.by_case.get(case.id, [])
        own = [one for one in recorded if one.sample.role == self.role]
        return own or [one for one in recorded if one.sample.role == "recorded"]

    def _missing(self, case: Case, fresh: list[Record], found: list[Record], followed: str) -> str:
        who = f"{case.id}: {self.role} {self.plan.model.identity!r}"
        path = self.recording.path
        if found and not fresh:
            changed = " and ".join(self._changed(case, found, followed)) or "what is asked"
            verb = "have" if changed.endswith("s") or " and " in changed else "has"
            again = self._command("record") or "restore what was asked, or record this case again"
            return f"{who}: stale: the {changed} {verb} changed since; {again} (recorded in {path})"
        fewer = self._command("record")
        if fresh:
            ask = f"ask for fewer with --toolmatch-samples{', or ' if fewer else ''}{fewer}"
            return f"{who}: {len(fresh)} of {self.wanted} samples are recorded in {path}; {ask}"
        return f"{who}: not recorded in {path}; {fewer or 'record it'}, or deselect the case"

    def _changed(self, case: Case, found: list[Record], followed: str) -> list[str]:
        """Return what has changed since most of the recorded samples were drawn."""
        changes = Counter(
            tuple(changed_parts(one.key, self.plan.asked(case, one.sample.role, followed))) for one in found
        )
        return list(changes.most_common(1)[0][0])

    def _command(self, mode: str) -> str:
        """Return what to do about a model that can be called; nothing for one that only a recording answers to."""
        return f"run pytest --toolmatch-mode={mode}" if self.plan.model.provider in PROVIDERS else ""
