"""How good a pocket model is: on the generator's held-out half, on hand-written requests, on BFCL; and how fast."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.schema import NEAR_TYPES
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.distill.examples import Example, is_test_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.pocket.model import PocketModel

_encoder = msgspec.json.Encoder(order="sorted")


class Judged(NamedTuple):
    """One example with what the model did: ``exact`` the same calls, ``names`` the same tools, in CPU seconds."""

    example: Example
    calls: tuple[Call, ...]
    exact: bool
    names: bool
    invalid: int
    seconds: float


def held_out(seed: int = 0, *, unknown_verbs: bool = False) -> Iterator[Example]:
    """Yield examples with nouns, parameters, enum values and phrasings that training never sees; verbs if wanted."""
    from pytest_toolmatch.distill.generator import generate  # noqa: PLC0415 - a distilled student needs none

    return generate(500_000 + seed, held_out=True, unknown_verbs=unknown_verbs)


def everyday_held_out(seed: int = 0) -> Iterator[Example]:
    """Yield requests for everyday tools that training never sees."""
    from pytest_toolmatch.distill.generator import everyday  # noqa: PLC0415 - a distilled student needs none

    return everyday(500_000 + seed, held_out=True)


def kept_requests(most: int = 10**9) -> list[Example]:
    """Return the hand-written requests that are kept out of training, evenly thinned to at most so many."""
    from pytest_toolmatch.distill.requests import demo_requests  # noqa: PLC0415

    kept = [one for one in demo_requests() if is_test_request(one)]
    return kept[:: max(1, -(-len(kept) // most))]


class Row(NamedTuple):
    """One line of a table: of ``n`` examples so many are right."""

    what: str
    exact: int
    names: int
    invalid: int
    n: int

    def __str__(self) -> str:
        share = 100 / max(self.n, 1)
        bad = f"  invalid calls {self.invalid}" if self.invalid else ""
        return f"{self.what:<34} exact {self.exact * share:5.1f} %  names {self.names * share:5.1f} %  of {self.n}{bad}"


def judge(model: PocketModel, examples: Iterable[Example], **settings: Any) -> list[Judged]:
    """Return what the model does with each example, greedily unless ``settings`` say otherwise."""
    return [_judged(model, example, settings) for example in examples]


def _judged(model: PocketModel, example: Example, settings: dict[str, Any]) -> Judged:
    started = time.process_time()
    calls = model.answer(example.conversation, example.tools, **settings).calls
    seconds = time.process_time() - started
    validator = ArgumentValidator(example.tools)
    invalid = sum(not validator.valid(call) for call in calls)
    names = Counter(call.name for call in calls) == Counter(call.name for call in example.calls)
    return Judged(example, calls, same_calls(calls, example.calls), names, invalid, seconds)


def same_calls(ours: Sequence[Call], theirs: Sequence[Call]) -> bool:
    """Return whether both are the same calls with the same arguments; calls of one turn have no order."""
    return sorted(map(_canonical, ours)) == sorted(map(_canonical, theirs))


def _canonical(call: Call) -> bytes:
    return call.name.encode() + _encoder.encode(_plain(call.arguments or {}))


def _plain(value: Any) -> Any:
    """Return the value with whole floats as integers: 1.0 is 1 in JSON Schema."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tabulate(judged: Sequence[Judged]) -> list[Row]:
    """Return the rows of a table: all, by the number of calls, by kind."""
    rows = [_row("all", judged)]
    rows += [_row(f"{n} calls", [one for one in judged if len(one.example.calls) == n]) for n in range(4)]
    kinds = dict.fromkeys(one.example.kind for one in judged)
    rows += [_row(kind, [one for one in judged if one.example.kind == kind]) for kind in kinds]
    return [row for row in rows if row.n]


def _row(what: str, judged: Sequence[Judged]) -> Row:
    columns = [(one.exact, one.names, one.invalid) for one in judged]
    exact, names, invalid = (sum(column) for column in zip(*columns, strict=True)) if columns else (0, 0, 0)
    return Row(what, exact, names, invalid, len(judged))


