"""Texts as rows of numbers: the protocol, and what is said of a case as one row."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from pytest_toolmatch.curation.plain import plain
from pytest_toolmatch.curation.splits import literals, template
from pytest_toolmatch.curation.wordings import worded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.core.chain import Chain

Floats: TypeAlias = "NDArray[np.float32]"
Integers: TypeAlias = "NDArray[np.int64]"

VALUES = 0.82
"""The share of a likeness that the argument values have; the rest is that of the masked phrase.

Enough for two of the same values, whatever their words: hashed phrases with nothing in common may be a little below 0.
"""
PLAIN = 0.05
"""The share that is the text itself where there are no values: there phrases have to be nearer."""
LITERAL = 0.3
"""The share that numbers and quoted text of such a query have: more than ε, so that others are no duplicate."""
VALUE_DIMENSIONS = 128
APART = VALUES / 2
"""How far apart (1 - cosine) requests of different values are at least: their values are half alike at most."""

_BLOCK = 4096
_ROUNDING = 1e-3
_SHORTEST = 2
_WORDS = 3
_SIGNS = 8
_WORD = re.compile(r"\w+")


class Embedder(Protocol):
    """Makes rows of texts: the same row for the same text, whatever stands beside it in a block.

    ``name`` is shown and decides whether rows of an earlier run may be used again; ``epsilon`` is how far duplicates
    are apart at most (1 - cosine) where nobody says otherwise.
    """

    name: str
    epsilon: float

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield float32 rows of length 1 (or 0 for a text without content), block after block, in order."""
        ...


def embedded(embedder: Embedder, texts: Sequence[str], seen: Callable[[int], None] = lambda _: None) -> Floats:
    """Return the rows of all texts, ``(texts, dimensions)``; ``seen`` is told after every block how many are done."""
    found: Floats | None = None
    done = 0
    for block in embedder.rows(texts):
        if found is None:
            found = np.zeros((len(texts), block.shape[1]), np.float32)
        found[done : done + len(block)] = block
        done += len(block)
        seen(done)
    return np.zeros((0, 1), np.float32) if found is None else found


