# ruff: noqa: E402 - without torch there is nothing to import
"""The command that retrains a shipped model, whole but for its budget: what comes out has learned."""

import itertools
import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'pytest-toolmatch[distill]'")

from pytest_toolmatch.distill.evaluate import held_out, judge
from pytest_toolmatch.distill.start import start_of
from pytest_toolmatch.distill.train import main
from pytest_toolmatch.pocket.model import PocketModel, open_model

pytestmark = pytest.mark.skipif(
    "TOOLMATCH_NIGHTLY" not in os.environ, reason="takes some minutes of one core: set TOOLMATCH_NIGHTLY=1"
)

STEPS, SHARDS = 600, 2
UNTRAINED, FLOOR = 0.05, 0.25


def exact(model: PocketModel) -> float:
    """Return the share of calling turns that come out whole; that of all turns would reward who never calls."""
    calling = (example for example in held_out(5) if example.calls)
    judged = judge(model, itertools.islice(calling, 300))
    assert not any(one.invalid for one in judged)
    return sum(one.exact for one in judged) / len(judged)


def test_a_tiny_budget_learns(tmp_path: Path) -> None:
    """19,200 examples, where the shipped model has seen a million; judged in words that it was not trained on."""
    budget = ["--steps", f"{STEPS}", "--shards", f"{SHARDS}", "--seed", "0", "--cache", str(tmp_path / "cache")]
    assert main(["--size", "small", *budget, "-o", str(tmp_path / "small")]) == 0
    before, after = exact(start_of(size="small").model()), exact(open_model(str(tmp_path / "small")))
    print(f"exact on calling turns of the held-out half: {before:.3f} untrained, {after:.3f} trained")  # noqa: T201
    assert before < UNTRAINED
    assert after > FLOOR
