"""Step ingest: a dataset's files become one typed Parquet file that all later steps read."""

from __future__ import annotations

from pathlib import Path

from mlc_targets.local.data.files import source_files
from mlc_targets.local.data.relations import connect, create_relation, disk_refused, literal, quote, unreadable
from mlc_targets.local.findings import refuse
from mlc_targets.local.job import CHAMPION_SUFFIX, Outcome, Run

ROWS_FILE = "rows.parquet"
_MOST_MEMORY_SHARE = 2  # of the memory that training may use, half is for the database


def ingest(run: Run, subject: str, out: Path) -> Outcome:
    """Write a dataset's rows, in their order, and return how many there are."""
    import duckdb

    dataset, champion = run.dataset(subject), subject.endswith(CHAMPION_SUFFIX)
    connection = connect(1 if dataset.source.format == "query" else run.threads, scratch(run), memory(run))
    for name in dataset.source.reads:
        create_stored(connection, name, run.ingested(name, champion))
    create_relation(connection, dataset, source_files(dataset, run.root))
    target = literal(str(out / ROWS_FILE))
    try:
        written = connection.execute(f"COPY {quote(dataset.name)} TO {target} (FORMAT parquet, COMPRESSION zstd)")
        rows = int(written.fetchall()[0][0])
    except duckdb.IOException as failure:
        raise disk_refused(failure) from failure
    except duckdb.Error as failure:
        raise unreadable(dataset, failure) from failure
    finally:
        connection.close()
    if not rows:
        raise refuse(
            "MLC374",
            dataset.origin.at("source"),
            f"dataset `{dataset.name}` has no rows",
            help="see that the file is whole, or that its query selects something",
        )
    return Outcome({"rows": rows}, detail=f"{rows:,} rows")


def create_stored(connection: object, name: str, folder: Path) -> None:
    """Create the view of a dataset that was ingested."""
    connection.execute(  # type: ignore[attr-defined]  # duckdb is not imported for a name alone
        f"CREATE VIEW {quote(name)} AS SELECT * FROM read_parquet({literal(str(folder / ROWS_FILE))})"
    )


def scratch(run: Run) -> Path:
    """Return the folder that the database spills into."""
    return run.store.root / "scratch"


def memory(run: Run) -> int:
    """Return the bytes that the database may hold."""
    return run.model.train.resources.memory // _MOST_MEMORY_SHARE
