"""How a model behaved beside what it called: validity, retries, latency, tokens, cost."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_toolmatch.core.chain import Chain, calls_of, encode_chain
from pytest_toolmatch.statistics.measures import Measure, mean_of_amounts, ratio_of_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.validation import ArgumentValidator

Counts: TypeAlias = tuple[int, int]
"""Valid calls, and all."""


def conduct(
    samples: Sequence[Sample],
    validator: ArgumentValidator,
    same: Sequence[Any] | None = None,
    known: dict[Any, Counts] | None = None,
) -> dict[str, Measure]:
    """Measure the valid samples of one model on one case; a metric without data is absent.

    ``same``, where it is known already, has one value a sample: equal where the chains are. ``known`` keeps what was
    counted of them, for the other model.
    """
    measures = {
        "argument_validity": argument_validity(samples, validator, same, known),
        "retries": mean_of_amounts([len(sample.refusals) for sample in samples]),
        "recovery": recovery(samples),
        "latency": _mean([sample.latency for sample in samples]),
        "tokens": _mean([sample.usage.input + sample.usage.output if sample.usage else None for sample in samples]),
        "cost": _mean([sample.cost for sample in samples]),
    }
    return {name: measure for name, measure in measures.items() if measure is not None}


def argument_validity(
    samples: Sequence[Sample],
    validator: ArgumentValidator,
    same: Sequence[Any] | None = None,
    known: dict[Any, Counts] | None = None,
) -> Measure | None:
    """Measure valid first-attempt calls ÷ first-attempt calls.

    A call is valid when it names an offered tool and its arguments satisfy that tool's schema. In a step with
    refusals the first attempt is what was refused first, and the calls beside it; what came after it was a retry.
    """
    known = {} if known is None else known
    texts = same or [encode_chain(sample.chain) for sample in samples]
    valid = attempted = 0
    for text, sample in zip(texts, samples, strict=True):
        if sample.refusals:
            found = _retried(sample, partial(_counted, validator))
        elif text in known:
            found = known[text]
        else:
            found = known[text] = _counted(validator, sample.chain)
        valid += found[0]
        attempted += found[1]
    return ratio_of_counts(valid, attempted, len(samples)) if attempted else None


def _counted(validator: ArgumentValidator, chain: Chain) -> Counts:
    """Return the valid and all calls of a chain."""
    calls = calls_of(chain)
    return list(map(validator.valid, calls)).count(True), len(calls)


def _retried(sample: Sample, counted: Callable[[Chain], Counts]) -> Counts:
    """Return the valid and all first-attempt calls of a sample with refusals."""
    steps = {refusal.step for refusal in sample.refusals}
    first = Counter(refusal.step for refusal in sample.refusals if refusal.attempt == 0)
    valid, tried = counted(tuple(step for place, step in enumerate(sample.chain) if place not in steps))
    # What stands in a step beyond the mended calls was not refused.
    beside = sum(max(0, len(step) - first[place]) for place, step in enumerate(sample.chain) if place in steps)
    return valid + beside, tried + beside + first.total()


def recovery(samples: Sequence[Sample]) -> Measure | None:
    """Measure the share of samples with a refusal that ended valid all the same."""
    refused = [sample for sample in samples if sample.refusals]
    ended = sum(sample.outcome in ("called", "answered") for sample in refused)
    return ratio_of_counts(ended, len(refused), len(refused)) if refused else None


def _mean(amounts: Sequence[float | None]) -> Measure | None:
    known = [amount for amount in amounts if amount is not None]
    return mean_of_amounts(known) if known else None
