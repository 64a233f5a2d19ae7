"""Rollouts: steps rise to 100, each step is watched, each analysis can fail."""

from __future__ import annotations

import itertools

from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.spec.rollout import Analysis, Rollout, Step


def check_rollouts(project: Project, sink: Sink) -> None:
    """Report rollouts that could not run as written."""
    for rollout in project.rollouts.values():
        _needs(rollout, sink)
        _steps(rollout, sink)
        for index, analysis in enumerate(rollout.spec.analysis):
            _analysis(rollout, index, analysis, sink)
    for model in project.models:
        if model.rollout and model.document.spec.serving.mode == "batch":
            sink.error(
                "MLC607",
                model.rollout.at("model"),
                f"`{model.name}` is scored in batches: there is no traffic to move",
                related=[Related("mode", "batch", model.document.at("serving", "mode"))],
                help="remove the rollout, or serve the model online",
            )


def _needs(rollout: Document[Rollout], sink: Sink) -> None:
    spec = rollout.spec
    if spec.strategy == "canary" and not spec.steps:
        sink.error(
            "MLC606",
            rollout.at(),
            "a canary needs `steps`",
            help="e.g. steps: [{weight: 5, hold: 30m}, {weight: 25, hold: 1h}, {weight: 100}]",
        )
    if spec.strategy == "shadow" and spec.mirror is None:
        sink.error("MLC606", rollout.at(), "a shadow needs `mirror`", help="e.g. mirror: 10%")


def _steps(rollout: Document[Rollout], sink: Sink) -> None:
    steps = rollout.spec.steps
    for index, (before, step) in enumerate(itertools.pairwise(steps), start=1):
        if step.weight <= before.weight:
            sink.error(
                "MLC601",
                rollout.at("steps", index, "weight"),
                f"step {index + 1} sends {number_text(step.weight)} %, not more than the step before it",
                related=[Related("before", number_text(before.weight), rollout.at("steps", index - 1, "weight"))],
                help="let the weights rise",
            )
    if steps and steps[-1].weight != 100:
        sink.error(
            "MLC602",
            rollout.at("steps", len(steps) - 1, "weight"),
            f"the last step sends {number_text(steps[-1].weight)} %: the rollout never ends",
            help="add `{weight: 100}`",
        )
    for index, step in enumerate(steps[:-1]):
        if step.hold is None and not step.approval:
            sink.error(
                "MLC603",
                rollout.at("steps", index),
                "the step neither holds nor waits: nothing is watched at this weight",
                help="add e.g. `hold: 30m`, or `approval: true`",
            )


def _analysis(rollout: Document[Rollout], index: int, analysis: Analysis, sink: Sink) -> None:
    if analysis.min is None and analysis.max is None:
        sink.error(
            "MLC604", rollout.at("analysis", index), "the analysis has no bound, so it can't fail", help="add `max:`"
        )
    for number, step in enumerate(rollout.spec.steps):
        if step.hold is not None and not _can_judge(step, analysis):
            looks = int(step.hold // analysis.interval)
            sink.error(
                "MLC605",
                rollout.at("analysis", index, "interval" if looks == 0 else "failure_limit"),
                f"step {number + 1} holds {duration_text(step.hold)}, time for {looks} "
                f"measurement{'' if looks == 1 else 's'} of {duration_text(analysis.interval)}, but it takes "
                f"{analysis.failure_limit + 1} that fail to abort",
                related=[Related("hold", duration_text(step.hold), rollout.at("steps", number, "hold"))],
                help="hold longer, measure more often, or lower `failure_limit`",
            )


def _can_judge(step: Step, analysis: Analysis) -> bool:
    return int((step.hold or 0) // analysis.interval) > analysis.failure_limit
