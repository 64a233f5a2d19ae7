"""The Rollout: canary steps that measure while they hold, or a blue-green switch that measures before it is final."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree, server_pod, workload_metadata
from mlc_compiler.ir import Model, Origin, Release, Rollout, Step
from mlc_targets.argo_rollouts.analysis import analysis_run, measurements
from mlc_targets.argo_rollouts.durations import go_duration
from mlc_targets.argo_rollouts.options import Options
from mlc_targets.argo_rollouts.queries import window

PLUGIN = "argoproj-labs/gatewayAPI"
PROGRESS_SECONDS = 600
READY_SECONDS = 10
ABORT_DRAIN_SECONDS = 30  # pods of an aborted version stay until their last requests are answered
SWITCH_MARGIN_SECONDS = 60  # the old version outlives the last measurement, which comes a little late
PREVIEW_SECONDS = 600  # how long both versions stay up after a switch, when the spec does not say


def rollout_object(release: Release, model: Model, rollout: Rollout, options: Options) -> Tree:
    """Return the Rollout; under an autoscaler it states no replicas, so that applying it resets nothing."""
    serving = model.serving
    keep = Sourced(rollout.keep, _field(rollout, "rollback.keep"))
    spec: Tree = {}
    if serving.max_replicas <= serving.min_replicas:
        spec["replicas"] = Sourced(serving.min_replicas, serving.origin.at("replicas.min"))
    spec |= {
        "minReadySeconds": READY_SECONDS,
        "progressDeadlineSeconds": PROGRESS_SECONDS,
        "progressDeadlineAbort": Sourced(rollout.automatic_rollback, _field(rollout, "rollback.automatic")),
        "revisionHistoryLimit": keep,
        # A version among the last ones kept has shown itself: going back to it skips the steps.
        "rollbackWindow": {"revisions": keep},
        "selector": {"matchLabels": conventions.selector_labels(release.project.name, model.name)},
        "strategy": Sourced(_strategy(release, model, rollout, options), _field(rollout, "strategy")),
        "template": server_pod(release, model),
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": workload_metadata(release, model),
        "spec": spec,
    }


def step_seconds(rollout: Rollout, hold: float) -> float:
    """Return how long the measurements of a step take."""
    return max(window(a) + (measurements(a, hold) - 1) * a.interval for a in rollout.analysis)


def preview_seconds(rollout: Rollout) -> float:
    """Return how long both versions of a blue-green rollout stay up after the switch."""
    return PREVIEW_SECONDS if rollout.preview is None else rollout.preview


def _strategy(release: Release, model: Model, rollout: Rollout, options: Options) -> Tree:
    if rollout.strategy == "blue_green":
        return {"blueGreen": _blue_green(model, rollout, options)}
    return {"canary": _canary(release, model, rollout, options)}


def _canary(release: Release, model: Model, rollout: Rollout, options: Options) -> Tree:
    tree: Tree = {"maxSurge": "25%", "maxUnavailable": 0}
    if options.routes:
        tree |= {
            "abortScaleDownDelaySeconds": ABORT_DRAIN_SECONDS,
            "stableService": conventions.stable_service(model.name),
            "canaryService": conventions.canary_service(model.name),
            "trafficRouting": {
                "plugins": {PLUGIN: {"httpRoute": model.name, "namespace": release.environment.namespace}}
            },
        }
    # Without routing Argo must not know the Service: it would narrow it to the stable pods.
    tree["steps"] = [part for step in rollout.steps for part in _step(model, rollout, step, options)]
    return tree


def _step(model: Model, rollout: Rollout, step: Step, options: Options) -> Iterator[Sourced]:
    """Yield the Argo steps of one step: weight, what is measured while it holds, who must agree."""
    yield Sourced({"setWeight": round(step.weight)}, step.origin.at("weight"))
    if step.hold:
        yield from _hold(model, rollout, step.hold, step.origin.at("hold"), options)
    if step.approval:
        yield Sourced({"pause": {}}, step.origin.at("approval"))


def _hold(model: Model, rollout: Rollout, hold: float, origin: Origin, options: Options) -> Iterator[Sourced]:
    if not rollout.analysis:
        yield Sourced({"pause": {"duration": go_duration(hold)}}, origin)
        return
    # The analysis is the hold: the step ends when it has measured, and not before.
    yield Sourced({"analysis": analysis_run(rollout, model, hold, options)}, origin)
    if (rest := hold - step_seconds(rollout, hold)) >= 1:
        yield Sourced({"pause": {"duration": go_duration(math.floor(rest))}}, origin)


def _blue_green(model: Model, rollout: Rollout, options: Options) -> Tree:
    """Return the switch. Nobody calls the preview, so it is measured after the switch, while the way back is open."""
    preview = preview_seconds(rollout)
    approval = next((step for step in rollout.steps if step.approval), None)
    origin = approval.origin.at("approval") if approval else _field(rollout, "strategy")
    tree: Tree = {
        "activeService": conventions.stable_service(model.name),
        "previewService": conventions.canary_service(model.name),
        "autoPromotionEnabled": Sourced(approval is None, origin),
        "scaleDownDelaySeconds": Sourced(math.ceil(preview) + SWITCH_MARGIN_SECONDS, _field(rollout, "preview")),
        "abortScaleDownDelaySeconds": ABORT_DRAIN_SECONDS,
    }
    if rollout.analysis:
        run = analysis_run(rollout, model, preview, options)
        tree["postPromotionAnalysis"] = Sourced(run, _field(rollout, "analysis"))
    return tree


def _field(rollout: Rollout, field: str) -> Origin:
    return Origin(rollout.origin.document, f"spec.{field}")
