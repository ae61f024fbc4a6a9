"""What a span says beside its messages: its kind, model, tokens, tools, session, and the run of a tool.

One table of names per fact. The order within a table is that of trust; dialects share most names, so that no table
belongs to one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.traces.observations import PREFIX
from pytest_toolmatch.suites.importers.traces.parts import text_of
from pytest_toolmatch.suites.importers.traces.span import Attributes, Kind, Span, ToolRun
from pytest_toolmatch.suites.importers.traces.values import first, number, opened, unflatten

_KIND_KEYS = (
    "openinference.span.kind",
    "gen_ai.operation.name",
    "langfuse.observation.type",
    "traceloop.span.kind",
    "ai.operationId",
    "operation.name",
)
_KINDS: dict[str, Kind] = {
    "llm": "model",
    "chat": "model",
    "text_completion": "model",
    "generate_content": "model",
    "generation": "model",
    "ai.generatetext.dogenerate": "model",
    "ai.streamtext.dostream": "model",
    "execute_tool": "tool",
    "tool": "tool",
    "ai.toolcall": "tool",
    "agent": "agent",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "embedding": "other",
    "embeddings": "other",
    "retriever": "other",
    "reranker": "other",
    "guardrail": "other",
    "evaluator": "other",
    "chain": "other",
    "workflow": "other",
}
"""Any of the words that spans have for what they are; other words say nothing."""

_MODEL_MARKS = ("gen_ai.response.id", "gen_ai.response.model", "gen_ai.request.model", "llm.model_name")
_MODELS = (
    "gen_ai.response.model",
    f"{PREFIX}.model.name",
    "ai.response.model",
    "llm.model_name",
    "gen_ai.request.model",
    "ai.model.id",
)
_SESSIONS = (
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "gcp.vertex.agent.session_id",
    "traceloop.association.properties.session_id",
)
_FINISH = ("gen_ai.response.finish_reasons", "ai.response.finishReason")
_TOKENS = {
    "input": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.promptTokens",
        f"{PREFIX}.usage_details.input",
    ),
    "output": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.completionTokens",
        f"{PREFIX}.usage_details.output",
    ),
    "cached": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        f"{PREFIX}.usage_details.input_cache_read",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        f"{PREFIX}.usage_details.output_reasoning",
    ),
}
_TOOLS = (
    "gen_ai.tool.definitions",
    "ai.prompt.tools",
    "gen_ai.request.tools",
    f"{PREFIX}.metadata.tools",
)
_TOOL_LISTS = ("function_tools", "output_tools")
_NAMES = ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name", f"{PREFIX}.name")
_CALL_IDS = ("gen_ai.tool.call.id", "tool_call.id", "ai.toolCall.id")
_ARGUMENTS = (
    "gen_ai.tool.call.arguments",
    "gcp.vertex.agent.tool_call_args",
    "tool_arguments",
    "ai.toolCall.args",
    "input.value",
    "traceloop.entity.input",
    f"{PREFIX}.input",
)
_RESULTS = (
    "gen_ai.tool.call.result",
    "gcp.vertex.agent.tool_response",
    "tool_response",
    "ai.toolCall.result",
    "output.value",
    "traceloop.entity.output",
    f"{PREFIX}.output",
)


def kind_of(span: Span) -> Kind:
    """Return what a span stands for; one without a word for it is judged by what it carries."""
    words = (str(span.attributes.get(key) or "").lower() for key in _KIND_KEYS)
    known = [_KINDS[word] for word in words if word in _KINDS]
    # A tool's span may repeat the request that asked for it: the narrower word counts.
    order: tuple[Kind, ...] = ("tool", "agent", "model", "other")
    for kind in order:
        if kind in known:
            return kind
    if "gen_ai.tool.name" in span.attributes and "gen_ai.request.model" not in span.attributes:
        return "tool"
    return "model" if any(key in span.attributes for key in _MODEL_MARKS) else "other"


def model_of(span: Span) -> str:
    """Return the model's name: the user's label, or what the span says."""
    return span.label or str(first(span.attributes, _MODELS) or "")


def session_of(span: Span) -> str:
    """Return the conversation that a span belongs to, or the empty string."""
    return str(first(span.attributes, _SESSIONS) or "")


def finish_of(span: Span) -> str:
    """Return why the answer ended."""
    said = opened(first(span.attributes, _FINISH))
    return str(said[0] if isinstance(said, list) and said else said or "")


def usage_of(span: Span) -> Usage | None:
    """Return the tokens of one request."""
    counts = {field: number(first(span.attributes, keys)) for field, keys in _TOKENS.items()}
    return Usage(**counts) if any(counts.values()) else None


def tool_run(span: Span) -> ToolRun:
    """Return what a tool's span says of its call."""
    held = span.attributes
    name = str(first(held, _NAMES) or span.name).removeprefix("execute_tool ")
    result = first(held, _RESULTS)
    return ToolRun(name, str(first(held, _CALL_IDS) or ""), _arguments(held), text_of(opened(result)) if result else "")


