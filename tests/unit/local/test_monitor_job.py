"""The monitor job: a small package and its data in, Prometheus metrics out, to a file and to a Pushgateway."""

from __future__ import annotations

import datetime as dt
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sklearn.metrics import roc_auc_score

from builders import a_signal
from mlc_compiler import conventions, ir
from mlc_compiler.codec import to_json
from mlc_compiler.codes import REGISTRY
from mlc_targets.local.monitor.__main__ import main
from mlc_targets.local.monitor.plan import Plan
from mlc_targets.local.monitor.readings import Reading, read_signals
from mlc_targets.local.package.bundle import PackageManifest, load_package, write_package
from mlc_targets.local.package.manifest import ScoreReference
from mlc_targets.local.package.reference import feature_profiles, score_reference
from processes import answering
from serving import BATCH_SQL, FEATURES, FLIGHTS, a_manifest, environment, flights, probability
from serving import a_model as an_onnx_model

END = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)
DAY = 86_400.0
LABEL_SQL = BATCH_SQL.replace("FROM flights", ", delay > 15 AS __label, arrival AS __label_known_at FROM flights")
GROWING = (replace(FLIGHTS, until=None),)


def a_row(
    number: int, departure: dt.datetime, carrier: str | None = "UA", distance: int | None = None
) -> tuple[Any, ...]:
    """A flight of two hours; its delay follows the test model's probability, drawn from its number."""
    distance = (number * 37) % 2500 if distance is None else distance
    arrival = departure + dt.timedelta(hours=2)
    hour = (departure - dt.timedelta(hours=4)).hour
    drawn = (number * 0.618034) % 1
    late = drawn < probability(carrier or "", distance, hour)
    return (number, departure, "JFK", carrier, distance, arrival, 30.0 if late else 0.0)


def history(days: int = 10, per_day: int = 300, **fields: Any) -> list[tuple[Any, ...]]:
    """Flights of the days before END, evenly spread."""
    step = dt.timedelta(days=days) / (days * per_day)
    names = ("UA", "AA", "B6")
    return [
        a_row(i, END - step * (i + 1), **{"carrier": names[i % 3], **fields}) for i in range(days * per_day)
    ]  # fmt: skip


def a_monitored(folder: Path, rows: list[tuple[Any, ...]], split: str = "train", **fields: Any) -> Path:
    """Write a package whose profiles are of these rows; return its folder."""
    manifest: PackageManifest = a_manifest(**{"training_sql": LABEL_SQL, "datasets": GROWING, **fields})
    hours = [(row[1] - dt.timedelta(hours=4)).hour for row in rows]
    carriers = np.array([row[3] or "" for row in rows], dtype=object)
    columns = {
        "carrier": carriers,
        "distance": np.array([row[4] for row in rows], dtype=np.float32),
        "hour": np.array(hours, dtype=np.float32),
        "carrier_delay": np.zeros(len(rows), dtype=np.float32),
    }
    if manifest.task == "binary_classification" and manifest.reference.edges:
        scores = [probability(c, row[4], hour) for c, row, hour in zip(carriers, rows, hours, strict=True)]
        manifest = replace(manifest, reference=score_reference(np.array(scores)))
    write_package(folder, manifest, an_onnx_model(manifest), {"split": split, "features": feature_profiles(columns)})
    return folder


def signal(name: str, type: str, method: str, **fields: Any) -> ir.Signal:
    return a_signal(name, type=type, method=method, **{"max": None, "window": DAY, **fields})


INPUTS = signal("inputs", "feature_drift", "psi", max=0.2)
OUTPUTS = signal("outputs", "prediction_drift", "jensen_shannon", max=0.1)
QUALITY = signal("quality", "data_quality", "missing_rate")
LIVE_AUC = signal("live-auc", "performance", "metric", metric="roc_auc", min=0.6, window=5 * DAY)
ESTIMATED = signal("estimated-auc", "estimated_performance", "cbpe", metric="roc_auc", min=0.6, window=5 * DAY)
ALL = (INPUTS, OUTPUTS, QUALITY, LIVE_AUC, ESTIMATED)


def readings(
    root: Path, *signals: ir.Signal, clock: dt.datetime = END, now: dt.datetime | None = None, **plan: Any
) -> dict[str, Reading]:  # fmt: skip
    found = read_signals(Plan(signals, **plan), load_package(root / "package"), root, clock, now)
    return {reading.signal.name: reading for reading in found}


