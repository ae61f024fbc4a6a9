"""Draws the pictures of ``explanation/decisions.md``, and prints under each name the caption with what it shows.

::

    python docs/pictures/draw.py            # into this folder; with a FOLDER as its argument, into that one

Every student is made up: see ``students.py``. The captions stand on the page word for word; a test compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Any

import students as made_up
from matplotlib import rc_context
from matplotlib.figure import Figure
from students import BOUND, CASES, MOST, QUERIES

from pytest_toolmatch.statistics.alarms import bar, p_value
from pytest_toolmatch.statistics.planning import fixed_draws, sequential_draws, two_sided

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

# Told apart with any kind of colour vision: by Okabe and Ito, the last two by their lightness.
BLUE, GREEN, RED, WINE = "#0072b2", "#009e73", "#d55e00", "#882255"
GREY, PALE, DARK = "#c8c8c8", "#a6d8c9", "#333333"

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be searched, and tested
    "svg.hashsalt": "pytest-toolmatch",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": DARK,
    "figure.facecolor": "white",
    "lines.linewidth": 2,
}

BUILDS, LOOKED, SUITES = 100, 200, 200
"""How many made-up builds, builds looked at all the way, and suites stand behind a number."""

SAMPLES = 10
"""The samples of the point rule, and of a single case."""

GOODS, GOOD, BROKENS, BROKEN, COLUMNS = 200, 0.9, 8, 0.2, 16
"""The suite of the single cases: how many match how often, and how many stand in a row."""


def panels(*titles: str, height: float = 3.5, widths: Sequence[float] | None = None) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel beside the other."""
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots(1, len(titles), squeeze=False, width_ratios=widths)[0]
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title)
    return figure, list(axes)


def percent(share: float) -> str:
    """Return a share in whole per cent."""
    return f"{100 * share:.0f} %"


def shares_on(axis: Axes, which: str, label: str, step: float = 0.2) -> None:
    """Make an axis one of shares, with a tick at every step."""
    side = axis.xaxis if which == "x" else axis.yaxis
    low, high = sorted(side.get_view_interval())
    side.set_ticks([n * step for n in range(round(high / step) + 1) if low - 1e-9 <= n * step <= high + 1e-9])
    side.set_major_formatter(lambda value, _: percent(value))
    side.set_label_text(label)


def steps(start: float, end: float, count: int) -> list[float]:
    """Return evenly spaced numbers, both ends included."""
    return [round(start + (end - start) * place / (count - 1), 4) for place in range(count)]


def the_ceiling() -> tuple[Figure, str]:
    """Draw what students reach beside a teacher that is unsure."""
    figure, (axis,) = panels("How often can a student agree with a fresh answer of its teacher?", height=4)
    consistent = steps(0.3, 1, 71)
    axis.fill_between(consistent, [one**0.5 for one in consistent], 1.02, color=RED, alpha=0.15, linewidth=0)
    axis.plot(consistent, [one**0.5 for one in consistent], color=RED)
    axis.plot(consistent, [max(made_up.teacher_of(one)) for one in consistent], color=GREEN)
    axis.plot(consistent, consistent, color=BLUE)
    for one in steps(0.35, 0.95, 7):
        teacher = made_up.teacher_of(one)
        best = [float(chance == max(teacher)) for chance in teacher]
        for student, colour in ((best, GREEN), (teacher, BLUE)):
            axis.plot(one, made_up.agreement_of(teacher, student, 200, 10, f"ceiling {one}"), "o", color=colour, ms=5)
    axis.plot(0.5, 0.93, "X", color=DARK, ms=9)
    axis.text(0.515, 0.93, "“93 %, while the teacher repeats\nitself in 50 %”: out of reach", va="center")
    axis.text(0.31, 0.72, "√consistency:\nno model gets above", color=RED)
    note(axis, "the best student there is:\nalways the likeliest answer", (0.65, 0.795), (0.75, 0.58), GREEN)
    note(axis, "a clone of the teacher", (0.55, 0.55), (0.59, 0.42), BLUE)
    axis.set(xlim=(0.3, 1), ylim=(0.25, 1.02))
    shares_on(axis, "x", "consistency: how often the teacher agrees with itself", 0.1)
    shares_on(axis, "y", "agreement", 0.1)
    return figure, (
        "Simulated teachers with four possible answers, and two simulated students of each; a dot is a suite of 200 "
        f"cases. At a consistency of 50 %, a clone of the teacher agrees in 50 %, the best student in "
        f"{percent(max(made_up.teacher_of(0.5)))}, and no model in more than {percent(0.5**0.5)}."
    )


