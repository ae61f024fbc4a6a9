"""The pages of the documentation, cut into fenced blocks, tables and links.

A block's info string is its language, then attributes as in a shell: ``python title=test_flights.py``.

- ``title=PATH`` writes the block to that file of the page's project; ``~/…`` is below its home directory.
- ``console`` is run: lines after ``$ `` are commands (``> `` goes on with one), all others what they print, where
  ``...`` stands for any text, alone on its line for any lines. ``# exit status 1`` closes a command that must end so;
  without it, a command must end with 0. A command without output in the page may print anything. ``$ … &`` runs until
  the page ends, or ``$ kill %1`` ends it; the page goes on when it has printed what the page says. What ``$ export``
  sets stays set.
- ``pycon`` is a doctest, ``python`` a script; both run in the project. Untitled JSON, YAML and TOML must parse.
- ``text`` is left alone, as is any block with ``skip="reason"``. One with ``from=PAGE`` is an excerpt: its lines
  stand in a block of that page, in their order, with ``...`` for what is left out.

A comment ``<!-- project: FILE.md -->`` starts a page in the project in which another page ended; with
``<!-- project: FOLDER -->`` it starts in a copy of what users have of a checkout.

Libraries that run documentation (sybil, mktestdocs, pytest-codeblocks) do so for Python; here most blocks are shell
sessions with output, exit statuses, and files that belong together.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)`*[ \t]*$", re.MULTILINE | re.DOTALL)
_PROJECT = re.compile(r"<!-- project: (\S+) -->")
_LINK = re.compile(r"(?<!!)\[(?P<label>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_CELL = re.compile(r"(?<!\\)\|")


class Block(NamedTuple):
    """A fenced block; ``line`` is that of its first line of text."""

    page: Path
    line: int
    language: str
    attributes: dict[str, str]
    text: str

    @property
    def where(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text()
    return [_block(page, found, text.count("\n", 0, found.start("text")) + 1) for found in _FENCE.finditer(text)]


def _block(page: Path, found: re.Match[str], line: int) -> Block:
    language, *rest = shlex.split(found["info"]) or [""]
    attributes = dict(word.partition("=")[::2] for word in rest)
    return Block(page, line, language, attributes, found["text"])


def project_of(page: Path) -> Path | None:
    """Return the page or folder whose project a page starts in."""
    found = _PROJECT.search(page.read_text())
    return (page.parent / found[1]).resolve() if found else None


def prose(page: Path) -> str:
    """Return the page without its blocks."""
    return _FENCE.sub("", page.read_text())


def links_of(page: Path) -> list[str]:
    return [found["target"] for found in _LINK.finditer(prose(page))]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_of(page: str, heading: str) -> dict[str, list[str]]:
    """Return the tables below a heading as rows by their first cell, without its code marks."""
    text = prose(DOCS / page)
    section = re.search(rf"^(#+) {re.escape(heading)} *\n(.*?)(?=^#{{1,6}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"{page}: no heading {heading!r}"
    rows = [_cells(line) for line in section[2].splitlines() if line.startswith("|")]
    headers = {place - 1 for place, cells in enumerate(rows) if set("".join(cells)) <= set("-: ")}
    kept = [cells for place, cells in enumerate(rows) if place not in headers and place - 1 not in headers]
    found = {cells[0].replace("`", ""): cells[1:] for cells in kept}
    assert len(found) == len(kept), f"{page}: {heading}: two rows of one name"
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(line.strip().strip("|"))]
