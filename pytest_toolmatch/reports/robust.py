"""The robustness profile of a suite: how often the student matches where prompts are changed, by relation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.reports.figures import NOTHING, interval, number, percent, plural
from pytest_toolmatch.reports.lines import Line, clean, cut, cut_end, table, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_toolmatch.judging.metrics import Estimate
    from pytest_toolmatch.judging.robustness import Robustness

_LEGEND = (
    "match: the student on changed prompts, with queries like these varying where there are several cases; as asked: "
    "on the same cases unchanged; teacher: the teacher on changed prompts; lower: prompts on which the student's rate "
    "is shown to be lower than as asked"
)


def robustness_lines(
    name: str, profile: Mapping[str, Robustness], *, confidence: float, width: int, legend: bool = True
) -> list[Line]:
    """Return the profile of a suite as a table, the relation with the lowest match first; nothing without any."""
    if not profile:
        return []
    title = f", fuzzed: {variants(profile)}"
    lines = [Line(cut(clean(name), width - len(title)) + title, ("bold",))]
    rows = [["relation", "cases", "variants", "match", percent(confidence), "as asked", "teacher", "lower"]]
    rows += _rows(profile)
    lines += [Line(cut_end(text.rstrip(), width)) for text in table(rows, "<>>>>>>>")]
    left_out = sum(one.left_out for one in profile.values())
    if left_out:
        why = f"{plural(left_out, 'variant')} left out: no consensus of the teacher, or no sample"
        lines += [Line(f"  {text}") for text in wrap(why, width - 2)]
    return lines + [Line(text, ("light",)) for text in wrap(_LEGEND, width) if legend]


def variants(profile: Mapping[str, Robustness]) -> str:
    """Say how much was fuzzed."""
    return plural(sum(one.variants for one in profile.values()), "variant")


def _rows(profile: Mapping[str, Robustness]) -> Iterator[list[str]]:
    for relation, one in profile.items():
        match = one.match
        bounds = None if match is None else match.cases or match.suite
        shown = NOTHING if bounds is None else interval("chain_match", bounds)
        beside = [_value(estimate) for estimate in (one.parents, one.teacher)]
        of = [str(one.cases), str(one.variants)]
        yield [clean(relation), *of, _value(match), shown, *beside, str(one.lower or NOTHING)]


def _value(estimate: Estimate | None) -> str:
    return NOTHING if estimate is None else number("chain_match", estimate.value)
