"""Packages and servers for tests: a small hand-written ONNX model of late arrivals, and processes that serve it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from mlc_compiler import ir
from mlc_targets.local.package.bundle import PackagedFeature, PackageManifest, ScoreReference, write_package

ROOT = Path(__file__).parent.parent
VERSION = "sha256:" + "1a2b3c4d5e6f" + "0" * 52

FLIGHTS = ir.Dataset(
    name="flights",
    source=ir.Source("parquet", path="data/flights.parquet"),
    columns=(
        ir.Column("flight_id", "int64", required=True),
        ir.Column("departure", "timestamp", required=True),
        ir.Column("origin", "string"),
        ir.Column("carrier", "string"),
        ir.Column("distance", "int64"),
        ir.Column("arrival", "timestamp", known_at="arrival"),
        ir.Column("delay", "float64", known_at="arrival"),
    ),
    primary_key=("flight_id",),
    event_time="departure",
    until="2014-01-01",
)
REQUEST = (
    ir.Column("origin", "string", required=True, enum=("EWR", "JFK", "LGA")),
    ir.Column("carrier", "string", required=True, pattern="[A-Z0-9]{2}"),
    ir.Column("distance", "int64", minimum=0, maximum=10_000),
    ir.Column("departure", "timestamp", required=True),
    ir.Column("tail", "string", classification="pii"),
)
FEATURES = (
    PackagedFeature("carrier", "category", "string"),
    PackagedFeature("distance", "number", "int64"),
    PackagedFeature("hour", "number", "int64"),
    PackagedFeature("carrier_delay", "number", "float64"),
)
LOOKUP = ir.Lookup(
    name="delays",
    keys=("carrier",),
    columns=("carrier_delay",),
    sql="SELECT carrier, avg(delay) AS carrier_delay FROM flights WHERE arrival < $now AND carrier IS NOT NULL "
    "GROUP BY carrier ORDER BY carrier",
    reads=("flights",),
)
SERVING_SQL = """
SELECT r.carrier, r.distance,
       hour(timezone('America/New_York', timezone('UTC', r.departure))) AS hour,
       delays.carrier_delay, delays.carrier IS NULL AS __miss_delays
FROM request AS r LEFT JOIN delays ON delays.carrier = r.carrier
ORDER BY r.__row
"""
ROW_SQL = """
SELECT carrier, distance,
       hour(timezone('America/New_York', timezone('UTC', departure))) AS hour,
       "delays:carrier_delay" AS carrier_delay, "delays:__hit" IS NULL AS __miss_delays
FROM request ORDER BY __row
"""
PLAIN_SQL = """
WITH local AS (SELECT *, timezone('America/New_York', timezone('UTC', departure)) AS moment FROM request)
SELECT carrier, distance, hour(moment) AS hour, 0.0 AS carrier_delay FROM local ORDER BY __row
"""
BATCH_SQL = """
SELECT flight_id, departure AS __predict_at, carrier, distance,
       hour(timezone('America/New_York', timezone('UTC', departure))) AS hour, 0.0 AS carrier_delay
FROM flights ORDER BY departure, flight_id
"""
DELAY_BATCH_SQL = """
SELECT flight_id, departure AS __predict_at, carrier, distance,
       hour(timezone('America/New_York', timezone('UTC', departure))) AS hour,
       (SELECT avg(e.delay) FROM flights AS e WHERE e.carrier = f.carrier AND e.arrival < f.departure) AS carrier_delay
