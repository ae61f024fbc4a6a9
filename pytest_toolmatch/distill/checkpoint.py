"""A run on disk, to go on from: plain arrays, no pickle, whole or not there."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.distill.plan import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_toolmatch.distill.train import Trainer

_FILE = "checkpoint.npz"


def save_checkpoint(trainer: Trainer, folder: Path) -> None:
    """Write everything that the run needs to go on; raises ConfigError where the disk does not take it."""
    arrays: dict[str, Any] = {"progress": np.frombuffer(msgspec.json.encode(trainer.progress), np.uint8)}
    arrays["plan"] = np.frombuffer(msgspec.json.encode(trainer.plan), np.uint8)
    for part in ("average", "best"):
        arrays |= {f"{part}/{name}": value.cpu().numpy() for name, value in getattr(trainer, part).items()}
    arrays |= {f"now/{name}": value.cpu().numpy() for name, value in trainer.network.state_dict().items()}
    for number, optimiser in enumerate(trainer.optimisers):
        for place, state in optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser{number}/{place}/{name}": value.cpu().numpy() for name, value in state.items()}
    partial = folder / f".{_FILE}.{os.getpid()}.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(partial, **arrays)
        partial.replace(folder / _FILE)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ConfigError(f"{folder / _FILE}: the run can't be kept: {error.strerror}") from None


def resume(trainer: Trainer, folder: Path) -> None:
    """Put the trainer where the run in ``folder`` stopped, if there is one.

    Raises ConfigError for a run of another plan: its steps would mean something else.
    """
    file = folder / _FILE
    if not file.exists():
        return
    with np.load(file, allow_pickle=False) as arrays:
        if arrays["plan"].tobytes() != msgspec.json.encode(trainer.plan):
            raise ConfigError(f"{file} is of a run with other options: give another -o, or remove it")
        trainer.progress = msgspec.json.decode(arrays["progress"].tobytes(), type=Progress)
        for part in ("average", "best"):
            setattr(trainer, part, _tensors(arrays, f"{part}/"))
        trainer.network.load_state_dict(_tensors(arrays, "now/"))
        for number, optimiser in enumerate(trainer.optimisers):
            state: dict[int, dict[str, Any]] = {}
            for name, value in _tensors(arrays, f"optimiser{number}/").items():
                place, _, key = name.partition("/")
                state.setdefault(int(place), {})[key] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def _tensors(arrays: Any, prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(arrays[name]) for name in arrays.files if name.startswith(prefix)
    }
