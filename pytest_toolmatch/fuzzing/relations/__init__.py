"""The relations: ways to change a prompt of which it is known what must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.fuzzing.relations.context import CONTEXT
from pytest_toolmatch.fuzzing.relations.entities import ENTITIES
from pytest_toolmatch.fuzzing.relations.formats import FORMATS
from pytest_toolmatch.fuzzing.relations.injection import INJECTION
from pytest_toolmatch.fuzzing.relations.lacking import AMBIGUITY, MISSING_VALUE
from pytest_toolmatch.fuzzing.relations.manners import FILLER, POLITENESS
from pytest_toolmatch.fuzzing.relations.phrasing import PHRASING, phrased
from pytest_toolmatch.fuzzing.relations.renaming import ENUM_VALUES, PARAMETER_NAMES, TOOL_NAMES
from pytest_toolmatch.fuzzing.relations.spelling import CASING, PUNCTUATION, TYPOS
from pytest_toolmatch.fuzzing.relations.toolbox import DISTRACTORS, NO_TOOL, OVERLAP, TOOL_ORDER

if TYPE_CHECKING:
    from pytest_toolmatch.fuzzing.relation import Relation

_SAME = (
    *(TYPOS, CASING, PUNCTUATION, POLITENESS, FILLER, FORMATS, PHRASING, CONTEXT),
    *(TOOL_ORDER, DISTRACTORS, INJECTION),
)
_MAPPED = (TOOL_NAMES, PARAMETER_NAMES, ENUM_VALUES, ENTITIES)
_ABSTAIN = (MISSING_VALUE, NO_TOOL)
_TEACHER = (AMBIGUITY, OVERLAP)

RELATIONS: dict[str, Relation] = {one.name: one for one in (*_SAME, *_MAPPED, *_ABSTAIN, *_TEACHER)}
"""All relations by name, in the order in which they are shown."""

__all__ = ["RELATIONS", "phrased"]
