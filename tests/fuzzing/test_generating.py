from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from pytest_toolmatch.fuzzing.generating import by_seed_alone, drawn

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NUMBERS = [700_001 + 13 * place for place in range(400)]


def test_what_is_drawn_depends_on_the_seed_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = st.integers(0, 1_000_000)
    before = drawn(numbers, 300, "seed")
    assert before == drawn(numbers, 300, "seed") != drawn(numbers, 300, "another")
    (tmp_path / "numbers_of_mine.py").write_text(f"NUMBERS = {NUMBERS!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("numbers_of_mine")
    assert drawn(numbers, 300, "seed") == before
    assert not set(before) & set(NUMBERS)


def test_hypothesis_is_left_as_it_was() -> None:
    before = providers._get_local_constants
    with by_seed_alone():
        assert providers._get_local_constants is not before
    assert providers._get_local_constants is before
