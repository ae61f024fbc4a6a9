"""Tools of MCP servers: listed when a suite is read, called through one session per server and event loop."""

from __future__ import annotations

import asyncio
import importlib
import os
import shlex
import string
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgspec

from pytest_toolmatch.core.errors import ModelUnavailable, ServiceFault, SuiteError
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.sampling.replies import Reply, as_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pytest_toolmatch.core.tool import Tool

_STDERR_LINES = 5


class _Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a server is: a command to start, or a URL. ``timeout`` bounds its start and each answer, in seconds."""

    command: str | list[str] = ""
    env: dict[str, str] = {}
    cwd: str | None = None
    url: str = ""
    headers: dict[str, str] = {}
    timeout: float = 60.0

    def __str__(self) -> str:
        """Return what messages call it, without anything that might be secret."""
        if self.url:
            parts = urlsplit(self.url)
            return f"MCP server {parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        return f"MCP server `{shlex.join(self.words)}`"

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command) if isinstance(self.command, str) else self.command

    @property
    def key(self) -> bytes:
        return msgspec.json.encode(self)


def list_tools(server: dict[str, Any], *, where: str = "") -> tuple[Tool, ...]:
    """Return a server's tools; ``fetch_tools`` for callers without an event loop."""
    return asyncio.run(fetch_tools(server, where=where))


async def fetch_tools(server: dict[str, Any], *, where: str = "") -> tuple[Tool, ...]:
    """Return the tools of an MCP server, with what they return, their effects, and the server behind each.

    ``server`` is ``{command, env, cwd}`` or ``{url, headers}``, both with a ``timeout`` in seconds. ``$NAME`` in
    values of ``env`` and ``headers`` stands for an environment variable, so that secrets need not be written down. A
    tool's effect is ``read`` where the server hints at it, ``write`` where it hints at anything else, else unknown;
    only tools that read are called. ``where`` opens every message. Raises SuiteError where the server is described
    wrongly, does not start or does not list its tools, and ModelUnavailable where the package ``mcp`` is missing.
    """
    read = _read(server, where)
    session = _Session(read)
    try:
        data = await asyncio.wait_for(_listed(await session.client()), read.timeout)
    except ModelUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK raises errors of several libraries
        _fail(where, f"{read}: {_reason(error, session)}", error)
    finally:
        await session.close()
    tools = tools_from_json(data, where=where or str(read))
    return tuple(msgspec.structs.replace(tool, implementation=_caller(read, tool.name)) for tool in tools)


async def close_sessions() -> None:
    """End the sessions of the running loop, and the servers that were started for them; safe to call twice."""
    sessions = _sessions.pop(asyncio.get_running_loop(), {})
    await asyncio.gather(*(session.close() for session in sessions.values()))


def _read(server: dict[str, Any], where: str) -> _Server:
    try:
        read = msgspec.convert(server, _Server)
        words = read.words
    except ValueError as error:  # msgspec.ValidationError is one
        _fail(where, f"mcp: {error}", error)
    if bool(words) == bool(read.url):
        _fail(where, "mcp: write either a command to start, or a url")
    try:
        known = {field: _filled(getattr(read, field)) for field in ("env", "headers")}
    except (KeyError, ValueError) as error:
        problem = f"the environment has no {error.args[0]}: set it" if isinstance(error, KeyError) else str(error)
        _fail(where, f"{read}: {problem}", error)
    return msgspec.structs.replace(read, **known)


def _filled(values: dict[str, str]) -> dict[str, str]:
    return {name: string.Template(value).substitute(os.environ) for name, value in values.items()}


def _fail(where: str, message: str, error: BaseException | None = None) -> NoReturn:
    raise SuiteError(f"{where}: {message}" if where else message) from error


async def _listed(client: Any) -> list[dict[str, Any]]:
    tools, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]
        cursor = page.next_cursor
        if not cursor:
            return tools


def _caller(server: _Server, name: str) -> Callable[..., Awaitable[Reply]]:
    """Return a function that calls one tool of a server through the session of the running loop."""

    async def call(**arguments: Any) -> Reply:
        session = _session(server)
        try:
            return _reply(await _called(session, name, arguments))
        except Exception as error:
            kind = _kind(error)
            if kind == "answer":
                return Reply(str(error), error=True)
            reason = _reason(error, session)
            if kind == "closed":
                await session.close()
            raise ServiceFault(f"{server}: {name}: {reason}") from error

    call.__name__ = name
    return call


async def _called(session: _Session, name: str, arguments: dict[str, Any]) -> Any:
    client = await session.client()
    return await client.call_tool(name, arguments, read_timeout_seconds=session.server.timeout)


