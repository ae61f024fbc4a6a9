"""Values of hypothesis strategies outside of tests: the same ones for the same seed."""

from __future__ import annotations

import hashlib
import signal
import threading
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def drawn_together(strategies: Mapping[str, SearchStrategy[T]], most: int, seed: str) -> dict[str, list[T]]:
    """Return values of several strategies by name, ``most`` of each at most, the simplest first."""
    from hypothesis import strategies as st  # noqa: PLC0415 - only fuzzing needs it

    rows = drawn(st.fixed_dictionaries(dict(strategies)), most, seed) if strategies else []
    if not rows:  # one of them may have none
        return {name: drawn(strategy, most, f"{seed}/{name}") for name, strategy in strategies.items()}
    return {name: [row[name] for row in rows] for name in strategies}


def drawn(strategy: SearchStrategy[T], most: int, seed: str) -> list[T]:
    """Return values of a strategy: ``most`` at most, the simplest first; none where there is nothing to draw."""
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
    with _undisturbed(), by_seed_alone(), suppress(hypothesis.errors.Unsatisfiable):
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
    kept = changed.CONSTANTS_CACHE
    changed._get_local_constants = lambda: none  # noqa: SLF001 - no setting says so
    changed.CONSTANTS_CACHE = _permitted()
    try:
        yield
    finally:
        changed._get_local_constants = own  # noqa: SLF001
        changed.CONSTANTS_CACHE = kept


@cache
def _permitted() -> Any:
    """Return where hypothesis keeps what numbers and texts it may take, while it draws by its seed alone."""
    from hypothesis.internal.cache import LRUCache  # noqa: PLC0415 - only fuzzing needs it

    return LRUCache(1024)


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
