"""The workers of a Ray cluster that runs already: blocks go there as tasks, a few more than there are processors."""

from __future__ import annotations

import logging
import os
import socket
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from threadpoolctl import threadpool_limits

from pytest_toolmatch.core.errors import ConfigError, ServiceFault
from pytest_toolmatch.engines.engine import in_order
from pytest_toolmatch.suites.importers.fields import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_Block = TypeVar("_Block")
_Made = TypeVar("_Made")

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a tip is shown
    "RAY_NUM_REDIS_GET_RETRIES": "1",  # tries to find a cluster at an address where something else answers
    "RAY_py_gcs_connect_timeout_s": "10",
}
"""Ray reads these when it is imported; what the user has set comes first."""
_ANSWERS = 5.0
"""Seconds that a cluster's address has to accept a connection."""
_STARTS = 120.0
"""Seconds that a node has to start one worker that does next to nothing."""
_AHEAD = 2
"""Blocks that are under way for every processor."""
_ASK = "; is it Ray that listens there, of the same version, and is RAY_AUTH_TOKEN the cluster's, if it has one?"
_NEXT = "; start one with `ray start --head`, say where it is with --ray-address HOST:6379, or leave --engine ray out"


def _asking() -> Callable[[], str]:
    """Return a function that says which version is installed where it runs; it needs nothing of ours to get there."""

    def installed() -> str:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - it travels with its imports

        try:
            return version("pytest-toolmatch")
        except PackageNotFoundError:
            return ""

    return installed


def _one_thread(function: Callable[[_Block], _Made], block: _Block) -> _Made:
    with threadpool_limits(1, user_api="blas"):
        return function(block)


def _accepts(address: str) -> bool:
    """Return whether a host and port are named, and somebody listens there.

    ConfigError where nobody does: Ray itself would try for a minute, and tell of it.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return False
    try:
        socket.create_connection((host, int(port)), _ANSWERS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--engine ray: nobody answers at {address}: {error}{_NEXT}") from None
    return True


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep what Ray's own library writes to the terminal while it tries: what matters, it raises."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _line(error: Exception) -> str:
    """Return the first sentence of what Ray says, which is often a page."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].partition(". ")[0].rstrip(".")[:300]


class Ray:
    """``address`` as Ray has it: ``HOST:6379``, ``ray://HOST:10001``, or ``auto`` for the cluster of this machine.

    Without one, ``RAY_ADDRESS`` counts, then ``auto``. Where this process is connected already, that connection is
    used, and left open.
    """

    apart = True

    def __init__(self, address: str = "") -> None:
        self._address = address or os.environ.get("RAY_ADDRESS", "") or "auto"
        self._ours = False
        self.shown = ""
        if find_spec("ray") is None:
            raise ConfigError("--engine ray needs Ray, which is not installed: pip install 'pytest-toolmatch[ray]'")
        if self._address == "local":
            raise ConfigError(
                "--ray-address local: work goes to a cluster that runs already; `ray start --head` starts one here"
            )

    def __enter__(self) -> Self:
        """Connect, and see that every node can do the work.

        Raises ConfigError for a cluster that can't be reached or used.
        """
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import ray  # noqa: PLC0415 - seconds, and an extra

        self._ray = ray
        if not ray.is_initialized():
            self._connect()
            self._ours = True
        try:
            self._see()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster as it was: tasks that still run are ended."""
        if self._ours:
            self._ray.shutdown()

    def map(self, function: Callable[[_Block], _Made], blocks: Iterable[_Block]) -> Iterator[_Made]:
        """Yield the results in order; ServiceFault where workers are lost for good."""
        with self._said():
            held = self._ray.put(function)
        task: Any = self._ray.remote(_one_thread)
        yield from in_order(lambda block: task.remote(held, block), self._result, blocks, _AHEAD * self._processors)

    def _result(self, due: Any) -> Any:
        with self._said():
            return self._ray.get(due)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Raise what a task raised as if it had been raised here, and a worker's end as one line."""
        try:
            yield
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.RayError as error:
            raise ServiceFault(
                f"Ray at {self._address}: {_line(error)}; look at `ray status`, then run the same command again"
            ) from None

    def _connect(self) -> None:
        listens = _accepts(self._address)
        try:
            with _hushed():
                self._ray.init(address=self._address, log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:  # noqa: BLE001 - a socket, a version, a time-out: Ray has no one class for them
            raise ConfigError(
                f"--engine ray: no cluster at {self._address}: {_line(error)}{_ASK if listens else _NEXT}"
            ) from None

    def _see(self) -> None:
        """Start a worker on every node; ConfigError names one that can't do the work."""
        nodes = [one for one in self._ray.nodes() if one["Alive"] and one["Resources"].get("CPU")]
        self._processors = int(sum(one["Resources"]["CPU"] for one in nodes))
        if not nodes:
            raise ConfigError(f"--engine ray: the cluster at {self._address} has no processors: add a node to it")
        ours = _asking()()
        for node, there in zip(nodes, self._asked(nodes), strict=True):
            if there != ours:
                has = f"has pytest-toolmatch {there}" if there else "lacks pytest-toolmatch"
                raise ConfigError(
                    f"--engine ray: node {node['NodeManagerAddress']} {has}; install {ours} there, or start "
                    f"""the command with ray job submit --runtime-env-json '{{"pip": ["pytest-toolmatch=={ours}"]}}'"""
                )
        where = f"{counted(self._processors, 'processor')} of {counted(len(nodes), 'node')}"
        self.shown = f"on Ray at {self._address}: {where}"

    def _asked(self, nodes: Sequence[dict[str, Any]]) -> list[str]:
        """Return which version each node has of us, if any."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as There  # noqa: PLC0415

        ask = self._ray.remote(num_cpus=0)(_asking())
        due = [ask.options(scheduling_strategy=There(one["NodeID"], soft=False)).remote() for one in nodes]
        with self._said():
            if len(self._ray.wait(due, num_returns=len(due), timeout=_STARTS)[0]) < len(due):
                raise ConfigError(
                    f"--engine ray: the cluster at {self._address} starts no worker: nothing within {_STARTS:.0f} s; "
                    "look at `ray status`"
                )
            return list(self._ray.get(due))
