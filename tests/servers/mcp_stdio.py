"""A real MCP server: ``mcp_stdio.py`` over stdio, ``mcp_stdio.py http PORT`` over HTTP; ``crash`` and ``mute`` fail."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("flights", log_level="WARNING")
started = time.time_ns()
READS = ToolAnnotations(read_only_hint=True)


@server.tool(annotations=READS)
def search_flights(origin: str, destination: str) -> list[dict[str, Any]]:
    """Find flights between two airports."""
    return [{"id": f"{origin}-{destination}", "price": 89}]


@server.tool(annotations=READS)
def instance() -> str:
    """Tell one server process from another."""
    return f"{started} {os.environ.get('SHOP', '')} {Path.cwd()}"


@server.tool(annotations=READS)
def fail() -> str:
    """Fail."""
    raise ToolError("no such airport")


@server.tool(annotations=READS)
def die() -> str:
    """End the server."""
    sys.stderr.write("out of fuel\n")
    sys.stderr.flush()
    os._exit(3)


@server.tool(annotations=READS)
async def hang() -> str:
    """Never answer."""
    await asyncio.sleep(3600)
    return ""


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def book_flight(flight: str) -> str:
    """Book a flight."""
    raise AssertionError(flight)


@server.tool(structured_output=False)
def note(text: str) -> str:
    """Say nothing about what it does."""
    raise AssertionError(text)


def main(mode: str = "stdio", port: str = "0") -> None:
    if mode == "crash":
        sys.exit("no fuel")
    if mode == "mute":
        sys.stdin.read()
    if mode == "http":
        server.run("streamable-http", port=int(port))
    if mode == "stdio":
        server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
