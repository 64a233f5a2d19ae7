"""The online snapshot: alerts on one that is not rewritten, one that is missing, and keys that it does not hold."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.objectives import oldest_snapshot
from mlc_compiler.conventions import duration_text
from mlc_targets.prometheus.rules import (
    PAGE,
    TICKET,
    Alert,
    Firing,
    Group,
    Scenario,
    Scope,
    above,
    below,
    number,
    rounded,
)
from mlc_targets.prometheus.samples import VERSION, sample

MISS_WINDOW = 3600.0
_ROWS = 1000  # scored each minute of a scenario


def online_group(scope: Scope) -> Group | None:
    """Return the group of the snapshot that the model's lookups are answered from, None without lookups."""
    if not scope.model.features.lookups or scope.model.serving.runtime:
        return None
    stale, missing, misses = _stale(scope), _missing(scope), _misses(scope)
    return Group(
        name="online",
        interval=scope.options.scrape_interval,
        records=(),
        alerts=(stale, missing, misses),
        scenarios=(*_age_scenarios(scope, stale, missing), *_miss_scenarios(scope, misses)),
    )


def _stale(scope: Scope) -> Alert:
    refresh = duration_text(scope.model.features.refresh)
    age = scope.series.server(conventions.METRIC_ONLINE_AGE)
    oldest, origin = oldest_snapshot(scope.model)
    return Alert(
        name="MlcOnlineSnapshotStale",
        expr=f"max by (model, version) ({age}) > {number(oldest)}",
        pending=scope.pending(300.0),
        severity=TICKET,
        summary=f"{scope.title} looks up features in an old snapshot",
        description=(
            f"The snapshot that version {{label:version}} reads is {{value}} old; it is to be rewritten every "
            f"{refresh}. The model was trained on features as fresh as that."
        ),
        origin=origin,
        shown="seconds",
    )


def _missing(scope: Scope) -> Alert:
    age = scope.series.server(conventions.METRIC_ONLINE_AGE)
    return Alert(
        name="MlcOnlineSnapshotMissing",
        expr=f"count by (model, version) ({age} != {age})",  # only NaN differs from itself
        pending=scope.pending(600.0),
        severity=PAGE,
        summary=f"Servers of {scope.title} have no snapshot",
        description="{value} servers of version {label:version} have no online snapshot: they refuse requests.",
        origin=oldest_snapshot(scope.model)[1],
    )


def _misses(scope: Scope) -> Alert:
    window = duration_text(MISS_WINDOW)
    missed = scope.series.server(conventions.METRIC_LOOKUP_MISSES)
    rows = scope.series.server(f"{conventions.METRIC_PREDICTION}_count")
    bound = scope.options.max_lookup_misses
    return Alert(
        name="MlcOnlineLookupMisses",
        expr=(
            f"sum by (model, lookup) (rate({missed}[{window}])) / on (model) group_left () "
            f"sum by (model) (rate({rows}[{window}])) > {number(bound)}"
        ),
        pending=scope.pending(900.0),
        severity=TICKET,
        summary=f"{scope.title} misses most of what it looks up",
        description=(
            f"{{value}} of the rows of the last {window} have no entry in {{label:lookup}}; more than "
            f"{conventions.number_text(rounded(bound * 100))} % is not plausible. Their features are null."
        ),
        origin=scope.options.origin.at("max_lookup_misses"),
        shown="percent",
    )


# --- tests -----------------------------------------------------------------------------------------------------------
def _age_scenarios(scope: Scope, stale: Alert, missing: Alert) -> tuple[Scenario, ...]:
    age = sample(scope, conventions.METRIC_ONLINE_AGE)
    labels = (("model", scope.model.name), ("version", VERSION))
    oldest, _ = oldest_snapshot(scope.model)
    value = above(oldest)
    return (
        Scenario("a snapshot is old, but not too old", ((age, f"{number(below(oldest))}+0"),)),
        Scenario("a snapshot is stale", ((age, f"{number(value)}+0"),), (Firing(stale, value, labels),)),
        Scenario("a server has no snapshot", ((age, "NaN+0"),), (Firing(missing, 1.0, labels),)),
    )


def _miss_scenarios(scope: Scope, misses: Alert) -> tuple[Scenario, ...]:
    lookup = scope.model.features.lookups[0].name
    missed = sample(scope, conventions.METRIC_LOOKUP_MISSES, lookup=lookup)
    rows = (sample(scope, f"{conventions.METRIC_PREDICTION}_count"), f"0+{_ROWS}")
    bound = scope.options.max_lookup_misses
    few, many = below(bound), min(above(bound), float(f"{(bound + 1) / 2:.3g}"))
    firing = Firing(misses, many, (("lookup", lookup), ("model", scope.model.name)))
    return (
        Scenario("some rows are not found", (rows, (missed, f"0+{number(few * _ROWS)}"))),
        Scenario("most rows are not found", (rows, (missed, f"0+{number(many * _ROWS)}")), (firing,)),
    )
