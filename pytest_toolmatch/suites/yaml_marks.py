"""YAML as suites use it: JSON's scalars, unique keys, and the line of everything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from pytest_toolmatch.core.errors import SuiteError, at

if TYPE_CHECKING:
    from pathlib import Path

BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The reader of suite files; libyaml takes some texts that PyYAML's own does not, such as ``{a: why?}``."""

_KEPT = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_NUMBER = r"[-+]?(?:0|[1-9][0-9]*)"
_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", _NUMBER, "-+0123456789"),
    ("float", rf"(?:{_NUMBER}(?:\.[0-9]*)?|[-+]?\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


class _Loader(BASE):  # type: ignore[misc]
    """JSON's reading of scalars: ``2026-11-27``, ``no``, ``on``, ``12:30`` and ``007`` are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in BASE.yaml_implicit_resolvers.items()
}


def know_scalars(resolver: Any) -> None:
    """Teach a loader which plain texts are no strings, or a dumper which strings need quotes."""
    for name, pattern, first in _SCALARS:
        resolver.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(rf"^(?:{pattern})$"), list(first))


know_scalars(_Loader)


_TAB = "the line begins with a tab, and YAML is indented by spaces alone"


def _not_text(path: Path, text: bytes) -> str:
    """Return at which line a text is not UTF-8; nothing for one that is."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        byte, line = text[error.start], text.count(b"\n", 0, error.start) + 1
        return f"{at(path, line)}: not UTF-8 (byte {byte:#x}): save the file in this encoding"
    return ""


def read_value(text: str | bytes) -> Any:
    """Read a text of which nobody asks for lines; ValueError says why it is no YAML."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - safe: its base is
    except yaml.YAMLError as error:
        raise ValueError(getattr(error, "problem", "") or " ".join(str(error).split())) from None


class Document:
    """A YAML document: its data, and the line that each path of it (``$.cases[3].query``) starts at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: list[Any] = []
        text = b""
        try:
            text = path.read_bytes()
            loader = _Loader(text)
            self._node = loader.get_single_node()
            self._check_keys(self._node, set())
            self.data = loader.construct_document(self._node) if self._node else None
        except OSError as error:
            raise SuiteError(f"can't read {path}: {error.strerror}") from None
        except yaml.MarkedYAMLError as error:
            # What is missing at the end of a file is reported below its last line.
            lines = text.splitlines() or [b""]
            line = min(error.problem_mark.line + 1, len(lines)) if error.problem_mark else None
            problem = _TAB if line and lines[line - 1].lstrip(b" ").startswith(b"\t") else error.problem
            raise SuiteError(f"{at(path, line)}: not YAML: {problem}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SuiteError(_not_text(path, text) or f"{path}: not YAML: {' '.join(str(error).split())}") from None

    def _check_keys(self, node: Any, seen: set[int]) -> None:
        """Refuse a key given twice, of which YAML readers silently keep one."""
        if id(node) in seen or node is None:
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._keys += [key for key, _ in node.value]
            names = [key.value for key, _ in node.value]
            for place, (key, value) in enumerate(node.value):
                if isinstance(key.value, str) and key.value in names[:place]:
                    raise SuiteError(f"{at(self.path, key.start_mark.line + 1)}: key {key.value!r} is given twice")
                self._check_keys(value, seen)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._check_keys(item, seen)

    def where(self, path: str, key: str = "") -> str:
        """Return ``file:line`` of a path such as ``$.cases[3]``, or of a key below it.

        Below ``[...]``, some entry of a table, it is the first key of that name.
        """
        known, _, below = path.partition("[...]")
        node, line = self._node, 1
        parts = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", known)
        for name, index in [*parts, *([(key, "")] if key and known == path else [])]:
            found = self._step(node, name, index)
            if found is None:
                break
            node, line = found
        if known != path:
            line = self._line_below(node, key or below.rpartition(".")[2]) or line
        return at(self.path, line)

    def _line_below(self, node: Any, name: str) -> int | None:
        inside = (key for key in self._keys if node.start_mark.index <= key.start_mark.index < node.end_mark.index)
        return next((key.start_mark.line + 1 for key in inside if key.value == name), None)

    def _step(self, node: Any, name: str, index: str) -> tuple[Any, int] | None:
        if isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
            item = node.value[int(index)]
            return item, item.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return next(((value, key.start_mark.line + 1) for key, value in node.value if key.value == name), None)
        return None
