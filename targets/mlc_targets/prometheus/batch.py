"""Batches: an alert on a scheduled run that has not succeeded, from the metrics of kube-state-metrics."""

from __future__ import annotations

from mlc_compiler.backend.series import equals, select
from mlc_targets.prometheus.rules import TICKET, Alert, Firing, Group, Scenario, Scope

SCHEDULED, SUCCEEDED = "kube_cronjob_status_last_schedule_time", "kube_cronjob_status_last_successful_time"
LONGEST_RUN = 7200.0


def batch_group(scope: Scope) -> Group:
    """Return the group of the model's CronJob."""
    alerts = _overdue(scope), _absent(scope)
    scheduled, succeeded = (_select(scope, metric) for metric in (SCHEDULED, SUCCEEDED))
    overdue, absent = (Firing(alerts[0], 86_400.0, _labels(scope)), Firing(alerts[1], 1.0, _labels(scope)))
    return Group(
        name="batch",
        interval=scope.slow_interval,
        records=(),
        alerts=alerts,
        scenarios=(
            Scenario("the last run succeeded", ((scheduled, "86400+0"), (succeeded, "86460+0"))),
            Scenario("the last run has not succeeded", ((scheduled, "86400+0"), (succeeded, "60+0")), (overdue,)),
            Scenario("no run has ever succeeded", ((scheduled, "86400+0"),), (overdue,)),
            Scenario("no run was ever started", (), (absent,)),
        ),
    )


def _overdue(scope: Scope) -> Alert:
    scheduled, succeeded = (_select(scope, metric) for metric in (SCHEDULED, SUCCEEDED))
    keys = f"{scope.series.namespace_label}, cronjob"
    times = (f"max by ({keys}) ({metric})" for metric in (scheduled, succeeded))
    last, done = times
    return Alert(
        name="MlcBatchOverdue",
        expr=f"{last} > {done} or ({last} unless {done})",
        pending=scope.pending(LONGEST_RUN),
        severity=TICKET,
        summary=f"The last scores of {scope.title} are missing",
        description="The latest scheduled run has not succeeded within 2 hours: its scores are missing or old.",
        origin=scope.model.serving.origin.at("schedule"),
    )


def _absent(scope: Scope) -> Alert:
    return Alert(
        name="MlcBatchAbsent",
        expr=f"absent({_select(scope, SCHEDULED)})",
        pending=scope.pending(LONGEST_RUN),
        severity=TICKET,
        summary=f"{scope.title} is not scheduled",
        description="kube-state-metrics knows no CronJob of the model that has ever been started.",
        origin=scope.model.serving.origin.at("schedule"),
    )


def _select(scope: Scope, metric: str) -> str:
    return select(metric, *(equals(label, value) for label, value in _labels(scope)))


def _labels(scope: Scope) -> tuple[tuple[str, str], ...]:
    return ((scope.series.namespace_label, scope.release.environment.namespace), ("cronjob", scope.model.name))
