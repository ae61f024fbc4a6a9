"""How often Python looks for cyclic garbage while a run is ours."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_RARELY = 20_000
"""Objects after which Python looks for cyclic garbage. Thousands of samples and of draws in flight are no garbage; at
its default of 700 it looks through them so often that up to a fifth of a run's processor time goes into it."""


def sweep_rarely(config: pytest.Config) -> None:
    """Have cyclic garbage looked for less often until the run is over."""
    young, *older = gc.get_threshold()
    config.add_cleanup(partial(gc.set_threshold, young, *older))
    if 0 < young < _RARELY:  # 0 turns it off
        gc.set_threshold(_RARELY, *older)
