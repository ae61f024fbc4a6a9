"""What a case came to: the facts that travel and are reported, and the value that a test asserts on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import msgspec

from pytest_toolmatch.core.chain import Chain
from pytest_toolmatch.core.errors import did_you_mean
from pytest_toolmatch.judging.divergence import Divergence, Funnel
from pytest_toolmatch.judging.troubles import Ended, Refused
from pytest_toolmatch.statistics.measures import Measure

if TYPE_CHECKING:
    from collections.abc import Callable

State: TypeAlias = Literal["agrees", "diverges", "undecided", "ambiguous", "error"]
STATES: tuple[State, ...] = get_args(State)


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chain to show: how many of the model's ``of`` samples are like it, and what was said at its end."""

    chain: Chain
    count: int
    of: int
    text: str = ""


class CaseResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One case judged: everything that a report or a gate needs, as plain data.

    ``measures`` are the student's, ``ceilings`` the same with the teacher in its place; a metric without data is
    absent. ``tools`` are those of the consensus. ``weight`` is what the case counts among others; its own measures
    know nothing of it. ``stratum`` is what it was drawn from, if from one. ``levels`` counts the student's diverging
    samples by funnel level, ``unusable`` those that can't be compared and match nothing, by outcome. ``refused`` is
    what the student was refused, ``ended`` how its samples were brought to an end. ``lost`` is why samples of either
    model were lost to infrastructure, with their number.
    """

    suite: str
    case: str
    query: str
    state: State
    reason: str = ""
    nodeid: str = ""
    where: str = ""
    tags: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    weight: float = 1.0
    stratum: str = ""
    wanted: float | None = None
    measures: dict[str, Measure] = {}
    ceilings: dict[str, Measure] = {}
    latencies: tuple[float, ...] = ()
    teacher_samples: int = 0
    student_samples: int = 0
    teacher_outcomes: dict[str, int] = {}
    student_outcomes: dict[str, int] = {}
    unusable: dict[str, int] = {}
    levels: dict[Funnel, int] = {}
    refused: tuple[Refused, ...] = ()
    ended: tuple[Ended, ...] = ()
    lost: dict[str, int] = {}
    consensus: Shown | None = None
    diverging: Shown | None = None
    divergence: Divergence | None = None

    def value(self, metric: str) -> float | None:
        """Return the case's own value of a metric, or None where it has no data."""
        measure = self.measures.get(metric)
        return measure.value if measure and measure.weight else None


class Verdict:
    """What ``toolmatch(query)`` returns: true when the student agrees, with every metric as an attribute.

    A metric without data (``consistency`` of a single teacher sample) is ``nan``, which no comparison accepts.
    ``on_truth`` is told the result when the verdict is asked for its truth, and may end the test there.
    """

    def __init__(self, result: CaseResult, on_truth: Callable[[CaseResult], None] | None = None) -> None:
        self._result = result
        self._on_truth = on_truth
        self._consulted = False

    @property
    def result(self) -> CaseResult:
        """The facts behind the verdict."""
        return self._result

    @property
    def state(self) -> State:
        """One of ``agrees``, ``diverges``, ``undecided``, ``ambiguous``, ``error``."""
        self._consulted = True
        return self._result.state

    @property
    def consulted(self) -> bool:
        """Whether anyone asked what the verdict is."""
        return self._consulted

    def __bool__(self) -> bool:
        __tracebackhide__ = True
        self._consulted = True
        if self._on_truth is not None:
            self._on_truth(self._result)
        return self._result.state == "agrees"

    def __getattr__(self, name: str) -> float:
        from pytest_toolmatch.judging.metrics import METRICS, value_of  # noqa: PLC0415 - metrics are about results

        __tracebackhide__ = True
        if name.startswith("_") or name not in METRICS:
            hint = did_you_mean(name, METRICS)
            raise AttributeError(f"a verdict has no metric {name!r}{hint}")
        self._consulted = True
        value = value_of(name, [self._result])
        return float("nan") if value is None else value

    def __repr__(self) -> str:
        result, match = self._result, self._result.value("chain_match")
        if result.state in ("diverges", "undecided") and match is not None and result.wanted is not None:
            unshown = ": undecided" if result.state == "undecided" else ""
            return f"<Verdict {result.case}: chain_match {match:.2f}, wanted >= {result.wanted:.2f}{unshown}>"
        detail = f" {match:.2f}" if match is not None else ""
        return f"<Verdict {result.case}: {result.state}{detail}>"
