"""How often Python looks for cyclic garbage in a run that is ours."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plugin.conftest import Project
    from tests.servers.scripted import Scripted

ROME = "search(to='FCO')"
CONFTEST = """\
import gc, pathlib

def pytest_runtest_logreport():
    pathlib.Path(__file__).with_name("seen").write_text(str(gc.get_threshold()[0]))
"""


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(("own", "while_calling"), [(700, 20_000), (50_000, 50_000), (0, 0)])
def test_garbage_is_looked_for_rarely_while_models_are_called_and_as_before_afterwards(
    project: Project, served: Callable[..., Scripted], own: int, while_calling: int
) -> None:
    server = served({"big": {"*": ROME}, "small": {"*": ROME}})
    project = project.with_query("ann").as_yaml().with_file("conftest.py", CONFTEST).served_at(server.url, 1)
    gc.set_threshold(own, 10, 10)
    assert project.record().outcomes == {"passed": 1}
    assert gc.get_threshold() == (own, 10, 10)
    assert int((project.pytester.path / "seen").read_text()) == while_calling


def test_a_replay_looks_for_it_as_rarely(project: Project) -> None:
    gc.set_threshold(700, 10, 10)
    project = project.with_case("ann", [ROME], [ROME]).as_yaml().with_file("conftest.py", CONFTEST)
    assert project.run().outcomes == {"passed": 1}
    assert gc.get_threshold() == (700, 10, 10)
    assert int((project.pytester.path / "seen").read_text()) == 20_000


def test_a_run_that_is_none_of_ours_leaves_it_as_it_is(project: Project) -> None:
    gc.set_threshold(700, 10, 10)
    project = project.with_file("conftest.py", CONFTEST).with_file("test_own.py", "def test_own():\n    pass\n")
    assert project.run(toolmatch=False).outcomes == {"passed": 1}
    assert int((project.pytester.path / "seen").read_text()) == 700
