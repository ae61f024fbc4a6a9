"""DSPy by itself: it prints nothing, looks nothing up, and leaves no settings, history, thread or file behind."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, TextIO

import dspy
import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOGGERS = ("dspy", "optuna")

_SETTINGS = {"disable_history": True, "callbacks": [], "trace": [], "max_errors": 1, "warn_on_type_mismatch": False}


class _Hushed:
    """A stream that takes nothing from one thread, and passes on what all others write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self._thread else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def aloud(say: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that says things where they can be heard, also from within."""
    heard = sys.stdout

    def said(line: str) -> None:
        with contextlib.redirect_stdout(heard):
            say(line)

    return said


@contextlib.contextmanager
def _hushed(name: str) -> Iterator[None]:
    own = getattr(sys, name)
    hushed = _Hushed(own)
    setattr(sys, name, hushed)
    try:
        yield
    finally:
        if getattr(sys, name) is hushed:
            setattr(sys, name, own)


@contextlib.contextmanager
def alone(model: Any) -> Iterator[None]:
    """Run DSPy without its output, its history, its caches and its look-ups, and leave all settings as they were."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    interval, own = tqdm.tqdm.monitor_interval, os.environ.get("LITELLM_LOCAL_MODEL_COST_MAP")
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "true"
    tqdm.tqdm.monitor_interval = 0  # else a thread is left behind
    try:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with _hushed("stdout"), _hushed("stderr"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with dspy.context(lm=model, adapter=dspy.ChatAdapter(use_json_adapter_fallback=False), **_SETTINGS):
                yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        tqdm.tqdm.monitor_interval = interval
        if own is None:
            del os.environ["LITELLM_LOCAL_MODEL_COST_MAP"]
        else:
            os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = own
