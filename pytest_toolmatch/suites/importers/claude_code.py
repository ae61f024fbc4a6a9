"""Claude Code sessions: the JSON Lines files below ``~/.claude/projects``.

Every prompt of a session that a model answered becomes a case: the first one alone, a later one with the conversation
so far. Its chain is what the model called until the next prompt, one step per API response. Calls of subagents
(sidechains) are no part of the main chain. The log holds no tool schemas: those of Claude Code's own tools are known,
others have to be given.

A session that was resumed or forked may begin with a copy of another. A run is known by its first response: of two
copies the longer counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from pytest_toolmatch.core.case import Case, case_id
from pytest_toolmatch.core.errors import at
from pytest_toolmatch.core.sample import Outcome, Usage, outcome_of
from pytest_toolmatch.suites.importers.claude_records import SYNTHETIC
from pytest_toolmatch.suites.importers.claude_session import Response, Session, Turn, chain_of, replies_of
from pytest_toolmatch.suites.importers.claude_tools import known_tool, renamed
from pytest_toolmatch.suites.importers.fields import tokens
from pytest_toolmatch.suites.importers.files import EMPTY, Document, is_log, walk
from pytest_toolmatch.suites.importers.parts import Each, Part, here
from pytest_toolmatch.suites.importers.source import (
    Ignored,
    Imported,
    Offered,
    Options,
    Problem,
    Record,
    Skipped,
    Source,
)

NAME = "claude-code"
SUMMARY = "Claude Code sessions (~/.claude/projects/**/*.jsonl); tool schemas come from --tools"

_NO_SESSION = "files without a session"
_NO_TOOL = "no tool is called; its prompts become cases without calls"
_CIRCLE = "its parents lead back to it: taken in the order of the file"
_STOPS: dict[str, Outcome] = {"max_tokens": "truncated", "refusal": "refused"}
_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per answered prompt of every session; one session at a time is in memory."""
    return read_parts(sources, options, here)


