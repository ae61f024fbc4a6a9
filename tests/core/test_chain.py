from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import (
    Call,
    Chain,
    calls_of,
    chain_of,
    encode_chain,
    names_of,
    select_calls,
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
json_values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3)
)
arguments = st.none() | st.dictionaries(st.text(max_size=8), json_values, max_size=4) | json_values
calls = st.builds(Call, name=st.text(min_size=1, max_size=12), arguments=arguments)
chains = st.lists(st.lists(calls, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple)

SEARCH, BOOK = Call("search", {"to": "FCO"}), Call("book", {"id": 7})


@given(chains)
def test_a_chain_survives_its_json(chain: Chain) -> None:
    assert msgspec.json.decode(encode_chain(chain), type=Chain) == chain


@given(chains)
def test_equal_chains_have_equal_bytes_whatever_the_order_of_keys(chain: Chain) -> None:
    assert encode_chain(turned(chain)) == encode_chain(chain)


def turned(value: Any) -> Any:
    """Return the value with the keys of all objects in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    if isinstance(value, list | tuple):
        return type(value)(turned(one) for one in value)
    return Call(value.name, turned(value.arguments)) if isinstance(value, Call) else value


@given(chains)
def test_calls_and_names_are_those_of_all_steps(chain: Chain) -> None:
    assert calls_of(chain) == [call for step in chain for call in step]
    assert names_of(chain) == [call.name for call in calls_of(chain)]


@given(chains)
def test_plain_lists_make_the_same_chain(chain: Chain) -> None:
    assert chain_of(msgspec.to_builtins(chain)) == chain


def test_empty_steps_are_dropped() -> None:
    assert chain_of([[], [{"name": "search"}], []]) == ((Call("search"),),)
    assert chain_of([]) == chain_of([[]]) == ()


def test_selecting_calls_leaves_no_empty_step() -> None:
    chain = ((SEARCH, BOOK), (SEARCH,), (BOOK,))
    assert select_calls(chain, lambda call: call.name == "book") == ((BOOK,), (BOOK,))
    assert select_calls(chain, lambda _: False) == ()


@pytest.mark.parametrize("broken", [{"name": "a"}, [{"name": "a"}], [[{"arguments": {}}]], "[[", "", [[7]]])
def test_what_is_no_chain_is_refused(broken: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        chain_of(broken)


@pytest.mark.parametrize("key", ["args", "input", "parameters", "id"])
def test_arguments_under_another_key_are_refused_and_not_lost(key: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f"unknown field `{key}`"):
        chain_of([[{"name": "search", key: {"to": "FCO"}}]])


def test_no_arguments_and_empty_ones_are_told_apart_here() -> None:
    assert Call("search") == Call("search", None) != Call("search", {})
