"""From logged requests to two pools, at scale: seconds, memory and engines; duplicates beside brute force.

``RECORDS`` says how many requests are logged. Requests are made up, of a wider choice of values than those of
``curation_cases``, so that nearly all are another case; a tenth of them calls no tool.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import tabulate
from curation_cases import INTENTS, TUNED, VALUES, Made, World, made

from pytest_toolmatch.curating.embedders import embedder_of
from pytest_toolmatch.curation.embedding import beside, embedded, phrased, value_groups, value_rows
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.curation.semdedup import deduplicated, ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_toolmatch.curation.embedding import Floats

_Made = TypeVar("_Made")

RECORDS = int(os.environ.get("RECORDS", "100000"))
ITEMS = 20_000
_SYLLABLES = [
    "ba",
    "lo",
    "ri",
    "ten",
    "mu",
    "sha",
    "vel",
    "ko",
    "ndi",
    "tor",
    "pe",
    "gua",
    "zi",
    "lin",
    "os",
    "har",
    "we",
    "dru",
    "fa",
    "mer",
]
_COMMAND = "import sys; from pytest_toolmatch.cli import main; sys.exit(main())"
_IMPORT = ("import", "requests", "log.jsonl", "--name", "made", "-o")


def rows_of(embedder: Any, requests: Sequence[Made]) -> Floats:
    """Return what requests are compared by, as ``toolmatch curate`` does."""
    texts, chains = [one.text for one in requests], [one.chain for one in requests]
    return beside(embedded(embedder, phrased(texts, chains)), value_rows(chains), texts)


def pairs() -> None:
    """SemDeDup beside all pairs, one row after the other, on 20,000 rows of one stratum."""
    few = [one for one in made(random.Random(3), 60_000) if one.kind != "call"]  # noqa: S311
    many = [one for one in made(random.Random(3), 200_000, world=wide()) if one.kind == "add_to_cart"]  # noqa: S311
    none = made(random.Random(3), ITEMS, calls=False, world=wide())  # noqa: S311
    table = [
        [name, *row]
        for name, requests in (("few", few), ("many", many), ("no call", none))
        for row in _beside_brute(rows_of(embedder_of("hashed"), requests[:ITEMS]))
    ]
    print(f"\nDuplicates among {ITEMS:,} rows of few or many values, and of requests without a call, beside every pair")
    print(f"by brute force; seconds are the fewer of two times; {_load()}. 'by values' is what curate does\n")
    heads = ("values", "ε", "how", "pairs above", "compared", "both kept", "dropped", "brute s", "ours s", "×")
    print(tabulate.tabulate(table, heads, floatfmt=("", "g", "", ",", ".4f", ".4f", ",", ".1f", ".2f", ".0f")))


def _beside_brute(rows: Floats) -> Iterator[list[Any]]:
    for epsilon in (0.1, Hashed().epsilon):
        brute, above = _timed(lambda epsilon=epsilon: _brute(rows, epsilon))
        for name, way in WAYS.items():
            seconds, stands = _timed(lambda e=epsilon, way=way: way(rows, e))
            kept = stands == np.arange(len(stands))
            left = sum(bool(kept[a] and kept[b]) for a, b in above) / len(above)
            seen = _compared(name, rows, above)
            yield [epsilon, name, len(above), seen, left, int((~kept).sum()), brute, seconds, brute / seconds]


WAYS: dict[str, Callable[[Floats, float], Any]] = {
    "by values": lambda rows, epsilon: deduplicated(rows, epsilon, groups=value_groups(rows)),
    "all with all, bounded": deduplicated,
    "k-means clusters": lambda rows, epsilon: deduplicated(rows, epsilon, ordered(rows, 0)),
}


def _compared(name: str, rows: Floats, above: Sequence[tuple[int, int]]) -> float:
    """Return the share of the pairs above that a way looks at."""
    if name == "by values":
        groups = value_groups(rows)
        return fmean(groups[a] == groups[b] for a, b in above)
    if name == "k-means clusters":
        clusters = ordered(rows, 0).clusters
        assert clusters is not None
        near, own = clusters.nearest, clusters.own
        return fmean(own[a] in near[b] or own[b] in near[a] for a, b in above)
    return 1.0


def _timed(work: Callable[[], _Made]) -> tuple[float, _Made]:
    """Return the seconds that work takes, the fewer of two times, and what comes of it."""
    found: list[tuple[float, _Made]] = []
    for _ in range(2):
        start = time.perf_counter()
        made = work()
        found.append((time.perf_counter() - start, made))
    return min(found, key=lambda one: one[0])


def _brute(rows: Floats, epsilon: float) -> list[tuple[int, int]]:
    """Return every pair above 1 - ε: each row against all later ones."""
    found = []
    for place in range(len(rows) - 1):
        likeness = rows[place + 1 :] @ rows[place]
        found += [(place, place + 1 + int(other)) for other in np.flatnonzero(likeness > 1 - epsilon)]
    return found


class Ran(NamedTuple):
    """What a command took, and what it printed."""

    seconds: float
    cpu: float
    gigabytes: float
    said: str

    def row(self, name: str) -> list[Any]:
        """Return a line of the table."""
        return [name, self.seconds, self.cpu, self.gigabytes]


_HEADS = ("", "wall s", "CPU s", "peak GiB")


def scale() -> None:
    """Import logged requests and curate them, each in a process of its own; once more, interrupted halfway."""
    with tempfile.TemporaryDirectory() as folder:
        log(Path(folder))
        size = Path(folder, "log.jsonl").stat().st_size / 2**20
        imported, curated = _run(folder, *_IMPORT, "suite"), _run(folder, *_curating("out"))
        stopped, again = _interrupted(folder, curated.seconds / 2)
    whole = Ran(*(a + b for a, b in zip(imported[:2], curated[:2], strict=True)), max(imported[2], curated[2]), "")
    print(f"\n{RECORDS:,} logged requests ({size:.0f} MiB of JSON Lines), 2 threads; {_load()}\n")
    rows = [imported.row("toolmatch import"), curated.row("toolmatch curate"), whole.row("both")]
    rows += [stopped.row("curate, Ctrl-C halfway"), again.row("the same command again")]
    print(tabulate.tabulate(rows, _HEADS, floatfmt=".1f"))
    print(f"\n{imported.said}{curated.said}Ctrl-C: {stopped.said}")


def _curating(out: str) -> tuple[str, ...]:
    return ("curate", "suite", "-o", out)


def _load() -> str:
    return f"load average {os.getloadavg()[0]:.1f}"


def _start(folder: str, *command: str, **more: str) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"} | more
    whole = [sys.executable, "-c", _COMMAND, *command]
    out = subprocess.PIPE
    return subprocess.Popen(whole, cwd=folder, env=environment, text=True, stdout=out, stderr=subprocess.STDOUT)  # noqa: S603


def _ended(process: subprocess.Popen[str], start: float) -> Ran:
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ran(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20, said)


def _run(folder: str, *command: str, **more: str) -> Ran:
    start = time.perf_counter()
    return _ended(_start(folder, *command, **more), start)


def _interrupted(folder: str, seconds: float) -> tuple[Ran, Ran]:
    start = time.perf_counter()
    process = _start(folder, *_curating("again"))
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    return _ended(process, start), _run(folder, *_curating("again"))


def engines() -> None:
    """Do the same in one process and on a Ray of two workers, on the same two cores; the files must be the same."""
    if find_spec("ray") is None:
        print("\nRay is not installed: no engine beside the local one")
        return
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - else what else runs comes before workers, and not before us
    import ray  # noqa: PLC0415 - reads these when it is imported

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    address = ray.get_runtime_context().gcs_address
    with tempfile.TemporaryDirectory() as folder:
        log(Path(folder))
        ran = {name: _both(folder, command, address) for name, command in _BOTH.items()}
    ray.shutdown()
    print(f"\n{RECORDS:,} logged requests: one process with 2 threads, and Ray with 2 workers, connecting included\n")
    rows = [
        [name, one.seconds, two.seconds, two.seconds / one.seconds, one.cpu, two.cpu, same]
        for name, (one, two, same) in ran.items()
    ]
    heads = ("", "wall s", "on Ray", "ratio", "CPU s of the command", "on Ray", "same files")
    print(tabulate.tabulate(rows, heads, floatfmt=("", ".0f", ".0f", ".2f", ".0f", ".0f")))
    print(f"\n{_load()}")


_BOTH = {"toolmatch import": (*_IMPORT, "suite"), "toolmatch curate": ("curate", "suite", "-o", "chosen")}


def _both(folder: str, command: Sequence[str], address: str) -> tuple[Ran, Ran, str]:
    """Return what a command takes here and on Ray, and how many of the files are the same."""
    *before, output = command
    here = _run(folder, *command)
    there = _run(folder, *before, f"{output}-ray", "--engine", "ray", RAY_ADDRESS=address)
    one, two = Path(folder, output), Path(folder, f"{output}-ray")
    files = [at.relative_to(one) for at in one.rglob("*") if at.is_file()]
    same = sum((two / at).is_file() and (one / at).read_bytes() == (two / at).read_bytes() for at in files)
    return here, there, f"{same} of {len(files)}"


def log(folder: Path) -> None:
    """Write ``log.jsonl``: requests and responses of OpenAI's form, each with the eight tools on offer."""
    chance = random.Random(11)  # noqa: S311
    world, few = wide(), RECORDS // 10
    requests = made(chance, RECORDS - few, world=world) + made(chance, few, calls=False, world=world)
    chance.shuffle(requests)
    tools = _tools()
    with (folder / "log.jsonl").open("w") as lines:
        for number, one in enumerate(requests):
            lines.write(json.dumps(_logged(number, one, tools)) + "\n")


