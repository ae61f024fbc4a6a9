"""``toolmatch curate``: two suites that replay, and a reason for every case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import draw_key
from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.curating.explained import Explained
from pytest_toolmatch.repair.parts import parts_of
from pytest_toolmatch.sampling.recordings import Record, append_records, read_records, recording_path
from pytest_toolmatch.suites.writer import write_suite
from pytest_toolmatch.suites.yaml_file import read_suite

CITIES = ("Oslo", "Rome", "Lima", "Cairo", "Quito", "Perth", "Turin", "Osaka", "Dakar", "Tunis")
ASKED = (
    "What is the weather in {}?",
    "will it rain in {} today",
    "Book a train to {} for me and my aunt.",
    "remind me to water the {} palm",
)
TOOLS = ("weather", "weather", "book", "")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def chain(number: int, city: str, draw: int) -> Any:
    name = TOOLS[number % 4]
    wavers = name == "book" and city > "P" and draw == 1
    return chain_of([[{"name": name, "arguments": {"city": "Rio" if wavers else city}}]] if name else [])


def logs(name: str = "made", cities: tuple[str, ...] = CITIES, **more: Any) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = tuple(Tool(name=one, parameters=schema) for one in ("weather", "book"))
    asked = [(place, city) for city in cities for place in range(4)]
    cases = tuple(Case(id=f"{city}-{place}", conversation=user(ASKED[place].format(city))) for place, city in asked)
    suite = Suite(name=name, cases=cases, tools=tools, gates=("chain_match >= 0.1",), **more)
    write_suite(suite, Path("logs"))
    for model, draws in (("large", 2), ("small", 1)):
        plan = Plan(suite, Model(name=model))
        records = []
        for (place, city), case in zip(asked, cases, strict=True):
            for draw in range(draws):
                did = chain(place + (model == "small" and city < "D"), city, draw)
                sample = Sample(case=case.id, role="recorded", draw=draw, outcome=outcome_of(did), chain=did)
                records.append(
                    Record(key=draw_key(plan.asked(case, "recorded"), "recorded", draw), model=model, sample=sample)
                )
        append_records(recording_path(Path("logs/recordings") / name, model), records)


def curate(capsys: pytest.CaptureFixture[str], *options: str, status: int = 0) -> str:
    assert main(["curate", "logs", "-o", "out", "--teacher", "large", *options]) == status
    said = capsys.readouterr()
    return said.err if status else said.out


def explained() -> list[Explained]:
    return list(Explained.read(Path("out/curation.jsonl")))


def test_every_case_has_a_reason_and_the_pools_share_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    said = curate(capsys, "--size", "8", "--evaluate", "8")
    found = explained()
    assert len(found) == 40
    assert sum(one.pool == "optimise" for one in found) == 8
    assert {one.family for one in found if one.pool == "optimise"}.isdisjoint(
        one.family for one in found if one.pool == "evaluate"
    )
    assert {one.part for one in found if one.pool == "evaluate"} == {"test"}
    kept = {f"{one.suite}/{one.id}" for one in found if one.state == "kept"}
    dropped = [one for one in found if one.state == "dropped"]
    assert dropped
    assert all(one.stands_for in kept and (one.likeness or 0) > 1 - 0.22 for one in dropped)
    assert all(
        {one.stratum, other.stratum} == {one.stratum}
        for one in dropped
        for other in found
        if f"made/{other.id}" == one.stands_for
    )
    assert "← taken" in said
    assert f"{len(dropped):,} dropped" in said


def test_the_same_question_in_other_words_goes_and_the_same_words_of_another_city_stay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs()
    curate(capsys)
    state = {one.id: one.state for one in explained()}
    for city in CITIES:
        assert sorted((state[f"{city}-0"], state[f"{city}-1"])) == ["dropped", "kept"]
        if city < "P":  # of the others the teacher's own draws name another city
            assert state[f"{city}-2"] == "kept"


def test_kinds_are_all_there(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    curate(capsys, "--size", "5", "--evaluate", "6")
    chosen = [one for one in explained() if one.pool == "optimise"]
    assert {one.stratum.partition("(")[0] for one in chosen} == {"weather", "book", ""}
    assert any(one.terms.get("consistency") == 0 for one in chosen), "an ambiguous one"


def test_both_suites_replay(capsys: pytest.CaptureFixture[str], pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    logs()
    curate(capsys, "--size", "6", "--evaluate", "9")
    evaluate = read_suite(Path("out/made.evaluate.toolmatch.yaml"))
    assert evaluate.gates == ("chain_match >= 0.1",)
    assert sum(case.weight for case in evaluate.cases) == pytest.approx(len(evaluate.cases), abs=1e-4)
    assert read_suite(Path("out/made.optimise.toolmatch.yaml")).gates == ()
    done = pytester.runpytest_inprocess(
        "out", "--toolmatch", "--toolmatch-teacher=large", "--toolmatch-student=small", "--toolmatch-report=r.json"
    )
    assert "MissingRecording" not in done.stdout.str()
    report = json.loads(Path("r.json").read_text())
    weights = {case.id: case.weight for case in evaluate.cases}
    judged = [one for one in report["suites"]["made.evaluate"]["cases"] if one["measures"].get("chain_match")]
    assert judged
    mean = sum(weights[one["case"]] * one["measures"]["chain_match"][0] for one in judged)
    mean /= sum(weights[one["case"]] for one in judged)
    assert report["suites"]["made.evaluate"]["metrics"]["chain_match"]["value"] == pytest.approx(mean)


def test_a_gate_that_is_looked_at_as_draws_come_in_knows_the_weights(
    capsys: pytest.CaptureFixture[str], pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\n")
    logs()
    curate(capsys, "--size", "6", "--evaluate", "9")
    cases = read_suite(Path("out/made.evaluate.toolmatch.yaml")).cases
    assert len({case.weight for case in cases}) > 1
    models = ("--toolmatch-teacher=large", "--toolmatch-student=small")
    pytester.runpytest_inprocess(
        "out/made.evaluate.toolmatch.yaml",
        "--toolmatch",
        *models,
        "--toolmatch-samples=auto",
        "--toolmatch-report=r.json",
    )
    suite = json.loads(Path("r.json").read_text())["suites"]["made.evaluate"]
    (gate,) = suite["gates"]
    assert gate["value"] == pytest.approx(suite["metrics"]["chain_match"]["value"])


def test_the_order_of_the_cases_has_no_say(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = []
    for name, cities in (("logs", CITIES), ("logs2", CITIES[::-1])):
        logs(cities=cities)
        curate(capsys, "--size", "7", "--evaluate", "7")
        chosen.append({one.id: (one.pool, one.state, one.stands_for, one.weight) for one in explained()})
        Path("logs").rename(f"{name}.old")
        Path("out").rename(f"{name}.out")
    assert chosen[0] == chosen[1]


def test_more_than_there_is_is_said_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    said = curate(capsys, "--size", "400", "--evaluate", "300")
    assert "! --size 400: there are no more cases on its side; it has all of them" in said
    assert "! --evaluate 300" in said
    found = explained()
    assert all(one.pool == "optimise" for one in found if one.part != "test" and one.state == "kept")
    assert 0 < sum(one.pool == "evaluate" for one in found) <= 20
    assert any(one.pool == "optimise" for one in found)


def test_one_case_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    assert "run the same command without --explain first" in curate(capsys, "--explain", "x", status=4)
    curate(capsys)
    dropped = next(one for one in explained() if one.state == "dropped")
    said = curate(capsys, "--explain", dropped.id)
    assert said.startswith(f"made/{dropped.id}: dropped")
    assert f"{dropped.stands_for} stands for it, likeness {dropped.likeness:.3f}" in said
    assert "quality" in said
    assert "no such case" in curate(capsys, "--explain", "nobody", status=4)


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    curate(capsys)
    assert "out/curation.jsonl exists already" in curate(capsys, status=4)


def test_a_file_in_the_place_of_the_directory_is_said_before_any_work(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    Path("out").write_text("mine")
    assert "-o out: out is a file" in curate(capsys, status=4)
    assert Path("out").read_text() == "mine"
    assert "-o /dev/null/x: can't be written: a file is in the way" in curate(capsys, "-o", "/dev/null/x", status=4)
    assert "--map out/map.html: can't be written" in curate(capsys, "--map", "out/map.html", status=4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--teacher", "larg"], "did you mean 'large'"),
        (["--students", "smal"], "did you mean 'small'"),
        (["--embedder", "hash"], "no such embedder"),
    ],
)
def test_wrong_names_are_one_line(capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    logs()
    assert said in curate(capsys, *options, status=4)
    assert not Path("out").exists()


@pytest.mark.parametrize("options", [["--epsilon", "2"], ["--size", "-1"]])
def test_wrong_numbers_are_usage_errors(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["curate", "logs", "-o", "out", *options])
    assert ended.value.code == 4
    assert options[0] in capsys.readouterr().err


def test_stale_and_unanswered_cases_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    cases = Path("logs/made.cases.jsonl")
    cases.write_text(cases.read_text().replace("What is the weather in Oslo?", "What's up?"))
    said = curate(capsys)
    assert "3 samples stale: query, tools or instructions have changed since" in said
    assert "1 case left out: the teacher has no usable sample" in said


def test_several_teachers_must_be_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    assert main(["curate", "logs", "-o", "out"]) == 4
    assert "2 models are recorded: say which is the teacher, as in --teacher large" in capsys.readouterr().err


def test_two_suites_are_chosen_from_together(capsys: pytest.CaptureFixture[str]) -> None:
    logs("one", CITIES[:5])
    logs("two", CITIES[5:])
    curate(capsys, "--size", "6", "--evaluate", "0")
    suites = [read_suite(path) for path in sorted(Path("out").glob("*.toolmatch.yaml"))]
    assert [suite.name for suite in suites] == ["one.optimise", "two.optimise"]
    assert sum(len(suite.cases) for suite in suites) == 6


TOOLS_IN_PYTHON = """
from pytest_toolmatch import tool

