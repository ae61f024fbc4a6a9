from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.sample import Outcome, Refusal, Sample, SampleRole, Usage, outcome_of

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
)
calls = st.builds(Call, name=st.text(min_size=1, max_size=12), arguments=json_values)
chains = st.lists(st.lists(calls, min_size=1, max_size=3).map(tuple), max_size=2).map(tuple)
seconds = st.none() | st.floats(0, 1e6)
counts = st.integers(0, 2**40)
refusals = st.builds(
    Refusal,
    call=calls,
    reason=st.sampled_from(("unknown_tool", "malformed_json", "schema_violation")),
    message=st.text(),
    step=st.integers(0, 9),
    attempt=st.integers(0, 9),
)
samples = st.builds(
    Sample,
    case=st.text(min_size=1),
    role=st.sampled_from(get_args(SampleRole)),
    draw=counts,
    outcome=st.sampled_from(get_args(Outcome)),
    chain=chains,
    text=st.text(),
    refusals=st.lists(refusals, max_size=2).map(tuple),
    usage=st.none() | st.builds(Usage, input=counts, cached=counts, output=counts, reasoning=counts),
    latency=seconds,
    cost=seconds,
    error=st.text(),
    source=st.text(),
)


@given(samples)
def test_a_sample_survives_its_json(sample: Sample) -> None:
    assert msgspec.json.decode(msgspec.json.encode(sample), type=Sample) == sample


@given(samples)
def test_a_sample_is_one_line_of_json(sample: Sample) -> None:
    assert b"\n" not in msgspec.json.encode(sample)


def test_what_is_absent_is_not_written() -> None:
    bare = Sample(case="rome", role="teacher", draw=0, outcome="answered")
    assert msgspec.json.decode(msgspec.json.encode(bare)) == {
        "case": "rome",
        "role": "teacher",
        "draw": 0,
        "outcome": "answered",
    }


def test_only_infrastructure_says_nothing_about_the_model() -> None:
    valid = {name for name in get_args(Outcome) if Sample(case="a", role="teacher", draw=0, outcome=name).valid}
    assert set(get_args(Outcome)) - valid == {"infrastructure"}


@pytest.mark.parametrize(("chain", "outcome"), [((), "answered"), (((Call("search"),),), "called")])
def test_a_finished_sample_called_or_answered(chain: Chain, outcome: Outcome) -> None:
    assert outcome_of(chain) == outcome


@pytest.mark.parametrize(
    "broken",
    [
        '{"case": "a", "role": "judge", "draw": 0, "outcome": "called"}',
        '{"case": "a", "role": "teacher", "draw": 0, "outcome": "flew"}',
        '{"case": "a", "role": "teacher", "draw": "0", "outcome": "called"}',
        '{"role": "teacher", "draw": 0, "outcome": "called"}',
    ],
)
def test_a_sample_of_another_shape_is_refused(broken: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(broken, type=Sample)
