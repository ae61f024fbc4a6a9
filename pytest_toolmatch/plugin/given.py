"""Tests under ``@given``: the same examples whenever they run, all of them drawn before the first is judged."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import sys
from random import SystemRandom
from typing import TYPE_CHECKING, Any, TypeGuard

import pytest

from pytest_toolmatch.core.errors import BatchPending, ToolmatchError
from pytest_toolmatch.judging.verdict import Verdict
from pytest_toolmatch.plugin.fuzzer import FACED, FAILING, Fuzzer, is_judged, needed_nats, require_judged
from pytest_toolmatch.plugin.verdicts import await_batch, fail, leave_out, settle_truth
from pytest_toolmatch.reports.lines import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_toolmatch.fuzzing.screening import Shown
    from pytest_toolmatch.fuzzing.variant import Variant
    from pytest_toolmatch.settings import Settings

_NEEDED, _SEED = pytest.StashKey[float](), pytest.StashKey[Any]()
_FOUND = pytest.StashKey[tuple[Fuzzer, "Shown"]]()

_REJECTIONS = 5
"""Times that examples are looked for in place of those that can't be judged."""


def is_given(item: pytest.Item) -> TypeGuard[pytest.Function]:
    """Say whether hypothesis runs a test: it asks for as many queries as it likes."""
    hypothesis = sys.modules.get("hypothesis")
    return hypothesis is not None and hypothesis.is_hypothesis_test(getattr(item, "obj", None))


def prepare(
    item: pytest.Function, fuzzer_of: Callable[[], Fuzzer], arguments: Mapping[str, Any], settings: Settings
) -> None:
    """Judge all variants that a test is about to ask for, if any; trouble with that is an error at setup."""
    own = _function(item)._hypothesis_internal_use_settings  # noqa: SLF001 - nothing public tells the settings
    examples = own.max_examples + len(getattr(_function(item), "hypothesis_explicit_examples", ()))
    item.stash[_NEEDED] = needed = needed_nats(examples, settings.confidence)
    found: dict[str, Shown] = {}
    asked = {one.id: one for one in _asked(item, arguments, set(), settings)}
    if not asked:
        return
    try:
        fuzzer = fuzzer_of()
        fuzzer.allow_gaps(False)
        for _ in range(_REJECTIONS):
            found |= zip(asked, fuzzer.judged(asked.values(), needed), strict=True)
            unjudged = {name for name, one in found.items() if not is_judged(one)}
            asked = {one.id: one for one in _asked(item, arguments, unjudged, settings) if one.id not in found}
            if not (unjudged and asked):
                break
        fuzzer.allow_gaps(True)
        item.stash[FACED] = [fuzzer.facts(one, beside=False) for one in found.values()]
        require_judged(fuzzer, next(iter(found.values())).compared.variant.subject.case, found.values())
    except BatchPending as pending:
        await_batch(item, pending)
    except ToolmatchError as error:
        fail(error)


def judge(item: pytest.Item, fuzzer: Fuzzer, variant: Variant) -> Verdict:
    """Judge a variant inside a test: false where the student's rate is shown to be lower than on the parent.

    What can't be judged is no example; and what keeps models from being sampled ends the test, not as a failure.
    """
    from pytest_toolmatch.fuzzing.strategies import changes  # noqa: PLC0415 - only tests that fuzz need it

    settings = fuzzer.run.settings
    needed = item.stash.get(_NEEDED, needed_nats(1, settings.confidence))
    if not changes(variant):
        leave_out(f"{variant.id} is no other prompt than its parent")
    try:
        (shown,) = fuzzer.judged([variant], needed)
    except BatchPending as pending:
        await_batch(item, pending)
    except ToolmatchError as error:
        if FAILING in item.stash:
            leave_out(str(error))
        raise pytest.skip.Exception(clean(f"not decided: {error}"), _use_item_location=True) from None
    if not is_judged(shown):
        leave_out(f"{variant.id} can't be judged: {shown.compared.state}")
    result = fuzzer.result(shown)
    if shown.lower:
        item.stash[_FOUND], item.stash[FAILING] = (fuzzer, shown), result
    return Verdict(result, functools.partial(settle_truth, item, fuzzer.run))


def shrink(item: pytest.Item) -> None:
    """Make the variant that is shown for a failing test smaller than hypothesis can: it keeps to what it has drawn."""
    if FAILING in item.stash and _FOUND in item.stash:
        fuzzer, shown = item.stash[_FOUND]
        # What is found stands, also where nothing more can be drawn.
        with contextlib.suppress(ToolmatchError):
            item.stash[FAILING] = fuzzer.result(fuzzer.smallest(shown))


