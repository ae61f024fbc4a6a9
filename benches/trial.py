"""A gate at .90 in earnest: ``pytest --toolmatch-mode=live`` against a scripted student of known true rate, ten times.

::

    python benches/trial.py                     # ten runs at each of five rates
    RUNS=3 RATES=.88,.99 python benches/trial.py

The student answers over Chat Completions from a loopback server; whether a draw is right is a throw of seeded dice, and
the cases differ: half of them lie above the suite's rate, half below. Its teacher is a function that never wavers.
Every run is a whole process with ``--toolmatch-samples=auto``; its exit status is the gate's word: 0 it holds, 1 it
fails or nobody can tell. *Fixed* is what a test of fixed size would draw that errs in 5 % at the gate and in 5 % at
this rate.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import tabulate

from pytest_toolmatch.statistics.planning import fixed_draws

BOUND, CASES = 0.90, 30
RUNS = int(os.environ.get("RUNS", "10"))
RATES = [float(rate) for rate in os.environ.get("RATES", ".80,.88,.90,.92,.99").split(",")]
RIGHT, WRONG = {"destination": "FCO"}, {"destination": "OSL"}
TOOL = {
    "name": "search_flights",
    "description": "Find flights.",
    "parameters": {"type": "object", "properties": {"destination": {"type": "string"}}, "required": ["destination"]},
}
TEACHER = """
def teacher(request):
    if request.conversation[-1].role == "tool":
        return "There is one."
    return [{"name": "search_flights", "arguments": {"destination": "FCO"}}]
"""


class Outcome(NamedTuple):
    """One run: its exit status, the gate's state, and how many draws it looked at and how many it made."""

    status: int
    state: str
    looked: int
    made: int


class Student(ThreadingHTTPServer):
    """Answers each case rightly at its own rate; 4 points above the suite's, or below, where that is possible."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, rate: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.rate, self.dice, self.lock, self.made = rate, random.Random(seed), threading.Lock(), 0  # noqa: S311
        self.off = min(0.04, 1 - rate)

    def handle_error(self, *_: object) -> None:
        """Say nothing: a run that has decided lets go of what it had in flight."""

    def call(self, query: str) -> dict[str, Any]:
        """Throw the dice for one draw of a case."""
        with self.lock:
            self.made += 1
            even = int(query.rpartition(" ")[2]) % 2 == 0
            return RIGHT if self.dice.random() < self.rate + (self.off if even else -self.off) else WRONG


class Answering(BaseHTTPRequestHandler):
    """Chat Completions, as far as a run needs it."""

    protocol_version = "HTTP/1.1"
    server: Student

    def do_POST(self) -> None:
        """Answer with a call, or after a tool's reply with a text."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message: dict[str, Any] = {"role": "assistant", "content": "There is one."}
        if asked["messages"][-1]["role"] == "user":
            arguments = json.dumps(self.server.call(asked["messages"][-1]["content"]))
            function = {"name": TOOL["name"], "arguments": arguments}
            message |= {"content": None, "tool_calls": [{"id": "c", "type": "function", "function": function}]}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Say nothing."""


def suite_in(folder: Path) -> None:
    """Write the suite: its cases differ in a number only, by which the student tells them apart."""
    cases = "".join(f"  - {{id: case-{number}, query: Which flights to Rome, {number}}}\n" for number in range(CASES))
    (folder / "trial.toolmatch.yaml").write_text(
        f'tools: tools.json\ngates: ["chain_match >= {BOUND}"]\ndivergence: xfail\ncases:\n{cases}'.replace(
            "Rome, ", "Rome? Mine is "
        )
    )
    (folder / "tools.json").write_text(json.dumps([TOOL]))
    (folder / "scripted.py").write_text(TEACHER)


def run(folder: Path, rate: float, seed: int) -> Outcome:
    """Run pytest against a fresh student."""
    with Student(rate, seed) as student:
        threading.Thread(target=student.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{student.server_address[1]}/v1"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--toolmatch-mode=live"]
        command += ["--toolmatch-samples=auto:5-60", "--toolmatch-report=report.json"]
        command += ["--toolmatch-teacher=python:scripted:teacher", f"--toolmatch-student=local:student@{url}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        student.shutdown()
    if done.returncode not in {0, 1}:
        sys.exit(done.stdout + done.stderr)
    (gate,) = json.loads((folder / "report.json").read_text())["suites"]["trial"]["gates"]
    return Outcome(done.returncode, gate["state"], gate["draws"], student.made)


def main() -> None:
    """Print a line for every rate."""
    rows = []
    with tempfile.TemporaryDirectory() as path:
        suite_in(Path(path))
        for rate in RATES:
            outcomes = [run(Path(path), rate, seed) for seed in range(RUNS)]
            statuses = " ".join(str(one.status) for one in outcomes)
            states = ", ".join(f"{count} {state}" for state, count in Counter(one.state for one in outcomes).items())
            looked = sorted(one.looked for one in outcomes)
            fixed = "" if rate == BOUND else round(fixed_draws(BOUND, rate))
            means = fmean(looked), fmean(one.made for one in outcomes)
            rows.append([rate, statuses, states, f"{looked[0]}–{looked[-1]}", *map(round, means), fixed])
            print(f"  {rate:.2f} done", file=sys.stderr)
    print(
        f"\nGate chain_match >= {BOUND:.2f}, {CASES} cases, scripted student, 5 draws a case at first and 60 at most\n"
    )
    heads = ("true rate", "exit statuses", "gate", "draws", "mean", "made", "fixed size")
    print(tabulate.tabulate(rows, heads, floatfmt=".2f"))


if __name__ == "__main__":
    main()
