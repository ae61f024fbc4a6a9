"""Requests and responses as gateways, proxies and programs log them: JSON Lines of ``{request, response}``.

OpenAI's Chat Completions and Responses, Anthropic's Messages and Google's ``generateContent`` are told apart by the
response. The conversation of a request is the case, with the tools that it offers; what the response calls is the
first step of the chain. A request that adds nothing but the tools' replies goes on with the chain of the one before
it, wherever in the log that stands. Streamed responses are put together. HTTP traffic recorded in VCR's YAML is read,
too.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_toolmatch.core.errors import at
from pytest_toolmatch.suites.importers import wire_chat, wire_google, wire_messages, wire_responses
from pytest_toolmatch.suites.importers.contents import count, dicts, mapping, string
from pytest_toolmatch.suites.importers.files import SUFFIXES, decode
from pytest_toolmatch.suites.importers.joining import Exchange, Joiner
from pytest_toolmatch.suites.importers.offers import Offers
from pytest_toolmatch.suites.importers.parts import Each, Part, here, parts_of
from pytest_toolmatch.suites.importers.source import Options, Problem, Record, Skipped, Source
from pytest_toolmatch.suites.importers.wire import Answered, Asked
from pytest_toolmatch.suites.importers.wire_stream import is_stream, whole

NAME = "requests"
SUMMARY = "requests and responses of OpenAI, Anthropic and Google: JSON Lines of {request, response}, or VCR cassettes"

_YAML = (".yaml", ".yml")


class _Wire(NamedTuple):
    asked: Callable[[dict[str, Any]], Asked]
    answered: Callable[[dict[str, Any]], Answered | None]


_WIRES = MappingProxyType(
    {
        "choices": _Wire(wire_chat.asked, wire_chat.answered),
        "candidates": _Wire(wire_google.asked, wire_google.answered),
        "output": _Wire(wire_responses.asked, wire_responses.answered),
        "content": _Wire(wire_messages.asked, wire_messages.answered),
        "message": _Wire(wire_chat.asked, wire_chat.answered),
    }
)
"""Key of a response that tells its wire; the last is what Ollama and Cohere have in the place of ``choices``."""

_PAIRS = (("request", "response"), ("request_body", "response_body"), ("requestBody", "responseBody"))
_ASKED = ("messages", "input", "contents")
_BODIES = ("parsed_body", "body", "json", "string")
_STATUSES = ("status_code", "statusCode", "status", "code")
_BAD = 400
_GZIP = b"\x1f\x8b"


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per conversation up to a final answer."""
    return read_parts(sources, options, here)


