"""``toolmatch curate`` and ``import`` with ``--engine ray``: a cluster finds what this process finds, to the bit."""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_toolmatch import importing
from pytest_toolmatch.core.errors import ConfigError, ServiceFault, SuiteError
from pytest_toolmatch.curating import stages
from pytest_toolmatch.curating.curate import curate
from pytest_toolmatch.curating.embedders import on_engine
from pytest_toolmatch.curating.judged import subjects
from pytest_toolmatch.curating.kept import Kept
from pytest_toolmatch.curating.logged import read_logs
from pytest_toolmatch.curating.options import CurateOptions
from pytest_toolmatch.curation.car import nested
from pytest_toolmatch.curation.families import families
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.engines.local import Local
from pytest_toolmatch.engines.ray import Ray
from pytest_toolmatch.suites.importers.parts import Elsewhere
from tests.curating.test_curate import logs
from tests.suites.importers.mixed import SECRET, write_mixed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.engines.engine import Engine

pytestmark = pytest.mark.skipif(
    not find_spec("ray"), reason="Ray is not installed: pip install 'pytest-toolmatch[ray]'"
)

COMMAND = (sys.executable, "-c", "import sys; from pytest_toolmatch.cli import main; sys.exit(main())")
CITIES = tuple(f"{a}{b}ville" for a in "BDFGKLMNPRSTVZ" for b in ("a", "e", "i", "o", "u", "ai"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Start a cluster of two workers, with a token of its own; this process is connected to it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("MODE", "token"), ("TOKEN", secrets.token_hex(16))):
            patch.setenv(f"RAY_AUTH_{name}", value)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray  # noqa: PLC0415 - it reads these when it is imported

        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            object_store_memory=128 * 2**20,
        )
        yield ray.get_runtime_context().gcs_address
        ray.shutdown()


@pytest.fixture
def engine(cluster: str) -> Iterator[Engine]:
    with Ray(cluster) as found:
        yield found


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found_by(engine: Engine) -> list[Any]:
    """Return all that the stages find, as bytes where it is numbers."""
    read = read_logs([Path("logs")], CurateOptions(teacher="large"))
    cases = [one for one in subjects(read, engine) if one]
    rows = stages.embedded_cases(cases, on_engine(Hashed(), engine))
    found = stages.without_duplicates(cases, rows, 0.22, engine)
    clusters = nested(rows, range(len(rows)), found.strata, engine.map)
    kin = families(
        [one.asked for one in cases], [one.case.conversation for one in cases], found.stands.tolist(), engine.map
    )
    return [
        cases,
        rows.tobytes(),
        found.stands.tolist(),
        found.likeness.tobytes(),
        found.curve,
        clusters,
        kin,
        len(set(clusters)),
    ]


@pytest.mark.parametrize("exact", [10_000, 60])
def test_a_cluster_finds_what_this_process_finds(engine: Engine, monkeypatch: pytest.MonkeyPatch, exact: int) -> None:
    monkeypatch.setattr(stages, "EXACT", exact)  # more rows than that are put into clusters first
    logs(cities=CITIES)
    here, there = found_by(Local()), found_by(engine)
    assert len(here[0]) == 4 * len(CITIES)
    assert here == there
    assert here[-1] > len(set(here[2])) / 100
    assert 0 < max(here[4].values()) < len(here[0])


def test_several_workers_have_a_part_and_results_come_in_order(engine: Engine) -> None:
    def late(number: int) -> tuple[int, int]:
        time.sleep(0.02 * (number % 3))
        return number, os.getpid()

    found = list(engine.map(late, iter(range(40))))
    assert [number for number, _ in found] == list(range(40))
    assert len({worker for _, worker in found} - {os.getpid()}) >= 2


def test_blocks_are_asked_for_little_by_little(engine: Engine) -> None:
    asked = []
    results = engine.map(abs, (asked.append(number) or number for number in range(1000)))
    next(results)
    assert len(asked) < 10


def test_what_a_block_raises_is_raised_here(engine: Engine) -> None:
    def wrong(_: int) -> None:
        raise SuiteError("cases.jsonl:3: a reason")

    with pytest.raises(SuiteError, match=r"^cases.jsonl:3: a reason$"):
        list(engine.map(wrong, [1]))


def test_a_worker_that_dies_is_one_line(engine: Engine) -> None:
    def fatal(_: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ServiceFault, match=r"^Ray at .*`ray status`, then run the same command again$") as raised:
        list(engine.map(fatal, [1]))
    assert "\n" not in str(raised.value)


def test_linear_algebra_has_one_thread(engine: Engine) -> None:
    def threads(_: int) -> int:
        from threadpoolctl import threadpool_info  # noqa: PLC0415 - looked at where it runs

        np.ones((2, 2)) @ np.ones((2, 2))
        return max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")

    assert list(engine.map(threads, [1])) == list(Local().map(threads, [1])) == [1]


def test_what_a_partial_holds_is_not_copied_for_every_block(engine: Engine) -> None:
    rows = np.ones((50_000, 64), np.float32)
    # It lies in the memory that workers share, which nobody may write to.
    assert list(engine.map(partial(_writable, rows), [1, 2])) == [False, False]


def _writable(rows: Any, _: int) -> bool:
    return bool(rows.flags.writeable)


