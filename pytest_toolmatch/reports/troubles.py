"""What the student was refused, and what cut its samples off: a line each below its chain, one note for a suite."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_toolmatch.reports.calls import compact, fitted, is_raw
from pytest_toolmatch.reports.figures import plural
from pytest_toolmatch.reports.lines import clean, columns, cut_end, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.validation import Reason
    from pytest_toolmatch.judging.troubles import Ended, Refused
    from pytest_toolmatch.judging.verdict import CaseResult

_SHOWN = 3
_ENDS = {"truncated": "cut off", "invalid": "given up"}
_REASONS: dict[Reason, str] = {
    "unknown_tool": "no such tool",
    "malformed_json": "no JSON object",
    "schema_violation": "against its schema",
}


class Troubles:
    """Lays out the commonest troubles; ``shortened`` says afterwards whether there is more to show."""

    def __init__(self, width: int, *, verbose: bool) -> None:
        self.width = width
        self.verbose = verbose
        self.shortened = False

    def lines(self, result: CaseResult) -> list[str]:
        """Return a line for each of the commonest ones; where everything is to be shown, all of them in full."""
        shown = None if self.verbose else _SHOWN
        lines = [line for kind in result.refused[:shown] for line in self._refused(kind, result.student_samples)]
        told = [way for way in result.ended[:shown] if way.steps or way.why]
        lines += [line for way in told for line in self._ended(way, result.student_samples)]
        self.shortened |= len(result.refused) > len(result.refused[:shown])
        return lines

    def _refused(self, kind: Refused, of: int) -> list[str]:
        call, why = kind.call, clean(kind.message.removeprefix(f"{kind.call.name}: "))
        count = f" ({kind.samples} of {of}{f', {kind.alike} like this' if kind.alike < kind.samples else ''})"
        room = self.width - columns(f"refused:  – {count}")
        name = clean(call.name) if is_raw(call) else compact(call)
        if not self.verbose and not is_raw(call):
            name = fitted(call, max(room // 2, room - columns(why), 1))
        return self._fitted(f"refused: {name} – {why}", count)

    def _ended(self, way: Ended, of: int) -> list[str]:
        why = f": {clean(way.why)}" if way.why else ""
        head = f"{_ENDS.get(way.outcome, way.outcome)} after {plural(way.steps, 'step')}"
        return self._fitted(f"{head}{why}", f" ({way.samples} of {of})")

    def _fitted(self, text: str, count: str) -> list[str]:
        if self.verbose:
            return wrap(text + count, self.width, "  ")
        short = cut_end(text, self.width - len(count))
        self.shortened |= short != text
        return [short + count]


def trouble_notes(cases: Sequence[CaseResult]) -> Iterator[str]:
    """Say in a line each what a suite's student was refused, and how many of its samples were cut off."""
    kinds: Counter[tuple[str, Reason]] = Counter()
    for case in cases:
        for kind in case.refused:
            kinds[kind.call.name, kind.reason] += kind.samples
    told = [f"{name}, {_REASONS[reason]} ({count})" for (name, reason), count in kinds.most_common(_SHOWN)]
    if told:
        more = f" · {len(kinds) - _SHOWN} more" if len(kinds) > _SHOWN else ""
        yield f"student samples with refused calls: {' · '.join(told)}{more}"
    whys = Counter[str]()
    for case in cases:
        for way in case.ended:
            if way.outcome == "truncated" and way.why:
                whys[way.why] += way.samples
    for why, count in whys.most_common(1):
        yield f"student samples cut off: {why} ({count}){f' · {whys.total() - count} more' if len(whys) > 1 else ''}"