def text_of(*signals: ir.Signal) -> str:
    return json.dumps([to_json(s) for s in signals])


def run(root: Path, *arguments: str, signals: tuple[ir.Signal, ...] = ALL) -> int:
    own = ["--package", str(root / "package"), "--data-root", str(root), "--signals", text_of(*signals)]
    return main([*own, "--now", END.isoformat(), *arguments])


def samples(text: str) -> dict[tuple[str, str, str], float]:
    """Return values by metric, signal and feature; all must be of the one model and version."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels["model"] == "late-arrival"
            assert sample.labels["version"] == "1a2b3c4d5e6f"
            found[sample.name, sample.labels["signal"], sample.labels.get("feature", "-")] = sample.value
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    a_monitored(tmp_path / "package", history())
    return flights(tmp_path, history())


# --- signals ---------------------------------------------------------------------------------------------------------
def test_rows_like_the_reference_have_not_drifted(root: Path) -> None:
    found = readings(root, INPUTS, OUTPUTS)
    assert set(found["inputs"].values) == {f.name for f in FEATURES}
    assert max(found["inputs"].values.values()) < 0.1
    assert found["outputs"].values[""] < 0.1
    assert found["inputs"].rows == 300


def test_features_that_change_drift_and_their_predictions_with_them(tmp_path: Path) -> None:
    a_monitored(tmp_path / "package", history())
    flights(tmp_path, history(carrier="XX", distance=2400))
    found = readings(tmp_path, INPUTS, OUTPUTS)
    assert found["inputs"].values["carrier"] > 1
    assert found["inputs"].values["distance"] > 1
    assert found["inputs"].values["hour"] < 0.1
    assert found["outputs"].values[""] > 0.3


def test_only_named_features_are_compared(root: Path) -> None:
    assert list(readings(root, replace(INPUTS, features=("hour",)))["inputs"].values) == ["hour"]


def test_a_window_holds_its_start_and_not_its_end(tmp_path: Path) -> None:
    edges = [END - dt.timedelta(days=1), END - dt.timedelta(hours=1), END, END - dt.timedelta(days=1, microseconds=1)]
    a_monitored(tmp_path / "package", history())
    flights(tmp_path, [a_row(i, moment) for i, moment in enumerate(edges)])
    assert readings(tmp_path, QUALITY)["quality"].rows == 2


def test_missing_rates_count_null_numbers_and_categories(tmp_path: Path) -> None:
    rows = history(days=1, per_day=100)
    spoiled = [
        (*row[:3], None if i < 25 else row[3], None if i < 50 else row[4], *row[5:]) for i, row in enumerate(rows)
    ]
    a_monitored(tmp_path / "package", rows)
    flights(tmp_path, spoiled)
    values = readings(tmp_path, QUALITY)["quality"].values
    assert values == {"carrier": 0.25, "distance": 0.5, "hour": 0.0, "carrier_delay": 0.0}


def test_performance_is_that_of_the_rows_whose_labels_are_known(root: Path) -> None:
    reading = readings(root, LIVE_AUC, label_delay=7200.0)["live-auc"]
    end = END - dt.timedelta(hours=2)
    rows = [r for r in history() if end - dt.timedelta(days=5) <= r[1] < end]
    scores = [probability(r[3], r[4], (r[1] - dt.timedelta(hours=4)).hour) for r in rows]
    assert reading.values[""] == pytest.approx(roc_auc_score([r[6] > 15 for r in rows], scores), abs=1e-4)
    assert (reading.rows, reading.unlabelled) == (len(rows), 0)
    assert reading.end == end.replace(tzinfo=None)


def test_without_a_label_delay_the_window_ends_when_labels_have_come(root: Path) -> None:
    reading = readings(root, LIVE_AUC)["live-auc"]
    assert reading.end == (END - dt.timedelta(hours=2)).replace(tzinfo=None)
    assert reading.unlabelled == 0


def test_labels_of_later_are_not_used(root: Path) -> None:
    earlier = END - dt.timedelta(days=2)
    reading = readings(root, LIVE_AUC, now=earlier, label_delay=3600.0)["live-auc"]
    assert reading.unlabelled == pytest.approx(300 / 24, abs=1)


def test_the_estimate_comes_before_the_labels_and_near_them(root: Path) -> None:
    found = readings(root, LIVE_AUC, ESTIMATED)
    assert found["estimated-auc"].values[""] == pytest.approx(found["live-auc"].values[""], abs=0.05)


# --- now -------------------------------------------------------------------------------------------------------------
def test_a_closed_history_ends_when_all_of_it_is_known(tmp_path: Path) -> None:
    a_monitored(tmp_path / "package", history(), datasets=(FLIGHTS,))
    flights(tmp_path, history())
    last = max(row[5] for row in history()).replace(tzinfo=None)
    clock = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert readings(tmp_path, QUALITY, clock=clock)["quality"].end == last + dt.timedelta(microseconds=1)


def test_data_that_still_grows_is_looked_at_by_the_clock(root: Path) -> None:
    reading = readings(root, QUALITY, clock=END + dt.timedelta(days=3))["quality"]
    assert reading.end == (END + dt.timedelta(days=3)).replace(tzinfo=None)
    assert reading.reasons == {"": "no row was predicted in the window"}


# --- what can't be computed ------------------------------------------------------------------------------------------
def reason(root: Path, watched: ir.Signal, **plan: Any) -> str:
    reading = readings(root, watched, **plan)[watched.name]
    assert not reading.computed
    return " ".join(dict.fromkeys(reading.reasons.values()))


def test_a_package_of_another_fold_is_not_compared(root: Path) -> None:
    assert "of the train fold, not of test" in reason(root, INPUTS, reference="test")


def test_a_package_without_the_label_has_no_performance(tmp_path: Path) -> None:
    a_monitored(tmp_path / "package", history(), training_sql=None)
    flights(tmp_path, history())
    assert "no query of the label" in reason(tmp_path, LIVE_AUC)


def test_a_package_without_reference_scores_has_no_prediction_drift(tmp_path: Path) -> None:
    a_monitored(tmp_path / "package", history(), reference=ScoreReference())
    flights(tmp_path, history())
    assert "no reference scores" in reason(tmp_path, OUTPUTS)


def test_labels_that_fail_leave_features_alone(tmp_path: Path) -> None:
    broken = LABEL_SQL.replace("delay > 15", "CAST(carrier AS INTEGER) = 1")
    a_monitored(tmp_path / "package", history(), training_sql=broken)
    flights(tmp_path, history())
    found = readings(tmp_path, INPUTS, LIVE_AUC)
    assert found["inputs"].computed
    assert "fails on the data" in found["live-auc"].reasons[""]


def test_labels_of_one_class_have_no_area_under_the_curve(tmp_path: Path) -> None:
    a_monitored(tmp_path / "package", history(), training_sql=LABEL_SQL.replace("delay > 15", "true"))
    flights(tmp_path, history())
    assert "both classes are needed" in reason(tmp_path, LIVE_AUC)


def test_labels_that_never_came_are_said(tmp_path: Path) -> None:
    a_monitored(tmp_path / "package", history(), training_sql=LABEL_SQL.replace("delay > 15", "NULL::BOOLEAN"))
    flights(tmp_path, history())
    assert reason(tmp_path, LIVE_AUC) == "no label has ever been known"
    assert reason(tmp_path, LIVE_AUC, label_delay=DAY) == "no row of the window has a known label"


def test_a_class_that_the_model_does_not_know_is_said(tmp_path: Path) -> None:
    three = LABEL_SQL.replace("delay > 15", "carrier")
    a_monitored(tmp_path / "package", history(), training_sql=three)
    flights(tmp_path, history())
    assert reason(tmp_path, LIVE_AUC) == "the model knows no class AA, B6, UA"


def test_an_excess_that_chance_explains_is_no_value(tmp_path: Path) -> None:
    a_monitored(tmp_path / "package", history())
    flights(tmp_path, history()[::250])
    tight = replace(INPUTS, features=("distance",), max=0.05, window=10 * DAY)
    assert "12 rows reach" in reason(tmp_path, tight)
    assert readings(tmp_path, replace(tight, max=None))["inputs"].values["distance"] > 0.05


# --- the command -----------------------------------------------------------------------------------------------------
def test_the_file_holds_every_signal_in_prometheus_text(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = time.time()
    assert run(root, "--out", str(root / "metrics" / "mlc.prom")) == 0
    found = samples((root / "metrics" / "mlc.prom").read_text("utf-8"))
    features = {f.name for f in FEATURES}
    value = conventions.METRIC_SIGNAL_VALUE
    assert {key[2] for key in found if key[:2] == (value, "inputs")} == features
    assert {key[2] for key in found if key[:2] == (value, "quality")} == features
    assert {key[1:] for key in found if key[0] == value and key[2] == ""} == {
        (name, "") for name in ("outputs", "live-auc", "estimated-auc")
    }
    for watched in ALL:
        assert found[conventions.METRIC_SIGNAL_TIME, watched.name, "-"] == pytest.approx(before, abs=60)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [json.loads(line)["event"] for line in captured.err.splitlines()] == ["signal"] * len(ALL)
    assert [path.name for path in (root / "metrics").iterdir()] == ["mlc.prom"]


def test_a_signal_that_cannot_be_computed_has_no_value_and_a_line_with_the_reason(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, "--reference", "test", signals=(INPUTS, QUALITY)) == 0
    captured = capsys.readouterr()
    assert {key[1] for key in samples(captured.out)} == {"quality"}
    lines = [json.loads(line) for line in captured.err.splitlines()]
    told = [line for line in lines if line["event"] == "not_computed"]
    assert {line["feature"] for line in told} == {f.name for f in FEATURES}
    assert {line["signal"] for line in told} == {"inputs"}


def test_a_feature_without_a_value_is_nan_beside_the_others(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    width = signal("width", "feature_drift", "wasserstein")
    assert run(root, signals=(width,)) == 0
    found = samples(capsys.readouterr().out)
    assert math.isnan(found[conventions.METRIC_SIGNAL_VALUE, "width", "carrier_delay"])
    assert found[conventions.METRIC_SIGNAL_VALUE, "width", "distance"] < 0.1


def test_the_job_needs_no_more_than_an_image_holds(root: Path) -> None:
    absent = ("scipy", "sklearn", "skops", "pandas", "onnx", "skl2onnx", "matplotlib", "pydantic", "yaml", "ruamel",
              "sqlglot", "jinja2", "jsonschema", "networkx", "rich", "fsspec")  # fmt: skip
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({absent!r})); "
        "runpy.run_module('mlc_targets.local.monitor', run_name='__main__', alter_sys=True)"
    )
    arguments = ["--package", str(root / "package"), "--data-root", str(root), "--now", END.isoformat()]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--signals", text_of(*ALL)],
        capture_output=True, text=True, env=environment(), timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {key[1] for key in samples(done.stdout)} == {s.name for s in ALL}


def test_the_same_run_has_the_same_values(root: Path) -> None:
    first, second = (readings(root, *ALL) for _ in range(2))
    assert first == second


def test_a_missing_package_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, signals=(INPUTS,)) == 1
    assert "MLC480" in capsys.readouterr().err


def test_signals_that_are_none_are_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--package", str(tmp_path), "--data-root", str(tmp_path), "--signals", "[]"])
    assert stop.value.code == 2
    assert "not a list of signals" in capsys.readouterr().err


# --- the Pushgateway -------------------------------------------------------------------------------------------------
class Gateway(HTTPServer):
    """What a Pushgateway sees, and what it answers."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.status = status
        self.seen: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Receiver(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append(("PUT", self.path, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    server = Gateway(getattr(request, "param", 200))
    with answering(server):
        yield server


def test_a_push_replaces_the_models_group(root: Path, gateway: Gateway) -> None:
    assert run(root, "--push", gateway.url, "--namespace", "ml-prod") == 0
    [(method, path, body)] = gateway.seen
    assert method == "PUT"
    parts = path.strip("/").split("/")
    assert parts[:3] == ["metrics", "job", "mlc-monitor"]
    assert dict(zip(parts[3::2], parts[4::2], strict=True)) == {"model": "late-arrival", "namespace": "ml-prod"}
    assert {key[1] for key in samples(body)} == {s.name for s in ALL}


@pytest.mark.parametrize("gateway", [500], indirect=True)
def test_a_gateway_that_refuses_fails_the_job(root: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "--push", gateway.url, signals=(QUALITY,)) == 1
    assert "it answers 500" in capsys.readouterr().err
    assert "MLC489" in REGISTRY


def test_a_gateway_that_is_not_there_fails_the_job(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "--push", "http://127.0.0.1:9", signals=(QUALITY,)) == 1
    assert "MLC489" in capsys.readouterr().err
