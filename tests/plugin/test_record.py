"""Recording: models are called for what is missing, and what they answer is replayed from then on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.sampling.refreshed import refresh_path
from tests.servers.chat import failure
from tests.servers.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project, Ran
    from tests.servers.scripted import Scripted

pytestmark = pytest.mark.usefixtures("impatient")

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"
TABLE = {"big": {"*": ROME}, "small": {"*": ROME, "oslo": OSLO}}
KEPT = "fixtures/recordings/trips"


@pytest.fixture(params=["python", "yaml"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(project: Project, kind: str) -> Project:
    return project.as_yaml() if kind == "yaml" else project.as_python()


def fates(run: Ran) -> dict[str, str]:
    """What each case came to, and by which samples."""
    cases = run.report["suites"]["trips"]["cases"]
    return {one["case"]: (one["state"], one["measures"]["chain_match"], one["latencies"]) for one in cases}


def test_what_is_recorded_is_replayed_without_a_server(
    project: Project, served: Callable[..., Scripted], kind: str
) -> None:
    server = served(TABLE)
    project = made(project.with_query("rome", "oslo").served_at(server.url, 3), kind)
    recorded = project.record("--toolmatch-report=report.json")
    assert recorded.outcomes == {"passed": 1, "failed": 1}
    assert (server.draws("big"), server.draws("small"), len(server.requests)) == (6, 6, 24)
    assert recorded.report["spent"] == {"samples": 12, "lost": 0, "calls": 24, "cost": 0.0}
    assert "12 samples drawn in 24 calls" in recorded.text
    judged = fates(recorded)
    server.stop()
    replayed = project.run("--toolmatch-report=report.json")
    assert replayed.outcomes == recorded.outcomes
    assert fates(replayed) == judged
    assert replayed.report["spent"] is None


def test_a_second_run_calls_for_nothing(project: Project, served: Callable[..., Scripted], kind: str) -> None:
    server = served(TABLE)
    project = made(project.with_query("rome").served_at(server.url), kind)
    project.record()
    lines = (project.pytester.path / KEPT / "local-big.jsonl").read_text()
    before = len(server.requests)
    run = project.record("--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 1}
    assert len(server.requests) == before
    assert run.report["spent"]["calls"] == 0
    assert (project.pytester.path / KEPT / "local-big.jsonl").read_text() == lines


def test_only_what_is_missing_is_called_for(project: Project, served: Callable[..., Scripted], kind: str) -> None:
    server = served(TABLE)
    project = project.with_query("rome").served_at(server.url)
    made(project, kind).record()
    lines = (project.pytester.path / KEPT / "local-small.jsonl").read_text()
    made(project.with_ini(toolmatch_samples=5).with_query("oslo"), kind).record()
    assert [one.query for one in server.asked if not one.steps].count("rome") == 2 * 5
    assert server.draws("small") == 5 + 5
    assert (project.pytester.path / KEPT / "local-small.jsonl").read_text().startswith(lines)
    assert [one.sample.draw for one in project.recording("small").by_case["rome"]] == [0, 1, 2, 3, 4]


def test_five_samples_are_drawn_where_nobody_says_how_many(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url, None)
    assert project.record().outcomes == {"passed": 1}
    assert (server.draws("big"), server.draws("small")) == (5, 5)
    assert len(project.recording("big").by_case["rome"]) == 5


def test_a_gap_among_the_draws_is_filled(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url, 4)
    project.record()
    path = project.pytester.path / KEPT / "local-small.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    gap = next(line for line in lines if '"draw":1' in line)
    path.write_text("".join(line for line in lines if line is not gap))
    before = server.draws("small")
    assert project.record().outcomes == {"passed": 1}
    assert server.draws("small") == before + 1
    assert {one.sample.draw for one in project.recording("small").by_case["rome"]} == {0, 1, 2, 3}


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "query": ({}, {}, "the query has changed"),
    "tools": ({"tools": [{"name": "search"}]}, {}, "the tools and rollout rules have changed"),
    "instructions": ({"instructions": "Be brief."}, {}, "the instructions have changed"),
    "settings": ({}, {"toolmatch_student_settings": ["temperature = 0.5"]}, "the model settings have changed"),
    "rules": ({"max_steps": 3}, {}, "the rollout rules have changed"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_has_changed_is_stale_and_is_drawn_anew(
    project: Project, served: Callable[..., Scripted], what: str
) -> None:
    server = served(TABLE)
    keys, ini, changed = CHANGES[what]
    project = project.served_at(server.url)
    project.with_case("rome", [], [], query="To Rome.").as_yaml().record()
    query = "To Rome, now." if what == "query" else "To Rome."
    project = project.with_case("rome", [], [], query=query).with_ini(**ini).as_yaml(**keys)
    run = project.run("--toolmatch-report=report.json")
    assert run.outcomes == {"errors": 1}
    assert f"stale: {changed} since; run pytest --toolmatch-mode=record" in run.text.replace("\n", " ")
    before = server.draws("small")
    assert project.record().outcomes == {"passed": 1}
    assert server.draws("small") == before + 2
    assert project.run().outcomes == {"passed": 1}


def test_a_refresh_calls_for_everything_and_replaces_it(
    project: Project, served: Callable[..., Scripted], kind: str
) -> None:
    table = {"big": {"*": ROME}, "small": {"*": ROME}}
    server = served(table)
    project = made(project.with_query("rome", "oslo").served_at(server.url), kind)
    assert project.record().outcomes == {"passed": 2}
    table["small"]["*"] = OSLO
    assert project.record(mode="refresh").outcomes == {"failed": 2}
    assert (server.draws("big"), server.draws("small")) == (8, 8)
    assert len(project.recording("small").by_key) == 4
    assert {one.sample.chain[0][0].arguments["to"] for one in project.recording("small").by_key.values()} == {"OSL"}
    assert not refresh_path(project.recording("small").path).exists()
    assert project.run().outcomes == {"failed": 2}


def test_a_refresh_of_some_cases_leaves_the_others(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    project = project.with_query("rome", "oslo").as_yaml().served_at(server.url)
    project.record()
    before = len(server.requests)
    project.record("-k", "rome", mode="refresh")
    assert len(server.requests) == before + 8
    assert {case: len(draws) for case, draws in project.recording("big").by_case.items()} == {"oslo": 2, "rome": 2}


def test_a_refresh_that_fails_half_way_loses_nothing_old_and_keeps_the_new(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE)
    project = project.with_query("rome", "oslo").as_yaml().served_at(server.url)
    project.record()
    old = {one.sample.case: one.sample.latency for one in project.recording("big").by_key.values()}
    dying = served(TABLE, fault=lambda number, _: Answer(failure("down"), 500) if number > 8 else None)
    run = project.served_at(dying.url).record(mode="refresh")
    assert run.exit == 1
    new = project.recording("big")
    assert {case: len(draws) for case, draws in new.by_case.items()} == {"oslo": 2, "rome": 2}
    assert any(one.sample.latency != old[one.sample.case] for one in new.by_key.values())
    assert project.run().outcomes.get("errors") is None


def test_what_a_killed_refresh_left_behind_is_put_in_place_by_the_next_run(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url)
    project.record()
    path = project.recording("small").path
    lines = path.read_text()
    refresh_path(path).write_text(lines.replace("FCO", "OSL"))
    assert project.run().outcomes == {"passed": 1}  # a replay writes nothing
    before = len(server.requests)
    assert project.record().outcomes == {"failed": 1}
    assert len(server.requests) == before
    assert not refresh_path(path).exists()
    refresh_path(path).write_text(lines.replace("FCO", "BRN"))
    assert project.record(mode="refresh").outcomes == {"passed": 1}  # what it drew itself is what counts
    assert project.run().outcomes == {"passed": 1}


def test_half_a_line_of_a_killed_run_is_drawn_again_also_where_warnings_are_errors(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url)
    project.record()
    path, before = project.recording("small").path, server.draws("small")
    path.write_bytes(path.read_bytes()[:-20])
    assert project.record().outcomes == {"passed": 1}
    assert server.draws("small") == before + 1
    assert project.run().outcomes == {"passed": 1}


def test_live_keeps_nothing_on_disk(project: Project, served: Callable[..., Scripted], kind: str) -> None:
    server = served(TABLE)
    project = made(project.with_query("rome", "oslo").served_at(server.url, 3), kind)
    for runs in (1, 2):
        assert project.record(mode="live").outcomes == {"passed": 1, "failed": 1}
        assert server.draws("small") == 6 * runs
    assert list(project.pytester.path.rglob("*.jsonl*")) in ([], [project.pytester.path / "trips.jsonl"])
    project.record()
    kept = (project.pytester.path / KEPT / "local-big.jsonl").read_text()
    project.record(mode="live")
    assert server.draws("small") == 6 * 4
    assert (project.pytester.path / KEPT / "local-big.jsonl").read_text() == kept


def test_a_recorded_teacher_is_replayed_beside_a_student_that_is_called(
    project: Project, served: Callable[..., Scripted], kind: str
) -> None:
    server = served(TABLE)
    project = made(project.with_case("rome", [ROME] * 4, [], query="rome"), kind)
    project = project.with_ini(toolmatch_student=f"local:small@{server.url}", toolmatch_samples=4)
    assert project.record().outcomes == {"passed": 1}
    assert (server.draws("big"), server.draws("small")) == (0, 4)
    assert project.run().outcomes == {"passed": 1}


def test_a_student_that_is_its_own_teacher_is_sampled_once(
    project: Project, served: Callable[..., Scripted], kind: str
) -> None:
    server = served({"big": {"*": [ROME, ROME, OSLO, ROME]}})
    project = made(project.with_query("rome").served_at(server.url, 4), kind)
    project = project.with_ini(toolmatch_student=project.ini["toolmatch_teacher"])
    runs = [project.record("--toolmatch-report=report.json")]
    assert server.draws("big") == 4
    states = [fates(runs[0])]
    runs.append(project.run("--toolmatch-report=report.json"))
    states.append(fates(runs[1]))
    assert states[0] == states[1]
    assert runs[0].outcomes == runs[1].outcomes
    assert {one.sample.role for one in project.recording("big").by_key.values()} == {"teacher"}


def test_each_case_of_a_python_suite_may_have_its_own_marks(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    tests = """
@pytest.mark.toolmatch(instructions="Be brief.")
def test_brief(toolmatch, query):
    assert toolmatch(query)

