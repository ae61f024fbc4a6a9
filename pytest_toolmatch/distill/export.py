"""Trained networks as weights that numpy reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.pocket.weights import write

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from pytest_toolmatch.pocket.config import Shape


def export(
    state: dict[str, Tensor], shape: Shape, folder: Path, *, name: str, made: dict[str, Any] | None = None
) -> Path:
    """Write ``NAME.weights`` and its manifest ``NAME.json``, and return the manifest; raises ConfigError."""
    arrays = {key: value.detach().cpu().float().numpy() for key, value in state.items()}
    return write(folder, name, shape, arrays, made or {})
