"""The network in torch, for training; ``pocket.network`` is the same in numpy, for use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pytest_toolmatch.pocket.config import KIN, NEAR, PAST, POOLS, POSITIONS, SHARP, STEP_FEATURES
from pytest_toolmatch.pocket.grammar import CHOOSE_LAST, CHOOSE_VALUE
from pytest_toolmatch.pocket.reading import ABOUT, ITEM_FEATURES, NAME, SEGMENTS, SIBLINGS, SPECIALS, TOKEN_FEATURES
from pytest_toolmatch.pocket.slots import KINDS

if TYPE_CHECKING:
    from pytest_toolmatch.pocket.config import Shape

NEVER = -1e4
TYPES = len(KINDS) + 1

# What a reader goes by before learning anything: a value stands behind its argument's name and not behind another's,
# and what has been taken is not taken again. In the order of step_features.
_FIRST_CLUES = (-1.0, 2.0, 1.0, 0.5, 0.5, 0.0, -4.0, -1.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0)


class Attention(nn.Module):
    """Attention of several heads with a bias that is given, never learned."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask, self.answer = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """Return what x (batch × n × width) finds in the memory (batch × m × width); bias is batch × heads × n × m."""
        query = self._split(self.ask(x))
        key, value = (self._split(part) for part in self.answer(memory).chunk(2, -1))
        many = query.shape[:2]
        query, key, value = (one.flatten(0, 1) for one in (query * query.shape[-1] ** -0.5, key, value))
        wanted = torch.baddbmm(bias.expand(*many, -1, -1).flatten(0, 1), query, key.transpose(1, 2))
        found = torch.bmm(torch.softmax(wanted, -1), value).unflatten(0, many)  # on a CPU twice as fast as torch's own
        return self.out(found.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two layers with a smooth step between them."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return a vector of the same size."""
        return self.down(functional.gelu(self.up(x), approximate="tanh"))


class Layer(nn.Module):
    """Self-attention, attention to a memory where there is one, feed-forward; each added to its input."""

    def __init__(self, shape: Shape, *, looks: bool) -> None:
        super().__init__()
        self.norm1, self.self_attention = nn.RMSNorm(shape.width, 1e-6), Attention(shape.width, shape.heads)
        self.norm3, self.feed = nn.RMSNorm(shape.width, 1e-6), FeedForward(shape.width, shape.inner)
        if looks:
            self.norm2, self.look = nn.RMSNorm(shape.width, 1e-6), Attention(shape.width, shape.heads)

    def forward(self, x: Tensor, bias: Tensor, memory: Tensor | None = None, look: Tensor | None = None) -> Tensor:
        """Return the next x (batch × n × width)."""
        inside = self.norm1(x)
        x = x + self.self_attention(inside, inside, bias)
        if memory is not None:
            x = x + self.look(self.norm2(x), memory, look)
        return x + self.feed(self.norm3(x))


