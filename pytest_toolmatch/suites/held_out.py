"""Cases that nothing learns from, whatever suite they are in: ``held-out.jsonl`` beside the suite files names them.

A suite that an evaluation pool was drawn from has its cases, and others like them, too. So they are named beside it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import SuiteError, at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "held-out.jsonl"


class HeldOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case, by the name of its suite and its id."""

    suite: str
    case: str


_decoder = msgspec.json.Decoder(HeldOut)
_encoder = msgspec.json.Encoder()


def held_out_in(folder: Path) -> dict[HeldOut, None]:
    """Return what a directory's file names, in its order; SuiteError for a line that is none."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SuiteError(f"can't read {path}: {error.strerror}") from None
    found: dict[HeldOut, None] = {}
    for number, line in enumerate(lines, 1):
        try:
            found[_decoder.decode(line)] = None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SuiteError(f"{at(path, number)}: not what toolmatch curate writes: {error}") from None
    return found


def hold_out(folder: Path, cases: Iterable[HeldOut]) -> int:
    """Add cases to a directory's file; return how many are new. Raises OSError where it can't be written."""
    known = held_out_in(folder)
    new = [one for one in dict.fromkeys(cases) if one not in known]
    if new:
        with (folder / FILE).open("ab+") as lines:
            if known:
                lines.seek(-1, os.SEEK_END)
                if lines.read() != b"\n":
                    lines.write(b"\n")  # an editor took it away
            lines.writelines(_encoder.encode(one) + b"\n" for one in new)
    return len(new)
