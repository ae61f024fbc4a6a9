"""The tools that judge tool calls, each as it judges fastest, with text in the shape that it reads without translation.

A function here imports its peer, so that an absent one is an ImportError, and returns what to measure of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pytest_toolmatch.core.chain import Chain
from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from made import Calls


class Bench(NamedTuple):
    """How to write calls down, to read them, and to judge what was read: (student's, teacher's) → a score, 1 at best.

    ``parse`` is another way to read, for judging what is parsed already.
    """

    write: Callable[[Calls], Any]
    read: Callable[[Any], Any]
    judge: Callable[[Any, Any], Any]
    parse: Callable[[Any], Any] | None = None


def ours(tools: list[dict[str, Any]]) -> dict[str, Bench]:
    """Judge with the equality that the tools' schemas give; text is read by the matcher itself."""

    def write(calls: Calls) -> str:
        return json.dumps([[call] for call in calls])

    return {"pytest-toolmatch": Bench(write, str, Matcher(tools).matches, msgspec.json.Decoder(Chain).decode)}


def ragas(_: list[dict[str, Any]]) -> dict[str, Bench]:
    """Judge with the collections metric, all in one event loop; its messages made of parsed JSON, or by pydantic."""
    from ragas.messages import AIMessage, ToolCall  # noqa: PLC0415
    from ragas.metrics.collections import ToolCallAccuracy  # noqa: PLC0415

    score = ToolCallAccuracy().ascore

    def own(calls: Calls) -> str:
        said = [{"name": call["name"], "args": call["arguments"]} for call in calls]
        return json.dumps({"content": "", "tool_calls": said})

    def read(text: str) -> AIMessage:
        said = [ToolCall(name=call["name"], args=call["arguments"]) for call in json.loads(text)]
        return AIMessage(content="", tool_calls=said)

    async def judge(student: Any, teacher: Any) -> float:
        return (await score(user_input=[student], reference_tool_calls=teacher.tool_calls)).value

    return {
        "ragas ToolCallAccuracy (collections)": Bench(json.dumps, read, judge),
        "the same, model_validate_json of its own JSON": Bench(own, AIMessage.model_validate_json, judge),
    }


def deepeval(_: list[dict[str, Any]]) -> dict[str, Bench]:
    """Judge with an exact match of names and input parameters."""
    from deepeval.metrics import ToolCorrectnessMetric  # noqa: PLC0415
    from deepeval.test_case import LLMTestCase, ToolCall, ToolCallParams  # noqa: PLC0415
    from pydantic import TypeAdapter  # noqa: PLC0415

    compared = [ToolCallParams.INPUT_PARAMETERS]
    metric = ToolCorrectnessMetric(evaluation_params=compared, should_exact_match=True, async_mode=False)

    def write(calls: Calls) -> str:
        return json.dumps([{"name": call["name"], "input_parameters": call["arguments"]} for call in calls])

    def judge(student: Any, teacher: Any) -> float:
        case = LLMTestCase(input="", actual_output="", tools_called=student, expected_tools=teacher)
        return metric.measure(case, _show_indicator=False)

    return {"deepeval ToolCorrectness (exact)": Bench(write, TypeAdapter(list[ToolCall]).validate_json, judge)}


def agentevals(_: list[dict[str, Any]]) -> dict[str, Bench]:
    """Judge trajectories of OpenAI messages, whose arguments are text within the text."""
    from agentevals.trajectory.match import create_trajectory_match_evaluator  # noqa: PLC0415

    def write(calls: Calls) -> str:
        said = [{"name": call["name"], "arguments": json.dumps(call["arguments"])} for call in calls]
        return json.dumps([{"role": "assistant", "tool_calls": [{"function": one}]} for one in said])

    def judge(mode: Any) -> Callable[[Any, Any], Any]:
        evaluate = create_trajectory_match_evaluator(trajectory_match_mode=mode)
        return lambda student, teacher: evaluate(outputs=student, reference_outputs=teacher)["score"]

    modes = ("strict", "unordered")
    return {f"agentevals trajectory ({mode})": Bench(write, json.loads, judge(mode)) for mode in modes}


def pydantic_evals(_: list[dict[str, Any]]) -> dict[str, Bench]:
    """Judge whole outputs, in a context a pair: its metrics on tools read the spans of a run, not calls."""
    from pydantic_evals.evaluators import EqualsExpected, EvaluatorContext  # noqa: PLC0415

    evaluate = EqualsExpected().evaluate
    rest: dict[str, Any] = dict.fromkeys(("name", "inputs", "metadata", "_span_tree"))
    rest |= {"duration": 0.0, "attributes": {}, "metrics": {}}

    def judge(student: Any, teacher: Any) -> Any:
        return evaluate(EvaluatorContext(output=student, expected_output=teacher, **rest))

    return {"pydantic_evals EqualsExpected": Bench(json.dumps, json.loads, judge)}


def plain(_: list[dict[str, Any]]) -> dict[str, Bench]:
    """Judge by Python's equality of what was parsed: no schema, no order of calls, no modes."""
    return {"json.loads and ==": Bench(json.dumps, json.loads, lambda student, teacher: student == teacher)}
