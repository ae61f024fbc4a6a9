from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.core.chain import Call, names_of
from pytest_toolmatch.core.sample import Usage
from tests.suites.importers.writing import Logs

GREETING = {"role": "assistant", "content": "Good morning, what can I do?", "tool_calls": None}
USER = {"role": "user", "content": "Cancel order 7, please"}
ORDER = Call("cancel", {"order": 7})


def call(name: str, arguments: Any, requestor: str = "assistant") -> dict[str, Any]:
    return {"id": "c", "name": name, "arguments": arguments, "requestor": requestor}


def agent(*calls: dict[str, Any], content: str | None = None) -> dict[str, Any]:
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return {"role": "assistant", "content": content, "tool_calls": list(calls) or None, "usage": usage}


MESSAGES = [
    GREETING,
    USER,
    agent(call("find", {"order": 7}), call("who", {})),
    {"role": "tool", "id": "c", "content": "order 7", "requestor": "assistant", "error": False},
    {"role": "user", "content": None, "tool_calls": [call("toggle_data", {}, "user")]},
    agent(call("cancel", {"order": 7}), call("reboot", {}, "user")),
    agent(content="It is cancelled."),
]
CHAIN = ((Call("find", {"order": 7}), Call("who", {})), (ORDER,))
TASK = {
    "id": "7",
    "user_scenario": {
        "instructions": {"domain": "shop", "reason_for_call": "You want order 7 gone.", "known_info": None}
    },
}


def native(*simulations: dict[str, Any], **info: Any) -> dict[str, Any]:
    about = {"agent_info": {"llm": "small-1"}, "environment_info": {"domain_name": "shop", "policy": "Be kind."}}
    return {"info": about | info, "tasks": [TASK], "simulations": list(simulations)}


def simulation(**fields: Any) -> dict[str, Any]:
    return {"id": "s1", "task_id": "7", "messages": MESSAGES, "termination_reason": "user_stop"} | fields


def test_native_results(logs: Logs) -> None:
    path = logs.document("results.json", native(simulation(), simulation(id="s2", messages=MESSAGES[:3])))
    first, second = logs.read("tau2").runs
    assert first.chain == CHAIN
    assert (first.model, first.outcome, first.text) == ("small-1", "called", "It is cancelled.")
    assert (first.case.id, first.case.query) == ("task_7", "Reason for call: You want order 7 gone.")
    assert (first.instructions, first.identity, first.source) == ("Be kind.", "s1", f"{path}:1")
    assert first.usage == Usage(input=300, output=30)
    assert second.chain == CHAIN[:1]
    assert second.case == first.case


def test_wrapped_results_one_task_per_line_and_the_list_of_the_first_version(logs: Logs) -> None:
    wrapped = {"config": {"agent_llm": "big-1"}, "task_results": [{"task_id": "7", "trajectory": simulation()}]}
    logs.document("a_wrapped.json", wrapped | {"policy": "Be kind."})
    logs.lines(
        "mini__A.jsonl", {"task_id": "7", "task": TASK, "messages": MESSAGES, "run_info": {"simulation_id": "x"}}
    )
    openai = {"role": "assistant", "tool_calls": [{"function": {"name": "cancel", "arguments": '{"order": 7}'}}]}
    logs.document("old__fmt.json", [{"task_id": 7, "trial": 0, "traj": [GREETING, USER, openai]}])
    runs = logs.read("tau2").runs
    assert [(run.model, run.chain) for run in runs] == [("big-1", CHAIN), ("mini", CHAIN), ("old", ((ORDER,),))]
    assert len({run.case.id for run in runs}) == 1
    assert {run.case.query for run in runs} == {"Reason for call: You want order 7 gone."}
    assert [run.identity for run in runs] == ["s1", "x", ""]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("user_stop", "called"),
        ("agent_stop", "called"),
        ("max_steps", "truncated"),
        ("too_many_errors", "invalid"),
        ("agent_error", "invalid"),
        ("user_error", "infrastructure"),
        ("infrastructure_error", "infrastructure"),
    ],
)
def test_why_a_conversation_ended_decides_the_outcome(logs: Logs, end: str, outcome: str) -> None:
    logs.document("results.json", native(simulation(termination_reason=end)))
    assert [run.outcome for run in logs.read("tau2").runs] == [outcome]


