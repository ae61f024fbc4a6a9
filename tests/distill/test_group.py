# ruff: noqa: E402 - without torch there is nothing to import
"""Processes that train one network together, as torchrun starts them."""

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'pytest-toolmatch[distill]'")

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.distill.group import Group

TRAINING = """
import itertools, json, sys
from pathlib import Path
import torch
from pytest_toolmatch.distill.batches import Lexicon, pack
from pytest_toolmatch.distill.generator import generate
from pytest_toolmatch.distill.group import Group
from pytest_toolmatch.distill.plan import Plan
from pytest_toolmatch.distill.targets import Encoded, encode_all
from pytest_toolmatch.distill.train import Trainer, run
from pytest_toolmatch.pocket.config import Shape

group, folder = Group.launched("cpu"), Path(sys.argv[1])
shape = Shape(buckets=512, letters=16, width=32, heads=4, layers=1, steps=1, inner=64)
lexicon = Lexicon(shape.buckets)
encoded = encode_all(itertools.islice(generate(1), 41))
examples = [pack(one, lexicon) for one in encoded if isinstance(one, Encoded)]
trainer = Trainer(Plan(shape=shape, steps=5, batch=20), lexicon, group=group)
parts = [len(group.part(examples[:n])) for n in (20, 3, 1)]
run(trainer, [examples], examples[:5], folder, quiet=True)

plain = torch.nn.Linear(1, 1)
plain.weight.grad = torch.full_like(plain.weight, 1.0 + 2 * group.rank)
group.share_gradients(plain)
told = {
    "weights": float(sum(value.double().sum() for value in trainer.average.values())),
    "seconds": trainer.progress.seconds,
    "checked": len(trainer.progress.curve),
    "parts": parts,
    "mean": [plain.weight.grad.item(), plain.bias.grad.item()],
    "any": [group.any(group.rank == 1), group.any(False)],
    "first": group.first(7.0 + group.rank),
}
Path(folder, f"{group.rank}.json").write_text(json.dumps(told))
group.leave()
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = tmp_path_factory.mktemp("together")
    script = folder / "training.py"
    script.write_text(TRAINING)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*launch, script, folder], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_all_take_the_same_steps_by_the_clock_of_the_first(told: list[dict[str, object]]) -> None:
    first, second = told
    assert first["weights"] == second["weights"]
    assert first["seconds"] == second["seconds"] != 0
    assert (first["checked"], second["checked"]) == (1, 0)


def test_a_batch_is_split_and_its_gradients_are_averaged(told: list[dict[str, object]]) -> None:
    first, second = told
    assert (first["parts"], second["parts"]) == ([10, 2, 1], [10, 1, 1])
    assert first["mean"] == second["mean"] == [2.0, 0.0]


def test_what_one_knows_all_are_told(told: list[dict[str, object]]) -> None:
    for one in told:
        assert one["any"] == [True, False]
        assert one["first"] == 7.0


def test_one_alone_has_all_to_itself() -> None:
    alone = Group.launched("cpu")
    assert alone.leads
    assert alone.part([1, 2, 3]) == [1, 2, 3]
    assert alone.first(2.5) == 2.5
    assert alone.any(True)


def test_a_gpu_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    with pytest.raises(ConfigError, match="leave torchrun out"):
        Group.launched("cuda")