class Network(nn.Module):
    """Reads a conversation beside tools, and scores every place in every step."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.letters = nn.EmbeddingBag(shape.buckets, shape.letters, mode="sum")
        self.token_words, self.token_features = nn.Linear(shape.letters, 3 * width), nn.Linear(TOKEN_FEATURES, width)
        self.segment, self.position = nn.Embedding(SEGMENTS, width), nn.Embedding(POSITIONS, width)
        self.item_words, self.item_features = nn.Linear(shape.letters, 3 * width), nn.Linear(ITEM_FEATURES, width)
        self.role, self.weigh = nn.Embedding(2, width), nn.Linear(width, POOLS)
        self.named, self.described = nn.Linear(width, width), nn.Linear(width, width)
        self.of_tool, self.of_argument = nn.Linear(width, width), nn.Linear(width, width)
        self.kind = nn.Embedding(3 * TYPES, width)
        self.special = nn.Embedding(SPECIALS, width)
        self.layers = nn.ModuleList(Layer(shape, looks=False) for _ in range(shape.layers))
        self.read = nn.RMSNorm(width, 1e-6)
        self.step, self.turn = nn.Embedding(6, width), nn.Embedding(3, width)
        self.previous, self.slot, self.tool = (nn.Linear(width, width) for _ in range(3))
        self.steps = nn.ModuleList(Layer(shape, looks=True) for _ in range(shape.steps))
        self.decided = nn.RMSNorm(width, 1e-6)
        self.point, self.pointed = nn.Linear(width, width), nn.Linear(width, width)
        self.clues = nn.Linear(STEP_FEATURES, 3, bias=False)
        self.apply(_begin)
        with torch.no_grad():
            self.clues.weight.zero_()
            self.clues.weight[CHOOSE_VALUE] = torch.tensor(_FIRST_CLUES)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Return batch × steps × places: the log-probability of every place, NEVER where it is not allowed."""
        memory = self.memory(batch)
        scores = self.scores(batch, memory)
        return functional.log_softmax(scores.masked_fill(batch["target"] == 0, NEVER).float(), -1)

    def memory(self, batch: dict[str, Tensor]) -> Tensor:
        """Return batch × places × width: specials, tokens and items, each knowing of the others."""
        size = len(batch["kinds"])
        vectors = self.letters(batch["grams"], batch["gram_starts"], per_sample_weights=batch["gram_weights"])
        special = self.special.weight.expand(size, -1, -1)
        x = torch.cat([special, self._tokens(batch, vectors), self._items(batch, vectors)], 1)
        bias = self._bias(batch)
        for layer in self.layers:
            x = layer(x, bias)
        return self.read(x)

    def _tokens(self, batch: dict[str, Tensor], vectors: Tensor) -> Tensor:
        before, here, after = functional.embedding(batch["words"], self.token_words(vectors)).chunk(3, -1)
        x = here + functional.pad(before[:, :-1], (0, 0, 1, 0)) + functional.pad(after[:, 1:], (0, 0, 0, 1))
        return (
            x + self.token_features(batch["features"]) + self.segment(batch["kinds"]) + self.position(batch["places"])
        )

    def _items(self, batch: dict[str, Tensor], vectors: Tensor) -> Tensor:
        text = self.named(self._pooled(batch, vectors, 0)) + self.described(self._pooled(batch, vectors, 1))
        text = functional.pad(text, (0, 0, 1, 0))[batch["item_texts"]]  # batch × items × width; place 0 is no text
        above = torch.arange(len(text), device=text.device)[:, None]
        x = text + self.kind(batch["item_kinds"]) + self.item_features(batch["item_features"])
        x = x + self.of_tool(text)[above, batch["item_tools"]] * batch["below_tool"][..., None]
        return x + self.of_argument(text)[above, batch["item_arguments"]] * batch["below_argument"][..., None]

    def _pooled(self, batch: dict[str, Tensor], vectors: Tensor, role: int) -> Tensor:
        """Return texts × width: the words of each text, weighed in POOLS ways."""
        texts, count = batch[f"text_of{role}"], int(batch["texts"])
        before, here, after = self.item_words(vectors).chunk(3, -1)
        none = torch.ones(len(here), 1, device=here.device)
        none[-1] = 0
        x = functional.embedding(batch[f"text_words{role}"], here)
        x = x + functional.embedding(batch[f"text_before{role}"], before * none)
        x = x + functional.embedding(batch[f"text_after{role}"], after * none)
        x = functional.gelu(x + self.role.weight[role], approximate="tanh").float()
        weight = torch.exp(5 * torch.tanh(self.weigh(x).float()))
        parts = (x.unflatten(-1, (POOLS, -1)) * weight[..., None]).flatten(1)
        total = x.new_zeros(count, POOLS).index_add(0, texts, weight)
        pooled = x.new_zeros(count, x.shape[-1]).index_add(0, texts, parts)
        return (pooled.unflatten(-1, (POOLS, -1)) / total.clamp(min=1e-9)[..., None]).flatten(1)

    def _bias(self, batch: dict[str, Tensor]) -> Tensor:
        """Return batch × heads × places × places: matches, kin, distance; NEVER where a place is but padding."""
        match, tokens = batch["match"], batch["words"].shape[1]
        size, items = match.shape[0], match.shape[2]
        places = SPECIALS + tokens + items
        bias = match.new_zeros(size, self.shape.heads, places, places)
        for head, layer in enumerate((NAME, ABOUT)):
            bias[:, head, SPECIALS + tokens :, SPECIALS : SPECIALS + tokens] = SHARP * match[:, layer]
            bias[:, head, SPECIALS : SPECIALS + tokens, SPECIALS + tokens :] = SHARP * match[:, layer].transpose(1, 2)
        kin = batch["item_tools"][:, :, None] == batch["item_tools"][:, None, :]
        bias[:, 2, SPECIALS + tokens :, SPECIALS + tokens :] = KIN * kin
        apart = torch.arange(tokens, device=match.device)
        bias[:, 3, SPECIALS : SPECIALS + tokens, SPECIALS : SPECIALS + tokens] = -NEAR * (apart[:, None] - apart).abs()
        return bias.masked_fill(batch["padding"][:, None, None, :], NEVER)

    def scores(self, batch: dict[str, Tensor], memory: Tensor) -> Tensor:
        """Return batch × steps × places: how well each place fits each step."""
        kinds = batch["step_kinds"]
        x = self.step(kinds + 3 * (batch["step_elements"] > 0)) + self.turn(batch["step_calls"].clamp(max=2))
        above = torch.arange(len(kinds), device=kinds.device)[:, None]
        x = x + self.previous(memory)[above, batch["step_previous"]]
        about = (kinds > 0)[..., None]
        x = (
            x
            + self.slot(memory)[above, batch["step_slots"]] * about
            + self.tool(memory)[above, batch["step_tools"]] * about
        )
        clues = step_features(batch)
        look = self._look(batch, clues)
        causal = x.new_full((kinds.shape[1],) * 2, NEVER).triu(1)[None, None]
        for layer in self.steps:
            x = layer(x, causal, memory, look)
        fits = self.point(self.decided(x)) @ self.pointed(memory).transpose(1, 2) * self.shape.width**-0.5
        weight = self.clues.weight[kinds]  # batch × steps × features
        tokens = clues.shape[2]
        fits[:, :, SPECIALS : SPECIALS + tokens] += (clues @ weight[..., None])[..., 0]
        return fits

    def _look(self, batch: dict[str, Tensor], clues: Tensor) -> Tensor:
        """Return batch × heads × steps × places: steps look at the words of their slot, and behind earlier calls."""
        size, steps, tokens, _ = clues.shape
        bias = clues.new_zeros(size, self.shape.heads, steps, batch["padding"].shape[1])
        for head in (0, 1):
            bias[:, head, :, SPECIALS : SPECIALS + tokens] = SHARP * clues[..., head]
        bias[:, 2, :, SPECIALS : SPECIALS + tokens] = PAST * (clues[..., 13] - 1)
        return bias.masked_fill(batch["padding"][:, None, None, :], NEVER)


