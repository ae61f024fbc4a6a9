"""A conversation as the network reads it: tokens with features, and how each matches the words of the tools."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytest_toolmatch.pocket.moments import MONTHS, WEEKDAYS, Now, now_in
from pytest_toolmatch.pocket.negation import denials, denials_behind, is_denial
from pytest_toolmatch.pocket.numbers import NUMBER_WORDS, UNITS, amounts_at, is_number
from pytest_toolmatch.pocket.rows import against, asked_for, is_json, limit_in, ranks
from pytest_toolmatch.pocket.spans import LONGEST, Spans, Text, may_begin, may_end, spans_of
from pytest_toolmatch.pocket.text import STOP_WORDS, Token, tokenise
from pytest_toolmatch.pocket.toolbox import ARGUMENT, OPTION, TOOL, Toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.core.conversation import Conversation, Message

    Floats = NDArray[np.float32]

SEGMENTS = 6
"""Last query, earlier query, assistant's text, earlier calls, replies since the last query, earlier replies."""

TOKEN_FEATURES, ITEM_FEATURES = 27, 23
SPECIALS = 4
"""Places of END, ABSENT, TRUE and FALSE, before the tokens and the items."""

END, ABSENT, TRUE, FALSE = range(SPECIALS)
NAME, ABOUT, SIBLINGS = range(3)
"""The layers of ``Reading.match``: with an item's name, with its description, with other arguments of the same tool."""

_LAST_QUERY, _QUERY, _SAID, _CALLED, _REPLY, _OLD_REPLY = range(SEGMENTS)
_COPIED_FROM = (_LAST_QUERY, _QUERY, _SAID, _REPLY, _OLD_REPLY)
_REPLIES = (_REPLY, _OLD_REPLY)
_BRACKETS = frozenset('"[]}:')
"""What is not read of a JSON reply: each field is its name and its value, each row begins with a brace."""

_MOST_TOKENS, _MOST_OF_ONE = 200, 110
_WEB = re.compile(r"@.+\.|://|^www\.|^[~/].|\.\w{2,4}$")
_CLOCK = re.compile(r"\d{1,2}:\d{2}.*|[ap]\.?m|noon|midnight|o'clock")
_MIX = re.compile(r"(?=.*\d)(?=.*[^\W\d_]).*")
_COUNTED = 0.9
_ALIKE = 0.4


class Segment(NamedTuple):
    """One piece of the conversation; ``first`` is the place of its first token."""

    kind: int
    text: Text


