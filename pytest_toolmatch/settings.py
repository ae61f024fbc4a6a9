"""How to run, as one frozen value; what is right stands in the suites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import msgspec

from pytest_toolmatch.core.auto import parse_auto
from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.core.model import Model, parse_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_toolmatch.core.auto import Auto

RecordMode: TypeAlias = Literal["replay", "record", "refresh", "live"]
Divergence: TypeAlias = Literal["fail", "xfail"]
Ambiguous: TypeAlias = Literal["skip", "fail"]
UndecidedGate: TypeAlias = Literal["fail", "pass"]
UndecidedCase: TypeAlias = Literal["skip", "fail"]
MODES: tuple[str, ...] = get_args(RecordMode)
_CHOICES: dict[str, tuple[str, ...]] = {
    "divergence": get_args(Divergence),
    "ambiguous": get_args(Ambiguous),
    "undecided": get_args(UndecidedGate),
    "undecided_case": get_args(UndecidedCase),
}
_NUMBER = re.compile(r"-?\d+")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the command line and the configuration file say.

    ``samples`` is how many draws of each model a case is judged by: a number, ``auto`` (as many as decide its suite's
    gates), ``auto:MIN-MAX``, or nothing (all that are recorded).
    ``recordings`` is where suites that name no directory of their own keep their recordings, one below it each.
    ``concurrency`` is how many requests of one model may be in flight, ``rates`` what a provider allows (``MODEL =
    NUMBER rpm, NUMBER tpm``); ``budget`` what may be spent (``2.50usd``, ``1000calls``, or both); ``prices`` are
    ``MODEL = INPUT/OUTPUT`` in USD per million tokens; ``teacher_settings`` and ``student_settings`` are what the
    models are told beside the messages, ``KEY = VALUE`` each. ``batch`` sends through the providers' batch interfaces.
    ``baseline`` is an earlier report; a suite's match rate may lie ``baseline_margin`` below that at most. ``repair``
    are ``KEY = VALUE`` lines of how failing suites are repaired, where they are.
    """

    mode: RecordMode = "replay"
    teacher: str = ""
    student: str = ""
    teacher_settings: tuple[str, ...] = ()
    student_settings: tuple[str, ...] = ()
    samples: str = ""
    concurrency: int = 50
    rates: tuple[str, ...] = ()
    budget: str = ""
    prices: tuple[str, ...] = ()
    batch: bool = False
    recordings: Path = Path("fixtures/recordings")
    gates: tuple[str, ...] = ()
    chain_match: float = 0.8
    divergence: Divergence = "fail"
    ambiguous: Ambiguous = "skip"
    undecided: UndecidedGate = "fail"
    undecided_case: UndecidedCase = "skip"
    confidence: float = 0.95
    reports: tuple[Path, ...] = ()
    baseline: Path | None = None
    baseline_margin: float = 0.05
    repair: tuple[str, ...] = ()

    @property
    def count(self) -> int | None:
        """How many draws of each model a case is judged by, where that is fixed."""
        return int(self.samples) if self.samples and self.auto is None else None

    @property
    def auto(self) -> Auto | None:
        """How many draws a case may have, where its suite's gates decide."""
        return parse_auto(self.samples) if self.samples.startswith("auto") else None

    def model(self, role: Literal["teacher", "student"]) -> Model:
        """Return a model with what it is told; ConfigError for a line of its settings that says nothing."""
        name, lines = getattr(self, role), getattr(self, f"{role}_settings")
        return parse_model(name, parse_lines(lines, f"toolmatch_{role}_settings"))


def parse_lines(lines: Iterable[str], where: str) -> dict[str, Any]:
    """Read ``KEY = VALUE`` lines; a value that is JSON is what it says, any other is text."""
    found: dict[str, Any] = {}
    for line in lines:
        key, equals, value = (part.strip() for part in line.partition("="))
        if not (key and equals and value):
            raise ConfigError(f"{where}: {line!r} is no KEY = VALUE line; write, for example, temperature = 0.7")
        try:
            found[key] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[key] = value
    return found


def settle(*sources: Callable[[str], Any]) -> Settings:
    """Return the settings: of every name the first source that knows it (not None, not empty) has the say.

    Raises ConfigError for a value that is out of range.
    """
    chosen = {}
    for name in Settings.__struct_fields__:
        value = next((found for source in sources if (found := source(name)) not in (None, "", [], ())), None)
        if value is not None:
            chosen[name] = value
    for name, known in _CHOICES.items():
        if chosen.get(name, known[0]) not in known:
            said = f"toolmatch_{name} is {chosen[name]!r}"
            raise ConfigError(f"{said}: choose from {', '.join(known)}{did_you_mean(str(chosen[name]), known)}")
    try:
        settings = msgspec.convert(chosen, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise ConfigError(f"toolmatch settings: {error}") from None
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    settings.model("teacher")
    settings.model("student")
    if settings.batch and settings.mode != "record":
        raise ConfigError("--toolmatch-batch goes with --toolmatch-mode=record: only what is recorded can be collected")
    _check_samples(settings)
    if settings.concurrency < 1:
        raise ConfigError(f"toolmatch_concurrency is {settings.concurrency}: at least 1 request has to be in flight")
    if not 0 < settings.chain_match <= 1:
        raise ConfigError(f"toolmatch_chain_match is {settings.chain_match:g}: it must lie above 0 and at most at 1")
    if not 0 < settings.confidence < 1:
        raise ConfigError(f"toolmatch_confidence is {settings.confidence:g}: it must lie between 0 and 1, like 0.95")
    if not 0 < settings.baseline_margin < 1:
        raise ConfigError(
            f"toolmatch_baseline_margin is {settings.baseline_margin:g}: it must lie between 0 and 1, like 0.05; "
            "no number of samples shows that a student has got no worse at all"
        )
    for path in settings.reports:
        if path.suffix != ".json":
            raise ConfigError(f"--toolmatch-report={path}: unknown kind {path.suffix!r}; reports are written as .json")


def _check_samples(settings: Settings) -> None:
    if settings.samples and not _NUMBER.fullmatch(settings.samples):
        parse_auto(settings.samples)
        if settings.batch:
            raise ConfigError("--toolmatch-batch goes with a number of samples: auto waits for answers to go on")
    elif settings.count is not None and settings.count < 1:
        raise ConfigError(f"toolmatch_samples is {settings.count}: a case needs at least 1 sample of each model")


def check_mode(mode: str) -> str:
    """Return the mode, or raise ConfigError naming the nearest one."""
    if mode not in MODES:
        raise ConfigError(f"--toolmatch-mode={mode}: choose from {', '.join(MODES)}{did_you_mean(mode, MODES)}")
    return mode
