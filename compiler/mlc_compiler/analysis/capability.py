"""Capability: what the specs ask for and nothing that is installed would do. Nothing is dropped in silence."""

from __future__ import annotations

from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.project import BoundModel, Project

RUNNERS = ("ci",)
STEPPED = ("canary", "blue_green")
PROGRESSIVE = (*STEPPED, "shadow", "ab_test", "bandit")


def check_capability(project: Project, controllers: frozenset[str], sink: Sink) -> None:
    """Report fields that no chosen target acts on. `controllers` are the workload controllers that targets offer."""
    if project.spec.store.ci is not None:
        sink.warn(
            "MLC916",
            project.document.at("store", "ci"),
            "nothing uses `store.ci` yet: in CI packages travel as artifacts of the run, then inside images",
            help="remove it",
        )
    for view in project.views.values():
        for name, feature in view.spec.features.items():
            if feature.transform is not None:
                sink.error(
                    "MLC916",
                    view.at("features", name, "transform"),
                    f"nothing computes the transform of `{name}` yet, neither in training nor in serving",
                    help="write it as `expr` or `aggregate`",
                )
    for model in project.models:
        _runner(model, sink)
        _rollout(model, controllers, sink)


def _runner(model: BoundModel, sink: Sink) -> None:
    runner = model.document.spec.train.runner
    if runner not in RUNNERS:
        sink.error(
            "MLC916",
            model.document.at("train", "runner"),
            f"no target trains by `{runner}` yet",
            help=f"take `runner: {RUNNERS[0]}`: the release workflow trains what is not realised",
        )


def _rollout(model: BoundModel, controllers: frozenset[str], sink: Sink) -> None:
    """Report a progressive rollout that would become a plain Deployment."""
    rollout = model.rollout
    if rollout is None or rollout.spec.strategy not in PROGRESSIVE:
        return
    if "deployment" in controllers and "rollout" not in controllers:
        way = "add `argo-rollouts: {}` to the project's targets"
        if rollout.spec.strategy not in STEPPED:
            way = f"say `strategy: canary` and {way}"
        sink.error(
            "MLC608",
            rollout.at("strategy"),
            f"no target moves traffic step by step, so this {rollout.spec.strategy} would be a plain Deployment",
            help=f"{way}, or say `strategy: rolling`",
        )
