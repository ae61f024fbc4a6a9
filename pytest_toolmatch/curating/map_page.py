"""A page that shows every case near those that are like it: one file, no script, nothing from elsewhere."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from threadpoolctl import threadpool_limits

from pytest_toolmatch.curation.layout import laid_out
from pytest_toolmatch.curation.splits import rank
from pytest_toolmatch.suites.importers.fields import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.curating.explained import Explained
    from pytest_toolmatch.curation.embedding import Floats
    from pytest_toolmatch.curation.layout import Island, Points

MOST = 5000
"""Cases that a page shows: of more, all that were chosen, and some of the others."""
_ISLANDS = 40
"""Strata with an island of their own; the smaller ones of a colour share one."""
_UNIT = 10
_EDGE = 0.8
_ARGUMENTS = re.compile(r"\([^()]*\)")
_LARGEST = 2.5
"""Pixels of a unit, at most: few cases need no whole screen."""
_SHOWN = 200
_COLOURS = (
    "#4e79a7",
    "#f28e2b",
    "#59a14f",
    "#e15759",
    "#b07aa1",
    "#d4a60a",
    "#86bcb6",
    "#9c755f",
    "#ff9da7",
    "#3b7d3b",
)
_OTHERS, _NO_CALL = "#79706e", "#a0a0a8"
NO_CALL, OTHERS = "no call", "other tools"


class Mark(NamedTuple):
    """How cases of one kind are drawn: the SVG of it, around 0, and what it stands for."""

    symbol: str
    meaning: str


MARKS = {
    "optimise": Mark('<path d="M0-6 6 0 0 6-6 0z"/>', "to optimise on"),
    "evaluate": Mark('<path d="M-4.6-4.6H4.6V4.6H-4.6z"/>', "to evaluate with"),
    "kept": Mark('<circle r="3.4"/>', "kept, and not chosen"),
    "dropped": Mark('<circle r="2.2"/>', "dropped: another stands for it"),
}


def mark_of(one: Explained) -> str:
    """Return how a case is drawn: by the pool that it is in, else by its state."""
    return one.pool or one.state


def tool_of(one: Explained) -> str:
    """Return the tool that the teacher calls first."""
    return one.stratum.partition("(")[0] or NO_CALL


def write_map(path: Path, explained: Sequence[Explained], rows: Floats) -> str:
    """Write the page, and return what is said of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(explained, rows), encoding="utf-8")
    return f"{path}: a map of {counted(len(explained), 'case')}"


def page(explained: Sequence[Explained], rows: Floats) -> str:
    """Return the page of all cases, with a row of numbers for each."""
    drawn = _drawn(explained)
    some = [explained[place] for place in drawn]
    colours = _colours(explained)
    groups = _islands(some, colours)
    with threadpool_limits(1, user_api="blas"):
        points, islands = laid_out(rows[drawn], list(groups.values()))
    title = f"{counted(len(explained), 'case')}: what is kept, what is dropped, what is chosen"
    body = [
        f"<h1>{escape(title)}</h1>",
        *_legend(explained, colours),
        *_notes(explained, some),
        *_picture(some, points, list(zip(groups, islands, strict=True)), colours, title),
    ]
    return _PAGE.format(title=escape(title), style=_STYLE + _colour_rules(colours), body="\n".join(body))


def _drawn(explained: Sequence[Explained]) -> list[int]:
    """Return the places of the cases that are shown: those that were chosen, and as many others as have room."""
    order = sorted(
        range(len(explained)),
        key=lambda place: (not explained[place].pool, rank(f"{explained[place].suite}/{explained[place].id}", 0)),
    )
    return sorted(order[: max(MOST, sum(bool(one.pool) for one in explained))])


