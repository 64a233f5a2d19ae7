"""The online snapshot: what joins and aggregates are as of now, one Parquet file a lookup, for servers to look up in.

A snapshot is a folder named by its time and content; `current` names the one in use and is replaced in one step.
Beside it stands the manifest of the package that it was written for, so that a later version's job can rewrite it too:
while that version is rolled out, and after it was aborted, servers of the former one still look up.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding
from mlc_compiler.ir import Dataset, Lookup
from mlc_targets.local.commands import tell
from mlc_targets.local.data.relations import open_datasets, quote
from mlc_targets.local.findings import place, refuse
from mlc_targets.local.package.bundle import MANIFEST_FILE, read_manifest
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.placing import alone, place_text, staging_folder

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

POINTER = "current"
SUMMARY_FILE = "snapshot.json"
KEPT = 3
_NOW = re.compile(r"\$now\b")
_TICK = dt.timedelta(microseconds=1)  # what is known at the last moment is known just after it


def write_snapshot(
    lookups: Sequence[Lookup], datasets: Sequence[Dataset], root: Path, out: Path, clock: dt.datetime,
    now: dt.datetime | None = None,
) -> Path:  # fmt: skip
    """Write the lookups as of `now` and make them current; returns the snapshot's folder, `out/<id>`.

    `now` is by default the greatest known time in the data where all datasets with a time are closed (`until`), and
    else `clock`. The newest three snapshots stay. Raises ExecutionError: data that can't be read, MLC483, MLC485,
    MLC487.
    """
    needed = needed_datasets(lookups, datasets)
    connection = open_datasets(needed, root)
    try:
        moment = _naive(now) if now else (greatest_known(connection, needed) or _naive(clock))
        with alone(out / POINTER), staging_folder(out / "snapshot") as folder:
            for lookup in lookups:
                _write_table(_lookup_table(connection, lookup, moment), folder / f"{lookup.name}.parquet")
            return _publish(folder, out, moment)
    finally:
        connection.close()


def needed_datasets(lookups: Sequence[Lookup], datasets: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """Return the datasets that the lookups read, with those that their queries read."""
    by_name = {dataset.name: dataset for dataset in datasets}
    waiting = [name for lookup in lookups for name in lookup.reads]
    found: dict[str, Dataset] = {}
    while waiting:
        dataset = by_name[waiting.pop()]
        if dataset.name not in found:
            found[dataset.name] = dataset
            waiting += dataset.source.reads
    return tuple(found[name] for name in sorted(found))


# --- now -------------------------------------------------------------------------------------------------------------
def greatest_known(connection: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset]) -> dt.datetime | None:
    """Return the moment at which all of a closed history is known (UTC, naive), None where a dataset still grows."""
    timed = [dataset for dataset in datasets if dataset.event_time]
    if not timed or any(dataset.until is None for dataset in timed):
        return None
    moments = [moment for dataset in timed for moment in _known_times(connection, dataset)]
    return max(moments) + _TICK if moments else None


def _known_times(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[dt.datetime]:
    own = f"{quote(dataset.event_time or '')} + to_microseconds({round(dataset.delay * 1e6)})"
    times = dict.fromkeys([own, *(c.known_at for c in dataset.columns if c.known_at)])
    items = ", ".join(f"CAST(max({time}) AS TIMESTAMP)" for time in times)
    row = _fetch(connection, f"SELECT {items} FROM {quote(dataset.name)}", dataset)[0]
    return [moment for moment in row if isinstance(moment, dt.datetime)]


def _naive(moment: dt.datetime) -> dt.datetime:
    """Return a moment in UTC without a zone, as tables hold it."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


# --- lookups ---------------------------------------------------------------------------------------------------------
def _fetch(connection: duckdb.DuckDBPyConnection, sql: str, subject: Dataset | Lookup) -> list[tuple[object, ...]]:
    import duckdb

    try:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise _query_fails(subject, error) from error
    return rows


def _lookup_table(connection: duckdb.DuckDBPyConnection, lookup: Lookup, now: dt.datetime) -> pa.Table:
    import duckdb

    parameters = {"now": now} if _NOW.search(lookup.sql) else {}
    try:
        table = connection.sql(lookup.sql, params=parameters).to_arrow_table()
    except duckdb.Error as error:
        raise _query_fails(lookup, error) from error
    repeated = table.num_rows - table.group_by(list(lookup.keys)).aggregate([]).num_rows if lookup.keys else 0
    if repeated:
        keys = ", ".join(lookup.keys)
        raise refuse(
            "MLC485",
            lookup.origin,
            f"lookup `{lookup.name}` has {repeated:,} rows more than keys ({keys})",
            note="one request would become several rows",
            help=f"make the joined dataset unique by {keys}, or join it `as_of` a time",
        )
    return table


