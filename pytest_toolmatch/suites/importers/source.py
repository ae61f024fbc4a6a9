"""What every importer takes and gives: sources and options in, a stream of records out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Chain
from pytest_toolmatch.core.sample import Outcome, Usage
from pytest_toolmatch.core.tool import Tool


class Source(msgspec.Struct, frozen=True):
    """One ``[LABEL=]PATH`` of the command line: a file or a directory; ``label`` is the model's name where given.

    ``other`` are files that are no logs, as resolved paths: they are passed over where the directory holds them.
    """

    path: Path
    label: str = ""
    other: frozenset[Path] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read ``LABEL=PATH`` or ``PATH``; a path that exists as written is never split."""
        label, equals, path = text.partition("=")
        if not equals or not label or "/" in label or Path(text).exists():
            return cls(Path(text).expanduser())
        return cls(Path(path).expanduser(), label)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to take from a log.

    ``include`` and ``exclude`` are globs on tool names; a call must match one of ``include`` (all, where it is empty)
    and none of ``exclude``. ``categories`` are globs on the categories of a benchmark. ``turns`` says which prompts of
    an interactive session become cases: all of them, each with the conversation so far, or only the first.
    ``tools`` is what is on offer where the log does not say. ``replies`` asks for what the tools answered, too, which
    teacher-forced sampling shows: texts of any size, with whatever they hold.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    turns: Literal["all", "first"] = "all"
    tools: tuple[Tool, ...] = ()
    replies: bool = False


class Problem(msgspec.Struct, frozen=True):
    """Something that could not be read, or was read with a reservation; ``where`` is ``path:line``.

    ``many`` is how several of the kind are said, after their number: ``files are empty``.
    """

    where: str
    what: str
    many: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Skipped(msgspec.Struct, frozen=True):
    """Calls left out on purpose, so that every call of a log is accounted for."""

    where: str
    reason: str
    calls: int = 0


class Ignored(msgspec.Struct, frozen=True):
    """A file of a directory that is left out quietly; ``reason`` follows their number: ``files without a session``."""

    where: str
    reason: str


class Offered(msgspec.Struct, frozen=True):
    """Tools that were on offer somewhere in a log, for its suite; one without ``parameters`` is known by name only."""

    tools: tuple[Tool, ...]
    suite: str = ""


class Counted(msgspec.Struct, frozen=True):
    """Something that an import says how many there were of, such as files of a format."""

    what: str
    count: int = 1


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A case that the log declares, whether or not any model was run on it."""

    case: Case
    suite: str = ""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded run of one model on one case.

    ``instructions`` is the system prompt that all cases of a suite share. ``suite`` names the part of a benchmark.
    ``identity`` is the run's own id where the log has one: the same run found twice counts once, as its longest copy.
    An ``alternative`` is one of several right answers. ``source`` is ``path:line``. ``latency`` in seconds. ``replies``
    are as in a Sample.
    """

    case: Case
    model: str
    outcome: Outcome
    chain: Chain = ()
    text: str = ""
    error: str = ""
    usage: Usage | None = None
    latency: float | None = None
    source: str = ""
    suite: str = ""
    instructions: str = ""
    identity: str = ""
    alternative: bool = False
    replies: tuple[tuple[str, ...], ...] = ()


Record: TypeAlias = Imported | Question | Offered | Skipped | Ignored | Counted | Problem
