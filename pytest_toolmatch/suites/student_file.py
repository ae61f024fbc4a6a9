"""What a student is told, in a file of its own: for Python suites, whose mark names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.prompt import Prompt
from pytest_toolmatch.core.suite import Split
from pytest_toolmatch.suites.writer import yaml_text
from pytest_toolmatch.suites.yaml_file import located
from pytest_toolmatch.suites.yaml_marks import Document

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".student.yaml"


class StudentForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The blocks ``student`` and ``split``, as in a suite file."""

    student: Prompt
    split: Split | None = None


def read_student(path: Path, where: str = "") -> StudentForm:
    """Read the blocks; SuiteError says what is wrong at which line. ``where`` says what asked for the file."""
    if where and not path.exists():
        raise SuiteError(f"{where}: student names {path}, and there is no such file")
    document = Document(path)
    try:
        return msgspec.convert(document.data, StudentForm)
    except msgspec.ValidationError as error:
        raise SuiteError(located(str(error), document, StudentForm)) from None


def write_student(path: Path, student: Prompt, split: Split) -> None:
    """Write the file; SuiteError where that is not possible."""
    try:
        path.write_text(student_text(student, split), encoding="utf-8")
    except OSError as error:
        raise SuiteError(f"can't write {path}: {error.strerror}") from None


def student_text(student: Prompt, split: Split) -> str:
    """Return the file's text."""
    return yaml_text({"student": msgspec.to_builtins(student), "split": msgspec.structs.asdict(split)})
