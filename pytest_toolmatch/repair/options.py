"""What ``toolmatch repair`` may be told, and ``toolmatch_repair`` of a pytest run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.settings import Settings, parse_lines, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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

    def check(self, said: Callable[[str], str]) -> None:
        """Raise ConfigError for a number that is too small; ``said`` returns how an option is written here."""
        for name in ("rollouts", "draws", "test_draws", "shots"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{said(name)} {getattr(self, name)}: at least 1")


INI = "toolmatch_repair"
"""The setting whose lines these are."""

_LISTS = ("reflect_settings", "phases", "touch", "freeze")
_TEXTS = ("reflect_with", "budget")
KEYS = (*_TEXTS, *_LISTS, "rollouts", "draws", "test_draws", "shots", "seed")
"""What a run may say of its repairs; all else is settled for the run."""


def options_of_lines(lines: Iterable[str], where: str, confidence: float) -> RepairOptions:
    """Return the options of ``KEY = VALUE`` lines; lists are written with commas. ConfigError says what is wrong."""
    values: dict[str, Any] = {}
    for key, value in parse_lines(lines, where).items():
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}{did_you_mean(key, KEYS)}; there are {', '.join(KEYS)}")
        values[key] = _listed(value) if key in _LISTS else str(value) if key in _TEXTS else value
    try:
        options = msgspec.convert(values | {"confidence": confidence}, RepairOptions)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        raise ConfigError(f"{where}: {path.rstrip('`')}: {message}") from None
    options.check(lambda name: f"{where}: {name}")
    if options.budget:
        from pytest_toolmatch.sampling.budget import parse_budget  # noqa: PLC0415 - a replay gets by without asyncio

        parse_budget(options.budget)
    return options


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
