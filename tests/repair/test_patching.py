"""A patch of a suite file changes two of its blocks, and no other line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.prompt import Prompt, ToolTexts
from pytest_toolmatch.core.suite import Split
from pytest_toolmatch.repair.patching import patched, write_diff, write_patch
from pytest_toolmatch.suites.yaml_file import read_suite

BLOCKS = (
    "instructions: Be brief.  # said often\n",
    "instructions: |\n  # A heading\n  Be brief.\n\n  # The end\n",
    "instructions: >-\n    Be\n    brief.\n\n",
    "match: ordered\n",
    "gates: [\n  chain_match >= 0.9,   # at least\n]\n",
    "tools:\n- name: book\n  # none\n  description: 'Book: now'\n",
)
OLD = (
    "student: {instructions: Old.}\n",
    "student:\n  instructions: |\n    Old.\n    # not a comment\n",
    "student:\n\n  # once\n  instructions: Old.\n  tools:\n    book: {description: Old.}\n",
    "",
)
COMMENTS = st.sampled_from(("", "\n", "# A comment\n", "\n# Two\n#\n"))
values = st.none() | st.fixed_dictionaries({"instructions": st.text(max_size=30)})


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw what stands before a student block, the block, and what stands after it."""
    names: set[str] = set()
    some = [
        block
        for block in draw(st.lists(st.sampled_from(BLOCKS), max_size=4))
        if (name := block.partition(":")[0]) not in names and not names.add(name)  # type: ignore[func-returns-value]
    ]
    cut = draw(st.integers(0, len(some)))
    before, after = ("".join(draw(COMMENTS) + one for one in own) for own in (some[:cut], some[cut:]))
    return before + draw(COMMENTS), draw(st.sampled_from(OLD)), after + draw(COMMENTS) + "cases: cases.jsonl\n"


@given(files(), values, st.booleans(), st.sampled_from(("", "\ufeff")))
def test_all_other_lines_stay(parts: tuple[str, str, str], student: Any, last: bool, mark: str) -> None:
    before, old, after = parts
    text = before + old + after
    if last:
        text = text.removesuffix("\n")
    marked = patched(mark + text, {"student": student, "split": {"seed": 1}})
    assert marked.startswith(mark)
    made = marked.removeprefix(mark)
    data = yaml.safe_load(text)
    wanted = {**{key: value for key, value in data.items() if key != "student"}, "split": {"seed": 1}}
    assert yaml.safe_load(made) == (wanted if student is None else wanted | {"student": student})
    lines = iter(made.splitlines())
    assert all(line in lines for line in before.splitlines())
    kept = [line for line in made.splitlines() if line in after.splitlines()]
    assert [line for line in after.splitlines() if line not in kept] == []


def test_new_blocks_stand_above_the_cases_and_their_comment() -> None:
    made = patched("match: ordered\n\n# All of them\ncases: c.jsonl", {"split": {"seed": 2}})
    assert made == "match: ordered\n\nsplit:\n  seed: 2\n# All of them\ncases: c.jsonl"


def test_what_suite_files_take_is_patched_at_its_place() -> None:
    # libyaml, which reads suites, takes a question mark here, and counts signs as we do.
    text = "match: ordered  # ä → 😀\nstudent: {instructions: ö 😀}\ncases:\n  - {query: Why?}\n"
    made = patched(text, {"student": {"instructions": "New: ü"}, "split": {"seed": 2}})
    assert made == (
        "match: ordered  # ä → 😀\nstudent:\n  instructions: 'New: ü'\nsplit:\n  seed: 2\ncases:\n  - {query: Why?}\n"
    )


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("end", "line_end"), [("\n", "\n"), ("", "\n"), ("\r\n", "\r\n"), ("\n\n# \x85 \u2028\n", "\n")]
)
def test_a_diff_is_one_that_git_applies(tmp_path: Path, end: str, line_end: str, mark: str) -> None:
    path = tmp_path / "desk.toolmatch.yaml"
    path.write_bytes(f"{mark}tools: [{{name: book}}]{line_end}cases: [{{query: Book it.}}]{end}".encode())
    before, prompt = path.read_bytes(), Prompt(instructions="New.\nOf two lines.")
    lines = write_diff(path, tmp_path / "a.patch", prompt, Split(seed=3))
    assert path.read_bytes() == before
    assert lines[0] == "--- a/desk.toolmatch.yaml"
    subprocess.run(["git", "apply", "a.patch"], cwd=tmp_path, check=True)
    assert (read_suite(path).student, read_suite(path).split) == (prompt, Split(seed=3))
    assert path.read_bytes().endswith(before.splitlines(keepends=True)[-1])


def suite(folder: Path, text: str = "# Ours\ntools: [{name: book}]\ncases: [{query: Book it.}]\n") -> Path:
    path = folder / "desk.toolmatch.yaml"
    path.write_text(text)
    return path


def test_a_patched_suite_says_what_was_meant(tmp_path: Path) -> None:
    path, student = suite(tmp_path), Prompt(instructions="Call.\nAlways.", tools={"book": ToolTexts(description="B")})
    write_patch(path, path, student, Split(seed=3, test=0.41))
    made = read_suite(path)
    assert (made.student, made.split) == (student, Split(seed=3, test=0.41))
    assert path.read_text().startswith("# Ours\ntools: [{name: book}]\n")
    write_patch(path, path, Prompt(), Split())
    assert read_suite(path).student is None
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("text", ['{"tools": [{"name": "book"}], "cases": [{"query": "Book it."}]}'])
def test_what_can_not_be_patched_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = suite(tmp_path, text)
    with pytest.raises(SuiteError, match=r"can't patch .*: it is not written as one key a line"):
        write_patch(path, path, Prompt(instructions="New."), Split())
    assert path.read_text() == text
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_what_would_be_no_suite_is_not_written_and_named_by_its_own_name(tmp_path: Path) -> None:
    path = suite(tmp_path)
    before = path.read_text()
    with pytest.raises(SuiteError) as raised:
        write_patch(path, path, Prompt(instructions="New."), Split(), {"match": "nonsense"})
    assert str(raised.value).startswith(f"can't patch {path}: ")
    assert f".{path.name}" not in str(raised.value)
    assert path.read_text() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
