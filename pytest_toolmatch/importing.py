"""Logs into suites on disk: what ``toolmatch import`` does, and says while doing it."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.toolformats import with_effects
from pytest_toolmatch.harness import recorded_key
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.sampling.recordings import Record, append_records, recording_path
from pytest_toolmatch.suites.importers.assemble import Assembly, ImportedSuite, import_log
from pytest_toolmatch.suites.importers.source import Options, Source
from pytest_toolmatch.suites.writer import write_suite
from pytest_toolmatch.suites.yaml_file import read_tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.sample import Sample

SUITES_IN_FULL = 3
"""Up to so many suites, every model of each is listed."""
ANSWERS = "reference"
"""The model that a benchmark's possible answers are recorded as."""
SHOWN = 8
"""Problems that are printed; the rest are counted."""

_SUITE_KEYS = ("chain_match", "divergence", "gates")


def import_suites(
    form: str,
    sources: Sequence[str],
    *,
    output: Path,
    name: str,
    tools: Path | None = None,
    effects: Path | None = None,
    settings: Sequence[str] = (),
    **options: Any,
) -> Iterator[str]:
    """Import logs into ``output``, yielding what to print; nothing is written before all of it is read."""
    keys = suite_keys(settings)
    declared = with_effects(read_tools(tools) if tools else (), _effects(effects))
    assembly = import_log(form, name, [Source.parse(one) for one in sources], Options(tools=declared, **options))
    yield from _account(form, assembly)
    for imported in assembly.suites:
        yield _write(imported, output, keys)
        if len(assembly.suites) <= SUITES_IN_FULL:
            yield from (f"  {model}: {_summary(samples)}" for model, samples in imported.samples.items())
    yield ""
    yield from _next(assembly, output)


def _next(assembly: Assembly, output: Path) -> Iterator[str]:
    """Yield the command to go on with, for the two models with the most samples."""
    drawn = Counter[str]()
    for suite in assembly.suites:
        drawn.update({model: len(samples) for model, samples in suite.samples.items()})
    answers = drawn.pop(ANSWERS, 0)
    models = [shlex.quote(model) for model, _ in drawn.most_common()] or [ANSWERS]
    student = (models[1:] or models)[0]
    yield f"models: {', '.join(models)}{f' and {ANSWERS}' if answers else ''}"
    if answers:
        yield f"{ANSWERS} holds the answers that count as right, any of which may be matched: name it as the teacher"
    directory = shlex.quote(str(output))
    yield f"next: pytest --toolmatch {directory} --toolmatch-teacher={models[0]} --toolmatch-student={student}"


def suite_keys(settings: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` settings into the fields of a suite: its rules, gates and demands."""
    known = (*Rules.__struct_fields__, *_SUITE_KEYS)
    said: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in known:
            raise ConfigError(f"--set {setting}: no such key {key!r}{did_you_mean(key, known)}; write --set KEY=VALUE")
        said[key] = yaml.safe_load(value)
    for gate in said.get("gates", ()):
        parse_gate(gate, "--set gates")
    rules = {key: said.pop(key) for key in Rules.__struct_fields__ if key in said}
    try:
        return {**said, "rules": msgspec.convert(rules, Rules)}
    except msgspec.ValidationError as error:
        raise ConfigError(f"--set: {error}") from None


def _effects(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except OSError as error:
        raise ConfigError(f"can't read the effects file {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path}: not a JSON object of {{"tool": "read" or "write"}}: {error}') from None


def _account(form: str, assembly: Assembly) -> Iterator[str]:
    read = ", ".join(f"{count:,} {what}" for what, count in assembly.counts.items() if what != "problems")
    yield f"{form}: {read}"
    for problem in assembly.problems[:SHOWN]:
        yield f"  ! {problem}"
    if len(assembly.problems) > SHOWN:
        yield f"  ! … and {len(assembly.problems) - SHOWN:,} more problems"


def _write(imported: ImportedSuite, output: Path, keys: dict[str, Any]) -> str:
    rules: Rules = keys["rules"]
    if ANSWERS in imported.samples and rules.reference == "consensus":
        # Possible answers are alternatives: there is no consensus among them. A model run once has just the one chain.
        rules = msgspec.structs.replace(rules, reference="any")
    suite = Suite(
        name=imported.name,
        cases=imported.cases,
        tools=imported.tools,
        instructions=imported.instructions,
        **(keys | {"rules": rules}),
    )
    path = write_suite(suite, output)
    cases = {case.id: case for case in suite.cases}
    for model, samples in imported.samples.items():
        target = recording_path(output / "recordings" / suite.name, model)
        append_records(target, (_record(suite, cases[one.case], model, one) for one in samples))
    drawn = sum(map(len, imported.samples.values()))
    models = f"{len(imported.samples)} model{'' if len(imported.samples) == 1 else 's'}"
    return f"{path}: {len(suite.cases):,} cases, {drawn:,} samples of {models}"


def _record(suite: Suite, case: Case, model: str, sample: Sample) -> Record:
    return Record(key=recorded_key(suite, case, model, sample), model=model, sample=sample)


def _summary(samples: Sequence[Sample]) -> str:
    draws = Counter(sample.case for sample in samples)
    fewest, most = min(draws.values()), max(draws.values())
    per_case = f"{most}" if fewest == most else f"{fewest}–{most}"
    outcomes = Counter(sample.outcome for sample in samples)
    odd = ", ".join(
        f"{count} {outcome}" for outcome, count in outcomes.items() if outcome not in ("called", "answered")
    )
    return f"{len(samples):,} samples of {len(draws):,} cases ({per_case} each){f'; {odd}' if odd else ''}"
