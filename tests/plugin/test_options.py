"""Options and settings: who has the say, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"


@pytest.fixture
def trips(project: Project) -> Project:
    return project.with_case("rome", [ROME] * 4, [ROME] * 3 + [OSLO]).as_yaml()


def test_a_mode_implies_the_flag(trips: Project) -> None:
    run = trips.with_ini(toolmatch_chain_match=0.7).run("--toolmatch-mode=replay", toolmatch=False)
    assert run.outcomes == {"passed": 1}


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("reply", "--toolmatch-mode=reply: choose from replay, record, refresh, live; did you mean 'replay'?"),
        ("xyz", "--toolmatch-mode=xyz: choose from replay, record, refresh, live"),
    ],
)
def test_an_unknown_mode_names_the_known(trips: Project, mode: str, message: str) -> None:
    assert trips.run(f"--toolmatch-mode={mode}").refusal == message


def test_the_header_names_the_models_and_the_mode(trips: Project) -> None:
    assert "toolmatch: teacher big, student small, replay" in trips.run().text


def test_the_command_line_beats_the_file_beats_the_default(trips: Project) -> None:
    assert trips.with_ini(toolmatch_student="nobody").run("--toolmatch-student=small").outcomes == {"skipped": 1}
    assert trips.with_ini(toolmatch_samples=4).run("--toolmatch-samples=3").outcomes == {"passed": 1}
    assert trips.with_ini(toolmatch_samples=3).run().outcomes == {"passed": 1}
    assert trips.with_ini(toolmatch_chain_match=0.75).run().outcomes == {"passed": 1}
    assert trips.with_ini(toolmatch_chain_match=1).run().outcomes == {"failed": 1}
    assert trips.run().outcomes == {"skipped": 1}


def test_what_the_suite_says_is_right_beats_the_settings(trips: Project) -> None:
    assert trips.with_ini(toolmatch_chain_match=0.1).as_yaml(chain_match=1).run().outcomes == {"failed": 1}
    fails = trips.with_ini(toolmatch_divergence="xfail").as_yaml(divergence="fail", chain_match=1)
    assert fails.run().outcomes == {"failed": 1}
    xfails = trips.with_ini(toolmatch_divergence="fail").as_yaml(divergence="xfail", chain_match=1)
    assert xfails.run().outcomes == {"xfailed": 1}


def test_the_confidence_is_that_of_the_intervals(trips: Project) -> None:
    def width(confidence: float) -> float:
        run = trips.with_ini(toolmatch_confidence=confidence).run("--toolmatch-report=report.json")
        assert run.report["confidence"] == confidence
        low, high = run.report["suites"]["trips"]["metrics"]["chain_match"]["suite"]
        return float(high - low)

    assert width(0.5) < width(0.95)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("samples", 0, "toolmatch_samples is 0: a case needs at least 1 sample of each model"),
        ("samples", -3, "toolmatch_samples is -3"),
        ("samples", "four", "toolmatch_samples is 'four': write a number, auto, or auto:MIN-MAX as in auto:5-40"),
        ("samples", 4.5, "'toolmatch_samples' expects a string, got float: 4.5"),
        ("samples", True, "'toolmatch_samples' expects a string, got bool: True"),
        ("chain_match", 1.5, "toolmatch_chain_match is 1.5: it must lie above 0 and at most at 1"),
        ("chain_match", 0, "toolmatch_chain_match is 0: it must lie above 0"),
        ("chain_match", "high", "'toolmatch_chain_match' expects a float, got str: 'high'"),
        ("confidence", 95, "toolmatch_confidence is 95: it must lie between 0 and 1"),
        ("confidence", 1, "toolmatch_confidence is 1: it must lie"),
        ("divergence", "skip", "toolmatch_divergence is 'skip': choose from fail, xfail"),
        ("ambiguous", "fial", "toolmatch_ambiguous is 'fial': choose from skip, fail; did you mean 'fail'?"),
        ("undecided", "maybe", "toolmatch_undecided is 'maybe': choose from fail, pass"),
        ("teacher", 7, "'toolmatch_teacher' expects a string, got int: 7"),
        (
            "gates",
            ["chain_mach >= 0.9"],
            "gate 'chain_mach >= 0.9': unknown metric 'chain_mach'; did you mean 'chain_match'?",
        ),
        ("gates", ["chain_match >= 1.2"], "so 1.2 can't decide anything"),
        ("gates", ["retries <= 1", "retries >= 2"], "toolmatch_gates: gates 'retries >= 2' and 'retries <= 1'"),
        ("gates", "chain_match >= 0.9", "'toolmatch_gates' expects a list"),
        ("recordings", "nowhere", "nowhere/trips/big.jsonl"),
        ("samplez", 4, "unknown option 'toolmatch_samplez'; did you mean 'toolmatch_samples'?"),
    ],
)
def test_a_faulty_setting_is_one_line(trips: Project, name: str, value: Any, message: str) -> None:
    run = trips.with_ini(**{f"toolmatch_{name}": value}).run()
    assert message in run.refusal


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("toolmatch_samples = four", "toolmatch_samples"),
        ("toolmatch_samples = 0", "toolmatch_samples is 0"),
        ("toolmatch_chain_match = high", "toolmatch_chain_match"),
        ("toolmatch_confidence = 2", "toolmatch_confidence is 2"),
        ("toolmatch_divergence = skip", "toolmatch_divergence is 'skip'"),
        ("toolmatch_gates =\n  chain_match >= 0.1\n  chain_mach >= 0.9", "did you mean 'chain_match'?"),
    ],
)
def test_a_faulty_setting_in_an_ini_file_is_one_line(trips: Project, line: str, message: str) -> None:
    ini = f"[pytest]\ntoolmatch_teacher = big\ntoolmatch_student = small\n{line}\n"
    assert message in trips.with_file("pytest.ini", ini).run().refusal


def test_an_ini_file_says_the_same_as_toml(trips: Project) -> None:
    ini = """
