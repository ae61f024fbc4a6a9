"""Encoded examples packed into batches of tensors, alike in length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytest_toolmatch.pocket.config import POSITIONS
from pytest_toolmatch.pocket.reading import ITEM_FEATURES, SPECIALS, TOKEN_FEATURES
from pytest_toolmatch.pocket.slots import KINDS
from pytest_toolmatch.pocket.text import STOP_WORDS, grams
from pytest_toolmatch.pocket.toolbox import OPTION, TOOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.distill.targets import Encoded

_FAKES = 4000
_PLACES, _STEPS, _TEXTS, _DISTINCT, _WORDS = 8, 4, 512, 256, 2048
"""What the sizes of a batch are multiples of."""

_RENAMED_EXAMPLES, _RENAMED_WORDS = 0.5, 0.35


class Packed(NamedTuple):
    """One example as small arrays; words are numbers of a lexicon."""

    words: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    places: NDArray[np.uint8]
    features: NDArray[np.float16]
    item_features: NDArray[np.float16]
    items: NDArray[np.int32]  # kind, tool, argument, type
    names: NDArray[np.int32]
    name_lengths: NDArray[np.int32]
    abouts: NDArray[np.int32]
    about_lengths: NDArray[np.int32]
    match: NDArray[np.float16]
    target: NDArray[np.uint8]
    used: NDArray[np.uint8]
    steps: NDArray[np.int32]
    weights: NDArray[np.float32]


class Lexicon:
    """Numbers for words; the first are made up, to stand for any."""

    def __init__(self, buckets: int) -> None:
        self.buckets = buckets
        self.words: dict[str, int] = {"": 0}
        self._grams: list[tuple[int, ...]] = [()]
        self._renamed: list[bool] = [False]
        self._can_be_renamed = np.zeros(0, bool)
        rng = np.random.default_rng(0)
        for _ in range(_FAKES):
            parts = rng.choice([c + v for c in "bcdfghjklmnpqrstvwz" for v in "aeiou"], rng.integers(2, 5))
            self.number("".join(parts) + "xnr"[rng.integers(3)])
        self.fakes = len(self.words)

    def number(self, word: str) -> int:
        """Return the number of a word, a new one where it has none."""
        if word not in self.words:
            self.words[word] = len(self.words)
            self._grams.append(grams(word, self.buckets))
            self._renamed.append(word.isalpha() and word not in STOP_WORDS and len(word) > 2)  # noqa: PLR2004
        return self.words[word]

    def grams_of(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return the n-grams of words in one row, where each word's begin, and their weights."""
        found = [self._grams[number] for number in numbers]
        lengths = np.array([len(one) for one in found])
        flat = np.fromiter((gram for one in found for gram in one), np.int64, int(lengths.sum()))
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        return flat, starts, np.repeat(np.maximum(lengths, 1) ** -0.5, lengths).astype(np.float32)

    def renamed(self, rng: np.random.Generator) -> NDArray[np.int32]:
        """Return for every word its number, or that of another: a made-up one as often as one learned from."""
        if len(self._can_be_renamed) < len(self.words):  # to make an array of a long list takes its time
            self._can_be_renamed = np.array(self._renamed)
        numbers, can = np.arange(len(self.words), dtype=np.int32), np.flatnonzero(self._can_be_renamed)
        chosen = can[rng.random(len(can)) < _RENAMED_WORDS]
        made_up, others = rng.integers(1, self.fakes, len(chosen)), rng.choice(can, len(chosen))
        numbers[chosen] = np.where(rng.random(len(chosen)) < 0.5, made_up, others)  # noqa: PLR2004
        return numbers


def pack(encoded: Encoded, lexicon: Lexicon) -> Packed:
    """Return an encoded example as small arrays."""
    reading, box = encoded.reading, encoded.reading.toolbox
    items = np.array([item[:4] for item in box.items], np.int32).reshape(-1, 4)
    return Packed(
        np.array([lexicon.number(word) for word in reading.words], np.int32),
        reading.kinds.astype(np.uint8),
        np.minimum(reading.places, POSITIONS - 1).astype(np.uint8),
        reading.features.astype(np.float16),
        reading.item_features.astype(np.float16),
        items,
        np.array([lexicon.number(word) for item in box.items for word in item.name], np.int32),
        np.array([len(item.name) for item in box.items], np.int32),
        np.array([lexicon.number(word) for item in box.items for word in item.about], np.int32),
        np.array([len(item.about) for item in box.items], np.int32),
        reading.match.astype(np.float16),
        encoded.target,
        encoded.used,
        encoded.steps,
        encoded.weights,
    )


def length(packed: Packed) -> int:
    """Return how many places an example has."""
    return SPECIALS + len(packed.words) + len(packed.items)


