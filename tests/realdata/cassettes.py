"""Real traffic of nine services, as other projects recorded it: read once, told apart by the end of the URL."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

CASSETTES = Path(__file__).resolve().parents[3] / "shared" / "realdata" / "http_cassettes"
needed = pytest.mark.skipif(not CASSETTES.is_dir(), reason=f"the recorded data is not here ({CASSETTES})")

_OK = range(200, 300)


class Answered(NamedTuple):
    """One exchange: where it was recorded, the URL without its query, the status, the answer as parsed."""

    name: str
    url: str
    status: int
    body: Any


@cache
def exchanges() -> tuple[Answered, ...]:
    """Return all exchanges, none where the recorded data is absent."""
    if not CASSETTES.is_dir():
        return ()
    found = []
    for path in sorted(CASSETTES.glob("*/**/*.yaml")):
        for one in yaml.load(path.read_bytes(), yaml.CSafeLoader)["interactions"]:
            url, status = one["request"]["uri"].partition("?")[0], one["response"]["status"]
            code = status["code"] if isinstance(status, dict) else status
            found.append(Answered(path.stem, url, code, one["response"].get("parsed_body")))
    with gzip.open(CASSETTES / "pydantic-ai_requests_responses.jsonl.gz") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        status = 400 if row["response"].get("error") else 200
        found.append(Answered(f"{row['cassette']}.gz", row["url"].partition("?")[0], status, row["response"]))
    return tuple(found)


def answers(ending: str) -> list[Any]:
    """Return the successful answers of one wire, as parameters of a test."""
    found = [one for one in exchanges() if one.url.endswith(ending) and one.status in _OK and one.body]
    return [pytest.param(one.body, id=f"{one.name}-{index}") for index, one in enumerate(found)]
