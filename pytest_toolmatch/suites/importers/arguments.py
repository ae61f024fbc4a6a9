"""The arguments of a call as logs write them: an object, or the JSON text of one."""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.suites.importers.files import decode


def parsed(arguments: Any) -> Any:
    """Return the object that JSON text stands for; text that is no JSON stays text, nothing is ``{}``."""
    if arguments is None or arguments == "":
        return {}
    if not isinstance(arguments, str):
        return arguments
    try:
        value = decode(arguments.encode("utf-8", "replace"))
    except ValueError:
        return arguments
    return value if isinstance(value, dict) else arguments
