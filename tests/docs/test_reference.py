"""The reference pages say what the code says: the same names, the same defaults, the same verdicts."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
from typing import Any, get_args

import msgspec
import pytest
import yaml

import pytest_toolmatch
from pytest_toolmatch import Matcher, matches, plugin
from pytest_toolmatch.cli import parser
from pytest_toolmatch.core import errors
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.fuzz import Fuzz
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.core.prompt import Prompt
from pytest_toolmatch.core.request import PARTS, Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.rules import MODES, Override, Rules
from pytest_toolmatch.core.sample import Outcome, Sample, Spending
from pytest_toolmatch.core.suite import Split
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.judging.divergence import FUNNEL
from pytest_toolmatch.judging.gate import GateResult
from pytest_toolmatch.judging.levels import LEVELS
from pytest_toolmatch.judging.metrics import METRICS, Estimate
from pytest_toolmatch.judging.robustness import Robustness
from pytest_toolmatch.judging.troubles import Ended, Refused
from pytest_toolmatch.judging.verdict import STATES, CaseResult
from pytest_toolmatch.plugin.fixture import MARK_KEYS
from pytest_toolmatch.repair.options import KEYS as REPAIR_KEYS
from pytest_toolmatch.repair.options import RepairOptions
from pytest_toolmatch.repair.phases import PHASES
from pytest_toolmatch.reports.repairs import RepairReport
from pytest_toolmatch.reports.report import VERSION, Report, SuiteReport, Terms
from pytest_toolmatch.sampling.recordings import VERSION as RECORDING_VERSION
from pytest_toolmatch.sampling.recordings import Record
from pytest_toolmatch.settings import MODES as RECORD_MODES
from pytest_toolmatch.settings import Settings
from pytest_toolmatch.suites.exporters import FORMATS as EXPORTS
from pytest_toolmatch.suites.forms import CaseForm, SuiteForm
from pytest_toolmatch.suites.importers import FORMATS
from tests.docs.pages import DOCS, REPOSITORY, table_of


class Options:
    """Notes what the plugin declares."""

    def __init__(self) -> None:
        self.flags: dict[str, dict[str, Any]] = {}
        self.ini: dict[str, str] = {}

    def getgroup(self, *_: str) -> Options:
        return self

    def addoption(self, name: str, **keywords: Any) -> None:
        self.flags[name] = keywords

    def addini(self, name: str, _: str, type: str = "string", **__: Any) -> None:  # noqa: A002 - as pytest names it
        self.ini[name] = type


@pytest.fixture(scope="module")
def options() -> Options:
    noted = Options()
    plugin.pytest_addoption(noted)  # type: ignore[arg-type]
    return noted


def default_of(cell: str) -> Any:
    """Return the default that a table states; one in plain words stands for nothing."""
    return yaml.safe_load(cell.strip("`")) if cell.startswith("`") else None


def settled(name: str) -> Any:
    """Return the default of a setting as a table would say it."""
    value = getattr(Settings(), name) or None
    return value if value is None or isinstance(value, int | float) else str(value)


def test_flags_are_those_of_the_plugin(options: Options) -> None:
    rows = table_of("reference/settings.md", "Command line")
    assert rows.keys() == options.flags.keys()
    twins = {flag: flag.removeprefix("--toolmatch-") for flag in rows.keys() - {"--toolmatch", "--toolmatch-report"}}
    assert {flag: default_of(rows[flag][0]) for flag in twins} == {flag: settled(name) for flag, name in twins.items()}


def test_ini_keys_are_those_of_the_plugin(options: Options) -> None:
    rows = table_of("reference/settings.md", "Ini file")
    kinds = {"string": "text", "int": "number", "float": "number", "linelist": "lines"}
    kinds_of_keys = {key: kinds[kind] for key, kind in options.ini.items()} | {"toolmatch_samples": "number or text"}
    assert {key: row[0] for key, row in rows.items()} == kinds_of_keys
    defaults = {key: default_of(row[1]) for key, row in rows.items()}
    assert defaults == {key: settled(key.removeprefix("toolmatch_")) for key in options.ini}


def test_every_setting_is_in_a_table(options: Options) -> None:
    said = {name.removeprefix("--toolmatch-").removeprefix("toolmatch_") for name in (*options.flags, *options.ini)}
    assert {name.removesuffix("s") if name == "reports" else name for name in Settings.__struct_fields__} <= said


def test_relations_are_those_of_the_fuzzer() -> None:
    rows = table_of("reference/relations.md", "The relations")
    assert rows == {name: [one.must, one.says] for name, one in RELATIONS.items()}


def test_phases_are_those_that_there_are() -> None:
    rows = table_of("how-to/repair-a-suite.md", "Several optimisers in turn")
    assert tuple(rows) == tuple(PHASES)
    named = table_of("reference/command.md", "toolmatch repair")["--phases"][1]
    assert set(PHASES) <= set(re.findall(r"`([\w]+)`", named))


def test_keys_of_repairs_are_those_of_the_plugin() -> None:
    rows = table_of("reference/settings.md", "Repairs")
    assert tuple(rows) == REPAIR_KEYS
    for key in ("rollouts", "draws", "test_draws", "shots", "seed"):
        assert default_of(rows[key][0]) == getattr(RepairOptions(), key), key


def test_mark_keys_are_those_of_the_plugin() -> None:
    rows = table_of("reference/settings.md", "The mark")
    assert rows.keys() == set(MARK_KEYS)
    for key, value in (msgspec.structs.asdict(Rules()) | msgspec.structs.asdict(Rollout())).items():
        assert (default_of(rows[key][0]) or None) == (value or None), key


def kind_of(schema: dict[str, Any]) -> str:
    """Return what a table calls the type of a field."""
    words = {"string": "text", "array": "list", "object": "mapping", "integer": "number"}
    parts = schema.get("anyOf", [schema])
    kinds = {words.get(part.get("type", "object"), part.get("type", "text")) for part in parts if "enum" not in part}
    kinds |= {"text" for part in parts if "enum" in part}
    return " or ".join(sorted(kinds - {"null"}))


def said_default(field: Any) -> str:
    """Return the default of a field as a table says it."""
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return value if value and isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(
    ("heading", "form"),
    [
        ("Suite", SuiteForm),
        ("Case", CaseForm),
        ("Fuzz", Fuzz),
        ("Student", Prompt),
        ("Split", Split),
        ("Message", Message),
        ("Override", Override),
    ],
)
def test_suite_file_has_the_keys_of_the_form(heading: str, form: type[msgspec.Struct]) -> None:
    rows = table_of("reference/suite-file.md", heading)
    fields = {field.name: field for field in msgspec.structs.fields(form)}
    assert rows.keys() == fields.keys()
    for name, (kind, default, _) in rows.items():
        assert default.strip("`") == said_default(fields[name]), name
        schema = msgspec.json.schema(form)["$defs"][form.__name__]["properties"][name]
        if name != "function":  # a callable in Python, its name in a file
            assert kind == kind_of(schema), name


def test_suite_file_names_every_match_mode() -> None:
    assert set(MODES) <= set(re.findall(r"`(\w+)`", table_of("reference/suite-file.md", "Suite")["match"][2]))


def commands() -> dict[str, argparse.ArgumentParser]:
    found = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


def test_every_subcommand_has_its_heading() -> None:
    headings = re.findall(r"^## toolmatch (\w+)$", (DOCS / "reference/command.md").read_text(), re.MULTILINE)
    assert headings == list(commands())


@pytest.mark.parametrize("command", commands())
def test_arguments_are_those_of_the_command(command: str) -> None:
    rows = table_of("reference/command.md", f"toolmatch {command}")
    actions = [action for action in commands()[command]._actions if action.dest != "help"]
    assert list(rows) == [", ".join(action.option_strings) or action.metavar or action.dest for action in actions]
    for action, (default, meaning) in zip(actions, rows.values(), strict=True):
        if action.dest != "name":  # taken from another argument
            assert (default_of(default) or None) == (action.default or None), action.dest
        assert all(f"`{choice}`" in meaning for choice in action.choices or ()), action.dest
        assert ("may be repeated" in meaning) == isinstance(action, argparse._AppendAction), action.dest


def test_formats_are_those_of_the_importers() -> None:
    meaning = table_of("reference/command.md", "toolmatch import")["FORMAT"][1]
    assert set(re.findall(r"`([\w-]+)`", meaning)) == set(FORMATS)


def test_formats_are_those_of_the_exporters() -> None:
    meaning = table_of("reference/command.md", "toolmatch export")["FORMAT"][1]
    assert re.findall(r"`([\w-]+)`", meaning) == list(EXPORTS)
    assert set(table_of("how-to/export-training-data.md", "Formats")) == set(EXPORTS)


def test_metrics_are_those_of_the_code() -> None:
    rows = table_of("reference/metrics.md", "All metrics")
    assert {name: tuple(row) for name, row in rows.items()} == {
        name: (metric.kind, metric.better, metric.summary) for name, metric in METRICS.items()
    }


def test_levels_are_those_of_the_code() -> None:
    rows = table_of("reference/metrics.md", "Match, agreement, consistency")
    named = [tuple(cell.strip("`") for cell in row[:3]) for row in rows.values() if len(row) == 4]
    assert named == [(level.match, level.agreement, level.consistency) for level in LEVELS]
    assert tuple(table_of("reference/metrics.md", "Where chains part")) == FUNNEL


def test_modes_are_those_of_the_code() -> None:
    assert tuple(table_of("reference/match-modes.md", "Modes")) == MODES


def chain(text: str) -> list[list[dict[str, Any]]]:
    """Read ``(a b) c1``: steps in parentheses or alone, a digit is the argument."""
    steps = re.findall(r"\(([^)]*)\)|(\w+)", text)
    return [[{"name": call[0], "arguments": {"n": call[1:]}} for call in (many or one).split()] for many, one in steps]


@pytest.mark.parametrize(("example", "verdicts"), table_of("reference/match-modes.md", "Examples").items())
def test_example_of_chains_is_right(example: str, verdicts: list[str]) -> None:
    teacher, student = map(chain, example.split("←"))
    assert [["no", "yes"][matches(student, teacher, mode=mode)] for mode in MODES] == verdicts


EQUALITY = (DOCS / "reference/match-modes.md").read_text().partition("## Equality of arguments")[2]
EQUALITIES = re.findall(r"^\| `(.+?)` \| `(.+?)` \| `(.+?)` \| (\w+) \| (\w+) \|$", EQUALITY, re.MULTILINE)


@pytest.mark.parametrize(("schema", "teacher", "student", "by_schema", "by_json"), EQUALITIES)
def test_example_of_arguments_is_right(schema: str, teacher: str, student: str, by_schema: str, by_json: str) -> None:
    tool = {"name": "t", "parameters": {"type": "object", "properties": {"x": json.loads(schema)}}}
    ours, theirs = ([[{"name": "t", "arguments": json.loads(text)}]] for text in (student, teacher))
    for arguments, expected in (("schema", by_schema), ("json", by_json)):
        found = Matcher([tool], arguments=arguments).matches(ours, theirs)
        assert ["different", "equal"][found] == expected, arguments


@pytest.mark.parametrize(
    ("page", "heading", "form"),
    [
        ("reference/recordings.md", "A line", Record),
        ("reference/recordings.md", "Sample", Sample),
        ("reference/python.md", "Turn", Turn),
        ("reference/report.md", "Report", Report),
        ("reference/report.md", "Spent", Spending),
        ("reference/report.md", "Suite", SuiteReport),
        ("reference/report.md", "Terms", Terms),
        ("reference/report.md", "Estimate", Estimate),
        ("reference/report.md", "Gate", GateResult),
        ("reference/report.md", "Robustness", Robustness),
        ("reference/report.md", "Repair", RepairReport),
        ("reference/report.md", "Case", CaseResult),
        ("reference/report.md", "Refused", Refused),
        ("reference/report.md", "Ended", Ended),
    ],
)
def test_format_has_the_fields_of_the_code(page: str, heading: str, form: type[msgspec.Struct]) -> None:
    assert tuple(table_of(page, heading)) == form.__struct_fields__


def test_format_versions_are_those_of_the_code() -> None:
    assert f"`version` is {VERSION}." in (DOCS / "reference/report.md").read_text()
    assert table_of("reference/recordings.md", "A line")["v"][0].endswith(f": {RECORDING_VERSION}")


def test_outcomes_and_states_are_those_of_the_code() -> None:
    assert set(table_of("reference/recordings.md", "Outcomes")) == set(get_args(Outcome))
    for page, heading in (("reference/report.md", "Case"), ("reference/python.md", "Verdict")):
        assert tuple(re.findall(r"`(\w+)`", table_of(page, heading)["state"][0])) == STATES


def test_public_names_are_in_the_table_and_have_a_heading() -> None:
    text = (DOCS / "reference/python.md").read_text()
    assert list(table_of("reference/python.md", "Names")) == pytest_toolmatch.__all__
    headings = set(re.findall(r"^## (\w+)$", text, re.MULTILINE))
    assert set(pytest_toolmatch.__all__) - headings == {"ToolmatchError", "ToolmatchWarning"}


def test_request_has_the_attributes_of_the_code() -> None:
    assert set(table_of("reference/python.md", "Request")) == {*Request.__struct_fields__, "key"}


def test_modes_of_sampling_are_those_of_the_code() -> None:
    assert tuple(table_of("reference/settings.md", "Modes")) == RECORD_MODES


def test_parts_of_a_key_are_those_of_the_code() -> None:
    assert tuple(table_of("reference/recordings.md", "Keys and freshness")) == PARTS


def test_prefixes_of_models_are_those_of_the_code() -> None:
    assert {row.rstrip(":") for row in table_of("reference/models.md", "Providers")} == set(PROVIDERS)


@pytest.mark.parametrize("name", ["Call", "Case", "Matcher", "Model", "Tool", "Turn", "matches"])
def test_parameters_are_those_of_the_code(name: str) -> None:
    text = (DOCS / "reference/python.md").read_text()
    found = re.search(rf"^`({name}\(.*?)`", text, re.MULTILINE)
    assert found
    said = ast.parse(f"def {found[1].replace('…', '...')}: ...").body[0]
    assert isinstance(said, ast.FunctionDef)
    real = inspect.signature(getattr(pytest_toolmatch, name)).parameters.values()
    hidden = {"where"}  # for messages
    shown = [str(one.replace(annotation=one.empty)).replace("'", '"') for one in real if one.name not in hidden]
    expected = [one.removesuffix("=<factory>") for one in shown]
    assert [re.sub(r"=\.\.\.$", "", one) for one in written(said.args)] == expected


def written(arguments: ast.arguments) -> list[str]:
    """Return every parameter as it is written, in order."""
    defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + list(arguments.defaults)
    plain = [_written(one, default) for one, default in zip(arguments.args, defaults, strict=True)]
    named = [_written(one, default) for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return plain + named + ([f"**{arguments.kwarg.arg}"] if arguments.kwarg else [])


def _written(one: ast.arg, default: ast.expr | None) -> str:
    return one.arg if default is None else f"{one.arg}={ast.unparse(default)}".replace("'", '"')


def test_errors_are_those_of_the_code() -> None:
    text = (DOCS / "reference/python.md").read_text().partition("## Errors")[2]
    known = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert re.findall(r"^[ │├└─]*([A-Z]\w+)(?: {2}|$)", text.partition("```text")[2], re.MULTILINE) == known[:-1]


@pytest.mark.parametrize(("heading", "table"), [("The service", "SERVICE"), ("What is said wrongly", "WRONG")])
def test_faults_are_those_that_are_tested(heading: str, table: str) -> None:
    source = ast.parse((REPOSITORY / "tests/plugin/test_faults.py").read_text())
    made = next(one.value for one in source.body if isinstance(one, ast.Assign) and _named(one) == table)
    assert isinstance(made, ast.Dict)
    assert list(table_of("reference/faults.md", heading)) == [ast.literal_eval(key) for key in made.keys if key]


def _named(assignment: ast.Assign) -> str:
    target = assignment.targets[0]
    return target.id if isinstance(target, ast.Name) else ""
