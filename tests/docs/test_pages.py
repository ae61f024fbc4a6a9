"""Every page of the documentation does what it says: its files are written, its commands run, its links followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, REPOSITORY, Block, anchors_of, blocks_of, links_of, name_of
from tests.docs.projects import Project, Projects, is_like, steps_of

LANGUAGES = {"console", "json", "pycon", "python", "text", "toml", "yaml"}
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
RUN = [page for page in PAGES if any(block.language != "text" for block in blocks_of(page))]

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Projects:
    return Projects(lambda: tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_page_does_what_it_says(projects: Projects, page: Path) -> None:
    projects.after(page)


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    lost = [link for link in links_of(page) if not _is_there(page, link)]
    assert lost == []


def _is_there(page: Path, link: str) -> bool:
    if re.match(r"https?:|mailto:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors_of(target))


def test_every_page_is_on_the_map() -> None:
    mapped = {(DOCS / link.partition("#")[0]).resolve() for link in links_of(DOCS / "index.md")}
    assert {name_of(page) for page in DOCS.rglob("*.md")} - {name_of(page) for page in mapped} == {"docs/index.md"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_block_is_of_a_known_kind(block: Block) -> None:
    assert block.language in LANGUAGES
    assert block.attributes.keys() <= {"title", "skip", "from"}
    assert block.attributes.get("skip", "a reason"), "a block that is not run says why"
    if block.language == "console":
        assert block.text.startswith("$ ")


EXCERPTS = [block for block in BLOCKS if "from" in block.attributes]


@pytest.mark.parametrize("block", EXCERPTS, ids=lambda block: block.where)
def test_an_excerpt_is_of_what_another_page_runs(block: Block) -> None:
    run = [one for one in blocks_of(REPOSITORY / block.attributes["from"]) if one.language == "console"]
    assert any(is_like(one.text, f"...\n{block.text.strip()}\n...") for one in run)


def test_fences_are_closed() -> None:
    opened = {name_of(page): len(re.findall(r"^```", page.read_text(), re.MULTILINE)) for page in PAGES}
    assert {page: count for page, count in opened.items() if count % 2} == {}


def test_a_session_is_cut_into_commands() -> None:
    first, second, third = steps_of("$ false\n# exit status 1\n$ cat <<E\n> a\n> E\na\n\n$ true\n")
    assert first == ("false", None, 1)
    assert second == ("cat <<E\na\nE", "a\n", 0)
    assert third == ("true", None, 0)


@pytest.mark.parametrize(
    ("output", "expected", "like"),
    [
        ("a\nb\n", "a\nb", True),
        ("a\nb\n", "a", False),
        ("a\nb\nc\n", "a\n...", True),
        ("a\nc\n", "a\n...\nc", True),
        ("in 0.12s\n", "in ...s", True),
        ("a\nb\n", "a...b", False),
        ("a*b\n", "a*b", True),
    ],
)
def test_dots_stand_for_anything(output: str, expected: str, like: bool) -> None:
    assert is_like(output, expected) is like


def session(text: str) -> Block:
    return Block(PAGES[0], 1, "console", {}, text)


def test_what_runs_in_the_background_ends_with_the_page_or_before(tmp_path: Path) -> None:
    project = Project(tmp_path)
    alive = "$ kill -0 $(cat pid)\n"
    project.play_blocks(
        [
            session("$ export WORD=ready\n$ echo $$ > pid; echo $WORD; sleep 60 &\nready\n"),
            session(f"{alive}$ kill %1\n{alive}# exit status 1\n"),
            session("$ echo $$ > pid; echo $WORD; sleep 60 &\nready\n"),
            session(alive),
        ]
    )
    project.play_blocks([session(f"{alive}# exit status 1\n")])


def test_what_runs_in_the_background_has_to_say_what_the_page_says(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="never like this"):
        Project(tmp_path).play_blocks([session("$ echo other &\nready\n")])
