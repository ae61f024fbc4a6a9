"""Two chains side by side, or one alone, in the columns of a terminal."""

from __future__ import annotations

from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from pytest_toolmatch.reports.calls import RAW, arguments_of, beside, compact, fitted, is_raw
from pytest_toolmatch.reports.lines import Line, clean, columns, cut, cut_end, cut_start, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.judging.divergence import Row
    from pytest_toolmatch.judging.verdict import Shown
    from pytest_toolmatch.reports.lines import Style

_NO_CALL = "(no call)"
_FOLD = 4
_DIFFERENT: tuple[Style, ...] = ("red",)


class Sides:
    """Lays out a teacher's chain on the left, a student's on the right.

    Marks between them: ``=`` the same call, ``≠`` another value, ``-`` only the teacher's, ``+`` only the student's.
    ``shortened`` says afterwards whether there is more to show.
    """

    def __init__(self, width: int, *, verbose: bool) -> None:
        self.width = width
        self.gutter = 3
        self.verbose = verbose
        self.shortened = False

    @property
    def cell(self) -> int:
        """The columns of one side."""
        return (self.width - self.gutter - 3) // 2

    def lines(self, teacher: tuple[str, Shown], student: tuple[str, Shown], rows: Sequence[Row]) -> list[Line]:
        """Return the heads, the rows and what was said at the end."""
        ours, theirs = student[1], teacher[1]
        self.gutter = max([3, *(len(str(row.step)) + 1 for row in rows)])
        heads = [self._head(*teacher), self._head(*student, " like this")]
        lines = [self._line("", heads[0], " ", heads[1], ("bold",))]
        if not rows:
            lines.append(self._line("", _NO_CALL, "=", _NO_CALL))
        for equal, run in groupby(rows, key=_is_equal):
            alike = list(run)
            lines += self._equal(alike) if equal else [line for row in alike for line in self._row(row, theirs)]
        if ours.text or theirs.text:
            lines += self._texts(_says(theirs.text), " ", _says(ours.text))
        return lines

    def _head(self, name: str, shown: Shown, tail: str = "") -> str:
        counted = f", {shown.count} of {shown.of}"
        if columns(name + counted + tail) <= self.cell:
            return name + counted + tail
        return cut(name, self.cell - len(counted)) + counted

    def _equal(self, rows: list[Row]) -> Iterator[Line]:
        folded = len(rows) - 2 if len(rows) > _FOLD and not self.verbose else 0
        self.shortened |= folded > 0
        for place, row in enumerate(rows):
            if folded and place == 1:
                yield self._line("", f"… {folded} more calls", "=", f"… {folded} more calls", ("light",))
            if (not folded or place in (0, len(rows) - 1)) and row.teacher and row.student:
                yield from self._texts(self._call(row.teacher), "=", self._call(row.student), number=str(row.step))

    def _call(self, call: Call) -> str:
        return self._short(compact(call), fitted(call, self.cell))

    def _name(self, call: Call) -> str:
        return self._short(clean(call.name), cut_start(clean(call.name), self.cell))

    def _short(self, text: str, short: str) -> str:
        """Return the short form of a text, unless everything is to be shown."""
        if self.verbose:
            return text
        self.shortened |= short != text
        return short

    def _row(self, row: Row, theirs: Shown) -> Iterator[Line]:
        number = str(row.step)
        if row.teacher and row.student:
            yield from self._texts(self._name(row.teacher), "=", self._name(row.student), number=number)
            yield from self._arguments(row, row.teacher, row.student)
        elif row.teacher:
            yield from self._texts(self._name(row.teacher), "-", _NO_CALL, number=number, style=_DIFFERENT)
            for text in arguments_of(row.teacher).values():
                yield from self._texts(f"  {text}", " ", "", style=_DIFFERENT)
        elif row.student:
            left = "" if theirs.chain else _NO_CALL
            yield from self._texts(left, "+", self._name(row.student), number=number, style=_DIFFERENT)
            for text in arguments_of(row.student).values():
                yield from self._texts("", " ", f"  {text}", style=_DIFFERENT)

    def _arguments(self, row: Row, teacher: Call, student: Call) -> Iterator[Line]:
        theirs, ours = arguments_of(teacher), arguments_of(student)
        raw = RAW in row.differing and (is_raw(teacher) or is_raw(student))
        for name in dict.fromkeys([*theirs, *ours]):
            left, right = theirs.get(name, ""), ours.get(name, "")
            if name not in row.differing and not raw:
                yield from self._texts(f"  {left}" if left else "", " ", f"  {right}" if right else "")
                continue
            mark = "≠" if left and right else "-" if left else "+"
            note = clean(row.differing.get(name, "")) if right else ""
            yield from self._different(left, mark, right, note)

    def _different(self, left: str, mark: str, right: str, note: str) -> Iterator[Line]:
        room = self.cell - 2
        left, right = self._short(left, beside(left, right, room)), self._short(right, beside(right, left, room))
        if note and columns(right) + 2 + columns(note) <= room:
            right, note = f"{right}  {note}", ""
        left, right = f"  {left}" if left else "", f"  {right}" if right else ""
        yield from self._texts(left, mark, right, style=_DIFFERENT)
        if note:
            yield from self._texts("", " ", f"    {self._short(note, cut_end(note, room - 2))}", style=_DIFFERENT)

    def _texts(
        self, left: str, mark: str, right: str, *, number: str = "", style: tuple[Style, ...] = ()
    ) -> Iterator[Line]:
        """Yield a line; where everything is to be shown, as many as the longer side needs."""
        if not self.verbose:
            left, right = (self._short(side, cut(side, self.cell)) for side in (left, right))
            yield self._line(number, left, mark, right, style)
            return
        sides = (_indented(left, self.cell), _indented(right, self.cell))
        for place, (ours, theirs) in enumerate(zip_longest(*sides, fillvalue="")):
            yield self._line("" if place else number, ours, " " if place else mark, theirs, style)

    def _line(self, number: str, left: str, mark: str, right: str, style: tuple[Style, ...] = ()) -> Line:
        return Line(
            f"{pad(number, self.gutter)}{pad(cut(left, self.cell), self.cell)} {mark} {cut(right, self.cell)}".rstrip(),
            style,
        )


