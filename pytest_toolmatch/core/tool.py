"""A tool as both models see it: name, description, JSON Schema of its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable

Effect: TypeAlias = Literal["read", "write"]
EFFECTS = ("read", "write", None)
"""What an effect may be; None where none is stated."""


class Tool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """One declared tool.

    ``parameters`` is a JSON Schema (2020-12) of type object; ``None`` declares nothing about arguments.
    ``effect`` says whether a call changes the world. ``implementation`` is the Python function behind it, where there
    is one; ``reply`` a canned reply (a JSON value, or a function of the arguments), which comes before it. ``execute``
    allows a tool that is not known to only read to be run for real. ``returns`` is the JSON Schema of what the tool
    returns, for simulated replies. None of these is part of what a model is shown.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    effect: Effect | None = None
    implementation: Any = None
    reply: Any = None
    execute: bool = False
    returns: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a reply that can't be shown to a model: ToolError."""
        __tracebackhide__ = True
        if self.reply is None or callable(self.reply):
            return
        try:
            msgspec.json.encode(self.reply)
        except (TypeError, ValueError, RecursionError) as error:
            raise ToolError(
                f"tool {self.name}: its reply is no JSON ({error}): give a JSON value, or a function of its arguments"
            ) from None

    def shown(self) -> dict[str, Any]:
        """Return what a model sees of the tool; this is what recordings are keyed by."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}

    @property
    def runs(self) -> bool:
        """Whether a call of the tool runs its implementation."""
        return self.implementation is not None and self.reply is None and (self.effect == "read" or self.execute)

    def answering(self) -> Any:
        """Return how the tool's calls are answered, as far as it can be told beforehand."""
        if self.runs or callable(self.reply):
            return {"run": True}
        return {"reply": self.reply, "returns": self.returns}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the implementation, so that a decorated function stays a function."""
        return self.implementation(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Tool {self.name}>"


def find_tool(tools: Iterable[Tool], name: str) -> Tool | None:
    """Return the tool of that exact name."""
    return next((tool for tool in tools if tool.name == name), None)
