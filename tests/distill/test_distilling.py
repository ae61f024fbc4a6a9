"""``toolmatch distill``: what a student learns, what an interruption costs, and what is refused."""

from __future__ import annotations

import contextlib
import itertools
import json
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.cli import main
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import ConfigError, ToolmatchError
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill import start
from pytest_toolmatch.distill.distilling import distill
from pytest_toolmatch.distill.options import Options
from pytest_toolmatch.distill.start import start_of
from pytest_toolmatch.pocket.model import open_model
from pytest_toolmatch.pocket.weights import write
from tests.distill.teachers import TEACHER, TINY, TOOLS, asked, made_up, record, record_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = list(asked(40, seed=3))


def need_torch() -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'pytest-toolmatch[distill]'")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that knows nothing, to start from."""
    need_torch()
    return write(tmp_path_factory.mktemp("tiny"), "tiny", TINY, start._untrained(TINY, 0), {}).parent


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def brief(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs too short to learn much."""
    assert tiny
    monkeypatch.setattr("pytest_toolmatch.distill.learning.FEWEST_STEPS", 20)


def options(tiny: Path, **more: object) -> Options:
    return Options(start=str(tiny), epochs=0.1, draws=2, held_out=4, **more)  # type: ignore[arg-type]


def run(suite: Path, tiny: Path, out: str = "out", **more: object) -> list[str]:
    return list(distill([suite], Path(out), options(tiny, **more)))


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def matches(said: list[str]) -> dict[str, float]:
    """Return the match of each row of the table, by its name."""
    table = said[said.index("") + 2 :]
    rows = [line.split("  ") for line in table[: table.index("")]]
    return {row[0]: float(next(cell for cell in row[1:] if "." in cell)) for row in rows}


def test_a_student_learns_what_its_teacher_does(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_toolmatch.distill.learning.FEWEST_STEPS", 150)
    record(Path("suites"), list(asked(80)))
    wanted = ["--from", str(tiny), "--draws", "4", "--epochs", "1"]
    assert main(["distill", "suites", "-o", "out", *wanted]) == 0
    said = capsys.readouterr().out.splitlines()
    found = matches(said)
    assert found[str(tiny)] < 0.5
    assert found["out"] > 0.8
    assert found["teacher again"] == 1
    assert any(line.startswith("gain: +") for line in said)
    calls = open_model("out").answer(user("weather of Lima bax dero"), TOOLS).calls
    assert calls == (Call("get_weather", {"city": "Lima"}),)


@pytest.mark.usefixtures("brief")
def test_a_curve_has_a_student_for_each_number_of_examples(tiny: Path) -> None:
    said = run(record(Path("suites"), FEW), tiny, curve=(5, 10, 5000))
    train = int(said[0].partition("train ")[2].split()[0])
    assert list(matches(said)) == [str(tiny), "out/5", "out/10", f"out/{train}", "teacher again"]
    assert [open_model(f"out/{size}").network.shape for size in (5, 10, train)] == [TINY] * 3


@pytest.mark.usefixtures("brief")
def test_cases_may_have_conversations_and_tools_of_their_own(tiny: Path) -> None:
    said = run(record_suite(Path("suites"), *made_up(40)), tiny)
    assert said[0].startswith(f"{TEACHER}: 40 recorded cases, 80 samples: ")
    assert matches(said)["teacher again"] == 1


def stop_at(lines: Iterator[str], count: int) -> list[str]:
    """Read until so many steps were told, press Ctrl-C, and read the rest."""
    seen = list(itertools.takewhile(lambda line: f"step {count} of" not in line, lines))
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        seen.extend(lines)  # what came before the end is kept
    assert ended.value.code == 130
    return seen


@pytest.mark.usefixtures("brief")
def test_a_run_that_was_stopped_goes_on_to_the_same_end(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    seen = stop_at(distill([suite], Path("out"), options(tiny)), 4)
    assert seen[-1].startswith("stopped: the best so far is pocket:out")
    before = open_model("out")
    assert json.loads(Path("out/student.json").read_text())["made"]["finished"] is False
    said = run(suite, tiny)
    assert any("goes on from step" in line for line in said)
    run(suite, tiny, "whole")
    assert files("out") == files("whole")
    assert set(files("out")) == {"student.json", "student.weights"}
    assert before.network.shape == TINY


@pytest.mark.usefixtures("brief")
def test_what_is_finished_is_judged_again_and_not_trained(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    first, kept = run(suite, tiny), files("out")
    again = run(suite, tiny)
    assert any("trained already" in line for line in again)
    assert (files("out"), again[-1]) == (kept, first[-1])
    assert [line for line in again if "chain_match" in line] == [line for line in first if "chain_match" in line]


@pytest.mark.usefixtures("brief")
def test_another_student_is_never_overwritten(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    run(suite, tiny)
    kept = files("out")
    with pytest.raises(ConfigError, match="out holds a student of other recordings or options: choose another"):
        run(suite, tiny, seed=1)
    assert files("out") == kept


@pytest.mark.usefixtures("brief")
def test_an_interrupted_run_of_other_data_is_left_alone(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    stop_at(distill([suite], Path("out"), options(tiny)), 4)
    Path("out/student.json").unlink()
    with pytest.raises(ConfigError, match="out holds an interrupted run"):
        run(suite, tiny, seed=1)


@contextlib.contextmanager
def full(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("brief")
def test_a_full_disk_is_told_and_nothing_is_half_written(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    with full(8192), pytest.raises(ConfigError, match="can't be kept: File too large"):
        run(suite, tiny)
    assert files("out") == {}
    run(suite, tiny)


@pytest.mark.usefixtures("brief")
def test_tools_beyond_the_model_are_named_and_their_calls_left_out(tiny: Path) -> None:
    matrix = {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}
    odd = Tool(name="invert", parameters={"type": "object", "properties": {"m": matrix}, "required": ["m"]})
    told = [(query, ((Call("invert", {"m": [[1]]}),),) if "music" in query else chain) for query, chain in FEW]
    said = run(record(Path("suites"), told, (*TOOLS, odd)), tiny)
    assert any(line.startswith("  ! 1 of 4 tools left out") and "invert (m: " in line for line in said)
    assert any("turns left out, where calls can't be said" in line for line in said)


def test_a_tool_with_too_much_to_choose_from_is_beyond_the_model() -> None:
    choices = {"type": "string", "enum": [f"zone {number}" for number in range(420)]}
    one = {"type": "object", "properties": {"zone": choices}, "required": ["zone"]}
    many = {"type": "object", "properties": {f"zone{number}": choices for number in range(7)}}
    any_form = {"type": "object", "properties": {"filter": {"type": "object"}}, "required": ["filter"]}
    tools = [Tool(name=name, parameters=each) for name, each in (("one", one), ("many", many), ("free", any_form))]
    assert start.beyond(tools) == {
        "many": "more arguments and choices than it reads",
        "free": "filter: an object of any form",
    }


@pytest.mark.usefixtures("brief")
def test_a_student_named_like_a_shipped_model_is_the_folder(tiny: Path) -> None:
    said = run(record(Path("suites"), FEW), tiny, "small")
    assert said[-1].endswith("--toolmatch-student=pocket:./small")


@pytest.mark.usefixtures("brief")
def test_a_broken_manifest_in_the_way_is_told(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    run(suite, tiny)
    Path("out/student.json").write_text("{")
    assert any("step 20 of 20" in line for line in run(suite, tiny))


@pytest.mark.parametrize("wrong", ["inf", "nan", "-1", "many"])
@pytest.mark.parametrize("option", ["--epochs", "--temperature"])
def test_a_number_that_is_none_is_a_usage_error(option: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["distill", "suites", "-o", "out", f"{option}={wrong}"])
    assert ended.value.code == 4
    assert f"'{wrong}' is no number from 0 on" in capsys.readouterr().err


@pytest.mark.usefixtures("brief")
def test_a_size_from_scratch_and_a_start_exclude_each_other(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    with pytest.raises(ConfigError, match="has a size of its own"):
        run(suite, tiny, size="small")


def test_scratch_begins_with_chance() -> None:
    need_torch()
    one, other = (start_of(size="small", seed=seed) for seed in (1, 2))
    assert one.scratch
    assert one.digest() == start_of(size="small", seed=1).digest() != other.digest()


def test_too_few_cases_are_refused(tiny: Path) -> None:
    suite = record(Path("suites"), FEW[:19])
    with pytest.raises(
        ToolmatchError, match=f"^{TEACHER}: 19 recorded cases to learn from, and at least 20 are needed"
    ):
        run(suite, tiny)
    assert not Path("out").exists()


def test_cases_that_are_all_alike_are_refused(tiny: Path) -> None:
    suite = record(Path("suites"), [(f"weather of {place}", ()) for place in range(30)])
    with pytest.raises(ConfigError, match="the 30 cases make 1 group of near-duplicates"):
        run(suite, tiny)


def test_a_place_that_cannot_be_is_told(tiny: Path) -> None:
    suite = record(Path("suites"), FEW)
    Path("taken").write_text("")
    with pytest.raises(ConfigError, match="taken: this is a file"):
        run(suite, tiny, "taken")
    with pytest.raises(ConfigError, match="taken/below: can't be made: Not a directory"):
        run(suite, tiny, "taken/below")


def test_foreign_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    suite = record(Path("suites"), FEW)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tiny.json").write_bytes((tiny / "tiny.json").read_bytes())
    (broken / "tiny.weights").write_bytes((tiny / "tiny.weights").read_bytes()[:-1] + b"?")
    with pytest.raises(ConfigError, match="checksum differs"):
        run(suite, broken)
