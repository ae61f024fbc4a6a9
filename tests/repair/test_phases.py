"""Phases in a row: how they are written, what each starts from and may spend, and the table they end in."""

from __future__ import annotations

import _thread
import re
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.repair import demonstrating
from pytest_toolmatch.repair.candidate import example_ids, with_examples
from pytest_toolmatch.repair.curated import choose
from pytest_toolmatch.repair.phase import Mended
from pytest_toolmatch.repair.phases import PHASES, Named, best, phases_of, run_phases
from tests.repair.planted import TRAIN, VALIDATION, Planted, ground, match, write_suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.phase import Ground


def test_phases_are_read_with_their_example_counts() -> None:
    pytest.importorskip("dspy", reason="DSPy is not installed: pip install 'pytest-toolmatch[dspy]'")
    assert phases_of(["dspy=20", " examples:curated ", "bootstrap:curated=8"]) == (
        Named(optimiser="dspy", size=20),
        Named(optimiser="examples", curated=True),
        Named(optimiser="bootstrap", curated=True, size=8),
    )
    assert [str(one) for one in phases_of(["examples=3", "examples:curated=3"])] == ["examples", "examples:curated"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["exampels"], r"no phase is named 'exampels'; did you mean 'examples'\?; there are gepa, examples, "),
        (
            ["examples:best"],
            r"phase 'examples:best': write examples, examples:curated, examples=20 or examples:curated=20",
        ),
        (["examples=0"], "phase 'examples=0': write"),
        ([""], "no phase is named ''"),
        ([], "no phase is named; there are gepa, examples, bootstrap, dspy: say --phases gepa"),
    ],
)
def test_what_is_no_phase_is_one_clear_line(written: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        phases_of(written)


def test_a_phase_whose_package_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dspy", None)
    with pytest.raises(ConfigError, match=r"phase dspy needs dspy: pip install 'pytest-toolmatch\[dspy\]'"):
        phases_of(["dspy"])


@pytest.mark.parametrize("name", PHASES)
def test_every_phase_is_there(name: str) -> None:
    pytest.importorskip({"gepa": "gepa", "examples": "json"}.get(name, "dspy"))
    assert callable(Named(optimiser=name).phase())


class Ran(NamedTuple):
    made: list[tuple[str, Mended]]
    best: Candidate
    match: float
    rollouts: int
    said: list[str]


def run(server: Planted, folder: Path, *written: str, kept_back: int = 0, **options: object) -> Ran:
    said: list[str] = []
    with ground(server, folder, **options) as own:
        start = own.components.start
        made = run_phases(phases_of(written), own, start, said.append, kept_back)
        rollouts, found = own.evaluator.rollouts, best(made, start)
        return Ran(made, found, match(own, found), rollouts, said)


def test_each_phase_learns_from_its_cases_and_the_last_one_taken_is_the_best(tmp_path: Path) -> None:
    with Planted() as server:
        ran = run(server, tmp_path, "examples=8", "examples:curated", rollouts=300)
    assert [(name, one.learnt_from) for name, one in ran.made] == [("examples", 8), ("examples:curated", 8)]
    assert ran.match == 1
    assert ran.best == ran.made[-1][1].candidate
    assert ran.rollouts <= 300
    assert ran.said[0].startswith("  examples: 8 training cases, ")


def test_a_phase_that_makes_it_worse_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Candidate] = []

    def worsen(own: Ground, start: Candidate, _say: object) -> Mended:
        started.append(start)
        return Mended(with_examples(start, []), len(own.train))

    turns = iter([demonstrating.demonstrate, worsen, worsen])

    def in_turn(own: Ground, start: Candidate, say: Callable[[str], None]) -> Mended:
        return next(turns)(own, start, say)

    monkeypatch.setattr(demonstrating, "demonstrate", in_turn)
    with Planted() as server:
        ran = run(server, tmp_path, "examples", "examples", "examples")
    assert [one.taken for _, one in ran.made] == [True, False, False]
    assert started == [ran.made[0][1].candidate] * 2
    assert ran.best == ran.made[0][1].candidate
    assert "worse in validation, and left" in ran.said[-1]


def test_the_rollouts_are_shared_and_some_are_kept_back(tmp_path: Path) -> None:
    with Planted(noise=0.15) as server:
        ran = run(server, tmp_path, "examples", "examples", "examples", rollouts=200, draws=2, kept_back=40)
    assert 90 < ran.rollouts <= 160


def test_the_same_command_again_comes_to_the_same_and_pays_for_nothing(tmp_path: Path) -> None:
    with Planted(noise=0.15) as server:
        first = run(server, tmp_path, "examples=6", "examples:curated=6")
        asked = len(server.requests)
        assert run(server, tmp_path, "examples=6", "examples:curated=6") == first
        assert len(server.requests) == asked


def test_dspy_and_examples_in_a_row(tmp_path: Path) -> None:
    pytest.importorskip("dspy", reason="DSPy is not installed: pip install 'pytest-toolmatch[dspy]'")
    with Planted() as server:
        ran = run(server, tmp_path, "bootstrap", "dspy", "examples:curated")
    assert ran.match == 1
    assert [name for name, _ in ran.made] == ["bootstrap", "dspy", "examples:curated"]


