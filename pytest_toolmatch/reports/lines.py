"""Lines that fit a terminal, whatever text is in them. Widths are in terminal columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Style: TypeAlias = Literal["red", "green", "yellow", "bold", "light"]
"""The names that pytest's terminal has for them; ``light`` is dim."""

# One column for one column, so that what was aligned stays aligned.
_SIGNS = "–×≠≥→÷…·✗∞"
_ASCII = str.maketrans(_SIGNS, "-x!>>/~|x*")


class Line(NamedTuple):
    """One line of text, and how to print it where colours are on."""

    text: str = ""
    style: tuple[Style, ...] = ()


def clean(text: str) -> str:
    """Return the text with everything escaped that could move the cursor, change colours or reorder the line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def columns(text: str) -> int:
    """Return how many columns a cleaned text takes: two for a wide character, none for a combining one."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    from wcwidth import wcwidth  # noqa: PLC0415 - only text beyond ASCII needs it

    return max(0, wcwidth(char))


def start(text: str, width: int) -> str:
    """Return as much of the text's start as fits the width."""
    if text.isascii():
        return text[:width]
    used = 0
    for place, char in enumerate(text):
        used += _columns(char)
        if used > width:
            return text[:place]
    return text


def cut(text: str, width: int) -> str:
    """Return the text, its middle left out where it is wider than the width."""
    if start(text, width) == text:
        return text
    head = start(text, width // 2)
    tail = start(text[: -width - 1 : -1] if text.isascii() else text[::-1], width - 1 - columns(head))[::-1]
    return f"{head}…{tail}" if width > 0 else ""


def cut_end(text: str, width: int) -> str:
    """Return the text, its end left out where it is wider than the width."""
    return text if start(text, width) == text else f"{start(text, width - 1)}…"


def cut_start(text: str, width: int) -> str:
    """Return the text, its start left out where it is wider than the width."""
    return text if start(text, width) == text else f"…{start(text[::-1], width - 1)[::-1]}"


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill the text with spaces up to the width; ``right`` aligns it right."""
    space = " " * (width - columns(text))
    return space + text if right else text + space


def wrap(text: str, width: int, indent: str = "", *, at: str = " ") -> list[str]:
    """Break the text at spaces (or at another sign), a word only where it is wider than a line; indent later lines."""
    lines = [""]
    for word in text.split(at):
        joined = lines[-1] + at + word if lines[-1] != indent and lines[-1] else lines[-1] + word
        if columns(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1].strip():
            lines.append(indent)
        while columns(lines[-1] + word) > width:
            head = start(word, max(width - columns(lines[-1]), 2))
            lines[-1] += head
            word = word[len(head) :]  # noqa: PLW2901 - the rest of the word is the word
            lines.append(indent)
        lines[-1] += word
    return [line.rstrip() for line in lines]


def table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Lay rows out in columns two spaces apart; ``align`` has ``<`` or ``>`` for each column."""
    import tabulate  # noqa: PLC0415 - only a report needs it

    sides = ["left" if side == "<" else "right" for side in align]
    laid = tabulate.tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=sides, preserve_whitespace=True)
    return [line.rstrip() for line in laid.split("\n")] if rows else []


def joined(blocks: Iterable[list[Line]]) -> list[Line]:
    """Return the blocks that have lines, an empty line between two."""
    lines: list[Line] = []
    for block in blocks:
        lines += [Line(), *block] if lines and block else block
    return lines


def needs_ascii(encoding: str | None) -> bool:
    """Say whether an encoding lacks our signs; a stream without one takes any text."""
    try:
        _SIGNS.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def encodable(text: str, encoding: str | None) -> str:
    """Return the text with everything escaped that an encoding lacks; our own signs have stand-ins."""
    if not needs_ascii(encoding):
        return text.encode(encoding or "utf-8", "backslashreplace").decode(encoding or "utf-8")
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def in_ascii(lines: Iterable[Line]) -> list[Line]:
    """Return the lines for a terminal whose encoding lacks their signs; every column stays where it is."""
    return [Line(_ascii(line.text.translate(_ASCII)), line.style) for line in lines]


def _ascii(text: str) -> str:
    return text if text.isascii() else "".join(char if char.isascii() else "?" * _columns(char) for char in text)