@pytest.mark.toolmatch(instructions="Be long.", suite="long")
def test_long(toolmatch, query):
    assert toolmatch(query)

@pytest.mark.toolmatch(instructions="Be long.", suite="other", recordings="elsewhere")
def test_elsewhere(toolmatch, query):
    assert toolmatch(query)
"""
    project = project.with_query("rome").as_python(tests).served_at(server.url)
    assert project.record().outcomes == {"passed": 3}
    told = [one.json["messages"][0]["content"] for one in server.requests]
    assert (told.count("Be brief."), told.count("Be long.")) == (8, 16)
    assert (project.pytester.path / "elsewhere/local-big.jsonl").exists()
    assert project.run().outcomes == {"passed": 3}


def test_two_suites_that_ask_the_same_have_draws_of_their_own(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(TABLE)
    project = project.with_query("rome").as_yaml().served_at(server.url)
    project = project.with_file("more.toolmatch.yaml", project.files["trips.toolmatch.yaml"])
    assert project.record().outcomes == {"passed": 2}
    assert (server.draws("big"), server.draws("small")) == (4, 4)
    assert len(project.recording("big", "more").by_key) == 2
    assert project.run().outcomes == {"passed": 2}


def test_a_bare_query_is_sampled_when_it_is_asked(project: Project, served: Callable[..., Scripted]) -> None:
    server = served(TABLE)
    tests = """
