"""Where cases lie on a map: those of one stratum on an island, like beside like; islands without overlaps.

On an island, the two directions in which its rows differ most (principal components) say in which direction from the
middle a case lies and whose neighbour it is there; how far out is by rank, so that no part is crowded. Nothing is drawn
by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.curation.embedding import Floats

Points: TypeAlias = "NDArray[np.float64]"

GAP = 3.0
"""The room between two islands; the unit is about the distance of two neighbours on one."""
_GOLDEN = np.pi * (3 - 5**0.5)
_TRIED = 256
_WIDER = 1.7
"""How much wider than high a map is, about: screens are."""


class Island(NamedTuple):
    """A circle: the middle, the radius, and the places of those on it."""

    x: float
    y: float
    radius: float
    places: Sequence[int]


def laid_out(rows: Floats, islands: Sequence[Sequence[int]]) -> tuple[Points, list[Island]]:
    """Return a point for each row, ``(rows, 2)``, and the islands with their middles, in the order given."""
    radii = np.array([max(1.0, 0.62 * len(places) ** 0.5) for places in islands])
    means = np.array([rows[list(places)].mean(0) for places in islands])
    middles = _apart(radii, principal(means))
    points = np.zeros((len(rows), 2))
    for places, middle, radius in zip(islands, middles, radii, strict=True):
        points[list(places)] = middle + radius * _in_circle(principal(rows[list(places)]))
    return points, [
        Island(float(x), float(y), float(radius), places)
        for (x, y), radius, places in zip(middles, radii, islands, strict=True)
    ]


def principal(rows: Floats) -> Points:
    """Return the first two principal components of rows, ``(rows, 2)``; zeros where they do not differ."""
    centred = np.asarray(rows - rows.mean(0), np.float64)
    found = np.zeros((len(rows), 2))
    # Of the two products the smaller has the same values other than 0.
    if len(rows) > centred.shape[1]:
        _, directions = np.linalg.eigh(centred.T @ centred)
        parts = centred @ directions[:, ::-1][:, :2]
    else:
        values, directions = np.linalg.eigh(centred @ centred.T)
        parts = (directions * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :2]
    parts[:, np.abs(parts).max(0) < 1e-6] = 0  # noqa: PLR2004 - rounding, no direction
    # A component may point either way: its largest part is taken to be above 0.
    signs = np.sign(parts[np.abs(parts).argmax(0), np.arange(parts.shape[1])])
    found[:, : parts.shape[1]] = parts * np.where(signs == 0, 1, signs)
    return found


def _in_circle(parts: Points) -> Points:
    """Return points of a circle of radius 1 that are evenly spread from its middle outwards."""
    if len(parts) == 1:
        return np.zeros((1, 2))
    distance = np.hypot(*parts.T)
    out = np.empty(len(parts))
    out[np.argsort(np.round(distance, 6), kind="stable")] = np.sqrt((np.arange(len(parts)) + 0.5) / len(parts))
    angle = np.where(distance > 0, np.arctan2(parts[:, 1], parts[:, 0]), np.arange(len(parts)) * _GOLDEN)
    # Angles by rank, too: where cases differ in one direction only, they would lie on a line.
    even = np.empty(len(parts))
    even[np.argsort(np.round(angle, 6), kind="stable")] = np.arange(len(parts)) * 2 * np.pi / len(parts)
    return out[:, None] * np.stack([np.cos(even), np.sin(even)], 1)


def _apart(radii: Points, wanted: Points) -> Points:
    """Return middles of circles that do not touch: the largest first, each as near to where it is wanted as it can."""
    largest = float(np.abs(wanted).max()) or 1.0
    wanted = wanted / largest * float(np.linalg.norm(radii + GAP)) / 3
    middles = np.zeros((len(radii), 2))
    placed: list[int] = []
    for one in np.argsort(-radii, kind="stable").tolist():
        middles[one] = _free(wanted[one], radii[one], middles[placed], radii[placed])
        placed.append(one)
    return middles


def _free(wanted: Points, radius: float, middles: Points, radii: Points) -> Points:
    """Return the first point of a spiral around a point where a circle has room."""
    first = 0
    while True:
        steps = np.arange(first, first + _TRIED)
        out = 0.7 * radius * np.sqrt(steps)
        tried = wanted + np.stack([_WIDER * out * np.cos(steps * _GOLDEN), out * np.sin(steps * _GOLDEN)], 1)
        away = np.hypot(*(tried[:, None] - middles[None]).transpose(2, 0, 1)) - radii
        free = np.flatnonzero((away > radius + GAP).all(1))
        if len(free):
            return tried[free[0]]
        first += _TRIED