def step_features(batch: dict[str, Tensor]) -> Tensor:
    """Return batch × steps × tokens × STEP_FEATURES: how a token and its neighbours match the slot; what is used up."""
    slots, tokens = batch["step_slots"], batch["words"].shape[1]
    rows = (slots - SPECIALS - tokens).clamp(min=0)
    above = torch.arange(len(slots), device=slots.device)[:, None]
    about = (batch["step_kinds"] > 0)[..., None].float()
    name, text, kin = (batch["match"][:, layer][above, rows] * about for layer in (NAME, ABOUT, SIBLINGS))
    after = torch.arange(tokens, device=slots.device) - (batch["step_previous"][..., None] - SPECIALS)
    last = (batch["step_kinds"] == CHOOSE_LAST)[..., None]
    ahead = (
        (batch["step_kinds"] == CHOOSE_VALUE)[..., None] & (after > 0) & (batch["step_previous"] >= SPECIALS)[..., None]
    )
    columns: list[Any] = [
        name,
        _shift(name, 1),
        _shift(name, 2),
        _shift(name, -1),
        _shift(text, 1),
        text,
        batch["used"] == 2,  # noqa: PLR2004 - by this call
        batch["used"] == 1,
        last & (after == 0),
        last & (after == 1),
        ahead,
        _shift(kin, 1),
        _shift(kin, -1),
        (batch["used"] == 1).flip(-1).cumsum(-1).flip(-1) == 0,
    ]
    return torch.stack([column.float() for column in columns], -1)


def _shift(x: Tensor, by: int) -> Tensor:
    """Return x with its last axis moved to the right by so many places (to the left where negative)."""
    if by > 0:
        return functional.pad(x, (by, 0))[..., : x.shape[-1]]
    return functional.pad(x, (0, -by))[..., -by:]


def _begin(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        nn.init.normal_(module.weight, std=0.1 if isinstance(module, nn.EmbeddingBag) else 0.05)
