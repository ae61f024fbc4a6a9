from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from threadpoolctl import threadpool_info

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.errors import ConfigError, ModelUnavailable, RequestRejected
from pytest_toolmatch.core.model import Model, parse_model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.pocket import weights
from pytest_toolmatch.pocket.draws import Drawn, Draws
from pytest_toolmatch.pocket.model import Answer, open_model
from pytest_toolmatch.pocket.process import Process
from pytest_toolmatch.pocket.weights import manifest_of
from pytest_toolmatch.providers import pocket
from pytest_toolmatch.providers.registry import open_provider
from tests.providers.untrained import untrained

if TYPE_CHECKING:
    from collections.abc import Iterable

PLACE = {"type": "string", "description": "A place."}
TOOLS = (
    Tool(
        name="search",
        description="Find flights.",
        parameters={
            "type": "object",
            "properties": {"to": PLACE, "seats": {"type": "integer"}, "cabin": {"enum": ["economy", "first"]}},
            "required": ["to"],
        },
    ),
    Tool(name="cancel", description="Cancel it.", parameters={"type": "object", "properties": {"why": PLACE}}),
    Tool(name="odd", description="Can't be expressed.", parameters={"type": "object", "minProperties": 9}),
)
QUERY = user("Find 3 seats from Oslo to Rome, or to Bergen, in first class.")
LATER: Conversation = (
    *QUERY,
    Message("assistant", calls=(Call("search", {"to": "Rome"}),), ids=("call_0",)),
    Message("tool", '{"flight": 7}', name="search", reply_to="call_0"),
)


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    return untrained(tmp_path_factory.mktemp("pocket"))


def request(name: str, draw: int = 0, conversation: Conversation = QUERY, **more: Any) -> Request:
    return Request(role="student", model=name, conversation=conversation, tools=TOOLS, draw=draw, **more)


def ask(name: str, requests: Iterable[Request]) -> list[Turn]:
    async def run() -> list[Turn]:
        provider = open_provider(parse_model(name))
        try:
            return await asyncio.gather(*map(provider.complete, requests))
        finally:
            await provider.aclose()
            await provider.aclose()

    return asyncio.run(run())


def draw(draws: pocket.Source, asked: Request, seed: int = 0) -> Drawn:
    return draws.draw(asked, asked.key, 0.7, seed)


def test_draws_differ_and_come_again(name: str) -> None:
    requests = [request(name, draw) for draw in range(12)]
    first, again = ask(name, requests), ask(name, reversed(requests))
    assert [turn.calls for turn in first] == [turn.calls for turn in reversed(again)]
    assert len({str(turn.calls) for turn in first}) > 4


def test_another_seed_is_another_answer(name: str) -> None:
    drawn = [ask(name, [request(name, draw, settings={"seed": seed}) for draw in range(6)]) for seed in (0, 1, 0)]
    first, other, again = ([turn.calls for turn in turns] for turns in drawn)
    assert first == again != other


def test_without_temperature_all_draws_are_one(name: str) -> None:
    turns = ask(name, [request(name, draw, settings={"temperature": 0}) for draw in range(4)])
    assert len({str(turn.calls) for turn in turns}) == 1


@pytest.mark.parametrize("conversation", [QUERY, LATER])
@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
def test_a_draw_is_what_the_model_answers_alone(name: str, temperature: float, conversation: Conversation) -> None:
    model = open_model(name.removeprefix("pocket:"))
    draws = Draws(model)
    for seed in range(20):
        alone = model.answer(conversation, TOOLS, instructions="Help.", temperature=temperature, seed=seed)
        asked = request(name, conversation=conversation, instructions="Help.")
        drawn = draws.draw(asked, asked.key, temperature, seed)
        assert drawn.answer == alone
        assert drawn.seconds > 0


def test_more_conversations_than_are_kept(name: str) -> None:
    queries = [user(f"Fly to town {place}.") for place in range(60)]
    requests = [request(name, conversation=query) for query in (*queries, *queries)]
    turns = ask(name, requests)
    assert [turn.calls for turn in turns[:60]] == [turn.calls for turn in turns[60:]]


def test_calls_are_valid_and_named(name: str) -> None:
    turns = ask(name, [request(name, draw) for draw in range(30)])
    validator = ArgumentValidator(TOOLS)
    assert all(validator.problem(call) is None for turn in turns for call in turn.calls)
    assert {call.name for turn in turns for call in turn.calls} == {"search", "cancel"}
    for turn in turns:
        assert turn.ids == tuple(f"call_{place}" for place in range(len(turn.calls)))
        assert turn.usage
        assert turn.usage.input > len(QUERY[0].content.split())
        assert turn.usage.output > len(turn.calls)
        assert turn.latency
        assert turn.stop == "done"


def test_a_call_that_could_not_be_made_is_told() -> None:
    drawn = Drawn(Answer((), (), -1.0, ("search",)), 7, 3, 0.5)
    assert pocket.from_wire(drawn) == Turn(
        text="(no valid call of search was found)",
        usage=Usage(input=7, output=3),
        latency=0.5,
        confidence=0.367879,
    )
    assert pocket.from_wire(drawn._replace(answer=Answer((), (), -1.0))).text == ""