def _query_fails(subject: Dataset | Lookup, error: Exception) -> ExecutionError:
    lines = [line for line in str(error).splitlines() if line.strip()]
    kind = "lookup" if isinstance(subject, Lookup) else "dataset"
    message = f"the query of {kind} `{subject.name}` fails on the data"
    note = " ".join(lines[:2])
    help_text = "mend the data or the expression; try_cast and nullif spare bad values"
    return ExecutionError(Finding("MLC487", message, place(subject.origin), note, help=help_text))


def _write_table(table: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")


# --- publishing ------------------------------------------------------------------------------------------------------
def _publish(folder: Path, out: Path, now: dt.datetime) -> Path:
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}
    summary = {"format_version": 1, "now": now.isoformat() + "Z", "files": digests}
    text = json.dumps(summary, indent=2, sort_keys=True) + "\n"
    (folder / SUMMARY_FILE).write_text(text, encoding="utf-8")
    place = out / f"{now:%Y%m%dT%H%M%SZ}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    if not place.exists():
        folder.rename(place)
    place_text(place.name + "\n", out / POINTER)
    _prune(out, place)
    return place


def _prune(out: Path, current: Path) -> None:
    """Remove all but the newest snapshots; one that a server still reads was current until now, so it stays."""
    others = [p for p in out.iterdir() if (p / SUMMARY_FILE).is_file() and p != current]
    others.sort(key=lambda path: path.stat().st_mtime_ns)
    for old in others[: max(0, len(others) - (KEPT - 1))]:
        shutil.rmtree(old, ignore_errors=True)


# --- former versions -------------------------------------------------------------------------------------------------
def describe(package: Path, out: Path) -> None:
    """Say beside the snapshots in `out` what they hold, and that this is the version whose job runs now."""
    place_text((package / MANIFEST_FILE).read_text(encoding="utf-8"), out / MANIFEST_FILE)


def refresh_former(
    model: str, out: Path, keep: int, root: Path, clock: dt.datetime, now: dt.datetime | None = None
) -> None:
    """Rewrite the snapshots of the `keep` last versions that looked up otherwise; remove those of earlier ones.

    One that cannot be rewritten stays as it is, and standard error says why: the current version's is there already.
    """
    former = sorted(_former(model, out.absolute()), key=lambda found: found[0], reverse=True)
    for _, folder, manifest in former[:keep]:
        try:
            write_snapshot(manifest.lookups, manifest.datasets, root, folder, clock, now)
        except ExecutionError as error:
            tell(error)
    for _, folder, _ in former[keep:]:
        shutil.rmtree(folder, ignore_errors=True)


def _former(model: str, out: Path) -> Iterator[tuple[int, Path, PackageManifest]]:
    """Yield when a job of its own version last ran, folder and manifest of the model's other snapshots."""
    for folder in out.parent.iterdir():
        if folder == out or not (folder / POINTER).is_file() or not (folder / MANIFEST_FILE).is_file():
            continue  # what else lies there is not ours
        try:
            manifest, ran = read_manifest(folder), (folder / MANIFEST_FILE).stat().st_mtime_ns
        except ExecutionError as error:
            tell(error)
            continue
        if manifest.model == model:
            yield ran, folder, manifest


# --- command ---------------------------------------------------------------------------------------------------------
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mlc_targets.local.online", description="Write the online snapshot.")
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    parser.add_argument("--data-root", type=Path, required=True, help="folder that the datasets' paths start at")
    parser.add_argument("--out", type=Path, required=True, help="folder of the online snapshots")
    parser.add_argument("--now", type=dt.datetime.fromisoformat, help="the snapshot's time (ISO 8601; UTC if bare)")
    parser.add_argument(
        "--keep", type=int, metavar="N",
        help="rewrite the snapshots of the last N versions beside --out too, and remove older ones",
    )  # fmt: skip
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a snapshot of a package's lookups, then those of former versions; exit code 0, or 1 after a finding."""
    given = _parser().parse_args(arguments)
    try:
        manifest = read_manifest(given.package)
        clock = dt.datetime.now(dt.UTC)
        folder = write_snapshot(manifest.lookups, manifest.datasets, given.data_root, given.out, clock, given.now)
        if given.keep is not None:
            describe(given.package, given.out)
            refresh_former(manifest.model, given.out, given.keep, given.data_root, clock, given.now)
    except ExecutionError as error:
        return tell(error)
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
