"""The models that come with the package."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from pytest_toolmatch import Tool
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.distill.evaluate import same_calls
from pytest_toolmatch.distill.generator import generate
from pytest_toolmatch.pocket.model import PocketModel, open_model
from pytest_toolmatch.pocket.weights import manifest_of, shipped

MOST_BYTES = {"base": 5_000_000, "small": 1_500_000}
WEATHER = Tool(
    name="get_weather",
    description="Tell the weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


@pytest.fixture(scope="module", params=["base", "small"])
def model(request: pytest.FixtureRequest) -> PocketModel:
    return open_model(request.param)


def test_both_sizes_are_there() -> None:
    assert shipped() == ("base", "small")


@pytest.mark.parametrize("name", ["base", "small"])
def test_they_are_small_and_whole(name: str) -> None:
    told = json.loads(manifest_of(name).read_text())
    file = manifest_of(name).with_suffix(".weights")
    assert told["bytes"] == file.stat().st_size <= MOST_BYTES[name]
    open_model(name)  # checks the checksum


def test_nothing_else_lies_beside_them() -> None:
    names = sorted(path.name for path in manifest_of("base").parent.iterdir())
    assert names == ["base.json", "base.weights", "small.json", "small.weights"]


def test_a_plain_request_is_called(model: PocketModel) -> None:
    answer = model.answer(user("What is the weather in Lisbon?"), (WEATHER,))
    assert [(call.name, call.arguments) for call in answer.calls] == [("get_weather", {"city": "Lisbon"})]
    assert -0.7 < answer.confidence[0] <= 0


def test_small_talk_is_answered(model: PocketModel) -> None:
    assert model.answer(user("Thanks a lot, bye!"), (WEATHER,)).calls == ()
    assert model.answer(user("What is the weather in Lisbon?"), ()).calls == ()


def test_a_seed_draws_the_same_and_seeds_differ(model: PocketModel) -> None:
    asked = user("Move the meeting with Anna Berg to the Lisbon office and tell Bo the weather there")
    tools = (WEATHER, Tool(name="move", parameters={"type": "object", "properties": {"what": {"type": "string"}}}))
    draws = [model.answer(asked, tools, temperature=3.0, seed=seed) for seed in range(12)]
    assert draws == [model.answer(asked, tools, temperature=3.0, seed=seed) for seed in range(12)]
    assert len({repr(draw.calls) for draw in draws}) > 1


def test_temperature_zero_takes_no_notice_of_the_seed(model: PocketModel) -> None:
    asked = user("What is the weather in Lisbon?")
    assert model.answer(asked, (WEATHER,), seed=1) == model.answer(asked, (WEATHER,), seed=2)


def test_no_call_is_ever_invalid(model: PocketModel) -> None:
    """200 generated examples of each half of the words, at a temperature that makes mistakes."""
    calls = 0
    for example in itertools.chain(
        itertools.islice(generate(11), 100), itertools.islice(generate(12, held_out=True), 100)
    ):
        answer = model.answer(example.conversation, example.tools, temperature=1.5, seed=calls)
        validator = ArgumentValidator(example.tools)
        assert all(validator.valid(call) for call in answer.calls), answer.calls
        assert len(answer.confidence) == len(answer.calls)
        calls += len(answer.calls)
    assert calls > 100


def test_confidence_is_that_of_the_choices(model: PocketModel) -> None:
    answer = model.answer(user("What is the weather in Lisbon?"), (WEATHER,))
    assert answer.whole <= sum(answer.confidence) <= 0
    assert np.isfinite(answer.whole)


def test_what_is_right_is_surer_than_what_is_wrong(model: PocketModel) -> None:
    """Of 300 unseen examples, most pairs of a right and a wrong answer are told apart."""
    right, wrong = [], []
    for example in itertools.islice(generate(13, held_out=True), 300):
        answer = model.answer(example.conversation, example.tools)
        (right if same_calls(answer.calls, example.calls) else wrong).append(answer.whole)
    assert len(wrong) > 10
    assert np.mean([good > bad for good in right for bad in wrong]) > 0.75


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    for path in manifest_of("small").parent.glob("small.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "small.weights").write_bytes(b"PKTW")
    with pytest.raises(Exception, match="checksum differs"):
        open_model(str(tmp_path))
