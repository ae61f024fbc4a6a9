"""What keeps a suite from being repaired, or the settings from being taken: one line, and the tests stand."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.request import settings_digest
from tests.plugin.repairing import REPORT, SUITE, left_over, recorded
from tests.repair.desk import Desk, cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.conftest import Project


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(useful=1.0) as running:
        yield running


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        (
            {"toolmatch_student": "small"},
            "student small: it is asked with other prompts, so that a recording",
        ),
        (
            {"toolmatch_teacher": "big"},
            "a recording will not do; name one that can be called under toolmatch_repair: reflect_with = MODEL",
        ),
        ({"toolmatch_repair": ["rollouts = 5"]}, "rollouts 5: up to 18 go to 18 cases as they are"),
        ({"toolmatch_repair": ["phases = gepa, gpea"]}, "no phase is named 'gpea'; did you mean 'gepa'?"),
        ({"toolmatch_repair": ["budget = 40calls"]}, "budget of 40 calls is spent"),
        ({"cases": 9}, "9 cases can be used, and a repair needs at least 10"),
    ],
)
def test_what_keeps_a_repair_from_being_made_is_one_line(
    project: Project, desk: Desk, ini: dict[str, Any], said: str
) -> None:
    suite = recorded(project, desk)
    folder = suite.pytester.path / "fixtures/recordings/desk"
    for role, name in (("teacher", "big"), ("student", "small")):
        lines = (folder / f"local-{role}.jsonl").read_text()
        suite = suite.with_file(f"fixtures/recordings/desk/{name}.jsonl", _imported(lines, name))
    if count := ini.get("cases"):
        kept = "".join(json.dumps(one) + "\n" for one in cases()[:count])
        suite, ini = suite.with_file("desk.cases.jsonl", kept), {}
    plain = suite.with_ini(**ini).run(REPORT)
    run = suite.with_ini(**ini).run("--toolmatch-repair", REPORT)
    assert (run.exit, run.outcomes) == (plain.exit, plain.outcomes)
    assert run.exit == 1
    (line,) = [line for line in run.text.splitlines() if line.startswith("desk: not repaired: ")]
    assert said in line
    assert said in run.report["repairs"]["desk"]["why"]
    assert "desk.repair.patch" not in left_over(run)


def _imported(lines: str, name: str) -> str:
    """Return recorded lines as those of a log: nobody knows how the model was run."""
    made = []
    for line in lines.splitlines():
        record = json.loads(line)
        parts, role, draw = record["key"].split("/")
        record["key"] = f"{'.'.join(parts.split('.')[:3])}.{settings_digest(name, {})}/recorded/{draw}"
        record["sample"]["role"] = "recorded"
        made.append(json.dumps(record | {"model": name}))
        assert role
    return "\n".join(made) + "\n"


def test_a_recorded_teacher_will_do_with_a_model_that_writes(project: Project, desk: Desk) -> None:
    suite = recorded(project, desk)
    lines = (suite.pytester.path / "fixtures/recordings/desk/local-teacher.jsonl").read_text()
    suite = suite.with_file("fixtures/recordings/desk/big.jsonl", _imported(lines, "big"))
    asked = desk.calls["teacher"]
    settings = {"toolmatch_teacher": "big", "toolmatch_repair": [f"reflect_with = {desk.model('writer')}", "seed = 1"]}
    run = suite.with_ini(**settings).run("--toolmatch-repair")
    assert "accepted: " in run.text
    assert desk.calls["writer"] > 0
    assert desk.calls["teacher"] == asked


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rolouts = 5", "toolmatch_repair: unknown key 'rolouts'; did you mean 'rollouts'?"),
        ("rollouts = many", "toolmatch_repair: rollouts: Expected `int`, got `str`"),
        ("shots = 0", "toolmatch_repair: shots 0: at least 1"),
        ("budget = lots", "budget 'lots': write US dollars"),
        ("teacher = big", "toolmatch_repair: unknown key 'teacher'"),
        ("rollouts", "toolmatch_repair: 'rollouts' is no KEY = VALUE line"),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--toolmatch-repair",)])
def test_a_wrong_setting_is_a_usage_error(project: Project, line: str, said: str, flags: tuple[str, ...]) -> None:
    run = project.with_case("rome", ["a()"], ["a()"]).as_yaml().with_ini(toolmatch_repair=[line]).run(*flags)
    assert said in run.refusal


def test_without_gepa_it_says_what_to_install(project: Project, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = recorded(project, desk)
    monkeypatch.setitem(sys.modules, "gepa", None)
    run = suite.run("--toolmatch-repair")
    assert run.exit == 1
    assert "desk: not repaired: phase gepa needs gepa: pip install 'pytest-toolmatch[repair]'" in run.text


def test_what_goes_wrong_in_a_users_own_model_leaves_the_tests_as_they_are(project: Project, desk: Desk) -> None:
    writer = "def write(request):\n    raise RuntimeError('no paper')\n"
    settings = {"toolmatch_repair": ["reflect_with = python:writing:write"]}
    suite = recorded(project, desk).with_file("writing.py", writer)
    suite.pytester.syspathinsert()
    run = suite.with_ini(**settings).run("--toolmatch-repair")
    assert run.exit == 1
    assert "no paper" in run.text
    assert (run.path / "desk.toolmatch.yaml").read_text() == SUITE.format("")


def test_batches_and_repairs_do_not_go_together(project: Project) -> None:
    trips = project.with_case("rome", ["a()"], ["a()"]).as_yaml()
    run = trips.record("--toolmatch-batch", "--toolmatch-repair")
    assert "--toolmatch-repair waits for the models that it calls: leave --toolmatch-batch out" in run.refusal
