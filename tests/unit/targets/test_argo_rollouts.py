"""The target argo-rollouts: steps, analyses that never pass without data, and what is refused with numbers."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from typing import Any

import pytest
import yaml

import kubernetes_cases as cases
from builders import a_model, a_project, a_release, a_rollout, a_serving, an_analysis, an_environment
from conftest import Golden
from mlc_compiler import conventions, ir
from mlc_targets.argo_rollouts import TARGET
from mlc_targets.argo_rollouts.analysis import conditions, measurements
from mlc_targets.argo_rollouts.queries import query


def objects(release: ir.Release) -> dict[str, Any]:
    texts = [a.text for model in release.models for a in TARGET.emit_model(release, model)]
    return {o["kind"] + "/" + o["metadata"]["name"]: o for o in map(yaml.safe_load, texts)}


def strategy(release: ir.Release) -> dict[str, Any]:
    found: dict[str, Any] = objects(release)["Rollout/late-arrival"]["spec"]["strategy"]
    return found


def findings(release: ir.Release) -> list[tuple[str, str]]:
    return [(u.origin.field, u.message) for u in TARGET.check(release)]


def routed(**rollout: Any) -> ir.Release:
    return cases.a_routed_release(a_model(rollout=a_rollout(**rollout)))


@pytest.mark.parametrize("case", sorted(cases.ARGO_ROLLOUTS))
def test_the_manifests_are_the_golden_ones(case: str, golden: Golden) -> None:
    golden(f"argo-rollouts/{case}", cases.emitted(cases.ARGO_ROLLOUTS[case](), TARGET))


# --- steps -----------------------------------------------------------------------------------------------------------
def test_a_step_holds_by_measuring() -> None:
    steps = strategy(routed())["canary"]["steps"]
    assert [next(iter(step)) for step in steps] == ["setWeight", "analysis", "setWeight", "analysis", "setWeight"]
    arguments = {a["name"]: a.get("value") for a in steps[1]["analysis"]["args"]}
    assert arguments == {"pod-template-hash": None, "error-rate-count": "30", "latency-p99-count": "30"}


def test_a_step_without_analysis_is_a_pause_in_units_that_go_reads() -> None:
    steps = strategy(routed(analysis=(), steps=((5, 86_400.0), (100, None))))["canary"]["steps"]
    assert steps == [{"setWeight": 5}, {"pause": {"duration": "24h"}}, {"setWeight": 100}]


def test_what_the_measurements_leave_of_a_hold_is_a_pause() -> None:
    steps = strategy(routed(analysis=(an_analysis(interval=120.0),), steps=((5, 700.0), (100, None))))["canary"][
        "steps"
    ]
    assert steps[1]["analysis"]["args"][1]["value"] == "5"
    assert steps[2] == {"pause": {"duration": "100s"}}


def test_an_approval_waits_for_a_person_without_end() -> None:
    steps = strategy(routed(steps=((5, 1800.0, "approval"), (100, None))))["canary"]["steps"]
    assert steps[2] == {"pause": {}}


@pytest.mark.parametrize(("hold", "count"), [(60.0, 1), (119.0, 1), (120.0, 2), (1800.0, 30)])
def test_the_first_measurement_waits_until_its_window_is_full(hold: float, count: int) -> None:
    assert measurements(an_analysis(), hold) == count


def test_without_routing_argo_does_not_know_the_service_or_it_would_take_pods_out_of_it() -> None:
    canary = strategy(cases.replicas())["canary"]
    assert not {"stableService", "canaryService", "trafficRouting"} & set(canary)
    assert "Service/late-arrival" in objects(cases.replicas())
    assert "Service/late-arrival-canary" not in objects(cases.replicas())


def test_with_routing_the_route_starts_with_all_requests_on_the_stable_service() -> None:
    rule = objects(routed())["HTTPRoute/late-arrival"]["spec"]["rules"][0]
    assert [(b["name"], b["weight"]) for b in rule["backendRefs"]] == [
        ("late-arrival", 100),
        ("late-arrival-canary", 0),
    ]


def test_models_that_share_a_host_are_told_apart_by_path() -> None:
    environment = an_environment(gateway="gateways/public")
    route = objects(cases.a_routed_release(a_model(rollout=a_rollout()), environment=environment))
    spec = route["HTTPRoute/late-arrival"]["spec"]
    assert "hostnames" not in spec
    assert spec["rules"][0]["matches"] == [{"path": {"type": "PathPrefix", "value": "/late-arrival"}}]


def test_blue_green_measures_after_the_switch_while_the_way_back_is_open() -> None:
    tree = strategy(cases.blue_green())["blueGreen"]
    assert tree["scaleDownDelaySeconds"] > 900
    assert tree["autoPromotionEnabled"] is False
    assert {a["name"]: a.get("value") for a in tree["postPromotionAnalysis"]["args"]}["error-rate-count"] == "15"


def test_other_controllers_are_left_alone() -> None:
    assert objects(cases.deployment()) == {}
    assert objects(cases.a_routed_release(a_model(rollout=a_rollout(), pinned=False))) == {}


# --- no data never passes --------------------------------------------------------------------------------------------
def verdict(analysis: ir.Analysis, rollout: ir.Rollout, result: list[float]) -> str:
    """What Argo makes of a result: conditions evaluated as its expression language does."""

    def holds(condition: str) -> bool:
        python = condition.replace("&&", " and ").replace("||", " or ").replace("!isNaN", "not isNaN")
        names = {"len": len, "isNaN": isnan, "result": result, "false": False}
        return bool(eval(python, {"__builtins__": {}}, names))

    texts = {key: value.value for key, value in conditions(analysis, rollout).items()}  # type: ignore[attr-defined]
    if holds(texts["failureCondition"]):
        return "failed"
    return "successful" if holds(texts["successCondition"]) else "inconclusive"


@pytest.mark.parametrize("result", [[], [nan]])
@pytest.mark.parametrize(("no_data", "expected"), [("hold", "inconclusive"), ("fail", "failed")])
@pytest.mark.parametrize("bounds", [{"max": 0.01}, {"min": 0.1, "max": 0.4}, {"min": 0.1, "max": None}, {"max": None}])
def test_no_data_holds_or_fails_and_never_passes(
    result: list[float], no_data: str, expected: str, bounds: dict[str, Any]
) -> None:
    assert verdict(an_analysis(**bounds), a_rollout(no_data=no_data), result) == expected


@pytest.mark.parametrize("no_data", ["hold", "fail"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.05, "failed"), (0.1, "successful"), (0.4, "successful"), (0.41, "failed"), (float("inf"), "failed")],
)
def test_a_measured_value_is_judged_by_its_bounds(no_data: str, value: float, expected: str) -> None:
    assert verdict(an_analysis(min=0.1, max=0.4), a_rollout(no_data=no_data), [value]) == expected


def test_one_measurement_without_data_is_enough_to_hold() -> None:
    metrics = objects(routed())["AnalysisTemplate/late-arrival"]["spec"]["metrics"]
    assert {m["inconclusiveLimit"] for m in metrics} == {0}


def test_a_small_bound_is_written_without_an_exponent() -> None:
    text = conditions(an_analysis(max=1e-5), a_rollout())["successCondition"].value  # type: ignore[attr-defined]
    assert text.endswith("result[0] <= 0.00001")


def test_a_metric_watched_twice_has_two_names() -> None:
    twice = (an_analysis(), an_analysis(max=0.05, failure_limit=0))
    names = [m["name"] for m in objects(routed(analysis=twice))["AnalysisTemplate/late-arrival"]["spec"]["metrics"]]
    assert names == ["error-rate", "error-rate-again-1"]


# --- queries ---------------------------------------------------------------------------------------------------------
def test_a_query_reads_the_pods_of_the_new_version_alone() -> None:
    release = routed()
    text = query(release, release.models[0], an_analysis(), "pod")
    assert text.count('pod=~"late-arrival-{{args.pod-template-hash}}-.+"') == 2
    assert text.count('namespace="ml-prod"') == 2


def test_a_window_is_never_shorter_than_four_scrapes() -> None:
    release = routed()
    assert "[1m]" in query(release, release.models[0], an_analysis(interval=10.0), "pod")
    assert "[5m]" in query(release, release.models[0], an_analysis(interval=300.0), "pod")


def test_queries_use_the_names_that_another_server_gives_its_metrics() -> None:
    metrics = ((conventions.METRIC_LATENCY, "vendor_seconds"),)
    model = a_model(
        rollout=a_rollout(analysis=(an_analysis("latency_p99", max=0.05),)),
        serving=a_serving(runtime=ir.Runtime("vendor/server:1", 9000, metrics)),
    )
    text = query(cases.a_routed_release(model), model, an_analysis("latency_p99"), "pod")
    assert "vendor_seconds_bucket" in text
    assert "model=" not in text


# --- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_the_shared_cases_are_expressible(case: str) -> None:
    release = cases.ALL[case]()
    assert findings(release) == [] or "argo-rollouts" not in {t.name for t in release.project.targets}


@pytest.mark.parametrize("name", ["shadow", "ab_test", "bandit"])
def test_a_strategy_that_argo_does_not_know_is_refused(name: str) -> None:
    assert [field for field, _ in findings(routed(strategy=name))] == ["spec.strategy"]


def test_routing_without_a_gateway_is_refused_at_the_environment() -> None:
    release = cases.a_routed_release(a_model(rollout=a_rollout()), environment=an_environment())
    assert [field for field, _ in findings(release)] == ["spec.ingress.gateway"]


def test_a_weight_that_replicas_cannot_show_is_refused_with_the_arithmetic() -> None:
    project = a_project(targets={"kubernetes": {}, "argo-rollouts": {}})
    serving = a_serving(min_replicas=10, max_replicas=10)
    found = list(TARGET.check(a_release(a_model(rollout=a_rollout(), serving=serving), project=project)))
    assert [u.origin.field for u in found] == ["spec.steps.0.weight", "spec.steps.1.weight"]
    assert "5 % of 10 replicas is 0.5 pods" in found[0].message
    assert found[0].help.endswith("such as 10 %")
    assert found[1].help.endswith("such as 20 % or 30 %")


def test_a_weight_must_hold_at_every_number_of_replicas_the_autoscaler_may_choose() -> None:
    project = a_project(targets={"kubernetes": {}, "argo-rollouts": {}})
    model = a_model(
        rollout=a_rollout(steps=((10, 600.0), (100, None))), serving=a_serving(min_replicas=2, max_replicas=10)
    )
    assert "2 replicas is 0.2 pods" in findings(a_release(model, project=project))[0][1]


def test_a_fraction_of_a_percent_is_refused() -> None:
    assert findings(routed(steps=((0.5, 1800.0), (100, None))))[0][0] == "spec.steps.0.weight"


def test_an_analysis_that_can_never_fail_is_refused_with_the_arithmetic() -> None:
    found = findings(routed(analysis=(an_analysis(),), steps=((5, 180.0), (100, None))))
    assert found[0][0] == "spec.analysis.0.failure_limit"
    assert "3 measurements of error_rate, and 3 may fail" in found[0][1]


def test_a_hold_shorter_than_one_measurement_is_refused() -> None:
    found = findings(routed(analysis=(an_analysis(failure_limit=0),), steps=((5, 30.0), (100, None))))
    assert found[0][0] == "spec.steps.0.hold"


def test_a_latency_bound_beyond_the_histogram_is_refused() -> None:
    assert findings(routed(analysis=(an_analysis("latency_p99", max=5.0),)))[0][0] == "spec.analysis.0.max"


def test_a_test_that_argo_cannot_run_is_refused() -> None:
    assert findings(routed(analysis=(an_analysis(method="sequential"),)))[0][0] == "spec.analysis.0.method"


def test_waiting_for_a_person_to_roll_back_is_refused() -> None:
    assert findings(routed(automatic_rollback=False))[0][0] == "spec.rollback.automatic"


def test_blue_green_with_a_share_of_the_requests_is_refused() -> None:
    found = findings(routed(strategy="blue_green", steps=((25, 600.0), (100, None))))
    assert [field for field, _ in found] == ["spec.steps.0.weight", "spec.steps.0.hold"]


def test_a_metric_that_another_server_does_not_name_is_refused() -> None:
    serving = a_serving(runtime=ir.Runtime("vendor/server:1", 9000, ()))
    model = a_model(rollout=a_rollout(analysis=(an_analysis(),)), serving=serving)
    found = findings(cases.a_routed_release(model))
    assert found[0][0] == "spec.serving.runtime.metrics"
    assert conventions.METRIC_REQUESTS in found[0][1]


def test_a_name_that_would_lose_the_hash_in_its_pods_is_refused() -> None:
    release = cases.a_routed_release(a_model("m" * 47, rollout=a_rollout()))
    assert findings(release)[0][0] == "metadata.name"


def test_the_target_needs_the_one_that_writes_the_rest() -> None:
    release = replace(routed(), project=a_project(targets={"argo-rollouts": {"traffic": "gateway-api"}}))
    assert "kubernetes" in findings(release)[0][1]


@pytest.mark.parametrize("options", [{"trafic": "none"}, {"traffic": "istio"}, {"prometheus": "prometheus:9090"}])
def test_an_unknown_option_or_value_is_refused_where_it_stands(options: dict[str, ir.Frozen]) -> None:
    release = a_release(project=a_project(targets={"kubernetes": {}, "argo-rollouts": options}))
    assert [field for field, _ in findings(release)] == [f"spec.targets.argo-rollouts.{next(iter(options))}"]
