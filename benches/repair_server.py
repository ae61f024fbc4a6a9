"""Students, teachers and the reflection model of ``repair.py`` behind Chat Completions, and who asked how often.

A model is named ``student/KIND/NUMBER/RUN``: one server has them all, and counts the samples of every run by part, so
that no optimiser's own count is believed. A call's id carries its draw: what follows in a conversation follows it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.request import urlopen

from repair_made import Kind, Known
from repair_reflector import reply
from repair_students import Student, Told, chain_text, student

from tests.servers import chat
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection


class Named(NamedTuple):
    """A model by its name."""

    role: str
    student: Student
    run: str


class Times:
    """When requests were answered; all in seconds."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._busy = self._work = self._until = 0.0

    def answer(self, now: float, takes: float) -> None:
        """Take note of a request that comes now, and is answered when that has taken its time."""
        self._since = now if self._since is None else self._since
        self._busy += max(0.0, now + takes - max(now, self._until))
        self._until = max(self._until, now + takes)
        self._work += takes

    def figures(self) -> dict[str, float]:
        """Return the span from the first request to the last answer, the busy part of it, and the work."""
        return {"span": self._until - (self._since or 0.0), "busy": self._busy, "work": self._work}


class Models(Loopback):
    """The server; ``delay`` is what every answer takes, in seconds."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(self._answered)
        self._delay = delay
        self._draws: Counter[tuple[str, str]] = Counter()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._times: defaultdict[str, Times] = defaultdict(Times)

    def _answered(self, received: Received) -> Answer:
        if received.method == "GET":
            return Answer(self._figures(received.path.strip("/").replace("~", "/")))
        self.requests.clear()  # a long run would keep them all
        sent = received.json
        named = named_of(sent["model"])
        with self._lock:
            for served in ("all", named.role):
                self._times[served].answer(time.perf_counter(), self._delay)
            body = self._reflected(sent, named) if named.role == "reflector" else self._sampled(sent, named)
        return Answer(body, delay=self._delay)

    def _figures(self, run: str) -> dict[str, Any]:
        """Return the counts of a run: samples by role and part, and requests.

        Beside them stands, by role and for all together: from the first request to the last answer (``span``), the
        seconds with any request to answer (``busy``), and those of all requests together (``work``).
        """
        counts = {kind: count for (name, kind), count in self._seen.items() if name == run}
        times = {role: one.figures() for role, one in self._times.items()}
        return counts | {"times": times, "most": self.most_in_flight}

    def _reflected(self, sent: dict[str, Any], named: Named) -> dict[str, Any]:
        prompt = "\n\n".join(str(one["content"]) for one in sent["messages"])
        self._seen[_run_of(sent["model"]), "reflections"] += 1
        return chat.completion(reply(named.student, prompt, (named.run, prompt, self._next(sent["model"], prompt))))

    def _sampled(self, sent: dict[str, Any], named: Named) -> dict[str, Any]:
        messages = sent["messages"]
        last = max(place for place, one in enumerate(messages) if one["role"] == "user")
        known = known_of(named.student, str(messages[last]["content"]))
        self._seen[_run_of(sent["model"]), "requests"] += 1
        if known is None:
            return chat.completion("What do you mean?")
        made = [one["tool_calls"] for one in messages[last:] if one.get("tool_calls")]
        draw = int(made[0][0]["id"].split("x")[1]) if made else self._begun(sent, named, known)
        if named.role == "student":
            chain = named.student.answer(known, told_of(named.student, sent, last), run=named.run, draw=draw)
        else:
            chain = named.student.teach(known, run=named.run, draw=draw)
        step = chain[len(made)] if len(made) < len(chain) else ()
        ids = [f"cx{draw}x{len(made)}x{place}" for place in range(len(step))]
        calls = [chat.tool_call(call.name, call.arguments, id_) for call, id_ in zip(step, ids, strict=True)]
        return chat.completion(None if calls else "Done.", *calls)

    def _begun(self, sent: dict[str, Any], named: Named, known: Known) -> int:
        part = next(part for part, cases in named.student.parts_by_id.items() if known.id in cases)
        self._seen[_run_of(sent["model"]), f"{named.role} {part}"] += 1
        return self._next(sent["model"], json.dumps([sent["messages"], sent.get("tools")]))

    def _next(self, model: str, asked: str) -> int:
        key = (model, hashlib.sha256(asked.encode()).hexdigest())
        self._draws[key] += 1
        return self._draws[key] - 1


def named_of(model: str) -> Named:
    """Return the model of ``ROLE/KIND/NUMBER/RUN``."""
    role, kind, number, run = model.rpartition(":")[2].split("/", 3)
    return Named(role, student(int(number), cast("Kind", kind)), run)


def _run_of(model: str) -> str:
    return model.rpartition(":")[2].split("/", 1)[1]


def known_of(one: Student, content: str) -> Known | None:
    """Return the case whose query a message holds."""
    if content in one.by_query:
        return one.by_query[content]
    return next((known for query, known in one.by_query.items() if query in content), None)


def told_of(one: Student, sent: dict[str, Any], last: int) -> Told:
    """Return what a request tells before its query, its message number ``last``."""
    messages = sent["messages"]
    system = [str(m["content"]) for m in messages if m["role"] in {"system", "developer"}]
    texts = {"instructions": "\n".join(system)}
    for tool in sent.get("tools") or ():
        function = tool["function"]
        name = f"tool:{function['name']}"
        texts[name] = function.get("description") or ""
        for path, schema in function["parameters"].get("properties", {}).items():
            texts[f"{name}:{path}"] = schema.get("description") or ""
    return Told(texts, frozenset(_shown(one, messages[:last])))


def _shown(one: Student, messages: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the intents of which there is an example: its query, followed by its chain as calls or as text."""
    starts = [place for place, message in enumerate(messages) if message["role"] == "user"]
    for start, end in pairwise([*starts, len(messages)]):
        known = known_of(one, str(messages[start]["content"]))
        if known and _shows(messages[start + 1 : end], known):
            yield known.intent


def _shows(messages: list[dict[str, Any]], known: Known) -> bool:
    answers = [message for message in messages if message["role"] == "assistant"]
    steps = [message["tool_calls"] for message in answers if message.get("tool_calls")]
    wanted = json.loads(chain_text(known.chain))
    if not steps:
        return chain_text(known.chain) in " ".join(str(message.get("content")) for message in answers)
    made = [[{**c["function"], "arguments": json.loads(c["function"]["arguments"])} for c in step] for step in steps]
    return [[{key: call[key] for key in ("name", "arguments")} for call in step] for step in made] == wanted


@contextmanager
def served(delay: float = 0.0) -> Iterator[str]:
    """Serve all models in a process of their own, and yield the address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, delay), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(5)


def _serve(pipe: Connection, delay: float) -> None:
    with Models(delay) as server:
        pipe.send(server.url)
        pipe.recv()


def counted(url: str, run: str) -> dict[str, float]:
    """Return the counts of a run, ``KIND/NUMBER/RUN``."""
    with urlopen(f"{url}/{run.replace('/', '~')}") as answer:  # noqa: S310 - our own server
        return cast("dict[str, float]", json.load(answer))


def rollouts(url: str, run: str, *parts: str) -> int:
    """Return how many samples of a student were begun, in these parts or all but the test part."""
    counts = counted(url, run)
    return sum(int(counts.get(f"student {part}", 0)) for part in parts or ("train", "validation"))
