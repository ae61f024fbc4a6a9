"""A scripted student whose faults are planted: of some tools it knows the codes only where an example shows them."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.model import parse_model
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.live import open_session
from pytest_toolmatch.repair.candidate import INSTRUCTIONS, Components
from pytest_toolmatch.repair.evaluating import Evaluator
from pytest_toolmatch.repair.examples import example_of
from pytest_toolmatch.repair.options import RepairOptions
from pytest_toolmatch.repair.phase import Ground
from pytest_toolmatch.repair.reflector import Reflector
from pytest_toolmatch.repair.replies import Queries
from pytest_toolmatch.repair.scoring import Scorer
from pytest_toolmatch.sampling.recordings import read_recording
from tests.servers.chat import completion, tool_call
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOOLS = tuple(
    Tool(
        name=name,
        description=f"{verb} a thing.",
        parameters={
            "type": "object",
            "properties": {"what": {"type": "string"}, "code": {"type": "string"}},
            "required": ["what", "code"],
        },
    )
    for name, verb in (("book", "Book"), ("bill", "Bill"), ("mend", "Mend"))
)
CODES = {"book": "B-7", "bill": "K-2", "mend": "M-9"}
"""What the teacher passes for ``code``; nothing that the student is told says so, but for an example."""

KNOWN = ("mend",)
"""Tools whose code the student knows anyway."""

_MORE = {
    "lamp": "before our friends from Norway arrive tomorrow",
    "chair": "since nobody else seems to care",
    "desk": "although it costs a fortune",
    "screen": "once you have spoken with Helena",
    "kettle": "as agreed during yesterday's long meeting",
    "plant": "unless somebody from upstairs objects",
    "sofa": "while everyone is out at lunch",
    "clock": "without making much noise about it",
    "fan": "under our usual northern contract",
    "rug": "just like you did last winter",
}
THINGS = tuple(_MORE)
_ASKED = {
    "book": "Would you please book the {} for my visitors",
    "bill": "Somebody has to bill the {} to accounting now",
    "mend": "It is broken again, please mend the {} today",
}
SUITE = Suite(
    name="office",
    cases=tuple(
        case_of_query(f"{text.format(thing)} {more}", id=f"{name}-{thing}")
        for name, text in _ASKED.items()
        for thing, more in _MORE.items()
    ),
    tools=TOOLS,
    instructions="You run an office.",
)
PROPOSED = "Keep to the code of each tool, and call one tool for each wish."
"""What the scripted reflection model proposes in place of the instructions."""


def of(*things: str) -> tuple[Case, ...]:
    """Return the cases about some things, of all tools."""
    return tuple(case for case in SUITE.cases if case.id.partition("-")[2] in things)


TRAIN, VALIDATION, TEST = of(*THINGS[:5]), of(*THINGS[5:7]), of(*THINGS[7:])


def right(query: str) -> Call:
    """Return the call that a query asks for."""
    name = next(tool for tool in CODES if tool in query.split())
    thing = next(thing for thing in THINGS if thing in query)
    return Call(name, {"what": thing, "code": CODES[name]})


def teacher(case: Case) -> Sample:
    """Return the teacher's sample of a case."""
    return Sample(
        case=case.id,
        role="teacher",
        draw=0,
        outcome="called",
        chain=((right(case.query),),),
        replies=(('{"ok": true}',),),
        text="Done as you wished.",
    )


