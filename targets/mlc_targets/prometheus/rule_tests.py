"""Unit tests of the rules, as `promtool test rules` runs them: each alert fires where it must and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree
from mlc_targets.prometheus.rules import Alert, Firing, Group, Scenario, Scope, alert_labels, notes

MINUTE = 60.0
_SPARE = 10  # minutes beyond the longest `for`


def tests_tree(scope: Scope, groups: tuple[Group, ...], rules: str) -> Tree:
    """Return the test file of a rule file, `rules` being its path as seen from the test file."""
    return {
        "rule_files": [rules],
        "evaluation_interval": "5m",
        "tests": [_test(scope, group, scenario) for group in groups if group.alerts for scenario in group.scenarios],
    }


def _test(scope: Scope, group: Group, scenario: Scenario) -> object:
    alerts = [firing.alert for firing in scenario.firing] or group.alerts
    minutes = max(math.ceil(alert.pending / MINUTE) for alert in alerts) + _SPARE
    tree: Tree = {
        "name": scenario.title,
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{values}x{minutes}"} for name, values in scenario.series],
        "alert_rule_test": [*_early(scenario), *_late(scope, group, scenario, minutes)],
    }
    return Sourced(tree, scenario.firing[0].alert.origin) if scenario.firing else tree


def _early(scenario: Scenario) -> Iterator[Tree]:
    """Yield that what fires later is silent until its condition has held for long enough."""
    for alert in _unique(firing.alert for firing in scenario.firing):
        minutes = math.ceil(alert.pending / MINUTE) - 1
        yield {"eval_time": f"{minutes}m", "alertname": alert.name, "exp_alerts": []}


def _late(scope: Scope, group: Group, scenario: Scenario, minutes: int) -> Iterator[Tree]:
    """Yield what fires, and that all others are silent which have had the time to fire."""
    for alert in _unique(a for a in group.alerts if math.ceil(a.pending / MINUTE) < minutes):
        expected = [_expected(scope, firing) for firing in scenario.firing if firing.alert.name == alert.name]
        yield {"eval_time": f"{minutes}m", "alertname": alert.name, "exp_alerts": expected}


def _expected(scope: Scope, firing: Firing) -> Tree:
    labels = {**dict(firing.labels), **dict(alert_labels(scope, firing.alert))}
    return {"exp_labels": dict(sorted(labels.items())), "exp_annotations": notes(scope, firing.alert, firing)}


def _unique(alerts: Iterator[Alert]) -> tuple[Alert, ...]:
    """Return the first alert of each name: promtool asks by name."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        found.setdefault(alert.name, alert)
    return tuple(found.values())
