"""The report of an earlier run, beside which this one is judged; read before anything is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.judging.baseline import BaselineLook
from pytest_toolmatch.reports.json_file import read_report
from pytest_toolmatch.reports.regression import with_baseline

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from pytest_toolmatch.reports.regression import Decided
    from pytest_toolmatch.reports.report import Report
    from pytest_toolmatch.settings import Settings


class Baseline(NamedTuple):
    """An earlier report, where it is from, and by how much a match rate may lie below it."""

    path: Path
    report: Report
    margin: float

    def gated(self, report: Report, decided: Decided) -> Report:
        """Return a report with the regression gates."""
        return with_baseline(report, self.report, self.margin, decided)

    def look(self, suite: str, confidence: float) -> BaselineLook | None:
        """Return how the gate of a suite is looked at while draws come in, where the baseline has the suite."""
        then = self.report.suites.get(suite)
        return BaselineLook(then.cases, self.margin, confidence) if then else None

    def fault(self, suites: Collection[str]) -> str:
        """Say that there is nothing to compare with, where the baseline has none of the suites."""
        if not suites or any(name in self.report.suites for name in suites):
            return ""
        return (
            f"toolmatch_baseline: {self.path} has none of the suites of this run ({', '.join(sorted(suites))}), but "
            f"{', '.join(self.report.suites) or 'nothing'}: make it again, or go without (-o toolmatch_baseline=)"
        )

    def notes(self, report: Report | None) -> Iterator[str]:
        """Yield which suites have no gate because the baseline does not have them."""
        missing = [name for name in report.suites if name not in self.report.suites] if report else []
        if report and 0 < len(missing) < len(report.suites):
            yield f"baseline  not in it, so not compared: {', '.join(missing)}"


def baseline_of(settings: Settings) -> Baseline | None:
    """Read the baseline that the settings name. Raises ConfigError for a file that is none."""
    path = settings.baseline
    if path is None:
        return None
    if path.resolve() in (other.resolve() for other in settings.reports):
        raise ConfigError(f"toolmatch_baseline: this run's report would overwrite {path}; write the report elsewhere")
    try:
        return Baseline(path, read_report(path), settings.baseline_margin)
    except ConfigError as error:
        raise ConfigError(f"toolmatch_baseline: {error}; --toolmatch-report=FILE.json writes one") from None
