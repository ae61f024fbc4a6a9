"""What ``toolmatch repair`` may be told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pytest_toolmatch.settings import Settings, settle


class RepairOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to repair: for which models, how far, and what may be changed.

    ``rollouts`` bounds the student's samples on training and validation cases, ``budget`` what may be spent at all
    (``2.50usd``, ``1000calls``, or both; nothing: no bound). ``reflect_with`` is the model that writes new texts, the
    teacher unless it is named. ``draws`` is how many samples of the student a training case has that fails at first,
    and a validation case in the end (one where the rollouts are few); ``test_draws`` how many a case has that proves.
    ``freeze`` has globs of components that stay as they are, ``touch`` of those that may change (``instructions``,
    ``tool:NAME``, ``tool:NAME:PATH``, ``examples``). ``phases`` are run one after the other; ``shots`` is how many
    examples a prompt may show. ``recordings`` is where suites that name no directory of their own keep theirs.
    ``*_settings`` and ``prices`` are lines as in the settings of those names.
    """

    teacher: str = ""
    student: str = ""
    reflect_with: str = ""
    teacher_settings: tuple[str, ...] = ()
    student_settings: tuple[str, ...] = ()
    reflect_settings: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    budget: str = ""
    rollouts: int = 400
    draws: int = 2
    test_draws: int = 5
    phases: tuple[str, ...] = ("gepa",)
    shots: int = 8
    touch: tuple[str, ...] = ("*",)
    freeze: tuple[str, ...] = ()
    seed: int = 0
    concurrency: int = 50
    confidence: float = 0.95
    recordings: Path = Path("fixtures/recordings")

    def settings(self) -> Settings:
        """Return the settings of a run that draws and keeps samples; ConfigError for one that is out of range."""
        values = msgspec.structs.asdict(self) | {"mode": "record"}
        return settle(values.get)