class Planted(Loopback):
    """A server of the scripted student and of a scripted reflection model, on one wire.

    ``noise`` is the share of prompts that it gets wrong whatever they say, each of them every time; ``replies`` are
    what the reflection model says to what. ``heard`` is called with the number of each request.
    """

    def __init__(
        self,
        replies: Callable[[str], str] = lambda _: PROPOSED,
        noise: float = 0.0,
        heard: Callable[[int], None] = lambda _: None,
        delay: float = 0.0,
    ) -> None:
        super().__init__(self._answered)
        self._replies, self._noise, self._heard, self._delay = replies, noise, heard, delay

    @property
    def of_student(self) -> list[dict[str, Any]]:
        """The bodies that the student was sent."""
        return [one.json for one in self.requests if one.json["model"] == "student"]

    @property
    def of_reflection(self) -> list[dict[str, Any]]:
        """The bodies that the reflection model was sent."""
        return [one.json for one in self.requests if one.json["model"] == "reflection"]

    def _answered(self, received: Received) -> Answer:
        sent = received.json
        self._heard(len(self.requests))
        if sent["model"] == "reflection":
            return Answer(completion(self._replies(sent["messages"][-1]["content"])))
        return Answer(self._student(sent, received.body), delay=self._delay)

    def _student(self, sent: dict[str, Any], body: bytes) -> dict[str, Any]:
        messages = sent["messages"]
        if messages[-1]["role"] == "tool":
            return completion("Done.")
        wanted = right(messages[-1]["content"])
        if sent["model"] == "teacher":
            return completion(None, tool_call(wanted.name, wanted.arguments))
        shown = {call["function"]["name"] for one in messages for call in one.get("tool_calls") or ()}
        known = wanted.name in KNOWN or wanted.name in shown
        wrong = int(hashlib.sha256(body).hexdigest()[:8], 16) / 16**8 < self._noise
        code = wanted.arguments["code"] if known and not wrong and sent.get("tools") else "?"
        return completion(None, tool_call(wanted.name, {**wanted.arguments, "code": code}))


@contextmanager
def ground(server: Planted, folder: Path, **options: Any) -> Iterator[Ground]:
    """Give what a phase works with, for the student on a server; recordings go into a folder."""
    chosen = RepairOptions(**{"rollouts": 300, "draws": 1} | options)
    session = open_session(chosen.settings(), lambda: None)
    scorer = Scorer(SUITE, {case.id: [teacher(case)] for case in SUITE.cases})
    tools = {tool.name: tool for tool in TOOLS}
    examples = {case.id: example_of(case, teacher(case), tools) for case in TRAIN}
    components = Components(SUITE, {name: one for name, one in examples.items() if one})
    student, reflection = (parse_model(f"local:{name}@{server.url}/v1") for name in ("student", "reflection"))
    evaluator = Evaluator(
        components, scorer, student, read_recording(folder / "student.jsonl", student.identity), session
    )
    queries = Queries((case.query for case in SUITE.cases), (components.own[INSTRUCTIONS],))
    kept = read_recording(folder / "reflection.jsonl", reflection.identity)
    reflector = Reflector(components, queries, reflection, kept, session)
    try:
        yield Ground(
            train=TRAIN,
            validation=VALIDATION,
            components=components,
            evaluator=evaluator,
            reflector=reflector,
            options=chosen,
            limit=chosen.rollouts,
        )
    finally:
        session.close(cancel=True, complete=True)


def write_suite(folder: Path) -> Path:
    """Write the suite to a folder."""
    path = folder / "office.toolmatch.yaml"
    form = {"instructions": SUITE.instructions, "tools": "office.tools.json", "cases": "office.cases.jsonl"}
    tools = [{"name": one.name, "description": one.description, "parameters": one.parameters} for one in TOOLS]
    (folder / "office.tools.json").write_text(json.dumps(tools))
    (folder / "office.cases.jsonl").write_text(
        "".join(json.dumps({"id": case.id, "query": case.query}) + "\n" for case in SUITE.cases)
    )
    path.write_text("".join(f"{key}: {value}\n" for key, value in form.items()))
    return path


def match(of_ground: Ground, candidate: dict[str, str]) -> float:
    """Return the match on cases that no phase has seen."""
    scored = of_ground.evaluator.evaluate([(candidate, case, 1) for case in TEST])
    return sum(one.score for one in scored) / len(scored)
