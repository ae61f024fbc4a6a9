# ruff: noqa: E402 - without torch there is nothing to import
"""Training: repeatable, interruptible, and it learns."""

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'pytest-toolmatch[distill]'")

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.distill.batches import Lexicon, Packed, pack
from pytest_toolmatch.distill.checkpoint import resume
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.export import export
from pytest_toolmatch.distill.generator import generate
from pytest_toolmatch.distill.network import Network
from pytest_toolmatch.distill.plan import Plan
from pytest_toolmatch.distill.shards import Shards, load, save
from pytest_toolmatch.distill.targets import Encoded, encode_all
from pytest_toolmatch.distill.train import Trainer, main, mixed, run, start_of
from pytest_toolmatch.pocket.config import Shape
from pytest_toolmatch.pocket.model import open_model

SHAPE = Shape(buckets=512, letters=16, width=32, heads=4, layers=1, steps=1, inner=64)


@pytest.fixture(scope="module")
def packed() -> tuple[list[Packed], Lexicon]:
    lexicon = Lexicon(SHAPE.buckets)
    found = encode_all(list(itertools.islice(generate(1), 100)))
    return [pack(one, lexicon) for one in found if isinstance(one, Encoded)], lexicon


def trained(packed: tuple[list[Packed], Lexicon], folder: Path, steps: int) -> Trainer:
    examples, lexicon = packed
    trainer = Trainer(Plan(shape=SHAPE, steps=steps, batch=16), lexicon)
    resume(trainer, folder)
    run(trainer, [examples], examples[:20], folder, quiet=True)
    return trainer


def same(a: Trainer, b: Trainer) -> bool:
    return all(torch.equal(value, b.average[name]) for name, value in a.average.items())


def test_a_seed_trains_the_same_network(packed: tuple[list[Packed], Lexicon], tmp_path: Path) -> None:
    first = trained(packed, tmp_path / "a", 6)
    assert same(first, trained(packed, tmp_path / "b", 6))
    assert not same(first, trained(packed, tmp_path / "c", 5))


def test_a_run_that_was_stopped_goes_on_to_the_same_end(
    packed: tuple[list[Packed], Lexicon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(packed, tmp_path / "whole", 6)
    learn = Trainer.learn

    def stop_at_three(trainer: Trainer, examples: list[Packed]) -> None:
        if trainer.progress.step == 2:
            signal.raise_signal(signal.SIGINT)
        learn(trainer, examples)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "learn", stop_at_three)
        assert trained(packed, tmp_path / "parts", 6).progress.step == 3
    assert same(whole, trained(packed, tmp_path / "parts", 6))


def test_another_plan_does_not_go_on_from_a_run(packed: tuple[list[Packed], Lexicon], tmp_path: Path) -> None:
    trained(packed, tmp_path, 2)
    with pytest.raises(ConfigError, match="is of a run with other options: give another -o"):
        trained(packed, tmp_path, 3)


def test_what_is_exported_can_be_opened(packed: tuple[list[Packed], Lexicon], tmp_path: Path) -> None:
    trainer = trained(packed, tmp_path / "run", 2)
    export(trainer.best, SHAPE, tmp_path / "out", name="tiny")
    model = open_model(str(tmp_path / "out"))
    example = next(generate(2))
    assert model.answer(example.conversation, example.tools, temperature=1.0, seed=3) == model.answer(
        example.conversation, example.tools, temperature=1.0, seed=3
    )


def test_of_equally_good_networks_the_later_is_kept(packed: tuple[list[Packed], Lexicon]) -> None:
    trainer = Trainer(Plan(shape=SHAPE, steps=9, batch=16), packed[1])
    kept = []
    for score in (0.5, 0.7, 0.7, 0.6):
        trainer.average = {name: value + 1 for name, value in trainer.average.items()}
        trainer.keep_if_better(score)
        kept.append(all(torch.equal(value, trainer.best[name]) for name, value in trainer.average.items()))
    assert kept == [True, True, True, False]
    assert trainer.progress.best == 0.7


def test_shards_are_read_as_they_were_written(packed: tuple[list[Packed], Lexicon], tmp_path: Path) -> None:
    examples, lexicon = packed
    save(tmp_path / "0.npz", examples, lexicon)
    other = Lexicon(SHAPE.buckets)
    other.number("shifted")
    read = load(tmp_path / "0.npz", other)
    words = {number: word for word, number in other.words.items()}
    ours = {number: word for word, number in lexicon.words.items()}
    for one, two in zip(examples, read, strict=True):
        for name, a, b in zip(Packed._fields, one, two, strict=True):
            if name in ("words", "names", "abouts"):
                assert [ours[word] for word in a] == [words[word] for word in b]
            else:
                assert (a == b).all(), name


def test_a_shard_that_could_not_be_made_is_not_waited_for(packed: tuple[list[Packed], Lexicon], tmp_path: Path) -> None:
    def broken(_: int) -> Iterator[Example]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Shards(tmp_path, broken, 1, packed[1])[0]
    assert list(tmp_path.iterdir()) == []


def test_a_model_from_before_a_feature_goes_on_as_it_was(packed: tuple[list[Packed], Lexicon], tmp_path: Path) -> None:
    """A feature that came later has weights of zero at first."""
    trainer, plan = trained(packed, tmp_path / "a", 3), Plan(shape=SHAPE, steps=1)
    fewer = {name: value[:, :-1] if "_features.weight" in name else value for name, value in trainer.average.items()}
    export(fewer, SHAPE, tmp_path, name="before", made={})
    begun = start_of(tmp_path / "before.json", plan)
    for name, value in Network(SHAPE).state_dict().items():
        assert begun[name].shape == value.shape
    assert begun["token_features.weight"][:, -1].abs().sum() == 0 < begun["token_features.weight"][:, -2].abs().sum()


def test_what_was_learned_is_mixed_with_what_it_began_with() -> None:
    learned, start = {"bias": torch.tensor([4.0, 0.0])}, {"bias": torch.tensor([0.0, 8.0])}
    assert mixed(learned, start, 0.25)["bias"].tolist() == [3.0, 2.0]
    assert mixed(learned, start, 0.0)["bias"].tolist() == [4.0, 0.0]
    assert mixed(learned, None, 0.25) is learned


@pytest.mark.parametrize(("mix", "said"), [("1.5", "not from 0 to 1"), ("0.5", "name a model with --from")])
def test_a_mix_is_a_share_of_a_model(mix: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["-o", "out", "--mix", mix])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["-o", "taken"], "taken: can't be made: File exists; choose another directory with -o"),
        (["-o", "out", "--device", "cuda"], "torch finds no CUDA device here"),
        (["-o", "out", "--from", "none.json"], "none.json: can't be read: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_made(
    more: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    Path("taken").touch()
    assert main([*more, "--cache", "cache"]) == 2
    assert said in capsys.readouterr().err
    assert not Path("cache").exists()


def test_who_waits_for_examples_is_told_so(
    packed: tuple[list[Packed], Lexicon],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    examples, lexicon = packed
    shards = Shards(tmp_path, lambda _: iter(()), 1, lexicon)
    (tmp_path / "0000.making").touch()  # as by another run
    monkeypatch.setattr("pytest_toolmatch.distill.shards._TOLD_AFTER_S", 0.0)
    Timer(0.5, save, (tmp_path / "0000.npz", examples, lexicon)).start()
    assert len(shards[0]) == len(examples)
    assert capsys.readouterr().err == f"waiting for examples: {tmp_path / '0000.npz'} is not made yet\n"
