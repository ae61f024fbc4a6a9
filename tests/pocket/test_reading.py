"""What a reader knows of words before it learns anything: units, what options stand for, amounts in another unit."""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.pocket.reading import NAME, Reading
from pytest_toolmatch.pocket.toolbox import OPTION, Toolbox


def reading(text: str, **properties: Any) -> Reading:
    return Reading(user(text), Toolbox([Tool(name="hold", parameters={"type": "object", "properties": properties})]))


def matched(read: Reading, name: str) -> list[str]:
    """Return the words that match the name of an item well."""
    item = next(place for place, item in enumerate(read.toolbox.items) if " ".join(item.name) == name)
    return [word for word, match in zip(read.words, read.match[NAME, item], strict=True) if match >= 0.9]


def said(read: Reading) -> list[str]:
    """Return the options that are marked as said."""
    pairs = zip(read.toolbox.items, read.item_features, strict=True)
    return [" ".join(item.name) for item, features in pairs if item.kind == OPTION and features[15]]


def test_a_unit_matches_an_argument_that_counts_in_its_dimension() -> None:
    number = {"type": "number"}
    read = reading("3 kg , 40 cm and 2 min", weight=number | {"description": "Kilograms."}, wait_seconds=number)
    assert (matched(read, "weight"), matched(read, "wait seconds")) == (["kg"], ["min"])


def test_a_bound_is_no_unit() -> None:
    assert matched(reading("wait 5 seconds", min_price={"type": "number"}), "min price") == []


def test_an_option_that_is_said_in_another_unit_is_marked() -> None:
    hours = {"enum": [24, 48, 72], "description": "Hours."}
    assert said(reading("keep it for three days", hours=hours)) == ["72"]
    assert said(reading("keep it for 48 hours", hours=hours)) == ["48"]
    assert said(reading("keep it for a week", hours=hours)) == []


def test_an_option_goes_by_what_it_stands_for_where_all_are_explained() -> None:
    told = {"enum": ["C", "F"], "description": "C: Celsius, F: Fahrenheit."}
    assert said(reading("is it warm in fahrenheit", unit=told)) == ["fahrenheit"]
    partly = {"enum": ["C", "F"], "description": "C: Celsius, or F."}
    assert said(reading("give me f", unit=partly)) == ["f"]
