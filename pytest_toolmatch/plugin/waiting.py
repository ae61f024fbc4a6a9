"""Says by the exit status that batches are under way; loaded by ``toolmatch record --wait`` alone."""

from __future__ import annotations

import pytest

from pytest_toolmatch.plugin.run import RUN
from pytest_toolmatch.recording import UNDER_WAY

_OVERRULED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Overrule what the tests came to, as long as it is not the last word."""
    run = session.config.stash.get(RUN, None)
    batches = run.session.batches if run and run.session else None
    if batches and batches.pending and session.exitstatus in _OVERRULED:
        session.exitstatus = UNDER_WAY
