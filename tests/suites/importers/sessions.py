"""Claude Code sessions of any number, made up."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOOLS = ("Read", "Edit", "Bash", "Grep")
MODEL = "large-example"


def session(number: int, prompts: int = 5) -> Iterator[dict[str, Any]]:
    """Yield the records of one session: so many prompts, each with four calls, their replies and an answer."""
    last, records = None, 0
    for kind, message in _messages(number, prompts):
        uuid = f"s{number}-{records}"
        yield {"type": kind, "uuid": uuid, "parentUuid": last, "sessionId": f"s{number}", "message": message}
        last, records = uuid, records + 1


def _messages(number: int, prompts: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for prompt in range(prompts):
        yield "user", {"content": f"Please fix bug {prompt} of module {number}."}
        for place, tool in enumerate(TOOLS):
            call = f"t{number}-{prompt}-{place}"
            block = {"type": "tool_use", "id": call, "name": tool, "input": {"file_path": f"/src/{number}/{prompt}.py"}}
            yield "assistant", {"id": f"m{number}-{prompt}-{place}", "model": MODEL, "content": [block]}
            reply = {"type": "tool_result", "tool_use_id": call, "content": f"line {place} of {number} " * 100}
            yield "user", {"content": [reply]}
        yield "assistant", {"id": f"m{number}-{prompt}", "model": MODEL, "content": [{"type": "text", "text": "Done."}]}


def write_sessions(folder: Path, sessions: int, *, prompts: int = 5, packed: bool = False) -> None:
    """Write sessions as Claude Code lays them out: a directory for each project."""
    for number in range(sessions):
        path = folder / f"project-{number // 10}" / f"{number:08x}.jsonl{'.gz' if packed else ''}"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = b"".join(json.dumps(record).encode() + b"\n" for record in session(number, prompts))
        path.write_bytes(gzip.compress(lines, 1) if packed else lines)
