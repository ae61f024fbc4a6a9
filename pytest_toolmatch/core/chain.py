"""What a model did: calls, issued together in steps, one step after the other in a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


class Call(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One tool call.

    ``arguments`` is an object, or whatever came where it did not parse to one (raw text, a list);
    ``None`` means the same as ``{}``. Another key (``args``, ``input``) is refused: what stands there would be lost.
    """

    name: str
    arguments: Any = None


Step: TypeAlias = tuple[Call, ...]
Chain: TypeAlias = tuple[Step, ...]

_encoder = msgspec.json.Encoder(order="sorted")


def encode_chain(chain: Chain) -> bytes:
    """Return the chain as canonical JSON: equal bytes mean calls equal in text up to key order."""
    return _encoder.encode(chain)


def chain_of(steps: Any) -> Chain:
    """Build a chain from plain lists of ``{"name": …, "arguments": …}``; empty steps are dropped."""
    chain = msgspec.convert(steps, Chain)
    return tuple(step for step in chain if step)


def calls_of(chain: Chain) -> list[Call]:
    """Return all calls in the order they were emitted."""
    return [call for step in chain for call in step]


def names_of(chain: Chain) -> list[str]:
    """Return the names of all calls in the order they were emitted."""
    return [call.name for step in chain for call in step]


def select_calls(chain: Chain, keep: Callable[[Call], bool]) -> Chain:
    """Return the chain with only the calls to keep; steps left empty disappear."""
    steps = (tuple(call for call in step if keep(call)) for step in chain)
    return tuple(step for step in steps if step)
