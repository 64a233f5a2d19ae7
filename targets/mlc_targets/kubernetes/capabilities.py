"""What Kubernetes can express of serving and jobs, with the page of its documentation that says so.

`since` is the first release that has it by default, be it in beta: a cluster can switch that off.
"""

from __future__ import annotations

from types import MappingProxyType

from mlc_compiler.backend.capability import Capability

_DOCS = "https://kubernetes.io/docs"
_MIGRATION = f"{_DOCS}/reference/using-api/deprecation-guide/"
_GATES = f"{_DOCS}/reference/command-line-tools-reference/feature-gates-removed/"
_CRON = f"{_DOCS}/concepts/workloads/controllers/cron-jobs/"

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "autoscaler", ("Model.serving.replicas", "Model.serving.target_cpu"), "yes",
        "HorizontalPodAutoscaler of autoscaling/v2", f"{_MIGRATION}#horizontalpodautoscaler-v126", since="1.23",
    ),
    Capability(
        "cron-job", ("Model.serving.schedule", "FeatureView.online.refresh"), "limited",
        "a CronJob starts at most once a minute", _CRON, since="1.21", alternative="use `refresh: 1m` or more",
    ),
    Capability(
        "cron-job-name", ("Model.metadata.name",), "limited",
        "the name of a CronJob has at most 52 characters: 11 are appended for each run", _CRON,
        alternative="choose a shorter name",
    ),
    Capability(
        "cron-time-zone", ("Model.serving.schedule",), "yes", "schedules of CronJobs name their time zone", _GATES,
        since="1.25",
    ),
    Capability(
        "disruption-budget", ("Model.serving.replicas.min",), "yes", "PodDisruptionBudget of policy/v1",
        f"{_MIGRATION}#poddisruptionbudget-v125", since="1.21",
    ),
    Capability(
        "progressive", ("Rollout.strategy",), "no", "a Deployment replaces its pods without weights or analysis",
        f"{_DOCS}/concepts/workloads/controllers/deployment/#rolling-update-deployment",
        alternative="add the target argo-rollouts to mlc.yaml, or use `strategy: rolling`",
    ),
    Capability(
        "read-write-once-pod", ("snapshot_access",), "yes",
        "volumes of one pod alone (ReadWriteOncePod), from CSI drivers only,",
        "https://kubernetes.io/blog/2023/12/18/read-write-once-pod-access-mode-ga/",
        mode="snapshot_access: ReadWriteOncePod", since="1.27", alternative="use `snapshot_access: ReadWriteOnce`",
    ),
    Capability(
        "scale-to-zero", ("Model.serving.replicas.min",), "no",
        "a HorizontalPodAutoscaler can't scale to zero by CPU: without pods there is none to measure",
        "https://kubernetes.io/blog/2026/09/02/kubernetes-v1-37-hpa-scale-to-zero-beta/", alternative="use `min: 1`",
    ),
)  # fmt: skip

ROWS = MappingProxyType({row.name: row for row in CAPABILITIES})