def test_bare(toolmatch):
    assert toolmatch("To Rome.")
"""
    project = project.with_query("rome").as_python(tests).served_at(server.url)
    assert project.record().outcomes == {"passed": 1}
    assert (server.draws("big"), server.draws("small")) == (2, 2)
    assert project.run().outcomes == {"passed": 1}


def test_the_terminal_names_models_and_not_their_addresses(
    project: Project, served: Callable[..., Scripted], kind: str
) -> None:
    server = served(TABLE)
    project = made(project.with_query("rome", "oslo").served_at(server.url, 3), kind)
    flags = [f"--toolmatch-{role}={project.ini[f'toolmatch_{role}']}" for role in ("teacher", "student")]
    run = project.record("--toolmatch-report=report.json", "-vv", *flags)
    assert "toolmatch: teacher local:big, student local:small, record" in run.text
    assert "local:big → local:small" in run.text
    assert "--toolmatch-teacher=local:big --toolmatch-student=local:small" in run.text
    assert server.url not in run.text
    assert (run.report["teacher"], run.report["student"]) == ("local:big", "local:small")
    assert server.url not in json.dumps(run.report)


def test_steps_are_followed_to_the_end(project: Project, served: Callable[..., Scripted]) -> None:
    server = served({"*": {}, "big": {"*": f"{ROME} > book(id=7)"}, "small": {"*": f"{ROME}, book(id=7)"}})
    project = project.with_query("rome").as_yaml(replies={"search": [{"id": 7}]}).served_at(server.url)
    assert project.record().outcomes == {"failed": 1}
    (draw, *_) = project.recording("big").by_case["rome"]
    assert names_of(draw.sample.chain) == ["search", "book"] or list(names_of(draw.sample.chain)) == ["search", "book"]
    assert draw.sample.replies[0] == ('[{"id":7}]',)
    assert '[{"id":7}]' in server.asked[-1].replies