_Kind: TypeAlias = Literal["answer", "late", "closed"]


def _kind(error: Exception) -> _Kind:
    """Say what an error of a call means: the server answered with it, is late with this answer, or is gone.

    An answer that the server's own schema forbids is a RuntimeError or ValueError of the SDK.
    """
    types = importlib.import_module("mcp").types
    code = getattr(getattr(error, "error", None), "code", None)
    if code is None:
        return "answer" if isinstance(error, RuntimeError | ValueError) else "closed"
    kinds: dict[int, _Kind] = {types.CONNECTION_CLOSED: "closed", types.REQUEST_TIMEOUT: "late"}
    return kinds.get(code, "answer")


def _reply(result: Any) -> Reply:
    texts = [_text(block) for block in result.content]
    if not texts and result.structured_content is not None:
        texts = [as_text(result.structured_content)]
    return Reply("\n".join(texts), error=bool(result.is_error))


def _text(block: Any) -> str:
    """Return what a text-only model is shown of a block: its text, or what it is."""
    inner = getattr(block, "resource", block)
    return getattr(inner, "text", None) or f"[{block.type}]"


def _reason(error: BaseException, session: _Session) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        what = f"no answer within {session.server.timeout:g} s"
    else:
        what = str(error) or type(error).__name__
    return f"{what}{session.last_words()}"


class _Session:
    """One open connection, in a task of its own: what the SDK opens must be closed by the task that opened it."""

    def __init__(self, server: _Server) -> None:
        self.server = server
        try:
            self._scope = importlib.import_module("anyio").CancelScope()
            importlib.import_module("mcp")
        except ModuleNotFoundError:
            raise ModelUnavailable(
                f"{server}: the package 'mcp' is not installed: pip install 'pytest-toolmatch[mcp]'"
            ) from None
        # Appended to, so that reading the end does not move where the server writes.
        self._stderr = tempfile.TemporaryFile("a+", errors="replace")  # noqa: SIM115 - closed by the task
        self._words = ""
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda ready: ready.exception())  # heard, even if nobody waits any more
        self._task = asyncio.create_task(self._live())

    @property
    def open(self) -> bool:
        return not self._task.done()

    async def client(self) -> Any:
        """Return the SDK's client once the server is there; TimeoutError after the server's timeout."""
        return await asyncio.wait_for(asyncio.shield(self._ready), self.server.timeout)

    async def close(self) -> None:
        """End the connection and the server."""
        self._scope.cancel()
        await asyncio.wait([self._task])

    def last_words(self) -> str:
        """Return the last lines that the server wrote to its stderr, ready to follow a message."""
        if not self._stderr.closed:
            self._stderr.seek(0)
            lines = [line.rstrip() for line in self._stderr if line.strip()]
            self._words = "".join(f"\n    {line}" for line in lines[-_STDERR_LINES:])
        return f"; its stderr ends:{self._words}" if self._words else ""

    async def _live(self) -> None:
        try:
            with self._scope:
                async with _connected(self.server, self._stderr) as client:
                    self._ready.set_result(client)
                    await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - goes to whoever waits, if anybody still does
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            if not self._ready.done():
                self._ready.set_exception(ConnectionError("closed before it was ready"))
            self.last_words()
            self._stderr.close()


@asynccontextmanager
async def _connected(server: _Server, stderr: Any) -> AsyncIterator[Any]:
    import httpx2  # noqa: PLC0415 - these come with the SDK, and late as it
    import mcp  # noqa: PLC0415
    from mcp.client.stdio import stdio_client  # noqa: PLC0415
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    if server.url:
        timeout = httpx2.Timeout(30, read=server.timeout)
        async with (
            httpx2.AsyncClient(headers=server.headers, timeout=timeout) as http,
            mcp.Client(streamable_http_client(server.url, http_client=http)) as client,
        ):
            yield client
        return
    program, *arguments = server.words
    started = mcp.StdioServerParameters(command=program, args=arguments, env=server.env, cwd=server.cwd)
    async with mcp.Client(stdio_client(started, errlog=stderr)) as client:
        yield client


def _session(server: _Server) -> _Session:
    """Return the running loop's session with a server, opened if there is none, or none that is still open."""
    sessions = _sessions.setdefault(asyncio.get_running_loop(), {})
    if server.key not in sessions or not sessions[server.key].open:
        sessions[server.key] = _Session(server)
    return sessions[server.key]


# What belongs to a loop is found by the loop: whoever runs it closes it, and knows no more than that.
_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bytes, _Session]] = WeakKeyDictionary()
