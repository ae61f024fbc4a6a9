"""How a reflection model is asked for a new text: one template for each kind of component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.prompt import parameters
from pytest_toolmatch.repair.candidate import INSTRUCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.repair.candidate import Candidate, Components
    from pytest_toolmatch.repair.feedback import Lesson

SYSTEM = """\
You improve the texts that a small model is given together with its tools, so that it calls the right tools with the
right arguments. You are shown one of these texts, and runs that went wrong. You answer with a new version of this one
text in a single fenced block (three backticks before and after), and nothing else in it.\
"""

_KINDS = {
    "instructions": "the instructions (the system prompt) of an assistant that calls tools",
    "tool": "the description of the tool `{tool}`: it tells the model what the tool does and when to call it",
    "parameter": "the description of the argument `{path}` of the tool `{tool}`: it tells the model what value to give",
}
_ADVICE = {
    "instructions": "State the rules that the runs show to be missing: when to call a tool, which, in which order, "
    "when to stop. Keep what is right today.",
    "tool": "Say what the tool is for, when it is the right one, and when another one is. Say nothing about single "
    "arguments.",
    "parameter": "Say in one or two sentences which value is meant, in which form, and what it is if nothing is said.",
}
LONGEST = {"instructions": 6000, "tool": 1500, "parameter": 600}
"""Characters that a text of each kind may have; more only where it has as many today."""

_LESSONS = 5


def kind_of(component: str, components: Components) -> str:
    """Return what a component is: ``instructions``, ``tool`` or ``parameter``."""
    if component == INSTRUCTIONS:
        return "instructions"
    return "parameter" if components.places[component].path else "tool"


def longest(component: str, components: Components, current: str) -> int:
    """Return how many characters a component's new text may have."""
    return max(LONGEST[kind_of(component, components)], 2 * len(current))


def question(
    component: str,
    candidate: Candidate,
    components: Components,
    lessons: Sequence[Lesson],
    failed: Sequence[str] = (),
) -> str:
    """Return the prompt that asks for a component's new text; ``failed`` were tried, and did not help."""
    kind, place = kind_of(component, components), components.places.get(component)
    named = {"tool": place.tool, "path": place.path} if place else {}
    return "\n".join(
        [
            f"Component: {component}",
            f"This text is {_KINDS[kind].format(**named)}.",
            "",
            "The text today:",
            _fenced(candidate[component]),
            *_around(component, candidate, components),
            "",
            "Runs that went wrong:",
            *(line for number, one in enumerate(lessons[:_LESSONS], 1) for line in _lesson(number, one)),
            *_failed(failed),
            "",
            f"{_ADVICE[kind]} Write rules that hold for requests like these, not only for these: do not quote them.",
            "Answer with the whole new text in one fenced block.",
        ]
    )


def _around(component: str, candidate: Candidate, components: Components) -> Iterable[str]:
    """Yield what else the model is told: so that a text neither repeats nor contradicts it."""
    place = components.places.get(component)
    yield ""
    if place is None:
        yield "The tools:"
        yield from (f"- {tool.name}: {candidate.get(f'tool:{tool.name}', '')}" for tool in components.tools.values())
        return
    yield f"The tool `{place.tool}` as the model sees it:"
    yield _tool(components.tools[place.tool], candidate, components)
    if others := [name for name in components.tools if name != place.tool and not place.path]:
        yield "Other tools:"
        yield from (f"- {name}: {candidate.get(f'tool:{name}', '')}" for name in others)


def _tool(tool: Tool, candidate: Candidate, components: Components) -> str:
    (shown,) = components.prompt(candidate).describe((tool,))
    named = dict(parameters(shown))
    return msgspec.json.encode({"description": shown.description, "arguments": named}).decode()


def _lesson(number: int, one: Lesson) -> Iterable[str]:
    yield f"### Run {number}"
    for heading, text in one.items():
        yield f"{heading}:"
        yield text


def _failed(failed: Sequence[str]) -> Iterable[str]:
    if failed:
        yield ""
        yield "These texts were tried, and did not help:"
        yield from (_fenced(text) for text in failed)


def _fenced(text: str) -> str:
    return f"```\n{text}\n```"
