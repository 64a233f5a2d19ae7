"""AnalysisTemplates: one metric for each analysis of the spec, with conditions under which no data never passes."""

from __future__ import annotations

import math
from decimal import Decimal

from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree, metadata
from mlc_compiler.ir import Analysis, Model, Release, Rollout
from mlc_targets.argo_rollouts.durations import go_duration
from mlc_targets.argo_rollouts.options import Options
from mlc_targets.argo_rollouts.queries import POD_HASH, query, window

HELD_ERRORS = 360  # an hour of Prometheus not answering, at Argo's 10 seconds between tries, before it gives up

_MEASURED = "len(result) > 0 && !isNaN(result[0])"
_NOT_MEASURED = "len(result) == 0 || isNaN(result[0])"


def analysis_template(release: Release, model: Model, rollout: Rollout, options: Options) -> Tree:
    """Return the template that each step runs with its own number of measurements."""
    names = metric_names(rollout)
    counts = [{"name": count_argument(name)} for name in names]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": metadata(release, model),
        "spec": {
            "args": [{"name": POD_HASH}, *counts] if options.select == "pod" else counts,
            "metrics": [
                Sourced(_metric(release, model, name, analysis, options), analysis.origin)
                for name, analysis in zip(names, rollout.analysis, strict=True)
            ],
        },
    }


def analysis_run(rollout: Rollout, model: Model, seconds: float, options: Options) -> Tree:
    """Return the reference by which a step of that length runs the template."""
    counts = [
        {"name": count_argument(name), "value": str(measurements(analysis, seconds))}
        for name, analysis in zip(metric_names(rollout), rollout.analysis, strict=True)
    ]
    pods = {"name": POD_HASH, "valueFrom": {"podTemplateHashValue": "Latest"}}
    return {
        "templates": [{"templateName": model.name}],
        "args": [pods, *counts] if options.select == "pod" else counts,
    }


def measurements(analysis: Analysis, seconds: float) -> int:
    """Return how many measurements fit into a step; the first comes when its window has filled."""
    left = seconds - window(analysis)
    return max(1, math.floor(left / analysis.interval + 1e-9) + 1)


def metric_names(rollout: Rollout) -> list[str]:
    """Return the metrics' names in order, told apart where one is watched twice."""
    names: list[str] = []
    for analysis in rollout.analysis:
        name = analysis.metric.replace("_", "-")
        taken = sum(other == name or other.startswith(f"{name}-again-") for other in names)
        names.append(f"{name}-again-{taken}" if taken else name)
    return names


def count_argument(name: str) -> str:
    """Return the template's argument that says how often a metric is measured."""
    return f"{name}-count"


def _metric(release: Release, model: Model, name: str, analysis: Analysis, options: Options) -> Tree:
    rollout = model.rollout
    if rollout is None:
        raise ValueError(f"model {model.name} has no rollout")
    prometheus = Sourced(options.prometheus, options.origin.at("prometheus"))
    tree: Tree = {
        "name": name,
        "initialDelay": Sourced(go_duration(window(analysis)), analysis.origin.at("interval")),
        "interval": Sourced(go_duration(analysis.interval), analysis.origin.at("interval")),
        "count": f"{{{{args.{count_argument(name)}}}}}",
        **conditions(analysis, rollout),
        "failureLimit": Sourced(analysis.failure_limit, analysis.origin.at("failure_limit")),
        "inconclusiveLimit": 0,
    }
    if rollout.no_data == "hold":
        tree["consecutiveErrorLimit"] = HELD_ERRORS
    text = query(release, model, analysis, options.select)
    tree["provider"] = {"prometheus": {"address": prometheus, "query": text}}
    return tree


def conditions(analysis: Analysis, rollout: Rollout) -> Tree:
    """Return when a measurement succeeds and when it fails; what is neither holds the rollout where it is.

    Argo evaluates both: with `hold`, a measurement without data is neither; with `fail` it is a failure.
    """
    bounds = (("min", analysis.min, ">=", "<"), ("max", analysis.max, "<=", ">"))
    given = [(field, decimal_text(value), good, bad) for field, value, good, bad in bounds if value is not None]
    good = " && ".join(f"result[0] {sign} {value}" for _, value, sign, _ in given)
    bad = " || ".join(f"result[0] {sign} {value}" for _, value, _, sign in given)
    held = rollout.no_data == "hold"
    failure = f"{_MEASURED} && ({bad})" if held else f"{_NOT_MEASURED} || {bad}"
    origin = analysis.origin.at(given[-1][0]) if given else analysis.origin
    return {
        "successCondition": Sourced(f"{_MEASURED} && {good}" if good else _MEASURED, origin),
        "failureCondition": Sourced(failure if bad else ("false" if held else _NOT_MEASURED), origin),
    }


def decimal_text(value: float) -> str:
    """Return a number without an exponent, as every expression language reads it.

    >>> decimal_text(0.00001), decimal_text(2.0)
    ('0.00001', '2')
    """
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
