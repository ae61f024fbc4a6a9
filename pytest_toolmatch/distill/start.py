"""What a student begins as, and what it can't learn to say."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.pocket.config import SHAPES, Shape
from pytest_toolmatch.pocket.model import PocketModel
from pytest_toolmatch.pocket.network import Network
from pytest_toolmatch.pocket.slots import Unsupported, slots_of
from pytest_toolmatch.pocket.toolbox import Toolbox
from pytest_toolmatch.pocket.weights import Arrays, manifest_of, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.core.tool import Tool

DEFAULT = "pocket:small"


class Start(NamedTuple):
    """A name to show, a shape, and arrays: those of a model to go on from, or such as chance has it (``scratch``)."""

    name: str
    shape: Shape
    arrays: Arrays
    scratch: bool = False

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(array.size for array in self.arrays.values())

    @property
    def bytes(self) -> int:
        """The size on disk: matrices take a byte for each number and four for each row, all else four for each."""
        return sum(array.size + 4 * len(array) if array.ndim > 1 else 4 * array.size for array in self.arrays.values())

    def digest(self) -> str:
        """Return a hash of all that is known at the start."""
        made = hashlib.sha256(repr(self.shape).encode())
        for name, array in self.arrays.items():
            made.update(name.encode() + array.tobytes())
        return made.hexdigest()

    def model(self) -> PocketModel:
        """Return the student as it is before it has learned anything."""
        return PocketModel(Network(self.shape, self.arrays))


def start_of(model: str = "", size: str = "", seed: int = 0) -> Start:
    """Return the start that is asked for: a model to go on from (``pocket:NAME``, a folder), or a size from scratch.

    Raises ConfigError for a model that can't be gone on from, and where both are named.
    """
    if model and size:
        raise ConfigError(
            f"--from {model} has a size of its own: leave --size {size} out, or --from to start from scratch"
        )
    if size:
        return Start(f"untrained {size}", SHAPES[size], _untrained(SHAPES[size], seed), scratch=True)
    name = model or DEFAULT
    provider, colon, rest = name.partition(":")
    if colon and provider in PROVIDERS and provider != "pocket":
        raise ConfigError(
            f"--from {name}: only a pocket model can be trained: name one, as in {DEFAULT}, or its folder"
        )
    return Start(name, *read(manifest_of(rest if colon and provider == "pocket" else name)))


def beyond(tools: Iterable[Tool]) -> dict[str, str]:
    """Return why a pocket model can't call tools, by their names; those that it can call are not among them."""
    found: dict[str, str] = {}
    for tool in tools:
        try:
            slots_of(tool)
        except Unsupported as why:
            found[tool.name] = str(why).removeprefix(f"{tool.name}: ")
        else:
            if not Toolbox([tool]).offered[0].supported:
                found[tool.name] = "more arguments and choices than it reads"
    return found


def _untrained(shape: Shape, seed: int) -> Arrays:
    import torch  # noqa: PLC0415 - only a start from scratch is made by it

    from pytest_toolmatch.distill.network import Network as Trained  # noqa: PLC0415

    torch.manual_seed(seed)
    return {name: value.numpy() for name, value in Trained(shape).state_dict().items()}