def _up(count: int, step: int) -> int:
    """Return the next multiple: batches are of few sizes, since matrix products of a new size are slow at first."""
    return max(1, -(-count // step)) * step


def _blank(size: int, tokens: int, items: int, steps: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of a batch before any example is in it."""
    places = SPECIALS + tokens + items
    return {
        "words": np.zeros((size, tokens), np.int64),
        "kinds": np.zeros((size, tokens), np.int64),
        "places": np.zeros((size, tokens), np.int64),
        "features": np.zeros((size, tokens, TOKEN_FEATURES), np.float32),
        "item_features": np.zeros((size, items, ITEM_FEATURES), np.float32),
        "item_kinds": np.zeros((size, items), np.int64),
        "item_tools": np.full((size, items), items - 1, np.int64),
        "item_arguments": np.zeros((size, items), np.int64),
        "below_tool": np.zeros((size, items), np.float32),
        "below_argument": np.zeros((size, items), np.float32),
        "item_texts": np.zeros((size, items), np.int64),
        "match": np.zeros((size, 3, items, tokens), np.float32),
        "padding": np.ones((size, places), bool),
        "target": np.zeros((size, steps, places), np.uint8),
        "used": np.zeros((size, steps, tokens), np.uint8),
        "weights": np.zeros((size, steps), np.float32),
        **{f"step_{name}": np.zeros((size, steps), np.int64) for name in _STEP_COLUMNS},
    }


def collate(examples: Sequence[Packed], lexicon: Lexicon, rng: np.random.Generator | None = None) -> dict[str, Any]:
    """Return a batch of tensors; ``rng`` renames words, everywhere in an example, so that none is learned by heart."""
    import torch  # noqa: PLC0415 - packing needs none

    size = len(examples)
    tokens = _up(max(len(one.words) for one in examples), _PLACES)
    items = _up(max(len(one.items) for one in examples), _PLACES)
    made = _blank(size, tokens, items, _up(max(len(one.steps) for one in examples), _STEPS))
    names: list[NDArray[np.int32]] = []
    abouts: list[NDArray[np.int32]] = []
    lengths: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
    text = 1
    for row, one in enumerate(examples):
        rename = lexicon.renamed(rng) if rng is not None and rng.random() < _RENAMED_EXAMPLES else None
        _fill(made, row, one, rename, tokens=tokens, text=text)
        names.append(one.names if rename is None else rename[one.names])
        abouts.append(one.abouts if rename is None else rename[one.abouts])
        lengths.append((one.name_lengths, one.about_lengths))
        text += len(one.items)
    batch = {name: torch.from_numpy(array) for name, array in made.items()}
    texts = _up(text, _TEXTS)  # the last is of no item
    batch["texts"] = torch.tensor(texts)
    flat = [made["words"].ravel(), np.concatenate(names), np.concatenate(abouts)]
    distinct, inverse = np.unique(np.concatenate(flat), return_inverse=True)
    none = _up(len(distinct) + 1, _DISTINCT) - 1  # the last is no word
    ends = np.cumsum([part.size for part in flat])
    batch["words"] = torch.from_numpy(inverse[: ends[0]].reshape(size, tokens))
    for role in (0, 1):
        each = np.concatenate([pair[role] for pair in lengths])
        columns = _beside(inverse[ends[role] : ends[role + 1]], np.repeat(np.arange(len(each)), each), none)
        for name, column in columns.items():
            rest, fill = _up(len(column), _WORDS) - len(column), texts - 1 if name == "of" else none
            batch[f"text_{name}{role}"] = torch.from_numpy(np.pad(column, (0, rest), constant_values=fill))
    grams_flat, starts, weights = lexicon.grams_of(distinct)
    starts = np.pad(starts, (0, none + 1 - len(distinct)), constant_values=len(grams_flat))
    batch["grams"], batch["gram_starts"] = torch.from_numpy(grams_flat), torch.from_numpy(starts)
    batch["gram_weights"] = torch.from_numpy(weights)
    return batch


def _beside(words: NDArray[np.int64], of: NDArray[np.int64], none: int) -> dict[str, NDArray[np.int64]]:
    """Return the words of texts, those before and behind each in its text (``none`` where there is none), the texts."""
    same = of[1:] == of[:-1]
    before, after = np.full_like(words, none), np.full_like(words, none)
    before[1:], after[:-1] = np.where(same, words[:-1], none), np.where(same, words[1:], none)
    return {"words": words, "before": before, "after": after, "of": of}


_STEP_COLUMNS = ("kinds", "tools", "slots", "previous", "elements", "calls")


def _fill(made: dict[str, Any], row: int, one: Packed, rename: Any, *, tokens: int, text: int) -> None:
    """Copy one example into its row; places behind the tokens move by the padding between."""
    n, m, steps = len(one.words), len(one.items), len(one.steps)
    made["words"][row, :n] = one.words if rename is None else rename[one.words]
    made["kinds"][row, :n], made["places"][row, :n] = one.kinds, one.places
    made["features"][row, :n], made["item_features"][row, :m] = one.features, one.item_features
    kind, tool, argument, type_ = one.items.T
    made["item_kinds"][row, :m] = kind * (len(KINDS) + 1) + type_
    made["item_tools"][row, :m], made["item_arguments"][row, :m] = tool, argument
    made["below_tool"][row, :m], made["below_argument"][row, :m] = kind != TOOL, kind == OPTION
    made["item_texts"][row, :m] = np.arange(text, text + m)
    made["match"][row, :, :m, :n] = one.match
    first = SPECIALS + tokens
    made["padding"][row, : SPECIALS + n] = False
    made["padding"][row, first : first + m] = False
    made["target"][row, :steps, : SPECIALS + n] = one.target[:, : SPECIALS + n]
    made["target"][row, :steps, first : first + m] = one.target[:, SPECIALS + n :]
    made["used"][row, :steps, :n] = one.used
    made["weights"][row, :steps] = one.weights
    kinds, tools, slots, previous, elements, calls = one.steps.T
    made["step_kinds"][row, :steps], made["step_elements"][row, :steps] = kinds, elements
    made["step_calls"][row, :steps] = calls
    made["step_tools"][row, :steps] = np.where(tools < 0, 0, tools + first)
    made["step_slots"][row, :steps] = np.where(slots < 0, 0, slots + first)
    made["step_previous"][row, :steps] = np.where(previous >= SPECIALS + n, previous - n + tokens, previous)
