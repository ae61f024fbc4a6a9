"""What went wrong in a model's samples: calls that were refused, and runs that something else brought to an end."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Call, encode_chain
from pytest_toolmatch.core.sample import Outcome
from pytest_toolmatch.core.validation import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.core.sample import Refusal, Sample

_REASONS = 5
"""So many reasons of lost samples stand in a report: each may be a text of its own."""

_ENDED: tuple[Outcome, ...] = ("invalid", "truncated")


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """Calls of one tool that were refused for one reason, with an example of the commonest ``message``.

    ``samples`` had such a call; ``alike`` of them one with this very message. A call that is no plain JSON is shown
    without its arguments.
    """

    call: Call
    reason: Reason
    message: str
    samples: int
    alike: int


class Ended(msgspec.Struct, frozen=True, omit_defaults=True):
    """Samples that did not end by themselves: after how many steps, and ``why``, where that is known."""

    outcome: Outcome
    steps: int
    why: str
    samples: int


def refused_in(samples: Sequence[Sample]) -> tuple[Refused, ...]:
    """Return what the samples were refused, by tool and reason, the commonest first, in whatever order they are."""
    kinds: defaultdict[tuple[str, Reason], list[tuple[int, Refusal]]] = defaultdict(list)
    for place, sample in enumerate(samples):
        for refusal in sample.refusals:
            kinds[refusal.call.name, refusal.reason].append((place, refusal))
    return tuple(sorted(map(_commonest, kinds.values()), key=lambda kind: (-kind.samples, kind.call.name, kind.reason)))


def ended_in(samples: Sequence[Sample]) -> tuple[Ended, ...]:
    """Return how samples were brought to an end, the commonest way first."""
    ways = Counter(
        (sample.outcome, len(sample.chain), sample.error.removeprefix("stopped: "))
        for sample in samples
        if sample.outcome in _ENDED
    )
    return tuple(Ended(outcome, steps, why, count) for (outcome, steps, why), count in _ranked(ways))


def lost_in(samples: Iterable[Sample]) -> dict[str, int]:
    """Return why samples were lost to infrastructure, and how many of them, the commonest reasons first."""
    whys = Counter(sample.error for sample in samples if sample.error and not sample.valid)
    return dict(_ranked(whys)[:_REASONS])


def named(kinds: Sequence[Refused]) -> str:
    """Return the tools whose calls were refused, in a few words."""
    names = list(dict.fromkeys(kind.call.name for kind in kinds))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more} refused" if names else ""


def _ranked(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Return what was counted, the commonest first, and of equally common ones the first by its name."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _commonest(refusals: Sequence[tuple[int, Refusal]]) -> Refused:
    """Put the refusals of one tool and reason together, each with the place of its sample."""
    messages = Counter(message for _, message in {(place, refusal.message) for place, refusal in refusals})
    alike = max(messages.values())
    common = [refusal for _, refusal in refusals if messages[refusal.message] == alike]
    example = min(common, key=lambda refusal: (refusal.message, repr(refusal.call)))
    samples = len({place for place, _ in refusals})
    return Refused(_plain(example.call), example.reason, example.message, samples, alike)


def _plain(call: Call) -> Call:
    """Return a call that can be written as JSON: what was refused may be anything."""
    try:
        encode_chain(((call,),))
    except (TypeError, ValueError, RecursionError):
        return Call(call.name.encode("ascii", "backslashreplace").decode())
    return call