@tool(effect="read")
def weather(city: str) -> str:
    '''Say how it is there.'''
    return "sunny"

TOOLS = [weather]
"""


def test_draws_with_tools_in_python_are_found_again(capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs").mkdir()
    Path("logs/pythontools.py").write_text(TOOLS_IN_PYTHON)
    asked = [{"id": city, "query": f"What is the weather in {city}?"} for city in CITIES]
    Path("logs/made.toolmatch.yaml").write_text(
        json.dumps({"tools": "pythontools:TOOLS", "recordings": "recordings/made", "cases": asked})
    )
    suite = read_suite(Path("logs/made.toolmatch.yaml"))
    plan = Plan(suite, Model(name="large"))
    records = []
    for case in suite.cases:
        did = chain(0, case.id, 0)
        sample = Sample(case=case.id, role="teacher", draw=0, outcome="called", chain=did)
        records.append(Record(key=plan.key(case, "teacher", 0), model="large", sample=sample))
    append_records(recording_path(Path("logs/recordings/made"), "large"), records)
    assert "! its tools were Python functions or a server's" in curate(capsys, "--size", "3", "--evaluate", "3")
    written = read_suite(Path("out/made.evaluate.toolmatch.yaml"))
    after = Plan(written, Model(name="large"))
    assert after.asked(written.cases[0], "teacher") != plan.asked(suite.cases[0], "teacher")
    keys = [one.key for one in read_records(Path("out/recordings/made.evaluate/large.jsonl"))]
    assert keys == [after.key(case, "teacher", 0) for case in written.cases]


def test_what_evaluates_is_spared_by_every_export(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    said = curate(capsys, "--size", "8", "--evaluate", "8")
    assert "logs/held-out.jsonl: " in said
    test = {one.id for one in explained() if one.part == "test"}
    evaluate = {one.id for one in explained() if one.pool == "evaluate"}
    assert {case.id for case in read_suite(Path("logs/made.toolmatch.yaml")).cases if case.held_out} == test >= evaluate
    for source in ("logs", "out/made.optimise.toolmatch.yaml"):
        assert main(["export", "dspy", source, "-o", "train.jsonl", "--teacher", "large"]) == 0
        rows = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
        asked = {row["conversation"][-1]["content"] for row in rows}
        assert asked
        assert not {case.query for case in read_suite(Path("out/made.evaluate.toolmatch.yaml")).cases} & asked
        Path("train.jsonl").unlink()
    capsys.readouterr()
    assert main(["export", "dspy", "out/made.evaluate.toolmatch.yaml", "-o", "x.jsonl", "--teacher", "large"]) != 0
    assert "none is in train or validation (there are test 8)" in capsys.readouterr().err
    suite = read_suite(Path("logs/made.toolmatch.yaml"))
    assert test <= {case.id for case in parts_of(suite).test}
    with pytest.raises(ConfigError, match="all of its cases are held out"):
        parts_of(msgspec.structs.replace(suite, cases=tuple(case for case in suite.cases if case.id in test)))


def test_a_second_choice_adds_to_what_is_spared(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    curate(capsys, "--size", "8", "--evaluate", "8")
    before = Path("logs/held-out.jsonl").read_bytes()
    assert main(["curate", "logs", "-o", "again", "--teacher", "large", "--seed", "3", "--evaluate", "8"]) == 0
    after = Path("logs/held-out.jsonl").read_bytes()
    assert after.startswith(before)
    chosen = {one.id for one in Explained.read(Path("again/curation.jsonl")) if one.pool == "optimise"}
    assert not chosen & {json.loads(line)["case"] for line in before.splitlines()}
    assert len(set(after.splitlines())) == len(after.splitlines()) > len(before.splitlines())


def test_what_can_not_be_noted_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    Path("logs/held-out.jsonl").mkdir()
    assert main(["curate", "logs", "-o", "out", "--teacher", "large"]) != 0
    assert "held-out.jsonl" in capsys.readouterr().err


def test_a_broken_line_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    Path("logs/held-out.jsonl").write_text('{"suite": "made"}\n')
    assert "logs/held-out.jsonl:1: not what toolmatch curate writes" in curate(capsys, status=4)


@pytest.mark.parametrize(("size", "told"), [(4, True), (5, False)])
def test_strata_are_told_where_the_whole_is_large(size: int, told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    logs()
    curate(capsys, "--size", "8", "--evaluate", str(size))
    strata = [case.stratum for case in read_suite(Path("out/made.evaluate.toolmatch.yaml")).cases]
    assert sorted(strata) == (["1", "1", "2", "2"] if told else [""] * size)
