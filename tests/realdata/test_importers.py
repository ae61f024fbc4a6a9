"""Imports real logs and compares rates computed from the imported chains with reference numbers.

The rates are computed here, in plain Python, so that a mistake in matching can't hide one in importing.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations, product
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import pytest

from pytest_toolmatch.core.chain import Chain, calls_of
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.suites.importers import read_log
from pytest_toolmatch.suites.importers.assemble import Assembly, assemble
from pytest_toolmatch.suites.importers.head import head_of
from pytest_toolmatch.suites.importers.recognise import recognised
from pytest_toolmatch.suites.importers.source import (
    Ignored,
    Imported,
    Offered,
    Options,
    Problem,
    Question,
    Skipped,
    Source,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "realdata"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real logs: {DATA} is absent")

Calls: TypeAlias = list[tuple[str, Any]]
Runs: TypeAlias = dict[str, dict[str, list[Calls]]]
"""Model → case → the calls of every run."""

RATES = ("names", "full", "names_ms", "full_ms", "first", "first_full")


def plain(value: Any) -> Any:
    """Return a value that is equal to another one exactly where the reference holds them equal."""
    match value:
        case bool():
            return ("bool", value)
        case int() | float():
            return float(value)
        case dict():
            return frozenset((key, plain(item)) for key, item in value.items())
        case list():
            return tuple(map(plain, value))
    return value


def calls(chain: Chain) -> Calls:
    return [(call.name, plain(call.arguments if call.arguments is not None else {})) for call in calls_of(chain)]


def rates(one: Calls, other: Calls) -> dict[str, float]:
    names = [[name for name, _ in calls] for calls in (one, other)]
    return {
        "names": names[0] == names[1],
        "full": one == other,
        "names_ms": Counter(names[0]) == Counter(names[1]),
        "full_ms": Counter(one) == Counter(other),
        "first": names[0][:1] == names[1][:1],
        "first_full": one[:1] == other[:1],
    }


def mean_rates(found: Iterable[dict[str, float]]) -> dict[str, float]:
    pairs = list(found)
    return {rate: fmean(pair[rate] for pair in pairs) for rate in RATES}


def self_rates(runs: dict[str, list[Calls]]) -> dict[str, Any]:
    repeated = [drawn for drawn in runs.values() if len(drawn) > 1]
    per_case = [mean_rates(rates(*pair) for pair in combinations(drawn, 2)) for drawn in repeated]
    return mean_rates(per_case) | {
        "n_tasks": len(repeated),
        "mean_len": fmean(len(calls) for drawn in runs.values() for calls in drawn),
        "trials_per_task": {str(drawn): cases for drawn, cases in Counter(map(len, runs.values())).items()},
    }


def cross_rates(one: dict[str, list[Calls]], other: dict[str, list[Calls]]) -> dict[str, Any]:
    shared = [case for case in one if case in other]
    per_case = [mean_rates(rates(*pair) for pair in product(one[case], other[case])) for case in shared]
    return mean_rates(per_case) | {"n_tasks": len(shared)}


def assert_rates(found: dict[str, Any], reference: dict[str, Any]) -> None:
    assert found.get("trials_per_task") == reference.get("trials_per_task")
    expected = {key: value for key, value in reference.items() if key in found and isinstance(value, int | float)}
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=5.1e-5)
    assert len(expected) >= len(RATES) - 2  # the leaderboard's rows have no rates of first calls


@cache
def reference() -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((DATA / "refnumbers.json").read_bytes())
    return numbers


@cache
def imported(form: str, sources: tuple[str, ...], include: tuple[str, ...] = ()) -> Assembly:
    parsed = [Source.parse(source) for source in sources]
    return assemble("real", read_log(form, parsed, Options(include=include)))


def runs_of(assembly: Assembly, *, keep: Sequence[str] = (), failed: bool = True) -> Runs:
    """Return the calls per model and case, of the kept tools alone where some are named."""
    runs: Runs = defaultdict(lambda: defaultdict(list))
    for model, samples in assembly.suites[0].samples.items():
        for sample in samples:
            found = [call for call in calls(sample.chain) if not keep or call[0].rpartition("__")[2] in keep]
            if failed or sample.valid:
                runs[model][sample.case].append(found)
    return runs


def writing(folder: str) -> list[str]:
    types = json.loads((DATA / folder / "tool_types.json").read_bytes())
    return [name for name, kind in types.items() if kind.endswith("WRITE")]


def check(section: str, runs: Runs, **names: str) -> None:
    """Compare with every number of a section; ``names`` are our models for its names that differ."""
    numbers = reference()[section]
    known = {name: names.get(name, name) for name in (*numbers["self"], *" x ".join(numbers["cross"]).split(" x "))}
    for name, expected in numbers["self"].items():
        assert_rates(self_rates(runs[known[name]]), expected)
    for pair, expected in numbers["cross"].items():
        one, other = pair.split(" x ")
        assert_rates(cross_rates(runs[known[one]], runs[known[other]]), expected)


RETAIL = DATA / "claude_code_retail"
SESSIONS = (
    *(f"claude-haiku-4-5={RETAIL}/{run}" for run in ("haiku_run_complete_dataset", "haiku_run_22", "haiku_run")),
    f"claude-haiku-4-5(base_solo prompt)={RETAIL}/haiku_base_solo_complete_dataset",
    *(f"{RETAIL}/{run}" for run in ("sonnet_run_complete_dataset", "sonnet_run_22", "sonnet_run_5", "smoke_test")),
)


@pytest.mark.parametrize("section", ["claude_code_retail", "claude_code_retail_WRITE_only"])
def test_claude_code_retail(section: str) -> None:
    keep = writing("tau2_retail") if section.endswith("WRITE_only") else []
    check(section, runs_of(imported("claude-code", SESSIONS, ("mcp__*",)), keep=keep, failed=False))


def test_claude_code_retail_counts() -> None:
    assembly = imported("claude-code", SESSIONS, ("mcp__*",))
    [suite] = assembly.suites
    assert len(suite.cases) == 62
    assert {model: len(samples) for model, samples in suite.samples.items()} == {
        "claude-haiku-4-5": 78,
        "claude-haiku-4-5(base_solo prompt)": 62,
        "claude-sonnet-4-6": 80,
    }
    assert Counter(sample.outcome for sample in suite.samples["claude-sonnet-4-6"])["infrastructure"] == 5
    assert assembly.counts["calls"] == sum(
        numbers["calls"] for numbers in reference()["validity"]["claude_code_retail"].values()
    )


def test_failed_sessions_are_of_the_model_around_them() -> None:
    [suite] = imported("claude-code", (str(DATA / "claude_code_retail"),), ("mcp__*",)).suites
    failed = {model: sum(not one.valid for one in samples) for model, samples in suite.samples.items()}
    assert failed == {"claude-sonnet-4-6": 5, "claude-haiku-4-5-20251001": 0}


@pytest.mark.parametrize("folder", ["bfcl_v4", "bfcl_v1_2024"])
def test_where_no_function_fits_the_answer_is_no_call(folder: str) -> None:
    suites = {suite.name: suite for suite in imported("bfcl", (str(DATA / folder),)).suites}
    names = {"bfcl_v4": ("irrelevance", "live_irrelevance"), "bfcl_v1_2024": ("relevance",)}[folder]
    for name in names:
        answers = suites[name].samples["reference"]
        assert len(answers) == len(suites[name].cases)
        assert {(sample.outcome, sample.chain) for sample in answers} == {("answered", ())}
    assert "live_relevance" not in suites or "reference" not in suites["live_relevance"].samples


def tool_use_ids(folder: Path) -> set[str]:
    found = set()
    for path in folder.rglob("*.jsonl.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            record = json.loads(line)
            if record.get("type") == "assistant":
                found |= {block["id"] for block in record["message"]["content"] if block["type"] == "tool_use"}
    return found


ACCOUNTS = {
    "claude_code_sessions": {
        "blocks": 478,
        "imported": 356,
        "calls of subagents": 122,
        "files without a session": 17,
        "problems": [],
    },
    "claude_code_retail": {
        "blocks": 1705,
        "imported": 1705,
        "files without a session": 3,
        "problems": ["failed before any model answered"] * 3,
    },
}


@pytest.mark.parametrize("folder", ACCOUNTS)
def test_every_call_of_every_real_session_is_accounted_for(folder: str) -> None:
    records = list(read_log("claude-code", [Source(DATA / folder)]))
    account: Counter[str] = Counter()
    for record in records:
        match record:
            case Imported():
                account["imported"] += len(calls_of(record.chain))
            case Skipped():
                account[record.reason] += record.calls
            case Ignored():
                account[record.reason] += 1
    blocks = len(tool_use_ids(DATA / folder))
    assert sum(account.values()) - account["files without a session"] == blocks
    problems = [record.what.partition(":")[0].partition(";")[0] for record in records if isinstance(record, Problem)]
    assert {"blocks": blocks, **account, "problems": problems} == ACCOUNTS[folder]


def test_arguments_of_claude_codes_own_tools_are_as_it_is_known_to_take_them() -> None:
    tools: dict[str, Tool] = {}
    called: Counter[str] = Counter()
    for folder in ACCOUNTS:
        for record in read_log("claude-code", [Source(DATA / folder)]):
            if isinstance(record, Offered):
                tools |= {tool.name: tool for tool in record.tools}
            for call in calls_of(record.chain) if isinstance(record, Imported) else ():
                if not call.name.startswith("mcp__"):
                    called[call.name] += 1
                    assert ArgumentValidator([tools[call.name]]).problem(call) is None
    assert len(called) == 20
    announced = {name for name, tool in tools.items() if not tool.parameters and not name.startswith("mcp__")}
    assert "CronCreate" in announced


HOTPOT = tuple(
    f"{name}={DATA}/hotpotqa_react/{name}.jsonl.gz" for name in ("claude-sonnet-4-5", "gpt-4o", "llama-3.1-70b")
)


def test_hotpotqa_react() -> None:
    assembly = imported("react", HOTPOT)
    check("hotpotqa_react", runs_of(assembly))
    assert (len(assembly.suites[0].cases), assembly.counts["samples"]) == (60, 1800)


AIRLINE = (
    "claude-opus-4-6__experimental_agent",
    "claude-sonnet-4-5__llm_agent",
    "gpt-4.1__llm_agent",
    "gpt-oss-120b__langchain_agent",
    "qwen2.5-7b__llm_agent",
)


@pytest.mark.parametrize("section", ["tau2_airline", "tau2_airline_WRITE_only"])
def test_tau2_airline(section: str) -> None:
    keep = writing("tau2_airline") if section.endswith("WRITE_only") else []
    sources = tuple(f"{name}={DATA}/tau2_airline/{name}.json.gz" for name in AIRLINE)
    runs = runs_of(imported("tau2", sources), keep=keep)
    panel: dict[str, list[Calls]] = defaultdict(list)
    for model in ("claude-sonnet-4-5__llm_agent", "claude-opus-4-6__experimental_agent"):
        for case, drawn in runs[model].items():
            panel[case] += drawn
    runs["claude-panel(sonnet4.5+opus4.6 runs)"] = panel
    check(section, runs)


def test_two_agents_under_one_label_are_a_panel() -> None:
    sources = tuple(f"panel={DATA}/tau2_airline/{name}.json.gz" for name in AIRLINE[:2])
    runs = runs_of(imported("tau2", sources))
    assert_rates(self_rates(runs["panel"]), reference()["tau2_airline"]["self"]["claude-panel(sonnet4.5+opus4.6 runs)"])


@pytest.mark.parametrize("section", ["tau2_retail", "tau2_retail_WRITE_only"])
def test_tau2_retail(section: str) -> None:
    keep = writing("tau2_retail") if section.endswith("WRITE_only") else []
    agent = f"claude-code(agent)={DATA}/tau2_retail/claude-code__taubench1fmt.json.gz"
    others = (path for path in sorted((DATA / "tau2_retail").glob("*.gz")) if not path.name.startswith("claude-code"))
    assembly = imported("tau2", (agent, *map(str, others)))
    check(section, runs_of(assembly, keep=keep))
    assert (assembly.counts["runs found twice"], len(assembly.suites[0].cases)) == (8, 62)


def test_tau2_telecom_solo() -> None:
    source = f"gpt-4.1={DATA}/tau2_telecom_solo/gpt-4.1__4trials.json.gz"
    check("tau2_telecom_solo", runs_of(imported("tau2", (source,))))


def test_taubench1_airline() -> None:
    assembly = imported("tau-bench", (f"{DATA}/taubench1_airline/gpt-4o__4trials.json.gz",))
    check("taubench1_airline", runs_of(assembly))
    assert (assembly.counts["samples"], assembly.counts["calls"]) == (120, 810)


def leaderboard(folder: str) -> dict[str, dict[str, dict[str, Calls]]]:
    """Return model → category → case → calls; the leaderboard has one run of each model."""
    assembly = imported("bfcl", (str(DATA / folder),))
    found: dict[str, dict[str, dict[str, Calls]]] = defaultdict(dict)
    for suite in assembly.suites:
        for model, samples in suite.samples.items():
            found[model][suite.name] = {sample.case: calls(sample.chain) for sample in samples}
    return found


def pair_rates(one: dict[str, Calls], other: dict[str, Calls]) -> dict[str, Any]:
    shared = [case for case in one if case in other]
    per_case = {case: rates(one[case], other[case]) for case in shared}
    both = [per_case[case]["full_ms"] for case in shared if one[case] and other[case]]
    return mean_rates(per_case.values()) | {
        "n": len(shared),
        "n_both_called": len(both),
        "full_ms_both_called": fmean(both) if both else None,
        "nocall_a": sum(not one[case] for case in shared),
        "nocall_b": sum(not other[case] for case in shared),
    }


@pytest.mark.parametrize(("folder", "rows"), [("bfcl_v4", 54), ("bfcl_v1_2024", 77)])
def test_bfcl(folder: str, rows: int) -> None:
    found = leaderboard(folder)
    checked = 0
    for pair, categories in reference()[folder].items():
        one, other = pair.split(" x ")
        for category, expected in categories.items():
            assert_rates(pair_rates(found[one][category], found[other][category]), expected)
            checked += 1
    assert checked == rows


@pytest.mark.parametrize(("folder", "suites", "cases"), [("bfcl_v4", 16, 2541), ("bfcl_v1_2024", 7, 834)])
def test_bfcl_counts(folder: str, suites: int, cases: int) -> None:
    assembly = imported("bfcl", (str(DATA / folder),))
    assert (len(assembly.suites), sum(len(suite.cases) for suite in assembly.suites)) == (suites, cases)
    toolless = [suite.name for suite in assembly.suites for case in suite.cases if not case.tools]
    assert set(toolless) <= {"live_irrelevance"}
    assert {problem.what.lstrip("0123456789 ").split(":")[0] for problem in assembly.problems} <= {
        "more than 64 possible answers",
        "text with calls outside of BFCL's form",
        "texts with calls outside of BFCL's form",
    }


def test_the_possible_answers_hold_what_claude_called_mostly() -> None:
    found = imported("bfcl", (str(DATA / "bfcl_v4"),))
    [suite] = [suite for suite in found.suites if suite.name == "simple_python"]
    answers = defaultdict(list)
    for sample in suite.samples["reference"]:
        answers[sample.case].append(calls(sample.chain))
    samples = suite.samples["claude-sonnet-4-5-20250929-FC"]
    right = sum(calls(sample.chain) in answers[sample.case] for sample in samples)
    _, n, rate = reference()["bfcl_v4_ast_accuracy_recomputed"]["claude-sonnet-4-5-20250929-FC"]["simple_python"]
    assert len(samples) == n == 240
    assert right / n == pytest.approx(rate, abs=0.05)  # its checker folds case and punctuation of strings


@pytest.mark.parametrize("form", ["bfcl", "claude-code", "claude-code-otel", "otel", "react", "tau-bench", "tau2"])
@pytest.mark.parametrize("folder", ["otel_langfuse", "codex_rollouts", "gemini_cli", "inspect_ai", "hotpotqa_react"])
def test_foreign_logs_are_reported_and_never_a_crash(form: str, folder: str) -> None:
    records = list(read_log(form, [Source(DATA / folder)]))
    assert form == "react" or all(isinstance(record, Problem | Question | Ignored) for record in records)


CALL = re.compile(
    r'"type": *"(?:tool_use|tool_call|function_call)"|toolCallId|"function_call":|"function": *\{"(?:name|arg)'
)


def raw_calls_of_langfuse(path: Path) -> int:
    """Count calls in the outputs of the generations, by the marks that the seven frameworks write."""
    observations = json.loads(gzip.decompress(path.read_bytes()))["observations"]
    outputs = [json.dumps(one["output"]) for one in observations if one["type"] == "GENERATION"]
    return sum(len(CALL.findall(output.replace("\\", ""))) for output in outputs)


def accounted(form: str, path: Path) -> tuple[int, int, list[str]]:
    """Return the calls imported, those left out by a rule, and the problems."""
    records = list(read_log(form, [Source(path)]))
    calls = sum(len(calls_of(record.chain)) for record in records if hasattr(record, "chain"))
    skipped = sum(record.calls for record in records if isinstance(record, Skipped))
    return calls, skipped, [record.what for record in records if isinstance(record, Problem)]


LANGFUSE = {
    "claude-agent": (2, 0),
    "google-adk": (1, 0),
    "koog": (2, 0),
    "langgraph-python": (1, 0),
    "openai-agents": (1, 0),
    "pydantic-ai-tools": (4, 0),
    "vercel-aisdk": (1, 1),
}


@pytest.mark.parametrize("name", LANGFUSE)
def test_every_call_of_langfuse_exports_is_accounted_for(name: str) -> None:
    [path] = (DATA / "otel_langfuse").glob(f"{name}*")
    calls, skipped, problems = accounted("langfuse", path)
    assert (calls, skipped) == LANGFUSE[name]
    assert calls + skipped == raw_calls_of_langfuse(path)
    assert problems == []


@pytest.mark.parametrize("name", ["helm", "tempo_export_with_batches"])
def test_every_call_of_opentelemetry_traces_is_accounted_for(name: str) -> None:
    path = DATA / "otel_jaeger_tempo" / f"{name}.json.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    in_completions = len(re.findall(r'"gen_ai\.completion\.\d+\.tool_calls\.\d+\.name"', text))
    in_responses = len(re.findall(r'\\"function_call\\":\{', text.replace(": {", ":{")))
    in_requests = len(re.findall(r'\\"function_call\\": \{', text))
    calls, skipped, problems = accounted("otel", path)
    assert (calls, skipped, problems) == (in_completions, in_responses - in_requests, []) == (1, 1, [])


def test_events_of_claude_code_without_arguments_are_counted_and_the_reason_said() -> None:
    path = DATA / "claude_code_otel" / "otel-events.sample.jsonl.gz"
    names = [json.loads(line)["name"] for line in gzip.decompress(path.read_bytes()).splitlines()]
    calls, skipped, problems = accounted("claude-code-otel", path)
    assert (calls, skipped) == (0, names.count("tool_result")) == (0, 5)
    assert all("OTEL_LOG_TOOL_DETAILS" in problem for problem in problems)


FOLDERS = {
    "bfcl_v1_2024": "bfcl",
    "bfcl_v4": "bfcl",
    "claude_code_otel": "claude-code-otel",
    "claude_code_retail": "claude-code",
    "claude_code_sessions": "claude-code",
    "hotpotqa_react": "react",
    "otel_jaeger_tempo": "otel",
    "otel_langfuse": "langfuse",
    "tau2_airline": "tau2",
    "tau2_telecom_solo": "tau2",
    "taubench1_airline": "tau-bench",
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_real_log_is_recognised(folder: str) -> None:
    paths = [path for path in (DATA / folder).rglob("*") if path.name.endswith((".gz", ".jsonl"))]
    heads = {path: head_of(path) for path in paths}
    named = {recognised(head.records) for head in heads.values() if head.problem != "the file is empty"}
    assert named == {FOLDERS[folder]}


@pytest.mark.parametrize("folder", ["claude_code_sessions", "otel_jaeger_tempo", "tau2_airline"])
def test_recognising_a_directory_imports_what_its_format_does(folder: str) -> None:
    auto, known = (list(read_log(form, [Source(DATA / folder)])) for form in ("auto", FOLDERS[folder]))
    runs = [[record for record in records if isinstance(record, Imported)] for records in (auto, known)]
    assert runs[0] == runs[1] != []
