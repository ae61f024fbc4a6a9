"""What a reflection model is told of a sample that went wrong, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pytest_toolmatch.judging.divergence import is_difference
from pytest_toolmatch.reports.calls import compact, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Call, Chain
    from pytest_toolmatch.core.conversation import Message
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.judging.divergence import Row
    from pytest_toolmatch.repair.scoring import Scorer

Lesson: TypeAlias = dict[str, str]
"""One sample's record, under the keys that gepa recommends: ``Inputs``, ``Generated Outputs``, ``Feedback``."""

_LONGEST = 1500

_OUTCOMES = {
    "invalid": "The run ended because its calls went on being refused.",
    "truncated": "The run had to be ended: it went on and on.",
    "refused": "The model refused to answer.",
    "lost_by_server": "A call was garbled: it came as text, or under a broken name.",
}


def lesson(case: Case, sample: Sample, scorer: Scorer) -> Lesson:
    """Return what there is to learn from a student's sample."""
    return {
        "Inputs": _cut("\n".join(map(_said, case.conversation))),
        "Generated Outputs": _cut(chain_text(sample.chain)),
        "Feedback": _cut("\n".join(_feedback(case, sample, scorer))),
    }


def chain_text(chain: Chain) -> str:
    """Return a chain on a few lines: a step on each."""
    return "\n".join(" + ".join(map(compact, step)) for step in chain) or "(no call)"


def _feedback(case: Case, sample: Sample, scorer: Scorer) -> Iterator[str]:
    reference = scorer.reference(case)
    if reference:
        yield f"Wanted: {chain_text(scorer.part(case, reference.chain))}"
    if sample.outcome in _OUTCOMES:
        yield _OUTCOMES[sample.outcome]
    for refusal in sample.refusals:
        yield f"Refused: {compact(refusal.call)}: {refusal.message}"
    parts = scorer.divergence(case, sample)
    if parts is not None:
        yield f"It parts from what is wanted at step {parts.step}: {parts.reason}."
        mode = scorer.suite.rules.match
        yield from (line for row in parts.rows if is_difference(row, mode) for line in _row(row))
    if reference and not scorer.agreed(case):
        share = scorer.support(case)
        yield f"What is wanted is not clear-cut: the reference model itself does this in {share:.0%} of its runs."


def _row(row: Row) -> Iterator[str]:
    if row.student is None and row.teacher is not None:
        yield f"- Missing: {compact(row.teacher)}"
    elif row.teacher is None and row.student is not None:
        yield f"- Not wanted: {compact(row.student)}"
    elif row.teacher and row.student:
        for name, note in row.differing.items():
            told = f" ({note})" if note else ""
            values = f"is {_value(row.student, name)}, wanted is {_value(row.teacher, name)}"
            yield f"- {row.teacher.name}: {name} {values}{told}"


def _value(call: Call, name: str) -> str:
    if not isinstance(call.arguments, dict):
        return value_text(call.arguments)
    return value_text(call.arguments[name]) if name in call.arguments else "left out"


def _said(message: Message) -> str:
    calls = f" {' + '.join(map(compact, message.calls))}" if message.calls else ""
    return f"{message.role}: {message.content}{calls}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}\n[…]\n{text[-_LONGEST // 2 :]}"
