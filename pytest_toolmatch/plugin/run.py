"""One toolmatch run inside one pytest run: its settings, its suites, its results. Lives in the config's stash."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import msgspec
import pytest

from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.harness import SuiteRun
from pytest_toolmatch.judging.demands import without_effect
from pytest_toolmatch.judging.gate import GateResult
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.plugin.asked import settings_of
from pytest_toolmatch.plugin.awaited import Awaited
from pytest_toolmatch.plugin.baseline import baseline_of
from pytest_toolmatch.plugin.fuzzer import Fuzzer
from pytest_toolmatch.plugin.screen import screen_of
from pytest_toolmatch.plugin.sweeping import sweep_rarely
from pytest_toolmatch.reports.chaindiff import case_lines
from pytest_toolmatch.reports.json_file import check_writable
from pytest_toolmatch.reports.lines import clean
from pytest_toolmatch.reports.report import Report, Terms, run_report
from pytest_toolmatch.sampling.recordings import read_recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.judging.robustness import VariantResult
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings


class Run:
    """The state of one run. Results are keyed by node and case, so a rerun replaces what it repeats."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.declared: dict[str, Terms] = {}
        self.places: dict[str, str] = {}
        self.cases: dict[str, dict[str, Case]] = {}
        self.results: dict[tuple[str, str], CaseResult] = {}
        self.fuzzed: dict[tuple[str, str], VariantResult] = {}
        self.awaited: defaultdict[str, Awaited] = defaultdict(Awaited)
        self.faults: list[str] = []
        self.refused: list[str] = []
        """Why a worker ran nothing: usage errors that it found at collection, and that only it can tell."""
        self.unkept = ""
        self.report: Report | None = None
        self.baseline = baseline_of(settings)
        self.session = _session_of(config, settings)
        self.marked: dict[Any, tuple[tuple[pytest.Mark, ...], Suite]] = {}
        self._suites: dict[Any, SuiteRun] = {}
        self._fuzzers: dict[int, Fuzzer] = {}
        self._decided: dict[str, dict[str, GateResult]] = {}
        self._told: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        self._read = cache(read_recording)

    @property
    def is_worker(self) -> bool:
        """Whether this process runs tests for another one (pytest-xdist)."""
        return hasattr(self.config, "workerinput")

    def suite(self, suite: Suite, models: Mapping[SampleRole, Model] | None = None) -> SuiteRun:
        """Return the run of a suite, made at its first use; ``models`` are its own, where fixtures give some."""
        # The tools are told apart by identity: a suite's run keeps them alive, and comparing schemas costs too much.
        key = (
            suite.name,
            suite.where,
            repr(suite.rules),
            repr(suite.rollout),
            suite.instructions,
            suite.recordings,
            suite.gates,
            suite.chain_match,
            suite.divergence,
            suite.fuzz,
            repr(suite.student),
            id(suite.tools),
            id(models),
        )
        if key not in self._suites:
            self._suites[key] = SuiteRun(suite, self.settings, self._read, self.session, models)
            if self.baseline and (look := self.baseline.look(suite.name, self.settings.confidence)):
                self._suites[key].looks.append(look)
        run = self._suites[key]
        self.declare(suite.name, suite=suite, gates=run.gates)
        return run

    def declare(
        self, name: str, *, suite: Suite | None = None, gates: Iterable[str] = (), partial: bool = False
    ) -> Terms:
        """Note a suite, or add to what is known of it."""
        known = self.declared.setdefault(name, Terms())
        known.gates = tuple(dict.fromkeys([*known.gates, *gates]))
        known.partial |= partial
        if suite is not None:
            rules, self.places[name] = suite.rules, suite.where
            known.match, known.arguments = rules.match, rules.arguments
            known.reference, known.effect = rules.reference, rules.effect
            known.without_effect = without_effect(suite)
            known.told = suite.student.told if suite.student else ""
        return known

    def add(self, nodeid: str, results: Iterable[CaseResult]) -> None:
        """Keep the results of one test."""
        for result in results:
            self.results[nodeid, result.case] = msgspec.structs.replace(result, nodeid=nodeid)

    def add_fuzzed(self, nodeid: str, results: Iterable[VariantResult]) -> None:
        """Keep what the variants of one test came to."""
        for result in results:
            self.fuzzed[nodeid, result.variant] = result

    def fuzzer(self, run: SuiteRun) -> Fuzzer:
        """Return what judges the variants of a suite's cases, made at its first use."""
        # A suite's run is kept by this one, so its identity stays its own.
        if id(run) not in self._fuzzers:
            self._fuzzers[id(run)] = Fuzzer(run)
        return self._fuzzers[id(run)]

    @property
    def decided(self) -> dict[str, dict[str, GateResult]]:
        """The gates that were decided while the draws came in, by suite and expression."""
        return self._decided | {run.suite.name: run.decided for run in self._suites.values() if run.decided}

    def known(self) -> dict[str, Any]:
        """Return what a worker knows of the suites, for ``merge``."""
        awaited = {name: one.tests for name, one in self.awaited.items()}
        known = {"declared": self.declared, "decided": self.decided, "places": self.places, "awaited": awaited}
        known["refused"] = self.refused
        known["names"] = {role: self._names(role) for role in ROLES}
        return {name: msgspec.to_builtins(value) for name, value in known.items()}

    def merge(self, told: dict[str, Any]) -> None:
        """Take over what a worker knows of the suites."""
        self.places |= told.get("places", {})
        for role, names in told.get("names", {}).items():
            self._told[role] |= names
        for name, tests in told.get("awaited", {}).items():
            self.awaited[name].tests = Counter(tests)
        self._decided |= msgspec.convert(told.get("decided", {}), dict[str, dict[str, GateResult]])
        self.refused += told.get("refused", ())
        for name, terms in msgspec.convert(told.get("declared", {}), dict[str, Terms]).items():
            known = self.declared.get(name, terms)
            # A worker that has run none of a suite's tests knows of it that it is there.
            self.declared[name] = msgspec.structs.replace(
                terms if name in told.get("places", {}) else known,
                gates=tuple(dict.fromkeys([*known.gates, *terms.gates])),
                partial=known.partial or terms.partial,
            )

    def _terms(self, name: str) -> Terms:
        return msgspec.structs.replace(self.declared[name], expected=len(self.awaited[name]))

    def case_text(self, nodeid: str, result: CaseResult) -> str:
        """Return a case in full: the chains side by side, and the command that judges it again."""
        models = {role: self.name_of(role, result.suite) for role in ROLES}
        named = [role for role in ROLES if self.config.getoption(f"toolmatch_{role}", default=None)]
        flags = [f"--toolmatch-{role}={shlex.quote(models[role])}" for role in named]
        screen, live = screen_of(self.config), self.settings.mode == "live"
        lines = case_lines(
            msgspec.structs.replace(result, nodeid=nodeid),
            **models,
            width=max(screen.width, 80),
            ascii=screen.ascii,
            verbose=self.config.get_verbosity() > 1,
            flags=" ".join(["--toolmatch-mode=live" if live else "--toolmatch", *flags]),
            again="ask again" if live else "replay",  # live, there is nothing to replay
        )
        return "\n".join(line.text for line in lines)

    def name_of(self, role: ModelRole, suite: str = "") -> str:
        """Return what the models in a role are called, in one suite or in all: never where they are served."""
        names = self._names(role)
        found = names.get(suite, ()) if suite else chain.from_iterable(names.values())
        return ", ".join(sorted(set(found))) or self.settings.model(role).identity

    def _names(self, role: ModelRole) -> dict[str, list[str]]:
        """Return what the models in a role are called, by suite; workers tell of theirs."""
        names = {suite: list(some) for suite, some in self._told[role].items()}
        for run in self._suites.values():
            names.setdefault(run.suite.name, []).append(run.model(role).identity)
        return names

    def runs(self, suite: str) -> list[SuiteRun]:
        """Return the runs of the suites of a name, in this process."""
        return [run for run in self._suites.values() if run.suite.name == suite]

    def objects(self, gate: GateResult) -> bool:
        """Say whether a gate fails the run."""
        allowed = gate.state == "undecided" and self.settings.undecided == "pass"
        return not (gate.partial or allowed or gate.state == "holds")

    def close_session(self, *, ended: bool = False) -> None:
        """Stop calling models; what was drawn until then is recorded. Safe to call again.

        A run that has ``ended``, and was not stopped, sends what it wants answered by the batch.
        """
        if self.session is None:
            return
        try:
            complete = ended and not any(run.unsampled for run in self._suites.values())
            self.session.close(cancel=not (ended and self.session.batches), complete=complete)
        except ToolmatchError as error:
            self.unkept = str(error)

    def finish(self, *, interrupted: bool = False) -> Report:
        """Put everything together; safe to call again."""
        by_suite: dict[str, list[CaseResult]] = {}
        for result in _each_once(self.results.values()):
            by_suite.setdefault(result.suite, []).append(result)
        fuzzed: dict[str, list[VariantResult]] = {}
        for variant in self.fuzzed.values():
            fuzzed.setdefault(variant.suite, []).append(variant)
        report = run_report(
            {name: (by_suite.get(name, []), self._terms(name)) for name in self.declared},
            teacher=self.name_of("teacher"),
            student=self.name_of("student"),
            mode=self.settings.mode,
            confidence=self.settings.confidence,
            interrupted=interrupted,
            per_case=bool(self.settings.reports),
            spent=self.session.spent() if self.session else None,
            decided=self.decided,
            fuzzed=fuzzed,
        )
        self.report = report if self.baseline is None else self.baseline.gated(report, self.decided)
        return self.report


