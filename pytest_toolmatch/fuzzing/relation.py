"""Metamorphic relations: a way to change a prompt, and what has to hold between the old one and the new.

After Chen, Cheung & Yiu (1998), "Metamorphic testing".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import ToolmatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.edits import Edit
    from pytest_toolmatch.fuzzing.variant import Must, Subject, Variant

    EditsOf: TypeAlias = Callable[[Subject], SearchStrategy[tuple[Edit, ...]]]


class NotApplicable(ToolmatchError):  # noqa: N818 - it is read as a statement
    """A relation has nothing to change in a case; the message says what is missing, in a few words."""


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """One relation: ``edits`` gives the strategy of its edits for a subject, simplest first.

    ``says`` is what holds, in one line. ``edits`` raises NotApplicable where there is nothing to change; what it draws
    has at least one edit and changes the prompt.
    """

    name: str
    must: Must
    says: str
    edits: EditsOf

    def variants(self, subject: Subject) -> SearchStrategy[Variant]:
        """Return the strategy of a subject's variants under this relation."""
        from pytest_toolmatch.fuzzing.variant import made  # noqa: PLC0415 - that module is for whoever has a subject

        return self.edits(subject).map(lambda edits: made(subject, self.name, self.must, edits))
