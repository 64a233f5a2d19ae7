"""The online snapshot: what it holds, when it is, and that readers never see half of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.codes import REGISTRY
from mlc_compiler.ir import Column, Dataset, Lookup, Source
from mlc_targets.local.online import main, needed_datasets, write_snapshot
from serving import FLIGHTS, LOOKUP, a_package, environment, flights

CLOCK = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
JUNE = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
ROWS = [
    (1, JUNE, "JFK", "UA", 1, JUNE + dt.timedelta(hours=2), 10.0),
    (2, JUNE, "JFK", "UA", 1, JUNE + dt.timedelta(hours=3), 30.0),
    (3, JUNE, "EWR", "AA", 1, JUNE + dt.timedelta(hours=1), 4.0),
    (4, JUNE, "EWR", None, 1, None, None),
]


def table(folder: Path) -> dict[str, list[object]]:
    found: dict[str, list[object]] = pq.read_table(folder / "delays.parquet").to_pydict()
    return found


def written(root: Path, **fields: object) -> Path:
    flights(root, ROWS)
    arguments = {"lookups": (LOOKUP,), "datasets": (FLIGHTS,), "root": root, "out": root / "online", "clock": CLOCK}
    return write_snapshot(**{**arguments, **fields})  # type: ignore[arg-type]  # keywords chosen by each test


def refused(root: Path, **fields: object) -> str:
    with pytest.raises(ExecutionError) as error:
        written(root, **fields)
    return error.value.finding.code


def test_a_closed_history_is_looked_at_when_all_of_it_is_known(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert table(folder) == {"carrier": ["AA", "UA"], "carrier_delay": [4.0, 20.0]}
    assert json.loads((folder / "snapshot.json").read_text())["now"] == "2013-06-01T03:00:00.000001Z"
    assert (tmp_path / "online" / "current").read_text() == folder.name + "\n"


def test_a_given_time_sees_only_what_was_known_then(tmp_path: Path) -> None:
    folder = written(tmp_path, now=JUNE + dt.timedelta(hours=3))
    assert table(folder) == {"carrier": ["AA", "UA"], "carrier_delay": [4.0, 10.0]}


def test_a_dataset_that_still_grows_is_looked_at_by_the_clock(tmp_path: Path) -> None:
    folder = written(tmp_path, datasets=(replace(FLIGHTS, until=None),))
    assert folder.name.startswith("20260101T000000Z-")


def test_the_delay_of_a_dataset_counts_as_knowledge(tmp_path: Path) -> None:
    folder = written(tmp_path, datasets=(replace(FLIGHTS, delay=86_400.0),))
    assert folder.name.startswith("20130602T000000Z-")


def test_the_same_data_gives_the_same_snapshot_and_a_newer_pointer(tmp_path: Path) -> None:
    first = written(tmp_path)
    content = (first / "delays.parquet").read_bytes()
    os.utime(tmp_path / "online" / "current", (1, 1))
    assert written(tmp_path) == first
    assert (first / "delays.parquet").read_bytes() == content
    assert (tmp_path / "online" / "current").stat().st_mtime > 1


def test_three_snapshots_stay_and_nothing_half_written(tmp_path: Path) -> None:
    folders = [written(tmp_path, now=JUNE + dt.timedelta(hours=hours)) for hours in range(2, 8)]
    kept = sorted(path.name for path in (tmp_path / "online").iterdir() if path.is_dir())
    assert kept == sorted(folder.name for folder in folders[-3:])
    assert not list((tmp_path / "online").glob(".snapshot*"))


def test_a_lookup_without_now_and_datasets_behind_a_query_are_read(tmp_path: Path) -> None:
    busy = Dataset(
        name="busy",
        source=Source(
            "query", query="SELECT origin, count(*) AS flights FROM flights GROUP BY origin", reads=("flights",)
        ),
        columns=(Column("origin", "string"), Column("flights", "int64")),
    )
    lookup = Lookup("delays", ("origin",), ("flights",), "SELECT * FROM busy ORDER BY origin", ("busy",))
    assert [d.name for d in needed_datasets((lookup,), (FLIGHTS, busy))] == ["busy", "flights"]
    folder = written(tmp_path, lookups=(lookup,), datasets=(FLIGHTS, busy))
    assert table(folder) == {"origin": ["EWR", "JFK"], "flights": [2, 2]}


def test_repeated_keys_are_refused_and_the_old_snapshot_stays(tmp_path: Path) -> None:
    folder = written(tmp_path)
    lookup = replace(LOOKUP, sql="SELECT carrier, delay AS carrier_delay FROM flights")
    assert refused(tmp_path, lookups=(lookup,)) == "MLC485"
    assert "MLC485" in REGISTRY
    assert (tmp_path / "online" / "current").read_text().strip() == folder.name


def test_a_query_that_fails_on_the_data_is_a_finding(tmp_path: Path) -> None:
    assert (
        refused(tmp_path, lookups=(replace(LOOKUP, sql="SELECT CAST(carrier AS INT) AS carrier FROM flights"),))
        == "MLC487"
    )


def test_missing_data_is_a_finding(tmp_path: Path) -> None:
    other = replace(FLIGHTS, source=Source("parquet", path="data/none.parquet"))
    assert refused(tmp_path, datasets=(other,)).startswith("MLC37")


def test_a_place_that_cannot_be_written_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refused(tmp_path, out=tmp_path / "file" / "online") == "MLC483"


def test_without_lookups_the_snapshot_is_empty(tmp_path: Path) -> None:
    assert [path.name for path in written(tmp_path, lookups=()).iterdir()] == ["snapshot.json"]


def test_the_command_of_the_image_writes_a_snapshot(tmp_path: Path) -> None:
    flights(tmp_path, ROWS)
    a_package(tmp_path / "p", lookups=(LOOKUP,))
    command = [sys.executable, "-m", "mlc_targets.local.online", "--package", str(tmp_path / "p"), "--data-root"]
    arguments = [str(tmp_path), "--out", str(tmp_path / "online"), "--now", "2013-06-01T03:00:00"]
    done = subprocess.run([*command, *arguments], env=environment(), capture_output=True, text=True, check=True)
    assert table(Path(done.stdout.strip())) == {"carrier": ["AA", "UA"], "carrier_delay": [4.0, 10.0]}
    (tmp_path / "data" / "flights.parquet").unlink()
    failed = subprocess.run([*command, *arguments], env=environment(), capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "error[MLC370]" in failed.stderr


def test_timestamps_with_a_zone_and_bare_ones_mean_the_same(tmp_path: Path) -> None:
    zoned = written(tmp_path)
    columns = pq.read_table(tmp_path / "data" / "flights.parquet")
    bare = pa.table({
        name: columns[name].cast(pa.timestamp("us")) if pa.types.is_timestamp(columns[name].type) else columns[name]
        for name in columns.column_names
    })  # fmt: skip
    pq.write_table(bare, tmp_path / "data" / "flights.parquet")
    again = write_snapshot((LOOKUP,), (FLIGHTS,), tmp_path, tmp_path / "online", CLOCK)
    assert again.name == zoned.name


# --- former versions -------------------------------------------------------------------------------------------------
HIGHEST = replace(LOOKUP, sql=LOOKUP.sql.replace("avg(delay)", "max(delay)"))
LOWEST = replace(LOOKUP, sql=LOOKUP.sql.replace("avg(delay)", "min(delay)"))


def job(root: Path, version: str, lookup: Lookup = LOOKUP, keep: int = 3, **fields: object) -> int:
    """What the online job of one version does: each has its own folder below the claim's."""
    package = root / "packages" / version
    if not package.exists():
        a_package(package, lookups=(lookup,), **fields)
    out = root / "claim" / version
    return main(["--package", str(package), "--data-root", str(root), "--out", str(out), "--keep", str(keep)])