@contextlib.contextmanager
def conducted(item: pytest.Function, settings: Settings, **more: Any) -> Iterator[None]:
    """Run a test under settings of its own, but for what models need: no deadline, and examples that replay.

    What is recorded, and replayed, is drawn from a seed that is the same in every run; ``more`` are further settings.
    """
    from hypothesis import HealthCheck, Phase  # noqa: PLC0415 - only tests that fuzz need it
    from hypothesis import settings as hypothesis_settings  # noqa: PLC0415

    from pytest_toolmatch.fuzzing.generating import by_seed_alone  # noqa: PLC0415

    test = _function(item)
    own, seed = test._hypothesis_internal_use_settings, test._hypothesis_internal_use_seed  # noqa: SLF001
    slow = {HealthCheck.filter_too_much, HealthCheck.too_slow, *own.suppress_health_check}
    # What explains a failure by lines of code would draw more, and explain it by ours.
    phases = [one for one in own.phases if one is not Phase.explain]
    changed = {"deadline": None, "phases": phases, "suppress_health_check": slow, **more}
    if settings.mode != "live":
        changed |= {"derandomize": True, "database": None}
    test._hypothesis_internal_use_settings = hypothesis_settings(own, **changed)  # noqa: SLF001
    test._hypothesis_internal_use_seed = _seed(item, settings)  # noqa: SLF001
    try:
        with by_seed_alone():
            yield
    finally:
        test._hypothesis_internal_use_settings = own  # noqa: SLF001
        test._hypothesis_internal_use_seed = seed  # noqa: SLF001


def _seed(item: pytest.Function, settings: Settings) -> Any:
    """Return the seed of a test's examples: the user's, else one by the test's name, or chance in live runs."""
    from hypothesis import core  # noqa: PLC0415

    test = _function(item)
    if test._hypothesis_internal_use_seed is not None:  # noqa: SLF001
        return test._hypothesis_internal_use_seed  # noqa: SLF001
    if (forced := vars(core)["global_force_seed"]) is not None:
        return forced
    if settings.mode != "live" or test._hypothesis_internal_use_settings.derandomize:  # noqa: SLF001
        return int.from_bytes(hashlib.sha256(f"{item.path.name}::{item.name}".encode()).digest()[:8])
    if _SEED not in item.stash:
        item.stash[_SEED] = SystemRandom().getrandbits(64)
    return item.stash[_SEED]


def _asked(
    item: pytest.Function, arguments: Mapping[str, Any], unjudged: set[str], settings: Settings
) -> Iterator[Variant]:
    """Yield the variants that hypothesis gives a test, of which those ``unjudged`` are rejected."""
    import hypothesis  # noqa: PLC0415
    from hypothesis.database import ReadOnlyDatabase  # noqa: PLC0415

    from pytest_toolmatch.fuzzing.strategies import changes  # noqa: PLC0415
    from pytest_toolmatch.fuzzing.variant import Variant  # noqa: PLC0415

    handle = item.obj.hypothesis
    inner, found = handle.inner_test, list[Variant]()

    @functools.wraps(inner)
    def collect(*_: Any, **values: Any) -> None:
        variants = [value for value in values.values() if isinstance(value, Variant)]
        found.extend(filter(changes, variants))
        if any(one.id in unjudged or not changes(one) for one in variants):
            hypothesis.reject()

    own = _function(item)._hypothesis_internal_use_settings  # noqa: SLF001
    quiet = {"verbosity": hypothesis.Verbosity.quiet, "suppress_health_check": list(hypothesis.HealthCheck)}
    quiet |= {"database": ReadOnlyDatabase(own.database)} if own.database else {}
    handle.inner_test = collect
    try:
        # Whatever is wrong with the strategies, the test itself meets it again.
        with conducted(item, settings, **quiet), contextlib.suppress(Exception, pytest.skip.Exception):
            item.obj(**_of_signature(item, arguments))
    finally:
        handle.inner_test = inner
    yield from found


def _of_signature(item: pytest.Function, arguments: Mapping[str, Any]) -> dict[str, Any]:
    names = inspect.signature(item.obj).parameters
    return {name: value for name, value in arguments.items() if name in names}


def _function(item: pytest.Function) -> Any:
    """Return the function of a test, of which the attributes that hypothesis reads can be set."""
    return getattr(item.obj, "__func__", item.obj)