def note(axis: Axes, text: str, point: tuple[float, float], at: tuple[float, float], colour: str) -> None:
    """Write a text with a line to what it is about."""
    line = {"arrowstyle": "-", "color": colour, "shrinkB": 5}
    axis.annotate(text, point, at, color=colour, arrowprops=line)


def point_or_gate() -> tuple[Figure, str]:
    """Draw what a build comes to over the student's true rate, by the point rule and by a gate."""
    titles = f"Is the share of {SAMPLES} samples at least 80 %?", f"A gate: up to {CASES * MOST} samples"
    figure, (point, gate) = panels(*titles)
    fine = steps(0.60, 0.98, 77)
    red = [made_up.point_red(rate, SAMPLES) for rate in fine]
    areas(point, fine, red, red)
    passed, failed = 1 - made_up.point_red(0.70, SAMPLES), made_up.point_red(0.85, SAMPLES)
    for rate, share in ((0.70, 1 - passed), (0.85, failed)):
        point.plot(rate, share, "o", color=DARK)
    note(point, f"truly 70 %:\n{percent(passed)} green", (0.70, 1 - passed), (0.61, 0.86), "black")
    note(point, f"truly 85 %:\n{percent(failed)} red", (0.85, failed), (0.87, 0.33), "black")
    point.text(0.67, 0.35, "red", ha="center")
    point.text(0.90, 0.65, "green", ha="center")
    coarse = (0.60, 0.65, 0.70, 0.725, 0.75, 0.775, 0.80, 0.825, 0.85, 0.875, 0.90, 0.94, 0.98)
    found = {rate: made_up.gate_shares(rate, BUILDS) for rate in coarse}
    areas(gate, coarse, [one.fails for one in found.values()], [one.fails + one.undecided for one in found.values()])
    for text, rate, turned in (("red", 0.67, 0), ("undecided", 0.813, 90), ("green", 0.92, 0)):
        gate.text(rate, 0.5, text, ha="center", va="center", rotation=turned)
    return figure, (
        f"Simulated students; the bound is 80 %. Left: {SAMPLES} samples, red where fewer than 8 match. A student of "
        f"85 % gets {percent(failed)} red builds, one of 70 % gets {percent(passed)} green ones. Right: a gate over "
        f"{CASES} cases, {BUILDS} builds at each rate. {_builds(found[0.70], '70 %')} {_builds(found[0.85], '85 %')} "
        f"{_builds(found[0.90], '90 %')}"
    )


def _builds(shares: made_up.Shares, rate: str) -> str:
    states = ((shares.fails, "red"), (shares.undecided, "undecided"), (shares.holds, "green"))
    said = ", ".join(f"{percent(share)} {name}" for share, name in states)
    return f"At {rate}: {said}, after {shares.samples:.0f} samples on average."


def areas(axis: Axes, rates: Sequence[float], red: Sequence[float], not_green: Sequence[float]) -> None:
    """Fill the shares of red, undecided and green builds over the true rate."""
    axis.fill_between(rates, 0, red, color=RED, alpha=0.75, linewidth=0)
    axis.fill_between(rates, red, not_green, color=GREY, linewidth=0)
    axis.fill_between(rates, not_green, 1, color=PALE, linewidth=0)
    axis.axvline(BOUND, color=DARK, linestyle=":", linewidth=1)
    axis.set(xlim=(rates[0], rates[-1]), ylim=(0, 1))
    shares_on(axis, "x", "the student's true rate (bound: 80 %)", 0.1)
    shares_on(axis, "y", "share of builds")


