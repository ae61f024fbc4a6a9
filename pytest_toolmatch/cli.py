"""The ``toolmatch`` command."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.reports.lines import clean, encodable, needs_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_toolmatch.reports.lines import Line

USAGE_ERROR = 4
"""As in pytest: the command was used wrongly, or what it was given can't be read."""


class _Parser(argparse.ArgumentParser):
    more: Callable[[], str] | None = None
    """What ends the help; it is made when somebody asks."""

    def format_help(self) -> str:
        self.epilog = self.more() if self.more else None
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, or 4 where something given to it is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        lines: Iterable[Line | str] = arguments.run(arguments)
        for line in lines:
            text = clean(line) if isinstance(line, str) else line.text
            print(encodable(text, sys.stdout.encoding), flush=True)  # noqa: T201 - a command prints
    except ToolmatchError as error:
        sys.stderr.write(f"toolmatch: error: {encodable(clean(str(error)), sys.stderr.encoding)}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("toolmatch: interrupted; nothing more was written\n")
        return 130
    except BrokenPipeError:
        return 0
    return 0


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - takes its time

        print(f"toolmatch {version('pytest-toolmatch')}")  # noqa: T201 - a command prints
        parser.exit()


def _screen() -> dict[str, Any]:
    return {"width": shutil.get_terminal_size().columns, "ascii": needs_ascii(sys.stdout.encoding)}


def _parser() -> _Parser:
    parser = _Parser(prog="toolmatch", description="Suites, reports and logs for pytest --toolmatch.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _import(commands)
    _record(commands)
    _report(commands)
    _compare(commands)
    _plan(commands)
    _curate(commands)
    _export(commands)
    _distill(commands)
    _fuzz(commands)
    _repair(commands)
    _schema(commands)
    return parser


def _import(commands: Any) -> None:
    from pytest_toolmatch.suites.importers import FORMATS  # noqa: PLC0415

    command = commands.add_parser("import", help="make suites with recordings from logs")
    command.add_argument("format", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    command.add_argument(
        "sources", nargs="+", metavar="[MODEL=]SRC", help="a file or directory; MODEL= names the model that made it"
    )
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the suites go")
    command.add_argument("--tools", type=Path, metavar="FILE", help="the tools on offer, in any provider's JSON form")
    command.add_argument(
        "--mcp",
        action="append",
        default=[],
        metavar="NAME=SERVER",
        help="an MCP server to ask for its tools: a command to start, or a URL",
    )
    command.add_argument("--effects", type=Path, metavar="FILE", help='JSON of {"tool": "read" or "write"}')
    command.add_argument("--name", metavar="NAME", help="name of the suite (default: that of DIR)")
    command.add_argument(
        "--include", action="append", default=[], metavar="GLOB", help="keep only calls of these tools"
    )
    command.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="drop calls of these tools")
    command.add_argument(
        "--category", action="append", default=[], metavar="GLOB", help="only these parts of a benchmark"
    )
    command.add_argument(
        "--turns", choices=("all", "first"), default="all", help="prompts of a session that become cases"
    )
    command.add_argument(
        "--replies", action="store_true", help="keep what the tools answered, for suites with mode: next_step"
    )
    command.add_argument(
        "--redact",
        default="keys",
        metavar="KINDS",
        help="personal data to take out: keys, emails, keys,emails or none (default: keys)",
    )
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the suites, as in match=sequence"
    )
    command.add_argument("-v", "--verbose", action="store_true", help="list every problem, one by one")
    command.set_defaults(run=_run_import)


def _run_import(arguments: argparse.Namespace) -> Iterable[str]:
    from pytest_toolmatch.importing import import_suites  # noqa: PLC0415

    return import_suites(
        arguments.format,
        arguments.sources,
        output=arguments.output,
        name=arguments.output.resolve().name if arguments.name is None else arguments.name,
        tools=arguments.tools,
        effects=arguments.effects,
        mcp=arguments.mcp,
        redact=arguments.redact,
        settings=arguments.set,
        verbose=arguments.verbose,
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        categories=tuple(arguments.category),
        turns=arguments.turns,
        replies=arguments.replies,
    )


def _record(commands: Any) -> None:
    command = commands.add_parser("record", help="call models for what is not recorded: pytest --toolmatch-mode=record")
    command.add_argument("paths", nargs="*", metavar="PATH", help="suites and tests, as pytest takes them")
    command.add_argument("--batch", action="store_true", help="send through the providers' batch interfaces")
    command.add_argument("--wait", action="store_true", help="run again until no batch is under way")
    command.add_argument("--teacher", metavar="MODEL", help="the model to agree with")
    command.add_argument("--student", metavar="MODEL", help="the model that is judged")
    command.add_argument("--samples", metavar="N", help="samples of each model and case; auto: until gates are decided")
    command.add_argument("--refresh", action="store_true", help="call for everything, also for what is recorded")
    command.set_defaults(run=_run_record)


def _run_record(arguments: argparse.Namespace) -> Iterable[str]:
    from pytest_toolmatch.recording import record  # noqa: PLC0415

    return record(
        arguments.paths,
        batch=arguments.batch,
        wait=arguments.wait,
        teacher=arguments.teacher,
        student=arguments.student,
        samples=arguments.samples,
        refresh=arguments.refresh,
    )


def _report(commands: Any) -> None:
    command = commands.add_parser("report", help="print the summary of a report file again")
    command.add_argument("file", type=Path, metavar="FILE.json")
    command.add_argument("-v", "--verbose", action="store_true", help="list every case")
    command.set_defaults(run=_run_report)


def _run_report(arguments: argparse.Namespace) -> Iterable[Line]:
    from pytest_toolmatch.reports.json_file import read_report  # noqa: PLC0415
    from pytest_toolmatch.reports.summary import summary_lines  # noqa: PLC0415

    return summary_lines(read_report(arguments.file), verbose=arguments.verbose, **_screen())


def _compare(commands: Any) -> None:
    command = commands.add_parser("compare", help="say which cases changed between two reports, with a paired test")
    command.add_argument("before", type=Path, metavar="A.json")
    command.add_argument("after", type=Path, metavar="B.json")
    command.add_argument("-v", "--verbose", action="store_true", help="list every case that differs")
    command.set_defaults(run=_run_compare)


def _run_compare(arguments: argparse.Namespace) -> Iterable[Line]:
    from pytest_toolmatch.reports.compare import compare  # noqa: PLC0415
    from pytest_toolmatch.reports.compare_lines import comparison_lines  # noqa: PLC0415
    from pytest_toolmatch.reports.json_file import read_report  # noqa: PLC0415

    found = compare(read_report(arguments.before), read_report(arguments.after))
    return comparison_lines(found, verbose=arguments.verbose, **_screen())


def _plan(commands: Any) -> None:
    command = commands.add_parser("plan", help="say how many samples and cases a gate takes, before they are paid for")
    command.add_argument("what", nargs="*", metavar="GATE|REPORT.json", help="gates, or reports to plan from")
    command.add_argument(
        "--truth", type=float, action="append", default=[], metavar="RATE", help="the rate as you guess"
    )
    for name, kind, word, meaning in _PLAN:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.set_defaults(run=_run_plan)


_PLAN = (
    ("--cases", int, "N", "cases of the suite (default: 40)"),
    ("--confidence", float, "SHARE", "1 less the share of wrong decisions (default: 0.95)"),
    ("--power", float, "SHARE", "share of runs in which the samples suffice (default: 0.9)"),
    ("--within", float, "SHARE", "1: all cases equally hard; 0: each is always or never right (default: the worst)"),
    ("--cost", float, "USD", "price of a sample of the student"),
    ("--latency", float, "SECONDS", "time of a sample of the student"),
    ("--concurrency", int, "N", "requests in flight (default: 50)"),
)


def _run_plan(arguments: argparse.Namespace) -> Iterable[Line]:
    from pytest_toolmatch.reports.planned import planned_lines  # noqa: PLC0415

    assumed = [(name[2:], getattr(arguments, name[2:])) for name, *_ in _PLAN if name != "--cases"]
    return planned_lines(arguments.what, cases=arguments.cases, truths=arguments.truth, assumed=assumed, **_screen())


def _curate(commands: Any) -> None:
    command = commands.add_parser(
        "curate", help="choose the cases that matter: a suite to optimise on, one to evaluate"
    )
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the two suites go")
    for name, kind, word, meaning in _CURATE:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.add_argument("--students", action="append", metavar="MODEL", help="models whose failures count")
    command.add_argument("--explain", metavar="ID", help="say why a case was kept or dropped, and do nothing else")
    command.set_defaults(run=_run_curate)


def _at_least_0(text: str) -> int:
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _share(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1:
        raise argparse.ArgumentTypeError(f"{text!r} does not lie between 0 and 1")
    return found


_CURATE = (
    ("--teacher", str, "MODEL", "the model to agree with (default: the one model that is recorded)"),
    ("--size", _at_least_0, "N", "cases to optimise on (default: 50)"),
    ("--evaluate", _at_least_0, "N", "cases to evaluate with (default: 50)"),
    ("--epsilon", _share, "SHARE", "how far duplicates are apart at most, as 1 - cosine (default: the embedder's own)"),
    ("--embedder", str, "NAME", "hashed, http://HOST/v1#MODEL, or st:NAME (default: hashed)"),
    ("--seed", int, "N", "decides the split, and what is drawn (default: 0)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
)


def _run_curate(arguments: argparse.Namespace) -> Iterable[str]:
    from pytest_toolmatch.curating.curate import curate, explain  # noqa: PLC0415
    from pytest_toolmatch.curating.options import CurateOptions  # noqa: PLC0415

    if arguments.explain is not None:
        return explain(arguments.output, arguments.explain)
    asked = vars(arguments) | {"students": tuple(arguments.students or ())}
    given = {name: asked[name] for name in CurateOptions.__struct_fields__ if asked.get(name) is not None}
    return curate(arguments.suites, arguments.output, CurateOptions(**given))


def _export(commands: Any) -> None:
    from pytest_toolmatch.suites.exporters import FORMATS  # noqa: PLC0415

    command = commands.add_parser(
        "export",
        help="write what a teacher is recorded to have done, to train and evaluate with",
        description="Write what a teacher is recorded to have done, one row for each of its samples, in a format that\n"
        "others train or evaluate with. Test cases stay unless --part asks for them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.more = _export_formats
    command.add_argument("format", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR|FILE", help="a directory, or one file: *.jsonl"
    )
    command.add_argument(
        "--part",
        action="append",
        choices=("train", "validation", "test", "all"),
        default=[],
        help="which cases leave (default: train and validation); may be repeated",
    )
    command.add_argument("--consensus", action="store_true", help="one row a case, not one for each of its samples")
    for name, kind, word, meaning in _EXPORT:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.set_defaults(run=_run_export)


def _export_formats() -> str:
    from pytest_toolmatch.suites.exporters import FORMATS, find_format  # noqa: PLC0415

    return "\n".join(["formats:", *(f"  {name:<12} {find_format(name).SUMMARY}" for name in FORMATS)])


_EXPORT = (
    ("--teacher", str, "MODEL", "whose recordings to export (default: the one model that is recorded)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
    ("--seed", int, "N", "decides which part a case is in, as in distill (default: 0)"),
)


def _run_export(arguments: argparse.Namespace) -> Iterable[str]:
    from pytest_toolmatch.exporting import ExportOptions, export  # noqa: PLC0415

    asked = vars(arguments) | {"part": tuple(arguments.part)}
    given = {name: asked[name] for name in ExportOptions.__struct_fields__ if asked.get(name) is not None}
    return export(arguments.format, arguments.suites, arguments.output, ExportOptions(**given))


def _distill(commands: Any) -> None:
    command = commands.add_parser("distill", help="train a small student on what a teacher is recorded to have done")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the student goes")
    for name, kind, word, meaning in _DISTILL:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.add_argument("--size", choices=("small", "base", "26m"), help="start from scratch, with this size")
    command.add_argument("--device", choices=("cpu", "cuda"), help="where to train (default: cpu)")
    command.set_defaults(run=_run_distill)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted({_positive(part) for part in text.split(",")}))


def _positive(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


_DISTILL = (
    ("--teacher", str, "MODEL", "whose recordings to learn from (default: the one model that is recorded)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
    ("--from", str, "MODEL", "pocket model to go on from, or its directory (default: pocket:small)"),
    ("--curve", _sizes, "N,N,…", "one student after so many examples each"),
    ("--held-out", _positive, "N", "held-out cases that are judged at most (default: 400)"),
    ("--draws", _positive, "N", "draws of the student for each of them (default: 8)"),
    ("--temperature", float, "T", "the temperature of these draws (default: 0.7)"),
    ("--epochs", float, "N", "how often to go through the examples at most (default: 4)"),
    ("--seed", int, "N", "decides what is held out, and all chance in training (default: 0)"),
)


def _run_distill(arguments: argparse.Namespace) -> Iterable[str]:
    from pytest_toolmatch.distill.distilling import distill  # noqa: PLC0415
    from pytest_toolmatch.distill.options import Options  # noqa: PLC0415

    asked = {"start" if name == "from" else name: value for name, value in vars(arguments).items()}
    given = {name: asked[name] for name in Options.__struct_fields__ if asked.get(name) is not None}
    return distill(arguments.suites, arguments.output, Options(**given))


def _fuzz(commands: Any) -> None:
    command = commands.add_parser("fuzz", help="find prompts around a suite's cases on which the student breaks")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument("-o", "--output", type=Path, metavar="DIR", help="where findings go (default: to their suite)")
    for name, kind, word, meaning in _FUZZ:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    for name in ("--teacher-settings", "--student-settings", "--prices"):
        setting = name[2:].replace("-", "_")
        command.add_argument(name, action="append", metavar="KEY=VALUE", help=f"a line of toolmatch_{setting}")
    command.set_defaults(run=_run_fuzz)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_FUZZ = (
    ("--teacher", str, "MODEL", "the model that says what is right"),
    ("--student", str, "MODEL", "the model that is tried"),
    ("--budget", str, "AMOUNT", "what may be spent, as in 3000calls or 2.50usd (default: 3000calls)"),
    ("--relations", _names, "NAME,…", "ways to change a prompt (default: all)"),
    ("--phrase-with", str, "MODEL", "a model that phrases the requests anew, beside our rules for it"),
    ("--phrasings", _positive, "N", "other ways in which it puts each of them (default: 4)"),
    ("--cases", str, "GLOB", "only cases of these ids"),
    ("--seed", int, "N", "decides which prompts are tried (default: 0)"),
    ("--concurrency", _positive, "N", "requests in flight (default: 50)"),
    ("--confidence", float, "SHARE", "1 less the share of findings that are false (default: 0.95)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
)


def _run_fuzz(arguments: argparse.Namespace) -> Iterable[str]:
    from pytest_toolmatch.fuzzing import require_hypothesis  # noqa: PLC0415

    require_hypothesis()
    from pytest_toolmatch.fuzzing.fuzz import fuzz  # noqa: PLC0415
    from pytest_toolmatch.fuzzing.options import FuzzOptions  # noqa: PLC0415

    asked = vars(arguments)
    given = {name: asked[name] for name in FuzzOptions.__struct_fields__ if asked.get(name) is not None}
    return fuzz(arguments.suites, arguments.output, FuzzOptions(**given))


def _repair(commands: Any) -> None:
    command = commands.add_parser("repair", help="mend the prompt of a failing suite's student, and prove it")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="where repaired suites go (default: in place)"
    )
    for name, kind, word, meaning in _REPAIR:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    for name in ("--teacher-settings", "--student-settings", "--reflect-settings", "--prices"):
        command.add_argument(name, action="append", metavar="KEY=VALUE", help=f"a line of {name[2:]}")
    command.set_defaults(run=_run_repair)


_REPAIR = (
    ("--teacher", str, "MODEL", "the model that says what is right: one to call, or one that is recorded"),
    ("--student", str, "MODEL", "the model that is told other words"),
    ("--reflect-with", str, "MODEL", "the model that writes them (default: the teacher)"),
    ("--rollouts", int, "N", "samples of the student to choose by, at most (default: 400)"),
    ("--budget", str, "AMOUNT", "what may be spent in all, as in 3000calls or 2.50usd (default: no bound)"),
    ("--draws", int, "N", "samples of what fails at first, and of validation in the end (default: 2)"),
    ("--test-draws", int, "N", "samples of each case when a prompt is proved (default: 5)"),
    ("--phases", _names, "NAME,…", "optimisers, one after the other (default: gepa)"),
    ("--touch", _names, "GLOB,…", "only these texts: instructions, tool:NAME, tool:NAME:PATH, examples"),
    ("--freeze", _names, "GLOB,…", "not these texts"),
    ("--seed", int, "N", "decides all chance of the optimisers (default: 0)"),
    ("--concurrency", _positive, "N", "requests in flight (default: 50)"),
    ("--confidence", float, "SHARE", "1 less the share of repairs that are accepted by chance (default: 0.95)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
)


def _run_repair(arguments: argparse.Namespace) -> Iterable[str]:
    from pytest_toolmatch.repair.options import RepairOptions  # noqa: PLC0415
    from pytest_toolmatch.repair.repairing import repair  # noqa: PLC0415

    asked = vars(arguments)
    given = {name: asked[name] for name in RepairOptions.__struct_fields__ if asked.get(name) is not None}
    return repair(arguments.suites, arguments.output, RepairOptions(**given))


def _schema(commands: Any) -> None:
    command = commands.add_parser("schema", help="print the JSON Schema of a suite file, a cases file or a report")
    command.add_argument("of", nargs="?", choices=("suite", "case", "report"), default="suite")
    command.set_defaults(run=_run_schema)


def _run_schema(arguments: argparse.Namespace) -> Iterable[str]:
    import msgspec  # noqa: PLC0415

    from pytest_toolmatch.reports.report import Report  # noqa: PLC0415
    from pytest_toolmatch.suites.forms import CaseForm, SuiteForm  # noqa: PLC0415

    schema = msgspec.json.schema({"suite": SuiteForm, "case": CaseForm, "report": Report}[arguments.of])
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode().splitlines()
