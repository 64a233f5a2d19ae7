"""Rollouts: steps rise to 100, each step is watched, each analysis can fail."""

from __future__ import annotations

import itertools

from mlc_compiler.analysis.figures import rate
from mlc_compiler.analysis.measurements import held, measurements, overlap, window
from mlc_compiler.conventions import counted, duration_text, number_text
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.spec.rollout import Analysis, Rollout, Step

# False positives of a test at 5 % by how often it is looked at, in percent: Armitage, McPherson and Rowe, JRSS A 132.
_PEEKING = ((2, 8), (3, 11), (4, 13), (5, 14), (10, 19), (20, 25), (50, 32), (100, 37), (200, 42), (1000, 53))


_EXAMPLES = {"error_rate": "1%", "latency_p50": "20ms", "latency_p95": "40ms", "latency_p99": "50ms"}


def check_rollouts(project: Project, sink: Sink) -> None:
    """Report rollouts that could not run as written."""
    for rollout in project.rollouts.values():
        _needs(rollout, sink)
        _steps(rollout, sink)
        for index, analysis in enumerate(rollout.spec.analysis):
            _analysis(rollout, index, analysis, sink)
            _peeking(rollout, index, analysis, sink)
            _bounds(rollout, index, analysis, sink)
            _overlap(rollout, index, analysis, sink)
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
            rollout.at("strategy"),
            "a canary needs `steps`",
            help="add e.g. `steps: [{weight: 5, hold: 30m}, {weight: 25, hold: 1h}, {weight: 100}]`",
        )
    if spec.strategy == "shadow" and spec.mirror is None:
        sink.error("MLC606", rollout.at("strategy"), "a shadow needs `mirror`", help="add e.g. `mirror: 10%`")


def _steps(rollout: Document[Rollout], sink: Sink) -> None:
    steps = rollout.spec.steps
    for index, (before, step) in enumerate(itertools.pairwise(steps), start=1):
        if step.weight <= before.weight:
            sink.error(
                "MLC601",
                rollout.at("steps", index, "weight"),
                f"step {index + 1} sends {number_text(step.weight)} %, not more than the step before it",
                related=[Related("before", number_text(before.weight), rollout.at("steps", index - 1, "weight"))],
                help=f"write more than {number_text(before.weight)}, or leave the step out",
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
            "MLC604",
            rollout.at("analysis", index),
            f"the analysis of {analysis.metric} has no bound, so it can't fail",
            help=f"add `max:`, e.g. `max: {_EXAMPLES.get(analysis.metric, '0.2')}`",
        )
    for number, step in enumerate(rollout.spec.steps):
        if step.hold is not None and not _can_judge(step, analysis):
            looks = measurements(analysis, step.hold)
            sink.error(
                "MLC605",
                rollout.at("analysis", index, "interval" if looks == 0 else "failure_limit"),
                f"step {number + 1} holds {duration_text(step.hold)}, time for "
                f"{counted(looks, 'measurement')} of {duration_text(analysis.interval)}, but it takes "
                f"{analysis.failure_limit + 1} that fail to abort",
                related=[Related("hold", duration_text(step.hold), rollout.at("steps", number, "hold"))],
                help="hold longer, measure more often, or lower `failure_limit`",
            )


def _can_judge(step: Step, analysis: Analysis) -> bool:
    return measurements(analysis, step.hold or 0.0) > analysis.failure_limit


def _peeking(rollout: Document[Rollout], index: int, analysis: Analysis, sink: Sink) -> None:
    """Report two versions that are compared again and again by a test that is meant for one look."""
    times = sum(measurements(analysis, hold) for _, _, hold in held(rollout.spec))
    if rollout.spec.strategy != "ab_test" or analysis.method == "sequential" or times < 2:
        return
    wrong = max(percent for looks, percent in _PEEKING if looks <= times)
    sink.error(
        "MLC614",
        rollout.at("analysis", index, "method"),
        f"two versions that do not differ are looked at {times} times: a test that is wrong in 5 % of single looks "
        f"finds a difference in {wrong} % or more of such experiments",
        related=[Related("interval", duration_text(analysis.interval), rollout.at("analysis", index, "interval"))],
        help="use `method: sequential`, which holds at every look",
        fix="sequential" if "method" in analysis.model_fields_set else "",
    )


def _bounds(rollout: Document[Rollout], index: int, analysis: Analysis, sink: Sink) -> None:
    """Report a healthy version that is out of bounds, and a harmful one that is not."""
    most, least, usual, harmful = analysis.max, analysis.min, analysis.baseline, analysis.harmful
    latency = analysis.metric.startswith("latency")
    shown = duration_text if latency else rate if analysis.metric == "error_rate" else number_text
    if usual is not None and ((most is not None and usual > most) or (least is not None and usual < least)):
        name, bound = ("max", most) if most is not None and usual > most else ("min", least)
        sink.error(
            "MLC616",
            rollout.at("analysis", index, "baseline"),
            f"a healthy version is out of bounds: {shown(usual)} is {'above' if name == 'max' else 'below'} "
            f"{shown(bound or 0.0)}, so every version is sent back",
            related=[Related(name, shown(bound or 0.0), rollout.at("analysis", index, name))],
            help=f"move `{name}` beyond what healthy versions show, or mend `baseline`",
        )
    if harmful is not None and most is not None and harmful <= most:
        sink.error(
            "MLC617",
            rollout.at("analysis", index, "harmful"),
            f"a version that shows {shown(harmful)} is to be caught, but the bound allows {shown(most)}",
            related=[Related("max", shown(most), rollout.at("analysis", index, "max"))],
            help=f"state a `max` below {shown(harmful)}, or more as `harmful`",
        )


def _overlap(rollout: Document[Rollout], index: int, analysis: Analysis, sink: Sink) -> None:
    """Report measurements that see the same requests again and count them as further failures."""
    times = overlap(analysis)
    if times < 2 or analysis.metric == "prediction_drift":
        return
    back = duration_text(window(analysis))
    spent = "aborts at once" if analysis.failure_limit == 0 else f"counts as {min(times, analysis.failure_limit + 1)}"
    sink.warn(
        "MLC615",
        rollout.at("analysis", index, "interval"),
        f"a measurement looks back {back}, four scrapes of 15s, and one is taken every "
        f"{duration_text(analysis.interval)}: {times} in a row see the same requests, so one burst of errors {spent}"
        f"{'' if analysis.failure_limit == 0 else f' of the {analysis.failure_limit + 1} failures that abort'}",
        related=[Related("failure_limit", str(analysis.failure_limit), rollout.at("analysis", index, "failure_limit"))],
        help=f"use `interval: {back}`",
        fix=back,
    )
