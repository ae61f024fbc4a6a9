"""What ``toolmatch curate`` is told."""

from __future__ import annotations

from pathlib import Path

import msgspec


class CurateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``size`` and ``evaluate`` are cases of the two pools; ``epsilon`` is None where the embedder's own counts.

    ``recordings`` is where suites that name no directory of their own keep theirs; ``students`` are the models whose
    failures count: all others that are recorded, where none is named. ``ray_address`` is for ``engine`` ray; ``map``
    is a page to write.
    """

    teacher: str = ""
    students: tuple[str, ...] = ()
    size: int = 50
    evaluate: int = 50
    epsilon: float | None = None
    embedder: str = "hashed"
    seed: int = 0
    recordings: Path = Path("fixtures/recordings")
    engine: str = "local"
    ray_address: str = ""
    map: Path | None = None