class Single:
    """Lays out one chain; ``shortened`` says afterwards whether there is more to show."""

    def __init__(self, width: int, *, verbose: bool) -> None:
        self.width = width
        self.verbose = verbose
        self.shortened = False

    def lines(self, name: str, shown: Shown) -> list[Line]:
        """Return the head and the calls, parallel ones with the same number."""
        counted = f", {shown.count} of {shown.of} like this"
        lines = [Line(cut(f"   {name}", self.width - len(counted)) + counted, ("bold",))]
        calls = [(str(number), call) for number, step in enumerate(shown.chain, 1) for call in step]
        for number, call in calls:
            name = clean(call.name)
            lines += self._texts(f"{number:<3}{name}", f"{number:<3}{cut_start(name, self.width - 3)}")
            for text in arguments_of(call).values():
                lines += self._texts(f"     {text}")
        if not calls:
            lines.append(Line(f"   {_NO_CALL}"))
        return lines + (self._texts(f" {_says(shown.text)}") if shown.text else [])

    def _texts(self, text: str, short: str = "") -> list[Line]:
        if self.verbose:
            return [Line(line) for line in _indented(text, self.width)]
        line = cut(short or text, self.width)
        self.shortened |= line != text
        return [Line(line)]


def _is_equal(row: Row) -> bool:
    return row.teacher is not None and row.student is not None and not row.differing


def _says(text: str) -> str:
    return f"  says: {clean(' '.join(text.split()))}" if text.strip() else ""


def _indented(text: str, width: int) -> list[str]:
    """Break a text over lines as far in as its first one."""
    space = text[: len(text) - len(text.lstrip(" "))]
    return [space + line for line in wrap(text.lstrip(" "), width - len(space))]
