"""What ``toolmatch distill`` may be told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pytest_toolmatch.providers.pocket import TEMPERATURE


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to distil: ``start`` or ``size``, ``curve`` for one student after so many examples each.

    ``held_out`` is how many cases are judged at most, ``draws`` of the student for each, at ``temperature``.
    """

    teacher: str = ""
    recordings: Path = Path("fixtures/recordings")
    start: str = ""
    size: str = ""
    curve: tuple[int, ...] = ()
    held_out: int = 400
    draws: int = 8
    temperature: float = TEMPERATURE
    epochs: float = 4.0
    seed: int = 0
    device: str = "cpu"
