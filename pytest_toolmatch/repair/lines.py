"""What a repair says in the end: what was changed, what it does on unseen cases, and what it took."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pytest_toolmatch.repair.candidate import EXAMPLES, changed_components, example_ids
from pytest_toolmatch.reports.figures import interval, number, percent, plural
from pytest_toolmatch.reports.lines import clean, table
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.measures import ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.sample import Spending
    from pytest_toolmatch.repair.accepting import Proof
    from pytest_toolmatch.repair.work import Repaired, Row

_METRIC = "chain_match"
_SHOWN = 8


def report_lines(done: Repaired, spent: Spending, confidence: float, *, changes: bool = True) -> Iterator[str]:
    """Yield the report of one suite's repair; without ``changes``, what is told in other words is shown otherwise."""
    yield from account_lines(done, spent)
    if done.proof is None:
        yield f"{done.suite}: {done.why}; the suite is as it was"
        return
    yield ""
    yield from table_lines(done.rows, confidence)
    yield ""
    yield from verdict_lines(done, done.proof, confidence)
    if changes or not done.proof.accepted:
        yield ""
        yield from change_lines(done)
    if len(done.front) > 1:
        yield ""
        yield "prompt length against match on the cases it was chosen by, where nothing shorter matches as often:"
        yield from (f"  {length:,} characters: {number(_METRIC, match)}" for length, match in done.front)


def account_lines(done: Repaired, spent: Spending, *, every: bool = False) -> Iterator[str]:
    """Yield what a repair has taken, with the latest replies that were of no use, or ``every`` one."""
    money = f" · {spent.cost:.2f} USD" if spent.cost else ""
    calls = f"{spent.calls:,} calls{money}"
    yield f"{done.suite}: {plural(done.rollouts, 'rollout')} ({done.paid} drawn now) · {calls}"
    if done.asked:
        refused = f", {len(done.refused)} of no use" if done.refused else ""
        yield f"  {plural(done.asked, 'new text')} asked for{refused}"
    for why in done.refused if every else done.refused[-2:]:
        yield f"    {clean(why)}"


def table_lines(rows: Sequence[Row], confidence: float) -> Iterator[str]:
    """Yield the table: what was tried, and how often it matches on the test part."""
    cells = [("optimizer", "training examples", "match with the teacher", f"queries like these, {percent(confidence)}")]
    for row in rows:
        _, cases = rate_intervals(row.measures, confidence)
        cells.append((row.name, str(row.learnt_from), number(_METRIC, ratio(row.measures)), interval(_METRIC, cases)))
    yield from table(cells, "<>>>")


def verdict_lines(done: Repaired, proof: Proof, confidence: float) -> Iterator[str]:
    """Yield whether it is accepted, and what speaks for and against it."""
    test = proof.test
    word = "accepted" if proof.accepted else "rejected, and the suite is as it was"
    change = f"{number(_METRIC, test.before)} → {number(_METRIC, test.after)}"
    bounds = f", {interval('margin', test.cases)}" if test.cases else ""
    yield (
        f"{word}: {change} on {plural(test.n, 'case')} that nothing was chosen by "
        f"({number('margin', test.difference)}{bounds}; p = {test.p / 2:.2g})"
    )
    if not proof.accepted and test.difference > 0 and test.tells_of_suite():
        yield "  these cases do match more often; whether others like them would, so few can't tell"
    was, now = done.validation
    seen, gain = f"{number(_METRIC, was)} → {number(_METRIC, now)}", (now - was) - test.difference
    curse = f": {number('margin', gain)} too much" if gain > 0 else ""
    yield f"  in validation, by which it was chosen, it looked like {seen}{curse}"
    for what, names in (("fixed", proof.fixed), ("broken", proof.broken)):
        if names:
            yield f"  {what}: {_first(names)}"
    if proof.looks > 1:
        yield (
            f"  this test part has judged {proof.looks} prompts by now, which wears it out: with another split seed, "
            f"or new cases, {percent(confidence)} means what it says"
        )


def change_lines(done: Repaired) -> Iterator[str]:
    """Yield the diff of every component that is another."""
    for name in changed_components(done.start, done.new):
        yield f"{name}:"
        if name == EXAMPLES:
            before, after = example_ids(done.start), example_ids(done.new)
        else:
            before, after = done.start[name].splitlines(), done.new[name].splitlines()
        kept = (line for line in difflib.ndiff(before, after) if not line.startswith("?"))
        yield from (f"  {clean(line)}" for line in kept)


def _first(names: Sequence[str]) -> str:
    more = f", … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(clean, names[:_SHOWN])) + more
