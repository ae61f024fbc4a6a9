"""The network in numpy, for use: the same sums as ``distill.network``, one conversation at a time, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytest_toolmatch.pocket.config import KIN, NEAR, PAST, POOLS, POSITIONS, SHARP, STEP_FEATURES, Shape
from pytest_toolmatch.pocket.grammar import CHOOSE_LAST, CHOOSE_TOOL, CHOOSE_VALUE, Step
from pytest_toolmatch.pocket.reading import ABOUT, NAME, SIBLINGS, SPECIALS, Reading
from pytest_toolmatch.pocket.slots import KINDS
from pytest_toolmatch.pocket.text import grams
from pytest_toolmatch.pocket.toolbox import OPTION, TOOL, Toolbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.pocket.weights import Arrays

    Floats = NDArray[np.float32]

_WORDS_KEPT = 20_000
_GELU = np.float32((2 / np.pi) ** 0.5)


class Network:
    """Reads a conversation beside tools, and scores every place in every step."""

    def __init__(self, shape: Shape, arrays: Arrays) -> None:
        self.shape = shape
        # Matrices are kept as they multiply: x @ w, without a transposition at every use.
        turned = {name for name, array in arrays.items() if array.ndim == 2 and not name.startswith(_TABLES)}  # noqa: PLR2004
        self._arrays = {
            name: np.ascontiguousarray(array.T if name in turned else array) for name, array in arrays.items()
        }
        self._words: dict[str, Floats] = {}

    def read(self, reading: Reading) -> Memory:
        """Return what is pointed at: places × width, with what the deciding layers look for in it."""
        x = np.concatenate([self._arrays["special.weight"], self._tokens(reading), self._items(reading)])
        bias = self._bias(reading)
        for layer in range(self.shape.layers):
            name = f"layers.{layer}."
            inside = self._norm(x, f"{name}norm1")
            x = x + self._attend(inside, *self._found(inside, f"{name}self_attention"), bias, f"{name}self_attention")
            x = x + self._feed(self._norm(x, f"{name}norm3"), f"{name}feed")
        x = self._norm(x, "read")
        looked = [self._found(x, f"steps.{layer}.look") for layer in range(self.shape.steps)]
        pointed = self._linear(x, "pointed").T * np.float32(self.shape.width**-0.5)
        parts = {name: self._linear(x, name) for name in ("previous", "slot", "tool")}
        return Memory(reading, pointed, looked, parts, [[] for _ in looked])

    def score(self, memory: Memory, step: Step) -> Floats:
        """Return how well each place fits the next step (in logits); remembers the step."""
        items = SPECIALS + len(memory.reading.words)
        a = self._arrays
        x = a["step.weight"][step.kind + 3 * (step.element > 0)] + a["turn.weight"][min(step.call, 2)]
        x = x + memory.parts["previous"][step.previous]
        if step.kind != CHOOSE_TOOL:
            x = x + memory.parts["slot"][items + step.slot] + memory.parts["tool"][items + step.tool]
        clues = step_features(memory.reading, step)
        look = np.zeros((self.shape.heads, 1, memory.pointed.shape[1]), np.float32)
        look[:2, 0, SPECIALS:items] = SHARP * clues[:, :2].T
        look[2, 0, SPECIALS:items] = PAST * (clues[:, 13] - 1)
        x = x[None]
        for layer in range(self.shape.steps):
            x = self._decide(x, f"steps.{layer}.", memory, layer, look)
        fits = (self._linear(self._norm(x, "decided"), "point") @ memory.pointed)[0]
        fits[SPECIALS:items] += clues @ a["clues.weight"][:, step.kind]
        return fits

    def _decide(self, x: Floats, name: str, memory: Memory, layer: int, look: Floats) -> Floats:
        inside = self._norm(x, f"{name}norm1")
        past = memory.past[layer]
        past.append(self._found(inside, f"{name}self_attention"))
        keys, values = (np.concatenate([one[part] for one in past], 1) for part in (0, 1))
        x = x + self._attend(inside, keys, values, None, f"{name}self_attention")
        x = x + self._attend(self._norm(x, f"{name}norm2"), *memory.looked[layer], look, f"{name}look")
        return x + self._feed(self._norm(x, f"{name}norm3"), f"{name}feed")

    def _tokens(self, reading: Reading) -> Floats:
        here = self._around(self._vectors(reading.words), "token_words", np.zeros(len(reading.words), np.int64))
        here += self._linear(reading.features, "token_features")
        places = np.minimum(reading.places, POSITIONS - 1)
        return here + self._arrays["segment.weight"][reading.kinds] + self._arrays["position.weight"][places]

    def _items(self, reading: Reading) -> Floats:
        box = reading.toolbox
        if not box.items:
            return np.zeros((0, self.shape.width), np.float32)
        key = f"items {id(self)}"
        if key not in box.cache:
            box.cache[key] = self._item_texts(box)
        return box.cache[key] + self._linear(reading.item_features, "item_features")

    def _item_texts(self, box: Toolbox) -> Floats:
        """Return items × width: what does not depend on the conversation."""
        named = self._pooled(box, box.name_words, box.name_starts, 0)
        described = self._pooled(box, box.about_words, box.about_starts, 1)
        text = self._linear(named, "named") + self._linear(described, "described")
        kinds, tools, arguments, types = np.array([item[:4] for item in box.items]).T
        x = text + self._arrays["kind.weight"][kinds * (len(KINDS) + 1) + types]
        x += self._linear(text, "of_tool")[tools] * (kinds != TOOL)[:, None]
        return x + self._linear(text, "of_argument")[arguments] * (kinds == OPTION)[:, None]

    def _pooled(self, box: Toolbox, words: NDArray[np.int32], starts: NDArray[np.int32], role: int) -> Floats:
        texts = np.repeat(np.arange(len(starts)), np.diff([*starts, len(words)]))
        vectors = self._vectors([box.words[word] for word in words])
        x = _gelu(self._around(vectors, "item_words", texts) + self._arrays["role.weight"][role])
        weight = np.exp(5 * np.tanh(self._linear(x, "weigh")))
        parts = x.reshape(len(x), POOLS, -1) * weight[..., None]
        pooled = np.add.reduceat(parts, starts) / np.add.reduceat(weight, starts)[..., None]
        return pooled.reshape(len(starts), -1).astype(np.float32)

    def _around(self, vectors: Floats, name: str, texts: NDArray[np.int64]) -> Floats:
        """Return each word with those beside it in the same text."""
        before, here, after = np.split(self._linear(vectors, name), 3, axis=-1)
        here = here.copy()
        same = (texts[1:] == texts[:-1])[:, None]
        here[1:] += before[:-1] * same
        here[:-1] += after[1:] * same
        return here

    def _vectors(self, words: Sequence[str]) -> Floats:
        if not words:
            return np.zeros((0, self.shape.letters), np.float32)
        return np.stack([self._vector(word) for word in words])

    def _vector(self, word: str) -> Floats:
        known = self._words.get(word)
        if known is None:
            found = grams(word, self.shape.buckets) if word else ()
            table = self._arrays["letters.weight"]
            known = table[list(found)].sum(0) * np.float32(max(len(found), 1) ** -0.5)
            if len(self._words) < _WORDS_KEPT:
                self._words[word] = known
        return known

    def _bias(self, reading: Reading) -> Floats:
        tokens, items = len(reading.words), len(reading.toolbox.items)
        bias = np.zeros((self.shape.heads, *(SPECIALS + tokens + items,) * 2), np.float32)
        said, things = slice(SPECIALS, SPECIALS + tokens), slice(SPECIALS + tokens, None)
        for head, layer in enumerate((NAME, ABOUT)):
            bias[head, things, said] = SHARP * reading.match[layer]
            bias[head, said, things] = SHARP * reading.match[layer].T
        tools = np.array([item.tool for item in reading.toolbox.items])
        bias[2, things, things] = KIN * (tools[:, None] == tools)
        apart = np.arange(tokens)
        bias[3, said, said] = -NEAR * np.abs(apart[:, None] - apart)
        return bias

    def _linear(self, x: Floats, name: str) -> Floats:
        made: Floats = x @ self._arrays[f"{name}.weight"]
        made += self._arrays[f"{name}.bias"]
        return made

    def _norm(self, x: Floats, name: str) -> Floats:
        # What x.mean() does, in half its time.
        mean: Any = np.add.reduce(np.square(x), -1, keepdims=True) / np.float32(x.shape[-1])
        made: Floats = x * (1 / np.sqrt(mean + np.float32(1e-6)))
        made *= self._arrays[f"{name}.weight"]
        return made

    def _feed(self, x: Floats, name: str) -> Floats:
        return self._linear(_gelu(self._linear(x, f"{name}.up")), f"{name}.down")

    def _found(self, x: Floats, name: str) -> tuple[Floats, Floats]:
        found = self._linear(x, f"{name}.answer")
        return self._heads(found[:, : self.shape.width]), self._heads(found[:, self.shape.width :])

    def _heads(self, x: Floats) -> Floats:
        return x.reshape(len(x), self.shape.heads, -1).transpose(1, 0, 2)

    def _attend(self, x: Floats, keys: Floats, values: Floats, bias: Floats | None, name: str) -> Floats:
        query = self._heads(self._linear(x, f"{name}.ask"))
        weight: Any = (query * np.float32(query.shape[-1] ** -0.5)) @ keys.transpose(0, 2, 1)
        if bias is not None:
            weight += bias
        weight -= np.maximum.reduce(weight, -1, keepdims=True)
        np.exp(weight, out=weight)
        found = weight @ values
        found /= np.add.reduce(weight, -1, keepdims=True)
        return self._linear(found.transpose(1, 0, 2).reshape(len(x), -1), f"{name}.out")


_TABLES = ("letters.", "segment.", "position.", "role.", "kind.", "special.", "step.", "turn.")


class Memory(NamedTuple):
    """A reading as the deciding layers see it; ``past`` holds the steps so far."""

    reading: Reading
    pointed: Floats
    looked: list[tuple[Floats, Floats]]
    parts: dict[str, Floats]
    past: list[list[tuple[Floats, Floats]]]


def step_features(reading: Reading, step: Step) -> Floats:
    """Return tokens × STEP_FEATURES: how a token and those beside it match the slot; what is used up."""
    tokens = len(reading.words)
    made = np.zeros((tokens, STEP_FEATURES), np.float32)
    made[:, 6], made[:, 7] = step.used == 2, step.used == 1  # noqa: PLR2004 - by this call, by an earlier one
    earlier = np.flatnonzero(step.used == 1)
    made[earlier[-1] + 1 if len(earlier) else 0 :, 13] = 1
    if step.kind == CHOOSE_TOOL:
        return made
    name, text, kin = (reading.match[layer][step.slot] for layer in (NAME, ABOUT, SIBLINGS))
    moved: tuple[tuple[int, Any, int], ...] = (
        *((0, name, 0), (1, name, 1), (2, name, 2), (3, name, -1), (4, text, 1), (5, text, 0)),
        *((11, kin, 1), (12, kin, -1)),
    )
    for column, row, by in moved:
        if by >= 0:
            made[by:, column] = row[: tokens - by]
        else:
            made[:by, column] = row[-by:]
    after = np.arange(tokens) - (step.previous - SPECIALS)
    if step.kind == CHOOSE_LAST:
        made[:, 8], made[:, 9] = after == 0, after == 1
    elif step.kind == CHOOSE_VALUE and step.previous >= SPECIALS:
        made[:, 10] = after > 0
    return made


def _gelu(x: Floats) -> Floats:
    """Return x · Φ(x) by the approximation with tanh, computed in one array."""
    made = x * x
    made *= np.float32(0.044715)
    made += 1
    made *= x
    made *= _GELU
    np.tanh(made, out=made)
    made += 1
    made *= x
    made *= 0.5
    return made