FROM flights AS f ORDER BY departure, flight_id
"""
"""BATCH_SQL with what the lookup holds."""


def a_manifest(**fields: Any) -> PackageManifest:
    """Return the manifest of a binary classifier with one lookup; without `lookups` the query uses none."""
    manifest = PackageManifest(
        project="flight-delays",
        model="late-arrival",
        version=VERSION,
        task="binary_classification",
        format="onnx",
        timezone="America/New_York",
        features=FEATURES,
        request=REQUEST,
        serving_sql=PLAIN_SQL,
        batch_sql=BATCH_SQL,
        spine="flights",
        primary_key=("flight_id",),
        classes=(False, True),
        positive_class=True,
        threshold=0.4,
        datasets=(FLIGHTS,),
        max_batch=100,
        libraries=(("onnxruntime", "1"),),
        reference=ScoreReference((0.0, 0.25, 0.5, 0.75, 1.0), (40, 30, 20, 10)),
    )
    if fields.get("lookups"):
        manifest = replace(manifest, serving_sql=SERVING_SQL, row_sql=ROW_SQL)
    return replace(manifest, **fields)


def probability(carrier: str, distance: float, hour: float, carrier_delay: float = 0.0) -> float:
    """Return what the test model gives: a logistic function of its features, missing numbers counted as 0."""
    import math

    code = {"UA": 1.0, "AA": 0.5, "": -1.0}.get(carrier, 0.0)
    return 1 / (1 + math.exp(-(code + 0.001 * distance + 0.1 * hour + 0.05 * carrier_delay - 2.0)))


def a_model(manifest: PackageManifest) -> bytes:
    """Return the model as ONNX: inputs as the package convention says, outputs by the manifest's task."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [helper.make_node(
        "LabelEncoder", ["carrier"], ["z_carrier"], domain="ai.onnx.ml", keys_strings=["UA", "AA", ""],
        values_floats=[1.0, 0.5, -1.0], default_float=0.0,
    )]  # fmt: skip
    weights = {"distance": 0.001, "hour": 0.1, "carrier_delay": 0.05}
    constants = [
        helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("bias", TensorProto.FLOAT, [1], [-2.0]),
    ]
    constants.append(helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]))
    for name, weight in weights.items():
        constants.append(helper.make_tensor(f"w_{name}", TensorProto.FLOAT, [1], [weight]))
        nodes += [
            helper.make_node("IsNaN", [name], [f"n_{name}"]),
            helper.make_node("Where", [f"n_{name}", "zero", name], [f"f_{name}"]),
            helper.make_node("Mul", [f"f_{name}", f"w_{name}"], [f"z_{name}"]),
        ]
    nodes.append(helper.make_node("Sum", ["z_carrier", "bias", *(f"z_{name}" for name in weights)], ["z"]))
    if manifest.task == "binary_classification":
        nodes += [
            helper.make_node("Sigmoid", ["z"], ["p"]),
            helper.make_node("Sub", ["one", "p"], ["q"]),
            helper.make_node("Concat", ["q", "p"], ["probabilities"], axis=1),
        ]
        output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    elif manifest.task == "multiclass_classification":
        nodes += [
            helper.make_node("Concat", ["z", "z_carrier", "z_hour"], ["logits"], axis=1),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ]
        output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3])
    else:
        nodes.append(helper.make_node("Identity", ["z"], ["prediction"]))
        output = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])
    kinds = {f.name: TensorProto.STRING if f.kind == "category" else TensorProto.FLOAT for f in manifest.features}
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    graph = helper.make_graph(nodes, "late", inputs, [output], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def a_package(folder: Path, **fields: Any) -> Path:
    """Write a package and return its folder."""
    manifest = a_manifest(**fields)
    write_package(folder, manifest, a_model(manifest), {"features": {}})
    return folder


def flights(root: Path, rows: Sequence[tuple[object, ...]]) -> Path:
    """Write data/flights.parquet: columns as FLIGHTS has them; return root."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "int64": pa.int64(),
        "timestamp": pa.timestamp("us", "UTC"),
        "string": pa.string(),
        "float64": pa.float64(),
    }
    columns: list[tuple[object, ...]] = list(zip(*rows, strict=True)) or [() for _ in FLIGHTS.columns]
    table = pa.table({
        column.name: pa.array(list(values), kinds[column.type])
        for column, values in zip(FLIGHTS.columns, columns, strict=True)
    })  # fmt: skip
    (root / "data").mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / "data" / "flights.parquet")
    return root


@dataclass(frozen=True)
class Server:
    """A real server process on loopback; `lines` grows with what it logs."""

    url: str
    process: subprocess.Popen[bytes]
    lines: list[dict[str, Any]]

    def post(self, path: str, body: object) -> httpx.Response:
        return httpx.post(self.url + path, json=body, timeout=30)

    def send(self, path: str, body: bytes) -> httpx.Response:
        return httpx.post(self.url + path, content=body, timeout=30)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=30)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]


@contextmanager
def a_server(package: Path, *arguments: str) -> Iterator[Server]:
    """Serve a package in a process of its own on a free port, and stop that process at the end."""
    command = [sys.executable, "-m", "mlc_targets.local.serve", "--package", str(package), "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--drain", "0", *arguments], stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    lines: list[dict[str, Any]] = [json.loads(first)] if first else []
    while lines and lines[-1]["event"] != "serving":
        lines.append(json.loads(process.stdout.readline()))
    reader = threading.Thread(target=lambda: lines.extend(json.loads(line) for line in process.stdout or ()))
    try:
        assert lines, "the server did not start"
        reader.start()
        yield Server(lines[-1]["url"], process, lines)
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            reader.join(10)
            process.stdout.close()


def environment() -> dict[str, str]:
    """Return the environment in which a child process finds the sources."""
    sources = [str(ROOT / part) for part in ("compiler", "targets", "schemas")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sources)}
