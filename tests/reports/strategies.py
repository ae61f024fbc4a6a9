"""Texts and values that try to break a layout."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

texts = st.one_of(
    st.text(max_size=120),
    st.text("\x1b[31m\n\t\r\x00\u202e\u200d\u2028 ab日本🙂\u0301\u00a0\ufffd", max_size=120),
    st.text("ab ", min_size=200, max_size=300),
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
arguments = st.one_of(st.dictionaries(texts, values, max_size=3), texts, st.none(), st.lists(values, max_size=2))
calls = st.builds(lambda name, given: {"name": name, "arguments": given}, st.sampled_from("abc") | texts, arguments)
chains = st.lists(st.lists(calls, min_size=1, max_size=2), max_size=3)
