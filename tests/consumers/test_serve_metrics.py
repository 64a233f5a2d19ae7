"""What Prometheus makes of a serving process: its metrics lint, and each is there under the conventions' names."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from consumers import tools
from consumers.prometheus_server import Prometheus, a_prometheus
from mlc_compiler import conventions
from mlc_compiler.backend.series import ERRORS
from serving import LOOKUP, Server, a_package, a_server

pytestmark = pytest.mark.consumer

ROW = {"origin": "JFK", "carrier": "UA", "distance": 500, "departure": "2013-07-01T12:00:00Z"}
IDENTITY = '{model="late-arrival",version="1a2b3c4d5e6f"}'


def ask(server: Server) -> None:
    """Give every metric a value: rows of both classes, a refusal, and enough scores for a drift."""
    rows = [{**ROW, "departure": f"2013-07-01T{i % 24:02}:00:00Z"} for i in range(100)]
    assert server.post("/predict", {"instances": rows}).status_code == 200
    assert server.post("/predict", {}).status_code == 422


def test_promtool_finds_nothing_to_say_about_the_metrics(tmp_path: Path) -> None:
    promtool = tools.require("promtool")
    with a_server(a_package(tmp_path / "p")) as server:
        ask(server)
        text = server.get(conventions.METRICS_PATH).content
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.slow
def test_prometheus_finds_each_metric_under_its_name_and_labels(tmp_path: Path) -> None:
    tools.require("prometheus")
    with a_server(a_package(tmp_path / "p")) as server:
        ask(server)
        port = urlsplit(server.url).port or 0
        with a_prometheus(tmp_path / "prometheus", {port: "ml-prod"}) as prometheus:
            assert value(prometheus, f"sum by (code) ({conventions.METRIC_REQUESTS}{IDENTITY})") == {
                "200": 1, "400": 0, "422": 1, "500": 0, "503": 0,
            }  # fmt: skip
            drift = value(prometheus, f"{conventions.METRIC_PREDICTION_DRIFT}{IDENTITY}")
            assert drift[""] >= 0
            quantile = f"histogram_quantile(0.99, sum by (le) ({conventions.METRIC_LATENCY}_bucket{IDENTITY}))"
            assert 0 < value(prometheus, quantile)[""] <= conventions.LATENCY_BUCKETS[-1]
            assert value(prometheus, f"{conventions.METRIC_PREDICTION}_count{IDENTITY}") == {"": 100}
            assert value(prometheus, f"sum({conventions.METRIC_PREDICTED_CLASS}{IDENTITY})") == {"": 100}
            info = f'{conventions.METRIC_MODEL_INFO}{{task="binary_classification",namespace="ml-prod"}}'
            assert value(prometheus, info) == {"": 1}


@pytest.mark.slow
def test_the_first_failed_request_of_a_server_shows_in_its_error_rate(tmp_path: Path) -> None:
    tools.require("prometheus")
    package = a_package(tmp_path / "p", lookups=(LOOKUP,))
    (tmp_path / "online").mkdir()
    with a_server(package, "--online", str(tmp_path / "online")) as server:
        port = urlsplit(server.url).port or 0
        with a_prometheus(tmp_path / "prometheus", {port: "ml-prod"}) as prometheus:
            failed = f"{conventions.METRIC_REQUESTS}{{{ERRORS}}}"
            assert value(prometheus, f"sum(count_over_time({failed}[1m])) > 2")
            assert server.post("/predict", ROW).status_code == 503
            assert value(prometheus, f"sum(increase({failed}[1m])) > 0.5")
            rate = f"sum(rate({failed}[1m])) / sum(rate({conventions.METRIC_REQUESTS}[1m]))"
            assert value(prometheus, rate)[""] == pytest.approx(1)


def value(prometheus: Prometheus, expression: str) -> dict[str, float]:
    """Return a query's values by `code` once there are some."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := prometheus.query(expression):
            return {series["metric"].get("code", ""): float(series["value"][1]) for series in found}
        time.sleep(0.2)
    raise AssertionError(f"no data: {expression}")
