"""DSPy's optimisers for ``repair.py``, in a process of their own: a job a line comes in, a result a line goes out.

DSPy's own adapters send no tools to models that they don't know, and lose the calls of examples. So the student is
called by an LM of ours, with its native tools, and tells its chain as text: that is what examples show, too, and the
simulated student takes them for examples as it takes native ones. It stands apart because it is no bench by itself.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "true", "DSPY_CACHEDIR": os.devnull}
warnings.simplefilter("ignore")
sys.path.append(str(Path(__file__).parents[1]))
import dspy  # noqa: E402 - which looks at the environment
from repair_client import Wire, feedback  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKERS = 16


class Served(dspy.BaseLM):
    """A model of the server: a student with its tools, or one that just says something."""

    def __init__(self, job: dict[str, Any], role: str) -> None:
        super().__init__(model=job[role], cache=False, num_retries=0)
        self.job, self.role, self.wire = job, role, Wire(job["url"])

    def __deepcopy__(self, _: Any) -> Served:
        return Served(self.job, self.role)

    def copy(self, **_: Any) -> Served:
        """Return another one; there is nothing to be set."""
        return Served(self.job, self.role)

    def forward(self, prompt: str | None = None, messages: Sequence[Any] | None = None, **_: Any) -> Any:
        """Return what the model says, as the wire would."""
        told = messages or [{"role": "user", "content": prompt}]
        if self.role == "reflector":
            said = self.wire.say(self.model, told)
        else:
            steps = self.wire.roll(self.model, told, self.job["tools"], self.job["replies"])
            said = f"[[ ## chain ## ]]\n{json.dumps(steps)}\n\n[[ ## completed ## ]]"
        choice = SimpleNamespace(message=SimpleNamespace(content=said, tool_calls=None), finish_reason="stop")
        return SimpleNamespace(choices=[choice], usage={}, model=self.model)


def program_of(job: dict[str, Any]) -> dspy.Predict:
    """Return the student as a program: a query in, a chain out."""
    chain = dspy.OutputField(desc="the calls that were made")
    signature = dspy.Signature({"query": (str, dspy.InputField()), "chain": (str, chain)}, job["instructions"])
    return dspy.Predict(signature)


def examples(cases: Sequence[dict[str, Any]]) -> list[dspy.Example]:
    """Return cases as DSPy wants them; the chain is what the teacher did."""
    made = [dspy.Example(query=case["query"], chain=json.dumps(case["expected"])) for case in cases]
    return [one.with_inputs("query") for one in made]


def right(example: Any, prediction: Any, *_: Any) -> float:
    """Return 1 for the teacher's chain, else 0."""
    return float(json.loads(example.chain) == json.loads(prediction.chain or "[]"))


def said(example: Any, prediction: Any, *_: Any) -> Any:
    """Return the score with feedback in words."""
    words = feedback(json.loads(example.chain), json.loads(prediction.chain or "[]"))
    return dspy.Prediction(score=right(example, prediction), feedback=words)


def bootstrap(job: dict[str, Any]) -> dspy.Predict:
    """Run ``BootstrapFewShot`` as it comes, on all cases that are not for the test."""
    optimizer = dspy.BootstrapFewShot(metric=right)
    return optimizer.compile(program_of(job), trainset=examples([*job["train"], *job["validation"]]))


def mipro(job: dict[str, Any]) -> dspy.Predict:
    """Run ``MIPROv2`` with as many candidates and trials as the budget pays for."""
    candidates = {50: 3, 100: 4, 200: 6}.get(job["budget"], 8)
    trials = max(1, (job["budget"] - 6 * (candidates - 2)) // len(job["validation"]) - 1)
    optimizer = dspy.MIPROv2(
        metric=right,
        prompt_model=Served(job, "reflector"),
        task_model=Served(job, "student"),
        auto=None,
        num_candidates=candidates,
        num_threads=WORKERS,
        seed=9 + job["seed"],
    )
    return optimizer.compile(
        program_of(job),
        trainset=examples(job["train"]),
        valset=examples(job["validation"]),
        num_trials=trials,
        minibatch=False,
    )


def reflective(job: dict[str, Any]) -> dspy.Predict:
    """Run ``dspy.GEPA`` with its default settings."""
    optimizer = dspy.GEPA(
        metric=said,
        max_metric_calls=job["budget"],
        reflection_lm=Served(job, "reflector"),
        num_threads=WORKERS,
        seed=job["seed"],
    )
    return optimizer.compile(program_of(job), trainset=examples(job["train"]), valset=examples(job["validation"]))


WAYS: dict[str, Callable[[dict[str, Any]], dspy.Predict]] = {
    "BootstrapFewShot": bootstrap,
    "MIPROv2": mipro,
    "dspy.GEPA": reflective,
}


def result_of(job: dict[str, Any]) -> dict[str, Any]:
    """Return what an optimiser comes to: its instructions, and the ids of the cases that it shows rightly."""
    dspy.configure(lm=Served(job, "student"), adapter=dspy.ChatAdapter())
    program = WAYS[job["method"]](job)
    known = {case["query"]: case for case in (*job["train"], *job["validation"])}
    shown = [
        known[demo["query"]] for demo in program.demos if demo["chain"] == json.dumps(known[demo["query"]]["expected"])
    ]
    return {"instructions": program.signature.instructions, "examples": [case["id"] for case in shown]}


def main() -> None:
    """Do jobs until there are no more."""
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123
            result = result_of(json.loads(line))
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