def current(root: Path, version: str) -> dict[str, list[object]]:
    out = root / "claim" / version
    return table(out / (out / "current").read_text().strip())


def test_the_job_of_the_next_version_rewrites_the_former_ones_snapshot_as_that_one_means_it(tmp_path: Path) -> None:
    flights(tmp_path, ROWS)
    assert job(tmp_path, "stable") == 0
    flights(tmp_path, [*ROWS, (5, JUNE, "JFK", "UA", 1, JUNE + dt.timedelta(hours=3), 80.0)])
    assert job(tmp_path, "next", HIGHEST) == 0
    assert current(tmp_path, "stable") == {"carrier": ["AA", "UA"], "carrier_delay": [4.0, 40.0]}
    assert current(tmp_path, "next") == {"carrier": ["AA", "UA"], "carrier_delay": [4.0, 80.0]}


def test_a_version_that_is_gone_back_to_finds_its_snapshot_and_the_other_stays(tmp_path: Path) -> None:
    flights(tmp_path, ROWS)
    for version, lookup in (("stable", LOOKUP), ("next", HIGHEST), ("stable", LOOKUP)):
        assert job(tmp_path, version, lookup, keep=1) == 0
    assert job(tmp_path, "third", LOWEST, keep=1) == 0
    assert sorted(path.name for path in (tmp_path / "claim").iterdir()) == ["stable", "third"]


