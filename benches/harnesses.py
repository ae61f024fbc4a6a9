"""A peer's harness as a process of its own: ``harnesses.py PEER URL CASES DRAWS LIMIT``; see ``sampling.py``.

A function here asks the served model every query so many times, with the same tools on offer, so many at once, and has
the peer judge the one call that comes: against the expected one, or (promptfoo) against the schema of its tool.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from made import TOOLS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Calls = list[dict[str, Any]]
    Ask = Callable[[str], Awaitable[Calls]]

CALL = {"name": "order_item", "arguments": {"item": "kettle", "count": 2, "price": 19.5, "gift": False}}
OFFERED: list[Any] = [{"type": "function", "function": tool} for tool in TOOLS]


def queries(cases: int) -> list[str]:
    """Return what is asked."""
    return [f"Order kettle number {number}, please." for number in range(cases)]


def with_sdk(url: str, _limit: int) -> Ask:
    """Return what asks through the official SDK; a pool of its client that is bounded by us is only slower."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="unused")

    async def ask(query: str) -> Calls:
        messages: Any = [{"role": "user", "content": query}]
        answer = await client.chat.completions.create(model="served", messages=messages, tools=OFFERED)
        said = [call.function for call in answer.choices[0].message.tool_calls or []]
        return [{"name": one.name, "arguments": json.loads(one.arguments)} for one in said]

    return ask


def with_aiohttp(url: str, limit: int) -> Ask:
    """Return what asks through a plain client, written for the purpose."""
    import aiohttp  # noqa: PLC0415

    opened: list[aiohttp.ClientSession] = []

    async def ask(query: str) -> Calls:
        if not opened:
            opened.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit)))
        body = {"model": "served", "messages": [{"role": "user", "content": query}], "tools": OFFERED}
        async with opened[0].post(f"{url}/v1/chat/completions", json=body) as response:
            message = (await response.json())["choices"][0]["message"]
        said = [call["function"] for call in message.get("tool_calls") or []]
        return [{"name": one["name"], "arguments": json.loads(one["arguments"])} for one in said]

    return ask


def pydantic_evals(ask: Ask, cases: int, draws: int, limit: int) -> bool:
    """Evaluate a dataset, each case several times."""
    from pydantic_evals import Case, Dataset  # noqa: PLC0415
    from pydantic_evals.evaluators import EqualsExpected  # noqa: PLC0415

    asked = [Case(name=query, inputs=query, expected_output=[CALL]) for query in queries(cases)]
    dataset = Dataset[str, Any, Any](name="made", cases=asked, evaluators=[EqualsExpected()])
    report = asyncio.run(dataset.evaluate(ask, max_concurrency=limit, progress=False, repeat=draws))
    averages = report.averages()
    return averages is not None and averages.assertions == 1


def deepeval(ask: Ask, cases: int, draws: int, limit: int) -> bool:
    """Ask first, then evaluate test cases by an exact match of names and input parameters."""
    from deepeval import evaluate  # noqa: PLC0415
    from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig  # noqa: PLC0415
    from deepeval.metrics import ToolCorrectnessMetric  # noqa: PLC0415
    from deepeval.test_case import LLMTestCase, ToolCall, ToolCallParams  # noqa: PLC0415

    def made(calls: Calls) -> list[ToolCall]:
        return [ToolCall(name=call["name"], input_parameters=call["arguments"]) for call in calls]

    async def asked() -> list[LLMTestCase]:
        gate = asyncio.Semaphore(limit)

        async def one(query: str) -> LLMTestCase:
            async with gate:
                called = await ask(query)
            return LLMTestCase(input=query, actual_output="", tools_called=made(called), expected_tools=made([CALL]))

        return await asyncio.gather(*(one(query) for query in queries(cases) for _ in range(draws)))

    metric = ToolCorrectnessMetric(evaluation_params=[ToolCallParams.INPUT_PARAMETERS], should_exact_match=True)
    found = evaluate(
        asyncio.run(asked()),
        [metric],
        async_config=AsyncConfig(max_concurrent=limit, throttle_value=0),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
        cache_config=CacheConfig(write_cache=False),
    )
    return all(one.success for one in found.test_results)