def two_intervals() -> tuple[Figure, str]:
    """Draw one suite with both intervals, and how each gets narrower."""
    figure, (dots, more, wide) = panels(
        "One suite of 30 cases", "More samples per case", "More cases", widths=(4, 3, 3)
    )
    one = made_up.suite_of(30, 10, "suite of the picture")
    one_suite(dots, one)
    sizes, counts = (2, 3, 5, 7, 10, 15, 20, 30, 40), (10, 15, 20, 30, 45, 60, 80, 120, 160)
    by_samples = {samples: made_up.widths(30, samples, SUITES) for samples in sizes}
    by_cases = {cases: made_up.widths(cases, 5, SUITES) for cases in counts}
    for axis, widths in ((more, by_samples), (wide, by_cases)):
        axis.plot(list(widths), [suite for suite, _ in widths.values()], color=BLUE)
        axis.plot(list(widths), [queries for _, queries in widths.values()], color=WINE)
        axis.set(ylim=(0, 0.4), xlim=(0, max(widths)))
        shares_on(axis, "y", "width of the interval" if axis is more else "", 0.1)
    more.text(8, 0.18, "queries like these", color=WINE)
    more.text(8, 0.045, "this suite", color=BLUE, va="top")
    wide.text(34, 0.20, "queries like these", color=WINE)
    wide.text(30, 0.045, "this suite", color=BLUE, va="top")
    more.set_xlabel("samples of each of 30 cases")
    wide.set_xlabel("cases, 5 samples each")
    return figure, (
        f"Simulated students whose cases have rates of their own, {percent(QUERIES)} on average over all queries. "
        f"Left: each dot is a case, {SAMPLES} samples each; this suite {_range(one.suite)}, queries like these "
        f"{_range(one.queries)}. (These 30 cases are harder than most: "
        f"{percent(one.truth)}.) Middle: from 5 to 40 samples per case, the interval for this suite shrinks from "
        f"{_points(by_samples[5][0])} to {_points(by_samples[40][0])} points, that for queries like these only from "
        f"{_points(by_samples[5][1])} to {_points(by_samples[40][1])}. Right: from 30 to 120 cases, that shrinks from "
        f"{_points(by_cases[30][1])} to {_points(by_cases[120][1])}."
    )


def one_suite(axis: Axes, one: made_up.Suite) -> None:
    """Draw a suite's cases, and beside them both intervals of their mean."""
    axis.plot(range(1, len(one.rates) + 1), sorted(one.rates), "o", color=DARK, ms=4)
    sides = ((35, one.suite, BLUE, "this suite"), (40, one.queries, WINE, "queries like these"))
    for place, (low, high), colour, name in sides:
        axis.plot([place, place], [low, high], color=colour, linewidth=6, solid_capstyle="butt")
        axis.text(place, low - 0.03, name, color=colour, rotation=90, ha="center", va="top")
    axis.axhline(QUERIES, color=DARK, linestyle=":", linewidth=1)
    axis.text(14, QUERIES - 0.015, "all queries", va="top")
    axis.set(xlim=(0, 43), ylim=(0, 1.03), xticks=[1, 10, 20, 30], xlabel="case, worst first")
    shares_on(axis, "y", "share of samples that match")


def _range(ends: Sequence[float]) -> str:
    return f"{100 * ends[0]:.0f}–{100 * ends[1]:.0f} %"


def _points(width: float) -> str:
    return f"{100 * width:.0f}"


def looking_early() -> tuple[Figure, str]:
    """Draw what looking after every round does to an ordinary interval and to the gate's."""
    figure, (path, share) = panels("One build, looked at after every round", "Builds called red so far")
    builds = [made_up.looks(BOUND, f"build {build}") for build in range(LOOKED)]
    one_build(path, max(builds, key=_mistaken))
    sizes = [one.samples for one in builds[0]]
    ever = {name: [_called_red(builds, name, size) for size in sizes] for name in ("ordinary", "anytime")}
    for name, colour in (("ordinary", RED), ("anytime", BLUE)):
        share.step(sizes, ever[name], where="post", color=colour)
    share.axhline(0.05, color=DARK, linestyle=":", linewidth=1)
    share.text(39, 0.052, "promised: 5 % at most", ha="right", va="bottom")
    share.text(7, 0.155, "by the ordinary interval", color=RED)
    share.text(39, 0.015, "by the gate's interval", color=BLUE, ha="right")
    share.set(ylim=(0, 0.2), xlim=(5, 40), xlabel="samples per case so far")
    shares_on(share, "y", "share of builds", 0.05)
    return figure, (
        f"Simulated: {LOOKED} builds of a student whose true rate is just the bound, 80 %, so every red one is wrong. "
        f"By the ordinary interval {percent(ever['ordinary'][-1])} are red at one look or other, by the gate's "
        f"{percent(ever['anytime'][-1])}. Each end of both intervals is at 95 %. The build on the left was picked "
        "because it shows the mistake."
    )


