"""A run's sampling from its first draw to its end: what is kept where, and what is said."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.core.errors import ConfigError, RecordingError, SamplingError, ServiceFault
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Sample, SampleRole
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.sampling import mcp
from pytest_toolmatch.sampling.recordings import Record, encode, read_recording, read_records
from pytest_toolmatch.sampling.refreshed import refresh_path
from pytest_toolmatch.sampling.replayed import Replayed
from pytest_toolmatch.sampling.retrying import Retries
from pytest_toolmatch.sampling.sampler import Sampler
from pytest_toolmatch.sampling.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_toolmatch.sampling.sampled import Sampled

ROME = case_of_query("To Rome.", id="rome")
SUITE = Suite(name="trips", tools=(Tool(name="search", effect="read", implementation=lambda: "seven"),))


def model(answer: Callable[[Request], Any] = lambda _: "Done.") -> Model:
    return Model(provider="python", name="mine:agent", client=answer)


def sampled(session: Session, path: Path, agent: Model, role: SampleRole = "student") -> Sampled:
    session.recover(path)
    return session.source(Replayed(Plan(SUITE, agent), role, read_recording(path, agent.identity), 2))


def texts(path: Path) -> list[str]:
    return sorted(one.sample.text for one in read_records(path))


def test_what_is_drawn_is_recorded_as_it_comes(tmp_path: Path) -> None:
    session, path = Session("record", Sampler()), tmp_path / "trips" / "mine.jsonl"
    source = sampled(session, path, model())
    assert len(source.samples(ROME)) == 2
    assert texts(path) == ["Done.", "Done."]
    session.close()
    spent = session.spent()
    assert (spent.samples, spent.lost, spent.calls) == (2, 0, 2)


def test_both_roles_of_one_model_share_a_file(tmp_path: Path) -> None:
    session, path, agent = Session("record", Sampler()), tmp_path / "mine.jsonl", model()
    sources = [sampled(session, path, agent, role) for role in ("teacher", "student")]
    for source in sources:
        source.samples(ROME)
    session.close()
    assert [one.sample.role for one in read_records(path)].count("teacher") == 2
    assert len(read_records(path)) == 4


def test_what_is_live_leaves_no_trace(tmp_path: Path) -> None:
    session = Session("live", Sampler())
    sampled(session, tmp_path / "trips" / "mine.jsonl", model()).samples(ROME)
    session.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_refreshed_is_put_in_place_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    for text in ("old", "new"):
        session = Session("refresh", Sampler())
        sampled(session, path, model(lambda _, text=text: text)).samples(ROME)  # type: ignore[misc]
        assert texts(path) == ([] if text == "old" else ["old", "old"])
        assert texts(refresh_path(path)) == [text, text]
        session.close()
        assert texts(path) == [text, text]
    session.close()  # again
    assert [one.name for one in tmp_path.iterdir()] == ["mine.jsonl"]


@pytest.mark.parametrize("mode", ["record", "refresh", "live"])
def test_what_a_killed_refresh_left_is_recovered(tmp_path: Path, mode: str) -> None:
    path, agent = tmp_path / "mine.jsonl", model()
    left = Sample(case="oslo", role="student", draw=0, outcome="answered", text="left")
    refresh_path(path).write_bytes(encode([Record(key="k/student/0", model=agent.identity, sample=left)]))
    session = Session(mode, Sampler())
    sampled(session, path, agent).samples(ROME)
    session.close()
    assert "left" in texts(path)
    assert not refresh_path(path).exists()


def test_what_cannot_be_kept_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    refresh_path(path).mkdir()
    session = Session("refresh", Sampler())
    with pytest.raises(RecordingError, match=r"can't (read|write) .*mine\.jsonl"):
        sampled(session, path, model())
    session.close()


def test_a_model_that_cannot_be_called_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    session = Session("record", Sampler())
    with pytest.raises(ConfigError, match="it has no address"):
        sampled(session, tmp_path / "mine.jsonl", Model(provider="local", name="small"))
    session.close()


def test_what_is_lost_is_counted_and_not_recorded(tmp_path: Path) -> None:
    def down(_: Request) -> Any:
        raise ServiceFault("down")

    session, path = Session("record", Sampler(retries=Retries(attempts=1))), tmp_path / "mine.jsonl"
    assert {one.outcome for one in sampled(session, path, model(down)).samples(ROME)} == {"infrastructure"}
    session.close()
    assert read_records(path) == []
    assert (session.spent().samples, session.spent().lost) == (0, 2)


@pytest.mark.parametrize(
    ("mode", "kept"), [("record", "what was drawn until then is kept"), ("live", "nothing is kept in mode live")]
)
def test_whoever_waits_while_sampling_is_stopped_is_told(tmp_path: Path, mode: str, kept: str) -> None:
    ticks: list[int] = []
    begun = threading.Event()

    async def never(_: Request) -> Any:
        begun.set()
        await asyncio.sleep(3600)

    session = Session(mode, Sampler(), lambda: ticks.append(1))
    source = sampled(session, tmp_path / "mine.jsonl", model(never))
    source.prefetch([ROME])
    assert begun.wait(5)
    closing = threading.Timer(0.3, session.close)
    closing.start()
    with pytest.raises(SamplingError, match=f"sampling was stopped; {kept}"):
        source.samples(ROME)
    closing.join()
    assert ticks


def test_sessions_with_servers_end_with_it_only_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[asyncio.AbstractEventLoop] = []

    async def close_sessions() -> None:
        ended.append(asyncio.get_running_loop())

    def times_ended() -> int:
        """Draw, close twice, and count on the session's own loop: one that another test left behind may end now."""
        sampler = Sampler()
        session = Session("live", sampler)
        sampled(session, tmp_path / "mine.jsonl", model()).samples(ROME)
        assert sampler._portal is not None
        loop = sampler._portal.loop
        session.close()
        session.close()
        return ended.count(loop)

    monkeypatch.setattr(mcp, "close_sessions", close_sessions)
    assert times_ended() == 1
    monkeypatch.delitem(sys.modules, "pytest_toolmatch.sampling.mcp")
    assert times_ended() == 0
