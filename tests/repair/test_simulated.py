"""The simulated students and the reflection model of the bench: a cue mends its fault alone, rates are as said."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_toolmatch.curation.splits import groups

BENCHES = Path(__file__).parents[2] / "benches"
MODULES = ("client", "domain", "faults", "intents", "made", "reflector", "server", "students")


class Made(NamedTuple):
    """The modules of the bench."""

    client: Any
    domain: Any
    faults: Any
    intents: Any
    made: Any
    reflector: Any
    server: Any
    students: Any


@pytest.fixture(scope="module")
def bench() -> Iterator[Made]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHES)
        yield Made(*(importlib.import_module(f"repair_{name}") for name in MODULES))


def told(one: Any, bench: Made, *shown: str, **texts: str) -> Any:
    return bench.students.Told(one.own | texts, frozenset(shown))


def test_faults_are_mended_in_all_kinds_of_places(bench: Made) -> None:
    places = Counter(fault.place for fault in bench.faults.FAULTS.values())
    assert set(places) == {"instructions", "tool", "parameter", "example"}
    assert any(len(fault.cues) > 1 for fault in bench.faults.FAULTS.values())


def test_plain_texts_hold_no_cue(bench: Made) -> None:
    for fault in bench.faults.FAULTS.values():
        for cue in fault.cues:
            _, tool, path = f"{cue.component}::".split(":")[:3]
            if cue.component == "instructions":
                text = bench.domain.INSTRUCTIONS
            elif path:
                text = bench.domain.TOOLS[tool].parameters["properties"][path]["description"]
            else:
                text = bench.domain.TOOLS[tool].description
            assert not cue.held(text)
            assert cue.held(f"{text} {cue.sentence}")


@pytest.mark.parametrize("number", range(20))
def test_a_cue_mends_its_fault_and_no_other(bench: Made, number: int) -> None:
    one = bench.students.student(number)
    assert 3 <= len(one.planted) <= 6
    for fault, _ in one.planted:
        (intent, *_) = [name for name in fault.intents if name in one.intents]
        assert not bench.students.mended(fault, intent, one.start)
        for cue in fault.cues:
            with_it = told(one, bench, **{cue.component: f"{one.own[cue.component]} {cue.sentence}"})
            assert bench.students.mended(fault, intent, with_it)
            others = [other for other, _ in one.planted if other is not fault]
            assert not any(bench.students.mended(other, i, with_it) for other in others for i in other.intents)
        assert bench.students.mended(fault, intent, told(one, bench, intent)) == fault.example
    for fault, _ in one.held:
        assert all(bench.students.mended(fault, intent, one.start) for intent in fault.intents)


@pytest.mark.parametrize("number", range(20))
def test_every_part_has_cases_of_every_fault_and_none_is_like_another(bench: Made, number: int) -> None:
    one = bench.students.student(number)
    assert 50 <= len(one.cases) <= 70
    assert 6 <= len(one.tools) <= 8
    assert len({*groups([case.query for case in one.cases])}) == len(one.cases)
    for cases in one.parts.values():
        intents = {case.intent for case in cases}
        assert all(intents & {*fault.intents} for fault, _ in one.planted)


@pytest.mark.parametrize("kind", ["mendable", "broken", "sound"])
def test_what_a_prompt_is_worth_is_what_is_drawn_under_it(bench: Made, kind: str) -> None:
    one = bench.students.student(3, kind)
    for prompt in (one.start, one.best):
        hits = [
            one.answer(case, prompt, run="r", draw=draw) == case.chain
            for case in one.parts["test"]
            for draw in range(100)
        ]
        assert abs(sum(hits) / len(hits) - 0.85 * one.match(prompt)) < 0.03
    assert (one.match(one.best) > one.match(one.start)) == (kind == "mendable")


def test_students_and_draws_are_the_same_for_the_same_seed(bench: Made) -> None:
    first, again = (bench.students.Student(4) for _ in range(2))
    assert (first.cases, first.own, first.split) == (again.cases, again.own, again.split)
    assert first.cases != bench.students.Student(4, seed=1).cases
    case = first.cases[0]
    draws = [[one.answer(case, one.start, run="r", draw=n) for n in range(50)] for one in (first, again)]
    assert draws[0] == draws[1]


def test_over_eager_and_long_texts_do_harm(bench: Made) -> None:
    one = bench.students.student(0)
    rule = f"{one.own['instructions']} {one.harms[0].cue.sentence}"
    assert one.match(told(one, bench, instructions=rule)) < 0.8 * one.match(one.start)
    assert one.match(told(one, bench, instructions="word " * 1300)) < 0.8 * one.match(one.start)


def asked(one: Any, component: str, intents: set[str]) -> str:
    queries = [case.query for case in one.cases if case.intent in intents]
    return f"Improve:\n```\n{one.own[component]}\n```\nSeen:\n```\n{queries}\n```\nAnswer in a fence."


def test_the_reflection_model_writes_each_kind_at_its_rate(bench: Made) -> None:
    one = bench.students.student(0)
    fault = next(fault for fault, _ in one.planted if fault.cues)
    cue = fault.cues[0]
    prompt = asked(one, cue.component, {*fault.intents})
    replies = [bench.reflector.reply(one, prompt, number) for number in range(2000)]
    fenced = [reply.split("```\n")[1].removesuffix("\n```") for reply in replies if "```" in reply]
    useful = sum(cue.held(text) for text in fenced) / len(replies)
    useless = sum(text.startswith(one.own[cue.component]) and len(text) < 200 for text in fenced) / len(replies)
    assert abs(1 - len(fenced) / len(replies) - 0.1) < 0.03
    assert abs(useful - 0.5) < 0.04
    assert useless > 0.7
    assert replies == [bench.reflector.reply(one, prompt, number) for number in range(2000)]


def test_nothing_useful_is_written_where_nothing_points_to_it(bench: Made) -> None:
    one = bench.students.student(0)
    fault = next(fault for fault, _ in one.planted if fault.cues)
    cue, others = fault.cues[0], {name for name in one.intents if name not in fault.intents}
    elsewhere = next(name for name in one.own if name.count(":") == 1 and name != cue.component)
    for prompt in (asked(one, cue.component, others), asked(one, elsewhere, {*fault.intents})):
        assert not any(cue.sentence in bench.reflector.reply(one, prompt, number) for number in range(300))


def test_the_forms_of_dspy_are_answered_in_kind(bench: Made) -> None:
    one = bench.students.student(0)
    body = f"[[ ## current_instruction ## ]]\n{one.own['instructions']}\n\n[[ ## seen ## ]]\n{one.cases[0].query}\n\n"
    as_json = bench.reflector.reply(
        one, f"{body}Respond with a JSON object in the following order of fields: `new_instruction`.", 1
    )
    assert json.loads(as_json).keys() == {"new_instruction"}
    fields = (
        "Respond with the corresponding output fields, starting with the field `[[ ## proposed_instruction ## ]]`, "
    )
    said = bench.reflector.reply(one, f"{body}{fields}and then ending with `[[ ## completed ## ]]`.", 1)
    assert said.startswith("[[ ## proposed_instruction ## ]]\nYou are the service desk")
    assert "[[ ## completed ## ]]" in said


def test_rollouts_are_counted_by_part_and_examples_are_seen(bench: Made) -> None:
    one = bench.students.student(0)
    run, fault = "mendable/0/test", next(fault for fault, _ in one.planted if fault.example)
    intent = fault.intents[0]
    shown, case = [known for known in one.cases if known.intent == intent][:2]
    steps = json.loads(bench.students.chain_text(shown.chain))
    tools = [{"type": "function", "function": tool.shown()} for tool in one.tools]
    replies = {tool.name: tool.reply for tool in one.tools}
    system = {"role": "system", "content": one.own["instructions"]}
    text = {"role": "assistant", "content": f"[[ ## chain ## ]]\n{json.dumps(steps)}"}
    seen = bench.server.told_of(
        one, {"messages": [system, {"role": "user", "content": shown.query}, text], "tools": tools}, 3
    )
    assert (seen.texts, seen.shown) == (one.own, {intent})
    with bench.server.Models() as server:
        wire = bench.client.Wire(server.url)
        messages = [system, {"role": "user", "content": case.query}]
        made = [wire.roll(f"teacher/{run}", messages, tools, replies) for _ in range(20)]
        assert json.loads(bench.students.chain_text(case.chain)) in made
        for _ in range(3):
            wire.roll(f"student/{run}", messages, tools, replies)
        part = next(part for part, cases in one.parts_by_id.items() if case.id in cases)
        counts = wire.figures(run)
        wire.close()
        assert (counts[f"student {part}"], counts[f"teacher {part}"]) == (3, 20)
        assert counts["requests"] >= 23


def test_examples_with_wrong_calls_teach_nothing(bench: Made) -> None:
    one = bench.students.student(0)
    shown = next(case for case in one.cases if case.chain)
    for wrong in ({"content": "Done."}, {"content": json.dumps([[{"name": "other", "arguments": {}}]])}):
        messages = [{"role": "user", "content": shown.query}, {"role": "assistant", **wrong}]
        assert not bench.server.told_of(one, {"messages": messages}, 2).shown