[pytest]
toolmatch_teacher = big
toolmatch_student = small
toolmatch_samples = 4
toolmatch_chain_match = 0.75
toolmatch_recordings = fixtures/recordings
toolmatch_gates =
    chain_match >= 0.1
    retries <= 5
"""
    run = trips.with_file("pytest.ini", ini).run("--toolmatch-report=report.json")
    assert (run.exit, run.outcomes) == (0, {"passed": 1})
    assert [gate["expression"] for gate in run.report["suites"]["trips"]["gates"]] == [
        "chain_match >= 0.1",
        "retries <= 5",
    ]


@pytest.mark.parametrize("option", ["--toolmatch-samples=0", "--toolmatch-samples=-1"])
def test_a_faulty_option_is_one_line(trips: Project, option: str) -> None:
    assert "a case needs at least 1 sample of each model" in trips.run(option).refusal


def test_an_option_of_another_type_is_refused_by_pytest(trips: Project) -> None:
    run = trips.run("--toolmatch-concurrency=four")
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert "argument --toolmatch-concurrency: invalid int value: 'four'" in run.text


def test_recordings_are_relative_to_the_file_that_names_them(trips: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trips.write()
    (path / "fixtures/recordings").rename(path / "kept")
    project = type(trips)(trips.pytester, files=trips.files).with_ini(toolmatch_recordings="kept")
    (path / "below").mkdir()
    monkeypatch.chdir(path / "below")
    assert project.with_ini(toolmatch_chain_match=0.7).run("..").outcomes == {"passed": 1}


def test_recordings_are_relative_to_that_file_wherever_the_root_is(trips: Project) -> None:
    path = trips.write()
    (path / "fixtures/recordings").rename(path / "kept")
    ini = "[pytest]\ntoolmatch_teacher = big\ntoolmatch_student = small\ntoolmatch_recordings = ../kept\n"
    ini += "toolmatch_chain_match = 1\n"
    project = type(trips)(trips.pytester, files={**trips.files, "conf/pytest.ini": ini})
    assert project.run("-c", "conf/pytest.ini", "--rootdir=.").outcomes == {"failed": 1}


def test_settings_are_checked_before_anything_is_collected(trips: Project) -> None:
    run = trips.with_ini(toolmatch_samples=0).with_file("test_other.py", "print('collected')").run()
    assert "collected" not in run.text
    assert "toolmatch_samples is 0" in run.refusal


def test_settings_of_a_run_that_is_not_ours_are_no_matter(trips: Project) -> None:
    assert trips.with_ini(toolmatch_samples=0).run(toolmatch=False).outcomes == {"skipped": 1}
