"""Real recordings, exported: rows that the SDKs take, and calls that come back as they left."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.sampling.recordings import read_records
from tests.servers.anthropic import check_params
from tests.suites.exporters.making import objects
from tests.suites.exporters.test_openai import check_types

DATA = Path(__file__).resolve().parents[3] / "shared" / "realdata"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real logs: {DATA} is absent")

RETAIL = [str(DATA / "claude_code_retail"), "--tools", str(DATA / "claude_code_retail/tools.json"), "--replies"]
HARNESS = [word for name in ("ToolSearch", "Agent", "Task*") for word in ("--exclude", name)]
CATEGORIES = ("parallel_multiple", "live_simple", "irrelevance", "multi_turn_base")
TEACHER = "claude-sonnet-4-6"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("real")
    assert main(["import", "claude-code", *RETAIL, *HARNESS, "-o", str(made / "retail")]) == 0
    chosen = [word for name in CATEGORIES for word in ("--category", name)]
    assert main(["import", "bfcl", str(DATA / "bfcl_v4"), *chosen, "-o", str(made / "bfcl")]) == 0
    return made


def export(form: str, folder: Path, name: str, teacher: str) -> Path:
    out = folder / f"{name}-{form}"
    shutil.rmtree(out, ignore_errors=True)
    assert main(["export", form, str(folder / name), "-o", str(out), "--teacher", teacher, "--part", "all"]) == 0
    return out


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]


@pytest.mark.parametrize(("name", "teacher", "fewest"), [("retail", TEACHER, 70), ("bfcl", "reference", 390)])
def test_rows_are_what_the_sdks_may_send(folder: Path, name: str, teacher: str, fewest: int) -> None:
    chat, blocks = (lines(export(form, folder, name, teacher)) for form in ("openai", "anthropic"))
    assert len(chat) == len(blocks) >= fewest
    for line in chat:
        check_types(line)
    for line in blocks:
        check_params(line | {"model": "m", "max_tokens": 1})


def test_replies_in_a_row_are_those_that_claude_got(folder: Path) -> None:
    samples = [one.sample for one in read_records(folder / f"retail/recordings/retail/{TEACHER}.jsonl")]
    got = {text for sample in samples for texts in sample.replies for text in texts}
    shown = {
        message["content"]
        for line in lines(export("huggingface", folder, "retail", TEACHER))
        for message in line["messages"]
        if message["role"] == "tool"
    }
    assert len(shown) > 100
    assert shown <= got


def test_possible_answers_come_back_as_they_left(folder: Path) -> None:
    out = export("bfcl", folder, "bfcl", "reference")
    again = folder / "again"
    assert main(["import", "bfcl", str(out), "-o", str(again)]) == 0
    left, back = (first_answers(where) for where in (folder / "bfcl", again))
    assert sum(back.values()) == 534
    assert back <= left


def first_answers(suites: Path) -> Counter[str]:
    """Count the first answer of every case, by its suite and calls."""
    found: dict[tuple[str, str], str] = {}
    for path in suites.glob("recordings/*/reference.jsonl"):
        for one in read_records(path):
            chain = json.dumps(objects(one.sample.chain), sort_keys=True)
            found.setdefault((path.parent.name, one.sample.case), f"{path.parent.name} {chain}")
    return Counter(found.values())
