"""Pages run from top to bottom, each in a project of its own."""

from __future__ import annotations

import contextlib
import doctest
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.docs.pages import Block, blocks_of, project_of

CHECKOUT = ("suites", "fixtures", "pyproject.toml")
"""What a page that starts in the repository finds there."""

PATIENCE = 10.0
"""Seconds that a command in the background has to say that it is ready, and to end."""

_STATUS = re.compile(r"# exit status (\d+)")
_KILL = re.compile(r"kill %(\d+)")
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_PARSERS: dict[str, Callable[[str], Any]] = {"json": json.loads, "yaml": yaml.safe_load, "toml": tomllib.loads}


class Step(NamedTuple):
    """One command of a session, and what is to come of it; an ``output`` of None may be anything."""

    command: str
    output: str | None
    status: int


class Job:
    """A command in the background; what it prints goes to a file."""

    def __init__(self, command: str, folder: Path, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def says(self, expected: str | None) -> bool:
        """Wait until it has printed what is expected; False where it ends, or takes too long, without it."""
        end = time.monotonic() + PATIENCE
        while expected is not None and not is_like(self.output, expected):
            if self._process.poll() is not None or time.monotonic() > end:
                return is_like(self.output, expected)
            time.sleep(0.02)
        return True

    def end(self) -> None:
        """End it, with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Project:
    """A folder that pages write to and run in, with a home directory beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.home = folder / "home"
        for made in (self.folder, self.home):
            made.mkdir(parents=True, exist_ok=True)
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "HOME": str(self.home),
            "COLUMNS": "80",
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_ADDOPTS": "-p no:hypothesispytest",  # takes longer to load than all else that a page does
        }
        self._jobs: list[Job] = []

    def play(self, page: Path) -> None:
        self.play_blocks(blocks_of(page))

    def play_blocks(self, blocks: Iterable[Block]) -> None:
        """Play blocks from first to last, and end what they left running."""
        try:
            for block in blocks:
                if "skip" not in block.attributes:
                    self._play(block)
        finally:
            for job in self._jobs:
                job.end()

    def _play(self, block: Block) -> None:
        if block.language == "console":
            for step in steps_of(block.text):
                self._check(step, block)
        elif block.language == "pycon":
            self._examples(block)
        elif title := block.attributes.get("title"):
            path = self.home / title[2:] if title.startswith("~/") else self.folder / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "python":
            done = self._run([sys.executable, "-c", block.text])
            assert done.returncode == 0, f"{block.where}: ended with {done.returncode}\n{done.stdout}"
        else:
            _PARSERS.get(block.language, str)(block.text)

    def _check(self, step: Step, block: Block) -> None:
        killed = _KILL.fullmatch(step.command)
        if step.command.endswith(" &"):
            self._start(step, block)
        elif killed:
            self._jobs[int(killed[1]) - 1].end()
        elif step.command.startswith("export "):
            self._export(step, block)
        else:
            self._command(step, block)

    def _start(self, step: Step, block: Block) -> None:
        log = self.home.parent / f"job-{len(self._jobs)}.log"
        job = Job(step.command.removesuffix(" &"), self.folder, self._environment, log)
        self._jobs.append(job)
        assert job.says(step.output), f"{block.where}: $ {step.command}\n{job.output}# never like this:\n{step.output}"

    def _export(self, step: Step, block: Block) -> None:
        done = self._run(["bash", "-c", f"{step.command} && env -0"])
        assert done.returncode == 0, f"{block.where}: $ {step.command}\n{done.stdout}"
        self._environment |= dict(pair.split("=", 1) for pair in done.stdout.split("\0") if pair)

    def _command(self, step: Step, block: Block) -> None:
        done = self._run(["bash", "-c", step.command])
        shown = f"{block.where}: $ {step.command}\n{done.stdout}"
        assert done.returncode == step.status, f"{shown}# exit status {done.returncode}, not {step.status}"
        expected = step.output
        assert expected is None or is_like(done.stdout, expected), (
            f"{shown}# is not like this, from {first_unlike(done.stdout, expected)!r} on:\n{expected}"
        )

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command as a reader would: in the project, the tools on the path, nothing else in the environment."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _examples(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(block.text, self.names, block.where, None, block.line - 1)
        told: list[str] = []
        with contextlib.chdir(self.folder):
            result = doctest.DocTestRunner(optionflags=_OPTIONS).run(test, out=told.append, clear_globs=False)
        self.names = test.globs
        assert result.failed == 0, f"{block.where}\n{''.join(told)}"


class Projects:
    """The projects in which pages end, each played once."""

    def __init__(self, new_folder: Callable[[], Path]) -> None:
        self._new_folder = new_folder
        self._played: dict[Path, Project] = {}

    def after(self, page: Path) -> Project:
        """Return the project in which a page ends; AssertionError where the page does not do what it says."""
        if page not in self._played:
            project = self.before(page)
            project.play(page)
            self._played[page] = project
        return self._played[page]

    def before(self, page: Path) -> Project:
        """Return the project in which a page starts: empty, another page's, or a checkout's."""
        project, origin = Project(self._new_folder()), project_of(page)
        if origin is not None and origin.suffix == ".md":
            _copy(self.after(origin).folder, project.folder)
            _copy(self.after(origin).home, project.home)
        elif origin is not None:
            for name in CHECKOUT:
                _copy(origin / name, project.folder / name)
        return project


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def steps_of(session: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        while lines and lines[0].startswith("> "):
            command += "\n" + lines.pop(0)[2:]
        status = _STATUS.fullmatch(lines[-1]) if lines else None
        output = lines[:-1] if status else lines
        yield Step(command, "\n".join(output) or None, int(status[1]) if status else 0)


def is_like(output: str, expected: str) -> bool:
    """Say whether an output is as expected; ``...`` is any text of a line, or any lines where it is alone."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".*?") + r"\n"
        for line in expected.strip().splitlines()
    )
    found = "".join(f"{line.rstrip()}\n" for line in output.strip().splitlines())
    return re.fullmatch(pattern, found) is not None


def first_unlike(output: str, expected: str) -> str:
    """Return the first line of what is expected that an output does not come to."""
    lines = expected.strip().splitlines()
    shorter = ("\n".join([*lines[:count], "..."]) for count in range(1, len(lines) + 1))
    return next((line for line, part in zip(lines, shorter, strict=True) if not is_like(output, part)), "its end")
