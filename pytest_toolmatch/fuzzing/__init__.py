"""Fuzzing: prompts around a suite's own cases on which a student stops agreeing.

``rephrasings`` is imported when it is first used: it needs hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ConfigError

if TYPE_CHECKING:
    from pytest_toolmatch.fuzzing.strategies import rephrasings as rephrasings
    from pytest_toolmatch.fuzzing.variant import Variant as Variant

__all__ = ["Variant", "rephrasings"]

_HOMES = {"Variant": "variant", "rephrasings": "strategies"}


def __getattr__(name: str) -> Any:
    __tracebackhide__ = True
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_hypothesis()
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


def require_hypothesis() -> None:
    """Raise ConfigError, with what to do, where what fuzzing is made of is not installed."""
    __tracebackhide__ = True
    for library in ("hypothesis", "hypothesis_jsonschema"):
        if find_spec(library) is None:
            raise ConfigError(f"fuzzing needs {library}: pip install 'pytest-toolmatch[fuzz]'")
