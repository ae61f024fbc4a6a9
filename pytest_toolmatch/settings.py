"""How to run, as one frozen value; what is right stands in the suites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import msgspec

from pytest_toolmatch.core.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

RecordMode: TypeAlias = Literal["replay"]
UndecidedGate: TypeAlias = Literal["fail", "pass"]
MODES: tuple[str, ...] = get_args(RecordMode)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the command line and the configuration file say.

    ``samples`` is how many draws of each model a case is judged by; None means all that are recorded.
    ``recordings`` is where suites that name no directory of their own keep their recordings, one below it each.
    """

    mode: RecordMode = "replay"
    teacher: str = ""
    student: str = ""
    samples: int | None = None
    recordings: Path = Path("fixtures/recordings")
    gates: tuple[str, ...] = ()
    chain_match: float = 0.8
    divergence: Literal["fail", "xfail"] = "fail"
    ambiguous: Literal["skip", "fail"] = "skip"
    undecided: UndecidedGate = "fail"
    confidence: float = 0.95
    reports: tuple[Path, ...] = ()


def settle(*sources: Callable[[str], Any]) -> Settings:
    """Return the settings: of every name the first source that knows it (not None, not empty) has the say.

    Raises ConfigError for a value that is out of range.
    """
    chosen = {}
    for name in Settings.__struct_fields__:
        value = next((found for source in sources if (found := source(name)) not in (None, "", [], ())), None)
        if value is not None:
            chosen[name] = value
    try:
        settings = msgspec.convert(chosen, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise ConfigError(f"toolmatch settings: {error}") from None
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.samples is not None and settings.samples < 1:
        raise ConfigError(f"toolmatch_samples is {settings.samples}: a case needs at least 1 sample of each model")
    for name in ("chain_match", "confidence"):
        value = getattr(settings, name)
        if not 0 < value <= 1:
            raise ConfigError(f"toolmatch_{name} is {value:g}: it must lie above 0 and at most at 1")
    for path in settings.reports:
        if path.suffix != ".json":
            raise ConfigError(f"--toolmatch-report={path}: unknown kind {path.suffix!r}; reports are written as .json")


def check_mode(mode: str) -> str:
    """Return the mode, or raise ConfigError naming the nearest one."""
    if mode not in MODES:
        raise ConfigError(f"--toolmatch-mode={mode}: choose from {', '.join(MODES)}{did_you_mean(mode, MODES)}")
    return mode