class Question(NamedTuple):
    """One question of BFCL; ``truth`` has per call the allowed values by argument, ``""`` where it may be left out."""

    example: Example
    truth: tuple[dict[str, dict[str, list[Any]]], ...]


def bfcl(folder: Path, category: str) -> list[Question]:
    """Return the questions of a single-turn category; none where the files are absent."""
    file = folder / "questions" / f"BFCL_v4_{category}.json.gz"
    if not file.exists():
        return []
    truths = folder / "possible_answer" / file.name
    answers = {one["id"]: tuple(one["ground_truth"]) for one in _lines(truths)} if truths.exists() else {}
    return [_question(one, category, answers.get(one["id"], ())) for one in _lines(file)]


def _lines(file: Path) -> list[Any]:
    with gzip.open(file, "rt", encoding="utf-8") as text:
        return [json.loads(line) for line in text if line.strip()]


def _question(one: dict[str, Any], category: str, truth: tuple[Any, ...]) -> Question:
    tools = tuple(
        Tool(name=tool["name"], description=tool["description"], parameters=_proper(tool["parameters"]))
        for tool in one["function"]
    )
    said = " ".join(message["content"] for message in one["question"][0] if message["role"] == "user")
    return Question(Example(tools=tools, conversation=user(said), calls=(), kind=category, group=one["id"]), truth)


def _proper(schema: Any) -> Any:
    """Return BFCL's near-JSON-Schema as JSON Schema: only the names of its types differ."""
    if isinstance(schema, list):
        return [_proper(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _proper(value) for key, value in schema.items()}
    if isinstance(made.get("type"), str):
        kind = NEAR_TYPES.get(made["type"].lower(), "")
        made = {**made, "type": kind} if kind else {key: value for key, value in made.items() if key != "type"}
    return made


def answers_question(calls: Sequence[Call], question: Question) -> tuple[bool, bool]:
    """Return whether the calls are those of a question, and whether their names are; texts as BFCL compares them."""
    names = sorted(call.name for call in calls) == sorted(name for one in question.truth for name in one)
    if not names:
        return False, False
    left = list(calls)
    for truth in question.truth:
        found = next((call for call in left if call.name in truth and _fits(call, truth[call.name])), None)
        if found is None:
            return False, True
        left.remove(found)
    return True, True


def _fits(call: Call, allowed: dict[str, list[Any]]) -> bool:
    given = call.arguments or {}
    if given.keys() - allowed.keys():
        return False
    return all(
        any(_alike(given[name], value) for value in values) if name in given else "" in values
        for name, values in allowed.items()
    )


def _alike(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_alike, ours, theirs))
    if isinstance(ours, str) and isinstance(theirs, str):
        return _squeezed(ours) == _squeezed(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _fits(Call("", ours), theirs)
    return bool(ours == theirs) and isinstance(ours, bool) == isinstance(theirs, bool)


def _squeezed(text: str) -> str:
    return "".join(character for character in text.lower() if character not in " ,./-_*^'\"")


def judge_bfcl(model: PocketModel, questions: Sequence[Question]) -> Row:
    """Return a row of BFCL: for irrelevance, right is to call nothing."""
    exact = names = invalid = 0
    for question in questions:
        calls = model.answer(question.example.conversation, question.example.tools).calls
        validator = ArgumentValidator(question.example.tools)
        invalid += sum(not validator.valid(call) for call in calls)
        all_right, names_right = answers_question(calls, question) if question.truth else (not calls, not calls)
        exact, names = exact + all_right, names + names_right
    return Row(questions[0].example.kind if questions else "absent", exact, names, invalid, len(questions))


def milliseconds(judged: Sequence[Judged]) -> tuple[float, float]:
    """Return the median and the 95th percentile of the time that a turn took."""
    times = [1000 * one.seconds for one in judged]
    return float(np.median(times)), float(np.percentile(times, 95))