def unit(rows: Floats) -> Floats:
    """Return rows scaled to length 1; one of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows, np.float32), where=lengths > 0)


def phrased(queries: Sequence[str], chains: Sequence[Chain]) -> list[str]:
    """Return how each query is phrased: its values masked; where no call has any, plainly and in the usual words."""
    bare = [place for place, chain in enumerate(chains) if not values_of(chain)]
    said = dict(zip(bare, map(worded, plain([queries[place] for place in bare])), strict=True))
    return [
        said[place] if place in said else masked(query, chain)
        for place, (query, chain) in enumerate(zip(queries, chains, strict=True))
    ]


def masked(query: str, chain: Chain) -> str:
    """Return a query without what is said in it: the values that the teacher's calls took from it, and the like.

    What remains is how it is phrased.
    """
    text = query.casefold()
    said = {value.casefold() for _, value in values_of(chain) if len(value) >= _SHORTEST}
    for value in sorted(said, key=lambda one: (-len(one), one)):
        if value in text:
            text = _without(text, value)
    return template(text)


def _without(text: str, value: str) -> str:
    """Return a text with " ? " for a value, wherever it does not go on as a word: values are too many to compile."""
    kept, start, place = [], 0, text.find(value)
    while place >= 0:
        end = place + len(value)
        inside = _WORD.match(text[place - 1 : place]) or _WORD.match(text[end : end + 1])
        if not inside:
            kept += [text[start:place], " ? "]
            start = end
        place = text.find(value, place + 1 if inside else end)
    return "".join([*kept, text[start:]])


def values_of(chain: Chain) -> list[tuple[str, str]]:
    """Return the leaves of all arguments: path and value as text, in the order of the calls."""
    return [leaf for step in chain for call in step for leaf in _leaves(call.name, call.arguments)]


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from _leaves(f"{path}.{key}", value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(f"{path}[]", item)
    elif value is not None:
        yield path, str(value)


def value_rows(chains: Sequence[Chain]) -> Floats:
    """Return one row of length 1 for the argument values of each chain; zeros where a chain has none.

    Half of the cosine of two says whether all values are the same, half how many are; text of many words counts there
    by its words.
    """
    rows = np.zeros((len(chains), VALUE_DIMENSIONS), np.float32)
    features: list[str] = []
    weights: list[float] = []
    starts: dict[int, int] = {}
    for place, chain in enumerate(chains):
        single, together = _features(chain)
        if single:
            starts[place] = len(features)
            length = sum(weight**2 for weight in single.values()) ** 0.5
            features += [*single, together]
            weights += [*(weight / length for weight in single.values()), 1.0]
    if features:
        weighed = scattered(features) * np.array(weights, np.float32)[:, None]
        rows[list(starts)] = np.add.reduceat(weighed, list(starts.values()), axis=0)
    return unit(rows)


def _features(chain: Chain) -> tuple[dict[str, float], str]:
    """Return the weights of single values, or of their words, and all values as one text."""
    found: dict[str, float] = {}
    leaves = [(path, " ".join(value.casefold().split())) for path, value in values_of(chain)]
    for path, value in leaves:
        words = _WORD.findall(value)
        parts = words if len(words) > _WORDS else [value]
        for part in parts:
            found[f"{path}={part}"] = found.get(f"{path}={part}", 0.0) + len(parts) ** -0.5
    return dict(sorted(found.items())), "\n".join(sorted(f"{path}={value}" for path, value in leaves))


def value_groups(rows: Floats) -> Integers:
    """Return the group of each row that ``beside`` made: 0 without values, else the same for the same values.

    Rows of different groups are ``APART`` at least.
    """
    known: dict[int, int] = {}
    found = np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), _BLOCK):
        said = np.ascontiguousarray(rows[start : start + _BLOCK, -VALUE_DIMENSIONS:])
        for place in np.flatnonzero(np.einsum("ij,ij->i", said, said) > VALUES - _ROUNDING).tolist():
            found[start + place] = known.setdefault(hash(said[place].tobytes()), len(known) + 1)
    return found


def scattered(features: Sequence[str]) -> Floats:
    """Return features as rows: columns of a sparse random projection, which their hashes decide.

    One number in each of as many parts of the row (OSNAP: Nelson & Nguyen 2013).
    """
    digests = (hashlib.blake2b(one.encode("utf-8", "replace"), digest_size=8).digest() for one in features)
    bits = np.frombuffer(b"".join(digests), "<u8")[:, None] >> np.arange(0, 8 * _SIGNS, 8, dtype=np.uint64)
    part = VALUE_DIMENSIONS // _SIGNS
    columns = (bits % np.uint64(part)).astype(np.int64) + np.arange(0, VALUE_DIMENSIONS, part)
    signs = 1 - 2 * ((bits >> np.uint64(7)) & np.uint64(1)).astype(np.float32)
    rows = np.zeros((len(features), VALUE_DIMENSIONS), np.float32)
    np.put_along_axis(rows, columns, signs * np.float32(_SIGNS**-0.5), 1)
    return rows


def beside(phrases: Floats, values: Floats, texts: Sequence[str]) -> Floats:
    """Return one row a case: how it is phrased beside which values its teacher's calls have.

    The same request in other words is near, and so is no request with other values, however alike it is phrased. Where
    there are no values, numbers and quoted text of ``texts`` (the queries as they are) stand for them, else the texts
    themselves keep phrases a little apart that are alike.
    """
    has = np.linalg.norm(values, axis=1, keepdims=True) > 0
    share = np.where(has, np.float32(VALUES), np.float32(PLAIN))
    made = np.hstack([phrases, values])
    wording, said = np.split(made, [phrases.shape[1]], axis=1)
    bare = np.flatnonzero(~has[:, 0])
    found = ["\n".join(literals(texts[place])) for place in bare.tolist()]
    said[bare] = scattered([one or texts[place] for one, place in zip(found, bare.tolist(), strict=True)])
    share[bare, 0] = [LITERAL if one else PLAIN for one in found]
    # In place: there may be millions of rows.
    wording *= np.sqrt(1 - share)
    said *= np.sqrt(share)
    return made
