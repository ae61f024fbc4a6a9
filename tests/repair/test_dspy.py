"""DSPy's optimisers, with the student on its own wire: what it is sent, what comes of it, and what is left behind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.core.errors import SamplingError
from pytest_toolmatch.repair.candidate import EXAMPLES, INSTRUCTIONS, example_ids
from pytest_toolmatch.repair.phase import Mended
from tests.repair.planted import PROPOSED, SUITE, TRAIN, Planted, ground, match

dspy = pytest.importorskip("dspy", reason="DSPy is not installed: pip install 'pytest-toolmatch[dspy]'")
pytest.importorskip("optuna", reason="optuna is not installed: pip install 'pytest-toolmatch[dspy]'")

from pytest_toolmatch.repair.dspy_search import bootstrap, mipro  # noqa: E402 - made of dspy

if TYPE_CHECKING:
    from pytest_toolmatch.repair.phase import Phase


def run(phase: Phase, server: Planted, folder: Path, **options: object) -> tuple[Mended, float, list[str], int]:
    """Run a phase; return what it came to, the match on unseen cases, what it said, and the rollouts."""
    with ground(server, folder, **options) as given:
        said: list[str] = []
        found = phase(given, given.components.start, said.append)
        rollouts = given.evaluator.rollouts
        return found, match(given, found.candidate), said, rollouts


def test_what_only_examples_mend_is_mended(tmp_path: Path) -> None:
    with Planted() as server:
        found, after, _, rollouts = run(mipro, server, tmp_path)
    assert after == 1
    assert {name.partition("-")[0] for name in example_ids(found.candidate)} >= {"bill", "book"}
    assert found.learnt_from == len(TRAIN)
    assert rollouts <= 300


def test_the_student_is_sent_tools_and_demonstrations_with_their_calls(tmp_path: Path) -> None:
    with Planted() as server:
        run(mipro, server, tmp_path)
        bodies = server.of_student
    assert {tuple(tool["function"]["name"] for tool in body["tools"]) for body in bodies} == {("book", "bill", "mend")}
    shown = [body["messages"] for body in bodies if sum(one["role"] == "user" for one in body["messages"]) > 1]
    for messages in shown:
        calls = [call["id"] for one in messages for call in one.get("tool_calls", ())]
        replies = [one["tool_call_id"] for one in messages if one["role"] == "tool"]
        assert calls == replies
        assert [one["content"] for one in messages[1:5] if one["role"] == "tool"] == ['{"ok": true}']
    assert shown
    assert "[[ ##" not in json.dumps(bodies)  # DSPy's own form stays between it and the reflection model


def test_proposals_come_from_our_reflection_model_and_are_tried(tmp_path: Path) -> None:
    with Planted() as server:
        run(mipro, server, tmp_path)
        asked = [one["messages"][-1]["content"] for one in server.of_reflection]
        systems = {body["messages"][0]["content"] for body in server.of_student}
    assert any("- bill: Bill a thing." in one and "proposed_instruction" in one for one in asked)
    assert systems == {PROPOSED, SUITE.instructions}


def test_bootstrap_shows_the_first_cases_and_asks_for_nothing(tmp_path: Path) -> None:
    with Planted() as server:
        found, _, _, rollouts = run(bootstrap, server, tmp_path, shots=3)
        assert rollouts == 0
        assert server.of_reflection == []
    assert len(example_ids(found.candidate)) == 3
    assert set(example_ids(found.candidate)) <= {case.id for case in TRAIN}


@pytest.mark.parametrize("phase", [bootstrap, mipro])
def test_the_same_seed_finds_the_same_and_pays_for_nothing_again(phase: Phase, tmp_path: Path) -> None:
    with Planted(noise=0.15) as server:
        first = run(phase, server, tmp_path, seed=5)
        asked = len(server.requests)
        assert run(phase, server, tmp_path, seed=5) == first
        assert len(server.requests) == asked
        assert run(phase, server, tmp_path / "other", seed=6)[0] != first[0]


def test_a_run_that_was_broken_off_comes_to_the_same(tmp_path: Path) -> None:
    with Planted(noise=0.15) as server:
        whole = run(mipro, server, tmp_path / "whole", seed=1)
        with pytest.raises(SamplingError):
            run(mipro, server, tmp_path / "broken", seed=1, budget="60calls")
        assert run(mipro, server, tmp_path / "broken", seed=1) == whole


def test_frozen_components_stay(tmp_path: Path) -> None:
    with Planted() as server:
        only_told, *_ = run(mipro, server, tmp_path / "a", freeze=("examples",))
        assert server.of_reflection
        server.requests.clear()
        only_shown, *_ = run(mipro, server, tmp_path / "b", freeze=("instructions",))
        assert not server.of_reflection
        neither, _, _, rollouts = run(mipro, server, tmp_path / "c", freeze=("instructions", "examples"))
    assert only_told.candidate[EXAMPLES] == "[]"
    assert only_shown.candidate[INSTRUCTIONS] == SUITE.instructions
    assert neither.stopped == "neither the instructions nor the examples may change"
    assert rollouts == 0


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        pytest.param("", "gave no reply to", id="empty"),
        pytest.param("x" * 50_000, "50,000 characters", id="long"),
        pytest.param(f"When told {TRAIN[0].query!r}, use code B-7.", "copies a query", id="copied"),
    ],
)
def test_proposals_of_no_use_are_said_and_not_used(reply: str, complaint: str, tmp_path: Path) -> None:
    with Planted(lambda _: reply) as server:
        found, after, said, _ = run(mipro, server, tmp_path)
        assert {body["messages"][0]["content"] for body in server.of_student} == {SUITE.instructions}
    assert found.candidate[INSTRUCTIONS] == SUITE.instructions
    assert after == 1  # examples are looked for all the same
    assert any(complaint in one for one in said), said


def test_a_reflection_model_that_is_down_is_soon_asked_no_more(tmp_path: Path) -> None:
    with Planted(lambda _: "") as server:
        run(mipro, server, tmp_path)
        assert len(server.of_reflection) == 3


def test_instructions_of_several_lines_stay_as_they_are(tmp_path: Path) -> None:
    said = "  You run an office:\n      - be brief\n\n    - be kind  \n"
    with Planted(lambda _: "") as server, ground(server, tmp_path, rollouts=150) as given:
        start = given.components.start | {INSTRUCTIONS: said}
        found = mipro(given, start, lambda _: None)
        assert found.candidate[INSTRUCTIONS] == said
        assert {body["messages"][0]["content"] for body in server.of_student} == {said}


@pytest.mark.parametrize(
    "reply", ["[[ ## proposed_instruction ## ]]\nCall it.\n\n[[ ## completed ## ]]", "```\nCall it.\n```"]
)
def test_replies_in_either_form_are_understood(reply: str, tmp_path: Path) -> None:
    with Planted(lambda _: reply) as server:
        run(mipro, server, tmp_path)
        assert "Call it." in {body["messages"][0]["content"] for body in server.of_student}


def test_too_few_rollouts_are_said_and_not_begun_with(tmp_path: Path) -> None:
    with Planted() as server:
        for rollouts in (3, 8):
            found, _, _, asked = run(mipro, server, tmp_path, rollouts=rollouts)
            assert example_ids(found.candidate) == []
            assert found.stopped == "stopped: too few rollouts are left to try anything"
            assert asked == 0


def test_a_program_has_all_its_rollouts_in_flight(tmp_path: Path) -> None:
    with Planted(delay=0.1) as server:
        run(mipro, server, tmp_path, rollouts=60)
        assert server.most_in_flight >= 10


def test_nothing_is_printed_and_nothing_is_left_behind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = dict(dspy.settings.config), {one.name for one in threading.enumerate()}
    with Planted() as server:
        run(mipro, server, tmp_path)
        run(bootstrap, server, tmp_path)
    assert capfd.readouterr() == ("", "")
    assert dict(dspy.settings.config) == before[0]
    assert {one.name for one in threading.enumerate()} <= before[1] | {"toolmatch"}
    assert dspy.clients.base_lm.GLOBAL_HISTORY == []


def test_what_it_says_is_heard_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Planted() as server, ground(server, tmp_path, rollouts=100) as given:
        mipro(given, given.components.start, print)
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r" +\d+ rollouts · programs tried: 1 · match 0\.\d\d in training", said[0])
    assert all(" rollouts · programs tried: " in one for one in said)


ALONE = """
import socket, sys, tempfile
from pathlib import Path

away = []
connect, look_up = socket.socket.connect, socket.getaddrinfo
def watched(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"): away.append(address)
    return connect(self, address)
def looked_up(host, *more, **named):
    if host not in ("127.0.0.1", "::1", "localhost"): away.append(host)
    return look_up(host, *more, **named)
socket.socket.connect, socket.getaddrinfo = watched, looked_up

from tests.repair.planted import Planted, ground
from pytest_toolmatch.repair.dspy_search import mipro
with Planted() as server, tempfile.TemporaryDirectory() as folder, ground(server, Path(folder), rollouts=120) as given:
    found = mipro(given, given.components.start, lambda _: None)
assert found.candidate != given.components.start
print("away:", away, "litellm:", "litellm" in sys.modules)
"""


def test_nobody_is_called_but_on_loopback_and_no_file_is_written_at_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "", "https_proxy": "http://127.0.0.1:9", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", ALONE]
    here = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "away: [] litellm: False\n", done.stdout + done.stderr
    assert done.stderr == ""
    assert list(home.rglob("*")) == []


def test_repair_does_not_import_dspy_by_itself() -> None:
    code = "import pytest_toolmatch.repair.repairing, pytest_toolmatch.repair.phases, sys; print('dspy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
