"""The map of all cases: one file that is well-formed, escaped, right in its numbers, and the same every time."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.cli import main
from pytest_toolmatch.curating import map_page
from pytest_toolmatch.curating.explained import Explained
from pytest_toolmatch.curating.map_page import MARKS, mark_of, page
from pytest_toolmatch.curation.embedding import unit
from tests.curating.test_curate import logs

SVG = "{http://www.w3.org/1999/xhtml}"


def case(number: int, **more: Any) -> Explained:
    given = {
        "suite": "made",
        "id": f"c{number}",
        "query": f"ask {number}",
        "state": "kept",
        "why": "others of its cluster are better",
        "stratum": f"tool{number % 3}(a: text)" if number % 4 else "(no call of 2 on offer, abcd)",
        "part": "train",
        "quality": 0.5,
        "terms": {},
    }
    return Explained(**given | more)


def rows(count: int) -> Any:
    return unit(np.random.default_rng(1).normal(size=(count, 16)).astype(np.float32))


def read(text: str) -> ET.Element:
    """Return the page as XML, which is stricter than HTML."""
    body = re.sub(r"<!DOCTYPE html>|<meta[^>]*>", "", text)
    return ET.fromstring(body.replace("<html", '<html xmlns="http://www.w3.org/1999/xhtml"', 1))  # noqa: S314 - it is ours


def dots(text: str) -> list[ET.Element]:
    return read(text).findall(f".//{SVG}use")


def test_every_case_is_there_once_in_its_shape_and_colour() -> None:
    chosen = {
        1: {"pool": "optimise"},
        2: {"pool": "evaluate"},
        5: {"state": "dropped", "stands_for": "made/c6", "likeness": 0.9},
    }
    cases = [case(number, **chosen.get(number, {})) for number in range(30)]
    found = dots(page(cases, rows(30)))
    said = {(one.findtext(f"{SVG}title") or "").splitlines()[0]: one for one in found}
    assert len(said) == len(found) == 30
    for one in cases:
        dot = said[f"made/{one.id}"]
        assert dot.get("href") == f"#{mark_of(one)}"
    colours = {one.get("class", "").split()[1] for one in found}
    assert len(colours) == 4
    assert said["made/c1"].get("class") == said["made/c7"].get("class", "").replace("kept", "optimise")
    assert "made/c6 stands for it, likeness 0.900" in (said["made/c5"].findtext(f"{SVG}title") or "")


@settings(max_examples=40)
@given(st.text(min_size=1), st.text())
def test_whatever_people_ask_is_text(query: str, name: str) -> None:
    text = page([case(0, query=query, id=name), case(1, stratum=f"{name}<b>(x: text)")], rows(2))
    read(text)
    assert "<b>" not in text


def test_markup_in_a_query_stays_what_it_is() -> None:
    text = page([case(0, query="<script>alert('x')</script> & \"y\"")], rows(1))
    assert "<script" not in text
    assert "<script>alert('x')</script> & \"y\"" in (dots(text)[0].findtext(f"{SVG}title") or "")


def test_nothing_comes_from_elsewhere() -> None:
    text = page([case(number) for number in range(9)], rows(9))
    assert not re.search(r"https?:|//|url\(|@import|\bsrc=|<script|<link", text)
    assert all(one.startswith("#") for one in re.findall(r'href="([^"]*)"', text))


def test_the_legend_counts_all_and_too_many_are_drawn_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_page, "MOST", 100)
    cases = [case(number, pool=("", "optimise")[number % 50 == 0]) for number in range(1000)]
    text = page(cases, rows(1000))
    found = dots(text)
    assert Counter(one.get("href") for one in found) == {"#optimise": 20, "#kept": 80}
    assert "100 of 1,000 cases are shown" in text
    legend = [" ".join("".join(one.itertext()).split()) for one in read(text).findall(f".//{SVG}li")]
    assert legend[:4] == [
        "20 to optimise on",
        "0 to evaluate with",
        "980 kept, and not chosen",
        "0 dropped: another stands for it",
    ]
    assert sum(int(one.rsplit(maxsplit=1)[1]) for one in legend[4:]) == 1000


def test_more_that_were_chosen_than_have_room_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_page, "MOST", 5)
    assert len(dots(page([case(number, pool="evaluate") for number in range(9)], rows(9)))) == 9


def test_many_tools_and_strata_have_few_colours_and_islands() -> None:
    cases = [case(number, stratum=f"tool{number}(a: text)") for number in range(300)]
    text = page(cases, rows(300))
    assert len({one.get("class") for one in dots(text)}) == 11
    assert len(re.findall('class="island"', text)) <= 52


def test_the_same_cases_make_the_same_page() -> None:
    cases = [case(number) for number in range(50)]
    assert page(cases, rows(50)) == page(cases, rows(50))


def test_the_command_writes_it_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    logs()
    command = ["curate", "logs", "--teacher", "large", "--size", "4", "--evaluate", "6", "--map", "pages/map.html"]
    assert main([*command, "-o", "out"]) == 0
    assert "pages/map.html: a map of 40 cases" in capsys.readouterr().out
    found = Counter(one.get("href") for one in dots(Path("pages/map.html").read_text()))
    states = Counter(f"#{mark_of(one)}" for one in Explained.read(Path("out/curation.jsonl")))
    assert found == states
    assert found["#optimise"] == 4
    assert set(found) <= {f"#{name}" for name in MARKS}
    assert main([*command, "-o", "out2"]) == 4
    assert "--map pages/map.html: it exists already" in capsys.readouterr().err
    assert not Path("out2").exists()
