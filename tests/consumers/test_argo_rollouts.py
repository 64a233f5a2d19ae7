"""What Prometheus makes of the analyses: every query parses, and says nothing where there is nothing to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import kubernetes_cases as cases
from builders import a_model, a_rollout, an_analysis
from consumers import tools
from mlc_compiler import conventions
from mlc_targets.argo_rollouts import TARGET
from mlc_targets.argo_rollouts.queries import query

pytestmark = pytest.mark.consumer

HASH = "7d4b9c6f5d"
CANARY = f'namespace="ml-prod",model="late-arrival",pod="late-arrival-{HASH}-x2x4z"'
STABLE = 'namespace="ml-prod",model="late-arrival",pod="late-arrival-5c5d8f9b7f-aaaaa"'


def resolved(text: str) -> str:
    """The query as Argo sends it, its argument put in."""
    return text.replace("{{args.pod-template-hash}}", HASH)


@pytest.mark.parametrize("case", sorted(cases.ARGO_ROLLOUTS))
def test_prometheus_parses_every_query(case: str, tmp_path: Path) -> None:
    release = cases.ARGO_ROLLOUTS[case]()
    made = [yaml.safe_load(a.text) for a in TARGET.emit_model(release, release.models[0])]
    metrics = next(o for o in made if o["kind"] == "AnalysisTemplate")["spec"]["metrics"]
    rules = [
        {"record": f"watched:{m['name']}".replace("-", "_"), "expr": resolved(m["provider"]["prometheus"]["query"])}
        for m in metrics
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "analysis", "rules": rules}]}), encoding="utf-8")
    outcome = tools.promtool_rules(path)
    assert outcome.accepted, outcome.output
    assert f"{len(metrics)} rules found" in outcome.output


def measured(folder: Path, metric: str, series: dict[str, str], expected: float | None, **rollout: Any) -> None:
    """Assert what a query over these series says after five minutes; None is no answer at all."""
    model = a_model(rollout=a_rollout(**rollout))
    text = resolved(query(cases.a_routed_release(model), model, an_analysis(metric), "pod"))
    samples = [] if expected is None else [{"labels": "{}", "value": expected}]
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": f"round({text}, 0.0001)", "eval_time": "5m", "exp_samples": samples}],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}, width=10_000), encoding="utf-8")
    outcome = tools.promtool_tests(path)
    assert outcome.accepted, outcome.output


def requests(labels: str, code: str, each_scrape: int) -> dict[str, str]:
    return {f'{conventions.METRIC_REQUESTS}{{{labels},code="{code}"}}': f"0+{each_scrape}x20"}


def test_errors_are_counted_on_the_new_version_alone(tmp_path: Path) -> None:
    series = requests(CANARY, "200", 30) | requests(CANARY, "500", 10) | requests(STABLE, "500", 500)
    measured(tmp_path, "error_rate", series, 0.25)


def test_requests_without_any_error_are_a_rate_of_zero(tmp_path: Path) -> None:
    measured(tmp_path, "error_rate", requests(CANARY, "200", 30), 0)


def test_without_requests_there_is_no_rate(tmp_path: Path) -> None:
    measured(tmp_path, "error_rate", requests(STABLE, "200", 30), None)


@pytest.mark.parametrize(("each_scrape", "expected"), [(10, None), (30, 0.0)])
def test_fewer_requests_than_asked_for_are_no_data(each_scrape: int, expected: float | None, tmp_path: Path) -> None:
    measured(tmp_path, "error_rate", requests(CANARY, "200", each_scrape), expected, min_requests=100)


def test_a_quantile_is_read_from_the_histogram(tmp_path: Path) -> None:
    bucket = f"{conventions.METRIC_LATENCY}_bucket{{{CANARY},le="
    series = {f'{bucket}"0.05"}}': "0+0x20", f'{bucket}"0.1"}}': "0+40x20", f'{bucket}"+Inf"}}': "0+40x20"}
    measured(tmp_path, "latency_p50", series, 0.075)


def test_a_mean_is_the_sum_over_the_count(tmp_path: Path) -> None:
    name = conventions.METRIC_PREDICTION
    series = {f"{name}_sum{{{CANARY}}}": "0+3x20", f"{name}_count{{{CANARY}}}": "0+10x20"}
    measured(tmp_path, "prediction_mean", series, 0.3)


OTHER = CANARY.replace("x2x4z", "b7c9d")


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ({CANARY: "0.3x20", OTHER: "0.1x20"}, 0.2),
        ({CANARY: "0.3x20", OTHER: "NaN+0x20", STABLE: "9x20"}, 0.3),
        ({CANARY: "NaN+0x20", OTHER: "NaN+0x20", STABLE: "9x20"}, None),
    ],
)
def test_the_drift_is_that_of_the_servers_that_know_it(
    series: dict[str, str], expected: float | None, tmp_path: Path
) -> None:
    gauge = conventions.METRIC_PREDICTION_DRIFT
    measured(tmp_path, "prediction_drift", {f"{gauge}{{{pod}}}": values for pod, values in series.items()}, expected)


def test_the_first_error_of_a_new_server_is_counted(tmp_path: Path) -> None:
    counter = f'{conventions.METRIC_REQUESTS}{{{CANARY},code="500"}}'
    first = {counter: "0x16 1x4"}  # the counter is there from the start, and the error comes in the last minute
    measured(tmp_path, "error_rate", requests(CANARY, "200", 1) | first, 0.2)
