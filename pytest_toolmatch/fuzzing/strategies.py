"""Strategies of variants, for tests of one's own; and the variants that a suite is fuzzed by without any."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.core.declared import declared_tools
from pytest_toolmatch.core.errors import ConfigError, ToolmatchError, did_you_mean
from pytest_toolmatch.fuzzing.generating import drawn
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.variant import Subject, Variant, made

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hypothesis.strategies import SearchStrategy

_SIMPLEST = 2
"""Variants of a relation that are left aside where so few are drawn: the simplest ones look much alike."""


_ALONE = 3
"""Of one in so many more variants a single edit is left."""


def rephrasings(
    case: Case | str, *, relations: Iterable[str] | None = None, tools: Iterable[Any] = (), chain: Any = None
) -> SearchStrategy[Variant]:
    """Return a strategy of variants of a case, for ``@given(query=rephrasings(CASE))``.

    Args:
        case: the case, or its query.
        relations: names of relations; left out, all that apply to what is known of the case.
        tools: the tools on offer, as a suite declares them; relations that change tools need them.
        chain: the calls that are right, steps of ``{"name": …, "arguments": {…}}``; relations that map calls need
            them. What is left out here the suite's tools and the teacher's consensus still say when a test runs.

    Raises:
        ConfigError: an unknown relation, or none that applies.
    """
    __tracebackhide__ = True
    try:
        subject = Subject(
            case=case if isinstance(case, Case) else case_of_query(case),
            tools=declared_tools(tools, "rephrasings(tools=…)") if tools else (),
            chain=None if chain is None else _chain(chain),
        )
        names = (relations,) if isinstance(relations, str) else tuple(relations or ())
        return _simplest_first(st.one_of(list(applicable(subject, names).values())))
    except ToolmatchError as error:
        raise ConfigError(str(error)) from None  # here, so that pytest shows none of our lines


def relations_of(names: Sequence[str] = ()) -> list[Relation]:
    """Return the relations of these names, all where there are none; ConfigError for one that nobody knows."""
    for name in names:
        if name not in RELATIONS:
            hint = did_you_mean(name, RELATIONS)
            raise ConfigError(f"no relation is named {name!r}{hint}; there are {', '.join(RELATIONS)}")
    return [RELATIONS[name] for name in names or RELATIONS]


def applicable(subject: Subject, relations: Sequence[str] = ()) -> dict[str, SearchStrategy[Variant]]:
    """Return the strategies of the relations that apply to a subject, by name; of all where none is named.

    Raises ConfigError for an unknown relation, and where none applies.
    """
    found: dict[str, SearchStrategy[Variant]] = {}
    reasons: dict[str, list[str]] = {}
    for relation in relations_of(relations):
        try:
            found[relation.name] = relation.variants(subject)
        except NotApplicable as reason:
            reasons.setdefault(str(reason), []).append(relation.name)
    if not found:
        why = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        raise ConfigError(f"{subject.case.id}: nothing to fuzz; {why}")
    return found


def spread(subject: Subject, relations: Sequence[str], examples: int) -> list[Variant]:
    """Return about so many variants of a subject, always the same ones: of as many relations as there is room for.

    Which relations come first differs from case to case.
    """
    found = list(applicable(subject, relations).items())
    first = hashlib.sha256(subject.case.id.encode()).digest()[0] % len(found)
    chosen: dict[str, Variant] = {}
    for place, (name, strategy) in enumerate([*found[first:], *found[:first]]):
        count = examples // len(found) + (place < examples % len(found))
        if count:
            known = {one.id: one for one in drawn(strategy, count + _SIMPLEST, f"{name}/{subject.case.id}")}
            chosen |= dict(list(known.items())[-count:])
    return [one for one in chosen.values() if changes(one)]


def changes(variant: Variant) -> bool:
    """Say whether a variant asks for anything, and for anything else than its parent."""
    return bool(variant.query.strip()) and (
        variant.conversation != variant.parent.conversation or variant.tools != variant.parent.tools
    )


@st.composite
def _simplest_first(draw: st.DrawFn, variants: SearchStrategy[Variant]) -> Variant:
    """Return variants, some of them with one of their edits alone: hypothesis shrinks to those.

    Made here, they are prompts to hypothesis and nothing else; else it would show how each was made.
    """
    variant = draw(variants)
    if variant.must != "same":
        return msgspec.structs.replace(variant)
    alone, place = draw(st.integers(0, _ALONE)) == 0, draw(st.integers(0, len(variant.edits) - 1))
    edits = (variant.edits[place],) if alone else variant.edits
    return made(variant.subject, variant.relation, variant.must, edits)


def _chain(steps: Any) -> Any:
    try:
        return chain_of(steps)
    except msgspec.ValidationError as error:
        raise ConfigError(f"rephrasings(chain=…): {error}; give steps, each a list of calls") from None
