"""What a training runs on."""

from __future__ import annotations

from importlib.util import find_spec

from pytest_toolmatch.core.errors import ConfigError


def check_torch(device: str) -> None:
    """Raise ConfigError where torch is not installed, or has not the device."""
    if find_spec("torch") is None:
        raise ConfigError(
            "a student is trained with torch, which is not installed: pip install 'pytest-toolmatch[distill]'"
        )
    if device == "cuda":
        import torch  # noqa: PLC0415 - it takes seconds

        if not torch.cuda.is_available():
            raise ConfigError("--device cuda: torch finds no CUDA device here; leave --device out to train on the CPU")
