"""The two pools as suites on disk, each with its recordings, and why each case is where it is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.request import rollout_digest
from pytest_toolmatch.core.writable import fault_of
from pytest_toolmatch.curating.explained import explanations
from pytest_toolmatch.curating.logged import tools_of
from pytest_toolmatch.curation.evaluation import strata
from pytest_toolmatch.sampling.recordings import append_records, recording_path
from pytest_toolmatch.suites.held_out import FILE, HeldOut, hold_out
from pytest_toolmatch.suites.importers.fields import counted
from pytest_toolmatch.suites.named import check_apart
from pytest_toolmatch.suites.writer import write_suite
from pytest_toolmatch.suites.yaml_file import SUFFIX, read_suite
from pytest_toolmatch.ticking import Ticker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.curating.judged import Subject
    from pytest_toolmatch.curating.logged import Logged, Logs
    from pytest_toolmatch.curating.pools import Pools
    from pytest_toolmatch.curating.stages import Found
    from pytest_toolmatch.sampling.recordings import Record

EXPLAINED = "curation.jsonl"
POOLS = ("optimise", "evaluate")
_PARTS = 5
"""Dotted parts of the key of a sample that was drawn: the last says how its tools were answered."""

_encoder = msgspec.json.Encoder()


def check_free(logs: Logs, out: Path) -> None:
    """Raise ConfigError where nothing can be written, an earlier run wrote, or two suites would write one file."""
    if (there := next((one for one in (out, *out.parents) if one.exists()), out)).is_file():
        raise ConfigError(f"-o {out}: {there} is a file; choose another directory")
    if fault := fault_of(out):
        raise ConfigError(f"-o {out}: can't be written: {fault}; choose another directory")
    names = [one.suite.name for one in logs.suites]
    check_apart(names, out)
    taken = (out / f"{name}.{pool}{SUFFIX}" for name in names for pool in POOLS)
    if found := next((path for path in (out / EXPLAINED, *taken) if path.exists()), None):
        raise ConfigError(f"{found} exists already: choose another directory with -o, or remove it first")


def write_pools(logs: Logs, cases: list[Subject], found: Found, pools: Pools, out: Path) -> Iterator[str]:
    """Write suites, recordings and explanations; yield what each suite holds."""
    out.mkdir(parents=True, exist_ok=True)
    with Ticker("writing") as ticker, (out / EXPLAINED).open("wb") as lines:
        for one in ticker.follow(explanations(logs, cases, found, pools), "cases"):
            lines.write(_encoder.encode(one) + b"\n")
    known = dict(zip(pools.evaluate, strata(list(pools.evaluate.values()), len(cases)), strict=True))
    for number, logged in enumerate(logs.suites):
        chosen = [cases[place].case for place in sorted(pools.optimise) if cases[place].suite == number]
        weighed = [
            msgspec.structs.replace(cases[place].case, weight=one.weight, stratum=known[place])
            for place, one in sorted(pools.evaluate.items())
            if cases[place].suite == number
        ]
        # A gate on cases that were chosen for what they teach says nothing about the traffic.
        for pool, some, gates in zip(POOLS, (chosen, weighed), ((), logged.suite.gates), strict=True):
            if some:
                yield from _write(logged, f"{logged.suite.name}.{pool}", some, gates, out)


def hold_out_lines(logs: Logs, cases: Sequence[Subject], pools: Pools, out: Path) -> Iterator[str]:
    """Note beside every suite which cases nothing may learn from; yield where, and what can't be noted."""
    if not pools.evaluate:
        return
    noted: dict[Path, list[HeldOut]] = {out: []}
    for one, part in zip(cases, pools.parts, strict=True):
        if part == "test":
            suite = logs.suites[one.suite].suite
            noted.setdefault(Path(suite.where).parent, []).append(HeldOut(suite.name, one.case.id))
    for place in pools.evaluate:
        one = cases[place]
        noted[out].append(HeldOut(f"{logs.suites[one.suite].suite.name}.evaluate", one.case.id))
    for folder, named in noted.items():
        try:
            hold_out(folder, named)
        except OSError as error:
            yield f"  ! can't write {folder / FILE}: {error.strerror}; nothing knows what to spare"
        else:
            yield f"{folder / FILE}: {counted(len(named), 'case')} that export, distill and repair spare"


def _write(logged: Logged, name: str, cases: Sequence[Case], gates: tuple[str, ...], out: Path) -> Iterator[str]:
    suite = msgspec.structs.replace(logged.suite, name=name, cases=tuple(cases), gates=gates)
    path = write_suite(suite, out)
    answered = _answered(suite, read_suite(path))
    count = 0
    wanted = {case.id for case in cases}
    numbers = {case.id: number for number, case in enumerate(logged.suite.cases) if case.id in wanted}
    for model in logged.records.models:
        kept = [one for mine in logged.records.of(model, [numbers[case.id] for case in cases]) for one in mine]
        target = recording_path(out / "recordings" / name, model)
        count += append_records(target, (_rekeyed(one, answered) for one in kept)) if kept else 0
    yield f"{path}: {counted(len(cases), 'case')}, {counted(count, 'sample')}"
    if any(before != after for before, after in answered.values()):
        yield "  ! its tools were Python functions or a server's: it replays; to draw anew it needs its old tools"


def _answered(before: Suite, after: Suite) -> dict[str, tuple[str, str]]:
    """Return, by case, the digests of how tools answer: in the suite that was read, and in the one in files."""
    digests: dict[int, str] = {}

    def digest(suite: Suite, case: Case) -> str:
        tools = tools_of(suite, case)
        digests[id(tools)] = digests.get(id(tools)) or rollout_digest(suite.rollout, tools)
        return digests[id(tools)]

    pairs = zip(before.cases, after.cases, strict=True)
    return {old.id: (digest(before, old), digest(after, new)) for old, new in pairs}


def _rekeyed(record: Record, answered: dict[str, tuple[str, str]]) -> Record:
    """Return a record under the key that the written suite asks for, where its tools answer in another way.

    A suite in files has no Python functions; what was drawn with them stays what it is.
    """
    asked, slash, draw = record.key.partition("/")
    parts = asked.split(".")
    before, after = answered[record.sample.case]
    if len(parts) != _PARTS or parts[-1] != before:
        return record
    return msgspec.structs.replace(record, key=f"{'.'.join([*parts[:-1], after])}{slash}{draw}")


def next_lines(logs: Logs, out: Path) -> Iterator[str]:
    """Yield the command to go on with."""
    student = logs.students[0] if logs.students else logs.teacher
    evaluate = [out / f"{one.suite.name}.evaluate{SUFFIX}" for one in logs.suites]
    there = [str(path) for path in evaluate if path.exists()]
    models = [f"--toolmatch-teacher={logs.teacher}", f"--toolmatch-student={student}"]
    if there:
        yield f"next: {shlex.join(['pytest', '--toolmatch', *there, *models])}"
