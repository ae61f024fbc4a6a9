"""Values of hypothesis strategies outside of tests: the same ones for the same seed."""

from __future__ import annotations

import hashlib
import signal
import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def variants_of(strategy: SearchStrategy[T], at_once: int, seed: str) -> Iterator[list[T]]:
    """Yield lists of values without end, ``at_once`` at most in each; the first list begins with the simplest."""
    for turn in count():
        yield drawn(strategy, at_once, f"{seed}/{turn}")


def drawn(strategy: SearchStrategy[T], most: int, seed: str) -> list[T]:
    """Return values of a strategy: ``most`` at most, the simplest first."""
    import hypothesis  # noqa: PLC0415 - only fuzzing needs it

    found: list[T] = []

    @hypothesis.given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    quiet = hypothesis.settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    with _undisturbed(), by_seed_alone():
        hypothesis.seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))(quiet(collect))()
    return found


@contextmanager
def by_seed_alone() -> Iterator[None]:
    """Have hypothesis draw by its seed alone.

    Else it takes a number in twenty, and some texts, from the code that is loaded: what is recorded in one run would
    not be drawn in another, which imports another module.
    """
    from hypothesis.internal.conjecture import providers  # noqa: PLC0415 - only fuzzing needs it

    own = getattr(providers, "_get_local_constants", None)
    if own is None:  # before hypothesis 6.131
        yield
        return
    none = type(own())(**dict.fromkeys(("integers", "floats", "bytes", "strings"), ()))
    changed: Any = providers
    changed._get_local_constants = lambda: none  # noqa: SLF001 - no setting says so
    changed.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        changed._get_local_constants = own  # noqa: SLF001
        changed.CONSTANTS_CACHE.cache.clear()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put Ctrl-C off for these few milliseconds: in some places hypothesis makes an assertion error of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt
