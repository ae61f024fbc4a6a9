"""Every error that a user can meet, as one tree.

ToolmatchError            what went wrong, where, what to do next; shown without a traceback
├── ConfigError           a setting, an option or a marker is wrong
├── SuiteError            a suite, cases or tools file is wrong
│   └── ToolError         one tool of it: its schema or its function
├── GateError             a gate expression is wrong
├── RecordingError        a recordings file can't be read or written
│   └── MissingRecording  there is no (fresh) recording of what was asked for
├── ImportFormatError     a log to import can't be understood at all
└── SamplingError         a model could not be sampled: infrastructure, never a mismatch
    ├── ModelUnavailable  nothing will help until the user acts: key, model name, missing package, no server
    ├── RequestRejected   the provider does not take this request, and would not another time
    ├── ServiceFault      may pass: overload, 5xx, time-out, broken connection, garbage; asked again
    ├── BudgetSpent       the budget does not allow another call
    └── BatchPending      a batch has yet to bring the answer: run the same command again

ToolmatchWarning          something to know that changes no result
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class ToolmatchError(Exception):
    """Base of all errors raised on purpose; ``str(error)`` is one complete message."""


class ConfigError(ToolmatchError):
    """A setting, an option or a marker is wrong."""


class SuiteError(ToolmatchError):
    """A suite, cases or tools file is wrong."""


class ToolError(SuiteError):
    """A tool's schema is no schema, or its function can't be described by one."""


class GateError(ToolmatchError):
    """A gate expression can't be read, or names an unknown metric."""


class RecordingError(ToolmatchError):
    """A recordings file can't be read or written."""


class MissingRecording(RecordingError):  # noqa: N818 - it is read as a statement, not as a fault
    """There is no fresh recording of what was asked for."""


class ImportFormatError(ToolmatchError):
    """A log to import can't be understood at all."""


class SamplingError(ToolmatchError):
    """A model could not be sampled: infrastructure, never a mismatch."""


class ModelUnavailable(SamplingError):  # noqa: N818 - read as statements
    """Nothing will help until the user acts: a missing package, a wrong key, an unknown model, no server."""


class RequestRejected(SamplingError):  # noqa: N818
    """The provider does not take this request, and would not another time (400, 413, 422)."""


class ServiceFault(SamplingError):  # noqa: N818
    """May pass: overload, 5xx, time-out, broken connection, a garbled answer. Asked again.

    ``retry_after`` is what the service asked to wait, in seconds; ``unreachable`` says that nothing answered at all;
    ``overloaded`` that it asks for fewer requests (429, 503, 529).
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, unreachable: bool = False, overloaded: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.unreachable = unreachable
        self.overloaded = overloaded or retry_after is not None


class BudgetSpent(SamplingError):  # noqa: N818
    """The budget does not allow another call."""


class BatchPending(SamplingError):  # noqa: N818
    """The answer comes with a batch that is under way, or goes out when the run ends."""


class ToolmatchWarning(UserWarning):
    """Something to know that changes no result."""


def at(path: Path | str, line: int | None = None) -> str:
    """Render a place the way editors and terminals make clickable: ``path:line``."""
    return f"{path}:{line}" if line else str(path)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest known word, or the empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
