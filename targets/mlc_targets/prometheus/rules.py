"""Rules as values: an alert with what it says, and scenarios in which it fires or is silent.

Rules and their tests are written from the same values, so a test that passes says that Prometheus reads the rule as it
was meant.
"""

from __future__ import annotations

import re
from typing import Literal

from mlc_compiler import conventions
from mlc_compiler.backend.series import Series, equals, select
from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree
from mlc_compiler.ir import Model, Origin, Release
from mlc_compiler.records import dataclass
from mlc_targets.prometheus.options import Options

PAGE, TICKET = "page", "ticket"
RATE_WINDOW = 300.0

Labels = tuple[tuple[str, str], ...]
Shown = Literal["number", "percent", "seconds"]


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule."""

    name: str
    expr: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule. `description` may hold {value}, shown as `shown` says, {label:NAME} of its series, and
    {feature}, which is a sentence where the series has that label.

    `pending` is how long the condition holds before it fires, in seconds; `labels` tell alerts of one name apart.
    """

    name: str
    expr: str
    pending: float
    severity: str
    summary: str
    description: str
    origin: Origin
    shown: Shown = "number"
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that a scenario makes fire: its value, and the labels that its expression's result carries."""

    alert: Alert
    value: float
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Series, one sample a minute, and what fires of them; every other alert of the group must be silent.

    Values are promtool's notation of one sample and its growth, without the count: `0+60`, `NaN+0`.
    """

    title: str
    series: tuple[tuple[str, str], ...]
    firing: tuple[Firing, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other at every `interval` seconds."""

    name: str
    interval: float
    records: tuple[Record, ...]
    alerts: tuple[Alert, ...]
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """One model in one environment, and how Prometheus is set up; `labels` are those of everything the rules write."""

    release: Release
    model: Model
    options: Options
    series: Series
    labels: Labels

    @property
    def title(self) -> str:
        """Return the model and environment in words."""
        return f"{self.model.name} in {self.release.environment.name}"

    def recorded(self, name: str) -> str:
        """Return the selector of a series that a recording rule writes."""
        return select(name, *(equals(label, value) for label, value in self.labels))

    def pending(self, seconds: float) -> float:
        """Return how long a condition must hold: `seconds`, and never less than four scrapes."""
        return max(seconds, 4 * self.options.scrape_interval)

    @property
    def slow_interval(self) -> float:
        """Return how often rules over hours and days are evaluated."""
        return 4 * self.options.scrape_interval


def scope_of(release: Release, model: Model, options: Options) -> Scope:
    """Return the scope of a model's rules in the release's environment."""
    series = Series(release, model, options.namespace_label, options.pod_label)
    labels = (("environment", release.environment.name), ("model", model.name), ("project", release.project.name))
    return Scope(release, model, options, series, labels)


# --- what Prometheus reads -------------------------------------------------------------------------------------------
def group_tree(scope: Scope, group: Group) -> Tree:
    """Return a group of a rule file."""
    records = [Sourced(_record_tree(scope, record), record.origin) for record in group.records]
    alerts = [Sourced(_alert_tree(scope, alert), alert.origin) for alert in group.alerts]
    return {
        "name": f"{scope.release.project.name}.{scope.release.environment.name}.{scope.model.name}.{group.name}",
        "interval": conventions.duration_text(group.interval),
        "rules": records + alerts,
    }


def _record_tree(scope: Scope, record: Record) -> Tree:
    return {"record": record.name, "expr": record.expr, "labels": dict(scope.labels)}


def _alert_tree(scope: Scope, alert: Alert) -> Tree:
    tree: Tree = {"alert": alert.name, "expr": alert.expr}
    if alert.pending:
        tree["for"] = conventions.duration_text(alert.pending)
    labels = {name: template(value) for name, value in alert_labels(scope, alert)}
    return {**tree, "labels": labels, "annotations": notes(scope, alert)}


def alert_labels(scope: Scope, alert: Alert) -> Labels:
    """Return the labels that the rule gives its alerts."""
    own = {**dict(scope.labels), **dict(alert.labels), "owner": scope.model.owner, "severity": alert.severity}
    return tuple(sorted((name, value) for name, value in own.items() if value))


def notes(scope: Scope, alert: Alert, firing: Firing | None = None) -> dict[str, str]:
    """Return an alert's annotations: as templates, or as Prometheus fills them in for one that fires."""
    texts = {"summary": alert.summary, "description": _described(alert, firing)}
    if runbooks := scope.release.project.runbooks:
        texts["runbook_url"] = f"{runbooks.rstrip('/')}/{alert.name}"
    return texts


def _described(alert: Alert, firing: Firing | None) -> str:
    text = alert.description
    if firing is None:
        text = _LABEL.sub(r"{{ $labels.\1 }}", text).replace("{feature}", _FEATURE_TEMPLATE)
        return text.replace("{value}", _VALUE_TEMPLATES[alert.shown])
    feature = dict(firing.labels).get("feature")
    text = text.replace("{feature}", f" Feature {feature}." if feature else "")
    for name, value in firing.labels:
        text = text.replace(f"{{label:{name}}}", value)
    return text.replace("{value}", shown(firing.value, alert.shown))


_LABEL = re.compile(r"\{label:(\w+)\}")
_FEATURE_TEMPLATE = "{{ with $labels.feature }} Feature {{ . }}.{{ end }}"
_VALUE_TEMPLATES: dict[Shown, str] = {
    "number": '{{ $value | printf "%.4g" }}',
    "percent": "{{ $value | humanizePercentage }}",
    "seconds": '{{ $value | printf "%.4g" }} s',
}


def shown(value: float, how: Shown) -> str:
    """Return a value as Prometheus' template functions show it.

    >>> shown(0.0151, "percent"), shown(0.05454545, "seconds")
    ('1.51%', '0.05455 s')
    """
    if how == "percent":
        return f"{value * 100:.4g}%"
    return f"{value:.4g} s" if how == "seconds" else f"{value:.4g}"


def template(text: str) -> str:
    """Return a text that Prometheus' templates give back as it is.

    >>> template("a {{ b")
    'a {{ "{{" }} b'
    """
    return text.replace("{{", '{{ "{{" }}')


# --- numbers ---------------------------------------------------------------------------------------------------------
def rounded(value: float) -> float:
    """Return a computed bound without the noise of its arithmetic.

    >>> rounded(14.4 * (1 - 0.999))
    0.0144
    """
    return float(f"{value:.10g}")


def number(value: float) -> str:
    """Return a number as PromQL reads it."""
    return conventions.number_text(rounded(value))


def above(bound: float) -> float:
    """Return a value a little above a bound, with three digits.

    >>> above(0.2), above(0), above(-2)
    (0.21, 0.01, -1.9)
    """
    return float(f"{bound + (abs(bound) * 0.05 or 0.01):.3g}")


def below(bound: float) -> float:
    """Return a value a little below a bound, with three digits.

    >>> below(0.2), below(0)
    (0.19, -0.01)
    """
    return -above(-bound)
