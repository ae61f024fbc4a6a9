"""A variant: a case that was made of another one, and what has to hold between the two."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Chain
from pytest_toolmatch.core.conversation import Conversation
from pytest_toolmatch.core.rules import Overrides
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.fuzzing.edits import Draft, Edit, Rewrite, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Must: TypeAlias = Literal["same", "mapped", "abstain", "teacher"]
"""What has to hold: the parent's chain; that chain under new names; no call at all; what the teacher does now."""

TAG = "fuzzed"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A case to be fuzzed, with what is known of it: the tools on offer, the reference's chain and what it was told.

    ``chain`` is None where nobody has asked the teacher; ``replies`` are the tools' answers, one a call, step by step.
    """

    case: Case
    tools: tuple[Tool, ...] = ()
    chain: Chain | None = None
    replies: tuple[tuple[str, ...], ...] = ()
    overrides: Overrides = {}

    @property
    def query(self) -> str:
        """The text that is edited: the last user message."""
        return self.case.query


class Part(NamedTuple):
    """What one relation changes: so many edits."""

    relation: str
    must: Must
    edits: int


class Variant(Case, frozen=True, kw_only=True):
    """A case made of a ``subject`` by the ``edits`` of a ``relation``; ``cuts`` were left out of its parent, too.

    ``chain`` is what the parent's reference has become; it counts where ``must`` is ``same`` or ``mapped``. ``parts``
    are those of several relations that were put together, in the order of the edits.
    """

    subject: Subject
    relation: str
    must: Must
    edits: tuple[Edit, ...]
    cuts: tuple[Rewrite, ...] = ()
    parts: tuple[Part, ...] = ()
    chain: Chain | None = None
    overrides: Overrides = {}  # noqa: RUF012 - a Struct's field

    @property
    def parent(self) -> Case:
        """What the variant is compared with: the parent, without what was cut from both."""
        return self.subject.case if not self.cuts else made(self.subject, "parent", "same", (), self.cuts)

    @property
    def expected(self) -> Chain | None:
        """The chain that the student should make; None where only the teacher can say."""
        return {"same": self.chain, "mapped": self.chain, "abstain": (), "teacher": None}[self.must]

    @property
    def told(self) -> str:
        """The query, and in brackets what else is changed."""
        beside = "; ".join(dict.fromkeys(edit.told for edit in self.edits if edit.told))
        return f"{self.query} [{beside}]" if beside else self.query

    def alone(self) -> list[Variant]:
        """Return what each of the relations that were put together makes by itself."""
        found, start = [], 0
        for part in self.parts:
            edits = self.edits[start : start + part.edits]
            found.append(made(self.subject, part.relation, part.must, edits, self.cuts))
            start += part.edits
        return found

    def __repr__(self) -> str:
        return f"<Variant {self.id}: {self.told!r}>"


def made(subject: Subject, relation: str, must: Must, edits: Iterable[Edit], cuts: tuple[Rewrite, ...] = ()) -> Variant:
    """Return the variant that these edits make; its id is the same for the same prompt."""
    edits = tuple(edits)
    draft = Draft(query=subject.query, tools=subject.tools, chain=subject.chain, overrides=subject.overrides)
    for edit in (*cuts, *edits):
        draft = edit.apply(draft)
    conversation = _conversation(subject.case.conversation, draft)
    tools = subject.case.tools if draft.tools == subject.tools else draft.tools
    shown = [conversation, None if tools is None else [(tool.shown(), tool.answering()) for tool in tools]]
    digest = hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:8]
    return Variant(
        id=f"{subject.case.id}~{relation}-{digest}",
        conversation=conversation,
        tags=(*subject.case.tags, TAG, relation),
        tools=tools,
        where=subject.case.where,
        subject=subject,
        relation=relation,
        must=must,
        edits=edits,
        cuts=cuts,
        chain=draft.chain,
        overrides=draft.overrides,
    )


def together(variants: Sequence[Variant]) -> Variant:
    """Return variants of one subject as one; none of them depends on what the teacher does now, or asks for no call."""
    return joined(variants[0].subject, [(one.relation, one.must, one.edits) for one in variants])


def joined(subject: Subject, changes: Sequence[tuple[str, Must, tuple[Edit, ...]]]) -> Variant:
    """Return the variant that several relations make together, each by its edits."""
    if len(changes) == 1:
        return made(subject, *changes[0])
    parts = tuple(Part(relation, must, len(edits)) for relation, must, edits in changes)
    edits = [edit for _, _, own in changes for edit in own]
    whole = made(subject, "+".join(part.relation for part in parts), "mapped", edits)
    return msgspec.structs.replace(whole, parts=parts)


def _conversation(conversation: Conversation, draft: Draft) -> Conversation:
    """Return the conversation with the last query written anew, and what was said before it at its start."""
    messages = list(conversation)
    place = max((at for at, message in enumerate(messages) if message.role == "user"), default=None)
    if place is not None and draft.rewrites:
        text = written(draft.query, draft.rewrites)
        messages[place] = msgspec.structs.replace(messages[place], content=_tidy(text))
    first = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    return (*messages[:first], *draft.before, *messages[first:])


def _tidy(text: str) -> str:
    """Return a text without doubled or outer spaces, and without any before a comma or a full stop."""
    return re.sub(r" +([,.;:?!])(?!\w)", r"\1", re.sub(r" {2,}", " ", text)).strip()
