"""What may be sent together, and what waits for the first answer."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import ServiceFault
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling.leader import Leader, caches

REQUEST = Request(role="teacher", model="m", conversation=user("Hi."))


class Service:
    """Answers when it is let go; ``most`` were asked at once."""

    def __init__(self, *, fails_first: bool = False) -> None:
        self.asked = self.inside = self.most = 0
        self.fails_first = fails_first

    async def __call__(self, _: Request) -> Turn:
        self.asked += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        first = self.asked == 1
        if first:
            self.most = 0
        await asyncio.sleep(0.01)
        self.inside -= 1
        if first:
            self.before = self.asked
            if self.fails_first:
                raise ServiceFault("overloaded")
        return Turn(text="Hello.")


async def ask(service: Service, leader: Leader) -> list[Turn | BaseException]:
    send = partial(leader, service, REQUEST)
    return await asyncio.gather(*(send() for _ in range(8)), return_exceptions=True)


def test_all_others_wait_for_the_first_answer_and_then_go_together() -> None:
    service = Service()
    assert asyncio.run(ask(service, Leader())) == [Turn(text="Hello.")] * 8
    assert (service.before, service.most) == (1, 7)


def test_a_first_request_that_fails_holds_up_nobody() -> None:
    service = Service(fails_first=True)
    failed, *answered = asyncio.run(ask(service, Leader()))
    assert isinstance(failed, ServiceFault)
    assert answered == [Turn(text="Hello.")] * 7
    assert service.before == 1


@pytest.mark.parametrize(
    ("model", "cached"),
    [
        (Model(provider="anthropic", name="c"), True),
        (Model(provider="google", name="g", settings={"temperature": 0}), True),
        (Model(provider="openai", name="g", settings={"cache": False}), False),
        (Model(provider="local", name="g"), False),
    ],
)
def test_only_providers_that_charge_less_for_what_they_know_are_waited_for(model: Model, *, cached: bool) -> None:
    assert caches(model) is cached
