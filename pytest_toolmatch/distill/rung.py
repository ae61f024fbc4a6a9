"""One student to be: its examples, its folder, and its training from where it stands."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.distill.folder import NAME, Folder
from pytest_toolmatch.distill.turns import examples_of
from pytest_toolmatch.pocket.model import open_model
from pytest_toolmatch.pocket.weights import manifest_of, shipped
from pytest_toolmatch.suites.importers.fields import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.distill.examples import Example
    from pytest_toolmatch.distill.learner import Learner
    from pytest_toolmatch.distill.options import Options
    from pytest_toolmatch.distill.start import Start
    from pytest_toolmatch.pocket.model import PocketModel
    from pytest_toolmatch.recorded.reading import Recorded


_VALIDATED = 200
"""Cases that say when a student gets no better, at most: they are looked at again and again."""


class Split(NamedTuple):
    """The cases of each part with the names of their groups."""

    train: list[tuple[Recorded, str]]
    validation: list[tuple[Recorded, str]]
    test: list[tuple[Recorded, str]]


class Rung:
    """One student to be: what it starts as, the first so many training cases, and the folder that it goes to.

    Raises ConfigError where the folder holds something else.
    """

    def __init__(self, start: Start, split: Split, size: int, path: Path, options: Options) -> None:
        self.start, self.options = start, options
        self.cases, self.validation = split.train[:size], split.validation[:_VALIDATED]
        self.folder = Folder(path, _digest(start, self.cases, self.validation, options))

    @property
    def where(self) -> str:
        """The folder, as it is named after ``pocket:``, where a shipped model's name means that model."""
        path = str(self.folder.path)
        return f"./{path}" if path in shipped() else path

    def model(self) -> PocketModel:
        """Return the student, trained."""
        return open_model(str(self.folder.path.absolute()))

    def bytes(self) -> int:
        """Return the size of the student on disk."""
        return manifest_of(str(self.folder.path.absolute())).with_suffix(".weights").stat().st_size

    def train(self) -> Iterator[str]:
        """Train the student, or go on with it, or leave it as it is; yields how far it is.

        SystemExit after Ctrl-C, with the best so far in the folder.
        """
        if self.folder.finished:
            yield f"{self.where}: trained already on these recordings; judged again"
            return
        from pytest_toolmatch.distill.batches import Lexicon  # noqa: PLC0415 - torch takes seconds
        from pytest_toolmatch.distill.learner import learner  # noqa: PLC0415
        from pytest_toolmatch.distill.learning import Stopped, encoded, learn, plan_for  # noqa: PLC0415

        lexicon, asked = Lexicon(self.start.shape.buckets), self.options
        train, validation = encoded(_examples(self.cases), lexicon), encoded(_examples(self.validation), lexicon)
        if not train.packed or not validation.packed:
            raise ConfigError(
                "a pocket model has no way to say what the teacher does in these suites: nothing is learned"
            )
        turns = len(train.packed)
        plan = plan_for(self.start, turns, epochs=asked.epochs, seed=asked.seed, device=asked.device)
        self.folder.make(self.start.parameters)
        trainer = learner(plan, lexicon, self.start, self.folder.checkpoint)
        yield f"{self.where}: {counted(len(self.cases), 'example')}, {counted(turns, 'turn')}{_lost(train.unreachable)}"
        if trainer.progress.step:
            yield f"  goes on from step {trainer.progress.step}"
        try:
            yield from learn(trainer, train.packed, validation.packed, self.folder.checkpoint)
        except Stopped:
            self._export(trainer, turns, finished=False)
            yield f"stopped: the best so far is pocket:{self.where}; the same command goes on from here"
            raise SystemExit(130) from None
        self._export(trainer, turns, finished=True)
        self.folder.close()

    def _export(self, trainer: Learner, turns: int, *, finished: bool) -> None:
        from pytest_toolmatch.distill.export import export  # noqa: PLC0415 - torch takes seconds

        made = {
            "by": "toolmatch distill",
            "run": self.folder.run,
            "finished": finished,
            "from": self.start.name,
            "teacher": self.options.teacher,
            "suites": sorted({case.suite.name for case, _ in self.cases}),
            "examples": len(self.cases),
            "turns": turns,
            "step": trainer.progress.step,
            "validation": trainer.progress.best,
            "plan": msgspec.to_builtins(trainer.plan),
        }
        export(trainer.best, trainer.plan.shape, self.folder.path, name=NAME, made=made)


def _digest(
    start: Start, train: Sequence[tuple[Recorded, str]], validation: Sequence[tuple[Recorded, str]], options: Options
) -> str:
    """Return a hash of everything that the training of a student depends on."""
    asked = [start.digest(), options.epochs, options.seed]
    told = [
        [[tool.shown() for tool in case.tools], case.suite.instructions, case.case.conversation, case.samples]
        for case, _ in (*train, *validation)
    ]
    return hashlib.sha256(msgspec.json.encode([asked, told])).hexdigest()


def _examples(cases: Sequence[tuple[Recorded, str]]) -> list[Example]:
    return [example for case, group in cases for example in examples_of(case, group)]


def _lost(unreachable: int) -> str:
    return f"; {counted(unreachable, 'turn')} left out, where calls can't be said" if unreachable else ""
