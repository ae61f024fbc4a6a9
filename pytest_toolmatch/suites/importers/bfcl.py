"""The Berkeley Function-Calling Leaderboard: questions, results of several models, possible answers.

Every category is a suite, every question a case with its own tools, every results file the runs of one model. The
possible answers become the runs of a model named ``reference``; where no function fits, the answer is no call. Files
are told apart by their content, categories by their names; v1 to v4 are read. Function-calling APIs allow no dots in
names, so dots become underscores everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.sample import Outcome, Usage, outcome_of
from pytest_toolmatch.suites.importers.bfcl_answers import LIMIT, spelled_out
from pytest_toolmatch.suites.importers.bfcl_questions import Key, Questions, fold, key_of
from pytest_toolmatch.suites.importers.bfcl_text import calls_in, looks_like_calls
from pytest_toolmatch.suites.importers.contents import count
from pytest_toolmatch.suites.importers.fields import counted, parsed
from pytest_toolmatch.suites.importers.files import Document, documents, typed
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Question, Record, Source

NAME = "bfcl"
SUMMARY = "BFCL v1 to v4: questions, results and possible answers, together in one or several directories"
REFERENCE = "reference"
"""The model that the possible answers are the runs of."""

_NO_CALL = ("irrelevance", "live_irrelevance", "relevance")
"""Categories whose answer is to call nothing, for which there are no files; version 1 names them the other way round.

Under ``live_relevance`` any call is right, which no list of answers can say.
"""

_GROUPS = ("live", "non_live", "multi_turn", "agentic", "result", "results", "score")
"""Folders between the model's folder and its files; the model's name is never one of these."""

_FAILED = "Error during inference:"
"""How BFCL's own harness records that the model was never reached; other texts are left as they are."""


class _Result(msgspec.Struct, frozen=True):
    result: Any
    input_token_count: Any = None
    output_token_count: Any = None
    latency: Any = None
    traceback: str | None = None


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """One result, waiting for its question."""

    key: Key
    model: str
    chain: Chain
    outcome: Outcome
    where: str
    text: str = ""
    usage: Usage | None = None
    latency: float | None = None


class _Truth(msgspec.Struct, frozen=True):
    """The possible answers to one question, waiting for it."""

    key: Key
    truth: Any
    where: str


