"""``toolmatch fuzz``: prompts around the cases of a suite on which the student stops agreeing."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ConfigError, ToolmatchError, did_you_mean
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.fuzzing.campaign import Campaign
from pytest_toolmatch.fuzzing.drawn import Drawn
from pytest_toolmatch.fuzzing.lines import account_lines, finding_lines, profile_lines, progress_line
from pytest_toolmatch.fuzzing.phrasings import phrasings
from pytest_toolmatch.fuzzing.pool import Pool
from pytest_toolmatch.fuzzing.relations import phrased
from pytest_toolmatch.fuzzing.saving import Saver, kept
from pytest_toolmatch.fuzzing.scoring import Scorer
from pytest_toolmatch.fuzzing.strategies import relations_of
from pytest_toolmatch.fuzzing.wells import beside, end
from pytest_toolmatch.harness import SuiteRun
from pytest_toolmatch.live import open_session
from pytest_toolmatch.reports.figures import plural
from pytest_toolmatch.sampling.budget import parse_budget
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.sampling.recordings import Recording, read_recording, recording_path
from pytest_toolmatch.suites.named import check_apart, named_suites, next_line
from pytest_toolmatch.suites.yaml_file import read_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.fuzzing.campaign import Finding
    from pytest_toolmatch.fuzzing.options import FuzzOptions
    from pytest_toolmatch.fuzzing.relation import Relation
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings

_FEWEST, _ROUNDS = 16, 15
"""Draws under way at least, and answers that a budget in calls is to pay for one after the other."""

_MORE = 1.5
"""Draws under way for each request that may be: so that none waits for what is made of the answers."""

_EVERY = 2.0
"""Seconds between two lines that say how far it has come."""


def fuzz(paths: Sequence[Path], out: Path | None, options: FuzzOptions) -> Iterator[str]:
    """Fuzz suites, write what was found to ``out`` (or beside each suite), and yield what to print.

    Raises ToolmatchError for whatever is wrong or missing, before anything is paid for; what was found until something
    breaks off is written. SystemExit after Ctrl-C.
    """
    relations, settings = relations_of(options.relations), options.settings()
    for role in ("teacher", "student"):
        _check_model(role, getattr(options, role))
    if options.phrase_with:
        _check_model("phrase-with", options.phrase_with)
    named = named_suites(paths, "what is fuzzed are")
    suites = [_only(read_suite(path, list_mcp), options.cases) for path in named]
    check_apart([suite.name for suite in suites], out)
    savers = [Saver(suite, path, out or path.parent) for suite, path in zip(suites, named, strict=True)]
    session, executor = open_session(settings, lambda: None), beside()
    try:
        for place, (suite, saver) in enumerate(zip(suites, savers, strict=True)):
            fuzzing = _Fuzzing(suite, saver, settings, session, options)
            yield from fuzzing.run(relations, 1 / (len(suites) - place), executor)
    finally:
        session.close(cancel=True, complete=True)
        if executor:
            end(executor)


class _Fuzzing:
    """The fuzzing of one suite."""

    def __init__(self, suite: Suite, saver: Saver, settings: Settings, session: Session, options: FuzzOptions) -> None:
        self.suite, self.saver, self.settings, self.session, self.options = suite, saver, settings, session, options
        self.run_of_suite = _run_of(suite, settings, session, saver.folder)
        self.drawn = Drawn(self.run_of_suite)
        self.pool = Pool(self.drawn)

    def run(self, relations: Sequence[Relation], share: float, executor: Executor | None) -> Iterator[str]:
        """Fuzz by a share of what is left of the budget, and yield what to print; ``executor`` generates variants."""
        before = self.session.spent_share()
        if self.options.phrase_with:
            relations = self._with_phrasings(relations)
        campaign = Campaign(
            self.pool,
            Scorer(self.suite),
            relations,
            seed=self.options.seed,
            confidence=self.settings.confidence,
            at_once=_at_once(self.settings),
            executor=executor,
            afford=lambda: self.session.share_of(self.drawn.spent) / ((1 - before) * share) if before < 1 else 1.0,
        )
        error: BaseException | None = None
        due = time.monotonic() + _EVERY
        try:
            for _ in campaign.run(self.suite.cases):
                if time.monotonic() >= due:
                    due = time.monotonic() + _EVERY
                    yield progress_line(campaign, self.session.spent(), self.options.budget)
        except (KeyboardInterrupt, ToolmatchError) as broken:
            self.pool.stop()
            error = broken
        yield from account_lines(self.suite.name, campaign, self.session.spent(), self.options)
        yield from profile_lines(self.suite.name, campaign, self.settings.confidence)
        yield from finding_lines(campaign.findings, self.settings.confidence)
        yield from self._save(campaign.findings)
        if isinstance(error, ToolmatchError):
            raise error
        if error:
            yield f"interrupted: what was drawn is kept in {self.saver.folder}; the same command goes on from there"
            raise SystemExit(130)

    def _with_phrasings(self, relations: Sequence[Relation]) -> list[Relation]:
        """Return the relations, with texts of a model for the one that phrases requests anew."""
        told = phrasings(self.suite, self.settings, self.session, self.saver.folder, self.options)
        return [phrased(told) if one.name == "phrasing" else one for one in relations]

    def _save(self, findings: Sequence[Finding]) -> Iterator[str]:
        """Write down the findings for which both models are drawn often enough."""
        running = [(finding, self.pool.start(kept(finding))) for finding in findings]
        self.pool.finish()
        done = [(finding, one.result) for finding, one in running if one.result]
        if not done:
            return
        self.saver.save([finding for finding, _ in done], [told for _, told in done], self.run_of_suite.model)
        yield f"written: {self.saver.path} ({plural(len(done), 'case')})"
        models = {"teacher": self.options.teacher, "student": self.options.student}
        told = {"teacher": self.options.teacher_settings, "student": self.options.student_settings}
        yield next_line([self.saver.path], "--toolmatch", models, told)


def _at_once(settings: Settings) -> int:
    """Return how many draws are under way: so few that what they find can still change what comes next."""
    wide, calls = int(_MORE * settings.concurrency), parse_budget(settings.budget).calls
    return max(_FEWEST, wide if calls is None else min(wide, calls // _ROUNDS))


def _run_of(suite: Suite, settings: Settings, session: Session, folder: Path) -> SuiteRun:
    """Return the run of a suite whose draws are kept in a folder; what is recorded of it is used, and not added to."""
    own = suite.recordings or settings.recordings / suite.name

    def read(path: Path, model: str) -> Recording:
        kept, recorded = read_recording(path, model), read_recording(recording_path(own, model), model)
        return Recording(path, [*recorded.by_key.values(), *kept.by_key.values()])

    return SuiteRun(msgspec.structs.replace(suite, recordings=folder, gates=()), settings, read, session)


def _only(suite: Suite, pattern: str) -> Suite:
    """Return the suite with the cases to fuzz; ConfigError where there are none."""
    cases = tuple(case for case in suite.cases if fnmatchcase(case.id, pattern))
    if not cases:
        raise ConfigError(f"{suite.where}: no case is called {pattern!r}{did_you_mean(pattern, _ids(suite))}")
    return msgspec.structs.replace(suite, cases=cases)


def _ids(suite: Suite) -> list[str]:
    return [case.id for case in suite.cases]


def _check_model(role: str, name: str) -> None:
    if not name:
        raise ConfigError(f"no {role} is named: say --{role} MODEL, as in --{role} pocket:base")
    if name.partition(":")[0] not in PROVIDERS:
        raise ConfigError(
            f"--{role} {name}: prompts that nobody has asked yet are not recorded; name a model that can be called, "
            f"as in --{role} pocket:base"
        )
