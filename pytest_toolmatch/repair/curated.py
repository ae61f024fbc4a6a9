"""Fewer training cases in place of all: duplicates out, then CaR's choice, as ``toolmatch curate`` makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.curating.judged import Subject, said_in
from pytest_toolmatch.curating.pools import best_of
from pytest_toolmatch.curating.stages import embedded_cases, without_duplicates
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.curation.quality import Known, quality, terms
from pytest_toolmatch.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.phase import Ground


def choose(ground: Ground, size: int) -> tuple[Case, ...]:
    """Return so many training cases, in their order: one of each kind, the best of all, and the best of each cluster.

    Their quality is what is known by now: how the teacher agrees with itself, and how often the student fails as it is.
    """
    places = chosen([_subject(ground, case) for case in ground.train], size)
    return tuple(ground.train[place] for place in places)


def chosen(subjects: Sequence[Subject], size: int) -> list[int]:
    """Return the places of so many cases, in their order; duplicates only fill up what is left."""
    embedder, engine = Hashed(), engine_of("local")
    found = without_duplicates(subjects, embedded_cases(subjects, embedder), embedder.epsilon, engine)
    worth = [quality(one) for one in terms([one.known for one in subjects])]
    kept = [place for place in range(len(subjects)) if found.kept[place]]
    own = best_of(subjects, found, kept, worth, size=size).why
    spare = sorted(set(range(len(subjects))) - set(own), key=lambda place: (-worth[place], place))
    return sorted([*own, *spare][:size])


def _subject(ground: Ground, case: Case) -> Subject:
    """Return a case with what is known of it; the student has been drawn before, as it is."""
    evaluator, start = ground.evaluator, ground.components.start
    scorer = evaluator.scorer
    itself, reference = scorer.itself(case), scorer.reference(case)
    drawn = evaluator.known(start, case)
    scored = evaluator.evaluate([(start, case, drawn)])[0] if drawn else None
    offered = tuple(tool.name for tool in scorer.tools(case))
    known = Known(
        chain=reference.chain if reference else (),
        consistency=itself.value("consistency"),
        validity=itself.value("argument_validity") if offered else None,
        failure=1 - scored.score if scored and scored.scores else None,
        ambiguous=not scorer.agreed(case),
    )
    return Subject(suite=0, case=case, text=said_in(case), known=known, offered=offered)
