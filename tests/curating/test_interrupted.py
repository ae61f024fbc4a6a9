"""Ctrl-C: one line, and the same command goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import draw_key
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.curating.server import BATCH
from pytest_toolmatch.sampling.recordings import Record, append_records, recording_path
from pytest_toolmatch.suites.writer import write_suite
from tests.servers.loopback import Answer, Loopback

if TYPE_CHECKING:
    from tests.servers.loopback import Received

COMMAND = (sys.executable, "-c", "import sys; from pytest_toolmatch.cli import main; sys.exit(main())")
CASES, KEPT = 1100, 1024
LETTERS = "abcdefghijk"


def logs(folder: Path, count: int = CASES) -> None:
    """Write a suite of queries that differ in letters, since digits are masked."""
    words = [f"{a}{b}{c} {c}{a} {b}" for a in LETTERS for b in LETTERS for c in LETTERS][:count]
    cases = tuple(Case(id=f"c{number}", conversation=user(f"say {text} now")) for number, text in enumerate(words))
    suite = Suite(name="made", cases=cases, tools=(Tool(name="go"),))
    write_suite(suite, folder)
    plan = Plan(suite, Model(name="large"))
    samples = [Sample(case=case.id, role="recorded", draw=0, outcome="answered") for case in cases]
    records = [
        Record(key=draw_key(plan.asked(case, "recorded"), "recorded", 0), model="large", sample=sample)
        for case, sample in zip(cases, samples, strict=True)
    ]
    append_records(recording_path(folder / "recordings" / "made", "large"), records)


def answer(request: Received) -> Answer:
    data = [
        {"index": n, "embedding": [len(text), hash(text) % 7 + 1.0]} for n, text in enumerate(request.json["input"])
    ]
    return Answer({"data": data})


def test_what_was_embedded_is_kept(tmp_path: Path) -> None:
    logs(tmp_path / "logs")
    stuck = True

    def slow(request: Received) -> Answer:
        return Answer(fault="hang") if stuck and len(server.requests) > KEPT // BATCH else answer(request)

    with Loopback(slow) as server:
        command = [*COMMAND, "curate", "logs", "-o", "out", "--embedder", f"{server.url}/v1#m"]
        run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while len(server.requests) <= KEPT // BATCH and time.monotonic() < end and run.poll() is None:
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
        assert (run.returncode, said) == (130, "toolmatch: interrupted; nothing more was written\n")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".curating"]

        stuck, before = False, len(server.requests)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert len(server.requests) - before == -(-(CASES - KEPT) // BATCH)
    assert (tmp_path / "out/curation.jsonl").exists()
    assert not (tmp_path / "out/.curating").exists()


def test_what_was_finished_is_kept(tmp_path: Path) -> None:
    logs(tmp_path / "logs", 1331)
    whole = subprocess.run([*COMMAND, "curate", "logs", "-o", "whole"], cwd=tmp_path, capture_output=True, check=False)
    assert whole.returncode == 0, whole.stderr
    command = [*COMMAND, "curate", "logs", "-o", "out"]
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not [*tmp_path.glob("out/.curating/*/judged.jsonl")] and time.monotonic() < end and run.poll() is None:
        time.sleep(0.002)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert (run.returncode, said) == (130, "toolmatch: interrupted; nothing more was written\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".curating"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "an earlier run was stopped; going on with its " in done.stdout
    files = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()]
    assert len(files) > 2
    assert all((tmp_path / "whole" / one).read_bytes() == (tmp_path / "out" / one).read_bytes() for one in files)
    assert not (tmp_path / "out/.curating").exists()
