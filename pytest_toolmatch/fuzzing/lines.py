"""What ``toolmatch fuzz`` says: how far it has come, what it could not try, and what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.reports.figures import interval, number, plural
from pytest_toolmatch.reports.lines import clean, table
from pytest_toolmatch.reports.robust import robustness_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.sample import Spending
    from pytest_toolmatch.fuzzing.campaign import Campaign, Finding
    from pytest_toolmatch.fuzzing.options import FuzzOptions

METRIC = "chain_match"
_HEADER = ("", "relation", "tool", "match", "drop", "smallest prompt")
_REASONS, _WIDTH = 2, 100


def progress_line(campaign: Campaign, spent: Spending, budget: str) -> str:
    """Return how far it has come."""
    return f"  {_spent(spent)} of {budget} · {_prompts(campaign)} · {_found(len(campaign.findings))}"


def account_lines(suite: str, campaign: Campaign, spent: Spending, options: FuzzOptions) -> Iterator[str]:
    """Yield what was fuzzed, what was left out and why, and what it took."""
    fuzzed = sum(one.fuzzed for one in campaign.known)
    cases = plural(len(campaign.known) + campaign.unknown, "case")
    yield f"{suite}: {fuzzed} of {cases} fuzzed · {_prompts(campaign)} · {_spent(spent)}"
    without = [one.case.id for one in campaign.known if one.subject is None]
    failing = [one.case.id for one in campaign.known if one.subject and not one.fuzzed]
    for names, why in (
        (without, f"{options.teacher} has no consensus"),
        (failing, f"{options.student} rarely matches as it is: nothing to lose"),
    ):
        if names:
            yield f"  {plural(len(names), 'case')} left out, {why}: {_first(names)}"
    if campaign.unknown:
        yield f"  {plural(campaign.unknown, 'case')} left out: the budget does not pay for more"
    for name, reasons in campaign.untried.items():
        said = sorted(reasons.items(), key=lambda one: -one[1])[:_REASONS]
        yield f"  {name} not tried: " + "; ".join(f"{why} ({plural(count, 'case')})" for why, count in said)
    if campaign.broken:
        yield f"  {plural(campaign.broken, 'prompt')} on which {options.teacher} does not do what is expected either"


def profile_lines(suite: str, campaign: Campaign, confidence: float) -> Iterator[str]:
    """Yield the robustness profile: both models on changed prompts, by relation."""
    lines = robustness_lines(suite, campaign.profile(), confidence=confidence, width=_WIDTH)
    yield from ("", *(line.text for line in lines)) if lines else ()


def finding_lines(findings: Sequence[Finding], confidence: float) -> Iterator[str]:
    """Yield the table of findings, the largest drop first."""
    yield ""
    if not findings:
        yield "no weakness is shown: on no prompt does the student match less often than on the case it was made of"
        return
    rows = [_HEADER]
    for place, one in enumerate(findings, 1):
        value, bounds = one.drop(confidence)
        before, after = one.smallest.before, one.smallest.after
        rows.append(
            (
                str(place),
                one.cell.relation,
                one.cell.tool,
                f"{number(METRIC, before.rate)} → {number(METRIC, after.rate)}",
                f"{number(METRIC, value)} ({interval(METRIC, bounds)})",
                clean(one.smallest.variant.told),
            )
        )
    yield from table(rows, "><<<<<")
    yield ""
    yield "match: share of the student's draws that do what is expected, on the case and on the prompt made of it"


def _prompts(campaign: Campaign) -> str:
    return f"{len(campaign.screened):,} prompts tried"


def _spent(spent: Spending) -> str:
    money = f" · {spent.cost:.2f} USD" if spent.cost else ""
    return f"{spent.calls:,} calls{money}"


def _found(count: int) -> str:
    return "1 weakness" if count == 1 else f"{count} weaknesses"


def _first(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f", … and {len(names) - most} more" if len(names) > most else "")
