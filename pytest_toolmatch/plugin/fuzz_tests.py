"""Tests of suites that say ``fuzz``: one more for every case, which judges variants of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.errors import BatchPending, ToolmatchError
from pytest_toolmatch.judging.verdict import Verdict
from pytest_toolmatch.plugin.chosen import FUZZED
from pytest_toolmatch.plugin.fuzzer import FACED, FAILING, needed_nats, require_judged
from pytest_toolmatch.plugin.run import RUN
from pytest_toolmatch.plugin.verdicts import await_batch, fail, settle_truth
from pytest_toolmatch.plugin.yaml_suite import CaseItem, Diverged, SuiteFile, diverged_text

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.harness import SuiteRun

SUFFIX = "~fuzz"
"""What the test of a case has in its id: not in brackets, in which pytest takes every test for one of the case's."""


class FuzzItem(CaseItem):
    """A case of a suite file, fuzzed."""

    def ready(self, run: SuiteRun) -> None:
        """Have the variants judged."""
        prepare(self, run, self.case)

    def runtest(self) -> None:
        """Fail with the smallest variant on which the student's rate is lower."""
        check(self, self.run)


class FuzzFunction(pytest.Function):
    """A case of a Python suite, fuzzed: a test with the fixtures of the one that judges the case, and no function."""

    case: Case
    suite_run: SuiteRun | None = None

    def ready(self, run: SuiteRun) -> None:
        """Have the variants judged."""
        self.suite_run = run
        prepare(self, run, self.case)

    def runtest(self) -> None:
        """Fail with the smallest variant on which the student's rate is lower."""
        assert self.suite_run
        check(self, self.suite_run)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ARG002 - pytest's own
        """Show what diverges as the chains side by side, anything else as pytest does."""
        return diverged_text(self, excinfo) or super().repr_failure(excinfo)


def fuzz_item(parent: SuiteFile, case: Case) -> FuzzItem:
    """Return the further test of a case in a suite file."""
    return FuzzItem.from_parent(parent, name=f"{case.id}{SUFFIX}", case=case)


def fuzz_function(item: pytest.Function, case: Case) -> FuzzFunction:
    """Return the further test of a case beside the one that judges it."""
    own = f"{item.originalname}{SUFFIX}"
    made: FuzzFunction = FuzzFunction.from_parent(
        item.parent,
        name=own + item.name.removeprefix(item.originalname),
        callspec=item.callspec,
        callobj=item.obj,
        fixtureinfo=item._fixtureinfo,  # noqa: SLF001 - nothing public makes a test with the fixtures of another
        keywords=dict.fromkeys(item.extra_keyword_matches),
        originalname=own,
    )
    made.case = case
    return made


def prepare(item: pytest.Item, run: SuiteRun, case: Case) -> None:
    """Have the variants of a case judged; where calls are made, those of all its suite's cases are in flight."""
    fuzz, settings = run.suite.fuzz, run.settings
    assert fuzz
    tests, others = item.config.stash[FUZZED][run.suite.name]
    needed = needed_nats(tests * fuzz.examples, settings.confidence)
    try:
        fuzzer = item.config.stash[RUN].fuzzer(run)
        fuzzer.allow_gaps(False)
        found = fuzzer.marked(case, fuzz, needed, others)
        item.stash[FACED] = [fuzzer.facts(one, beside=True) for one in found.shown]
        require_judged(fuzzer, case, found.shown)
        if found.smallest:
            item.stash[FAILING] = fuzzer.result(found.smallest)
    except BatchPending as pending:
        await_batch(item, pending)
    except ToolmatchError as error:
        text = str(error)
        fail(text if text.startswith(f"{case.id}") else f"{case.id}: {text}")


def check(item: pytest.Item, run: SuiteRun) -> None:
    """Fail where a variant was found on which only the student fails."""
    if FAILING not in item.stash:
        return
    result = item.stash[FAILING]
    settle_truth(item, run, result)
    raise Diverged(Verdict(result))
