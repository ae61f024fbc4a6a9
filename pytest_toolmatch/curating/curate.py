"""``toolmatch curate``: from recorded suites to one to optimise on and one to evaluate with."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from pytest_toolmatch.core.errors import ConfigError, MissingRecording
from pytest_toolmatch.core.writable import fault_of
from pytest_toolmatch.curating.embedders import embedder_of, on_engine
from pytest_toolmatch.curating.explained import Explained, explained_lines, explanations
from pytest_toolmatch.curating.finished import FOLDER, Finished
from pytest_toolmatch.curating.judged import subjects
from pytest_toolmatch.curating.kept import Kept
from pytest_toolmatch.curating.logged import read_logs
from pytest_toolmatch.curating.map_page import write_map
from pytest_toolmatch.curating.pools import Pools, pooled
from pytest_toolmatch.curating.shown import account, curve_lines, estimate_lines, pool_lines
from pytest_toolmatch.curating.stages import Found, embedded_cases, without_duplicates
from pytest_toolmatch.curating.written import EXPLAINED, check_free, hold_out_lines, next_lines, write_pools
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.engines import engine_of
from pytest_toolmatch.engines.engine import Seen
from pytest_toolmatch.ticking import Ticker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.curating.judged import Subject
    from pytest_toolmatch.curating.logged import Logs
    from pytest_toolmatch.curating.options import CurateOptions
    from pytest_toolmatch.curation.embedding import Embedder
    from pytest_toolmatch.engines.engine import Engine


def curate(paths: Sequence[Path], out: Path, options: CurateOptions) -> Iterator[str]:
    """Choose cases and write them to ``out`` with their recordings, yielding what to print.

    Raises ToolmatchError for whatever is missing or does not fit; nothing is written before everything is chosen, but
    for what is finished by then, which the same command goes on from.
    """
    embedder = embedder_of(options.embedder)
    if options.map is not None and options.map.exists():
        raise ConfigError(f"--map {options.map}: it exists already; choose another name, or remove it first")
    if options.map is not None and (fault := fault_of(options.map.parent)):
        raise ConfigError(f"--map {options.map}: can't be written: {fault}; choose another place")
    logs = read_logs(paths, options)
    check_free(logs, out)
    with engine_of(options.engine, options.ray_address) as engine:
        yield from filter(None, [engine.shown])
        yield from _chosen(logs, embedder, out, options, engine)
    yield from next_lines(logs, out)


def _chosen(logs: Logs, embedder: Embedder, out: Path, options: CurateOptions, engine: Engine) -> Iterator[str]:
    """Choose and write."""
    slow = not isinstance(embedder, Hashed)
    embedder = on_engine(embedder, engine)
    if slow:
        embedder = Kept(embedder, out / FOLDER)
    done = Finished(
        out / FOLDER,
        [version("pytest-toolmatch"), logs.told, logs.teacher, *logs.students, embedder.name, str(options.epsilon)],
    )
    if done.stages:
        yield f"{out / FOLDER}: an earlier run was stopped; going on with its {', '.join(done.stages)}"
    found = list(_told(logs, engine, done))
    cases = [one for one in found if one is not None]
    if not cases:
        raise MissingRecording(f"{logs.teacher} answered none of the cases: there is nothing to choose from")
    yield from account(logs, cases, len(found))
    deduplicated = _deduplicated(cases, embedder, options, engine, done)
    yield from curve_lines(deduplicated, embedder.name)
    pools = _pooled(cases, deduplicated, options, engine, done)
    yield from pool_lines(pools, cases, options)
    yield from estimate_lines(pools, cases, logs)
    yield ""
    yield from write_pools(logs, cases, deduplicated, pools, out)
    if options.map is not None:
        yield write_map(options.map, list(explanations(logs, cases, deduplicated, pools)), deduplicated.rows)
    yield from hold_out_lines(logs, cases, pools, out)
    done.forget()
    yield from _examples(out, deduplicated, pools)


def explain(out: Path, name: str) -> Iterator[str]:
    """Yield why a case was kept or dropped, as an earlier run into ``out`` wrote it down."""
    path = out / EXPLAINED
    if not path.exists():
        raise ConfigError(f"--explain {name}: there is no {path}; run the same command without --explain first")
    found = [one for one in Explained.read(path) if name in (one.id, f"{one.suite}/{one.id}")]
    if not found:
        raise ConfigError(f"--explain {name}: no such case in {path}")
    return (line for one in found for line in explained_lines(one))


def _told(logs: Logs, engine: Engine, done: Finished) -> Iterator[Subject | None]:
    with Ticker("judging recordings") as ticker:
        yield from ticker.follow(subjects(logs, engine, done), "cases")


def _deduplicated(
    cases: Sequence[Subject], embedder: Embedder, options: CurateOptions, engine: Engine, done: Finished
) -> Found:
    with Ticker(f"embedding with {embedder.name}") as ticker:
        rows = done.arrays(
            "rows", lambda: [embedded_cases(cases, embedder, lambda count: ticker.reach(count, "phrases"))]
        )[0]
    epsilon = embedder.epsilon if options.epsilon is None else options.epsilon
    with Ticker("looking for duplicates") as ticker:
        return without_duplicates(cases, rows, epsilon, engine, lambda count: ticker.reach(count, "cases"), done=done)


def _pooled(cases: Sequence[Subject], found: Found, options: CurateOptions, engine: Engine, done: Finished) -> Pools:
    with Ticker("putting families and clusters together") as ticker:
        return pooled(cases, found, options, Seen(engine, lambda count: ticker.reach(count, "parts")), done)


def _examples(out: Path, found: Found, pools: Pools) -> Iterator[str]:
    """Yield the explanation of one chosen case, and of the dropped one that is least like what stands for it."""
    dropped = [int(place) for place in np.flatnonzero(~found.kept) if place not in pools.evaluate]
    least = min(dropped, key=lambda place: float(found.likeness[place]), default=-1)
    wanted = {next(iter(pools.optimise), -1), least}
    shown = {one.state: one for place, one in enumerate(Explained.read(out / EXPLAINED)) if place in wanted}
    for state in sorted(shown, reverse=True):
        yield from explained_lines(shown[state])
        yield ""
