"""Where the work is done: in this process, or on the workers of a Ray cluster. What comes of it is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.engines.local import Local

if TYPE_CHECKING:
    from pytest_toolmatch.engines.engine import Engine


def engine_of(name: str, address: str = "") -> Engine:
    """Return the engine of a name; ``address`` is that of a Ray cluster.

    Raises ConfigError where Ray is not installed, or its address can't be one, or is of no use.
    """
    if name != "ray":
        if address:
            raise ConfigError(f"--ray-address {address}: it is for --engine ray, which is not asked for")
        return Local()
    from pytest_toolmatch.engines.ray import Ray  # noqa: PLC0415 - an extra

    return Ray(address)