def _arguments(held: Attributes) -> Any:
    value = opened(first(held, _ARGUMENTS))
    # LangSmith wraps them once more.
    wrapped = isinstance(value, dict) and list(value) == ["input"] and isinstance(value["input"], dict)
    return parsed(value["input"] if wrapped else value)


def declared(span: Span, among: list[Any]) -> Iterator[Any]:
    """Yield the declarations of the tools on offer, from the first place that has any; ``among`` are messages'."""
    held = span.attributes
    parameters = opened(held.get("model_request_parameters"))
    places = (
        [_legacy(one) for one in unflatten(held, "llm.request.functions")],
        [_inference(one) for one in unflatten(held, "llm.tools")],
        *([opened(held[key])] for key in _TOOLS if held.get(key)),
        [parameters[key] for key in _TOOL_LISTS if parameters.get(key)] if isinstance(parameters, dict) else [],
        among,
        _setting(held),
    )
    yield from _flat(next((place for place in places if place), []))


def _flat(value: Any) -> Iterator[Any]:
    value = opened(value)
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    elif isinstance(value, dict) and "name" not in value and (inner := first(value, _GEMINI)):
        # Gemini spells types in capitals: the wrapper says so to whoever reads the schema.
        yield from ({"functionDeclarations": [one]} for one in inner)
    elif value:
        yield value


_GEMINI = ("functionDeclarations", "function_declarations")


def _legacy(one: Any) -> Any:
    return {**one, "parameters": opened(one.get("parameters"))} if isinstance(one, dict) else one


def _inference(one: Any) -> Any:
    """Return OpenInference's tool; its schema may be the whole declaration or only that of the arguments."""
    tool = one["tool"] if isinstance(one, dict) and isinstance(one.get("tool"), dict) else one
    if not isinstance(tool, dict):
        return one
    schema = opened(tool.get("json_schema") or tool.get("parameters"))
    if isinstance(schema, dict) and ("function" in schema or "name" in schema):
        return schema
    return {"name": tool.get("name"), "description": tool.get("description"), "parameters": schema}


def _setting(held: Attributes) -> list[Any]:
    settings = opened(first(held, (f"{PREFIX}.model.parameters", "llm.invocation_parameters")))
    tools = opened(settings.get("tools")) if isinstance(settings, dict) else None
    return tools if isinstance(tools, list) else []


def tools_of(declarations: Iterator[Any]) -> tuple[tuple[Tool, ...] | None, list[str]]:
    """Return the tools on offer and what is wrong with any of them; None where none is declared."""
    found: dict[str, Tool] = {}
    wrong = []
    for one in declarations:
        try:
            read = tools_from_json(_plainer(one))
        except ToolError as error:
            wrong.append(str(error).removeprefix("top level: "))
        else:
            found |= {tool.name: tool for tool in read}
    return tuple(found.values()) or None, wrong


def _plainer(one: Any) -> Any:
    """Return a declaration with what only its framework knows left out."""
    if not isinstance(one, dict):
        return one
    return {key: value for key, value in one.items() if value is not None and key not in ("metadata", "kind", "strict")}
