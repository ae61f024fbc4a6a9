"""Sentences around values: openers, fragments, chatter, slips of the pen. No slip ever touches a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_toolmatch.distill.generator.vocabulary import GRAMMAR
from pytest_toolmatch.pocket.spans import code_table

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.parameters import Parameter
    from pytest_toolmatch.distill.generator.values import Said
    from pytest_toolmatch.distill.generator.world import World

_FIRST_MARK = 0xE000
_MARK = re.compile("[\ue000-\uf8ff]")
_WORD = re.compile(r"[a-z]{5,}")
_QUESTIONS = frozenset(GRAMMAR["questions"])
_ON = frozenset(GRAMMAR["dated"])
_QUOTES = ("“{}”", '"{}"', '"{}"', "'{}'")
_QUOTED = ("”", '"', "'")
_PAUSE = re.compile(r"[^\w\s\ue000-\uf8ff]| ?[-–(;]|\s*$")
_ANY_WORDS = frozenset(("topic", "sentence", "title", "made_text"))
_NO_NAME = re.compile(r"(^| )[a-z].* |.* [a-z]")
_GENERIC = 0.25
_OWN_SENTENCE = 0.15


class Draft:
    """A text under way: values stand in it as marks until it is finished."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.values: list[str] = []
        self.loose: set[int] = set()
        self.used: list[str] = []

    def mark(self, text: str, parameter: Parameter | None = None) -> str:
        """Return the mark that stands for a value's text; where its parameter takes any words, it may get quoted."""
        if parameter and parameter.kind.value in _ANY_WORDS and _NO_NAME.search(text):
            self.loose.add(len(self.values))
        self.values.append(text)
        return chr(_FIRST_MARK + len(self.values) - 1)

    def choose(self, name: str) -> str:
        """Return one of the phrases of a list, and remember which."""
        phrases = self.world.phrases[name]
        index = int(self.world.dice.random() * len(phrases))
        self.used.append(f"{name}{index}")
        return str(phrases[index])

    def finish(self, text: str) -> str:
        """Return the text with slips, capitals and values in place."""
        dice = self.world.dice
        if dice.chance(0.12):
            text = _slip(self.world, text)
        roll = dice.random()
        if roll < 0.07:  # noqa: PLR2004
            text = text.lower()
        elif roll < 0.085:  # noqa: PLR2004
            text = text.upper()
        elif roll < 0.8:  # noqa: PLR2004
            text = text[:1].upper() + text[1:]
        return self.plain(text)

    def plain(self, text: str, behind: str = "") -> str:
        """Return the text with values in place, and nothing else changed; ``behind`` is what follows it.

        A value of any words is quoted where neither a pause nor a quotation mark tells where it ends.
        """

        def value(found: re.Match[str]) -> str:
            place, following = ord(found[0]) - _FIRST_MARK, text[found.end() :] + behind
            told = self.plain(self.values[place], following)
            ends = _PAUSE.match(following) if "," not in told else following[:1] in _QUOTED
            return told if place not in self.loose or ends else self.world.dice.pick(_QUOTES).format(told)

        return _MARK.sub(value, text)


def is_question(pattern: str) -> bool:
    """Say whether a way of asking is a question rather than an order."""
    return pattern.split(" ", 1)[0].lower() in _QUESTIONS


def opened(draft: Draft, pattern: str, body: str) -> str:
    """Return the body of a request after an opener that fits."""
    return draft.choose("question_openers" if is_question(pattern) else "openers").format(do=body)


def ended(draft: Draft, text: str) -> str:
    """Return a text with a full stop or a question mark, or without."""
    if text[-1] in "?!." or draft.world.dice.chance(0.2):
        return text
    first = text.split(" ", 1)[0].lower().strip(",")
    return text + (
        "?" if first in ("could", "can", "would", "are", "do", "will") else draft.world.dice.pick((".", ".", ".", "!"))
    )


def fragment(draft: Draft, parameter: Parameter, said: Said) -> str:
    """Return the part of a request that says one value."""
    dice, kind = draft.world.dice, parameter.kind
    if kind.value == "flag":
        return str(dice.pick(kind.said if said.value else kind.unsaid))
    value = draft.mark(said.text, parameter)
    if parameter.human.split(" ")[0] in ("num", "number"):
        thing = parameter.human.split(" ")[-1]
        if thing not in ("nights", "days"):
            return f"{dice.pick(('with', 'for', 'and'))} {value} {thing}"
    if dice.chance(_GENERIC):
        return draft.choose("generic").format(n=parameter.human, v=value)
    pattern: str = dice.pick(kind.said)
    on = "on " if said.text[:1].isdigit() or said.text.split(" ")[0] in _ON else ""
    quoted = dice.pick(_QUOTES).format(value) if "{q}" in pattern else ""
    return pattern.format(v=value, n=parameter.human, on=on, q=quoted)


def sentence(draft: Draft, parameter: Parameter, said: Said) -> str:
    """Return a whole sentence that says one value."""
    if parameter.kind.value == "flag":
        text = fragment(draft, parameter, said)
        return f"{text[0].upper()}{text[1:]}."
    text = draft.choose("sentences").format(n=parameter.human, v=draft.mark(said.text, parameter))
    return text[0].upper() + text[1:]


def with_fragments(draft: Draft, body: str, parts: list[tuple[Parameter, Said]]) -> tuple[str, str]:
    """Return the body with what is said inside it, and the sentences that follow it."""
    dice = draft.world.dice
    question = body.endswith("?")
    inside, after = body.removesuffix("?"), ""
    if len(parts) > 1:
        parts = dice.some(parts, len(parts))
    for parameter, said in parts:
        if dice.chance(_OWN_SENTENCE):
            after += " " + sentence(draft, parameter, said)
        else:
            inside += draft.choose("joins") + fragment(draft, parameter, said)
    return inside + ("?" if question else ""), after


def around(draft: Draft, text: str) -> str:
    """Return the text with small talk before or after it, sometimes."""
    dice = draft.world.dice
    roll = dice.random()
    if roll < 0.12:  # noqa: PLR2004
        return f"{draft.choose('before')} {text[:1].upper()}{text[1:]}"
    return f"{stopped(text)} {draft.choose('after')}" if roll < 0.25 else text  # noqa: PLR2004


def stopped(text: str) -> str:
    """Return a text that ends as a sentence does."""
    return text if text[-1] in ".?!" else text + "."


def _slip(world: World, text: str) -> str:
    """Return the text with one letter of one long word swapped, dropped or doubled; ``euros`` may be a value."""
    currencies, _ = code_table("currency")
    words = [found for found in _WORD.finditer(text) if found[0] not in currencies]
    if not words:
        return text
    found = world.dice.pick(words)
    at = found.start() + world.dice.whole(1, len(found[0]) - 3)
    a, b = text[at], text[at + 1]
    return text[:at] + world.dice.pick((b + a, b, a, a + a + b)) + text[at + 2 :]
