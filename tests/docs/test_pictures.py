"""The pictures of the documentation are those that their script draws, and their captions say what they show."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.docs.pages import DOCS, PAGES, prose

if TYPE_CHECKING:
    from pathlib import Path

PAGE = DOCS / "explanation" / "decisions.md"
PICTURES = DOCS / "pictures"
LARGEST = 60_000
PROMISES = {"5 %", "95 %"}
"""What the default of ``toolmatch_confidence`` says, on the page of its own accord."""

_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)\)")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Draw all pictures anew; return their folder, and their captions by name."""
    folder = tmp_path_factory.mktemp("pictures")
    command = [sys.executable, str(PICTURES / "draw.py"), str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return folder, dict(line.split("\t") for line in printed.splitlines())


def texts_of(picture: Path) -> list[str]:
    """Return every text of a picture: titles, labels, ticks."""
    texts = ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own file
    return sorted("".join(text.itertext()).strip() for text in texts)


def sections() -> dict[str, str]:
    """Return the page's sections by the picture that they show."""
    found = {}
    for section in prose(PAGE).split("\n## ")[1:]:
        for image in _IMAGE.finditer(section):
            found[image["target"].removeprefix("../pictures/").removesuffix(".svg")] = " ".join(section.split())
    return found


def percents(*texts: str) -> set[str]:
    return {found for text in texts for found in re.findall(r"\d[\d.]* %", text)}


def test_every_picture_is_shown_once_and_drawn_by_the_script(drawn: tuple[Path, dict[str, str]]) -> None:
    shown = [image["target"] for page in PAGES for image in _IMAGE.finditer(prose(page))]
    names = sorted(path.name for path in PICTURES.glob("*.svg"))
    assert sorted(shown) == [f"../pictures/{name}" for name in names]
    assert sorted(path.name for path in drawn[0].iterdir()) == names
    assert sorted(f"{name}.svg" for name in drawn[1]) == names


def test_every_picture_says_in_words_what_it_shows() -> None:
    alts = [image["alt"] for page in PAGES for image in _IMAGE.finditer(prose(page))]
    assert [alt for alt in alts if len(alt) < 60] == []


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*.svg")), ids=lambda picture: picture.stem)
def test_picture_is_the_one_drawn(drawn: tuple[Path, dict[str, str]], picture: Path) -> None:
    assert texts_of(picture) == texts_of(drawn[0] / picture.name), "draw it again: python docs/pictures/draw.py"
    assert len(texts_of(picture)) > 3
    assert picture.stat().st_size < LARGEST


def test_captions_are_what_the_script_computes(drawn: tuple[Path, dict[str, str]]) -> None:
    lost = {name: caption for name, caption in drawn[1].items() if f"*{caption}*" not in sections().get(name, "")}
    assert lost == {}
    assert [name for name, caption in drawn[1].items() if not re.search(r"simulated|made-up", caption.lower())] == []


def test_no_number_stands_beside_a_picture_that_it_does_not_show(drawn: tuple[Path, dict[str, str]]) -> None:
    for name, section in sections().items():
        caption = drawn[1][name]
        shown = percents(caption, *texts_of(PICTURES / f"{name}.svg"))
        assert percents(section.replace(caption, "")) - shown - PROMISES == set(), name
