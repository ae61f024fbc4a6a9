"""From the spans of one conversation to its runs, with every call accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from pytest_toolmatch.core.case import Case, case_id
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.sample import Outcome, outcome_of, total
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Skipped
from pytest_toolmatch.suites.importers.traces.messages import settled
from pytest_toolmatch.suites.importers.traces.span import Node, ToolRun
from pytest_toolmatch.suites.importers.traces.threads import Step, Thread, join
from pytest_toolmatch.suites.importers.traces.tree import Tree

_ENDS: dict[str, Outcome] = {
    "length": "truncated",
    "max_tokens": "truncated",
    "incomplete": "truncated",
    "content_filter": "refused",
    "content-filter": "refused",
    "refusal": "refused",
    "safety": "refused",
}
"""Why an answer ended → what that says about the model; other reasons are regular."""

NESTED = "calls that an enclosing span repeats"
OTHERS = "calls of choices that were not taken"
_CAPTURE = "let the instrumentation capture message content"
TOOL_ONLY = "calls known from the span of their tool alone"
UNLOGGED = "the last answer was not logged"
LATER = "calls after the first prompt"


def runs_of(nodes: Sequence[Node], options: Options) -> Iterator[Record]:
    """Yield the runs of one conversation; ``nodes`` come by their start."""
    tree = Tree(nodes)
    yield from tree.problems()
    asked = [node for node in nodes if node.kind in ("model", "agent") and node.exchange]
    inner = [node for node in asked if not tree.repeats(node)]
    yield from _counted(filter(tree.repeats, asked), NESTED)
    ran = tree.tool_runs()
    threads = join(inner, tree.agents, ran)
    if not threads:
        yield from _silent(nodes, ran)
        return
    lone = _unasked(asked, ran)
    if lone and len(threads) == 1 and not any(step.exchange.answer.calls for step in threads[0].steps):
        yield from _lent(threads[0], lone, options)
        return
    yield from _lost(lone)
    for thread in threads:
        yield from _run(thread, ran, options)


def _counted(nodes: Iterable[Node], reason: str) -> Iterator[Skipped]:
    for node in nodes:
        if node.exchange and node.exchange.answer.calls:
            yield Skipped(node.place, reason, calls=len(node.exchange.answer.calls))


def _silent(nodes: Sequence[Node], ran: Sequence[Node]) -> Iterator[Record]:
    """Say why a trace gives nothing."""
    where = f"{nodes[0].where} trace {nodes[0].trace}"
    if ran:
        yield Skipped(where, TOOL_ONLY, calls=len(ran))
    if ran or any(node.kind in ("model", "agent") for node in nodes):
        yield Problem(where, f"no messages in its spans: {_CAPTURE}", f"traces hold no messages: {_CAPTURE}")
    else:
        yield Problem(where, "no request to a model in this trace", "traces hold no request to a model")


def _unasked(asked: Sequence[Node], ran: Sequence[Node]) -> list[Node]:
    """Return the runs of tools that no answer asked for, by the ids of the calls, else by their names."""
    answers = [node.exchange.answer for node in asked if node.exchange]
    ids = {key for answer in answers for key in answer.ids if key}
    names = Counter(call.name for answer in answers for call in answer.calls)
    lone = []
    for node in ran:
        tool = node.tool
        if tool is None or (tool.id and tool.id in ids):
            names[tool.name if tool else ""] -= 1
        elif names[tool.name] > 0:
            names[tool.name] -= 1
        else:
            lone.append(node)
    return lone


def _lost(lone: Sequence[Node]) -> Iterator[Record]:
    for node in lone:
        name = node.tool.name if node.tool else ""
        yield Skipped(node.place, TOOL_ONLY, calls=1)
        what = f"a run of {name} that no logged answer of a model asked for"
        yield Problem(node.place, what, f"runs of {name} that no logged answer of a model asked for")


def _lent(thread: Thread, lone: Sequence[Node], options: Options) -> Iterator[Record]:
    """Yield a run whose calls only the spans of its tools tell of; those that overlap in time are one step."""
    steps: list[list[Node]] = []
    for node in lone:
        if steps and node.start < max(one.end for one in steps[-1]):
            steps[-1].append(node)
        else:
            steps.append([node])
    chain = tuple(tuple(Call(one.tool.name, one.tool.arguments) for one in step if one.tool) for step in steps)
    replies = tuple(tuple(one.tool.result for one in step if one.tool) for step in steps)
    what = "its calls are those of its tools' spans: which were issued together is told by their times"
    yield Problem(thread.steps[0].node.place, what, "runs have only the calls of their tools' spans")
    for record in _run(thread, (), options):
        if isinstance(record, Imported):
            outcome = outcome_of(chain) if record.outcome == "answered" else record.outcome
            kept = replies if options.replies else ()
            yield msgspec.structs.replace(record, chain=chain, outcome=outcome, replies=kept)
        else:
            yield record


def _run(thread: Thread, ran: Sequence[Node], options: Options) -> Iterator[Record]:
    first, last = thread.steps[0], thread.last
    others = sum(step.exchange.others for step in thread.steps)
    if others:
        yield Skipped(first.node.place, OTHERS, calls=others)
    chain = tuple(step.exchange.answer.calls for step in thread.steps if step.exchange.answer.calls)
    if thread.later and options.turns == "first":
        yield Skipped(first.node.place, LATER, calls=sum(map(len, chain)))
        return
    if not first.exchange.messages:
        yield Skipped(first.node.place, "calls whose request was not logged", calls=sum(map(len, chain)))
        yield Problem(first.node.place, "an answer whose request was not logged", "answers lack their request")
        return
    tools = _tools(thread)
    if not tools and not chain and not ran:
        yield Problem(first.node.place, "no tool is offered or called here", "runs neither offer nor call a tool")
    failed = last.exchange.unanswered
    if failed and not last.node.failure:
        yield Problem(last.node.place, UNLOGGED, f"runs can't be compared: {UNLOGGED}")
    yield Imported(
        case=_case(first, tools),
        model=next((step.exchange.model for step in thread.steps if step.exchange.model), "unknown"),
        outcome="infrastructure" if failed else _ENDS.get(last.exchange.finish.lower()) or outcome_of(chain),
        chain=chain,
        text=last.exchange.answer.content,
        error=(last.node.failure or UNLOGGED) if failed else "",
        usage=total(step.exchange.usage for step in thread.steps),
        latency=sum(max(step.node.end - step.node.start, 0) for step in thread.steps) / 1e9,
        source=first.node.where,
        instructions="\n\n".join(one.content for one in first.exchange.messages if one.role == "system"),
        identity=f"{first.node.trace} {first.node.id}",
        replies=_replies(thread, ran) if options.replies else (),
    )


def _tools(thread: Thread) -> tuple[Tool, ...] | None:
    """Return every tool that was on offer at some step."""
    offered = [tool for step in thread.steps for tool in step.exchange.tools or ()]
    return tuple({tool.name: tool for tool in reversed(offered)}.values())[::-1] or None


def _case(step: Step, tools: tuple[Tool, ...] | None) -> Case:
    conversation = settled(tuple(one for one in step.exchange.messages if one.role != "system"))
    return Case(id=case_id(conversation), conversation=conversation, tools=tools, where=step.node.where)


def _replies(thread: Thread, ran: Sequence[Node]) -> tuple[tuple[str, ...], ...]:
    """Return what the calls were answered with; a step that lacks an answer has none."""
    runs = [node.tool for node in ran if node.tool]
    replies = []
    for place, step in enumerate(thread.steps):
        following = thread.steps[place + 1].exchange.messages if place + 1 < len(thread.steps) else ()
        if step.exchange.answer.calls:
            replies.append(_told(step.exchange.answer, following) or _shown(step.exchange.answer, runs))
    return tuple(replies)


def _told(answer: Message, following: Conversation) -> tuple[str, ...]:
    """Return the replies that the next request tells of, by their ids, else by their order."""
    replies = [message for message in following if message.role == "tool"]
    by_id = {message.reply_to: message.content for message in replies if message.reply_to}
    if by_id:
        texts = [by_id[key] for key in answer.ids if key in by_id]
    else:
        texts = [message.content for message in replies[-len(answer.calls) :]]
    return tuple(texts) if len(texts) == len(answer.calls) else ()


def _shown(answer: Message, runs: list[ToolRun]) -> tuple[str, ...]:
    """Return the results of the tools' own spans, by the ids of the calls, else by their names; each counts once."""
    texts = []
    ids = answer.ids or ("",) * len(answer.calls)
    for key, call in zip(ids, answer.calls, strict=False):
        found = next((run for run in runs if key and run.id == key), None)
        found = found or next((run for run in runs if run.name == call.name and not (key and run.id)), None)
        if found:
            runs.remove(found)
            texts.append(found.result)
    return tuple(texts) if len(texts) == len(answer.calls) else ()
