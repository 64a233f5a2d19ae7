"""What Prometheus answers to the panels: every query parses, and has data once a real server has been asked."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import monitoring_cases as cases
import serving
from consumers.prometheus_server import Prometheus, a_prometheus
from mlc_compiler import conventions
from mlc_targets.grafana import TARGET
from processes import http_server

pytestmark = pytest.mark.consumer

IDENTITY = f'model="late-arrival",version="{conventions.short(serving.VERSION)}"'


def queries(case: str) -> list[tuple[str, str]]:
    """Return the panels' titles and queries, with what Grafana puts in: intervals that fit a scrape a second."""
    release = cases.ALL[case]()
    text = next(a.text for a in TARGET.emit_model(release, release.models[0]) if a.path.endswith(".json"))
    found = [(p["title"], t["expr"]) for p in json.loads(text)["panels"] for t in p.get("targets", ())]
    return [(title, expr.replace("$__rate_interval", "30s").replace("$__range", "5m")) for title, expr in found]


@contextmanager
def a_monitor_job() -> Iterator[int]:
    """Export the signals of the monitor job, as if it had just computed them; yield the port."""
    lines = []
    for signal in cases.SIGNALS:
        labels = f'{IDENTITY},signal="{signal.name}"'
        lines.append(f'{conventions.METRIC_SIGNAL_VALUE}{{{labels},feature="carrier"}} 0.05')
        lines.append(f"{conventions.METRIC_SIGNAL_TIME}{{{labels}}} {int(time.time())}")
    body = ("\n".join(lines) + "\n").encode()
    with http_server(lambda _: body) as port:
        yield port


def online_snapshot(folder: Path) -> Path:
    """Write a snapshot of the lookup and return the folder of snapshots."""
    from mlc_targets.local.online import write_snapshot

    day = dt.datetime(2013, 12, 1, tzinfo=dt.UTC)
    rows = [(1, day, "EWR", "UA", 500, day + dt.timedelta(hours=2), 10.0)]
    root = serving.flights(folder / "data", rows)
    write_snapshot(
        (serving.LOOKUP,), (serving.FLIGHTS,), root, folder / "online", dt.datetime(2014, 1, 1, tzinfo=dt.UTC)
    )
    return folder / "online"


def ask(server: serving.Server, count: int) -> None:
    """Send requests: most are answered, one in ten misses the lookup."""
    for number in range(count):
        row = {"origin": "EWR", "carrier": "UA" if number % 10 else "ZZ", "distance": 100 * number % 3000}
        answer = server.post("/predict", {"instances": [{**row, "departure": "2013-12-01T12:00:00Z"}] * 3})
        assert answer.status_code == 200, answer.text


def without_data(prometheus: Prometheus, asked: list[tuple[str, str]]) -> list[str]:
    def is_number(sample: object) -> bool:
        return sample not in ("NaN", "+Inf", "-Inf")

    return [t for t, expr in asked if not any(is_number(s["value"][1]) for s in prometheus.query(expr))]


@pytest.mark.slow
def test_every_panel_has_data_once_a_server_has_been_asked(tmp_path: Path) -> None:
    package = serving.a_package(tmp_path / "package", lookups=(serving.LOOKUP,))
    asked = queries("full")
    with (
        serving.a_server(package, "--online", str(online_snapshot(tmp_path))) as server,
        a_monitor_job() as job,
        a_prometheus(tmp_path / "prometheus", {int(urlsplit(server.url).port or 0): "ml-prod", job: "ml-prod"}) as asks,
    ):
        deadline = time.monotonic() + 60
        missing = ["all"]
        while missing and time.monotonic() < deadline:
            ask(server, 20)
            time.sleep(1)
            missing = without_data(asks, asked)
    assert missing == []
    assert len(asked) > 20


@pytest.mark.slow
def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    with a_prometheus(tmp_path / "prometheus", {}) as prometheus:
        for case in sorted(cases.ALL):
            for _, expr in queries(case):
                assert prometheus.query(expr) == [] or "vector(0)" in expr
