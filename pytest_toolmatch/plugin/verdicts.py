"""Verdicts inside tests: what a case that is no plain agreement does to the test that asserts it."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_toolmatch.core.errors import BatchPending, ToolmatchError
from pytest_toolmatch.judging.verdict import CaseResult, Verdict
from pytest_toolmatch.reports.lines import clean

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.harness import SuiteRun
    from pytest_toolmatch.settings import Settings

VERDICTS = pytest.StashKey[list[Verdict]]()
PENDING = pytest.StashKey[bool]()


def fail(error: Exception | str) -> NoReturn:
    """End the test, or its setup, with the message alone; what models say in it can't control the terminal."""
    raise pytest.fail.Exception(clean(str(error)), pytrace=False) from None


def judge(item: pytest.Item, run: SuiteRun, case: Case) -> Verdict:
    """Judge a case for a test, and remember that it did."""
    try:
        result = run.result(case)
    except BatchPending as pending:
        await_batch(item, pending)
    except ToolmatchError as error:
        fail(error)
    verdict = Verdict(result, partial(settle_truth, item, run))
    item.stash.setdefault(VERDICTS, []).append(verdict)
    return verdict


def await_batch(item: pytest.Item, pending: BatchPending) -> NoReturn:
    """Skip a test whose samples come with a batch, and remember that its suite lacks it."""
    item.stash[PENDING] = True
    raise pytest.skip.Exception(str(pending), _use_item_location=True) from None


def settle_truth(item: pytest.Item, run: SuiteRun, result: CaseResult) -> None:
    """End the test where the verdict is neither true nor false: no reference, nothing shown, nothing to fail for."""
    __tracebackhide__ = True
    if _skipped(result, run.settings):
        leave_out(result.reason)
    if result.state == "diverges" and run.divergence == "xfail" and not item.config.option.runxfail:
        raise pytest.xfail.Exception(clean(result.reason), pytrace=False)


def leave_out(why: str) -> NoReturn:
    """Skip the test; where hypothesis runs it, leave out the example alone."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is not None and hypothesis.currently_in_test_context():
        hypothesis.reject()
    raise pytest.skip.Exception(clean(why), _use_item_location=True)


def _skipped(result: CaseResult, settings: Settings) -> bool:
    if result.state == "ambiguous":
        return settings.ambiguous == "skip"
    # With a single sample of the teacher there is nothing that a student could fail at.
    return result.state == "undecided" and (settings.undecided_case == "skip" or "chain_match" not in result.measures)


def require_samples(item: pytest.Item, run: SuiteRun, case: Case) -> None:
    """Fail a test's setup where its samples are missing or came to nothing: that is no fault of the student's."""
    stopped = run.unsampled
    try:
        result = run.result(case)
    except BatchPending as pending:
        await_batch(item, pending)
    except ToolmatchError as error:
        if type(error) is type(stopped):
            why = f"not sampled: {run.suite.name} stopped at its first error"
            raise pytest.skip.Exception(why, _use_item_location=True) from None
        result = CaseResult(suite=run.suite.name, case=case.id, query=case.query, state="error", reason=str(error))
    if result.state == "error":
        item.stash.setdefault(VERDICTS, []).append(Verdict(result))
        fail(result.reason if result.reason.startswith(f"{case.id}: ") else f"{case.id}: {result.reason}")
