"""The pipeline on one screen: the steps in order, and what each of them runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlc_compiler.records import dataclass
from mlc_targets.local.engine import Task
from mlc_targets.local.job import Outcome, Run

# The steps' modules bring numpy, scikit-learn and DuckDB: seconds that a run without changes must not pay.


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its name, and what it does for a subject (a dataset, an estimator) into a folder."""

    name: str
    run: Callable[[Run, str, Path], Outcome]


def _ingest(run: Run, subject: str, out: Path) -> Outcome:
    from mlc_targets.local.data.ingest import ingest

    return ingest(run, subject, out)


def _validate(run: Run, subject: str, out: Path) -> Outcome:
    from mlc_targets.local.data.validate import validate

    return validate(run, run.dataset(subject), out)


def _features(run: Run, subject: str, out: Path) -> Outcome:  # noqa: ARG001  there is one
    from mlc_targets.local.data.features import features

    return features(run, out)


def _split(run: Run, subject: str, out: Path) -> Outcome:  # noqa: ARG001  there is one
    from mlc_targets.local.data.split import split

    return split(run, out)


def _train(run: Run, subject: str, out: Path) -> Outcome:
    from mlc_targets.local.train.training import train

    if subject == "baseline" and run.model.baseline is not None:
        return train(run, run.model.baseline, searched=False, out=out)
    return train(run, run.model.estimator, searched=True, out=out)


def _evaluate(run: Run, subject: str, out: Path) -> Outcome:
    from mlc_targets.local.train.evaluation import evaluate, score_champion

    if subject == "champion" and run.champion is not None:
        return score_champion(run, run.champion, out)
    return evaluate(run, out)


def _explain(run: Run, subject: str, out: Path) -> Outcome:  # noqa: ARG001  there is one
    from mlc_targets.local.train.explain import explain

    return explain(run, out)


def _package(run: Run, subject: str, out: Path) -> Outcome:  # noqa: ARG001  there is one
    from mlc_targets.local.package.packaging import package

    return package(run, out)


def _gate(run: Run, subject: str, out: Path) -> Outcome:  # noqa: ARG001  there is one
    from mlc_targets.local.gating import gate

    return gate(run, out)


def _report(run: Run, subject: str, out: Path) -> Outcome:  # noqa: ARG001  there is one
    from mlc_targets.local.reporting import report

    return report(run, out)


# The package comes before the gate, since gates judge its latency and its parity with the trained model.
STEPS = (
    Step("ingest", _ingest),
    Step("validate", _validate),
    Step("features", _features),
    Step("split", _split),
    Step("train", _train),
    Step("evaluate", _evaluate),
    Step("explain", _explain),
    Step("package", _package),
    Step("gate", _gate),
    Step("report", _report),
)


@dataclass(frozen=True, slots=True)
class Execution:
    """Runs the tasks of one run; a value, so that worker processes can be given it."""

    run: Run

    def __call__(self, task: Task, out: Path) -> Outcome:
        """Run the step of a task."""
        step = next(step for step in STEPS if step.name == task.step)
        return step.run(self.run, task.subject, out)
