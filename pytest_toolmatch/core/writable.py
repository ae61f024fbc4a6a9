"""Whether something can be written where it is to go, asked before the work that makes it."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def fault_of(folder: Path) -> str:
    """Return why no file can be written in a folder, or nothing where one can; it is tried, and leaves no trace.

    Permissions don't tell: the file systems of a kernel, of a network or of a container have rules of their own.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except (FileExistsError, NotADirectoryError):
        return "a file is in the way"
    except OSError as error:
        return error.strerror or type(error).__name__
    finally:
        for one in made:
            with suppress(OSError):
                one.rmdir()
