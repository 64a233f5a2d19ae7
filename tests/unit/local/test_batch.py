"""Batch scoring: each row once, by its key, and never half a file."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.codes import REGISTRY
from mlc_compiler.ir import Source
from mlc_targets.local.batch import ScoreResult, score
from mlc_targets.local.package.bundle import load_package
from serving import BATCH_SQL, FLIGHTS, a_package, environment, flights, probability

DAY = dt.datetime(2013, 6, 1, 12, tzinfo=dt.UTC)


def a_row(key: object, origin: str | None = "JFK", carrier: str | None = "UA", hours: int = 0) -> tuple[object, ...]:
    return (key, DAY + dt.timedelta(hours=hours), origin, carrier, 500, None, None)


def scored(
    root: Path, rows: list[tuple[object, ...]], package: dict[str, Any] | None = None, **how: Any
) -> ScoreResult:
    flights(root, rows)
    folder = root / "p"
    if not folder.exists():
        a_package(folder, **(package or {}))
    return score(load_package(folder), root, root / "scored", **how)


def rows_in(root: Path) -> list[dict[str, Any]]:
    files = sorted((root / "scored").rglob("*.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def refused(root: Path, rows: list[tuple[object, ...]], **how: Any) -> str:
    with pytest.raises(ExecutionError) as error:
        scored(root, rows, **how)
    assert error.value.finding.code in REGISTRY
    return error.value.finding.code


def test_each_row_gets_its_key_time_score_label_and_version(tmp_path: Path) -> None:
    result = scored(tmp_path, [a_row(2, hours=1), a_row(1, carrier=None)])
    assert (result.rows, result.skipped, result.path) == (2, 0, tmp_path / "scored")
    found = rows_in(tmp_path)
    assert [row["flight_id"] for row in found] == [1, 2]
    assert found[1] == {
        "flight_id": 2,
        "predict_at": dt.datetime(2013, 6, 1, 13),  # noqa: DTZ001  # tables hold UTC without a zone
        "probability": pytest.approx(probability("UA", 500, 9), abs=1e-6),
        "label": True,
        "model": "late-arrival",
        "version": "sha256:1a2b3c4d5e6f" + "0" * 52,
    }
    assert found[0]["probability"] == pytest.approx(probability("", 500, 8), abs=1e-6)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [a_row(i, hours=i % 3) for i in range(100)]
    first = scored(tmp_path, rows).files[0].read_bytes()
    assert scored(tmp_path, rows[::-1]).files[0].read_bytes() == first


def test_append_scores_what_has_no_score_yet(tmp_path: Path) -> None:
    scored(tmp_path, [a_row(1), a_row(2)], write="append")
    result = scored(tmp_path, [a_row(1), a_row(2), a_row(3)], write="append")
    assert (result.rows, result.skipped) == (1, 2)
    assert sorted(row["flight_id"] for row in rows_in(tmp_path)) == [1, 2, 3]
    again = scored(tmp_path, [a_row(1), a_row(2), a_row(3)], write="append")
    assert (again.rows, again.skipped, again.files) == (0, 3, ())


def test_replace_leaves_nothing_of_what_was(tmp_path: Path) -> None:
    scored(tmp_path, [a_row(1)], write="append")
    scored(tmp_path, [a_row(2)], write="replace")
    assert [row["flight_id"] for row in rows_in(tmp_path)] == [2]


def test_replace_partition_replaces_the_partitions_that_get_rows(tmp_path: Path) -> None:
    how: dict[str, Any] = {"partition_by": ("origin",)}
    scored(tmp_path, [a_row(1, "JFK"), a_row(2, "EWR"), a_row(3, None)], **how)
    scored(tmp_path, [a_row(4, "JFK")], **how)
    folders = {
        path.name: pq.ParquetFile(path / "scores.parquet").read()["flight_id"].to_pylist()
        for path in (tmp_path / "scored").iterdir()
    }
    assert folders == {"origin=EWR": [2], "origin=JFK": [4], "origin=__HIVE_DEFAULT_PARTITION__": [3]}


def test_rows_are_partitioned_by_the_local_day_of_the_prediction(tmp_path: Path) -> None:
    scored(tmp_path, [a_row(1), a_row(2, hours=15), a_row(3, hours=17)], partition_by=("predict_date", "carrier"))
    names = sorted(p.relative_to(tmp_path / "scored").as_posix() for p in (tmp_path / "scored").rglob("*.parquet"))
    assert names == [
        "predict_date=2013-06-01/carrier=UA/scores.parquet",
        "predict_date=2013-06-02/carrier=UA/scores.parquet",
    ]


def test_a_partition_value_cannot_leave_the_folder(tmp_path: Path) -> None:
    result = scored(tmp_path, [a_row(1, "../../x")], partition_by=("origin",))
    assert [file.parent.name for file in result.files] == ["origin=..%2F..%2Fx"]


def test_a_killed_replacement_is_mended_by_the_next_run(tmp_path: Path) -> None:
    scored(tmp_path, [a_row(1)], write="append")
    (tmp_path / "scored").rename(tmp_path / ".scored.previous")
    result = scored(tmp_path, [a_row(1), a_row(2)], write="append")
    assert (result.rows, result.skipped) == (1, 1)
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == [".scored.lock"]


def test_a_run_that_fails_leaves_the_old_scores(tmp_path: Path) -> None:
    scored(tmp_path, [a_row(1)])
    assert refused(tmp_path, [a_row(2), a_row(2)]) == "MLC486"
    assert [row["flight_id"] for row in rows_in(tmp_path)] == [1]


def test_rows_of_another_dataset_are_scored_with_the_spine_as_their_history(tmp_path: Path) -> None:
    new = replace(FLIGHTS, name="tomorrow", source=Source("parquet", path="new/data/flights.parquet"))
    sql = BATCH_SQL.replace("0.0 AS carrier_delay", "CAST(count(*) OVER () AS DOUBLE) AS carrier_delay")
    flights(tmp_path / "new", [a_row(3), a_row(1)])
    result = scored(tmp_path, [a_row(1), a_row(2)], {"datasets": (FLIGHTS, new), "batch_sql": sql}, source="tomorrow")
    found = rows_in(tmp_path)
    assert (result.rows, [row["flight_id"] for row in found]) == (2, [1, 3])
    assert found[0]["probability"] == pytest.approx(probability("UA", 500, 8, 3.0), abs=1e-6)


@pytest.mark.parametrize(
    ("how", "code"),
    [({"source": "flight"}, "MLC488"), ({"partition_by": ("orgin",)}, "MLC488")],
)
def test_an_unknown_name_is_a_finding(tmp_path: Path, how: dict[str, Any], code: str) -> None:
    assert refused(tmp_path, [a_row(1)], **how) == code


def test_rows_without_a_key_are_a_finding(tmp_path: Path) -> None:
    assert refused(tmp_path, [a_row(None), a_row(1)]) == "MLC486"


def test_a_query_that_fails_on_the_data_is_a_finding(tmp_path: Path) -> None:
    sql = BATCH_SQL.replace("0.0 AS carrier_delay", "CAST(carrier AS INT) AS carrier_delay")
    assert refused(tmp_path, [a_row(1)], package={"batch_sql": sql}) == "MLC487"


def test_no_rows_are_an_empty_dataset_with_its_columns(tmp_path: Path) -> None:
    result = scored(tmp_path, [])
    table = pq.ParquetFile(result.files[0]).read()
    assert (result.rows, table.num_rows) == (0, 0)
    assert table.column_names == ["flight_id", "predict_at", "probability", "label", "model", "version"]


def test_other_tasks_write_their_own_columns(tmp_path: Path) -> None:
    scored(tmp_path, [a_row(1)], {"task": "regression", "classes": (), "positive_class": None, "threshold": None})
    assert rows_in(tmp_path)[0]["prediction"] == pytest.approx(1 + 0.5 + 0.8 - 2, abs=1e-6)
    many = {"task": "multiclass_classification", "classes": ("a", "b", "c"), "positive_class": None, "threshold": None}
    scored(tmp_path / "m", [a_row(1)], many)
    assert rows_in(tmp_path / "m")[0]["label"] == "b"


def test_the_command_of_the_image_scores(tmp_path: Path) -> None:
    flights(tmp_path, [a_row(1)])
    a_package(tmp_path / "p")
    command = [sys.executable, "-m", "mlc_targets.local.batch", "--package", str(tmp_path / "p"), "--data-root"]
    partitions = ["--partition-by", "origin", "--partition-by", "carrier"]
    arguments = [str(tmp_path), "--out", str(tmp_path / "scored"), "--write", "append", *partitions]
    done = subprocess.run([*command, *arguments], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout == f"1 rows scored, 0 skipped: {tmp_path / 'scored'}\n"
    assert len(list((tmp_path / "scored" / "origin=JFK" / "carrier=UA").iterdir())) == 1
    failed = subprocess.run(
        [*command, str(tmp_path / "none"), *arguments[1:]],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert "error[MLC370]" in failed.stderr
