# ruff: noqa: E402 - without torch there is nothing to import
"""The network in torch and the network in numpy are one network."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'pytest-toolmatch[distill]'")

from pytest_toolmatch.distill.batches import Lexicon, collate, pack
from pytest_toolmatch.distill.generator import generate
from pytest_toolmatch.distill.network import Network
from pytest_toolmatch.distill.targets import RIGHT, Encoded, encode_all
from pytest_toolmatch.pocket import network as ours
from pytest_toolmatch.pocket.config import Shape
from pytest_toolmatch.pocket.grammar import turn
from pytest_toolmatch.pocket.reading import SPECIALS


@pytest.fixture(autouse=True)
def exact_products() -> None:
    """Training rounds them, in this process too."""
    torch.set_float32_matmul_precision("highest")


SHAPE = Shape(buckets=512, letters=16, width=32, heads=4, layers=2, steps=2, inner=64)
EXAMPLES = 220


def test_numpy_scores_every_step_as_torch_does() -> None:
    """220 examples, a network with random weights; features are halves in batches, so they are compared as halves."""
    torch.manual_seed(0)
    network = Network(SHAPE).eval()
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    lexicon, same = Lexicon(SHAPE.buckets), ours.Network(SHAPE, arrays)
    found = [one for one in encode_all(itertools.islice(generate(5), EXAMPLES)) if isinstance(one, Encoded)]
    assert len(found) > 200
    for encoded in found:
        reading = encoded.reading
        for name in ("features", "item_features", "match"):
            setattr(reading, name, getattr(reading, name).astype(np.float16).astype(np.float32))
        batch = collate([pack(encoded, lexicon)], lexicon)
        with torch.no_grad():
            scores = network.scores(batch, network.memory(batch))[0].numpy()
        tokens, items, wide = len(reading.words), len(reading.toolbox.items), SPECIALS + batch["words"].shape[1]
        scores = scores[: len(encoded.steps), np.r_[: SPECIALS + tokens, wide : wide + items]]  # without the padding
        memory, walk = same.read(reading), turn(reading)
        step = next(walk)
        for row, right in zip(scores, encoded.target == RIGHT, strict=True):
            assert np.allclose(same.score(memory, step)[step.allowed], row[step.allowed], atol=2e-4)
            following = [*encoded.steps[:, 3], int(right.argmax())]
            try:
                step = walk.send(int(following[memory_steps(memory)]))
            except StopIteration:
                break


def memory_steps(memory: ours.Memory) -> int:
    return len(memory.past[0])


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    network, lexicon = Network(SHAPE).eval(), Lexicon(SHAPE.buckets)
    packed = [
        pack(one, lexicon) for one in encode_all(list(itertools.islice(generate(6), 8))) if isinstance(one, Encoded)
    ]
    with torch.no_grad():
        together = network(collate(packed, lexicon))
        for row, one in enumerate(packed):
            alone = network(collate([one], lexicon))[0]
            tokens, steps = len(one.words), len(one.steps)
            assert torch.allclose(together[row, :steps, : 4 + tokens], alone[:steps, : 4 + tokens], atol=1e-4)
