"""A directory of logs with all that makes parts of a log depend on each other, or on where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.suites.importers.sessions import session, write_sessions
from tests.suites.importers.test_any_input import EXCHANGES, LOGS
from tests.suites.importers.writing import Logs

SECRET = "pw-" + "7QzLm4RtYb"


def write_mixed(folder: Path) -> None:
    """Write sessions of Claude Code, Codex and Gemini CLI, and requests; some in halves, some wrong."""
    logs = Logs(folder)
    write_sessions(folder / "claude", 12, prompts=2)
    first = list(session(3, 4))
    logs.lines("claude/project-0/resumed.jsonl", *first, broken=b'{"type": "user", "uu')
    below = [one | {"isSidechain": True} for one in session(77, 1)]
    logs.lines("claude/project-1/below.jsonl", *session(78, 1), *below)
    logs.lines("claude/project-1/failed.jsonl", *_failed(f"export DB_PASSWORD={SECRET}"))
    logs.lines("claude/project-0/told.jsonl", *_failed(f"Why is {SECRET} wrong?"))
    logs.raw("claude/project-1/broken.jsonl", b"".join(b'{"n": %d\n' % number for number in range(30)))
    logs.raw("claude/project-1/empty.jsonl", b"")
    logs.raw("claude/notes.txt", b"Remember the milk.")
    own: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search"}
    asked = [
        one | {"request": one["request"] | {"tools": [own, *one["request"].get("tools", [])]}} for one in EXCHANGES
    ]
    logs.lines("requests/1.jsonl", *asked[: len(asked) // 2], {"neither": 1}, broken=b"half\n")
    logs.lines("requests/2.jsonl", *asked[len(asked) // 2 :])
    logs.packed("requests/3.jsonl.gz", *asked)
    (folder / "unpacked").unlink()
    for form in ("codex", "gemini-cli"):
        logs.lines(f"others/{form}.jsonl", *LOGS[form])


def _failed(prompt: str) -> list[dict[str, Any]]:
    """Return the records of a session in which no model answered."""
    message = {"id": prompt, "model": "<synthetic>", "content": "API Error: 500"}
    asked = {"type": "user", "uuid": "f1", "sessionId": prompt, "message": {"content": prompt}}
    said = {"type": "assistant", "uuid": "f2", "parentUuid": "f1", "sessionId": prompt, "message": message}
    return [asked, said | {"isApiErrorMessage": True}]
