"""Suite files as test files: collection, ids, what a failure shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME, OSLO, BERN = "search(to='FCO')", "search(to='OSL')", "search(to='BRN')"


@pytest.fixture
def trips(project: Project) -> Project:
    return (
        project.with_case("rome", [ROME] * 4, [ROME] * 4, tags=["south"])
        .with_case("oslo", [OSLO] * 4, [OSLO, BERN, BERN, BERN, BERN], tags=["north"])
        .as_yaml()
    )


def test_every_case_is_a_test(trips: Project) -> None:
    run = trips.run("-v")
    run.result.stdout.fnmatch_lines(["trips.toolmatch.yaml::rome PASSED*", "trips.toolmatch.yaml::oslo FAILED*"])
    assert (run.exit, run.outcomes) == (1, {"passed": 1, "failed": 1})


def test_no_other_yaml_is_ours(project: Project) -> None:
    project = project.with_file("compose.yaml", "services: {}").with_file("toolmatch.yaml", "a: b")
    assert project.run("--co").outcomes == {}


@pytest.mark.parametrize("args", [(), ("trips.toolmatch.yml",)])
def test_a_suite_named_yml_is_not_passed_over(trips: Project, args: tuple[str, ...]) -> None:
    files = {path.replace(".toolmatch.yaml", ".toolmatch.yml"): text for path, text in trips.files.items()}
    run = replace(trips, files=files).run(*args)
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert "trips.toolmatch.yml: a suite is named *.toolmatch.yaml; rename it to trips.toolmatch.yaml" in run.text


def test_ids_may_be_any_text(project: Project) -> None:
    names = ["to Rome & back", "nach Köln", "a::b", "a[b]", "東京"]
    for name in names:
        project = project.with_case(name, [ROME], [ROME])
    run = project.as_yaml().run("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 5}
    assert {case["case"] for case in run.report["suites"]["trips"]["cases"]} == set(names)


def test_a_failure_shows_the_chains_side_by_side_and_nothing_else(trips: Project) -> None:
    run = trips.run()
    run.result.stdout.fnmatch_lines(
        [
            "*_ trips.toolmatch.yaml: oslo _*",
            "<Verdict oslo: chain_match 0.20, wanted >= 0.80>",
            "",
            "To oslo, please.",
            "",
            "*teacher: big, 4 of 4 * student: small, 4 of 5 like this",
            "1*search*=*search",
            '*to="OSL"*≠*to="BRN"',
            "student's 5 samples: 1 match · 4 diverge (4 arguments)",
            "diverges: step 1: to",
            'replay: pytest "trips.toolmatch.yaml::oslo" --toolmatch',
        ]
    )
    assert run.text.count("To oslo, please.") == 1


def test_the_command_that_is_shown_replays_the_case(trips: Project) -> None:
    run = trips.run("trips.toolmatch.yaml::oslo")
    assert (run.exit, run.outcomes) == (1, {"failed": 1})


@pytest.mark.parametrize("style", ["short", "line", "native", "no", "long"])
def test_every_style_of_tracebacks_is_fine(trips: Project, style: str) -> None:
    assert trips.run(f"--tb={style}").outcomes == {"passed": 1, "failed": 1}


def test_full_trace_and_locals_are_fine(trips: Project) -> None:
    assert trips.run("--full-trace", "--showlocals").outcomes == {"passed": 1, "failed": 1}


def test_a_skip_names_the_line_of_the_case(project: Project) -> None:
    project = project.with_case("rome", [ROME, OSLO, BERN], [ROME]).as_yaml()
    run = project.run("-rs")
    line = run.path.joinpath("trips.toolmatch.yaml").read_text().splitlines().index('   "id": "rome",')
    assert f"SKIPPED [1] trips.toolmatch.yaml:{line}: teacher agrees with itself" in run.text


def test_a_suite_that_wants_more_of_each_case_says_so(trips: Project) -> None:
    project = trips.as_yaml(chain_match=0.2)
    assert project.run().outcomes == {"passed": 2}


def test_recordings_may_lie_beside_the_suite(trips: Project) -> None:
    path = trips.write()
    (path / "fixtures/recordings/trips").rename(path / "kept")
    bare = type(trips)(trips.pytester, cases=trips.cases).as_yaml(recordings="kept")
    assert type(trips)(trips.pytester, files=bare.files).run().outcomes == {"passed": 1, "failed": 1}


def test_a_case_may_have_tools_of_its_own(project: Project) -> None:
    project = project.with_case("rome", [ROME] * 2, [ROME] * 2)
    own = [{**project.cases[0].form, "tools": [{"name": "search"}]}]
    run = project.as_yaml(cases=own).run()
    assert run.outcomes == {"errors": 1}
    assert ": stale: the " in run.text


def test_overrides_decide_which_arguments_count(project: Project) -> None:
    project = project.with_case("rome", [ROME] * 4, ["search(to='fco ')"] * 4)
    assert project.as_yaml().run().outcomes == {"failed": 1}
    assert project.as_yaml(overrides={"search": {"to": {"casefold": True}}}).run().outcomes == {"passed": 1}


def test_only_calls_of_the_wanted_effect_are_compared(project: Project) -> None:
    project = project.with_case("rome", [f"{ROME} > book(id=7)"] * 4, [f"{OSLO} > book(id=7)"] * 4)
    effects = {"search": "read", "book": "write"}
    assert project.as_yaml(effects=effects).run().outcomes == {"failed": 1}
    assert project.as_yaml(effects=effects, effect="write").run().outcomes == {"passed": 1}
    run = project.as_yaml(effects={"book": "write"}, effect="write").run()
    assert "only calls with effect write (not compared, for want of an effect: search)" in " ".join(run.text.split())


def test_both_kinds_of_suites_live_in_one_run(project: Project) -> None:
    project = project.with_case("rome", [ROME] * 2, [ROME] * 2).as_python()
    (project.write() / "fixtures/recordings/more").mkdir()
    for model in ("big", "small"):
        path = project.pytester.path / f"fixtures/recordings/trips/{model}.jsonl"
        (project.pytester.path / f"fixtures/recordings/more/{model}.jsonl").write_bytes(path.read_bytes())
    files = type(project)(project.pytester, cases=project.cases, name="more").as_yaml().files
    project = type(project)(project.pytester, files={**project.files, **files})
    run = project.run("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 2}
    assert list(run.report["suites"]) == ["more", "trips"]
    assert run.report["all"]["chain_match"]["n"] == 2
