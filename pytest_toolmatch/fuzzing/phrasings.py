"""Other phrasings of a suite's requests, by a model; drawn and kept like all samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.fuzzing.drawn import Drawn
from pytest_toolmatch.fuzzing.pool import Pool
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.harness import SuiteRun

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_toolmatch.fuzzing.options import FuzzOptions
    from pytest_toolmatch.fuzzing.trial import Trial
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings

INSTRUCTIONS = """\
You are shown a request that a user has sent to an assistant. Write it down once more, as another user with the same
wish would have put it: other words, another order, another tone. Keep every name, number, code, date and address
letter by letter, add nothing, and leave nothing out that changes what is asked for. Answer with the new request alone.\
"""


def phrasings(
    suite: Suite, settings: Settings, session: Session, folder: Path, options: FuzzOptions
) -> dict[str, list[str]]:
    """Return what a model makes of each request, by case; ``folder`` keeps it. Raises what keeps it from being asked.

    Cases that the budget does not allow to be asked about have none.
    """
    model = options.phrase_with
    own = msgspec.structs.replace(settings, teacher=model, student=model, teacher_settings=(), student_settings=())
    asked = Suite(name=f"{suite.name}.phrasings", instructions=INSTRUCTIONS, recordings=folder, where=suite.where)
    pool = Pool(Drawn(SuiteRun(asked, own, session=session)))
    running = {case.id: pool.start(_texts(case, options.phrasings)) for case in suite.cases}
    pool.finish()
    return {name: one.result for name, one in running.items() if one.result}


def _texts(case: Case, count: int) -> Trial[list[str]]:
    alone = Case(id=case.id, conversation=user(case.query))
    (samples,) = yield (Ask(alone, "teacher", count),)
    return list(dict.fromkeys(text for sample in samples if (text := sample.text.strip().strip('"'))))
