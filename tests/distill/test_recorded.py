"""What a student learns from: which samples count, and how they become turns."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.errors import ConfigError, MissingRecording
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.turns import examples_of
from pytest_toolmatch.recorded.reading import Recorded, read_recorded
from pytest_toolmatch.recorded.replies import KnownReplies
from pytest_toolmatch.sampling.recordings import read_records, recording_path
from tests.distill.teachers import TEACHER, asked, record

FIND, BOOK = Call("find", {"to": "Rome"}), Call("book", {"id": 7})
TOOLS = (
    Tool(name="find", parameters={"type": "object", "properties": {"to": {"type": "string"}}}),
    Tool(name="book", parameters={"type": "object", "properties": {"id": {"type": "integer"}}}, reply="booked"),
)
CASE = Case(id="trip", conversation=user("Book a flight to Rome"))
SUITE = Suite(name="trips", cases=(CASE,), tools=TOOLS, instructions="Today is 2026-05-04.")
NOWHERE = Path("fixtures/recordings")


def drawn(*chain: Call, draw: int = 0, replies: tuple[tuple[str, ...], ...] = (), **more: object) -> Sample:
    steps = tuple((call,) for call in chain)
    fields = {"outcome": "called", **more}
    return Sample(case="trip", role="teacher", draw=draw, chain=steps, replies=replies, **fields)  # type: ignore[arg-type]


def recorded(*samples: Sample) -> Recorded:
    return Recorded(SUITE, CASE, TOOLS, samples)


def test_a_sample_becomes_a_turn_for_each_step_and_one_that_ends() -> None:
    one = recorded(drawn(FIND, BOOK, replies=(('{"id": 7}',), ("done",))))
    first, second, last = examples_of(one, "g")
    start = (Message("system", "Today is 2026-05-04."), *CASE.conversation)
    found = (Message("assistant", calls=(FIND,)), Message("tool", '{"id": 7}', name="find"))
    assert (first.conversation, first.calls, first.kind) == (start, (FIND,), "first_of_several")
    assert (second.conversation, second.calls, second.kind) == ((*start, *found), (BOOK,), "next_of_several")
    assert (last.conversation[-1].content, last.calls, last.kind) == ("done", (), "done")
    assert {one.group for one in (first, second, last)} == {"g"}


def test_draws_share_the_weight_of_their_case() -> None:
    draws = [drawn(FIND, draw=0), drawn(FIND, draw=1), drawn(outcome="answered", draw=2)]
    weights = {one.kind: one.weight for one in examples_of(recorded(*draws), "g")}
    assert weights == pytest.approx({"one": 2 / 3, "done": 2 / 3, "no_call": 1 / 3})


def test_samples_that_broke_off_teach_nothing() -> None:
    draws = [drawn(FIND, draw=0), drawn(BOOK, draw=1, outcome="truncated"), drawn(BOOK, draw=2, outcome="invalid")]
    assert [(one.calls, one.weight) for one in examples_of(recorded(*draws), "g")] == [((FIND,), 1.0), ((), 1.0)]


def test_an_equal_call_gets_the_recorded_reply_another_that_of_the_suite_or_a_simulated_one() -> None:
    replies = KnownReplies(recorded(drawn(FIND, replies=(("flight 7",),))))
    calls = [FIND, Call("find", {"to": "Oslo"}), BOOK, Call("find", {"to": "Rome"})]
    assert [replies.text(call) for call in calls] == ["flight 7", '{"status":"ok"}', "booked", "flight 7"]


def test_stale_and_unrecorded_cases_are_left_out_and_counted(tmp_path: Path) -> None:
    suite = record(tmp_path, list(asked(5)))
    cases = tmp_path / "house.cases.jsonl"
    cases.write_text(cases.read_text().replace('"query":"', '"query":"Now ', 1) + '{"id": "new", "query": "new"}\n')
    found = read_recorded([suite], NOWHERE)
    assert (found.teacher, len(found.cases)) == (TEACHER, 4)
    assert sorted(found.notes) == [
        "1 case: not recorded",
        "2 samples: stale, their query, tools or instructions have changed since",
    ]


def test_a_directory_has_all_of_its_suites_and_each_counts_once(tmp_path: Path) -> None:
    record(tmp_path / "a", list(asked(3)))
    record(tmp_path / "b", list(asked(4)))
    found = read_recorded([tmp_path, tmp_path / "a"], NOWHERE)
    assert len(found.cases) == 7


def test_of_several_recorded_models_one_has_to_be_named(tmp_path: Path) -> None:
    suite = record(tmp_path, list(asked(3)))
    ours = recording_path(tmp_path / "recordings" / "house", TEACHER)
    others = [msgspec.structs.replace(one, model="other") for one in read_records(ours)]
    ours.with_name("other.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in others))
    with pytest.raises(ConfigError, match="2 models are recorded: say which is the teacher, as in --teacher other"):
        read_recorded([suite], NOWHERE)
    assert read_recorded([suite], NOWHERE, "other").teacher == "other"
    with pytest.raises(MissingRecording, match="did you mean 'other'"):
        read_recorded([suite], NOWHERE, "othr")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none", "there is no such file or directory"),
        (".", "no suite is in this directory"),
        ("test_it.py", "this is no suite: a student learns from"),
    ],
)
def test_what_is_no_suite_is_told(tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "test_it.py").write_text("")
    with pytest.raises(ConfigError, match=said):
        read_recorded([tmp_path / path], NOWHERE)


def test_without_recordings_the_way_to_some_is_told(tmp_path: Path) -> None:
    suite = record(tmp_path, list(asked(3)))
    recording_path(tmp_path / "recordings" / "house", TEACHER).unlink()
    with pytest.raises(MissingRecording, match=r"nothing is recorded in .*: record a teacher"):
        read_recorded([suite], NOWHERE)


def test_without_torch_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    suite = record(tmp_path, list(asked(3)))
    assert main(["distill", str(suite), "-o", str(tmp_path / "out")]) == 4
    (said,) = capsys.readouterr().err.splitlines()
    assert said.endswith("torch, which is not installed: pip install 'pytest-toolmatch[distill]'")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--curve=50,0", "--curve=50,,5", "--draws=-1", "--held-out=many"])
def test_numbers_are_whole_and_above_none(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="4"):
        main(["distill", "suites", "-o", "out", option])
    assert "is no whole number above 0" in capsys.readouterr().err