def _called_red(builds: Sequence[Sequence[made_up.Look]], name: str, samples: int) -> float:
    """Return the share of builds whose interval has lain below the bound at one of the looks so far."""
    return fmean(any(getattr(one, name)[1] < BOUND for one in build if one.samples <= samples) for build in builds)


def _mistaken(build: Sequence[made_up.Look]) -> int:
    """Return at how many looks the ordinary interval excludes the bound, if it first and last includes it."""
    if min(build[0].ordinary[1], build[-1].ordinary[1], build[-1].anytime[1]) < BOUND:
        return 0
    return sum(one.ordinary[1] < BOUND for one in build)


def one_build(axis: Axes, build: Sequence[made_up.Look]) -> None:
    """Draw a running mean with both intervals, and mark where the ordinary one excludes the truth."""
    sizes = [one.samples for one in build]
    axis.fill_between(
        sizes, [one.anytime[0] for one in build], [one.anytime[1] for one in build], color=BLUE, alpha=0.2, linewidth=0
    )
    for end in (0, 1):
        axis.plot(sizes, [one.ordinary[end] for one in build], color=RED)
    axis.plot(sizes, [one.rate for one in build], color=DARK)
    axis.axhline(BOUND, color=DARK, linestyle=":", linewidth=1)
    wrong = [one for one in build if one.ordinary[1] < BOUND]
    axis.plot([one.samples for one in wrong], [one.ordinary[1] for one in wrong], "o", color=RED, ms=5)
    axis.set(xlim=(5, 40), ylim=(0.6, 0.9), xlabel="samples per case so far")
    axis.text(39, 0.87, "ordinary interval", color=RED, ha="right")
    axis.text(39, 0.845, "the gate's interval", color=BLUE, ha="right")
    axis.text(39, 0.62, "dotted: the truth, and the bound", ha="right")
    shares_on(axis, "y", "share of samples that match", 0.05)


def how_many() -> tuple[Figure, str]:
    """Draw the samples that a decision takes over the student's true rate."""
    figure, (axis,) = panels("How many samples until a gate at 80 % is decided?", height=4)

    def half(rate: float) -> float:
        return sequential_draws(BOUND, rate, power=0.5, cases=CASES)

    def most(rate: float) -> float:
        return sequential_draws(BOUND, rate, power=0.9, cases=CASES)

    def fixed(rate: float) -> float:
        return fixed_draws(BOUND, rate, confidence=two_sided(0.95), power=0.9)

    for needed, colour, line in ((half, BLUE, "-"), (most, WINE, "-"), (fixed, RED, "--")):
        for side in (steps(0.60, 0.78, 37), steps(0.82, 0.98, 33)):
            axis.plot(side, [needed(rate) for rate in side], color=colour, linestyle=line)
    axis.axvline(BOUND, color=DARK, linestyle=":", linewidth=1)
    axis.set(yscale="log", xlim=(0.60, 0.98), ylim=(20, 20_000), ylabel=f"samples, all {CASES} cases together")
    axis.set_yticks([30, 100, 300, 1000, 3000, 10_000], ["30", "100", "300", "1000", "3000", "10 000"])
    axis.minorticks_off()
    shares_on(axis, "x", "the student's true rate", 0.05)
    note(axis, "nine gates of ten are decided", (0.88, most(0.88)), (0.87, 900), WINE)
    note(axis, "half of the gates are decided", (0.73, half(0.73)), (0.61, 900), BLUE)
    note(axis, "a fixed number, chosen for\njust this rate; nine of ten", (0.615, fixed(0.615)), (0.66, 27), RED)
    return figure, (
        f"Computed for made-up students on {CASES} cases, all alike, which is the dearest kind of suite. "
        + " ".join(
            f"At {percent(rate)} half of the gates are decided after {_about(half(rate))} samples, nine of ten "
            f"after {_about(most(rate))}."
            for rate in (0.90, 0.85, 0.82)
        )
    )


