"""Releases for tests, built by keyword: what a test does not name is the late-arrival model of the tutorial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mlc_compiler import conventions, ir

MEBIBYTE = 2**20
VERSION = "sha256:" + "1a2b3c4d5e6f" + "0" * 52
ARTIFACT = "sha256:" + "a1" * 32
IMAGE = "ghcr.io/acme/flight-delays/late-arrival@sha256:" + "b2" * 32
SNAPSHOT = "sha256:" + "c3" * 32


def a_project(
    name: str = "flight-delays", targets: Mapping[str, Mapping[str, ir.Frozen]] | None = None, **fields: Any
) -> ir.Project:
    options = {"kubernetes": {}, "prometheus": {}} if targets is None else targets
    origin = ir.Origin(f"Project/{name}", "spec")
    project = ir.Project(
        name=name,
        owner="ops-analytics",
        timezone="America/New_York",
        image_registry="ghcr.io/acme",
        store_local=conventions.STORE_FOLDER,
        store_ci="s3://acme-mlc/flight-delays",
        mlflow=None,
        default_branch="main",
        app_token=None,
        python="3.11",
        runs_on=("ubuntu-24.04",),
        ci_timeout=3600.0,
        alert_receiver="ops-analytics",
        alert_webhook="alerting/url",
        runbooks=None,
        targets=tuple(
            ir.TargetOptions(target, tuple(sorted(options[target].items())), origin.at(f"targets.{target}"))
            for target in sorted(options)
        ),
        environments=("staging", "prod"),
        origin=origin,
    )
    return replace(project, **fields)


def an_environment(name: str = "prod", **fields: Any) -> ir.Environment:
    environment = ir.Environment(
        name=name,
        namespace=f"ml-{name}",
        tracks="main" if name == "staging" else None,
        promoted_from=None if name == "staging" else "staging",
        gates=("release",),
        soak=0.0 if name == "staging" else 86_400.0,
        approvals=() if name == "staging" else (ir.Approval("ops-leads", 1),),
        gateway=None,
        host=None,
        origin=ir.Origin(f"Environment/{name}", "spec"),
    )
    return replace(environment, **fields)


def a_pin(environment: str = "prod", model: str = "late-arrival", **fields: Any) -> ir.Pin:
    path = conventions.pin_path(environment, model)
    return replace(ir.Pin(VERSION, ARTIFACT, IMAGE, SNAPSHOT, path), **fields)


# --- data and features -----------------------------------------------------------------------------------------------
def a_dataset(name: str = "flights", **fields: Any) -> ir.Dataset:
    dataset = ir.Dataset(
        name=name,
        source=ir.Source("parquet", path=f"data/{name}.parquet"),
        columns=(
            ir.Column("flight_id", "int64", unique=True),
            ir.Column("scheduled_departure", "timestamp", required=True),
            ir.Column("origin", "string", enum=("EWR", "JFK", "LGA")),
            ir.Column("carrier", "string", required=True),
            ir.Column("arr_delay", "float64", known_at="actual_arrival"),
        ),
        primary_key=("flight_id",),
        event_time="scheduled_departure",
        until="2014-01-01",
        owner="ops-analytics",
        origin=ir.Origin(f"Dataset/{name}", "spec"),
    )
    return replace(dataset, **fields)


def a_lookup(name: str = "carrier_delay_24h", **fields: Any) -> ir.Lookup:
    lookup = ir.Lookup(
        name=name,
        keys=("carrier",),
        columns=(name,),
        sql=f"SELECT carrier, avg(arr_delay) AS {name} FROM flights GROUP BY carrier",
        reads=("flights",),
        origin=ir.Origin("FeatureView/departures", f"spec.features.{name}"),
    )
    return replace(lookup, **fields)


def a_feature(name: str = "carrier", **fields: Any) -> ir.Feature:
    feature = ir.Feature(
        name=name,
        view="departures",
        kind="category",
        type="string",
        definition=name,
        expression=name,
        origin=ir.Origin("FeatureView/departures", f"spec.features.{name}"),
    )
    return replace(feature, **fields)


def a_feature_query(lookups: Iterable[ir.Lookup] = (), **fields: Any) -> ir.FeatureQuery:
    features = (
        a_feature("carrier"),
        a_feature("dep_hour", kind="number", type="int64", expression="hour(scheduled_departure)"),
    )
    query = ir.FeatureQuery(
        spine="flights",
        primary_key=("flight_id",),
        predict_at="scheduled_departure",
        request=(
            ir.Column("origin", "string", enum=("EWR", "JFK", "LGA")),
            ir.Column("carrier", "string", required=True),
            ir.Column("scheduled_departure", "timestamp", required=True),
        ),
        features=features,
        lookups=tuple(lookups),
        datasets=("flights",),
        training_sql="SELECT 1",
        batch_sql="SELECT 1",
        serving_sql="SELECT 1",
        refresh=900.0,
    )
    return replace(query, **fields)


# --- gates, rollouts, monitors ---------------------------------------------------------------------------------------
def a_gate(name: str = "release", checks: Iterable[ir.GateCheck] | None = None) -> ir.Gate:
    origin = ir.Origin(f"Gate/{name}", "spec")
    default = (ir.GateCheck("metric", "roc_auc", min=0.7, origin=origin.at("checks.0")),)
    return ir.Gate(name, "test", default if checks is None else tuple(checks), origin)


def a_rollout(
    strategy: str = "canary",
    steps: Iterable[tuple[float, float | None] | tuple[float, float | None, str]] = (
        (5, 1800.0),
        (25, 3600.0),
        (100, None),
    ),
    analysis: Iterable[ir.Analysis] | None = None,
    **fields: Any,
) -> ir.Rollout:
    """A rollout; steps are (weight in percent, hold in seconds or None), with a third member for approval."""
    origin = ir.Origin("Rollout/late-arrival", "spec")
    watched = (an_analysis(), an_analysis("latency_p99", max=0.05)) if analysis is None else tuple(analysis)
    rollout = ir.Rollout(
        name="late-arrival",
        strategy=strategy,  # type: ignore[arg-type]  # a test may try what lowering never makes
        steps=tuple(
            ir.Step(step[0], step[1], len(step) == 3, origin.at(f"steps.{index}")) for index, step in enumerate(steps)
        ),
        analysis=tuple(replace(a, origin=origin.at(f"analysis.{index}")) for index, a in enumerate(watched)),
        no_data="hold",
        min_requests=0,
        requests_per_second=200.0,
        automatic_rollback=True,
        rollback_within=300.0,
        keep=3,
        origin=origin,
    )
    return replace(rollout, **fields)


def an_analysis(metric: str = "error_rate", **fields: Any) -> ir.Analysis:
    bounds: dict[str, Any] = {"min": None, "max": 0.01}
    analysis = ir.Analysis(metric, **bounds, baseline=None, interval=60.0, failure_limit=3)
    return replace(analysis, **fields)


def a_signal(name: str = "inputs", **fields: Any) -> ir.Signal:
    signal = ir.Signal(
        name=name,
        type="feature_drift",
        method="psi",
        metric=None,
        features=(),
        min=None,
        max=0.2,
        window=86_400.0,
        severity="ticket",
        origin=ir.Origin("Monitor/late-arrival", "spec.signals.0"),
    )
    return replace(signal, **fields)


def a_monitor(signals: Iterable[ir.Signal] | None = None, **fields: Any) -> ir.Monitor:
    monitor = ir.Monitor(
        name="late-arrival",
        reference="train",
        alerts_per_week=2.0,
        label_delay=None,
        signals=(a_signal(),) if signals is None else tuple(signals),
        availability=0.999,
        latency_p99=0.05,
        retrain=None,
        origin=ir.Origin("Monitor/late-arrival", "spec"),
    )
    return replace(monitor, **fields)


# --- the model -------------------------------------------------------------------------------------------------------
def a_serving(**fields: Any) -> ir.Serving:
    serving = ir.Serving(
        mode="online",
        min_replicas=2,
        max_replicas=10,
        target_cpu=70,
        resources=ir.Resources(0.5, 512 * MEBIBYTE),
        latency_p99=0.05,
        max_batch=1000,
        log_requests=0.0,
        origin=ir.Origin("Model/late-arrival", "spec.serving"),
    )
    return replace(serving, **fields)


def a_batch_serving(**fields: Any) -> ir.Serving:
    batch = ir.Batch("0 5 * * *", "dataset", "scored", "data/scored", "replace_partition", ("day",))
    return a_serving(**{"mode": "batch", "min_replicas": 1, "max_replicas": 1, "batch": batch, **fields})


def a_model(name: str = "late-arrival", pinned: bool = True, **fields: Any) -> ir.Model:
    """A model, pinned unless said otherwise; its controller follows from its serving and rollout."""
    origin = ir.Origin(f"Model/{name}", "spec")
    model = ir.Model(
        name=name,
        owner="ops-analytics",
        description="warns of late arrivals",
        task="binary_classification",
        version=VERSION,
        features=a_feature_query(),
        label=ir.Label("arr_delay > 15", "arr_delay > 15", "actual_arrival", origin=origin.at("label")),
        split=ir.Split("time", 0.7, 0.15, 0.15, 86_400.0, (), origin.at("split")),
        estimator=ir.Estimator("sklearn.linear_model.LogisticRegression", origin=origin.at("estimator")),
        baseline=None,
        search=None,
        decision=ir.Decision("threshold", 0.5, origin.at("decision")),
        seed=7,
        code=(),
        train=ir.Train("ci", ir.Resources(2.0, 4096 * MEBIBYTE), 7200.0, (), "train", origin.at("train")),
        package="onnx",
        serving=a_serving(origin=origin.at("serving")),
        gates=(a_gate(),),
        rollout=None,
        monitor=None,
        card=ir.Card("warn ground staff", (), "minimal", (), (), "", (), (), origin.at("card")),
        datasets=(a_dataset(),),
        pin=a_pin(model=name) if pinned else None,
        origin=origin,
    )
    model = replace(model, **fields)
    return model if "controller" in fields else replace(model, controller=_controller(model))


def _controller(model: ir.Model) -> Any:
    if model.serving.mode == "batch":
        return "cron_job"
    return "rollout" if model.rollout and model.rollout.strategy != "rolling" else "deployment"


def a_release(
    *models: ir.Model, project: ir.Project | None = None, environment: ir.Environment | None = None
) -> ir.Release:
    found = models or (a_model(),)
    return ir.Release(
        project or a_project(), environment or an_environment(), tuple(sorted(found, key=lambda m: m.name))
    )


def a_project_release(*releases: ir.Release) -> ir.ProjectRelease:
    found = releases or (a_release(),)
    models = {model.name: replace(model, pin=None) for release in found for model in release.models}
    return ir.ProjectRelease(found[0].project, found, tuple(models[name] for name in sorted(models)))