def test_without_a_scenario_the_first_words_of_the_user_are_the_query(logs: Logs) -> None:
    logs.document("a.json", native(simulation()) | {"tasks": []})
    assert [run.case.query for run in logs.read("tau2").runs] == ["Cancel order 7, please"]


def test_tasks_of_two_domains_stay_apart(logs: Logs) -> None:
    logs.document("a.json", native(simulation()))
    other = {"id": "7", "user_scenario": {"instructions": "You lost your bag."}}
    logs.document("b.json", native(simulation(), environment_info={"domain_name": "airline"}) | {"tasks": [other]})
    assert [run.case.query[:8] for run in logs.read("tau2").runs] == ["Reason f", "You lost"]


def test_a_long_task_id_becomes_a_slug(logs: Logs) -> None:
    task = "[data_issue]roaming|airplane mode[PERSONA:None]"
    logs.document("a.json", native(simulation(task_id=task)))
    [run] = logs.read("tau2").runs
    assert run.case.id.startswith("data-issue-roaming-airplane-mode-persona")


def tool_call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_the_first_version_has_openai_messages(logs: Logs) -> None:
    traj = [
        {"role": "system", "content": "Be strict."},
        USER,
        {"role": "assistant", "content": None, "tool_calls": [tool_call("cancel", '{"order": 7}')]},
        {"role": "tool", "tool_call_id": "c", "name": "cancel", "content": "Error: no"},
        {"role": "assistant", "content": None, "tool_calls": [tool_call("cancel", '{"order": ')]},
        {"role": "assistant", "content": "Done."},
    ]
    entry = {"task_id": 3, "trial": 0, "traj": traj, "info": {"task": {"instruction": "You want it gone."}}}
    path = logs.document("gpt-x__4trials.json", [entry, entry | {"trial": 1, "traj": traj[:2]}])
    first, second = logs.read("tau-bench").runs
    assert first.chain == ((ORDER,), (Call("cancel", '{"order": '),))
    assert (first.model, first.case.id, first.case.query) == ("gpt-x", "task_3", "You want it gone.")
    assert (first.instructions, first.text) == ("Be strict.", "Done.")
    assert (second.outcome, second.chain) == ("answered", ())
    assert [run.model for run in logs.read("tau-bench", f"mine={path}").runs] == ["mine", "mine"]


def test_a_failed_run_of_the_first_version_is_infrastructure(logs: Logs) -> None:
    logs.document("a.json", [{"task_id": 1, "traj": [USER], "info": {"error": "502 Bad Gateway"}}])
    assert [run.outcome for run in logs.read("tau-bench").runs] == ["infrastructure"]


@pytest.mark.parametrize("form", ["tau-bench", "tau2"])
def test_bad_input_is_named_and_the_rest_comes_through(logs: Logs, form: str) -> None:
    good = {"task_id": 1, "traj": [USER, agent(call("find", {}))]}
    path = logs.document("a.json", [{"task_id": 1, "traj": 5}, good, 7])
    logs.raw("b.json", b'[{"task_id": 1, "traj": [')
    read = logs.read(form)
    assert [names_of(run.chain) for run in read.runs] == [["find"]]
    assert [problem.split(": ")[0] for problem in read.problems] == [
        f"{path}:1 [0]",
        f"{path}:1 [2]",
        f"{logs.folder}/b.json:1",
    ]


def test_bad_tau2_input_is_named_and_the_rest_comes_through(logs: Logs) -> None:
    logs.document("a.json", native(simulation(messages="none"), simulation()))
    results = [{"task_id": "7", "trajectory": None, "error": "crashed"}, {"trajectory": simulation(id="s9")}]
    logs.document("b.json", {"config": {}, "task_results": results})
    logs.lines("c.jsonl", {"task_id": "7", "messages": 3}, {"task_id": "7", "messages": MESSAGES})
    logs.document("tools.json", [{"type": "function"}])
    logs.document("types.json", {"find": "READ"})
    logs.document("d.json", {"simulations": 5})
    logs.document("e.json", {"task_results": 5})
    read = logs.read("tau2")
    assert [run.chain for run in read.runs] == [CHAIN] * 3
    assert [problem.removeprefix(f"{logs.folder}/").split(": ")[0] for problem in read.problems] == [
        "a.json:1 simulations[0]",
        "b.json:1 task_results[0]",
        "c.jsonl:1",
        "d.json:1",
        "e.json:1",
        "tools.json:1",
        "types.json:1",
    ]