def read_parts(sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield the same; exchanges are read by themselves, and joined here, in the order of the log."""
    joiner, told = Joiner(options), set[bytes]()
    for item in each(_exchanges, parts_of(sources, (*SUFFIXES, *_YAML)), lines=True):
        match item:
            case Problem():
                yield item
            case _Doubted():
                yield from () if item.tools in told else item.problems
                told.add(item.tools)
            case _:
                yield from _passed_over(item)
                yield from joiner.add(item)
    yield from joiner.rest()


class _Doubted(NamedTuple):
    """What is wrong with the tools of a request, by a hash of them: it is told once, though many parts have it."""

    tools: bytes
    problems: list[Problem]


def _exchanges(part: Part) -> Iterator[Exchange | Problem | _Doubted]:
    """Yield the exchanges of a part."""
    offers = Offers()
    for item in _cassette(part.path) if part.path.suffix in _YAML else _lines(part):
        exchange = item if isinstance(item, Problem) else _exchange(*item, offers, part.source)
        if problems := offers.told():
            yield _Doubted(hashlib.sha256(offers.latest).digest(), problems)
        yield exchange


def _passed_over(exchange: Exchange) -> Iterator[Skipped]:
    if exchange.answered.own:
        yield Skipped(exchange.where, "calls that the provider answered itself", calls=exchange.answered.own)
    if exchange.answered.others:
        yield Skipped(exchange.where, "calls of further answers to one request", calls=exchange.answered.others)


def _lines(part: Part) -> Iterator[tuple[dict[str, Any], str] | Problem]:
    for item in part.documents():
        if isinstance(item, Problem):
            yield item
            continue
        whole = isinstance(item.data, list)
        for place, entry in enumerate(item.data if whole else [item.data]):
            yield mapping(entry), f"{item.where} [{place}]" if whole else item.where


def _cassette(file: Path) -> Iterator[tuple[dict[str, Any], str] | Problem]:
    from pytest_toolmatch.suites.yaml_marks import read_value  # noqa: PLC0415 - YAML is only for cassettes

    try:
        interactions = mapping(read_value(file.read_bytes())).get("interactions")
    except (OSError, ValueError) as error:
        yield Problem(at(file, 1), f"can't be read: {str(error).splitlines()[0]}")
        return
    if not isinstance(interactions, list):
        yield Problem(at(file, 1), "YAML, but no cassette: it has no `interactions`")
        return
    for place, entry in enumerate(interactions):
        yield mapping(entry), f"{at(file, 1)} interactions[{place}]"


def _exchange(entry: dict[str, Any], where: str, offers: Offers, source: Source) -> Exchange | Problem:
    """Read one request with its response."""
    pair = _pair(entry)
    if pair is None:
        return Problem(where, "no {request, response}")
    request, response = map(_body, pair)
    response = (whole(response) or response) if is_stream(response) else response
    if what := _fault(response, mapping(pair[1])):
        return Problem(where, what)
    key = next((key for key in _WIRES if isinstance(mapping(response).get(key), list | dict)), "")
    answered = _WIRES[key].answered(response) if key else None
    if answered is None:
        return Problem(where, "the response is in no form of OpenAI's, Anthropic's or Google's")
    if not isinstance(request, dict):
        return Problem(where, "the request has no JSON body")
    asked = _WIRES[key].asked(request)
    if not asked.messages:
        return Problem(where, "the request holds no messages, or not in the form of its response")
    tools, asked.tools = offers.read(asked.tools, where), []
    return Exchange(
        asked=asked,
        answered=answered,
        tools=tools,
        where=where,
        label=source.label,
    )


def _pair(entry: dict[str, Any]) -> tuple[Any, Any] | None:
    """Return a request and its response; some logs write what was asked beside the response."""
    keys = next((keys for keys in _PAIRS if keys[0] in entry and keys[1] in entry), None)
    if keys:
        return entry[keys[0]], entry[keys[1]]
    if "response" in entry and any(key in entry for key in _ASKED):
        return {**mapping(entry.get("model_parameters")), **entry}, entry["response"]
    return None


def _body(value: Any) -> Any:
    """Return the body of a request or response that may be wrapped with its headers, and may be JSON text."""
    while isinstance(value, dict) and (key := next((key for key in _BODIES if value.get(key)), None)):
        value = value[key]
    if not isinstance(value, str | bytes):
        return value
    try:
        data = value.encode() if isinstance(value, str) else value
        return decode(gzip.decompress(data) if data.startswith(_GZIP) else data)
    except (ValueError, OSError, EOFError, zlib.error):
        return value


def _fault(response: Any, outer: dict[str, Any]) -> str:
    """Say why a response is no answer of a model; empty where it may be one."""
    code = next((outer[key] for key in _STATUSES if key in outer), 0)
    status = count(mapping(code).get("code") if isinstance(code, dict) else code)
    told = mapping(response).get("error")
    if told or status >= _BAD or mapping(response).get("type") == "error":
        message = string(mapping(told).get("message")) or string(told) or f"status {status}"
        return f"the response is an error: {message[:120]}"
    if is_stream(response):
        return "a streamed response without its end"
    return "" if dicts([response]) else "the response has no JSON body"