def _logged(number: int, one: Made, tools: list[dict[str, Any]]) -> dict[str, Any]:
    calls = [
        {"id": f"c{number}", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
        for step in one.chain
        for call in step
    ]
    message = {"role": "assistant", "content": None if calls else "Sure."} | ({"tool_calls": calls} if calls else {})
    asked = {"model": "scripted-teacher", "messages": [{"role": "user", "content": one.text}], "tools": tools}
    return {"request": asked, "response": {"choices": [{"message": message, "finish_reason": "stop"}]}}


def _tools() -> list[dict[str, Any]]:
    slots: dict[str, dict[str, Any]] = {}
    for intent in INTENTS:
        mine = {slot: {"type": "integer" if kind in _NUMBERS else "string"} for slot, kind in intent.slots.items()}
        slots.setdefault(intent.tool, {}).update(mine)
    return [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": mine}}}
        for name, mine in slots.items()
    ]


_NUMBERS = ("count", "order", "degrees")


def wide() -> World:
    """Return a world of 600 made-up towns and names, 900 things and dishes, and 9,279 orders."""
    chance = random.Random(1)  # noqa: S311
    few, more = _words(chance, 60), _words(chance, 600)
    two = tuple(f"{one} {other}".lower() for one, other in product(few[:30], few[30:]))
    values = {"city": more, "other": more[::-1], "name": _words(chance, 600), "room": few, "thing": two}
    values |= {"dish": two[::-1], "order": tuple(range(100_000, 1_000_000, 97))}
    return TUNED._replace(values=VALUES | values)


def _words(chance: random.Random, count: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(chance.choice(_SYLLABLES) for _ in range(chance.randrange(2, 5))).title()] = None
    return tuple(found)


SECTIONS = {one.__name__: one for one in (pairs, scale, engines)}
