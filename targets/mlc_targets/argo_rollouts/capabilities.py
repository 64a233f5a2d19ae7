"""What Argo Rollouts can express of a rollout, with the page of its documentation that says so."""

from __future__ import annotations

from types import MappingProxyType

from mlc_compiler.backend.capability import Capability

_DOCS = "https://argo-rollouts.readthedocs.io/en/stable/features"
_MEASURE = f"{_DOCS}/analysis/"
_OTHER = "use `strategy: canary` or `strategy: blue_green`, or a target that can do it"

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "ab-test", ("Rollout.strategy",), "no",
        "an Experiment runs versions side by side, but assigns no requests to groups by a key",
        f"{_DOCS}/experiment/", alternative=_OTHER,
    ),
    Capability(
        "analysis", ("Rollout.analysis",), "yes",
        "an AnalysisTemplate measures each step against its bounds, and sends the version back by itself", _MEASURE,
    ),
    Capability(
        "approval", ("Rollout.steps.approval",), "yes", "a pause without a duration waits to be promoted",
        f"{_DOCS}/canary/#pause-duration",
    ),
    Capability(
        "bandit", ("Rollout.strategy",), "no", "weights follow the listed steps, not what is measured",
        f"{_DOCS}/canary/", alternative=_OTHER,
    ),
    Capability(
        "blue-green", ("Rollout.strategy", "Rollout.preview"), "limited",
        "all requests move at once: no weights below 100 and no holds; measured after the switch, while the old "
        "version is still up", f"{_DOCS}/bluegreen/",
        alternative="write `preview:` instead of `hold:`, or use a canary",
    ),
    Capability(
        "gateway-api", ("Rollout.steps.weight",), "limited",
        "weights in whole percents, by the plugin gatewayAPI, an alpha feature",
        f"{_DOCS}/traffic-management/plugins/", mode="traffic: gateway-api", since="1.5",
        alternative="use `traffic: none`, whose weights are shares of the pods, or upgrade Argo Rollouts",
    ),
    Capability(
        "manual-rollback", ("Rollout.rollback.automatic",), "no",
        "Argo Rollouts goes back by itself when an analysis fails; it waits to be told only where one is inconclusive",
        f"{_MEASURE}#inconclusive-runs",
        alternative="leave `automatic` out, or replace the analysis by `approval: true` on the steps",
    ),
    Capability(
        "pod-weights", ("Rollout.steps.weight",), "limited",
        "a weight is a share of the pods, so that the finest is one replica", f"{_DOCS}/canary/", mode="traffic: none",
        alternative="route requests by `argo-rollouts: {traffic: gateway-api}`",
    ),
    Capability(
        "rollback-window", ("Rollout.rollback.keep",), "yes",
        "going back to one of the versions kept skips steps and analysis,", f"{_DOCS}/rollback/", since="1.4",
    ),
    Capability(
        "rolling", ("Rollout.strategy",), "no", "a canary without steps would only mimic a Deployment's rolling update",
        f"{_DOCS}/canary/#mimicking-rolling-update", alternative="leave it to the target kubernetes",
    ),
    Capability(
        "sequential", ("Rollout.analysis.method",), "no",
        "Argo Rollouts compares each measurement with a bound; a sequential test would need a metric provider of its "
        "own, which these artifacts do not bring", _MEASURE,
        alternative="use `method: threshold`",
    ),
    Capability(
        "shadow", ("Rollout.strategy", "Rollout.mirror"), "no",
        "Argo Rollouts mirrors requests through Istio alone, and these artifacts route by the Gateway API or by pods",
        f"{_DOCS}/traffic-management/#traffic-mirroring-to-canary", alternative=_OTHER,
    ),
)  # fmt: skip

ROWS = MappingProxyType({row.name: row for row in CAPABILITIES})
