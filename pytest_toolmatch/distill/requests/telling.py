"""One phrasing told with values: examples, turn by turn."""

from __future__ import annotations

import datetime as dt
import functools
import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator.dice import Dice
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.vocabulary import vocabulary
from pytest_toolmatch.distill.generator.world import World
from pytest_toolmatch.distill.requests.replies import meant, reply_to
from pytest_toolmatch.distill.requests.slots import Slots
from pytest_toolmatch.distill.requests.suites import Family, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART = re.compile(r"\{(\w+)\}|\[([^\]]+)\]")
_DONE = 0.25
_SOME_TOOLS = 0.25
_NEXT_DAYS = 1500


class Telling:
    """One phrasing told with values: the conversation so far, and the calls that follow."""

    def __init__(self, suite: Suite, family: Family, phrase: str, seed: str) -> None:
        self.suite, self.family = suite, family
        self.group = f"{suite.name}: {phrase}"
        self.world = World(Dice(seed), vocabulary(False))
        self.world.today = dt.date(2026, 1, 5) + dt.timedelta(days=self.world.dice.whole(0, _NEXT_DAYS))
        self.world.offset = suite.offset
        self.slots, self.words = Slots(self.world), ""
        self.conversation: Conversation = (Message("system", self._system()), *self._messages(phrase))
        self.meanings: dict[str, Any] = {}

    def _system(self) -> str:
        today = self.world.today
        assert today
        weekday, month = self.world.words["weekdays"][today.weekday()], self.world.words["months"][today.month - 1]
        text: str = self.world.dice.pick(self.suite.systems)
        return text.format(today=f"{weekday}, {today.day} {month} {today.year}")

    def _messages(self, phrase: str) -> Iterator[Message]:
        for place, part in enumerate(phrase.split(" || ")):
            draft = Draft(self.world)
            text = _PART.sub(functools.partial(self._mark, draft), part)
            yield Message("user", draft.finish(text)) if place % 2 == 0 else Message("assistant", draft.plain(text))

    def _mark(self, draft: Draft, found: re.Match[str]) -> str:
        return draft.mark(self._said(found))

    def _said(self, found: re.Match[str]) -> str:
        if found[2]:
            self.words = found[2]
            return self.words
        return self.slots.text(found[1])

    def _value(self, template: Any) -> Any:
        if isinstance(template, dict):
            return {key: self._value(value) for key, value in template.items()}
        if isinstance(template, list):
            return [self._value(value) for value in template]
        if not isinstance(template, str) or template[:1] not in ("{", "$"):
            return template
        if template == "$words":
            return self.words
        return self.meanings[template[1:]] if template[0] == "$" else self.slots.get(template[1:-1])[1]

    def turns(self) -> Iterator[Example]:
        """Yield one example per step, and sometimes the turn in which nothing is left to do."""
        family, dice = self.family, self.world.dice
        if family.none:
            yield self._example((), family.none)
            return
        fails = bool(family.otherwise) and dice.chance(0.4)
        steps = family.calls[:1] if fails else family.calls
        for place, step in enumerate(steps):
            calls = tuple(Call(name, self._value(arguments)) for one in step for name, arguments in one.items())
            alone = "one" if len(calls) == 1 else "parallel"
            yield self._example(
                calls, alone if len(family.calls) == 1 else "next_of_several" if place else "first_of_several"
            )
            told = {} if place else family.otherwise if fails else family.when
            self.conversation = (*self.conversation, Message("assistant", calls=calls), *self._replies(calls, told))
        if fails or dice.chance(_DONE):
            yield self._example((), "done")

    def _replies(self, calls: tuple[Call, ...], told: dict[str, Any]) -> Iterator[Message]:
        for call in calls:
            reply = reply_to(self.world, call.name, call.arguments)
            if told:
                reply = {**reply, **told}
            self._remember(reply)
            text = reply if isinstance(reply, str) else msgspec.json.encode(reply).decode()
            yield Message("tool", text, name=call.name)

    def _remember(self, reply: Any) -> None:
        wanted = set(re.findall(r"\$(\w+)", str(self.family.calls))) - {"words"} - self.meanings.keys()
        for name in wanted:
            try:
                self.meanings[name] = meant(name, reply)
            except (KeyError, TypeError, IndexError, AttributeError):
                continue

    def _example(self, calls: tuple[Call, ...], kind: str) -> Example:
        return Example(tools=self._offered(), conversation=self.conversation, calls=calls, kind=kind, group=self.group)

    def _offered(self) -> tuple[Tool, ...]:
        dice = self.world.dice
        if not dice.chance(_SOME_TOOLS):
            return self.suite.tools
        needed = {name for step in self.family.calls for one in step for name in one}
        others = [tool.name for tool in self.suite.tools if tool.name not in needed]
        kept = needed | set(dice.some(others, dice.whole(3, len(others))))
        return tuple(dice.some([tool for tool in self.suite.tools if tool.name in kept], len(kept)))
