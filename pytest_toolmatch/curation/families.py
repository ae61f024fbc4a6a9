"""Cases that belong together: near-duplicates and turns of one session; no two parts share any."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from pytest_toolmatch.curation.disjoint import Disjoint
from pytest_toolmatch.curation.splits import groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.core.conversation import Conversation
    from pytest_toolmatch.curation.alike import Each

_encoder = msgspec.json.Encoder()


def families(
    queries: Sequence[str], conversations: Sequence[Conversation], stands: Sequence[int], each: Each = map
) -> list[str]:
    """Return the name of each case's family; it does not depend on the order.

    Of one family are near-duplicates by words (``splits.groups``), those of which one ``stands`` for the other, and
    turns of one session, which is where one conversation goes on where another ends, or both begin alike. ``each``
    applies a function to every part of the work, in order.
    """
    joined = Disjoint(len(queries))
    for keys in (groups(queries, each), *sessions(conversations)):
        joined.join_equal(keys)
    joined.join(np.arange(len(stands)), np.array(stands, np.int64))
    return joined.names(queries)


def sessions(conversations: Sequence[Conversation]) -> Iterable[Sequence[bytes]]:
    """Return keys that turns of one session share: how it begins, up to the second time that the user speaks.

    A case that ends before that belongs to a session that goes on from it: the second list has its whole conversation
    as the key, and so have those that begin with it.
    """
    yield [_digest(one[: _second(one)]) if _second(one) < len(one) else b"" for one in conversations]
    opened = {_digest(one) for one in conversations if _second(one) == len(one)}
    yield [_opening(one, opened) for one in conversations]


def _opening(conversation: Conversation, opened: set[bytes]) -> bytes:
    """Return the key of the one-turn case that a conversation goes on from, or its own."""
    spoken = next((place for place, one in enumerate(conversation) if one.role == "user"), len(conversation) - 1)
    key = _digest(conversation[: spoken + 1])
    return key if key in opened else b""


def _second(conversation: Conversation) -> int:
    """Return where the user speaks for the second time, or the end."""
    spoken = [place for place, one in enumerate(conversation) if one.role == "user"]
    return spoken[1] if len(spoken) > 1 else len(conversation)


def _digest(messages: Conversation) -> bytes:
    return hashlib.sha256(_encoder.encode([(one.role, one.content) for one in messages])).digest()[:16]