class Lengths:
    """An embedder whose rows say who made them; it stands for a large model."""

    name, epsilon = "lengths", 0.1

    def rows(self, texts: Any) -> Iterator[Any]:
        yield self.work(texts)(texts)

    def work(self, _: Any) -> Any:
        return lambda some: np.array([[len(text), os.getpid()] for text in some], np.float64)


def test_what_workers_embedded_is_kept(engine: Engine, tmp_path: Path) -> None:
    texts = ["a" * (number % 50) for number in range(6000)]
    rows, again = (
        np.vstack(list(Kept(one, tmp_path).rows(texts))) for one in (on_engine(Lengths(), engine), Lengths())
    )
    assert rows[:, 0].tolist() == [len(text) for text in texts]
    assert os.getpid() not in rows[:, 1]
    assert again.tolist() == rows.tolist()


CURATE = ("curate", "logs", "-o", "there", "--teacher", "large")


def started(
    cluster: str, *options: str, command: tuple[str, ...] = CURATE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *command, "--engine", "ray", *options],
        env=os.environ | {"RAY_ADDRESS": cluster} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_writes_the_same_files(cluster: str) -> None:
    logs()
    said = list(curate([Path("logs")], Path("here"), CurateOptions(teacher="large", size=8, evaluate=8)))
    done = started(cluster, "--size", "8", "--evaluate", "8")
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first == f"on Ray at {cluster}: 2 processors of 1 node"
    assert rest == "\n".join(said).replace("here/", "there/").splitlines()
    assert len(same_files()) == 12


def same_files() -> list[Path]:
    """Return the files of ``here``, which are those of ``there``."""
    files, others = (sorted(one for one in Path(root).rglob("*") if one.is_file()) for root in ("here", "there"))
    assert [one.relative_to("here") for one in files] == [one.relative_to("there") for one in others]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(files, others, strict=True))
    return files


@pytest.mark.parametrize("form", ["claude-code", "requests", "auto"])
def test_an_import_writes_and_says_the_same(cluster: str, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    write_mixed(Path("logs"))
    monkeypatch.setattr(importing, "Elsewhere", partial(Elsewhere, size=4000))
    log = "logs/claude" if form == "claude-code" else "logs/requests" if form == "requests" else "logs"

    def said(output: str, **engine: str) -> list[str]:
        lines = importing.import_suites(form, [log], output=Path(output), name="mine", verbose=True, **engine)
        return "\n".join(lines).replace(f"{output}/", "").replace(f" {output} ", " ").splitlines()

    first, *rest = said("there", engine="ray", ray_address=cluster)
    assert first == f"on Ray at {cluster}: 2 processors of 1 node"
    assert rest == said("here")
    assert len(rest) > 10
    assert len(same_files()) > 3
    assert not any(SECRET in one.read_text() for one in Path("there").rglob("*.jsonl"))


def test_an_import_without_a_cluster_is_one_line() -> None:
    write_mixed(Path("logs"))
    command = ("import", "auto", "logs", "-o", "there")
    done = started("", "--ray-address", "127.0.0.1:1", command=command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert "nobody answers at 127.0.0.1:1" in done.stderr
    assert not Path("there").exists()


@pytest.mark.parametrize("version", ["", "0.0.1"])
def test_a_node_without_the_same_package_is_named(cluster: str, tmp_path: Path, version: str) -> None:
    logs()
    place = tmp_path / "elsewhere"
    if version:
        home = place / f"pytest_toolmatch-{version}.dist-info"
        home.mkdir(parents=True)
        (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pytest-toolmatch\nVersion: {version}\n")
    else:
        place.mkdir()
        (place / "sitecustomize.py").write_text(HIDDEN)
    job = {"runtime_env": {"env_vars": {"PYTHONPATH": str(place)}}}
    done = started(cluster, RAY_JOB_CONFIG_JSON_ENV_VAR=json.dumps(job))
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert (f"has pytest-toolmatch {version}" if version else "lacks pytest-toolmatch") in done.stderr
    assert "ray job submit --runtime-env-json" in done.stderr
    assert not Path("there").exists()


HIDDEN = """
import importlib.metadata as metadata
found = metadata.Distribution.from_name
def from_name(name):
    if name == "pytest-toolmatch":
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.Distribution.from_name = from_name
"""


def test_a_wrong_token_is_one_line(cluster: str) -> None:
    logs()
    done = started(cluster, RAY_AUTH_TOKEN="0" * 32)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert f"no cluster at {cluster}" in done.stderr
    assert "is RAY_AUTH_TOKEN the cluster's" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ray-address", "127.0.0.1:1"], "nobody answers at 127.0.0.1:1"),
        (["--ray-address", "ray://127.0.0.1:1"], "nobody answers at ray://127.0.0.1:1"),
        (["--ray-address", "nothing.invalid:6379"], "nobody answers at nothing.invalid:6379"),
        (["--ray-address", "local"], "`ray start --head` starts one here"),
        (["--engine", "local", "--ray-address", "auto"], "it is for --engine ray, which is not asked for"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_line(options: list[str], said: str) -> None:
    logs()
    done = started("", *options)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert not Path("there").exists()


def test_ray_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_toolmatch.engines.ray.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="pip install 'pytest-toolmatch"):
        Ray()
