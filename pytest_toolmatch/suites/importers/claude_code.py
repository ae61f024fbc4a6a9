"""Claude Code sessions: the JSON Lines files below ``~/.claude/projects``.

Every prompt of a session that a model answered becomes a case: the first one alone, a later one with the conversation
so far. Its chain is what the model called until the next prompt, one step per API response. Calls of subagents
(sidechains) are no part of the main chain. The log holds no tool schemas: they have to be given.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.conversation import Conversation, last_query
from pytest_toolmatch.core.errors import at
from pytest_toolmatch.core.sample import Outcome, Usage, outcome_of
from pytest_toolmatch.suites.importers.claude_session import SYNTHETIC, Response, Session, Turn, chain_of, replies_of
from pytest_toolmatch.suites.importers.fields import tokens
from pytest_toolmatch.suites.importers.files import Document, find, read_file
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Skipped, Source

NAME = "claude-code"
SUMMARY = "Claude Code sessions (~/.claude/projects/**/*.jsonl); tool schemas come from --tools"

_STOPS: dict[str, Outcome] = {"max_tokens": "truncated", "refusal": "refused"}
_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
_encoder = msgspec.json.Encoder()


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per answered prompt of every session."""
    nameless: list[tuple[Imported, list[Path]]] = []
    models: defaultdict[Path, Counter[str]] = defaultdict(Counter)
    for source, file in find(sources):
        places = _places(file, source)
        for record in _read(file, source, options):
            if isinstance(record, Imported) and not record.model:
                nameless.append((record, places))
                continue
            if isinstance(record, Imported):
                for place in places:
                    models[place][record.model] += 1
            yield record
    for run, places in nameless:
        yield from _named(run, places, models)


def _places(file: Path, source: Source) -> list[Path]:
    """Return the file and the directories around it, up to that of the source."""
    top = source.path if source.path.is_dir() else file.parent
    return [file, *(folder for folder in file.parents if folder == top or top in folder.parents)]


def _named(run: Imported, places: Sequence[Path], models: Mapping[Path, Counter[str]]) -> Iterator[Record]:
    """Give a run that failed before any model answered the model that answers most around it, and say so."""
    nearest = next((place for place in places if place in models), None)
    model = models[nearest].most_common(1)[0][0] if nearest else "unknown"
    what = "failed before any model answered: "
    what += f"guessed to be {model}'s" if nearest else "model 'unknown'; name it with MODEL=PATH"
    # Within one session it is hardly a guess.
    if nearest != places[0]:
        yield Problem(run.source, what, f"runs {what}")
    yield msgspec.structs.replace(run, model=model)


def _read(file: Path, source: Source, options: Options) -> Iterator[Record]:
    session = Session()
    read = False
    for item in read_file(file, source):
        if isinstance(item, Document):
            read = True
            session.add(item)
        else:
            yield item
    yield from session.problems
    if read and not session.known and not session.problems:
        yield Problem(at(file, 1), "no Claude Code session: its records have no type")
    if session.sidechain:
        yield Skipped(at(file), "calls of subagents", calls=len(session.sidechain))
    if session.lost:
        yield Skipped(at(file), "calls before the first prompt of a file", calls=session.lost)
    answered = [turn for turn in session.turns if turn.responses]
    taken = answered[:1] if options.turns == "first" else answered
    for turn in taken:
        yield from _runs(turn, file, source, replies=options.replies)
    later = [step for turn in answered[len(taken) :] for step in turn.responses]
    if later:
        yield Skipped(at(file), "calls after the first prompt", calls=_count(later))


def _runs(turn: Turn, file: Path, source: Source, *, replies: bool) -> Iterator[Record]:
    where = at(file, turn.number)
    conversation = turn.conversation
    case = Case(id=_id(conversation), conversation=conversation, where=where)
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
            identity=" ".join(step.id for step in steps),
            replies=replies_of(steps) if replies else (),
        )


def _count(steps: Iterable[Response]) -> int:
    return sum(len(step.calls) for step in steps)


def _id(conversation: Conversation) -> str:
    """Return an id made from the query, and from what was said before it where something was."""
    query = last_query(conversation)
    if len(conversation) == 1:
        return slug(query)
    digest = hashlib.sha256(_encoder.encode(conversation)).hexdigest()[:4]
    return f"{slug(query)}-{digest}"


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
