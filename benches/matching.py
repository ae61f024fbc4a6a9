"""Pairs of chains judged per second, from JSON text to verdict, side by side in one run with the peers installed here.

Peers want an environment of their own; one that is absent is named with what to install::

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install -e . ragas==0.4.3 'langchain-community<0.4' deepeval agentevals pydantic-evals
    /tmp/peers/bin/python benches/matching.py

10,000 pairs of 3 calls × 4 arguments, no two alike: half match (in another key order, with a default left out, 5.0 for
5), half differ in one argument. *Right* counts the verdicts that are those of our definition; *parsed* leaves out the
reading of the text. Each number is the median of interleaved rounds.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import peers
import tabulate
from made import TOOLS, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Timed = tuple[float, list[Any]]

PAIRS, ROUNDS = 10_000, 5
ALIGNED = ("left", *["right"] * 3, "left", "right")

# What is measured, what to install for it, and how many times faster than it we mean to be.
MEASURED: tuple[tuple[Callable[..., dict[str, peers.Bench]], str, int | None], ...] = (
    (peers.ours, "", None),
    (peers.ragas, "ragas==0.4.3 'langchain-community<0.4'", 2),
    (peers.deepeval, "deepeval", 10),
    (peers.agentevals, "agentevals", 10),
    (peers.pydantic_evals, "pydantic-evals", None),
    (peers.plain, "", None),
)


class Entrant(NamedTuple):
    """One line of the table: its inputs as text and parsed, the seconds of every round with either, its scores."""

    name: str
    bench: peers.Bench
    target: int | None
    texts: list[tuple[Any, Any]]
    parsed: list[tuple[Any, Any]]
    from_text: list[float]
    from_parsed: list[float]
    scores: list[Any]


def entrants() -> list[Entrant]:
    """Return what can be measured here, with its inputs ready; name what can't."""
    made, found = list(pairs(PAIRS)), []
    for of, install, target in MEASURED:
        try:
            benches = of(TOOLS)
        except ImportError as error:
            print(f"{of.__name__}: not installed ({error}): pip install {install}")
            continue
        for name, bench in benches.items():
            texts = [(bench.write(student), bench.write(teacher)) for student, teacher, _ in made]
            parse = bench.parse or bench.read
            parsed = [(parse(student), parse(teacher)) for student, teacher in texts]
            found.append(Entrant(name, bench, target, texts, parsed, [], [], []))
    return found


def timed(inputs: Sequence[tuple[Any, Any]], read: Callable[[Any], Any], judge: Callable[..., Any]) -> Timed:
    """Return the seconds that all pairs take, and their scores; coroutines are awaited in one event loop."""

    async def awaited() -> list[Any]:
        return [await judge(read(student), read(teacher)) for student, teacher in inputs]

    gc.collect()
    start = time.perf_counter()
    if inspect.iscoroutinefunction(judge):
        scores = asyncio.run(awaited())
    else:
        scores = [judge(read(student), read(teacher)) for student, teacher in inputs]
    return time.perf_counter() - start, scores


def line(one: Entrant, ours: Entrant, wanted: list[bool]) -> list[object]:
    """Return one line of the table."""
    text, parsed = (PAIRS / statistics.median(seconds) for seconds in (one.from_text, one.from_parsed))
    ratio = statistics.median(one.from_text) / statistics.median(ours.from_text)
    right = sum((score == 1) is match for score, match in zip(one.scores, wanted, strict=True))
    state = "" if one.target is None else f"≥ {one.target}: {'pass' if ratio >= one.target else 'FAIL'}"
    return [one.name, f"{text:,.0f}", f"{parsed:,.0f}", f"{ratio:.1f}", state, f"{right:,}"]


def main() -> None:
    """Measure in rounds, and print the table."""
    os.environ.update(DEEPEVAL_TELEMETRY_OPT_OUT="YES", OPENAI_API_KEY="unused", RAGAS_DO_NOT_TRACK="true")
    wanted = [match for _, _, match in pairs(PAIRS)]
    found = entrants()
    gc.freeze()
    for _ in range(ROUNDS):
        for one in found:
            seconds, scores = timed(one.texts, one.bench.read, one.bench.judge)
            one.from_text.append(seconds)
            one.scores[:] = scores
            one.from_parsed.append(timed(one.parsed, lambda ready: ready, one.bench.judge)[0])
    heads = ["judge", "from text, pairs/s", "parsed, pairs/s", "× ours in time", "target", f"right of {PAIRS:,}"]
    print(
        tabulate.tabulate(
            [line(one, found[0], wanted) for one in found], heads, disable_numparse=True, colalign=ALIGNED
        )
    )


if __name__ == "__main__":
    main()