_Waiting: TypeAlias = _Run | _Truth | Problem | None


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield every question, then the runs on it in the order of the files."""
    questions = Questions()
    waiting: list[_Run | _Truth] = []
    for item in documents(sources):
        found = item if isinstance(item, Problem) else _take(item, questions, options)
        if isinstance(found, Problem):
            yield found
        elif found:
            waiting.append(found)
    answered = {questions.resolve(found.key) for found in waiting if isinstance(found, _Truth)}
    for key, case in questions.cases():
        yield case if isinstance(case, Problem) else Question(case=case, suite=key.category)
        if isinstance(case, Case) and key.category in _NO_CALL and key not in answered:
            yield _answer((), case, key, case.where)
    yield from _joined(waiting, questions)


def _take(item: Document, questions: Questions, options: Options) -> _Waiting:
    """Sort a record by what it holds."""
    data = item.data if isinstance(item.data, dict) else {}
    if "parameters" in data and "name" in data:
        questions.document(item)
        return None
    takers = {"question": questions.add, "ground_truth": _truth, "result": _run}
    taker = next((taker for field, taker in takers.items() if field in data), None)
    key = key_of(item) if taker else None
    if not taker or not key:
        return Problem(item.where, "no BFCL record: an id with a question, a result or a ground_truth")
    wanted = not options.categories or any(fnmatchcase(key.category, glob) for glob in options.categories)
    return taker(key, item) if wanted else None


def _truth(key: Key, item: Document) -> _Truth:
    return _Truth(key, item.data["ground_truth"], item.where)


def _joined(waiting: Sequence[_Run | _Truth], questions: Questions) -> Iterator[Record]:
    """Put runs and answers to their questions; what belongs to none is counted per file."""
    unasked: dict[str, list[str]] = {}
    unformed: dict[str, list[str]] = {}
    for found in waiting:
        key = questions.resolve(found.key)
        case = questions[key] if key else None
        if not key or not case:
            unasked.setdefault(_file(found.where), []).append(found.where)
        elif isinstance(found, _Truth):
            yield from _answers(found, case, key)
        else:
            if not found.chain and looks_like_calls(found.text):
                unformed.setdefault(_file(found.where), []).append(found.where)
            yield _imported(found, case, key)
    yield from _summed(unasked, "record", "without a question: give the directory of the questions, too")
    yield from _summed(unformed, "text", "with calls outside of BFCL's form: read as text, no call")


def _file(where: str) -> str:
    return where.rpartition(":")[0]


def _summed(places: dict[str, list[str]], noun: str, what: str) -> Iterator[Problem]:
    for found in places.values():
        said = f"{counted(len(found), noun)} {what}"
        yield Problem(found[0], said, f"files have {said}")


def _run(key: Key, item: Document) -> _Run | Problem:
    line = typed(item.data, _Result, item.where)
    if isinstance(line, Problem):
        return line
    steps, texts = _steps(line.result)
    chain = tuple(step for step in steps if step)
    failed = line.traceback is not None or str(line.result).startswith(_FAILED)
    return _Run(
        key=key,
        model=item.source.label or _model(item),
        chain=chain,
        outcome="infrastructure" if failed else outcome_of(chain),
        text="\n".join(texts),
        usage=_usage(line),
        latency=_summed_up(line.latency),
        where=item.where,
    )


def _model(item: Document) -> str:
    """Return the folder that a results file lies in, other than those that group categories."""
    folders = (folder.name for folder in item.path.parents)
    return next((name for name in folders if name and name not in _GROUPS), "unknown")


def _steps(result: Any) -> tuple[list[tuple[Call, ...]], list[str]]:
    """Return the steps of a result and the text in it.

    One turn is text or a list of ``{name: arguments}``; several turns are lists of steps, which are such lists or text.
    """
    if isinstance(result, list) and result and all(isinstance(turn, list) for turn in result):
        found = [_step(step) for turn in result for step in turn]
    else:
        found = [_step(result, texts_are_calls=isinstance(result, str))]
    return [calls for calls, _ in found], [text for _, texts in found for text in texts]


def _step(step: Any, *, texts_are_calls: bool = True) -> tuple[tuple[Call, ...], list[str]]:
    """Return the calls of a step and the texts that are none."""
    calls: list[Call] = []
    texts = []
    for part in step if isinstance(step, list) else [step]:
        if isinstance(part, dict) and isinstance(step, list):
            calls += (Call(fold(name), parsed(arguments)) for name, arguments in part.items())
            continue
        text = part if isinstance(part, str) else msgspec.json.encode(part).decode()
        found = calls_in(text) if texts_are_calls else ()
        calls += (Call(fold(call.name), call.arguments) for call in found)
        texts += [] if found else [text]
    return tuple(calls), texts


def _summed_up(value: Any) -> float | None:
    """Add up seconds or tokens, which several turns log as lists of lists."""
    if isinstance(value, list):
        parts = [part for item in value if (part := _summed_up(item)) is not None]
        return sum(parts) if parts else None
    return value if isinstance(value, int | float) else None


def _usage(line: _Result) -> Usage | None:
    sent, received = _summed_up(line.input_token_count), _summed_up(line.output_token_count)
    return None if sent is None and received is None else Usage(input=count(sent), output=count(received))


def _imported(run: _Run, case: Case, key: Key) -> Imported:
    failed = run.outcome == "infrastructure"
    return Imported(
        case=case,
        model=run.model,
        outcome=run.outcome,
        chain=run.chain,
        text="" if failed else run.text,
        error=run.text if failed else "",
        usage=run.usage,
        latency=run.latency,
        source=run.where,
        suite=key.category,
    )


def _answers(found: _Truth, case: Case, key: Key) -> Iterator[Record]:
    try:
        answers = spelled_out(found.truth, case.tools or (), fold)
    except ValueError as error:
        yield Problem(found.where, f"no possible answers: {error}")
        return
    if answers.cut:
        more = f"more than {LIMIT} possible answers: the first {LIMIT} are kept"
        yield Problem(found.where, more, f"questions have {more}")
    yield from (_answer(chain, case, key, found.where) for chain in answers.chains)


def _answer(chain: Chain, case: Case, key: Key, where: str) -> Imported:
    return Imported(
        case=case,
        model=REFERENCE,
        outcome=outcome_of(chain),
        chain=chain,
        source=where,
        suite=key.category,
        alternative=True,
    )
