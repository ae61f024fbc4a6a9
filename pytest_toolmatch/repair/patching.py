"""A suite file with another ``student`` and ``split``: all other text of it, comments and order too, stays as it is."""

from __future__ import annotations

import contextlib
import difflib
import os
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.suites.writer import yaml_text
from pytest_toolmatch.suites.yaml_file import read_suite
from pytest_toolmatch.suites.yaml_marks import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_toolmatch.core.prompt import Prompt
    from pytest_toolmatch.core.suite import Split

_BEFORE = "cases"
"""The key above which new ones are put: every suite has it, and it is often long."""

_MARK = "\ufeff"
"""The byte order mark that some editors put before a file's text."""


def patched(text: str, blocks: Mapping[str, Any]) -> str:
    """Return the text of a YAML mapping with other values for some of its keys; None takes a key away.

    ValueError for a mapping that is not written as one key a line.
    """
    text, mark = text.removeprefix(_MARK), _MARK * text.startswith(_MARK)  # YAML's places do not count it
    node = yaml.compose(text, Loader=BASE)
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise ValueError("it is not written as one key a line")
    spans = {key.value: (key.start_mark.index, _end(text, value)) for key, value in node.value}
    first = _above_comments(text, spans[_BEFORE][0] if _BEFORE in spans else len(text))
    edits = {spans[name]: _block(name, value) for name, value in blocks.items() if name in spans}
    new = "".join(_block(name, value) for name, value in blocks.items() if name not in spans)
    for (start, end), block in sorted([*edits.items(), ((first, first), new)], reverse=True):
        text = text[:start] + block + text[end:]
    return mark + text


def write_patch(source: Path, target: Path, student: Prompt, split: Split, others: Mapping[str, Any] = {}) -> None:
    """Write a suite file that differs from another by what its student is told, and by its split.

    The suite is read before it takes its place: what does not come back as it was meant is not written. Raises
    SuiteError where it can't be patched or written.
    """
    with _checked(source, target, student, split, others) as beside:
        beside.replace(target)


def write_diff(source: Path, target: Path, student: Prompt, split: Split) -> list[str]:
    """Write the diff of a suite file, for ``git apply`` in its directory, and return its lines.

    It is made as ``write_patch`` does, and raises what that raises.
    """
    with _checked(source, source, student, split, {}):
        lines = suite_diff(source, student, split)
        target.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return lines


@contextlib.contextmanager
def _checked(source: Path, target: Path, student: Prompt, split: Split, others: Mapping[str, Any]) -> Iterator[Path]:
    """Give the new suite as a file beside its place, which reads as it was meant, and is gone afterwards."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_bytes(_text(source, student, split, others).encode())
        made = read_suite(beside)
        if (made.student or type(student)(), made.split) != (student, split):
            raise ValueError("it does not read as it was meant")  # noqa: TRY301
        yield beside
    except OSError as error:
        raise SuiteError(f"can't write {target}: {error.strerror}") from None
    except (ValueError, SuiteError) as error:
        why = str(error).replace(str(beside), str(target))
        raise SuiteError(f"can't patch {source}: {why}; the new blocks are in the folder of the repair") from None
    finally:
        beside.unlink(missing_ok=True)


def suite_diff(source: Path, student: Prompt, split: Split, others: Mapping[str, Any] = {}) -> list[str]:
    """Return the lines of the unified diff that makes a suite file its repaired form, for ``git apply`` beside it.

    Nothing where it can't be patched, or is as it was.
    """
    try:
        before, after = source.read_bytes().decode(), _text(source, student, split, others)
    except (OSError, ValueError):
        return []
    ends = (f"a/{source.name}", f"b/{source.name}")
    lines = difflib.unified_diff(_lines(before), _lines(after), *ends)
    return [part for line in lines for part in _marked(line)]


def _text(source: Path, student: Prompt, split: Split, others: Mapping[str, Any]) -> str:
    """Return the text of a suite file with other blocks."""
    blocks = {"student": msgspec.to_builtins(student) or None, "split": msgspec.structs.asdict(split), **others}
    return patched(source.read_bytes().decode(), blocks)


def _lines(text: str) -> list[str]:
    """Return the lines as a patch knows them: nothing else than a line feed ends one."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]


def _marked(line: str) -> list[str]:
    """Return a line of a diff without its end; one that had none says so, in a line of its own."""
    return [line[:-1]] if line.endswith("\n") else [line, r"\ No newline at end of file"]


def _end(text: str, value: yaml.Node) -> int:
    """Return the place after a value's last line; blank lines and comments after it belong to what comes next."""
    end = value.end_mark.index
    if not text[:end].endswith("\n"):
        end = text.find("\n", end) + 1 or len(text)
    start = text.rfind("\n", 0, end - 1) + 1
    while start > value.start_mark.index and _is_bare(text[start:end]):
        end, start = start, text.rfind("\n", 0, start - 1) + 1
    return end


def _above_comments(text: str, place: int) -> int:
    """Return the place above the comment lines that stand right above a key."""
    while place and text[(start := text.rfind("\n", 0, place - 1) + 1) : place].startswith("#"):
        place = start
    return place


def _is_bare(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _block(name: str, value: Any) -> str:
    return "" if value is None else yaml_text({name: value})
