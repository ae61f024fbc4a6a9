"""The pytest face; the only package that imports pytest.

This module is loaded by every pytest run of everyone who has the distribution installed. It imports nothing of its own
until ``--toolmatch`` is given, or a test or a file asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_toolmatch.plugin.fixture import Toolmatch


_FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {"action": "store_true", "help": "judge the tool calls of a student against its teacher's"}),
    (
        "-mode",
        {
            "metavar": "MODE",
            "help": "where samples come from: replay (recordings, the default), record (call for what is missing), "
            "refresh (call for everything), live (call, keep nothing); implies --toolmatch",
        },
    ),
    ("-teacher", {"metavar": "MODEL", "help": "the model to agree with"}),
    ("-student", {"metavar": "MODEL", "help": "the model that is judged"}),
    (
        "-samples",
        {
            "metavar": "N",
            "help": "samples of each model and case (default: all that are recorded; at least 5 where models are "
            "called); auto or auto:MIN-MAX: until the gates are decided",
        },
    ),
    ("-concurrency", {"metavar": "N", "type": int, "help": "requests of one model in flight (default: 50)"}),
    ("-budget", {"metavar": "N", "help": "what may be spent: 5, 2.50usd, 1000calls, or 5usd,1000calls"}),
    (
        "-batch",
        {
            "action": "store_true",
            "default": None,
            "help": "with record: send through the providers' batch interfaces, at half the price; run again to "
            "collect",
        },
    ),
    ("-report", {"metavar": "FILE.json", "action": "append", "help": "write the report to this file; repeatable"}),
    ("-baseline", {"metavar": "FILE.json", "help": "an earlier report: match no less often than then, a gate"}),
    (
        "-repair",
        {
            "action": "store_true",
            "help": "when the tests are over, look for other words to tell the students of suites that failed; implies "
            "--toolmatch",
        },
    ),
)
_LINES: dict[str, Any] = {"type": "linelist", "default": []}
_NUMBER: dict[str, Any] = {"type": "float", "default": None}
_KEYS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("teacher", "the model to agree with", {}),
    ("student", "the model that is judged", {}),
    ("teacher_settings", "what the teacher is told: KEY = VALUE", _LINES),
    ("student_settings", "what the student is told: KEY = VALUE", _LINES),
    ("concurrency", "requests of one model in flight", {"type": "int", "default": None}),
    ("rates", "MODEL = NUMBER rpm, NUMBER tpm", _LINES),
    ("budget", "what a run may spend: 2.50usd, 1000calls, or both", {}),
    ("prices", "MODEL = INPUT/OUTPUT, USD per million tokens", _LINES),
    ("samples", "samples of each model and case: N, auto or auto:MIN-MAX", {}),
    ("recordings", "directory of the recordings (default: fixtures/recordings)", {}),
    ("gates", "gates of every suite, one a line", _LINES),
    ("chain_match", "share of samples to match (default: 0.8)", _NUMBER),
    ("divergence", "what a diverging case is: fail (default) or xfail, where only gates decide", {}),
    ("ambiguous", "what a case without a teacher's consensus is: skip (default) or fail", {}),
    ("undecided", "what an undecided gate does: fail (default) or pass", {}),
    ("undecided_case", "what a case that so few samples can't tell is: skip (default) or fail", {}),
    ("baseline", "an earlier report, which each suite may not fall behind", {}),
    ("baseline_margin", "by how much it may all the same (default: 0.05)", _NUMBER),
    ("confidence", "of all intervals (default: 0.95)", _NUMBER),
    ("repair", "how to repair: KEY = VALUE", _LINES),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, all prefixed, and their ini twins."""
    group = parser.getgroup("toolmatch", "tool-calling agreement")
    for name, how in _FLAGS:
        group.addoption(f"--toolmatch{name}", **how)
    for key, meaning, how in _KEYS:
        parser.addini(f"toolmatch_{key}", meaning, **how)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and everything else only when the run is ours."""
    config.addinivalue_line(
        "markers", "toolmatch(match, gates, instructions, …): how the cases of this module or test are judged"
    )
    if is_active(config):
        from pytest_toolmatch.plugin.run import activate  # noqa: PLC0415 - paid for only by runs that are ours

        activate(config)
    elif idle := [f"--toolmatch{name}" for name, _ in _FLAGS if config.getoption(f"toolmatch{name}".replace("-", "_"))]:
        raise pytest.UsageError(f"{', '.join(idle)}: without --toolmatch, nothing is judged; add it")


def is_active(config: pytest.Config) -> bool:
    """Say whether the run is ours; a mode and a repair imply the flag."""
    return any(config.getoption(name, default=None) for name in ("toolmatch", "toolmatch_mode", "toolmatch_repair"))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``*.toolmatch.yaml`` suites, and refuse those named ``.yml``; no other YAML is ours."""
    if not file_path.name.endswith((".toolmatch.yaml", ".toolmatch.yml")):
        return None
    from pytest_toolmatch.plugin.yaml_suite import SuiteFile  # noqa: PLC0415 - only where there is a suite file

    return SuiteFile.from_parent(parent, path=file_path)


def skip_inactive() -> NoReturn:
    """Skip the test that is being set up, at its own place."""
    raise pytest.skip.Exception("needs --toolmatch", _use_item_location=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say what ``queries()`` is for where it is given to ``parametrize``, which would not know."""
    if "toolmatch" in metafunc.fixturenames:
        from pytest_toolmatch.plugin.queries import refuse_as_values  # noqa: PLC0415 - only where a test is ours

        refuse_as_values(metafunc)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let ``-m toolmatch`` select tests of a Python suite, and ``-k`` their cases' tags, as in a suite file."""
    if "toolmatch" in getattr(item, "fixturenames", ()):
        item.add_marker("toolmatch")
        for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
            item.extra_keyword_matches.update(getattr(value, "tags", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip toolmatch tests of runs that are not ours, before any of their fixtures is made."""
    if "toolmatch" in getattr(item, "fixturenames", ()) and not is_active(item.config):
        skip_inactive()


@pytest.fixture(scope="module")
def toolmatch(request: pytest.FixtureRequest) -> Toolmatch:
    """Judge queries in a test by what is recorded for its module."""
    from pytest_toolmatch.plugin.fixture import toolmatch_of  # noqa: PLC0415 - only where a test asks for it

    return toolmatch_of(request)
