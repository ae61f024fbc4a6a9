"""Real recorded draws for ``gates.py``: do gates decided on the first draws agree with what all draws say?

The draws of every case are put into a new order many times; a gate that is decided before the last draw should be
decided as the rate of all draws lies. *Point* compares the rate of ten draws with the bound. Needs
``../shared/realdata``; says so where that is absent.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import tabulate

from pytest_toolmatch.core.chain import Chain, chain_of
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.judging.consensus import consensus
from pytest_toolmatch.judging.levels import LEVELS, Classes
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.statistics.sequential import GateTest
from pytest_toolmatch.suites.importers import read_log
from pytest_toolmatch.suites.importers.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"
REPEATS = int(os.environ.get("REPEATS", "200"))
BOUNDS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
Chains = dict[str, dict[str, list[Chain]]]


def hotpot() -> tuple[Chains, str]:
    """Return model → case → chains, and the teacher."""
    found: Chains = {}
    for name in ("claude-sonnet-4-5", "gpt-4o", "llama-3.1-70b"):
        for record in read_log("react", [Source(DATA / "hotpotqa_react" / f"{name}.jsonl.gz")]):
            if hasattr(record, "chain"):
                found.setdefault(name, {}).setdefault(record.case.id, []).append(record.chain)
    return found, "claude-sonnet-4-5"


def small_models() -> tuple[Chains, str]:
    """Return model → case → chains, and the teacher."""
    found: Chains = {}
    for path in sorted((DATA / "small_models_20runs").glob("[!_]*.json.gz")):
        content: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        for run in content["runs"]:
            for place, reply in enumerate(run):
                calls = [{"name": c["name"], "arguments": c["arguments"]} for c in reply.get("all_tool_calls") or ()]
                chain = chain_of([calls] if calls else [])
                found.setdefault(path.name.split(".")[0], {}).setdefault(f"{place}", []).append(chain)
    return found, "qwen2_5_3b"


def scores(teacher: Sequence[Chain], student: Sequence[Chain], matcher: Matcher, level: int) -> list[float] | None:
    """Return the student's matches of the consensus; None where the teacher has none."""

    def samples(chains: Sequence[Chain]) -> list[Sample]:
        return [Sample(case="c", role="recorded", draw=n, outcome="called", chain=c) for n, c in enumerate(chains)]

    classes = Classes(matcher, samples(teacher), samples(student)).merged(LEVELS[level])
    matrix = classes.matrix(LEVELS[level])
    found = consensus(classes, classes.teacher, matrix)
    if found is None or found.share < matcher.rules.min_consensus:
        return None
    return [float(matrix[index][found.chosen]) for index in classes.student]


def tables() -> None:
    """Decisions from the first draws beside the rate of all draws."""
    if not DATA.is_dir():
        print(f"\nno real logs: {DATA} is absent")
        return
    chance = np.random.default_rng(7)
    rows = []
    for data, (models, teacher) in (("hotpotqa_react", hotpot()), ("small_models_20runs", small_models())):
        names = {
            call.name for cases in models.values() for chains in cases.values() for c in chains for s in c for call in s
        }
        matcher = Matcher([Tool(name=name) for name in sorted(names)], rules=Rules(arguments="json"))
        for level in (0, 1):
            rows += _rows(chance, data, models, teacher, (matcher, level))
    print("\nReal draws in new orders: gates at eight bounds, decided early, against the rate of all draws\n")
    heads = ("data", "level", "student", "cases", "draws each", "rate", "decided", "agree", "draws used", "early")
    print(tabulate.tabulate(rows, (*heads, "point agrees"), floatfmt=".3f"))
    early = sum(row[9] for row in rows)
    print(f"\nof {early} early decisions {sum(row[9] * row[7] for row in rows) / early:.4f} agree")
    print(f"of as many gates by the point rule {fmean(row[10] for row in rows):.4f}, by student")


def _rows(chance: np.random.Generator, data: str, models: Chains, teacher: str, how: tuple[Matcher, int]) -> list[Any]:
    rows = []
    for student in models:
        if student == teacher:
            continue
        found = [scores(models[teacher][case], models[student].get(case, []), *how) for case in models[teacher]]
        kept = [own for own in found if own]
        if not kept:
            continue
        rate = fmean(fmean(own) for own in kept)
        agree, early, used, tried, point = 0, 0, [], 0, 0
        together = np.concatenate([np.asarray(own) for own in kept])
        for bound in BOUNDS:
            for _ in range(max(1, REPEATS // 4)):
                state, share = _run(chance, kept, bound)
                tried += 1
                point += (chance.choice(together, 10, replace=False).mean() >= bound) == (rate >= bound)
                if state != "undecided":
                    early += 1
                    agree += (state == "holds") == (rate >= bound)
                    used.append(share)
        mean_used = fmean(used) if used else float("nan")
        level = LEVELS[how[1]].match
        rows.append(
            [
                data,
                level,
                student,
                len(kept),
                min(map(len, kept)),
                rate,
                early / tried,
                agree / max(1, early),
                mean_used,
                early,
                point / tried,
            ]
        )
    return rows


def _run(chance: np.random.Generator, kept: Sequence[Sequence[float]], bound: float) -> tuple[str, float]:
    """Return a gate's state before the last round, and the share of the draws that it took."""
    orders = [list(chance.permutation(own)) for own in kept]
    rounds = min(map(len, orders))
    test = GateTest(len(orders), bound)
    for place in range(rounds - 1):
        looked = test.update([[float(own[place])] for own in orders])
        if looked.state != "undecided":
            return looked.state, (place + 1) / rounds
    return "undecided", 1.0