def test_what_no_version_among_those_kept_reads_is_removed_and_nothing_else(tmp_path: Path) -> None:
    flights(tmp_path, ROWS)
    a_package(tmp_path / "claim" / "package")
    job(tmp_path, "others", model="demand")
    (tmp_path / "claim" / "lost+found").mkdir()
    for version, lookup in (("first", LOOKUP), ("second", HIGHEST), ("third", LOWEST)):
        assert job(tmp_path, version, lookup, keep=1) == 0
    left = sorted(path.name for path in (tmp_path / "claim").iterdir())
    assert left == ["lost+found", "others", "package", "second", "third"]


def test_a_former_snapshot_that_cannot_be_rewritten_stays_and_the_job_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flights(tmp_path, ROWS)
    gone = replace(FLIGHTS, name="gone", source=Source("parquet", path="data/gone.parquet"))
    (tmp_path / "data" / "gone.parquet").write_bytes((tmp_path / "data" / "flights.parquet").read_bytes())
    lookup = replace(LOOKUP, sql=LOOKUP.sql.replace("FROM flights", "FROM gone"), reads=("gone",))
    assert job(tmp_path, "stable", lookup, datasets=(gone,)) == 0
    before = current(tmp_path, "stable")
    (tmp_path / "data" / "gone.parquet").unlink()
    capsys.readouterr()
    assert job(tmp_path, "next", HIGHEST) == 0
    assert "data/gone.parquet" in capsys.readouterr().err
    assert current(tmp_path, "stable") == before


def test_a_damaged_description_is_told_and_touched_by_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flights(tmp_path, ROWS)
    job(tmp_path, "stable")
    (tmp_path / "claim" / "stable" / "package.json").write_text("{")
    assert job(tmp_path, "next", HIGHEST, keep=1) == 0
    assert "MLC481" in capsys.readouterr().err
    assert current(tmp_path, "stable")["carrier"] == ["AA", "UA"]


def test_without_keep_what_lies_beside_is_nobodys_business(tmp_path: Path) -> None:
    flights(tmp_path, ROWS)
    job(tmp_path, "stable")
    pointer = (tmp_path / "claim" / "stable" / "current").stat().st_mtime_ns
    a_package(tmp_path / "p", lookups=(LOOKUP,))
    out = tmp_path / "claim" / "mine"
    assert main(["--package", str(tmp_path / "p"), "--data-root", str(tmp_path), "--out", str(out)]) == 0
    assert (tmp_path / "claim" / "stable" / "current").stat().st_mtime_ns == pointer
    assert not (out / "package.json").exists()
