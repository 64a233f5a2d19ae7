"""`mlc lock` measures datasets and models, moves only what it is asked to, and outlives specs that do not compile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from specs_on_disk import BASE, Outcome, a_project_on_disk, mlc

HOUR = 3_600_000_000
START = 1_577_836_800_000_000  # 2020-01-01
OTHER = (BASE / "specs/model.yaml").read_text("utf-8").replace("{name: late}", "{name: other}")
Run = Callable[[str], Outcome]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = a_project_on_disk(tmp_path / "tiny", {"specs/other.yaml": OTHER})
    (root / "mlc.lock").unlink()
    write_data(root, 800)
    return root


def write_data(root: Path, rows: int) -> None:
    at = [START + i * HOUR for i in range(rows)]
    table = {
        "flight_id": pa.array(range(rows), pa.int64()),
        "departure": pa.array(at, pa.timestamp("us")),
        "arrival": pa.array([t + 2 * HOUR for t in at], pa.timestamp("us")),
        "carrier": pa.array(["AA" if i % 3 else "UA" for i in range(rows)]),
        "tailnum": pa.array([f"N{i % 7}" for i in range(rows)]),
        "distance": pa.array([100 + i % 50 for i in range(rows)], pa.int64()),
        "delay": pa.array([30.0 if i % 5 == 0 else 1.0 for i in range(rows)]),
    }
    (root / "data").mkdir(exist_ok=True)
    pq.write_table(pa.table(table), root / "data/flights.parquet")
    lines = "".join(f"N{i},{2000 + i}\n" for i in range(7))
    (root / "data/planes.csv").write_text(f"tailnum,year\n{lines}", "utf-8")


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return lambda command: mlc(command, root, capsys, monkeypatch)


def lock(root: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((root / "mlc.lock").read_text("utf-8"))
    return value


def test_models_are_counted_once(root: Path, run: Run) -> None:
    assert run("lock").code == 0
    entry = lock(root)["models"]["late"]
    assert (entry["rows"], entry["label_delay"]) == (800, {"p50": 7200, "p95": 7200})
    assert entry["folds"]["test"] == {"rows": 120, "days": 6, "positives": 24, "icc": -0.04586}
    before = (root / "mlc.lock").read_bytes()
    assert run("lock --check").code == 0
    assert run("lock --upgrade").code == 0
    assert (root / "mlc.lock").read_bytes() == before


def test_a_selector_moves_one_model(root: Path, run: Run) -> None:
    run("lock")
    before = lock(root)
    for name in ("model", "other"):
        path = root / f"specs/{name}.yaml"
        path.write_text(path.read_text("utf-8") + "  split: {train: 50%, validation: 25%, test: 25%}\n", "utf-8")
    assert "warning[MLC930]" in run("validate").err
    assert run("lock -s model:late").code == 0
    after = lock(root)
    assert after["models"]["late"]["folds"]["test"]["rows"] == 200
    assert after["models"]["other"] == before["models"]["other"]
    assert {k: v for k, v in after.items() if k != "models"} == {k: v for k, v in before.items() if k != "models"}


def test_a_dataset_moves_the_models_that_read_it(root: Path, run: Run) -> None:
    run("lock")
    write_data(root, 900)
    assert run("lock -s dataset:flights").code == 0
    assert {m["rows"] for m in lock(root)["models"].values()} == {900}
    outcome = run("lock -s dataset:flihgts")
    assert (outcome.code, "did you mean `flights`?" in outcome.err) == (2, True)


def test_datasets_are_locked_though_a_model_does_not_compile(root: Path, run: Run) -> None:
    path = root / "specs/model.yaml"
    path.write_text(path.read_text("utf-8").replace("delay > 15", "delya > 15"), "utf-8")
    outcome = run("lock")
    assert (outcome.code, "error[MLC304]" in outcome.err) == (1, True)
    assert set(lock(root)["datasets"]) == {"flights", "planes"}
    assert set(lock(root)["models"]) == {"other"}


def test_a_broken_model_keeps_what_was_counted_of_it(root: Path, run: Run) -> None:
    run("lock")
    before = lock(root)["models"]["late"]
    path = root / "specs/model.yaml"
    path.write_text(path.read_text("utf-8").replace("delay > 15", "delya > 15"), "utf-8")
    assert run("lock").code == 1
    assert lock(root)["models"]["late"] == before
    path.unlink()
    for kind in ("gate", "rollout", "monitor"):
        (root / f"specs/{kind}.yaml").unlink()
    assert run("lock").code == 0
    assert set(lock(root)["models"]) == {"other"}


def test_counts_are_no_part_of_a_version(root: Path, run: Run) -> None:
    run("lock")
    value = lock(root)
    before = run("show late").out
    value["models"] = {}
    (root / "mlc.lock").write_text(json.dumps(value), "utf-8")
    assert run("show late").out == before
