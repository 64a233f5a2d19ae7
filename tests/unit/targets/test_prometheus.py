"""The target prometheus: what each model is alerted on, what no alert is silent about, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

import monitoring_cases as cases
from builders import (
    a_batch_serving,
    a_feature_query,
    a_lookup,
    a_model,
    a_monitor,
    a_project,
    a_release,
    a_rollout,
    a_serving,
    a_signal,
    an_analysis,
)
from conftest import Golden
from mlc_compiler import conventions, ir
from mlc_compiler.backend.kustomization import kustomizations
from mlc_compiler.backend.target import Artifact
from mlc_targets.prometheus import TARGET
from mlc_targets.prometheus.availability import BURNS, threshold
from mlc_targets.prometheus.rules import above, below
from mlc_targets.prometheus.samples import quantile_near


def emitted(release: ir.Release) -> tuple[Artifact, ...]:
    made = [a for model in release.models for a in TARGET.emit_model(release, model)]
    return (*made, *TARGET.emit_environment(release))


def loaded(release: ir.Release, kind: str = "rules") -> dict[str, Any]:
    found: dict[str, Any] = next(yaml.safe_load(a.text) for a in emitted(release) if f"/monitoring/{kind}" in a.path)
    return found


def alerts(release: ir.Release) -> list[dict[str, Any]]:
    return [rule for group in loaded(release)["groups"] for rule in group["rules"] if "alert" in rule]


def names(release: ir.Release) -> set[str]:
    return {alert["alert"] for alert in alerts(release)}


def alert(release: ir.Release, name: str) -> dict[str, Any]:
    return next(a for a in alerts(release) if a["alert"] == name)


def findings(release: ir.Release) -> list[tuple[str, str]]:
    return [(u.origin.field, u.message) for u in TARGET.check(release)]


def with_options(**options: ir.Frozen) -> ir.Release:
    return a_release(a_model(), project=a_project(targets={"prometheus": options}))


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_the_files_are_the_golden_ones(case: str, golden: Golden) -> None:
    golden(f"prometheus/{case}", emitted(cases.ALL[case]()))


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_the_shared_cases_are_expressible(case: str) -> None:
    assert findings(cases.ALL[case]()) == []


# --- what a model is alerted on --------------------------------------------------------------------------------------
def test_a_model_without_a_monitor_is_still_missed_when_it_is_gone() -> None:
    assert names(cases.plain()) == {"MlcServerAbsent"}


def test_everything_that_can_be_watched_is() -> None:
    assert names(cases.full()) == {
        "MlcErrorBudgetFastBurn", "MlcErrorBudgetMediumBurn", "MlcErrorBudgetSlowBurn", "MlcLatencyAboveObjective",
        "MlcOnlineLookupMisses", "MlcOnlineSnapshotMissing", "MlcOnlineSnapshotStale", "MlcPredictionDrift",
        "MlcPredictionDriftUnknown", "MlcRequestsAbsent", "MlcServerAbsent", "MlcSignalNotComputed",
        "MlcSignalOutOfBounds",
    }  # fmt: skip


def test_each_signal_has_an_alert_for_its_bound_and_one_for_silence() -> None:
    found = alerts(cases.full())
    for name in ("MlcSignalOutOfBounds", "MlcSignalNotComputed"):
        assert [a["labels"]["signal"] for a in found if a["alert"] == name] == [s.name for s in cases.SIGNALS]


def test_a_signal_alerts_as_severely_as_it_says() -> None:
    found = {a["labels"]["signal"]: a["labels"]["severity"] for a in alerts(cases.full()) if "signal" in a["labels"]}
    page = [a for a in alerts(cases.full()) if a["labels"].get("signal") == "live-auc"]
    assert {a["alert"]: a["labels"]["severity"] for a in page} == {
        "MlcSignalOutOfBounds": "page",
        "MlcSignalNotComputed": "ticket",
    }
    assert found["inputs"] == "ticket"


def test_a_signal_with_two_bounds_alerts_on_either_side() -> None:
    found = next(a for a in alerts(cases.full()) if a["labels"].get("signal") == "bias")
    assert "< -0.1 or " in found["expr"]
    assert "> 0.1)" in found["expr"]


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_every_alert_says_whose_it_is_and_what_to_do(case: str) -> None:
    release = cases.ALL[case]()
    for found in alerts(release):
        assert {"environment", "model", "owner", "project", "severity"} <= set(found["labels"])
        assert found["labels"]["severity"] in ("page", "ticket")
        assert set(found["annotations"]) >= {"summary", "description"}


def test_the_runbook_of_an_alert_has_its_name() -> None:
    url = "https://runbooks.acme.example/mlc/MlcServerAbsent"
    assert alert(cases.full(), "MlcServerAbsent")["annotations"]["runbook_url"] == url
    assert "runbook_url" not in alert(cases.plain(), "MlcServerAbsent")["annotations"]


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_every_alert_is_seen_firing_and_silent_by_a_rule_test(case: str) -> None:
    release = cases.ALL[case]()
    found: dict[tuple[str, str | None], set[bool]] = {}
    for test in loaded(release, "rule-tests")["tests"]:
        for check in test["alert_rule_test"]:
            fired = {(check["alertname"], e["exp_labels"].get("signal")) for e in check["exp_alerts"]}
            for a in alerts(release):
                key = (a["alert"], a["labels"].get("signal"))
                if key[0] == check["alertname"]:
                    found.setdefault(key, set()).add(key in fired)
    assert set(found) == {(a["alert"], a["labels"].get("signal")) for a in alerts(release)}
    assert all(seen == {True, False} for seen in found.values())


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_a_condition_holds_for_four_scrapes_at_least(case: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600}
    scrape = 60 if case == "tuned" else 15
    for found in alerts(cases.ALL[case]()):
        assert int(found["for"][:-1]) * seconds[found["for"][-1]] >= 4 * scrape


def test_all_series_are_of_the_model_and_the_namespace() -> None:
    for group in loaded(cases.full())["groups"]:
        for rule in group["rules"]:
            selectors = rule["expr"].count('model="late-arrival"')
            scopes = rule["expr"].count('namespace="ml-prod"') + rule["expr"].count('environment="prod"')
            assert selectors == scopes > 0


def test_an_owner_with_braces_does_not_become_a_template() -> None:
    assert alert(cases.tuned(), "MlcServerAbsent")["labels"]["owner"] == 'risk {{ "{{" }}team}}'


def test_a_model_without_a_pin_has_no_rules() -> None:
    release = a_release(a_model(pinned=False))
    assert [artifact.path for artifact in emitted(release)] == ["deploy/prod/monitoring/alertmanager.yml"]


# --- bounds ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("objective", "expected"),
    [(0.999, (0.0144, 0.006, 0.001)), (0.9999, (0.00144, 0.0006, 0.0001)), (0.9, (0.55, 0.55, 0.1))],
)
def test_burn_rates_are_shares_that_can_be_reached(objective: float, expected: tuple[float, ...]) -> None:
    assert tuple(threshold(burn, objective) for burn in BURNS) == expected


def test_the_monitors_latency_comes_before_the_models() -> None:
    release = a_release(a_model(monitor=a_monitor(latency_p99=0.2), serving=a_serving(latency_p99=0.05)))
    assert "> 0.2 and" in alert(release, "MlcLatencyAboveObjective")["expr"]
    assert "> 0.05 and" in alert(a_release(a_model()), "MlcLatencyAboveObjective")["expr"]


@pytest.mark.parametrize(
    ("model", "bound"),
    [
        (a_model(rollout=a_rollout(analysis=(an_analysis("prediction_drift", max=0.3),))), "0.3"),
        (a_model(monitor=a_monitor([a_signal(type="prediction_drift", method="psi", max=0.1)])), "0.1"),
        (a_model(monitor=a_monitor([a_signal(type="prediction_drift", method="ks", max=0.1)])), "0.25"),
    ],
)
def test_the_drift_gauge_is_compared_with_a_bound_of_its_own_method(model: ir.Model, bound: str) -> None:
    assert alert(a_release(model), "MlcPredictionDrift")["expr"].endswith(f"> {bound}")


@pytest.mark.parametrize(("rate", "expected"), [(None, False), (0.01, False), (1.0, True)])
def test_quiet_hours_are_news_only_where_requests_are_expected(rate: float | None, expected: bool) -> None:
    release = a_release(a_model(rollout=a_rollout(requests_per_second=rate)))
    assert ("MlcRequestsAbsent" in names(release)) is expected


@pytest.mark.parametrize("bound", [0.0012, 0.01, 0.025, 0.03, 0.05, 0.0999, 0.3, 1.0, 2.4999, 3.0, 4.99])
def test_a_latency_on_either_side_of_a_bound_is_found(bound: float) -> None:
    slow, buckets = quantile_near(bound, exceeds=True)
    fast, _ = quantile_near(bound, exceeds=False)
    assert fast < bound < slow
    assert len(buckets) == len(conventions.LATENCY_BUCKETS) + 1


@pytest.mark.parametrize("bound", [0.2, 0, -0.1, 12_345.6, 1e-5])
def test_a_value_on_either_side_of_a_bound_is_found(bound: float) -> None:
    assert below(bound) < bound < above(bound)


# --- other servers, batches ------------------------------------------------------------------------------------------
def test_another_server_is_watched_under_its_own_names_by_its_pods() -> None:
    expr = alert(cases.runtime(), "MlcServerAbsent")["expr"]
    assert expr == 'absent(up{namespace="ml-prod",pod=~"late-arrival-[a-z0-9]+-[a-z0-9]+"} == 1)'
    text = "".join(a.text for a in emitted(cases.runtime()))
    assert "vendor_requests_total{" in text
    assert conventions.METRIC_PREDICTION_DRIFT not in text
    assert f'{conventions.METRIC_SIGNAL_VALUE}{{namespace="ml-prod",model="late-arrival"' in text


def test_an_objective_on_what_another_server_does_not_count_is_refused() -> None:
    serving = a_serving(latency_p99=None, runtime=ir.Runtime("vendor/server:1", 9000, ()))
    found = findings(a_release(a_model(serving=serving, monitor=a_monitor())))
    assert [field for field, _ in found] == ["spec.serving.runtime.metrics"] * 2
    assert conventions.METRIC_REQUESTS in found[0][1]


def test_a_batch_is_watched_by_its_cron_job_where_that_is_known() -> None:
    assert {"MlcBatchOverdue", "MlcBatchAbsent"} <= names(cases.batch())
    assert "MlcServerAbsent" not in names(cases.batch())
    without = a_release(a_model(serving=a_batch_serving()))
    assert list(TARGET.emit_model(without, without.models[0])) == []


def test_objectives_of_requests_on_a_batch_are_refused() -> None:
    found = findings(a_release(a_model(serving=a_batch_serving(), monitor=a_monitor())))
    assert [field for field, _ in found] == ["spec.slo.availability", "spec.slo.latency_p99"]


# --- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("availability", "word"), [(1.0, "no error budget"), (0.3, "30 %")])
def test_an_objective_that_no_budget_belongs_to_is_refused(availability: float, word: str) -> None:
    found = findings(a_release(a_model(monitor=a_monitor(availability=availability))))
    assert found[0][0] == "spec.slo.availability"
    assert word in found[0][1]


@pytest.mark.parametrize("bound", [0.0005, 5.0])
def test_a_latency_outside_the_histogram_is_refused(bound: float) -> None:
    found = findings(a_release(a_model(monitor=a_monitor(latency_p99=bound))))
    assert [field for field, _ in found] == ["spec.slo.latency_p99"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scrape", "15s"),
        ("scrape_interval", "5m"),
        ("scrape_interval", 15),
        ("namespace_label", "kubernetes.io/namespace"),
        ("objects", "config-map"),
        ("max_lookup_misses", 1.5),
        ("kube_state_metrics", "yes"),
        ("owner_webhooks", (("risk", "https://hooks.acme.example"),)),
        ("owner_webhooks", (("risk", (("secret", "no-key"),)),)),
        ("owner_webhooks", "risk"),
    ],
)
def test_an_unknown_option_or_value_is_refused_where_it_stands(key: str, value: ir.Frozen) -> None:
    assert [field for field, _ in findings(with_options(**{key: value}))] == [f"spec.targets.prometheus.{key}"]


# --- Alertmanager ----------------------------------------------------------------------------------------------------
def test_the_webhook_is_a_file_of_the_secret_and_never_its_value() -> None:
    receivers = loaded(cases.full(), "alertmanager")["receivers"]
    hook = {"url_file": "/etc/alertmanager/secrets/alerting/url", "send_resolved": True}
    assert receivers == [{"name": "ops-analytics", "webhook_configs": [hook]}]


def test_an_owner_with_a_webhook_has_a_receiver_and_a_route() -> None:
    config = loaded(cases.tuned(), "alertmanager")
    assert [r["name"] for r in config["receivers"]] == ["ops-analytics", "owner risk {{team}}"]
    route = config["route"]["routes"][0]
    assert (route["receiver"], route["matchers"]) == ("owner risk {{team}}", ['owner = "risk {{team}}"'])


def test_a_page_quiets_the_tickets_of_the_same_model_alone() -> None:
    first = loaded(cases.full(), "alertmanager")["inhibit_rules"][0]
    assert first["equal"] == ["project", "environment", "model"]


def test_the_alertmanager_is_the_same_whichever_models_there_are() -> None:
    made = {tuple(TARGET.emit_environment(a_release().with_models(m))) for m in ((), (a_model("a"),), (a_model("b"),))}
    assert len(made) == 1


def test_a_message_never_mixes_owners_or_severities() -> None:
    assert {"owner", "severity", "environment"} <= set(loaded(cases.full(), "alertmanager")["route"]["group_by"])


# --- files -----------------------------------------------------------------------------------------------------------
def test_only_the_custom_resource_is_applied_to_the_cluster() -> None:
    assert list(kustomizations(cases.full().environment, emitted(cases.full()))) == []
    (applied,) = kustomizations(cases.tuned().environment, emitted(cases.tuned()))
    assert (applied.model, yaml.safe_load(applied.text)["resources"]) == ("late-arrival", ["prometheus-rule.yaml"])


def test_a_rule_knows_the_field_that_it_comes_from() -> None:
    release = a_release(a_model(features=a_feature_query([a_lookup()]), monitor=a_monitor()))
    rules = next(a for a in emitted(release) if "/rules/" in a.path)
    fields = {part.origin.document + "#" + part.origin.field for part in rules.parts}
    assert {
        "Monitor/late-arrival#spec.slo.availability",
        "Monitor/late-arrival#spec.slo.latency_p99",
        "Monitor/late-arrival#spec.signals.0",
        "FeatureView/departures#spec.online.refresh",
    } <= fields
