"""``toolmatch export``: what leaves, what stays, and what is refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import draw_key
from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.curation.splits import groups, parts
from pytest_toolmatch.sampling.recordings import Record, append_records, read_records, recording_path
from pytest_toolmatch.suites.exporters import FORMATS
from pytest_toolmatch.suites.writer import write_suite
from tests.distill.teachers import TEACHER, TOOLS, asked, record

TOLD = list(asked(40, seed=3))
PLACED = dict(zip([query for query, _ in TOLD], parts(groups([query for query, _ in TOLD]), 0), strict=True))
LIMA = ((Call("get_weather", {"city": "Lima"}),),)
RIGA = ((Call("get_weather", {"city": "Riga"}),),)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert main(["export", *options]) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    before = sorted(Path().rglob("*"))
    assert main(["export", *options]) == 4
    assert sorted(Path().rglob("*")) == before
    (said,) = capsys.readouterr().err.splitlines()
    return said


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def queries(path: str) -> list[str]:
    return [line["query"] for line in lines(path)]


def draws(*samples: Sample, tools: Any = TOOLS, **more: Any) -> str:
    """Write a suite of one case with samples of one teacher."""
    suite = Suite(name="one", cases=(Case(id="it", conversation=user("weather?")),), tools=tools, **more)
    plan = Plan(suite, Model(name=TEACHER))
    keys = [draw_key(plan.asked(suite.cases[0], one.role), one.role, one.draw) for one in samples]
    rows = [Record(key=key, model=TEACHER, sample=one) for key, one in zip(keys, samples, strict=True)]
    append_records(recording_path(Path("suites/recordings/one"), TEACHER), rows)
    return str(write_suite(suite, Path("suites")))


def drawn(draw: int, chain: Chain, **more: Any) -> Sample:
    fields = {"outcome": outcome_of(chain), "role": "teacher"} | more
    return Sample(case="it", draw=draw, chain=chain, **fields)


def test_every_sample_is_a_row_and_test_cases_stay(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("suites"), TOLD, draws=3)
    said = printed(capsys, "needle", "suites", "-o", "out")
    for part in ("train", "validation"):
        wanted = [query for query, one in PLACED.items() if one == part for _ in range(3)]
        assert queries(f"out/{part}.jsonl") == wanted
        assert f"out/{part}.jsonl: {len(wanted)} rows of {len(wanted) // 3} cases" in said
    assert sorted(path.name for path in Path("out").iterdir()) == ["train.jsonl", "validation.jsonl"]
    assert said[0] == f"needle: {TEACHER}, 40 recorded cases, 120 samples"
    assert f"not exported: {list(PLACED.values()).count('test')} test cases" in said
    assert said[-1] == "next: needle finetune out/train.jsonl"


def test_test_cases_leave_when_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("suites"), TOLD)
    said = printed(capsys, "needle", "suites", "-o", "out", "--part", "test", "--consensus")
    assert queries("out/test.jsonl") == [query for query, one in PLACED.items() if one == "test"]
    assert any("test cases exported: what is trained on them can't be judged by them" in line for line in said)
    said = printed(capsys, "needle", "suites", "-o", "all.jsonl", "--part", "all", "--consensus")
    assert sorted(queries("all.jsonl")) == sorted(PLACED)
    assert "  train and validation and test are in one file: name a directory to have one each" in said


def test_a_seed_moves_cases_to_other_parts(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("suites"), TOLD)
    printed(capsys, "needle", "suites", "-o", "a", "--part", "test")
    printed(capsys, "needle", "suites", "-o", "b", "--part", "test", "--seed", "1")
    assert queries("a/test.jsonl") != queries("b/test.jsonl")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_writes_every_case(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    calling = [(query, chain) for query, chain in TOLD if chain]
    record(Path("suites"), calling)
    said = printed(capsys, form, "suites", "-o", "out", "--part", "all", "--consensus")
    counts = [int(line.split(": ")[1].split()[0]) for line in said if line.startswith("out/")]
    assert sum(counts) == len(calling)


def test_what_is_exported_as_bfcl_is_imported_again(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("suites"), TOLD)
    said = printed(capsys, "bfcl", "suites", "-o", "out", "--part", "all")
    assert said[-1] == "next: toolmatch import bfcl out -o suites/bfcl"
    assert main(shlex.split(said[-1].removeprefix("next: toolmatch "))) == 0
    found = {
        one.sample.case: one.sample.chain for one in read_records(Path("suites/bfcl/recordings/house/reference.jsonl"))
    }
    assert found == {f"house_{place}": chain for place, (_, chain) in enumerate(TOLD)}


def test_the_consensus_is_what_most_samples_do(capsys: pytest.CaptureFixture[str]) -> None:
    suite = draws(drawn(0, RIGA), *(drawn(draw, LIMA) for draw in (1, 2, 3)))
    printed(capsys, "needle", suite, "-o", "all.jsonl", "--part", "all")
    printed(capsys, "needle", suite, "-o", "one.jsonl", "--part", "all", "--consensus")
    cities = [line["answers"][0]["arguments"]["city"] for line in lines("all.jsonl")]
    assert cities == ["Riga", "Lima", "Lima", "Lima"]
    assert [line["answers"] for line in lines("one.jsonl")] == [
        [{"name": "get_weather", "arguments": {"city": "Lima"}}]
    ]


def test_an_ambiguous_case_has_no_consensus(capsys: pytest.CaptureFixture[str]) -> None:
    suite = draws(drawn(0, RIGA), drawn(1, LIMA))
    said = refused(capsys, "needle", suite, "-o", "out", "--part", "all", "--consensus")
    assert said.endswith("no row is left for needle: 1 case left out: ambiguous, the teacher has no consensus")


def test_calls_that_a_run_would_refuse_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ((Call("get_weather", {"town": 5}),),)
    strange = ((Call("open_door"),),)
    suite = draws(drawn(0, LIMA), drawn(1, wrong), drawn(2, strange), drawn(3, LIMA, outcome="truncated"))
    said = printed(capsys, "openai", suite, "-o", "out", "--part", "all")
    assert "  ! 1 sample left out: their arguments do not satisfy the schema of their tool" in said
    assert "  ! 1 sample left out: they call tools that are not on offer" in said
    assert "  ! 1 sample: nothing to learn from, since they broke off" in said


def test_of_answers_that_all_count_as_right_the_first_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    both = [drawn(draw, chain, role="recorded", alternative=True) for draw, chain in enumerate((LIMA, RIGA))]
    suite = draws(*both)
    for place, more in enumerate(([], ["--consensus"])):
        said = printed(capsys, "needle", suite, "-o", f"{place}.jsonl", "--part", "all", *more)
        assert len(lines(f"{place}.jsonl")) == 1
        assert any("1 sample left out: another answer that counts as right" in line for line in said)


def test_replies_are_those_that_were_recorded_else_they_are_told_to_be_simulated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    suite = draws(
        drawn(0, (*LIMA, *RIGA), replies=(("sunny",), ("rain",)), text="Sun and rain."),
        drawn(1, RIGA, text="Rain."),
        drawn(2, ((Call("play_music"),),), text="Playing."),
        drawn(3, LIMA),
    )
    said = printed(capsys, "openai", suite, "-o", "out.jsonl", "--part", "all")
    told = [[one["content"] for one in line["messages"] if one["role"] == "tool"] for line in lines("out.jsonl")]
    assert told == [["sunny", "rain"], ["rain"], ['{"status":"ok"}'], []]
    assert "  ! 1 reply simulated: none is recorded" in said


def test_what_is_stale_is_told_with_the_command_that_records_it(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("suites"), TOLD)
    ours = recording_path(Path("suites/recordings/house"), TEACHER)
    theirs = [msgspec.structs.replace(one, model="local:m") for one in read_records(ours)]
    append_records(ours.with_name("local-m.jsonl"), theirs)
    cases = Path("suites/house.cases.jsonl")
    cases.write_text(cases.read_text().replace('"query":"', '"query":"Now ', 1))
    said = printed(capsys, "needle", "suites", "-o", "out", "--teacher", "local:m")
    assert "  ! 2 samples: stale, their query, tools or instructions have changed since" in said
    assert "to record what is lacking: toolmatch record suites --teacher local:m" in said


def test_where_all_is_stale_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    suite = Path(draws(drawn(0, LIMA)))
    suite.write_text("instructions: Be brief.\n" + suite.read_text())
    said = refused(capsys, "needle", str(suite), "-o", "out", "--part", "all")
    assert "nothing of scripted:teacher can be exported: 1 sample: stale, their query," in said


def test_parts_without_cases_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    suite = draws(drawn(0, LIMA))
    (part,) = parts(groups(["weather?"]), 0)
    other = "train" if part != "train" else "test"
    said = refused(capsys, "needle", suite, "-o", "out", "--part", other)
    assert f"of 1 recorded case none is in {other} (there are {part} 1): name other parts with --part" in said


def test_two_suites_of_one_name_are_not_mixed(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("a"), TOLD)
    record(Path("b"), TOLD)
    assert "two suites are named house: a/" in refused(capsys, "bfcl", "a", "b", "-o", "out")
    printed(capsys, "needle", "a", "b", "-o", "out")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["opnai", "suites", "-o", "out"], "no export format 'opnai'; did you mean 'openai'?; known: anthropic,"),
        (["openai", "nowhere", "-o", "out"], "nowhere: there is no such file or directory"),
        (["openai", "suites", "-o", "out", "--teacher", "scripted:teachr"], "did you mean 'scripted:teacher'"),
        (["openai", "suites", "-o", "taken.jsonl"], "taken.jsonl exists already"),
        (["openai", "suites", "-o", "suites/house.toolmatch.yaml"], "exists already"),
        (["bfcl", "suites", "-o", "out.jsonl"], "out.jsonl is one file, and this format is several: name a directory"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record(Path("suites"), TOLD)
    Path("taken.jsonl").write_text("mine")
    assert said in refused(capsys, *options)


def test_without_a_recording_or_with_several_the_way_on_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("suites"), TOLD)
    ours = recording_path(Path("suites/recordings/house"), TEACHER)
    theirs = [msgspec.structs.replace(one, model="other") for one in read_records(ours)]
    append_records(ours.with_name("other.jsonl"), theirs)
    assert "2 models are recorded: say which is the teacher" in refused(capsys, "openai", "suites", "-o", "out")
    for path in ours.parent.iterdir():
        path.unlink()
    assert "nothing is recorded in" in refused(capsys, "openai", "suites", "-o", "out")
