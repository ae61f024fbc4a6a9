"""Memory does not grow with the log: ten times the sessions take about the same."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest

from pytest_toolmatch.importing import import_suites
from pytest_toolmatch.suites.importers import files, redact
from tests.suites.importers.sessions import write_sessions

ALLOWED = 0.2
"""Bytes of memory for every byte that the log grows by: Python keeps some thousand small objects for later use."""


def peak(log: Path, output: Path) -> int:
    """Return the most bytes that Python objects take during an import; SQLite's cache has a size of its own."""
    gc.collect()
    tracemalloc.start()
    try:
        said = list(import_suites("claude-code", [str(log)], output=output, name="mine"))
        assert any("cases" in line for line in said)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_ten_times_the_log_takes_the_same_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    monkeypatch.setattr(redact, "_MAX_REMEMBERED", 5_000)  # full from the start
    sizes = (10, 100)
    for sessions in sizes:
        write_sessions(tmp_path / str(sessions), sessions, prompts=3, packed=packed)
    peak(tmp_path / "10", tmp_path / "warm")
    small, large = (peak(tmp_path / str(sessions), tmp_path / f"out-{sessions}") for sessions in sizes)
    few, many = ((tmp_path / f"out-{sessions}/mine.cases.jsonl").read_bytes() for sessions in sizes)
    assert (few.count(b"\n"), many.count(b"\n")) == (30, 300)
    assert large - small < ALLOWED * (len(many) - len(few)), f"{small:,} bytes → {large:,} bytes"


def test_a_line_that_is_too_long_is_passed_over_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1 << 20)
    write_sessions(tmp_path / "log", 1)
    [session] = (tmp_path / "log").rglob("*.jsonl")
    with session.open("ab") as file:
        file.writelines(b"x" * (1 << 20) for _ in range(64))
        file.write(b'\n{"half": ')
    before = peak(tmp_path / "log", tmp_path / "one")
    assert before < 24 << 20
    said = "\n".join(import_suites("claude-code", [str(tmp_path / "log")], output=tmp_path / "two", name="mine"))
    assert "a line of over 1 MiB: passed over" in said
    assert "not JSON, or cut off" in said