def inspect_ai(url: str, cases: int, draws: int, limit: int) -> bool:
    """Evaluate a task of one generation, with the fewest logs that it can be asked for."""
    import inspect_ai as ai  # noqa: PLC0415
    from inspect_ai.dataset import Sample  # noqa: PLC0415
    from inspect_ai.model import get_model  # noqa: PLC0415
    from inspect_ai.scorer import Score, Target, accuracy, scorer  # noqa: PLC0415
    from inspect_ai.solver import TaskState, generate, use_tools  # noqa: PLC0415
    from inspect_ai.tool import ToolDef, ToolParams  # noqa: PLC0415

    async def never(**_: Any) -> str:
        raise NotImplementedError

    def tool(one: dict[str, Any]) -> Any:
        parameters = ToolParams.model_validate(one["parameters"])
        for name, parameter in parameters.properties.items():
            parameter.description = name  # it insists on one
        return ToolDef(never, one["name"], one["name"], parameters).as_tool()

    @scorer(metrics=[accuracy()])
    def same() -> Any:
        async def score(state: TaskState, target: Target) -> Score:
            said = state.output.message.tool_calls or []
            calls = [{"name": call.function, "arguments": call.arguments} for call in said]
            return Score(value=calls == json.loads(target.text))

        return score

    samples = [Sample(input=query, target=json.dumps([CALL]), id=query) for query in queries(cases)]
    solver = [use_tools([tool(one) for one in TOOLS]), generate(tool_calls="none")]
    logs = ai.eval(
        ai.Task(dataset=samples, solver=solver, scorer=same()),
        model=get_model("openai-api/served/served", base_url=f"{url}/v1", api_key="unused"),
        epochs=draws,
        max_connections=limit,
        max_samples=limit,
        display="none",
        log_samples=False,
        log_realtime=False,
        log_model_api=False,
        log_dir="inspect_logs",
    )
    results = logs[0].results
    return results is not None and results.scores[0].metrics["accuracy"].value == 1


def promptfoo(url: str, cases: int, draws: int, limit: int) -> bool:
    """Evaluate a configuration file; nothing is kept, as nothing is here."""
    config = {"apiBaseUrl": f"{url}/v1", "apiKey": "unused", "tools": OFFERED}
    provider = {"id": "openai:chat:served", "config": config}
    tests = [{"vars": {"query": query}, "assert": [{"type": "is-valid-openai-tools-call"}]} for query in queries(cases)]
    said = {"prompts": ["{{query}}"], "providers": [provider], "tests": tests}
    Path("promptfooconfig.json").write_text(json.dumps(said))
    plain = "eval -c promptfooconfig.json --no-cache --no-progress-bar --no-table --no-write --no-share"
    line = [shutil.which("promptfoo") or "", *plain.split(), f"--repeat={draws}", f"--max-concurrency={limit}"]
    return subprocess.run(line, check=False).returncode == 0  # noqa: S603


def main(peer: str, url: str, *much: str) -> bool:
    """Run a peer; return whether every draw was judged right."""
    cases, draws, limit = map(int, much)
    whole: dict[str, Callable[..., bool]] = {"inspect_ai": inspect_ai, "promptfoo": promptfoo}
    if peer in whole:
        return whole[peer](url, cases, draws, limit)
    judges: dict[str, Callable[..., bool]] = {"pydantic_evals": pydantic_evals, "deepeval": deepeval}
    name, _, client = peer.partition("+")
    return judges[name]({"sdk": with_sdk, "aiohttp": with_aiohttp}[client](url, limit), cases, draws, limit)


if __name__ == "__main__" and sys.argv[1:]:
    raise SystemExit(not main(*sys.argv[1:]))