def repair(server: Planted, path: Path, *more: str) -> int:
    models = {"teacher": "teacher", "student": "student", "reflect-with": "reflection"}
    named = [text for role, name in models.items() for text in (f"--{role}", f"local:{name}@{server.url}/v1")]
    return main(["repair", str(path), *named, "--rollouts", "300", *more])


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_suite(tmp_path)


def test_the_command_ends_in_a_table_with_every_phase(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("dspy", reason="DSPy is not installed: pip install 'pytest-toolmatch[dspy]'")
    with Planted() as server:
        assert repair(server, suite, "--phases", "dspy=10,examples:curated=8") == 0
    printed = capsys.readouterr().out
    assert re.search(r"rollouts · programs tried: 1 · match 0\.\d\d in training", printed)
    assert re.search(r"^optimizer +training examples +match with the teacher", printed, re.MULTILINE)
    rows = [re.escape(name) + rf" +{count} +\d\.\d\d +\d\.\d\d–\d\.\d\d$" for name, count in TABLE.items()]
    assert re.search("\n".join(rows), printed, re.MULTILINE), printed
    assert "accepted: 0." in printed
    assert "prompt length against match on the cases it was chosen by" in printed
    assert "role: tool" in suite.read_text()


@pytest.mark.parametrize("phases", ["dspy", "examples"])
def test_a_run_that_was_interrupted_goes_on_and_ends_alike(
    suite: Path, phases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if phases == "dspy":
        pytest.importorskip("dspy", reason="DSPy is not installed: pip install 'pytest-toolmatch[dspy]'")
    before, ends = suite.read_text(), []

    def interrupt(number: int) -> None:
        if number == 350:  # the phase is under way
            _thread.interrupt_main()

    with Planted(heard=interrupt) as server:
        with pytest.raises(SystemExit) as ended:
            repair(server, suite, "--phases", phases)
        assert ended.value.code == 130
        assert suite.read_text() == before
        assert "interrupted: what was drawn is kept in" in capsys.readouterr().out
        asked = len(server.requests)
        repair(server, suite, "--phases", phases)
        ends.append((suite.read_text(), capsys.readouterr().out))
        again = len(server.requests) - asked
    suite.write_text(before)
    shutil.rmtree(suite.parent / ".repair")
    with Planted() as server:
        repair(server, suite, "--phases", phases)
        ends.append((suite.read_text(), capsys.readouterr().out))
        whole = len(server.requests)
    assert ends[0][0] == ends[1][0] != before
    assert _outcome(ends[0][1]) == _outcome(ends[1][1])
    assert again < whole - 200


def _outcome(printed: str) -> list[str]:
    """Return the lines that say how it went and what it came to, but for what was paid this time."""
    return [line for line in printed.splitlines() if "calls" not in line and not line.startswith(("written", "next"))]


TABLE = {"(as it is)": 0, "dspy": 10, "examples:curated": 8}


@pytest.mark.parametrize("phase", [name for name in PHASES if name != "gepa"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_case_or_two_to_learn_from_are_no_fault(phase: str, count: int, tmp_path: Path) -> None:
    if phase != "examples":
        pytest.importorskip("dspy", reason="DSPy is not installed: pip install 'pytest-toolmatch[dspy]'")
    with Planted() as server:
        ran = run(server, tmp_path, f"{phase}={count}", rollouts=40)
    assert ran.made[0][1].learnt_from == count
    assert ran.rollouts <= 40


def test_fewer_cases_are_drawn_by_the_seed_and_keep_their_order(tmp_path: Path) -> None:
    named = Named(optimiser="examples", size=5)
    with Planted() as server, ground(server, tmp_path) as own:
        seeded = [replace(own, options=msgspec.structs.replace(own.options, seed=seed)) for seed in (1, 2)]
        by_seed = [named.cases(one) for one in seeded]
        assert named.cases(own) == named.cases(own)
        assert by_seed[0] != by_seed[1]
        assert list(by_seed[0]) == [case for case in TRAIN if case in by_seed[0]]
        assert Named(optimiser="examples", size=500).cases(own) == TRAIN
        assert len(Named(optimiser="examples", curated=True).cases(own)) == 8


def test_chosen_cases_have_one_of_each_kind_and_of_those_the_ones_that_fail(tmp_path: Path) -> None:
    with Planted() as server, ground(server, tmp_path) as own:
        own.evaluator.evaluate([(own.components.start, case, 1) for case in TRAIN])
        drawn = own.evaluator.rollouts
        tools = {one for case in TRAIN for one in _tools(own, case)}
        for size in range(1, len(TRAIN) + 3):
            chosen = choose(own, size)
            assert len(chosen) == min(size, len(TRAIN))
            assert list(chosen) == [case for case in TRAIN if case in chosen]
            assert size < 2 * len(tools) or {one for case in chosen for one in _tools(own, case)} == tools
        failing = [_fails(own, case) for case in choose(own, 8)]
        assert sum(failing) / 8 > sum(_fails(own, case) for case in TRAIN) / len(TRAIN)
        assert own.evaluator.rollouts == drawn


def _tools(own: Ground, case: Case) -> list[str]:
    reference = own.evaluator.scorer.reference(case)
    return names_of(reference.chain) if reference else []


def _fails(own: Ground, case: Case) -> bool:
    return own.evaluator.evaluate([(own.components.start, case, 1)])[0].score < 1


def test_parts_of_the_trial_do_not_overlap() -> None:
    assert not {case.id for case in TRAIN} & {case.id for case in VALIDATION}
    assert example_ids({}) == []
