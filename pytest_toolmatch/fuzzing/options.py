"""What ``toolmatch fuzz`` may be told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pytest_toolmatch.settings import Settings, settle


class FuzzOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to fuzz: with which models, how far (``budget`` as in ``1000calls``, ``2.50usd`` or both), and around what.

    ``relations`` are names, all where there are none; ``cases`` is a glob of case ids. ``recordings`` is where suites
    that name no directory of their own keep theirs. ``phrase_with`` is a model that phrases every request in
    ``phrasings`` other ways. ``*_settings`` and ``prices`` are lines as in the settings of those
    names.
    """

    teacher: str = ""
    student: str = ""
    teacher_settings: tuple[str, ...] = ()
    student_settings: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    budget: str = "3000calls"
    relations: tuple[str, ...] = ()
    phrase_with: str = ""
    phrasings: int = 4
    cases: str = "*"
    seed: int = 0
    concurrency: int = 50
    confidence: float = 0.95
    recordings: Path = Path("fixtures/recordings")

    def settings(self) -> Settings:
        """Return the settings of a run that draws and keeps samples; ConfigError for one that is out of range."""
        values = msgspec.structs.asdict(self) | {"mode": "record"}
        return settle(values.get)
