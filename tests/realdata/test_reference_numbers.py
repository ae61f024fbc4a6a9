"""Real logs through ``toolmatch import`` and ``pytest --toolmatch``, against reference numbers made independently."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_toolmatch.cli import main

DATA = Path(__file__).resolve().parents[3] / "shared" / "realdata"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real logs: {DATA} is absent")
pytest_plugins = ["pytester"]

COLUMNS = {
    "sequence": {"names": "name_{}", "full": "{}"},
    "unordered": {"names_ms": "name_{}", "full_ms": "{}"},
}
"""Match mode → the reference's column → our metric, of agreement or of consistency."""


@cache
def reference() -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((DATA / "refnumbers.json").read_bytes())
    return numbers


def labelled(folder: str, *models: str, suffix: str = ".json.gz") -> list[str]:
    return [f"{model}={DATA / folder / model}{suffix}" for model in models]


RETAIL = [
    *(f"claude-haiku-4-5={DATA}/claude_code_retail/{run}" for run in ("haiku_run_complete_dataset", "haiku_run_22")),
    f"claude-haiku-4-5={DATA}/claude_code_retail/haiku_run",
    f"claude-haiku-4-5(base_solo prompt)={DATA}/claude_code_retail/haiku_base_solo_complete_dataset",
    *(
        f"{DATA}/claude_code_retail/{run}"
        for run in ("sonnet_run_complete_dataset", "sonnet_run_22", "sonnet_run_5", "smoke_test")
    ),
    *("--tools", f"{DATA}/claude_code_retail/tools.json", "--include", "mcp__*"),
    *("--effects", f"{DATA}/tau2_retail/tool_types.json"),
]
PANEL = "claude-panel(sonnet4.5+opus4.6 runs)"
AIRLINE = [
    f"{PANEL}={DATA}/tau2_airline/claude-sonnet-4-5__llm_agent.json.gz",
    f"{PANEL}={DATA}/tau2_airline/claude-opus-4-6__experimental_agent.json.gz",
    *labelled(
        "tau2_airline",
        "claude-opus-4-6__experimental_agent",
        "claude-sonnet-4-5__llm_agent",
        "gpt-4.1__llm_agent",
        "gpt-oss-120b__langchain_agent",
        "qwen2.5-7b__llm_agent",
    ),
    *("--tools", f"{DATA}/tau2_airline/tools.json", "--effects", f"{DATA}/tau2_airline/tool_types.json"),
]
HOTPOT = [
    *labelled("hotpotqa_react", "claude-sonnet-4-5", "gpt-4o", "llama-3.1-70b", suffix=".jsonl.gz"),
    *("--tools", f"{DATA}/hotpotqa_react/tools.json"),
]
TAU_BENCH = [f"{DATA}/taubench1_airline/gpt-4o__4trials.json.gz", "--tools", f"{DATA}/taubench1_airline/tools.json"]

SECTIONS: dict[str, tuple[str, list[str], tuple[str, ...]]] = {
    "claude_code_retail": ("claude-code", RETAIL, ()),
    "claude_code_retail_WRITE_only": ("claude-code", RETAIL, ("--set", "effect=write")),
    "hotpotqa_react": ("react", HOTPOT, ()),
    "tau2_airline": ("tau2", AIRLINE, ()),
    "tau2_airline_WRITE_only": ("tau2", AIRLINE, ("--set", "effect=write")),
    "taubench1_airline": ("tau-bench", TAU_BENCH, ()),
}


def run(pytester: pytest.Pytester, teacher: str, student: str, *suites: Path) -> dict[str, Any]:
    """Judge suites (those in ``out``, where none is given); return them from the JSON report."""
    report = pytester.path / "report.json"
    report.unlink(missing_ok=True)
    models = (f"--toolmatch-teacher={teacher}", f"--toolmatch-student={student}", f"--toolmatch-report={report}")
    pytester.runpytest_subprocess("--toolmatch", *(suites or ("out",)), *models, "-q", "--tb=no")
    found: dict[str, Any] = json.loads(report.read_bytes())["suites"]
    return found


# Two of gpt-4o's runs were ended by a rate limit. The reference counts them as chains, we as infrastructure.
LIMITED = {
    "gpt-4o": {"names": 0.6667, "names_ms": 0.6711, "full_ms": 0.0879},
    "claude-sonnet-4-5 x gpt-4o": {"names": 0.3513, "names_ms": 0.3562},
}


def assert_figures(metrics: dict[str, Any], kind: str, expected: dict[str, Any], mode: str) -> None:
    """Compare one pair of models in one mode; ``kind`` is ``agreement``, or ``consistency`` of a model alone."""
    assert metrics[kind]["n"] == expected.get("n_tasks", expected.get("n"))
    found = {column: metrics[pattern.format(kind)]["value"] for column, pattern in COLUMNS[mode].items()}
    assert found == pytest.approx({column: expected[column] for column in found}, abs=5.1e-5)


@pytest.mark.parametrize("mode", COLUMNS)
@pytest.mark.parametrize("section", SECTIONS)
def test_chains(pytester: pytest.Pytester, section: str, mode: str) -> None:
    form, sources, rules = SECTIONS[section]
    rules = ("--set", f"match={mode}", "--set", "arguments=json", *rules)
    assert main(["import", form, *sources, *rules, "-o", str(pytester.path / "out"), "--name", "real"]) == 0
    numbers = reference()[section]
    for names, expected in (numbers["self"] | numbers["cross"]).items():
        teacher, _, student = names.partition(" x ")
        kind = "agreement" if student else "consistency"
        known = LIMITED.get(names, {}) if section == "hotpotqa_react" else {}
        metrics = run(pytester, teacher, student or teacher)["real"]["metrics"]
        assert_figures(metrics, kind, expected | known, mode)


LEADERBOARD = [
    pytest.param(section, pair, mode, id=f"{section}-{place}-{mode}")
    for section in ("bfcl_v4", "bfcl_v1_2024")
    for place, pair in enumerate(reference()[section] if DATA.is_dir() else ())
    for mode in COLUMNS
    if mode == "sequence" or place in (0, 2)
]


@pytest.fixture(scope="module")
def leaderboards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("leaderboards")
    for section in ("bfcl_v4", "bfcl_v1_2024"):
        for mode in COLUMNS:
            rules = ("--set", f"match={mode}", "--set", "arguments=json", "-o", str(out / section / mode))
            assert main(["import", "bfcl", str(DATA / section), *rules]) == 0
    return out


@pytest.mark.parametrize(("section", "pair", "mode"), LEADERBOARD)
def test_leaderboard(pytester: pytest.Pytester, leaderboards: Path, section: str, pair: str, mode: str) -> None:
    teacher, student = pair.split(" x ")
    numbers = reference()[section][pair]
    suites = [leaderboards / section / mode / f"{category}.toolmatch.yaml" for category in numbers]
    found = run(pytester, teacher, student, *suites)
    assert found.keys() == numbers.keys()
    for category, expected in numbers.items():
        assert_figures(found[category]["metrics"], "agreement", expected, mode)
