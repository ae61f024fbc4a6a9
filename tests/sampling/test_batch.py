"""Draws by the batch, run by run, as if each were a process of its own: nothing is shared but the directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import (
    BatchPending,
    ModelUnavailable,
    RecordingError,
    SamplingError,
)
from pytest_toolmatch.core.model import Model, parse_model
from pytest_toolmatch.core.request import Request, followed_digest
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling.batch_lane import WAITING
from pytest_toolmatch.sampling.batcher import Batcher
from pytest_toolmatch.sampling.forced import roll_forced
from pytest_toolmatch.sampling.lane import Work
from pytest_toolmatch.sampling.ledger import (
    Answered,
    Ended,
    Ledger,
    Lost,
    Planned,
    Recorded,
    Sent,
    draw_id,
    request_id,
)
from pytest_toolmatch.sampling.prices import Prices
from pytest_toolmatch.sampling.replies import Reply
from pytest_toolmatch.sampling.rollout import roll_out
from pytest_toolmatch.sampling.sampler import Sampler
from tests.servers.anthropic import message, text, tool_use
from tests.servers.batches import Anthropic, Failed, OpenAI
from tests.servers.chat import completion
from tests.servers.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODEL = parse_model("anthropic:claude-sonnet-4-5")
TOOLS = (Tool(name="search", parameters={"type": "object", "properties": {"q": {"type": "string"}}}),)
PRICES = {MODEL.identity: "1000/1000"}
COST_OF_TURN = 0.5 * (12 + 34) * 1000 / 1e6


def reply(body: Any) -> Any:
    """Search until something was found, then answer."""
    found = body["messages"][-1]["content"][-1]
    if found["type"] == "tool_result":
        return message(text(f"It is {found['content']}."))
    return message(tool_use("search", {"q": found["text"]}, "toolu_1"))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Anthropic]:
    with Anthropic(reply) as service:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", service.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret-123456")
        yield service


class Runs:
    """Runs that ask for the same draws, one after the other."""

    def __init__(self, folder: Path, *queries: str, model: Model = MODEL, **batcher: Any) -> None:
        self.folder = folder
        self.kept: dict[str, Sample] = {}
        self.called: list[Call] = []
        self.notes: list[str] = []
        self.pending = False
        self.calls = 0
        self._queries = queries
        self._model = model
        self._batcher = batcher

    @property
    def ledger(self) -> Path:
        return self.folder / "anthropic-claude-sonnet-4-5.jsonl"

    def run(self, *, cancel: bool = False) -> dict[str, Sample | BaseException]:
        """Ask for what is not kept yet; return what came of it."""
        batcher = Batcher(self.folder, Sampler(), prices=Prices(PRICES), **self._batcher)
        futures = {query: batcher.submit(self._work(query)) for query in self._queries if query not in self.kept}
        found = {query: future.exception() or future.result() for query, future in futures.items()}
        try:
            batcher.close(cancel=cancel)
            batcher.close(cancel=cancel)
        finally:
            self.notes, self.pending, self.calls = batcher.notes(), batcher.pending, batcher.progress().calls
        return found

    def _work(self, query: str) -> Work:
        request = Request(
            role="teacher", model=self._model.identity, conversation=user(query), tools=TOOLS, draw=len(query)
        )

        def keep(sample: Sample) -> Sample:
            return self.kept.setdefault(query, sample)

        def drawn(complete: Any, remember: Any = lambda answer: answer) -> Any:
            return roll_out(query, request, complete, remember(self._answer))

        return Work(case=query, key=request.key, model=self._model, run=drawn, keep=keep)

    async def _answer(self, call: Call) -> Reply:
        self.called.append(call)
        return Reply(f"find {len(self.called)}")


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "batches", "cheese", "wine")


def holding(most: int) -> Callable[[Model], Any]:
    """Return what opens batches that hold no more requests than that."""
    from pytest_toolmatch.providers import anthropic_batches  # noqa: PLC0415

    def open_batches(model: Model) -> Any:
        batches = anthropic_batches.open_batches(model)
        batches.most = most  # type: ignore[misc]
        return batches

    return open_batches


def all_pending(found: dict[str, Sample | BaseException]) -> bool:
    return {(type(one), str(one)) for one in found.values()} == {(BatchPending, WAITING)}


def test_a_rollout_advances_one_turn_a_run(service: Anthropic, runs: Runs) -> None:
    assert all_pending(runs.run())
    assert runs.pending
    assert runs.notes == ["batches: 1 under way (2 requests for 2 samples); run the same command again to collect them"]
    assert all_pending(runs.run())
    assert len(service.batches) == 1, "what is under way is not sent again"
    service.finish()
    assert all_pending(runs.run())
    assert [len(batch.requests) for batch in service.batches.values()] == [2, 2]
    service.finish()
    found = runs.run()
    assert {name: one.chain for name, one in found.items() if isinstance(one, Sample)} == {
        name: ((Call("search", {"q": name}),),) for name in ("cheese", "wine")
    }
    assert (runs.notes, runs.pending) == ([], False)
    assert list(runs.folder.iterdir()) == []


def test_calls_cost_half_and_take_no_known_time(service: Anthropic, runs: Runs) -> None:
    for _ in range(3):
        runs.run()
        service.finish()
    assert [sample.cost for sample in runs.kept.values()] == pytest.approx([2 * COST_OF_TURN] * 2)
    assert [sample.latency for sample in runs.kept.values()] == [None, None]
    assert runs.calls == 2


def test_a_tool_runs_once_whatever_it_says_the_next_time(service: Anthropic, runs: Runs) -> None:
    for _ in range(5):
        runs.run()
        service.finish()
    assert sorted(call.arguments["q"] for call in runs.called) == ["cheese", "wine"]
    assert {sample.replies[0][0] for sample in runs.kept.values()} == {"find 1", "find 2"}
    assert len(service.asked) == 4


def test_what_is_lost_is_asked_again_and_counted(service: Anthropic, runs: Runs) -> None:
    runs.run()
    service.reply = lambda body: Failed(expired=True) if "wine" in str(body) else reply(body)
    service.finish()
    runs.run()
    assert runs.notes[0] == "batches: 1 request came back without an answer, to be asked again"
    assert [len(batch.requests) for batch in service.batches.values()] == [2, 2]
    service.reply = reply
    for _ in range(3):
        service.finish()
        runs.run()
    assert runs.kept.keys() == {"cheese", "wine"}
    assert len(service.asked) == 5


def test_what_is_rejected_fails_until_nothing_else_is_under_way(service: Anthropic, runs: Runs) -> None:
    service.reply = lambda body: Failed(400, "too long") if "wine" in str(body) else reply(body)
    runs.run()
    service.finish()
    for _ in range(2):
        found = runs.run()
        assert isinstance(found["wine"], Sample)
        assert found["wine"].outcome == "infrastructure"
        assert "too long" in found["wine"].error
        assert isinstance(found["cheese"], BatchPending)
    service.finish()
    runs.run()
    assert not runs.pending
    assert len(service.asked) == 3
    runs.run()
    assert len(service.asked) == 4, "another run tries once more"


def test_what_never_comes_back_is_given_up(service: Anthropic, runs: Runs) -> None:
    service.reply = lambda body: message(text("Done.")) if "wine" in str(body) else {"content": "garbled"}
    for _ in range(3):
        assert isinstance(runs.run()["cheese"], BatchPending)
        service.finish()
    found = runs.run()
    assert isinstance(found["cheese"], Sample)
    assert found["cheese"].outcome == "infrastructure"
    assert "no Messages response" in found["cheese"].error
    assert "(asked 3 times)" in found["cheese"].error
    assert (len(service.asked), runs.pending, runs.ledger.exists()) == (4, False, False)


def test_an_archived_batch_is_asked_again(service: Anthropic, runs: Runs) -> None:
    runs.run()
    service.finish()
    told = service.told
    service.told = lambda one: told(one) | {"archived_at": "2026-01-01T00:00:00Z"}  # type: ignore[method-assign]
    runs.run()
    assert runs.notes[0].startswith("batches: 2 requests came back without an answer")
    assert len(service.asked) == 4


def test_a_batch_that_fails_as_a_whole_stops_the_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with OpenAI(lambda _: completion("Done.")) as service:
        monkeypatch.setenv("OPENAI_BASE_URL", service.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123456")
        runs = Runs(tmp_path, "cheese", model=parse_model("openai:gpt-5-mini"))
        runs.run()
        service.batches["batch_0"].failed = "Enqueued token limit reached"
        found = runs.run()
        assert isinstance(found["cheese"], ModelUnavailable)
        assert "Enqueued token limit reached; run again to send it once more" in str(found["cheese"])
        assert (len(service.asked), runs.pending) == (1, False)
        for _ in range(2):
            runs.run()
            service.finish()
        runs.run()
        assert runs.kept["cheese"].text == "Done."


def test_a_run_that_dies_after_sending_finds_its_batch_again(service: Anthropic, runs: Runs) -> None:
    service.lose = Answer(fault="reset")
    runs.run()
    assert runs.notes[-1].startswith("batches: 1 under way")
    assert '"is":"sent"' not in runs.ledger.read_text()
    service.lose = None
    assert all_pending(runs.run())
    service.finish()
    assert all_pending(runs.run())
    service.finish()
    runs.run()
    assert runs.kept.keys() == {"cheese", "wine"}
    assert len(service.asked) == 4


def test_a_batch_of_the_same_size_is_not_taken_for_ours(service: Anthropic, runs: Runs, tmp_path: Path) -> None:
    others = Runs(tmp_path / "others", "bread", "water")
    others.run()
    service.lose = Answer(fault="reset")
    runs.run()
    service.lose = None
    service.finish()
    runs.run()
    service.finish()
    runs.run()
    assert runs.kept.keys() == {"cheese", "wine"}
    assert {"bread", "water"}.isdisjoint(call.arguments["q"] for call in runs.called)
    assert len(service.asked) == 6


def test_batches_of_one_size_that_were_both_lost_sight_of_are_both_found(service: Anthropic, tmp_path: Path) -> None:
    runs = Runs(tmp_path, "cheese", "wine", open_batches=holding(1))
    service.lose = Answer(fault="reset")
    runs.run()
    assert len(service.batches) == 2
    service.lose = None
    for _ in range(3):
        runs.run()
        service.finish()
    assert runs.kept.keys() == {"cheese", "wine"}
    assert len(service.asked) == 4, "nothing is paid for twice"


def test_a_batch_that_is_known_is_not_taken_for_one_that_never_arrived(service: Anthropic, tmp_path: Path) -> None:
    Runs(tmp_path, "wine").run()
    runs = Runs(tmp_path, "cheese", "wine")
    ledger = Ledger(runs.ledger)
    ledger.open()
    cheese = request_id(draw_id("cheese", runs._work("cheese").key), user("cheese"))
    ledger.note(Planned(name="toolmatch-1", at=0.0, requests=(cheese,)))
    ledger.close()
    runs.run()
    assert [set(batch.requests) == {cheese} for batch in service.batches.values()] == [False, True]


def test_a_run_that_dies_before_sending_asks_again(service: Anthropic, runs: Runs) -> None:
    ledger = Ledger(runs.ledger)
    ledger.open()
    draws = [draw_id(query, runs._work(query).key) for query in ("cheese", "wine")]
    names = [request_id(draw, user(query)) for draw, query in zip(draws, ("cheese", "wine"), strict=True)]
    ledger.note(Planned(name="toolmatch-1", at=0.0, requests=tuple(names)))
    ledger.close()
    runs.run()
    assert [set(batch.requests) for batch in service.batches.values()] == [set(names)]
    assert len(runs.notes) == 1, "nothing was lost"


def test_a_run_that_is_stopped_sends_nothing(service: Anthropic, runs: Runs) -> None:
    runs.run(cancel=True)
    assert service.batches == {}
    assert not runs.ledger.exists()


def test_a_refused_batch_is_an_error_and_forgotten(service: Anthropic, runs: Runs) -> None:
    service.refuse = Answer({"error": {"message": "no credit"}}, status=402)
    with pytest.raises(ModelUnavailable, match=r"2 requests were not sent: .* payment is due"):
        runs.run()
    assert not runs.ledger.exists()


def test_trouble_with_looking_leaves_everything_for_the_next_run(service: Anthropic, runs: Runs) -> None:
    runs.run()
    route = service.route
    service.route = lambda _: Answer(status=503)  # type: ignore[method-assign]
    assert all_pending(runs.run())
    assert "HTTP 503" in runs.notes[0]
    assert runs.pending
    service.route = route  # type: ignore[method-assign]
    for _ in range(2):
        service.finish()
        runs.run()
    assert runs.kept.keys() == {"cheese", "wine"}
    assert len(service.asked) == 4


def test_a_batch_of_another_account_stops_the_model(service: Anthropic, runs: Runs) -> None:
    runs.run()
    service.batches.clear()
    found = runs.run()
    assert {type(one) for one in found.values()} == {ModelUnavailable}
    assert "use the key that it was sent with" in str(found["wine"])
    assert runs.pending
    assert service.asked == []


def test_only_one_run_at_a_time_has_a_ledger(service: Anthropic, runs: Runs) -> None:
    ledger = Ledger(runs.ledger)
    ledger.open()
    found = runs.run()
    ledger.close()
    assert {type(one) for one in found.values()} == {ModelUnavailable}
    assert "another run has" in str(found["wine"])
    assert service.asked == []


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_ledger_that_cannot_be_read_is_left_as_it_is(service: Anthropic, runs: Runs, line: int) -> None:
    runs.run()
    lines = runs.ledger.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2, "planned and sent"
    spoilt = b"".join([*lines[:line], b"<<<<<<< HEAD\n", *lines[line:], b'{"is":"ended","na'])
    runs.ledger.write_bytes(spoilt)
    assert {type(one) for one in runs.run().values()} == {RecordingError}
    assert runs.ledger.read_bytes() == spoilt
    runs.ledger.write_bytes(b"".join(lines))
    service.finish()
    runs.run()
    service.finish()
    runs.run()
    assert runs.kept.keys() == {"cheese", "wine"}
    assert len(service.asked) == 4, "nothing is paid for twice"


def test_a_batch_holds_no_more_than_the_provider_takes(service: Anthropic, tmp_path: Path) -> None:
    runs = Runs(tmp_path, "a", "b", "c", "d", "e", open_batches=holding(2))
    runs.run()
    assert sorted(len(batch.requests) for batch in service.batches.values()) == [1, 2, 2]
    assert runs.notes == ["batches: 3 under way (5 requests for 5 samples); run the same command again to collect them"]


def test_others_are_asked_as_always(service: Anthropic, tmp_path: Path) -> None:
    model = Model(provider="python", name="m:f", client=lambda _: "hello")
    runs = Runs(tmp_path, "cheese", model=model)
    found = runs.run()
    assert isinstance(found["cheese"], Sample)
    assert found["cheese"].text == "hello"
    assert service.asked == []
    assert not runs.pending


def test_all_positions_of_a_forced_draw_go_out_together(service: Anthropic, tmp_path: Path) -> None:
    chain = ((Call("search", {"q": "a"}),), (Call("search", {"q": "b"}),))
    teacher = Sample(case="c", role="teacher", draw=0, outcome="called", chain=chain, replies=(("1",), ("2",)))
    request = Request(
        role="student",
        model=MODEL.identity,
        conversation=user("cheese"),
        tools=TOOLS,
        rollout=Rollout(mode="next_step"),
        followed=followed_digest(teacher),
    )

    async def answer(_: Call) -> Reply:
        raise AssertionError

    def draw() -> Sample | BaseException:
        batcher = Batcher(tmp_path, Sampler())
        future = batcher.submit(
            Work(
                case="c",
                key=request.key,
                model=MODEL,
                run=lambda complete, remember: roll_forced("c", request, teacher, complete, remember(answer)),
            )
        )
        batcher.close()
        return future.exception() or future.result()

    assert isinstance(draw(), BatchPending)
    assert len(service.asked) == 3
    service.finish()
    sample = draw()
    assert isinstance(sample, Sample)
    assert sample.chain == ((Call("search", {"q": "cheese"}),),)
    assert len(service.asked) == 3


FACTS = st.one_of(
    st.builds(Planned, name=st.sampled_from("ab"), at=st.just(1.0), requests=st.just(("x-1", "x-2", "y-1"))),
    st.builds(Sent, name=st.sampled_from("ab"), batch=st.sampled_from(["1", "2"]), guessed=st.booleans()),
    st.builds(Ended, name=st.sampled_from("ab")),
    st.builds(Answered, request=st.sampled_from(["x-1", "x-2", "y-1"]), turn=st.just(Turn(text="é"))),
    st.builds(Answered, request=st.sampled_from(["x-1", "x-2", "y-1"]), rejected=st.just("no")),
    st.builds(Lost, request=st.sampled_from(["x-1", "y-1"]), why=st.just("no"), times=st.integers(1, 3)),
    st.builds(Recorded, draw=st.sampled_from("xy")),
)


@pytest.mark.parametrize("torn", [False, True])
def test_a_ledger_says_the_same_when_it_is_opened_again(tmp_path: Path, *, torn: bool) -> None:
    path = tmp_path / "ledger.jsonl"

    @settings(max_examples=60)
    @given(st.lists(FACTS))
    def check(facts: list[Any]) -> None:
        path.unlink(missing_ok=True)
        first, second = Ledger(path), Ledger(path)
        first.open()
        for fact in facts:
            first.note(fact)
        if torn:
            with path.open("ab") as file:
                file.write(b'{"is":"ended","na')
            first = _killed(first)
        else:
            first.close()
        second.open()
        assert second.planned == first.planned
        assert [second.sent.get(name) for name in first.planned] == [first.sent.get(name) for name in first.planned]
        wanted = {name for name in first.answers if torn or name[0] not in first._recorded}
        kept = {name for name in wanted if torn or first.planned or first.answers[name].turn}
        assert second.answers.keys() == kept
        alive = {name for name in first.lost if name[0] not in first._recorded and first.planned}
        assert second.lost.keys() == (first.lost.keys() if torn else alive)
        second.close()
        second.close()
        empty = not (
            second.planned or any(one.turn for name, one in second.answers.items() if name[0] not in second._recorded)
        )
        assert path.exists() is not empty

    check()


def _killed(ledger: Ledger) -> Ledger:
    import os  # noqa: PLC0415

    os.close(ledger._file)
    return ledger


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"is":"ended","name":"a"}\n{"is":"what"}\n')
    with pytest.raises(RecordingError, match=r"ledger\.jsonl:2: no line of a ledger of batches"):
        Ledger(path).open()


def test_a_ledger_holds_no_secret(service: Anthropic, runs: Runs) -> None:
    runs.run()
    service.finish()
    runs.run()
    assert "secret" not in runs.ledger.read_text()


def test_errors_are_of_the_tree() -> None:
    assert issubclass(BatchPending, SamplingError)