def _each_once(results: Iterable[CaseResult]) -> Iterable[CaseResult]:
    """Return one result for each case: where tests judge it by the same samples, that of the one which wants most."""
    found: dict[tuple[str, str], list[CaseResult]] = {}
    for result in results:
        known = found.setdefault((result.suite, result.case), [])
        place = next((place for place, one in enumerate(known) if one.measures == result.measures), len(known))
        if place == len(known) or (result.wanted or 0.0) > (known[place].wanted or 0.0):
            known[place : place + 1] = [result]
    return chain.from_iterable(found.values())


ModelRole: TypeAlias = Literal["teacher", "student"]
ROLES: tuple[ModelRole, ...] = get_args(ModelRole)
RUN = pytest.StashKey[Run]()


def activate(config: pytest.Config) -> None:
    """Settle the settings and register the hooks of a run that is ours; a bad setting ends pytest with exit 4."""
    from pytest_toolmatch.plugin.hooks import Hooks  # noqa: PLC0415 - they need this module
    from pytest_toolmatch.plugin.outcome import Outcome  # noqa: PLC0415
    from pytest_toolmatch.plugin.repairs import Repairs, check_repairs  # noqa: PLC0415

    try:
        settings = settings_of(config)
        repairs = bool(config.getoption("toolmatch_repair", default=False))
        check_repairs(settings, asked=repairs)
        for path in () if hasattr(config, "workerinput") else settings.reports:
            check_writable(path)
        config.stash[RUN] = Run(config, settings)
    except ToolmatchError as error:
        raise pytest.UsageError(clean(str(error))) from None
    sweep_rarely(config)
    config.pluginmanager.register(Hooks(config.stash[RUN]), "toolmatch-hooks")
    config.pluginmanager.register(Outcome(config.stash[RUN]), "toolmatch-outcome")
    if repairs:
        config.pluginmanager.register(Repairs(config.stash[RUN]), "toolmatch-repairs")


def _session_of(config: pytest.Config, settings: Settings) -> Session | None:
    if settings.mode == "replay":
        return None
    from pytest_toolmatch.plugin.sampling import session_of  # noqa: PLC0415 - asyncio and all that, only for calls

    return session_of(config, settings)
