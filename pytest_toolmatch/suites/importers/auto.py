"""Any log: every file's format is recognised by its content, and each format's importer reads its files.

Unlike the importers it looks at every file of a directory, whatever its name, and says what it took for what.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from pytest_toolmatch.suites.importers import find_format
from pytest_toolmatch.suites.importers.files import SUFFIXES, natural
from pytest_toolmatch.suites.importers.head import Head, head_of
from pytest_toolmatch.suites.importers.recognise import RECOGNISERS, recognised
from pytest_toolmatch.suites.importers.source import Counted, Options, Problem, Record, Source

NAME = "auto"
SUMMARY = "any mix of the other formats, recognised by content; says what it took for what"

NAMED = 8
"""Unrecognised files that a line names."""


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield what the importers of the formats found yield, format by format in the order of the table."""
    found: defaultdict[str, list[Source]] = defaultdict(list)
    unknown: defaultdict[str, list[Path]] = defaultdict(list)
    for source in sources:
        by_format = _sorted_out(source, unknown)
        for name, paths in by_format.items():
            found[name] += _as_sources(source, paths)
            yield Counted(f"files recognised as {name}", len(paths))
    yield from _unrecognised(unknown)
    for name in RECOGNISERS:
        if name in found:
            yield from find_format(name).read(found[name], options)


def _sorted_out(source: Source, unknown: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Return the files of a source by format; those of none go to ``unknown`` by what is wrong with them."""
    by_format: defaultdict[str, list[Path]] = defaultdict(list)
    for path in _files(source):
        head = head_of(path)
        if name := recognised(head.records):
            by_format[name].append(path)
        else:
            unknown[head.problem or _form(head)].append(path)
    return by_format


def _files(source: Source) -> list[Path]:
    if not source.path.is_dir():
        return [source.path]
    found = (Path(folder, name) for folder, _, names in os.walk(source.path) for name in names)
    return sorted((path for path in found if path.resolve() not in source.other), key=natural)


def _form(head: Head) -> str:
    keys = sorted({key for record in head.records if isinstance(record, dict) for key in record})
    shown = ", ".join(keys[:6])
    return f"JSON of a form that no importer knows{f' (with {shown})' if shown else ''}"


def _as_sources(source: Source, paths: Sequence[Path]) -> Iterator[Source]:
    """Yield sources with only these files: the directory without the others, as folders say something to importers."""
    if not source.path.is_dir():
        yield source
        return
    odd = [path for path in paths if not path.name.lower().endswith(SUFFIXES)]
    if len(odd) < len(paths):
        kept = set(paths) - set(odd)
        others = {path.resolve() for path in _files(source) if path not in kept}
        yield msgspec.structs.replace(source, other=source.other | others)
    yield from (msgspec.structs.replace(source, path=path) for path in odd)


def _unrecognised(unknown: dict[str, list[Path]]) -> Iterator[Record]:
    for what, paths in unknown.items():
        yield Counted("files not recognised", len(paths))
        names = ", ".join(path.name for path in paths[:NAMED]) + (", …" if len(paths) > NAMED else "")
        for path in paths:
            yield Problem(str(path), f"not recognised: {what}", f"files are not recognised, {what}: {names}")
