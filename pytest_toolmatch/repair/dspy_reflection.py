"""Our reflection model as an engine of DSPy's; import it where it is used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dspy.lm15 import Message, Request, Response, TextPart, Usage

from pytest_toolmatch.repair.dspy_student import AS_THEY_ARE, Stopped
from pytest_toolmatch.repair.replies import Unusable, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.repair.reflector import Reflector

_TOOLS_LENGTH = 4000
"""Characters of the tools' descriptions that go with a question."""

_FAILURES = 3
"""Questions in a row without a reply, after which none is asked."""

_PREFACE = """\
Instructions are the system prompt of an assistant that answers queries by calling tools. Propose such that hold for
queries like those shown, and quote none of them. Answer in the form that is asked for below. The tools:
"""

_WANTED = re.compile(r"starting with the field `\[\[ ## (\w+) ## \]\]`")
"""How DSPy's adapter asks for a field."""


class Reflection:
    """An engine of DSPy's that asks our own reflection model: its replies are recorded, and paid for once.

    A reply of no use is taken for a proposal to change nothing; ``failed`` counts those. Without a reflector, all are
    such proposals, as they are once a few in a row were of no use.
    """

    def __init__(self, reflector: Reflector | None, tools: Sequence[Tool]) -> None:
        self._reflector = reflector
        lines = "\n".join(f"- {tool.name}: {tool.description}" for tool in tools)[:_TOOLS_LENGTH]
        self._preface = _PREFACE + lines
        self.failed = self._in_a_row = 0

    def complete(self, request: Request) -> Response:
        """Return the reply to a request; one without DSPy's markers is taken for the field that is asked for."""
        asked = "\n\n".join([self._preface, str(request.system or ""), *(one.text or "" for one in request.messages)])
        said, wanted = self._said(asked), _WANTED.search(asked)
        if wanted and f"[[ ## {wanted[1]} ## ]]" not in said:
            said = f"[[ ## {wanted[1]} ## ]]\n{_plain(said)}\n\n[[ ## completed ## ]]"
        message = Message.assistant([TextPart(said)])
        return Response(id=None, model=request.model, message=message, finish_reason="stop", usage=Usage())

    def _said(self, asked: str) -> str:
        if self._reflector is None or self._in_a_row >= _FAILURES:
            return AS_THEY_ARE
        try:
            (sample,) = self._reflector.ask([asked])
        except Exception as error:
            raise Stopped(error) from error
        if sample.valid and sample.text.strip():
            self._in_a_row = 0
            return sample.text
        self.failed, self._in_a_row = self.failed + 1, self._in_a_row + 1
        return AS_THEY_ARE


def _plain(reply: str) -> str:
    """Return what stands in the fenced block of a reply, or the reply where there is no such block."""
    try:
        return text_of(reply)
    except Unusable:
        return reply