def _about(number: float) -> str:
    """Return a number of samples rounded to two digits."""
    step = 10 ** max(0, len(str(round(number))) - 2)
    return f"{round(number / step) * step}"


def single_cases() -> tuple[Figure, str]:
    """Draw all cases of a suite as the point rule sees them, and as the verdicts do."""
    figure, axes = panels("Red: fewer than 8 of 10 match", "Red: shown to be below 80 %", height=4)
    few, shown = _red_cases("single cases")
    places = list(range(GOODS + BROKENS))
    Random("places").shuffle(places)
    for axis, red, rest in zip(axes, (few, shown), ("", f"; {len(few - shown)} undecided (grey)"), strict=True):
        squares(axis, places, [RED if case in red else GREY if case in few else PALE for case in range(len(places))])
        true, false = _broken(red), len(red) - _broken(red)
        axis.set_xlabel(f"red: {true} of {BROKENS} broken cases (×),\n{false} of {GOODS} good ones{rest}")
    many = [_red_cases(f"suite {suite}") for suite in range(SUITES)]
    good = [fmean(len(red) - _broken(red) for red in side) for side in zip(*many, strict=True)]
    found = fmean(_broken(shown) for _, shown in many)
    return figure, (
        f"A simulated suite: {GOODS} good cases, whose samples match in {percent(GOOD)}, and {BROKENS} broken ones, in "
        f"{percent(BROKEN)}; {SAMPLES} samples each. In each of {SUITES} such suites the point rule turns "
        f"{good[0]:.1f} good cases red on average; the verdicts turn {good[1] * SUITES:.0f} red in all suites "
        f"together, and find {found:.1f} of the {BROKENS} broken ones in each."
    )


def _red_cases(seed: str) -> tuple[set[int], set[int]]:
    """Return the cases of a suite that are red by the point rule, and those that are shown to be below."""
    matches = made_up.case_matches([GOOD] * GOODS + [BROKEN] * BROKENS, SAMPLES, seed)
    few = {case for case, one in enumerate(matches) if one < BOUND * SAMPLES}
    values = [p_value(one, SAMPLES, BOUND, fixed=True) for one in matches]
    shown = bar(values, 0.95).shown
    return few, {case for case, value in enumerate(values) if value <= shown}


def _broken(cases: set[int]) -> int:
    return sum(case >= GOODS for case in cases)


def squares(axis: Axes, places: Sequence[int], colours: Sequence[str]) -> None:
    """Draw a square for every case, with a cross on those that are broken."""
    xs, ys = [place % COLUMNS for place in places], [place // COLUMNS for place in places]
    for colour in sorted(set(colours)):
        own = [case for case, one in enumerate(colours) if one == colour]
        axis.plot([xs[case] for case in own], [ys[case] for case in own], "s", color=colour, ms=11, mew=0)
    axis.plot(xs[GOODS:], ys[GOODS:], "x", color="black", ms=7)
    rows = len(places) / COLUMNS
    axis.set(xlim=(-0.7, COLUMNS - 0.3), ylim=(-0.7, rows - 0.3), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


PICTURES: dict[str, Callable[[], tuple[Figure, str]]] = {
    "the-ceiling": the_ceiling,
    "point-or-gate": point_or_gate,
    "two-intervals": two_intervals,
    "looking-early": looking_early,
    "how-many": how_many,
    "single-cases": single_cases,
}


def draw(folder: Path) -> None:
    """Write every picture into the folder, and print its name and caption, a tab between them."""
    folder.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        for name, picture in PICTURES.items():
            figure, caption = picture()
            # Without a date and a version, the same pictures are the same files.
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
            print(name, caption, sep="\t")


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
