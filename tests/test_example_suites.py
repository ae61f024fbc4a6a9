"""The example suites hold what they promise, and their recordings are what the scripted models answer today."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.core.validation import ArgumentValidator
from suites.scripted.answers import Answer, Script, read_scripts
from suites.scripted.models import scripted_models, seeded
from suites.scripted.record import DRAWS, RECORDINGS, example_suites, recordings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.suite import Suite

KINDS = {
    *("ambiguous", "missing-argument", "overlapping", "no-call", "irrelevant", "chit-chat", "conversation"),
    *("ordered", "multi-tool", "parallel", "repeated", "nested", "enum", "defaults", "units", "dates"),
}


@pytest.fixture(scope="module", params=example_suites(), ids=lambda suite: suite.name)
def suite(request: pytest.FixtureRequest) -> Suite:
    found: Suite = request.param
    return found


@pytest.fixture(scope="module")
def scripts(suite: Suite) -> dict[str, Script]:
    return read_scripts(suite.name)


def answers(scripts: dict[str, Script], model: str | None = None) -> Iterator[tuple[str, Answer]]:
    for case, script in scripts.items():
        for name in script.answers if model is None else script.weights(model):
            yield f"{case}: {name}", script.answer(name)


def test_every_suite_has_at_least_thirty_cases(suite: Suite) -> None:
    assert len(suite.cases) >= 30


def test_ids_and_queries_are_unique(suite: Suite) -> None:
    for values in ([case.id for case in suite.cases], [case.query for case in suite.cases]):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_all_kinds_of_cases_are_there(suite: Suite) -> None:
    assert KINDS - {tag for case in suite.cases for tag in case.tags} == set()


def test_every_case_has_a_script_and_every_script_a_case(suite: Suite, scripts: dict[str, Script]) -> None:
    assert list(scripts) == [case.id for case in suite.cases]


def test_models_give_all_the_answers_that_are_written_and_no_others(scripts: dict[str, Script]) -> None:
    for case, script in scripts.items():
        given = {*script.weights("teacher"), *script.weights("student")}
        assert given == set(script.answers), case


def test_calls_of_a_chain_satisfy_their_schemas(suite: Suite, scripts: dict[str, Script]) -> None:
    validator = ArgumentValidator(suite.tools)
    problems = {
        name: problem
        for name, answer in answers(scripts)
        for call in calls_of(answer.chain)
        if (problem := validator.problem(call))
    }
    assert problems == {}


def test_refusals_are_refused_for_the_reason_that_is_written(suite: Suite, scripts: dict[str, Script]) -> None:
    validator = ArgumentValidator(suite.tools)
    for name, answer in answers(scripts):
        for refusal in answer.refusals:
            problem = validator.problem(refusal.call)
            assert problem is not None, name
            assert problem.reason == refusal.reason, name
            assert refusal.message, name


def test_the_teacher_is_never_refused_and_never_disturbed(scripts: dict[str, Script]) -> None:
    for name, answer in answers(scripts, "teacher"):
        assert answer.outcome in ("called", "answered"), name
        assert answer.refusals == (), name


def test_every_tool_is_called_by_the_teacher(suite: Suite, scripts: dict[str, Script]) -> None:
    called = {call.name for _, answer in answers(scripts, "teacher") for call in calls_of(answer.chain)}
    assert called == {tool.name for tool in suite.tools}


def test_teacher_calls_nothing_where_nothing_is_to_be_called(suite: Suite, scripts: dict[str, Script]) -> None:
    for case in suite.cases:
        if "no-call" in case.tags:
            script = scripts[case.id]
            weights = script.weights("teacher")
            assert not script.answer(max(weights, key=weights.__getitem__)).chain, case.id


def test_a_draw_depends_on_its_seed_alone(suite: Suite) -> None:
    for model in scripted_models(suite.name):
        once = [model(case, 3, seeded(suite.name, model.name, case.id, 3)) for case in suite.cases]
        again = [model(case, 3, seeded(suite.name, model.name, case.id, 3)) for case in reversed(suite.cases)]
        assert once == again[::-1]


def test_recordings_are_what_the_scripted_models_answer_today() -> None:
    stale = [str(path) for path, content in recordings() if not path.is_file() or path.read_bytes() != content]
    assert stale == [], "run: python -m suites.scripted.record"


def test_recordings_hold_every_draw(suite: Suite) -> None:
    for model in scripted_models(suite.name):
        path = RECORDINGS / suite.name / f"scripted-{model.role}.jsonl"
        assert len(path.read_bytes().splitlines()) == DRAWS[model.role] * len(suite.cases)