class Reading:
    """One conversation beside one toolbox.

    ``words`` are the tokens in lower case; ``features`` tokens × TOKEN_FEATURES; ``item_features`` items ×
    ITEM_FEATURES; ``match`` 3 × items × tokens, from 0 to 1; ``spans`` what may fill each slot (by its item);
    ``callable`` says of each tool whether the grammar can reach a valid call.
    """

    def __init__(self, conversation: Conversation, toolbox: Toolbox, instructions: str = "") -> None:
        self.toolbox = toolbox
        self.segments = _segments(conversation)
        self.words = [word for segment in self.segments for word in segment.text.words]
        self.kinds = np.repeat([s.kind for s in self.segments], [len(s.text.words) for s in self.segments]).astype(
            np.int64
        )
        self.places = np.concatenate([np.arange(len(s.text.words)) for s in self.segments] or [np.arange(0)])
        self._tokens = [token.text for segment in self.segments for token in segment.text.tokens]
        self._copied = [s.text for s in self.segments if s.kind in _COPIED_FROM]
        self._find_spans(_now(conversation, instructions))
        likeness = _likeness(self.words, toolbox)
        self.match = _matches(likeness, toolbox, self.words)
        said = self._options_said()
        self._denied = self._counted(denials)
        self.features = self._token_features(_values_called(conversation))
        self.item_features = self._item_features(likeness, conversation)
        self.item_features[said, 15] = 1

    def _find_spans(self, now: Now) -> None:
        self.spans: dict[int, Spans] = {}
        begins = np.zeros(len(self.words), bool)
        self._ends = np.zeros(len(self.words), bool)
        self.last = np.zeros(len(self.words), np.int64)  # place of the last token of the same piece
        for text in self._copied:
            for place, token in enumerate(text.tokens, text.first):
                begins[place], self._ends[place] = may_begin(token.text), may_end(token.text)
                self.last[place] = text.first + len(text.tokens) - 1
        self.begins = np.flatnonzero(begins)
        known: dict[str, Spans] = {}
        for offered in self.toolbox.offered:
            for slot, item, concern in zip(offered.slots, offered.arguments, offered.concerns, strict=True):
                if concern not in known:
                    known[concern] = spans_of(slot, concern, self._copied, now, self.toolbox.found)
                self.spans[item] = known[concern]
        self.callable = [
            offered.supported
            and all(self._fillable(i, s) for i, s in zip(offered.arguments, offered.slots, strict=True))
            for offered in self.toolbox.offered
        ]

    def _fillable(self, item: int, slot: Any) -> bool:
        if not slot.required or slot.kind in ("enum", "boolean"):
            return True
        return len(self.begins) > 0 if self.spans[item].free else len(self.spans[item].ends) > 0

    def starts(self, item: int) -> NDArray[np.int64]:
        """Return the tokens at which a value of a slot may begin."""
        spans = self.spans[item]
        return self.begins if spans.free else np.fromiter(spans.ends, np.int64, len(spans.ends))

    def ends(self, item: int, start: int) -> NDArray[np.int64]:
        """Return the tokens with which a value of a slot that begins at ``start`` may end."""
        spans = self.spans[item]
        if not spans.free:
            return np.fromiter(spans.ends[start], np.int64, len(spans.ends[start]))
        places = np.arange(start, min(start + LONGEST, self.last[start] + 1))
        allowed = places[self._ends[places]]
        return allowed if len(allowed) else places[:1]

    def value(self, item: int, start: int, end: int) -> Any:
        """Return the value of a slot that stands from token ``start`` to token ``end``."""
        spans = self.spans[item]
        if not spans.free:
            return spans.ends[start][end]
        text = next(text for text in self._copied if text.first <= start < text.first + len(text.tokens))
        return text.content[text.tokens[start - text.first].start : text.tokens[end - text.first].end]

    def find(self, value: str) -> Iterator[tuple[int, int]]:
        """Yield the first and the last token of every place where a text stands as it is, from token to token."""
        for text in self._copied:
            starts = {token.start: place for place, token in enumerate(text.tokens, text.first)}
            stops = {token.end: place for place, token in enumerate(text.tokens, text.first)}
            at = text.content.find(value) if value else -1
            while at >= 0:
                if at in starts and at + len(value) in stops:
                    yield starts[at], stops[at + len(value)]
                at = text.content.find(value, at + 1)

    def _counted(self, count: Callable[[Sequence[str]], list[int]]) -> NDArray[np.int64]:
        """Return what is counted for each word of a piece, for all pieces in one row."""
        return np.array([often for segment in self.segments for often in count(segment.text.words)], np.int64)

    def _token_features(self, called: set[str]) -> Floats:
        made = np.zeros((len(self.words), TOKEN_FEATURES), np.float32)
        for segment in self.segments:
            quoted = False
            for place, token in enumerate(segment.text.tokens, segment.text.first):
                word = self.words[place]
                quoted ^= token.text in '"“”'
                following = self.words[place + 1] if place + 1 < len(self.words) else ""
                before = segment.text.tokens[place - segment.text.first - 1] if place > segment.text.first else None
                made[place, :15] = _shape(token, word, following, before, quoted)
                made[place, 19:23] = (
                    word in called,
                    word in UNITS,
                    before is not None and before.text in "$€£#",
                    before is not None and before.text in ":=",
                )
        made[:, 26] = self._denied > 0
        self._compare(made)
        kinds = np.array([item.kind for item in self.toolbox.items])
        for column, kind in enumerate((TOOL, ARGUMENT, OPTION), 15):
            if len(self.words) and (kinds == kind).any():
                made[:, column] = self.match[NAME][kinds == kind].max(0)
        if len(self.words) and len(kinds):
            made[:, 18] = self.match[ABOUT].max(0)
        return made

    def _compare(self, made: Floats) -> None:
        """Mark in replies the least and the most of each kind, and what the query asks for or sets a limit to."""
        asked = [word for segment in self.segments if segment.kind == _LAST_QUERY for word in segment.text.words]
        limit = limit_in(asked)
        for segment in self.segments:
            if segment.kind in _REPLIES:
                known, wanted = ranks(segment.text.content), asked_for(asked, segment.text.content)
                for place, token in enumerate(segment.text.tokens, segment.text.first):
                    made[place, 23:25] = known.get(token.start, (0, 0))
                    below = against(limit, self.words[place])
                    made[place, 25] = min(below or 1.0, wanted.get(token.start, 0.0) or below)

    def _options_said(self) -> list[int]:
        """Return the options that a query says in another unit (``three days`` is 72 hours), and match them."""
        asked = np.flatnonzero(np.isin(self.kinds, (_LAST_QUERY, _QUERY)))
        found: list[int] = []
        for offered in self.toolbox.offered:
            for slot, items in zip(offered.slots, offered.options, strict=True):
                for start in asked if items and slot.unit else ():
                    for end, value in amounts_at(self.words, int(start), slot.unit):
                        said = [item for item, option in zip(items, slot.options, strict=False) if option == value]
                        self.match[NAME, said, start:end] = _COUNTED
                        found += said
        return found

    def _item_features(self, likeness: Floats, conversation: Conversation) -> Floats:
        box = self.toolbox
        made = np.zeros((len(box.items), ITEM_FEATURES), np.float32)
        if not box.items:
            return made
        asked = np.isin(self.kinds, (_LAST_QUERY, _QUERY))
        best = likeness[asked].max(0) if asked.any() else np.zeros(len(box.words), np.float32)
        made[:, 0] = [item.required for item in box.items]
        made[:, 1] = [item.many for item in box.items]
        made[:, 3] = self.match[NAME][:, asked].max(1) if asked.any() else 0
        made[:, 4] = self.match[ABOUT][:, asked].max(1) if asked.any() else 0
        made[:, 5] = _share((best >= 1).astype(np.float32), box.name_words, box.name_starts, None)
        made[:, 6] = _share(best, box.name_words, box.name_starts, None)
        made[:, 7] = _share(best, box.name_words, box.name_starts, box.content)
        made[:, 8] = _share(best, box.about_words, box.about_starts, box.content)
        self._call_features(made, conversation)
        made[:, 18:20] = box.denying
        self._phrase_features(made, asked)
        self._yes_or_no_features(made, asked)
        return made

    def _call_features(self, made: Floats, conversation: Conversation) -> None:
        since = conversation[_last_query(conversation) + 1 :]
        steps = [[call.name for call in message.calls] for message in since if message.calls]
        replied = any(message.role == "tool" for message in since)
        failed = {message.name for message in since if message.error}
        for tool, offered, reachable in zip(self.toolbox.tools, self.toolbox.offered, self.callable, strict=True):
            row = made[offered.item]
            row[9] = min(sum(step.count(tool.name) for step in steps), 3) / 3
            row[10] = bool(steps) and tool.name in steps[-1]
            row[11], row[12], row[13] = reachable, not offered.supported, tool.name in failed
            for item, slot in zip(offered.arguments, offered.slots, strict=True):
                made[item, 2] = slot.kind in ("enum", "boolean") or len(self.starts(item)) > 0
        marks = self.features[self.kinds == _REPLY, 25]
        made[:, 14], made[:, 16], made[:, 17] = replied, (marks > 0).any(), (marks < 0).any()

    def _yes_or_no_features(self, made: Floats, asked: NDArray[np.bool_]) -> None:
        """Mark what the words that match a boolean say of it: 1 for yes, -1 for no; two denials are none.

        By its name with what denies before the words alone, and with what denies behind them, too; by its description.
        """
        if not self.toolbox.booleans:
            return
        said = asked & ~np.array([is_denial(word) for word in self.words], bool)
        both = self._denied + self._counted(denials_behind)
        for column, layer, denied in ((20, NAME, self._denied), (21, NAME, both), (22, ABOUT, both)):
            for item in self.toolbox.booleans:
                match = self.match[layer, item] * said
                best = match >= match.max(initial=_ALIKE)
                if best.any():
                    made[item, column] = (1 - 2 * (denied[best] % 2)).mean() * (1 - 2 * made[item, 18 + layer])

    def _phrase_features(self, made: Floats, asked: NDArray[np.bool_]) -> None:
        """Mark the options that stand in a query word for word."""
        said = " " + " ".join(word for word, is_asked in zip(self.words, asked, strict=True) if is_asked) + " "
        for place, item in enumerate(self.toolbox.items):
            if item.kind == OPTION:
                made[place, 15] = f" {' '.join(item.name)} " in said


