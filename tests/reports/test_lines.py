from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.reports.lines import (
    Line,
    clean,
    columns,
    cut,
    cut_end,
    cut_start,
    encodable,
    in_ascii,
    needs_ascii,
    pad,
    table,
    wrap,
)
from tests.reports.strategies import texts

widths = st.integers(2, 50)
cleaned = texts.map(clean)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 日本 🙂", "plain ü 日本 🙂"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\r\nb\tc\x00\x9b", r"a\r\nb\tc\x00\x9b"),
        ("safe\u202egnp.exe", r"safe\u202egnp.exe"),
        ("\ud800", r"\ud800"),
    ],
)
def test_text_can_do_nothing_to_a_terminal(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(texts)
def test_cleaned_text_is_printable_and_encodable(text: str) -> None:
    shown = clean(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert clean(shown) == shown


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("🙂", 2), ("", 0), ("ｱ", 1)])
def test_columns_of_a_terminal(text: str, width: int) -> None:
    assert columns(text) == width


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghij", 7, "abc…hij"),
        ("abcdefghij", 6, "abc…ij"),
        ("abcdefghij", 1, "…"),
        ("abcdefghij", 0, ""),
        ("日本語日本語", 8, "日本…語"),
    ],
)
def test_cut_leaves_the_middle_out(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@given(cleaned, widths)
def test_cut_text_fits_and_keeps_what_fits(text: str, width: int) -> None:
    for shown in (cut(text, width), cut_end(text, width), cut_start(text, width)):
        assert columns(shown) <= width
        assert shown == text or columns(text) > width


@given(cleaned, widths, st.booleans())
def test_padded_text_fills_the_width(text: str, width: int, right: bool) -> None:
    assert columns(pad(cut(text, width), width, right=right)) == width


@given(cleaned, st.integers(6, 50))
def test_wrapped_text_fits_and_loses_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrap(text, width, "  ")
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wrap_breaks_at_spaces() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("one twothreefour", 7, " ") == ["one", " twothr", " eefour"]


@given(st.lists(st.tuples(cleaned, cleaned, cleaned), min_size=1, max_size=4))
def test_table_columns_stand_below_each_other(rows: list[tuple[str, str, str]]) -> None:
    first = max(columns(row[0]) for row in rows)
    second = max(columns(row[1]) for row in rows)
    for row, text in zip(rows, table(rows, "<><"), strict=True):
        assert text == (pad(row[0], first) + "  " + pad(row[1], second, right=True) + "  " + row[2]).rstrip()


@given(cleaned)
def test_ascii_keeps_every_column(text: str) -> None:
    (line,) = in_ascii([Line(text, ("red",))])
    assert line.text.isascii()
    assert columns(line.text) == columns(unicodedata.normalize("NFC", text) if text.isascii() else text)
    assert line.style == ("red",)


def test_our_own_signs_have_ascii_fallbacks() -> None:
    assert in_ascii([Line("a – b × c ≠ d → e ÷ f … g · h ✗")])[0].text == "a - b x c ! d > e / f ~ g | h x"


@pytest.mark.parametrize(
    ("text", "width", "shown"), [("abcdef", 6, "abcdef"), ("abcdef", 4, "…def"), ("日本語", 5, "…本語"), ("ab", 1, "…")]
)
def test_cut_start_keeps_the_end(text: str, width: int, shown: str) -> None:
    assert cut_start(text, width) == shown


@pytest.mark.parametrize(
    ("encoding", "lacking"),
    [("utf-8", False), ("utf-16", False), (None, False), ("ascii", True), ("latin-1", True), ("cp1252", True)],
)
def test_an_encoding_has_our_signs_or_not(encoding: str | None, lacking: bool) -> None:
    assert needs_ascii(encoding) is lacking


@given(cleaned, st.sampled_from(["ascii", "latin-1", "cp437", "utf-8"]))
def test_any_cleaned_text_can_be_encoded(text: str, encoding: str) -> None:
    shown = encodable(text, encoding)
    assert shown.encode(encoding).decode(encoding) == shown
    assert shown == text or encoding != "utf-8"


def test_what_an_encoding_lacks_is_escaped() -> None:
    assert encodable("3 × é → 日", "ascii") == r"3 x \xe9 > \u65e5"
