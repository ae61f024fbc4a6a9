"""``samples = auto``: models are called until the gates are decided, and a replay decides the same."""

from __future__ import annotations

import itertools
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import chat
from tests.servers.loopback import Answer, Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.conftest import Project, Ran
    from tests.servers.loopback import Received

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"
NAMES = [f"case-{number}" for number in range(10)]
REPORT = "--toolmatch-report=report.json"


class Server(Loopback):
    """A teacher, ``big``, that never wavers, and a student, ``small``, that is right in a share of its draws."""

    def __init__(self, rate: float, seed: int = 0, delay: float = 0.0) -> None:
        super().__init__(self._answer)
        self.rate, self.delay = rate, delay
        self._dice = random.Random(seed)  # noqa: S311 - a scripted student

    def _answer(self, received: Received) -> Answer:
        asked = received.json
        if asked["messages"][-1]["role"] != "user":
            return Answer(chat.completion("Done."), delay=self.delay)
        right = asked["model"] == "big" or self._dice.random() < self.rate
        call = chat.tool_call("search", {"to": "FCO" if right else "OSL"})
        return Answer(chat.completion(None, call), delay=self.delay)

    def draws(self, model: str) -> int:
        return sum(one.json["model"] == model and one.json["messages"][-1]["role"] == "user" for one in self.requests)


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(request.param) as server:
        yield server


def suite(project: Project, server: Server, *gates: str, names: list[str] = NAMES, **keys: Any) -> Project:
    served = project.with_query(*names).served_at(server.url, None).with_ini(toolmatch_samples="auto")
    return served.as_yaml(gates=list(gates), divergence="xfail", **keys)


def gates_of(run: Ran) -> list[dict[str, Any]]:
    return list(run.report["suites"]["trips"]["gates"])


GOOD, NEAR, BAD = 1.0, 0.9, 0.4
GATE = "chain_match >= 0.80"


@pytest.mark.parametrize(
    ("student", "state", "exit_status"), [(GOOD, "holds", 0), (BAD, "fails", 1)], indirect=["student"]
)
def test_a_clear_gate_takes_the_least(project: Project, student: Server, state: str, exit_status: int) -> None:
    run = suite(project, student, GATE).record(REPORT)
    assert run.exit == exit_status
    (gate,) = gates_of(run)
    assert gate["state"] == state
    assert gate["draws"] == student.draws("small") == 50
    assert student.draws("big") == 50
    assert gate["low"] <= gate["value"] <= gate["high"]


@pytest.mark.parametrize("student", [NEAR], indirect=True)
def test_a_near_one_takes_more_of_the_student_and_none_of_the_teacher(project: Project, student: Server) -> None:
    run = suite(project, student, GATE).record(REPORT)
    (gate,) = gates_of(run)
    assert (run.exit, gate["state"]) == (0, "holds")
    assert 50 < gate["draws"] <= student.draws("small")
    assert student.draws("big") == 50
    assert re.search(r"10 cases × 5 \+ \d+(–\d+)? samples", run.text)


@pytest.mark.parametrize("student", [NEAR], indirect=True)
def test_a_replay_makes_the_same_rounds_and_decides_the_same(project: Project, student: Server) -> None:
    project = suite(project, student, GATE, "argument_validity >= 0.9")
    recorded = project.record(REPORT)
    first, calls = recorded.report["suites"]["trips"], len(student.requests)
    replayed = project.run(REPORT).report["suites"]["trips"]
    assert len(student.requests) == calls
    assert replayed["gates"] == first["gates"]
    assert {name: one["value"] for name, one in replayed["metrics"].items() if "latency" not in name} == {
        name: one["value"] for name, one in first["metrics"].items() if "latency" not in name
    }
    workers = project.run_apart("-n", "2", REPORT).report["suites"]["trips"]
    assert workers["gates"] == first["gates"]


@pytest.mark.parametrize("student", [NEAR], indirect=True)
def test_a_replay_looks_at_the_same_parts_of_a_large_suite(project: Project, student: Server) -> None:
    project = suite(project, student, GATE, names=[f"case-{number}" for number in range(40)])
    auto = "--toolmatch-samples=auto:1-40"
    recorded = project.record(auto, REPORT).report["suites"]["trips"]
    (gate,) = recorded["gates"]
    assert gate["draws"] % 40
    assert student.draws("big") == 40
    assert project.run(auto, REPORT).report["suites"]["trips"]["gates"] == [gate]
    assert project.run_apart("-n", "2", auto, REPORT).report["suites"]["trips"]["gates"] == [gate]


@pytest.mark.parametrize("student", [GOOD], indirect=True)
def test_a_large_suite_begins_with_fewer_of_the_student(project: Project, student: Server) -> None:
    project = suite(project, student, GATE, names=[f"case-{number}" for number in range(60)])
    run = project.record(REPORT)
    (gate,) = gates_of(run)
    assert (run.exit, gate["state"], gate["draws"]) == (0, "holds", 60)
    assert student.draws("big") == 300
    assert 60 <= student.draws("small") <= 120  # and what was in flight
    assert gates_of(project.run(REPORT)) == [gate]
    part = project.run("-k", "case-7", REPORT)
    assert part.outcomes == {"passed": 1, "deselected": 59}