def test_a_turn_is_no_surer_than_its_calls(name: str) -> None:
    turns = ask(name, [request(name, draw) for draw in range(30)])
    assert len({turn.confidence for turn in turns}) > 4
    for turn in turns:
        assert turn.confidence is not None
        assert len(turn.confidences) == len(turn.calls)
        assert 0 <= turn.confidence <= min((1.0, *turn.confidences)) <= 1


def test_a_temperature_changes_what_is_drawn_and_not_how_sure_it_is(name: str) -> None:
    found: dict[str, set[float | None]] = {}
    for temperature in (0.5, 1.0, 1.5):
        settings = {"temperature": temperature}
        for turn in ask(name, [request(name, draw, settings=settings) for draw in range(40)]):
            found.setdefault(str((turn.calls, turn.usage)), set()).add(turn.confidence)
    again = [sure for sure in found.values() if len(sure) == 1]
    assert len(again) > len(found) / 2  # one chain may be said in two ways, from two places in the text


def test_without_tools_there_is_nothing_to_call(name: str) -> None:
    [turn] = ask(name, [Request(role="teacher", model=name, conversation=QUERY)])
    assert turn.calls == ()


ODD: Conversation = (
    Message("user", "Ten seats to Rome\n, code 123456789012345678901234567890."),
    Message("assistant", "Fine.", native={"of": "another provider"}),
    *user("And no. 98765432109876543210?"),
)


@pytest.mark.parametrize("conversation", [QUERY, LATER, ODD])
def test_a_process_of_its_own_draws_the_same(name: str, conversation: Conversation) -> None:
    """Whole numbers of any length go there and back."""
    numbers = {"type": "object", "properties": {"code": {"type": "integer"}}, "required": ["code"]}
    tools = (*TOOLS, Tool(name="look_up", parameters=numbers, implementation=print))
    asked = Request(role="teacher", model=name, conversation=conversation, tools=tools)
    here, there = Draws(open_model(name.removeprefix("pocket:"))), Process(manifest_of(name.removeprefix("pocket:")))
    for seed in range(30):
        ours, theirs = draw(here, asked, seed), draw(there, asked, seed)
        assert theirs._replace(seconds=0) == ours._replace(seconds=0)
        assert theirs.seconds > 0
    there.close()


def test_a_process_that_ended_is_told_in_one_line(name: str) -> None:
    manifest = manifest_of(name.removeprefix("pocket:"))
    process = Process(manifest)
    draw(process, request(name))
    process.close()
    with pytest.raises(ModelUnavailable) as caught:
        draw(process, request(name))
    assert str(caught.value) == f"the process of {manifest} ended: run it again"


def test_numpy_keeps_its_threads(name: str) -> None:
    before = [one["num_threads"] for one in threadpool_info()]
    draw(Draws(open_model(name.removeprefix("pocket:"))), request(name))
    assert [one["num_threads"] for one in threadpool_info()] == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"temprature": 1},
            "there is no setting 'temprature'; did you mean 'temperature'?; there are temperature, seed",
        ),
        ({"max_tokens": 9}, "there is no setting 'max_tokens'; there are temperature, seed"),
        ({"temperature": -1}, "temperature is -1: write 0 or more"),
        ({"temperature": "hot"}, "temperature is 'hot': write 0 or more"),
        ({"temperature": True}, "temperature is True"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"seed": 1.5}, "seed is 1.5: write a whole number"),
    ],
)
def test_settings_that_say_nothing(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_provider(parse_model(name, settings))
    assert str(caught.value).startswith(f"{name}: {message}")
    with pytest.raises(RequestRejected):
        ask(name, [request(name, settings=settings)])


def test_an_unknown_name_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "shipped", lambda: ("base", "small"))
    with pytest.raises(ConfigError) as caught:
        open_provider(parse_model("pocket:bse"))
    assert str(caught.value) == (
        "pocket:bse: there is no such model; did you mean 'pocket:base'?; those shipped are pocket:base, "
        "pocket:small; one of your own is named by the folder that toolmatch distill wrote"
    )


def test_corrupt_weights_are_told_in_one_line(name: str, tmp_path: Path) -> None:
    shutil.copytree(name.removeprefix("pocket:"), tmp_path / "copy")
    file = tmp_path / "copy/tiny.weights"
    raw = bytearray(file.read_bytes())
    raw[99] ^= 1
    file.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        open_provider(parse_model(f"pocket:{tmp_path}/copy"))
    assert str(caught.value).startswith(f"{file}: these are not the weights of tiny.json (their checksum differs)")
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such model"):
        open_provider(parse_model(f"pocket:{tmp_path}"))


def test_without_numpy_it_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [one for one in sys.modules if one.startswith("pytest_toolmatch.pocket")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ModelUnavailable, match="the package 'numpy' is not installed: pip install numpy"):
        open_provider(Model(provider="pocket", name=name.removeprefix("pocket:")))


def test_a_manifest_may_be_named(name: str) -> None:
    folder = Path(name.removeprefix("pocket:"))
    assert json.loads((folder / "tiny.json").read_text())["file"] == "tiny.weights"
    [turn] = ask(f"{name}/tiny.json", [request(name)])
    assert turn == ask(name, [request(name)])[0] or turn.calls == ask(name, [request(name)])[0].calls
