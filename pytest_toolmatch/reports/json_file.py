"""The report as a JSON file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.writable import fault_of
from pytest_toolmatch.reports.report import VERSION, Report

if TYPE_CHECKING:
    from pathlib import Path


def check_writable(path: Path) -> None:
    """Raise ConfigError where a report could not be written, before what it would tell is paid for."""
    if fault := "it is a directory" if path.is_dir() else fault_of(path.parent):
        raise ConfigError(f"can't write the report {path}: {fault}; choose another place")


def write_report(report: Report, path: Path) -> None:
    """Write the report; parent directories are made. Raises ConfigError where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    except OSError as error:
        raise ConfigError(f"can't write the report {path}: {error.strerror}; choose another place") from None


def read_report(path: Path) -> Report:
    """Read a report. Raises ConfigError for a file that is none, or of another version."""
    try:
        text = path.read_bytes()
        version = msgspec.json.decode(text, type=dict[str, msgspec.Raw]).get("version", msgspec.Raw(b"0"))
        if bytes(version) != str(VERSION).encode():
            found = bytes(version).decode()
            raise ConfigError(f"{path}: report version {found}, this toolmatch reads {VERSION}; make it again")
        return msgspec.json.decode(text, type=Report)
    except OSError as error:
        raise ConfigError(f"can't read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a toolmatch report: {error}") from None
