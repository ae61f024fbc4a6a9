"""A pocket model in a process of its own: two models that are sampled at once have a core each.

One line of JSON asks, one answers. The process ends when its input does, however the one that began it came to its end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import weakref
from typing import IO, TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ModelUnavailable
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.pocket.draws import Drawn, Draws
from pytest_toolmatch.pocket.model import Answer, open_model

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN = "import sys; sys.path[:] = sys.argv[2:]; from pytest_toolmatch.pocket.process import serve; serve(sys.argv[1])"
_PATIENCE_S = 2.0


class Process:
    """Draws from the model of a manifest, as ``Draws`` does; for use in one thread."""

    def __init__(self, manifest: Path) -> None:
        self._manifest = manifest
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", _BEGIN, str(manifest), *map(str, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us
        )
        self.close = weakref.finalize(self, _end, self._process)

    def draw(self, request: Request, key: str, temperature: float, seed: int) -> Drawn:
        """Return one draw; raises ModelUnavailable where the process is no more."""
        conversation = tuple(msgspec.structs.replace(one, native=None) for one in request.conversation)
        tools = tuple(Tool(**tool.shown()) for tool in request.tools)
        plain = msgspec.structs.replace(request, conversation=conversation, tools=tools)
        try:
            _write(self._process.stdin, [msgspec.to_builtins(plain), key, temperature, seed])
            said = self._process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
        except (OSError, ValueError):  # the pipe is broken, or closed
            said = b""
        if not said:
            raise ModelUnavailable(f"the process of {self._manifest} ended: run it again")
        (calls, *answer), *counts = json.loads(said)
        confidence, whole, dropped = answer
        return Drawn(Answer(tuple(Call(*call) for call in calls), tuple(confidence), whole, tuple(dropped)), *counts)


def serve(manifest: str) -> None:
    """Answer what comes in, line by line, until nothing more comes."""
    draws = Draws(open_model(manifest))
    for line in sys.stdin.buffer:
        request, *how = json.loads(line)
        answer, *counts = draws.draw(msgspec.convert(request, Request), *how)
        calls = [[call.name, call.arguments] for call in answer.calls]
        _write(sys.stdout.buffer, [[calls, *answer[1:]], *counts])


def _write(pipe: IO[bytes] | None, value: Any) -> None:
    """Write a line; the standard library's JSON knows whole numbers of any length."""
    assert pipe
    pipe.write(json.dumps(value).encode() + b"\n")
    pipe.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the process come to its end; a draw that nobody waits for any more is not waited for."""
    process.kill()
    process.communicate(timeout=_PATIENCE_S)
