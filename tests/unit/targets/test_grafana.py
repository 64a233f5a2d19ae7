"""The target grafana: dashboards whose panels say what they show, with the bounds of the specs."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import yaml

import monitoring_cases as cases
from builders import a_batch_serving, a_model, a_monitor, a_project, a_release, an_environment
from conftest import Golden
from mlc_compiler import conventions, ir
from mlc_compiler.backend.kustomization import kustomizations
from mlc_compiler.backend.target import Artifact
from mlc_targets.grafana import TARGET


def emitted(release: ir.Release) -> tuple[Artifact, ...]:
    return tuple(a for model in release.models for a in TARGET.emit_model(release, model))


def dashboard(release: ir.Release) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(a.text for a in emitted(release) if a.path.endswith(".json")))
    return found


def panels(release: ir.Release) -> dict[str, dict[str, Any]]:
    return {p["title"]: p for p in dashboard(release)["panels"] if p["type"] != "row"}


def rows(release: ir.Release) -> list[str]:
    return [p["title"] for p in dashboard(release)["panels"] if p["type"] == "row"]


def bounds(panel: dict[str, Any]) -> list[float]:
    thresholds = panel["fieldConfig"]["defaults"].get("thresholds", {"steps": [{}]})
    return [step["value"] for step in thresholds["steps"][1:]]


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_the_dashboards_are_the_golden_ones(case: str, golden: Golden) -> None:
    golden(f"grafana/{case}", emitted(cases.ALL[case]()))


# --- every dashboard -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_every_panel_says_what_it_shows_and_in_which_unit(case: str) -> None:
    for panel in panels(cases.ALL[case]()).values():
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["noValue"] == "no data"


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_every_query_asks_the_data_source_that_the_viewer_chose(case: str) -> None:
    found = dashboard(cases.ALL[case]())
    assert [v["type"] for v in found["templating"]["list"]] == ["datasource"]
    for panel in panels(cases.ALL[case]()).values():
        assert panel["datasource"]["uid"] == "${datasource}"
        assert not any("datasource" in target for target in panel["targets"])


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_panels_do_not_overlap(case: str) -> None:
    def covers(a: dict[str, int], b: dict[str, int]) -> bool:
        across = a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
        return across and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]

    places = [p["gridPos"] for p in dashboard(cases.ALL[case]())["panels"]]
    assert not any(covers(a, b) for a, b in combinations(places, 2))
    assert all(place["x"] + place["w"] <= 24 for place in places)


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_panels_have_numbers_of_their_own(case: str) -> None:
    numbers = [p["id"] for p in dashboard(cases.ALL[case]())["panels"]]
    assert len(numbers) == len(set(numbers))
    assert all(0 < number < 2**31 for number in numbers)


def test_a_panel_keeps_its_number_when_others_come() -> None:
    few, many = panels(cases.plain()), panels(cases.full())
    assert set(few) < set(many)
    assert all(few[title]["id"] == many[title]["id"] for title in few)


def test_a_dashboard_is_known_by_project_environment_and_model_alone() -> None:
    release = cases.full()
    changed = replace(release, models=(replace(release.models[0], owner="others", monitor=None),))
    elsewhere = replace(release, environment=an_environment("staging"))
    assert dashboard(release)["uid"] == dashboard(changed)["uid"] != dashboard(elsewhere)["uid"]
    assert len(dashboard(release)["uid"]) <= 40


# --- what is shown ---------------------------------------------------------------------------------------------------
def test_a_dashboard_has_a_row_for_all_that_is_exported() -> None:
    assert rows(cases.full()) == [
        "Requests", "Latency", "Predictions", "Versions", "Online snapshot", "Servers", "Signals"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Errors", [0.001]),
        ("Availability", [0.999]),
        ("Latency", [0.05]),
        ("Prediction drift", [0.2]),
        ("Errors by version", [0.01]),
        ("Latency by version", [0.05]),
        ("Age of the snapshot", [2700.0]),
        ("Servers", [2]),
        ("inputs", [0.2]),
        ("live-auc", [0.68]),
        ("bias", [-0.1, 0.1]),
    ],
)
def test_a_panel_draws_the_bound_of_its_spec(title: str, expected: list[float]) -> None:
    assert bounds(panels(cases.full())[title]) == expected


def test_where_the_specs_state_no_bound_no_line_is_drawn() -> None:
    found = panels(cases.plain())
    assert {title for title in found if bounds(found[title])} == {"Servers"}


def test_a_value_below_a_lower_bound_is_red() -> None:
    steps = panels(cases.full())["live-auc"]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps == [{"color": "red", "value": None}, {"color": "green", "value": 0.68}]


def test_a_regression_has_values_and_no_classes() -> None:
    found = panels(cases.regression())
    assert {"Values", "Mean"} <= set(found)
    assert not {"Scores", "Classes"} & set(found)
    assert "min" not in found["Mean"]["fieldConfig"]["defaults"]


def test_another_server_shows_what_it_names() -> None:
    found = panels(cases.runtime())
    assert "vendor_requests_total{" in found["Requests"]["targets"][0]["expr"]
    assert found["Servers"]["targets"][0]["expr"].startswith("count(up{")
    assert rows(cases.runtime()) == ["Requests", "Latency", "Servers", "Signals"]


def test_a_batch_shows_its_signals_alone() -> None:
    assert rows(cases.batch()) == ["Signals"]
    without = a_release(a_model(serving=a_batch_serving()))
    assert emitted(without) == ()


def test_a_model_without_a_pin_has_no_dashboard() -> None:
    assert emitted(a_release(a_model(pinned=False, monitor=a_monitor()))) == ()


def test_all_series_are_of_the_model_and_the_namespace() -> None:
    for panel in panels(cases.tuned()).values():
        for target in panel["targets"]:
            expr = target["expr"]
            assert expr.count('{kubernetes_namespace="ml-prod",model="late-arrival"') == expr.count("{") > 0


# --- options ---------------------------------------------------------------------------------------------------------
def test_a_config_map_carries_the_same_dashboard_for_the_sidecar() -> None:
    release = a_release(project=a_project(targets={"grafana": {"objects": "config-map"}}))
    found = next(yaml.safe_load(a.text) for a in emitted(release) if a.path.endswith(".yaml"))
    assert json.loads(found["data"]["late-arrival.json"]) == dashboard(release)
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    (applied,) = kustomizations(release.environment, emitted(release))
    assert (applied.model, yaml.safe_load(applied.text)["resources"]) == ("late-arrival", ["dashboard.yaml"])


@pytest.mark.parametrize(
    ("key", "value"), [("folder", "ml"), ("objects", "crd"), ("namespace_label", "a-b"), ("pod_label", 3)]
)
def test_an_unknown_option_or_value_is_refused_where_it_stands(key: str, value: ir.Frozen) -> None:
    release = a_release(project=a_project(targets={"grafana": {key: value}}))
    assert [u.origin.field for u in TARGET.check(release)] == [f"spec.targets.grafana.{key}"]


def test_a_panel_knows_the_field_that_it_comes_from() -> None:
    fields = {part.origin.field for part in emitted(cases.full())[0].parts}
    assert {"spec.slo.availability", "spec.slo.latency_p99", "spec.online.refresh"} <= fields


def test_the_names_of_the_metrics_are_the_servers() -> None:
    text = emitted(cases.full())[0].text
    exported = [value for name, value in vars(conventions).items() if name.startswith("METRIC_")]
    assert all(name in text for name in exported)
