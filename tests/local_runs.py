"""A small model that really runs: synthetic visits, whether one buys, SQL written by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builders import a_project, a_serving
from mlc_compiler import ir
from mlc_compiler.backend.target import RunOptions, RunResult

ROWS = 1_500
DAY = 86_400_000_000
START = 1_356_998_400_000_000  # 2013-01-01 in microseconds

COLUMNS = (
    ir.Column("visit_id", "int64", required=True, unique=True),
    ir.Column("visited_at", "timestamp", required=True),
    ir.Column("channel", "string"),
    ir.Column("age", "float64"),
    ir.Column("pages", "int64", minimum=0),
    ir.Column("bought", "bool"),
    ir.Column("known_at", "timestamp"),
)
SELECT = """
SELECT visit_id, visited_at AS __predict_at{label}, channel, age, pages, pages > 5 AS busy,
       channel AS __slice_channel
FROM visits ORDER BY __predict_at, visit_id
"""
LABEL = ", bought AS __label, known_at AS __label_known_at"
SERVING = "SELECT channel, age, pages, pages > 5 AS busy FROM request ORDER BY __row"


def visits(rows: int = ROWS, seed: int = 1) -> pa.Table:
    """A table of visits over 150 days; the last day's labels are not known yet."""
    generator = np.random.default_rng(seed)
    at = START + np.sort(generator.integers(0, 150 * DAY, rows))
    channel = np.array(["web", "app", "shop", None], dtype=object)[generator.integers(0, 4, rows)]
    age = np.round(generator.normal(40, 12, rows), 1)
    age[::11] = np.nan
    pages = generator.integers(0, 12, rows)
    score = 0.25 * (pages - 5) + (channel == "app") - (np.nan_to_num(age, nan=40) - 40) / 20
    bought = generator.random(rows) < 1 / (1 + np.exp(-score))
    late = at > at[-1] - DAY
    return pa.table(
        {
            "visit_id": pa.array(np.arange(1, rows + 1)),
            "visited_at": pa.array(at, pa.timestamp("us")),
            "channel": pa.array(channel.tolist(), pa.string()),
            "age": pa.array(age),
            "pages": pa.array(pages),
            "bought": pa.array([None if open_ else bool(b) for b, open_ in zip(bought, late, strict=True)], pa.bool_()),
            "known_at": pa.array(at + DAY // 2, pa.timestamp("us")),
        }
    )


def write_visits(root: Path, table: pa.Table | None = None) -> None:
    (root / "data").mkdir(parents=True, exist_ok=True)
    pq.write_table(visits() if table is None else table, root / "data" / "visits.parquet")


def the_visits(**fields: Any) -> ir.Dataset:
    dataset = ir.Dataset(
        name="visits",
        source=ir.Source("parquet", path="data/visits.parquet"),
        columns=COLUMNS,
        primary_key=("visit_id",),
        event_time="visited_at",
        origin=ir.Origin("Dataset/visits", "spec"),
    )
    return replace(dataset, **fields)


def the_query(**fields: Any) -> ir.FeatureQuery:
    origin = ir.Origin("FeatureView/visits", "spec.features")
    features = (
        ir.Feature("channel", "visits", "category", "string", "channel", origin=origin.at("channel")),
        ir.Feature("age", "visits", "number", "float64", "age", origin=origin.at("age")),
        ir.Feature("pages", "visits", "number", "int64", "pages", origin=origin.at("pages")),
        ir.Feature("busy", "visits", "boolean", "bool", "pages > 5", origin=origin.at("busy")),
    )
    query = ir.FeatureQuery(
        spine="visits",
        primary_key=("visit_id",),
        predict_at="visited_at",
        request=tuple(c for c in COLUMNS if c.name in {"channel", "age", "pages"}),
        features=features,
        lookups=(),
        datasets=("visits",),
        training_sql=SELECT.format(label=LABEL),
        batch_sql=SELECT.format(label=""),
        serving_sql=SERVING,
        refresh=900.0,
        slices=("channel",),
    )
    return replace(query, **fields)


MODEL = ir.Origin("Model/buys", "spec")
TREES = ir.Preprocessing("none", "none", False, "ordinal", None, None, MODEL.at("preprocessing"))
LINEAR = ir.Preprocessing("median", "standard", True, "one_hot", None, None, MODEL.at("preprocessing"))


def an_estimator(path: str = "sklearn.ensemble.HistGradientBoostingClassifier", **fields: Any) -> ir.Estimator:
    params = (("max_iter", 20),) if path.endswith("HistGradientBoostingClassifier") else ()
    return replace(ir.Estimator(path, params, False, TREES, MODEL.at("estimator")), **fields)


def a_running_model(**fields: Any) -> ir.Model:
    gate = ir.Gate(
        "release",
        "test",
        (
            ir.GateCheck("metric", "roc_auc", min=0.55, origin=ir.Origin("Gate/release", "spec.checks.0")),
            ir.GateCheck("metric", "roc_auc", versus="champion", margin=0.01),
            ir.GateCheck("latency", "p99", max=0.5),
            ir.GateCheck("parity", "onnx", max=1e-5),
        ),
        ir.Origin("Gate/release", "spec"),
    )
    model = ir.Model(
        name="buys",
        owner="shop",
        description="whether a visit ends in a purchase",
        task="binary_classification",
        version="sha256:" + "1a2b3c4d5e6f" + "0" * 52,
        features=the_query(),
        label=ir.Label("bought", "bought", "known_at", origin=MODEL.at("label")),
        split=ir.Split("time", 0.6, 0.2, 0.2, 86_400.0, (), MODEL.at("split")),
        estimator=an_estimator(),
        baseline=an_estimator("sklearn.linear_model.LogisticRegression", preprocessing=LINEAR),
        search=None,
        decision=ir.Decision("max_false_positive_rate", 0.2, MODEL.at("decision")),
        seed=7,
        code=(),
        train=ir.Train("ci", ir.Resources(1.0, 2**30), 600.0, (), "train", MODEL.at("train")),
        package="onnx",
        serving=a_serving(),
        gates=(gate,),
        rollout=None,
        monitor=None,
        card=ir.Card("greet buyers", (), "minimal", (), (), "", (), (), MODEL.at("card")),
        datasets=(the_visits(),),
        origin=MODEL,
    )
    return replace(model, **fields)


class Silent:
    """Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, bool]] = []

    def step(self, name: str, detail: str = "") -> None:
        self.lines.append((name, detail, False))

    def done(self, name: str, detail: str = "", cached: bool = False) -> None:
        self.lines.append((name, detail, cached))


def a_project_release(model: ir.Model, **fields: Any) -> ir.ProjectRelease:
    return ir.ProjectRelease(a_project("shop", timezone="UTC", **fields), (), (model,))


def run(model: ir.Model, root: Path, **options: Any) -> RunResult:
    from mlc_targets.local import TARGET

    return TARGET.run(a_project_release(model), model, RunOptions(root, **options), Silent())