def _now(conversation: Conversation, instructions: str) -> Now:
    return now_in(" ".join([instructions, *(message.content for message in conversation if message.role == "system")]))


def _last_query(conversation: Conversation) -> int:
    """Return the place of the user's last message; -1 where there is none."""
    return max((i for i, m in enumerate(conversation) if m.role == "user"), default=-1)


def _segments(conversation: Conversation) -> list[Segment]:
    """Return the pieces in their order; where there are too many tokens, the oldest pieces go first.

    Of a piece, the last query as well, no more than the first ``_MOST_OF_ONE`` are read.
    """
    last = _last_query(conversation)
    pieces = [piece for i, message in enumerate(conversation) for piece in _pieces(message, i, last)]
    order = sorted(range(len(pieces)), key=lambda i: (pieces[i][0] != _LAST_QUERY, -i))
    room, kept = _MOST_TOKENS, {}
    for i in order:
        tokens = _tokens(*pieces[i])[: min(room, _MOST_OF_ONE)]
        room -= len(tokens)
        if tokens:
            kept[i] = tokens
    segments, first = [], 0
    for i in sorted(kept):
        words = [token.text.lower() for token in kept[i]]
        segments.append(Segment(pieces[i][0], Text(pieces[i][1], kept[i], words, first)))
        first += len(words)
    return segments