def _colours(explained: Sequence[Explained]) -> dict[str, str]:
    """Return a colour for each tool that many cases call first, then those of the others and of no call."""
    counts = Counter(tool_of(one) for one in explained)
    no_call = counts.pop(NO_CALL, 0)
    named = [name for name, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
    found = dict(zip(named, _COLOURS, strict=False))
    if len(named) > len(_COLOURS):
        found[OTHERS] = _OTHERS
    return found | ({NO_CALL: _NO_CALL} if no_call else {})


def _islands(some: Sequence[Explained], colours: dict[str, str]) -> dict[str, list[int]]:
    """Return the places on each island; the small strata of one colour have one together."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(some):
        members[one.stratum].append(place)
    found: dict[str, list[int]] = {}
    for number, stratum in enumerate(sorted(members, key=lambda name: (-len(members[name]), name))):
        tool = tool_of(some[members[stratum][0]])
        name = stratum if number < _ISLANDS else f"{tool if tool in colours else OTHERS}: rarer chains"
        found.setdefault(name, []).extend(members[stratum])
    return found


def _legend(explained: Sequence[Explained], colours: dict[str, str]) -> Iterator[str]:
    marks = Counter(map(mark_of, explained))
    tools = Counter(name if (name := tool_of(one)) in colours else OTHERS for one in explained)
    yield '<ul class="legend">'
    for name, mark in MARKS.items():
        yield f"<li>{_sign(f'm {name}', mark.symbol)}{marks[name]:,} {mark.meaning}</li>"
    yield '</ul>\n<ul class="legend">'
    for number, name in enumerate(colours):
        yield f"<li>{_sign(f'kept c{number}', MARKS['kept'].symbol)}{_text(name)} {tools[name]:,}</li>"
    yield "</ul>"


def _sign(classes: str, symbol: str) -> str:
    return f'<svg class="sign" viewBox="-8 -8 16 16" aria-hidden="true"><g class="{classes}">{symbol}</g></svg>'


def _notes(explained: Sequence[Explained], some: Sequence[Explained]) -> Iterator[str]:
    yield (
        "<p>A circle is a stratum: cases whose chains are alike but for their values. In it, like lies beside like. "
        "The colour is that of the tool that is called first. Point at anything to see what it is.</p>"
    )
    if len(some) < len(explained):
        yield (
            f'<p class="note">{len(some):,} of {len(explained):,} cases are shown: all that were chosen, and of the '
            "others some that chance took. The numbers above are of all.</p>"
        )


def _picture(
    some: Sequence[Explained],
    points: Points,
    islands: Sequence[tuple[str, Island]],
    colours: dict[str, str],
    title: str,
) -> Iterator[str]:
    left, right = (f(i.x + side * i.radius for _, i in islands) for f, side in ((min, -1), (max, 1)))
    top, bottom = (f(i.y + side * i.radius for _, i in islands) for f, side in ((min, -1), (max, 1)))
    box = [(left - 2) * _UNIT, (top - 4) * _UNIT, (right - left + 4) * _UNIT, (bottom - top + 6) * _UNIT]
    yield (
        f'<svg class="map" viewBox="{" ".join(f"{one:.0f}" for one in box)}" '
        f'style="max-width:{box[2] * _LARGEST:.0f}px" role="img" '
        f'aria-label="{escape(title, quote=True)}">'
    )
    yield from ("<defs>", *(f'<g id="{name}">{mark.symbol}</g>' for name, mark in MARKS.items()), "</defs>")
    yield from (_circle(name, island) for name, island in islands)
    numbers = {name: number for number, name in enumerate(colours)}
    # What was chosen comes last, and lies above the rest.
    for kind in reversed(MARKS):
        for place, one in enumerate(some):
            if mark_of(one) == kind:
                number = numbers.get(tool_of(one), numbers.get(OTHERS, 0))
                x, y = points[place] * _UNIT
                yield (
                    f'<use href="#{kind}" x="{x:.1f}" y="{y:.1f}" class="{kind} c{number}">'
                    f"<title>{_said(one)}</title></use>"
                )
    yield from (_label(name, island) for name, island in islands)
    yield "</svg>"


def _circle(name: str, island: Island) -> str:
    said = _text(f"{name}\n{counted(len(island.places), 'case')} shown")
    x, y, radius = (one * _UNIT for one in (island.x, island.y, island.radius + _EDGE))
    return f'<circle class="island" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{said}</title></circle>'


def _label(name: str, island: Island) -> str:
    """Return the name above an island, without arguments where it is long."""
    x, y, radius = (one * _UNIT for one in (island.x, island.y, island.radius + _EDGE))
    room = max(12, int(radius / 2.4))
    text = name if len(name) <= room else _ARGUMENTS.sub("", name) or NO_CALL
    text = text if len(text) <= room else f"{text[: room - 1]}…"
    return f'<text x="{x:.1f}" y="{y - radius - 3:.1f}">{_text(text)}</text>'


def _said(one: Explained) -> str:
    """Return what is shown of a case that is pointed at."""
    query = " ".join(one.query.split())
    other = f"\n{one.stands_for} stands for it, likeness {one.likeness:.3f}" if one.stands_for else ""
    text = f"{one.suite}/{one.id}\n{query if len(query) <= _SHOWN else query[: _SHOWN - 1] + '…'}\n{one.why}{other}"
    return _text(text)


def _text(text: str) -> str:
    """Return text as a page may hold it."""
    return escape("".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text))


def _colour_rules(colours: dict[str, str]) -> str:
    return "".join(f".c{number}{{--c:{colour}}}" for number, colour in enumerate(colours.values()))


_STYLE = """
:root{color-scheme:light dark;--ink:#222;--dim:#666;--paper:#fff;--sea:#f4f5f7;--edge:#dcdfe4}
@media (prefers-color-scheme:dark){:root{--ink:#e6e6e6;--dim:#a0a0a0;--paper:#17181b;--sea:#212327;--edge:#3a3d44}}
body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem auto;padding:0 1rem;max-width:1500px}
body{color:var(--ink);background:var(--paper)}
h1{font-size:1.3rem;margin:0 0 .6rem}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.3rem;margin:.2rem 0;padding:0}
.legend li{display:flex;align-items:center;gap:.35rem}
p{color:var(--dim);margin:.5rem 0;max-width:60rem}.note{color:var(--ink)}
.sign{width:16px;height:16px}.map{width:100%;height:auto;display:block;margin:auto}
.m{--c:var(--dim)}
.island{fill:var(--sea);stroke:var(--edge)}
.map text{font-size:9px;fill:var(--dim);text-anchor:middle;pointer-events:none}
.kept{fill:var(--c);fill-opacity:.75}
.dropped{fill:var(--c);fill-opacity:.35}
.optimise,.evaluate{fill:var(--c);stroke:var(--ink);stroke-width:1.4}
use:hover{stroke:var(--ink);stroke-width:2;fill-opacity:1}
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
