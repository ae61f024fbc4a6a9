"""Imports sessions, requests and eval logs of other tools, and counts their calls in the raw files by other means."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.suites.importers import read_log
from pytest_toolmatch.suites.importers.source import Imported, Problem, Skipped, Source
from tests.realdata.test_importers import DATA, assert_rates, check, imported, reference, runs_of, self_rates

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real logs: {DATA} is absent")

FOLDERS = {"codex": "codex_rollouts", "gemini-cli": "gemini_cli", "inspect-ai": "inspect_ai"}
FORMS = (*FOLDERS, "bashkit", "requests", "tool-calling-benchmark")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("folder", ["otel_langfuse", "hotpotqa_react", *FOLDERS.values()])
def test_foreign_logs_are_reported_and_never_a_crash(form: str, folder: str) -> None:
    records = list(read_log(form, [Source(DATA / folder)]))
    assert records
    assert FOLDERS.get(form) == folder or all(isinstance(record, Problem) for record in records)


def raw_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def raw_files(folder: str) -> list[tuple[str, Any]]:
    paths = sorted((DATA / folder).glob("*.json.gz"))
    return [(path.name, json.loads(gzip.decompress(path.read_bytes()))) for path in paths]


def codex_calls() -> int:
    [path] = (DATA / "codex_rollouts").iterdir()
    items = [line["payload"] for line in raw_lines(path) if line["type"] == "response_item"]
    return sum(item["type"] in ("function_call", "custom_tool_call", "web_search_call") for item in items)


def gemini_calls() -> int:
    sessions = raw_files("gemini_cli")
    return sum(len(message.get("toolCalls") or []) for _, session in sessions for message in session["messages"])


def inspect_calls() -> int:
    samples = [sample for _, log in raw_files("inspect_ai") for sample in log["samples"]]
    return sum(len(message.get("tool_calls") or []) for sample in samples for message in sample["messages"])


def bashkit_calls() -> int:
    results = [result for _, file in raw_files("bashkit_eval") for result in file["results"]]
    counted = _uses(results)
    assert sum(result["trace"]["tool_call_count"] for result in results) == counted
    return counted


def _uses(results: list[Any]) -> int:
    messages = [message for result in results for message in result["trace"]["messages"]]
    return sum(block["type"] == "tool_use" for message in messages for block in message["content"])


def small_model_calls() -> int:
    answers = [answer for _, file in raw_files("small_models_20runs") for run in file["runs"] for answer in run]
    return sum(len(answer.get("all_tool_calls") or ([1] if answer["tool_name"] else [])) for answer in answers)


@pytest.mark.parametrize(
    ("form", "folder", "counted", "calls", "runs"),
    [
        ("codex", "codex_rollouts", codex_calls, 105, 2),
        ("gemini-cli", "gemini_cli", gemini_calls, 10, 3),
        ("inspect-ai", "inspect_ai", inspect_calls, 4, 1),
        ("bashkit", "bashkit_eval", bashkit_calls, 862, 290),
        ("tool-calling-benchmark", "small_models_20runs", small_model_calls, 1911, 2436),
    ],
)
def test_every_call_of_the_other_logs_is_imported(
    form: str, folder: str, counted: Callable[[], int], calls: int, runs: int
) -> None:
    records = list(read_log(form, [Source(DATA / folder)]))
    found = [record for record in records if isinstance(record, Imported)]
    assert len(records) == len(found) == runs
    assert sum(len(calls_of(run.chain)) for run in found) == counted() == calls


def test_bashkit() -> None:
    runs = runs_of(imported("bashkit", (str(DATA / "bashkit_eval"),)))
    check("bashkit_eval", {model: dict(cases) for model, cases in runs.items()})


def test_small_models() -> None:
    runs = runs_of(imported("tool-calling-benchmark", (str(DATA / "small_models_20runs"),)))
    for model, expected in reference()["small_models_20runs"].items():
        assert_rates(self_rates(runs[model]), expected)


def response_calls(said: dict[str, Any]) -> int:
    """Return how many calls a response of any service holds that the caller has to answer."""
    text = json.dumps(said)
    kinds = ('"type": "function_call"', '"type": "tool_use"', '"functionCall": {')
    chat = [said, *(said.get("choices") or [])]
    listed = sum(len((one.get("message") or {}).get("tool_calls") or []) for one in chat)
    return listed or sum(map(text.count, kinds))


def test_every_call_of_the_requests_is_imported_or_reported() -> None:
    path = DATA / "http_cassettes" / "pydantic-ai_requests_responses.jsonl.gz"
    raw = {f"{path}:{number}": response_calls(row["response"]) for number, row in enumerate(raw_lines(path), 1)}
    records = list(read_log("requests", [Source(path)]))
    runs = [record for record in records if isinstance(record, Imported)]
    left = {record.where for record in records if isinstance(record, Problem) and "by the provider" not in record.what}
    taken = sum(len(calls_of(run.chain)) for run in runs)
    assert {int(where.rpartition(":")[2]) for where in left if raw[where]} == {14, 15}  # Bedrock's, without a request
    assert (taken + sum(raw[where] for where in left), taken) == (sum(raw.values()), 48)
    assert sum(record.calls for record in records if isinstance(record, Skipped)) == 2


def test_cassettes_say_what_the_flat_file_says() -> None:
    folder = DATA / "http_cassettes"
    flat = list(read_log("requests", [Source(folder / "pydantic-ai_requests_responses.jsonl.gz")]))
    tapes = list(read_log("requests", [Source(folder / "pydantic-ai")]))
    found = [
        Counter(repr((run.case.conversation, run.chain)) for run in records if isinstance(run, Imported))
        for records in (flat, tapes)
    ]
    assert found[0] == found[1]
    assert found[0].total() == 42
