"""The tools of an MCP server, for whoever reads suites; nothing of MCP is imported before a suite names a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_toolmatch.core.tool import Tool


def list_mcp(server: dict[str, Any], where: str) -> tuple[Tool, ...]:
    """Ask a server for its tools; ``where`` says, in messages, which suite names it."""
    from pytest_toolmatch.sampling.mcp import list_tools  # noqa: PLC0415 - only suites that name a server need it

    return list_tools(server, where=where)
