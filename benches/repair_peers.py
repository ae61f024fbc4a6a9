"""The peers of ``repair.py`` that run here: ``gepa.optimize`` as it comes, and random edits."""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gepa
from gepa.core.adapter import EvaluationBatch, GEPAAdapter
from repair_client import described, feedback
from repair_runs import Course, Point, Trial, told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORKERS = 16


class Adapter(GEPAAdapter[Any, Any, Any]):
    """What a user writes first: run the cases, 1 for the expected calls and else 0, and say what was expected."""

    propose_new_texts = None

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def evaluate(
        self, batch: list[Any], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[Any, Any]:
        """Run the cases of a batch at the same time."""
        tools = described(self.trial.tools, candidate)

        def rolled(case: dict[str, Any]) -> Any:
            messages = [
                {"role": "system", "content": candidate["instructions"]},
                {"role": "user", "content": case["query"]},
            ]
            return self.trial.wire.roll(self.trial.model("student"), messages, tools, self.trial.replies)

        with ThreadPoolExecutor(WORKERS) as pool:
            made = list(pool.map(rolled, batch))
        scores = [float(steps == case["expected"]) for steps, case in zip(made, batch, strict=True)]
        traces = [{"case": case, "made": steps} for case, steps in zip(batch, made, strict=True)]
        return EvaluationBatch(outputs=made, scores=scores, trajectories=traces if capture_traces else None)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: EvaluationBatch[Any, Any], components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Show every case of the batch to every component."""
        del candidate
        records = [
            {
                "Inputs": one["case"]["query"],
                "Generated Outputs": str(one["made"]),
                "Feedback": feedback(one["case"]["expected"], one["made"]),
            }
            for one in eval_batch.trajectories or ()
        ]
        return dict.fromkeys(components_to_update, records)


class Quiet:
    """Says nothing."""

    def log(self, message: str) -> None:
        """Drop a message."""


class Best:
    """Notes what the best candidate is at every full validation."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.score = trial, -1.0
        self.points = [Point(0, trial.student.start)]

    def on_valset_evaluated(self, event: Any) -> None:
        """Keep the candidate where it is better than any before it."""
        self.note(event["candidate"], event["average_score"])

    def note(self, candidate: Mapping[str, str], score: float) -> None:
        """Keep a candidate where its score is better."""
        if score > self.score:
            self.score = score
            self.points.append(Point(self.trial.rollouts, told(self.trial.student, candidate)))


def vanilla_gepa(trial: Trial, **settings: Any) -> Course:
    """Run ``gepa.optimize`` with its default settings, but for these; its printing is turned off."""
    best = Best(trial)
    gepa.optimize(
        seed_candidate=dict(trial.student.own),
        trainset=trial.cases("train"),
        valset=trial.cases("validation"),
        adapter=Adapter(trial),
        reflection_lm=lambda prompt: trial.wire.say(trial.model("reflector"), prompt),
        max_metric_calls=trial.budget,
        logger=Quiet(),
        callbacks=[best],
        seed=trial.seed,
        **settings,
    )
    return _course(trial, best)


def random_edits(trial: Trial) -> Course:
    """Edit a random component with three random cases before the reflection model; keep what validates better."""
    best, adapter = Best(trial), Adapter(trial)
    chance = random.Random(trial.seed)  # noqa: S311 - no secret
    train, validation = trial.cases("train"), trial.cases("validation")
    current = dict(trial.student.own)
    best.note(current, score := _mean(adapter.evaluate(validation, current).scores))
    while trial.rollouts + len(validation) + 3 <= trial.budget:
        component, shown = chance.choice(sorted(current)), chance.sample(train, 3)
        batch = adapter.evaluate(shown, current, capture_traces=True)
        records = adapter.make_reflective_dataset(current, batch, [component])[component]
        said = trial.wire.say(trial.model("reflector"), f"Improve this:\n```\n{current[component]}\n```\n{records}")
        edited = current | {component: said.partition("```\n")[2].rpartition("\n```")[0] or said}
        found = _mean(adapter.evaluate(validation, edited).scores)
        if found > score:
            current, score = edited, found
            best.note(current, score)
    return _course(trial, best)


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


def _course(trial: Trial, best: Best) -> Course:
    return Course(tuple(best.points), trial.reflections, trial.rollouts)


class Dspy:
    """DSPy's optimisers, in a process of their own: ``python`` is one that has DSPy installed."""

    METHODS = ("BootstrapFewShot", "MIPROv2", "dspy.GEPA")

    def __init__(self, python: str) -> None:
        line = [python, str(Path(__file__).parent / "apart" / "repair_dspy.py")]
        self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603

    @staticmethod
    def missing(python: str) -> str:
        """Return why DSPy can't be run, or nothing."""
        done = subprocess.run([python, "-c", "import dspy, optuna"], capture_output=True, text=True, check=False)  # noqa: S603
        return done.stderr.strip().rpartition("\n")[2]

    def run(self, trial: Trial) -> Course:
        """Run one optimiser within one budget."""
        job = {
            "method": trial.method,
            "budget": trial.budget,
            "seed": trial.seed,
            "url": trial.url,
            "student": trial.model("student"),
            "reflector": trial.model("reflector"),
            "instructions": trial.student.own["instructions"],
            "tools": trial.tools,
            "replies": trial.replies,
            "train": trial.cases("train"),
            "validation": trial.cases("validation"),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(job), file=self._process.stdin, flush=True)
        result = json.loads(self._process.stdout.readline())
        found = told(trial.student, {"instructions": result["instructions"]}, result["examples"])
        points = (Point(0, trial.student.start), Point(trial.rollouts, found))
        return Course(points, trial.reflections, trial.rollouts)

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
