from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sampling.services import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for sampler in bench.samplers:
        sampler.close(cancel=True)