@pytest.mark.parametrize("student", [0.8], indirect=True)
def test_at_the_bound_it_stops_at_the_most_and_says_so(project: Project, student: Server) -> None:
    run = suite(project, student, GATE).record("--toolmatch-samples=auto:3-6", REPORT)
    (gate,) = gates_of(run)
    assert (run.exit, gate["state"], gate["draws"]) == (1, "undecided", 60)
    assert student.draws("small") == 60
    assert "stopped at 6 samples a case, the most that auto:3-6 allows" in gate["reason"]
    assert "1 gate undecided" in run.last_line


@pytest.mark.parametrize("student", [GOOD], indirect=True)
def test_as_good_as_the_teacher_takes_draws_of_both(project: Project, student: Server) -> None:
    run = suite(project, student, "as_good_as_teacher = 0.05").record(REPORT)
    (gate,) = gates_of(run)
    assert (run.exit, gate["state"]) == (0, "holds")
    assert student.draws("big") == student.draws("small") > 50
    assert -0.05 < gate["low"] <= gate["value"] == 0


@pytest.mark.parametrize("student", [NEAR], indirect=True)
def test_a_suite_without_gates_is_drawn_once(project: Project, student: Server) -> None:
    assert suite(project, student).record().exit == 0
    assert (student.draws("small"), student.draws("big")) == (50, 50)


@pytest.mark.parametrize("student", [0.8], indirect=True)
@pytest.mark.parametrize("args", [("-k", "case-1"), ("trips.toolmatch.yaml::case-1",)], ids=["-k", "node"])
def test_nothing_is_drawn_for_gates_that_have_no_say(project: Project, student: Server, args: tuple[str, ...]) -> None:
    run = suite(project, student, GATE).record(*args)
    assert run.exit == 0
    assert student.draws("small") == 5
    assert "not all cases ran" in run.text
    assert "more of the student would" not in run.text


@pytest.mark.parametrize("student", [0.97], indirect=True)
def test_what_was_drawn_ahead_is_not_lost(project: Project, student: Server) -> None:
    run = suite(project, student, GATE).record()
    assert run.exit == 0
    assert "samples lost" not in run.text


@pytest.mark.parametrize("student", [GOOD], indirect=True)
def test_a_gate_shows_no_value_that_cannot_be(project: Project, student: Server) -> None:
    run = suite(project, student, "argument_validity >= 0.90", "as_good_as_teacher = 0.1").record(REPORT)
    validity, margin = gates_of(run)
    assert validity["high"] == 1
    assert margin["high"] <= 1
    assert "interval that holds however often" in " ".join(run.text.split())
    run.result.stdout.fnmatch_lines(["margin *0.00 *"])


@pytest.mark.parametrize("student", [0.85], indirect=True)
def test_the_budget_of_a_suite_is_shared_with_the_others(project: Project, student: Server) -> None:
    both = suite(project, student, GATE)
    other = {"tools": "tools.json", "cases": [{"id": name, "query": name} for name in NAMES]}
    both = both.with_file("others.toolmatch.yaml", str(other).replace("'", '"'))
    run = both.record("--toolmatch-budget=600calls", REPORT)
    (gate,) = gates_of(run)
    assert gate["state"] == "undecided"
    assert "this suite's share of the budget is spent" in gate["reason"]
    assert run.outcomes.get("errors", 0) == 0
    assert len(student.requests) <= 600


@pytest.mark.parametrize("student", [0.85], indirect=True)
def test_what_was_paid_for_is_judged_when_the_budget_is_spent(project: Project, student: Server) -> None:
    run = suite(project, student, GATE).record("--toolmatch-budget=260calls", REPORT)
    (gate,) = gates_of(run)
    assert gate["state"] == "undecided"
    assert gate["draws"] >= 50
    assert "budget" in gate["reason"]
    assert run.report["suites"]["trips"]["metrics"]["chain_match"]["n"] == 10


@pytest.mark.parametrize("student", [NEAR], indirect=True)
def test_a_module_is_drawn_in_rounds_too(project: Project, student: Server) -> None:
    project = suite(project, student).with_ini(toolmatch_gates=[GATE])
    head = 'import pytest\npytestmark = pytest.mark.toolmatch(divergence="xfail")\n'
    project = project.with_file("trips.toolmatch.yaml", "").as_python()
    project = project.with_file("test_trips.py", head + project.files["test_trips.py"])
    run = project.record("test_trips.py", REPORT)
    (gate,) = gates_of(run)
    assert (run.exit, gate["state"]) == (0, "holds")
    assert gate["draws"] > 50