def read_parts(sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield the same; a session is read by itself, and what sessions tell of each other is put together here."""
    failed: list[_Failed] = []
    models: defaultdict[Path, Counter[str]] = defaultdict(Counter)
    offered: set[str] = set()
    for item in each(partial(_session, options=options), _files(sources)):
        match item:
            case _Shown():
                yield from _offered(item.names, offered)
            case _Answered():
                for folder in item.folders:
                    models[folder].update(item.models)
            case _Failed():
                failed.append(item)
            case _:
                yield item
    for run, folders in failed:
        yield from _guessed(run, folders, models)


def _files(sources: Sequence[Source]) -> Iterator[Part]:
    """Yield all files but those that were given for something else; what is no session is to be counted."""
    for source in sources:
        inside = walk(source.path) if source.path.is_dir() else (source.path,)
        yield from (Part(source, file) for file in inside if file.resolve() not in source.other)


class _Shown(NamedTuple):
    """The names of the tools that a session shows to be on offer."""

    names: list[str]


class _Answered(NamedTuple):
    """How many runs of a session each model has, and the folders that it lies in."""

    models: Counter[str]
    folders: list[Path]


class _Failed(NamedTuple):
    """A run of a session in which no model answered."""

    run: Imported
    folders: list[Path]


def _session(part: Part, options: Options) -> Iterator[Record | _Shown | _Answered | _Failed]:
    """Yield what one file holds."""
    file, source = part.path, part.source
    session, folders = Session(), _folders(file, source)
    yield from _fill(session, part)
    called = (call.name for turn in session.turns for step in turn.responses for call in step.calls.values())
    yield _Shown(list(dict.fromkeys([*called, *session.announced])))
    models, nameless = Counter[str](), list[Imported]()
    for record in _records(session, file, source, options):
        if isinstance(record, Imported) and not record.model:
            nameless.append(record)
            continue
        if isinstance(record, Imported):
            models[record.model] += 1
        yield record
    yield _Answered(models, folders)
    if models:  # within one session it is hardly a guess
        yield from (msgspec.structs.replace(run, model=models.most_common(1)[0][0]) for run in nameless)
    else:
        yield from (_Failed(run, folders) for run in nameless)


def _offered(names: Sequence[str], known: set[str]) -> Iterator[Offered]:
    """Yield the tools that no session before showed to be on offer."""
    new = [name for name in names if name not in known]
    known.update(new)
    if new:
        yield Offered(tuple(map(known_tool, new)))


def _folders(file: Path, source: Source) -> list[Path]:
    """Return the directories around a file, up to that of the source."""
    top = source.path if source.path.is_dir() else file.parent
    return [folder for folder in file.parents if folder == top or top in folder.parents]


def _guessed(run: Imported, folders: Sequence[Path], models: Mapping[Path, Counter[str]]) -> Iterator[Record]:
    """Give a run that failed before any model answered the model that answers most around it, and say so."""
    nearest = next((models[folder] for folder in folders if models.get(folder)), None)
    model = nearest.most_common(1)[0][0] if nearest else "unknown"
    what = "failed before any model answered: "
    what += f"guessed to be {model}'s" if nearest else "model 'unknown'; name it with MODEL=PATH"
    yield Problem(run.source, what, f"runs {what}")
    yield msgspec.structs.replace(run, model=model)


def _fill(session: Session, part: Part) -> Iterator[Record]:
    """Read a file into a session; one of a directory that is no session is only counted."""
    file, source = part.path, part.source
    named = file == source.path
    if not named and not (is_log(file, source) and ".json" not in file.suffixes):
        yield Ignored(at(file), _NO_SESSION)
        return
    faults = 0
    for item in part.documents():
        problem = session.add(item) if isinstance(item, Document) else item
        if problem and (named or problem.what != EMPTY):
            faults += 1
            yield problem
    yield from (Problem(where, _CIRCLE, f"records: {_CIRCLE}") for where in session.circles())
    if session.spoken or faults:
        return
    yield Problem(at(file, 1), "no Claude Code session: no message in it") if named else Ignored(at(file), _NO_SESSION)


def _records(session: Session, file: Path, source: Source, options: Options) -> Iterator[Record]:
    """Yield the runs of a session, what was left out of it, and what is odd about it."""
    if session.sidechain:
        yield Skipped(at(file), "calls of subagents", calls=len(session.sidechain))
    if session.lost:
        yield Skipped(at(file), "calls before the first prompt of a file", calls=session.lost)
    answered = [turn for turn in session.turns if turn.responses]
    taken = answered[:1] if options.turns == "first" else answered
    yield from _oddities(answered, file)
    for turn in taken:
        yield from _runs(turn, file, source, replies=options.replies)
    later = [step for turn in answered[len(taken) :] for step in turn.responses]
    if later:
        yield Skipped(at(file), "calls after the first prompt", calls=_count(later))


def _oddities(turns: Sequence[Turn], file: Path) -> Iterator[Problem]:
    """Yield what a user may want to know of a session: tools that go by two names, or no tool at all."""
    first, last = dict[str, int](), dict[str, int]()
    responses = [step for turn in turns for step in turn.responses if not step.error]
    for step in responses:
        for call in step.calls.values():
            first.setdefault(call.name, step.number)
            last[call.name] = step.number
    if responses and not first:
        yield Problem(at(file, turns[0].number), _NO_TOOL, f"sessions: {_NO_TOOL}")
    for old, new in renamed(first):
        if last[old] < first[new]:
            what = f"from here on, {old} is called {new}; both names are kept"
            yield Problem(at(file, first[new]), what, f"sessions: {what}")


def _runs(turn: Turn, file: Path, source: Source, *, replies: bool) -> Iterator[Record]:
    where = at(file, turn.number)
    conversation = turn.conversation
    case = Case(id=case_id(conversation), conversation=conversation, where=where)
    draws = turn.draws
    kept = {step.id for steps in draws for step in steps}
    abandoned = [step for step in turn.responses if step.id not in kept]
    if abandoned:
        yield Skipped(where, "calls of branches that were taken back", calls=_count(abandoned))
    for steps in draws:
        chain = chain_of(steps)
        yield Imported(
            case=case,
            model=_model(steps, source),
            outcome=_outcome(turn, steps) or outcome_of(chain),
            chain=chain,
            text="" if steps[-1].error else steps[-1].text,
            error=steps[-1].text if steps[-1].error else "",
            usage=_usage(steps),
            source=where,
            identity=steps[0].id,  # a copy of the session may go on elsewhere
            replies=replies_of(steps) if replies else (),
        )


def _count(steps: Iterable[Response]) -> int:
    return sum(len(step.calls) for step in steps)


def _model(steps: Sequence[Response], source: Source) -> str:
    return source.label or next((step.model for step in steps if step.model != SYNTHETIC), "")


def _outcome(turn: Turn, steps: Sequence[Response]) -> Outcome | None:
    """Return what kept the model from finishing, if anything did."""
    if steps[-1].error:
        return "infrastructure"
    if turn.interrupted:
        return "truncated"
    return _STOPS.get(steps[-1].stop_reason)


def _usage(steps: Iterable[Response]) -> Usage | None:
    """Add up the tokens of all responses; ``input`` counts cached tokens too."""
    found = [step.usage for step in steps if step.usage]
    fresh, written, cached, output = (tokens(found, key) for key in _TOKENS)
    return Usage(input=fresh + written + cached, cached=cached, output=output) if found else None
