"""Embeddings of a real server: in flight together, asked again, and faults in one line."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_toolmatch.core.errors import ConfigError, SamplingError
from pytest_toolmatch.curating.embedders import embedder_of
from pytest_toolmatch.curating.kept import Kept
from pytest_toolmatch.curating.server import BATCH, Server
from pytest_toolmatch.curation.embedding import embedded
from pytest_toolmatch.sampling.retrying import Retries
from tests.servers.loopback import Answer, Loopback

if TYPE_CHECKING:
    from tests.servers.loopback import Received

QUICK = Retries(attempts=3, attempts_to_reach=2, first_wait=0.01, longest_wait=0.02)
TEXTS = [f"text {number}" for number in range(3 * BATCH + 5)]


def row(text: str) -> list[float]:
    return [float(len(text)), float(sum(map(ord, text)) % 97), 1.0]


def answered(request: Received, **more: Any) -> Answer:
    data = [{"object": "embedding", "index": n, "embedding": row(one)} for n, one in enumerate(request.json["input"])]
    return Answer({"object": "list", "data": data[::-1], "model": "m", "usage": {}}, **more)


def server(at: Loopback) -> Server:
    return Server(f"{at.url}/v1", "m", QUICK)


def test_rows_come_back_in_order_and_batches_are_in_flight_together() -> None:
    with Loopback(lambda request: answered(request, delay=0.05)) as at:
        found = embedded(server(at), TEXTS)
    wanted = np.array([row(text) for text in TEXTS])
    assert np.allclose(found, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)
    assert {(one.path, one.json["model"]) for one in at.requests} == {("/v1/embeddings", "m")}
    assert len(at.requests) == at.most_in_flight == 4


def test_what_may_pass_is_asked_again() -> None:
    lock, count = threading.Lock(), iter(range(100))

    def answer(request: Received) -> Answer:
        with lock:
            turn = next(count)
        return [Answer(status=503), Answer(b"no json"), Answer(fault="reset")][turn] if turn < 3 else answered(request)

    with Loopback(answer) as at:
        assert len(embedded(server(at), TEXTS)) == len(TEXTS)
    assert len(at.requests) == 4 + 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({"error": {"message": "no such model m"}}, status=404), "no such model"),
        (Answer({"error": {"message": "too long"}}, status=400), "too long"),
        (Answer({"data": []}), "0 rows for 1 texts"),
        (Answer({"rows": 1}), "holds no embeddings"),
        (Answer(b"<html>"), "holds no embeddings"),
    ],
)
def test_a_fault_is_one_line(answer: Answer, said: str) -> None:
    with Loopback([answer]) as at, pytest.raises(SamplingError, match=said) as caught:
        embedded(server(at), ["a"])
    assert "\n" not in str(caught.value)
    assert at.url.removeprefix("http://") in str(caught.value)


def test_nobody_there_is_one_line() -> None:
    with Loopback([]) as at:
        pass
    with pytest.raises(SamplingError, match="can't be reached"):
        embedded(server(at), ["a"])


def test_the_key_goes_to_the_server_and_into_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLMATCH_LOCAL_API_KEY", "sk-swordfish-7")
    with Loopback([Answer({"error": {"message": "bad key sk-swordfish-7"}}, status=401)]) as at:
        with pytest.raises(SamplingError) as caught:
            embedded(server(at), ["a"])
        assert at.requests[0].headers["authorization"] == "Bearer sk-swordfish-7"
    assert "swordfish" not in str(caught.value)


def test_an_empty_text_is_not_sent_as_such() -> None:
    with Loopback(answered) as at:
        embedded(server(at), ["", "a"])
        assert at.requests[0].json["input"] == ["(empty)", "a"]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(1024 + 10)]
    healthy = True

    def answer(request: Received) -> Answer:
        return answered(request) if healthy or request.json["input"][0] != "text 1024" else Answer(status=400)

    with Loopback(answer) as at:
        kept = Kept(server(at), tmp_path / "rows")
        healthy = False
        with pytest.raises(SamplingError):
            embedded(kept, texts)
        healthy, before = True, len(at.requests)
        assert len(embedded(kept, texts)) == len(texts)
        assert len(at.requests) == before + 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hashd", "did you mean 'hashed'"),
        ("http://localhost:1/v1", "name its model"),
        ("http://#m", "no host"),
        ("st:nothing-there", "sentence-transformers"),
    ],
)
def test_a_wrong_name_is_one_line(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        embedder_of(name)