@pytest.mark.parametrize("student", [GOOD], indirect=True)
def test_queries_that_only_a_test_knows_are_refused(project: Project, student: Server) -> None:
    tests = 'def test_it(toolmatch):\n    assert toolmatch("To Rome, please.")\n'
    project = suite(project, student).with_ini(toolmatch_gates=[GATE]).as_python(tests)
    assert "let queries(…) name them, or set a number of samples" in project.record("test_trips.py").refusal
    assert student.requests == []


@pytest.mark.parametrize("student", [GOOD], indirect=True)
def test_a_server_that_is_gone_is_an_error_of_its_cases(project: Project, student: Server) -> None:
    project = suite(project, student, GATE)
    student.stop()
    run = project.record()
    assert run.exit == 1
    assert run.outcomes["errors"] == 1
    assert run.outcomes["skipped"] == 9


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("auto:0-4", "MIN is at least 1, and MAX no less than MIN"),
        ("auto:9-4", "MIN is at least 1, and MAX no less than MIN"),
        ("auto:4", "write a number, auto, or auto:MIN-MAX as in auto:5-40"),
        ("sometimes", "write a number, auto, or auto:MIN-MAX as in auto:5-40"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(project: Project, value: str, message: str) -> None:
    project = project.with_case("a", [ROME], [ROME]).as_yaml()
    assert message in project.run(f"--toolmatch-samples={value}").refusal
    assert message in project.with_ini(toolmatch_samples=value).run().refusal


def test_recorded_logs_are_looked_at_until_they_end(project: Project) -> None:
    for name in NAMES:
        project = project.with_case(name, [ROME] * 6, [ROME, OSLO, ROME, ROME, ROME, ROME])
    run = project.as_yaml(gates=[GATE]).run("--toolmatch-samples=auto:2-40", REPORT)
    (gate,) = gates_of(run)
    assert gate["state"] == "undecided"
    assert gate["draws"] == 60
    assert "no more samples of small are recorded" in gate["reason"]


@pytest.mark.parametrize("student", [0.8], indirect=True)
@pytest.mark.parametrize("gate", ["consistency >= 0.50", "consistency >= 0.65", "latency_p95 <= 30"])
def test_a_teacher_that_is_the_student_too_is_drawn_once(project: Project, student: Server, gate: str) -> None:
    model = f"local:small@{student.url}"
    project = suite(project, student, gate).with_ini(toolmatch_teacher=model, toolmatch_student=model)
    auto = "--toolmatch-samples=auto:5-9"
    recorded = project.record(auto, REPORT)
    (decided,) = gates_of(recorded)
    samples = project.recording("small").by_key.values()
    assert {one.sample.role for one in samples} == {"teacher"}
    assert len(samples) == student.draws("small") <= 9 * len(NAMES)
    assert decided["state"] == "holds" or "stopped at 9 samples" in decided["reason"]
    assert gates_of(project.run(auto, REPORT)) == [decided]


def test_a_recorded_teacher_that_is_the_student_too_is_looked_at_until_its_samples_end(project: Project) -> None:
    for name in NAMES:
        project = project.with_case(name, [ROME, OSLO, ROME, ROME, ROME, OSLO], [])
    project = project.as_yaml(gates=["consistency >= 0.50"]).with_ini(toolmatch_student="big")
    (gate,) = gates_of(project.run("--toolmatch-samples=auto:2-40", REPORT))
    assert gate["state"] == "undecided"
    assert gate["value"] == pytest.approx(7 / 15)
    assert "no more samples of big are recorded" in gate["reason"]


def test_tests_with_different_marks_need_names_of_their_own(project: Project) -> None:
    tests = "".join(
        f"@pytest.mark.toolmatch(chain_match={share})\ndef test_{n}(toolmatch, query):\n    assert toolmatch(query)\n\n"
        for n, share in enumerate((0.5, 0.9))
    )
    project = project.with_case("a", [ROME] * 5, [ROME] * 5).as_python(tests)
    assert "give each set of marks a name of its own" in project.run("--toolmatch-samples=auto").refusal
    assert project.run().outcomes == {"passed": 2}


def test_the_rounds_of_several_suites_are_in_flight_together(project: Project) -> None:
    with Server(0.9, delay=0.03) as server:
        for name in ("east", "west"):
            cases = [{"id": case, "query": f"{name} {case}"} for case in NAMES]
            body = {"tools": "tools.json", "gates": [GATE], "divergence": "xfail", "cases": cases}
            project = project.with_file(f"{name}.toolmatch.yaml", str(body).replace("'", '"'))
        run = project.served_at(server.url, None).with_ini(toolmatch_samples="auto").record(REPORT)
        assert {name: one["gates"][0]["state"] for name, one in run.report["suites"].items()} == {
            "east": "holds",
            "west": "holds",
        }
        first_messages = [
            one.json["messages"][-1]["content"].split()[0]
            for one in server.requests
            if one.json["model"] == "small" and one.json["messages"][-1]["role"] == "user"
        ]
        assert len(list(itertools.groupby(first_messages[100:]))) > 2
