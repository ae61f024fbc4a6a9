"""Any log: every file's format is recognised by its content, and each format's importer reads its files.

Unlike the importers it looks at every file of a directory, whatever its name, and says what it took for what.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from pytest_toolmatch.suites.importers import read_format
from pytest_toolmatch.suites.importers.files import SUFFIXES, natural
from pytest_toolmatch.suites.importers.head import Head, head_of
from pytest_toolmatch.suites.importers.parts import Each, Part, here
from pytest_toolmatch.suites.importers.recognise import RECOGNISERS, recognised
from pytest_toolmatch.suites.importers.source import Counted, Options, Problem, Record, Source

NAME = "auto"
SUMMARY = "any mix of the other formats, recognised by content; says what it took for what"

NAMED = 8
"""Unrecognised files that a line names."""


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield what the importers of the formats found yield, format by format in the order of the table."""
    return read_parts(sources, options, here)


def read_parts(sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield the same; a file is recognised by itself, and read as its format can be."""
    found: defaultdict[str, list[Source]] = defaultdict(list)
    unknown: defaultdict[str, list[Path]] = defaultdict(list)
    files = [(source, _files(source)) for source in sources]
    seen = each(_seen, (Part(source, path) for source, paths in files for path in paths))
    for source, paths in files:
        for name, its in _sorted_out(zip(paths, seen, strict=False), unknown).items():
            found[name] += _as_sources(source, its)
            yield Counted(f"files recognised as {name}", len(its))
    yield from _unrecognised(unknown)
    for name in RECOGNISERS:
        if name in found:
            yield from read_format(name, found[name], options, each)


def _seen(part: Part) -> Iterator[tuple[str, str]]:
    """Yield the format of a file, or what is wrong with it."""
    head = head_of(part.path)
    name = recognised(head.records)
    yield name, "" if name else head.problem or _form(head)


def _sorted_out(files: Iterable[tuple[Path, tuple[str, str]]], unknown: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Return the files of a source by format; those of none go to ``unknown`` by what is wrong with them."""
    by_format: defaultdict[str, list[Path]] = defaultdict(list)
    for path, (name, wrong) in files:
        (by_format[name] if name else unknown[wrong]).append(path)
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
