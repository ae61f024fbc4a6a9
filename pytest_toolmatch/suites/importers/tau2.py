"""τ²-bench: simulations in its own results files and in the shapes that others store them in.

Native: ``{info, tasks, simulations}``. Wrapped: ``{config, task_results: [{trajectory}]}``. One task per line:
``{task_id, task, run_info, messages}``, the model in the file's name. And the lists of τ-bench. Calls of the simulated
user (``requestor: user``) and the fixed greeting are no steps of the agent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pytest_toolmatch.suites.importers.files import Document, documents, typed
from pytest_toolmatch.suites.importers.source import Options, Problem, Record, Source
from pytest_toolmatch.suites.importers.tau import ChatMessage, Trajectory, runs, scenario_text
from pytest_toolmatch.suites.importers.tau_bench import model_of_file, of_list

NAME = "tau2"
SUMMARY = "tau2-bench results: native, wrapped as task_results, or one task per line; the user's own calls are left out"


class _Scenario(msgspec.Struct, frozen=True):
    instructions: Any = None


class _Task(msgspec.Struct, frozen=True):
    id: str | int
    user_scenario: _Scenario | None = None
    ticket: str | None = None

    @property
    def domain(self) -> str:
        instructions = self.user_scenario.instructions if self.user_scenario else None
        return str(instructions.get("domain") or "") if isinstance(instructions, dict) else ""

    @property
    def text(self) -> str:
        """Return what the agent has to go by: the ticket of a solo run, else the user's instructions."""
        return scenario_text(self.user_scenario.instructions if self.user_scenario else None) or self.ticket or ""


class _Simulation(msgspec.Struct, frozen=True):
    task_id: str | int
    messages: list[ChatMessage]
    id: str | None = None
    termination_reason: str | None = None


class _Agent(msgspec.Struct, frozen=True):
    llm: str | None = None
    implementation: str | None = None


class _Environment(msgspec.Struct, frozen=True):
    domain_name: str | None = None
    policy: str | None = None


class _Info(msgspec.Struct, frozen=True):
    agent_info: _Agent = _Agent()
    environment_info: _Environment = _Environment()


class _Native(msgspec.Struct, frozen=True):
    simulations: list[Any]
    tasks: list[_Task] = []
    info: _Info = _Info()


class _Config(msgspec.Struct, frozen=True):
    agent_llm: str | None = None
    domain: str | None = None


class _Result(msgspec.Struct, frozen=True):
    trajectory: Any = None
    task_id: str | int | None = None
    error: str | None = None


class _Wrapped(msgspec.Struct, frozen=True):
    task_results: list[_Result]
    config: _Config = _Config()
    policy: str | None = None


class _RunInfo(msgspec.Struct, frozen=True):
    simulation_id: str | None = None
    termination_reason: str | None = None


class _Line(msgspec.Struct, frozen=True):
    task_id: str | int
    messages: list[ChatMessage]
    task: _Task | None = None
    run_info: _RunInfo = _RunInfo()


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield every simulation."""
    del options
    yield from runs(_trajectories(sources))


def _trajectories(sources: Sequence[Source]) -> Iterator[Trajectory | Problem]:
    for item in documents(sources):
        yield from (item,) if isinstance(item, Problem) else _of_document(item)


def _of_document(item: Document) -> Iterator[Trajectory | Problem]:
    """Recognise the shape of a file by its content."""
    data = item.data
    if isinstance(data, list):
        return of_list(item) if any(isinstance(entry, dict) and "traj" in entry for entry in data) else _foreign(item)
    shapes = (("simulations", _native), ("task_results", _wrapped), ("messages", _of_line), ("traj", of_list))
    known = (reader for key, reader in shapes if isinstance(data, dict) and key in data)
    return next(known, _foreign)(item)


def _foreign(item: Document) -> Iterator[Trajectory | Problem]:
    yield Problem(item.where, "no tau2 results: neither simulations, task_results, messages nor traj")


def _native(item: Document) -> Iterator[Trajectory | Problem]:
    file = typed(item.data, _Native, item.where)
    if isinstance(file, Problem):
        yield file
        return
    tasks = {str(task.id): task for task in file.tasks}
    model = item.source.label or file.info.agent_info.llm or model_of_file(item)
    environment = file.info.environment_info
    for place, entry in enumerate(file.simulations):
        run = _simulation(entry, model, f"{item.where} simulations[{place}]", item)
        if isinstance(run, Trajectory):
            task = tasks.get(run.task)
            run.scenario = task.text if task else ""
            run.domain = environment.domain_name or ""
            run.policy = environment.policy or ""
        yield run


def _wrapped(item: Document) -> Iterator[Trajectory | Problem]:
    file = typed(item.data, _Wrapped, item.where)
    if isinstance(file, Problem):
        yield file
        return
    model = item.source.label or file.config.agent_llm or model_of_file(item)
    for place, result in enumerate(file.task_results):
        where = f"{item.where} task_results[{place}]"
        if result.trajectory is None:
            yield Problem(where, f"no trajectory: {result.error or 'the run left none'}")
            continue
        run = _simulation(result.trajectory, model, where, item)
        if isinstance(run, Trajectory):
            run.domain, run.policy = file.config.domain or "", file.policy or ""
        yield run


def _simulation(entry: Any, model: str, where: str, item: Document) -> Trajectory | Problem:
    run = typed(entry, _Simulation, where)
    if isinstance(run, Problem):
        return run
    return Trajectory(
        task=str(run.task_id),
        model=model,
        messages=run.messages,
        where=item.where,
        end=run.termination_reason or "",
        id=run.id or "",
    )


def _of_line(item: Document) -> Iterator[Trajectory | Problem]:
    run = typed(item.data, _Line, item.where)
    if isinstance(run, Problem):
        yield run
        return
    yield Trajectory(
        task=str(run.task_id),
        model=item.source.label or model_of_file(item),
        messages=run.messages,
        where=item.where,
        domain=run.task.domain if run.task else "",
        scenario=run.task.text if run.task else "",
        end=run.run_info.termination_reason or "",
        id=run.run_info.simulation_id or "",
    )