def _tokens(kind: int, text: str) -> tuple[Token, ...]:
    bare = kind in _REPLIES and is_json(text)
    return tuple(token for token in tokenise(text) if not (bare and token.text in _BRACKETS))


def _pieces(message: Message, place: int, last: int) -> Iterator[tuple[int, str]]:
    if message.role == "user":
        yield (_LAST_QUERY if place == last else _QUERY), message.content
    elif message.role == "tool":
        yield (_REPLY if place > last else _OLD_REPLY), message.content
    elif message.role == "assistant":
        yield _SAID, message.content
        yield _CALLED, " ; ".join(f"{call.name.replace('_', ' ')} {_plainly(call.arguments)}" for call in message.calls)


def _plainly(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_plainly(one) for one in value.values())
    if isinstance(value, (list, tuple)):
        return " ".join(_plainly(one) for one in value)
    return str(value)


def _values_called(conversation: Conversation) -> set[str]:
    last = _last_query(conversation)
    said = " ".join(_plainly(call.arguments) for message in conversation[last + 1 :] for call in message.calls)
    return {token.text.lower() for token in tokenise(said)} - STOP_WORDS


def _shape(token: Token, word: str, following: str, before: Token | None, quoted: bool) -> tuple[float, ...]:
    *spelling, common, mixed = _spelling(token.text, word)
    touching = before is not None and before.end == token.start
    return (*spelling, quoted, before is None, common, following in UNITS, mixed, touching)


@lru_cache(maxsize=65536)
def _spelling(text: str, word: str) -> tuple[bool, ...]:
    """Return what a token says by itself; ``word`` is its text in lower case."""
    return (
        text[0].isupper(),
        text.isupper() and len(text) > 1,
        any(character.isdigit() for character in text),
        is_number(word),
        word in NUMBER_WORDS,
        not text[0].isalnum() and len(text) == 1,
        _WEB.search(word) is not None,
        _CLOCK.fullmatch(word) is not None,
        word in MONTHS or word in WEEKDAYS or word in ("today", "tomorrow", "tonight"),
        word in STOP_WORDS,
        _MIX.fullmatch(word) is not None,
    )


def _likeness(words: Sequence[str], box: Toolbox) -> Floats:
    """Return tokens × toolbox words: how much they are alike, 0 for stop words."""
    made = np.zeros((len(words), len(box.words)), np.float32)
    for row, word in enumerate(words):
        for column, likeness in box.likeness.to(word).items():
            made[row, column] = likeness
    made *= box.content
    return made


def _matches(likeness: Floats, box: Toolbox, words: Sequence[str]) -> Floats:
    """Return 3 × items × tokens: the best likeness with a word of the name, of the description, of a sibling's name.

    A unit matches the name of an argument that counts in units of its dimension.
    """
    made = np.zeros((3, len(box.items), len(likeness)), np.float32)
    if not box.items or not len(likeness):
        return made
    made[NAME] = np.maximum.reduceat(likeness[:, box.name_words], box.name_starts, axis=1).T
    made[ABOUT] = np.maximum.reduceat(likeness[:, box.about_words], box.about_starts, axis=1).T
    units = [(place, UNITS[word][0]) for place, word in enumerate(words) if word in UNITS]
    for offered in box.offered if units else ():
        for item, slot in zip(offered.arguments, offered.slots, strict=True):
            if slot.unit:
                counted = [place for place, dimension in units if dimension == slot.unit[0]]
                made[NAME, item, counted] = np.maximum(made[NAME, item, counted], _COUNTED)
    if len(box.siblings.items):
        _match_siblings(made, box)
    return made


def _match_siblings(made: Floats, box: Toolbox) -> None:
    """Set for each argument the best match of another one of its tool, and for a tool that of any."""
    items, groups, starts, tools = box.siblings
    rows = made[NAME, items]
    top = np.maximum.reduceat(rows, starts)
    first = rows >= top[groups]
    several = np.add.reduceat(first.astype(np.int32), starts) > 1
    second = np.where(several, top, np.maximum.reduceat(np.where(first, 0, rows), starts))
    made[SIBLINGS, tools] = top
    made[SIBLINGS, items] = np.where(first, second[groups], top[groups])


def _share(best: Floats, words: NDArray[np.int32], starts: NDArray[np.int32], weight: Floats | None) -> Floats:
    """Return for each item the mean of ``best`` over its words."""
    over = np.ones(len(best), np.float32) if weight is None else weight
    total = np.maximum(np.add.reduceat(over[words], starts), np.float32(1))
    return (np.add.reduceat((best * over)[words], starts) / total).astype(np.float32)
