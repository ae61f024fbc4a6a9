"""One suite's repair as the command and pytest both make it: run, kept, and said in a report file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.repair.background import told
from pytest_toolmatch.repair.report_file import report_text
from pytest_toolmatch.repair.work import Repair
from pytest_toolmatch.suites.student_file import student_text

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import Spending
    from pytest_toolmatch.repair.grounds import Given
    from pytest_toolmatch.repair.phases import Named
    from pytest_toolmatch.repair.work import Repaired

_ASKED = {"student": "it is asked with other prompts", "writer": "it is asked for new texts"}


def check_called(role: Literal["student", "writer"], model: Model, said: str, do: str = "name a model to call") -> None:
    """Raise ConfigError for a model that only a recording answers to; ``said`` is how it was named, ``do`` what to."""
    if model.provider not in PROVIDERS:
        raise ConfigError(f"{said}: {_ASKED[role]}, so that a recording will not do; {do}")


def mend(given: Given, phases: Sequence[Named]) -> Generator[str, None, Repaired]:
    """Yield how far the repair has come, and return what it came to.

    Raises ToolmatchError for what is wrong or missing; where whoever listens is interrupted, what was drawn is kept.
    """
    return (yield from told(Repair(given, phases).run, given.stop))


def keep(folder: Path, done: Repaired, spent: Spending, confidence: float, diff: Sequence[str]) -> None:
    """Keep the report, and the new prompt whether it was accepted or not; ``diff`` is that of the suite's file.

    The directory of all repairs keeps itself out of git, as pytest's own cache does.
    """
    ignore = folder.parent / ".gitignore"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not ignore.exists():
            ignore.write_text("# Samples and replies of repairs, which may be deleted\n*\n", encoding="utf-8")
        (folder / "report.md").write_text(report_text(done, spent, confidence, diff), encoding="utf-8")
        (folder / "student.yaml").write_text(student_text(done.prompt, done.split), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"can't write to {folder}: {error.strerror}; choose another place") from None
