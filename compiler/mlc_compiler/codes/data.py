"""3xx: datasets, columns, features, expressions and knowledge time."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC370",
        "dataset's files missing",
        "Paths of `source` are below the project's folder and name a file, a folder or a glob. Put the data there "
        "(an example's README says how to build it), or mend the path.",
    ),
    Code(
        "MLC371",
        "column missing in the data",
        "Every column of a dataset's contract must be in its files. Mend the name, remove the column, or add it "
        "to the data; further columns in the files do no harm.",
    ),
    Code(
        "MLC372",
        "column of another type",
        "Types are converted only where nothing can be lost: integers to wider ones and to floats, dates to "
        "timestamps. Declare what the file holds, or convert the data.",
    ),
    Code(
        "MLC373",
        "value that does not fit its type",
        "CSV and JSON hold text, and a value that can't be read as its declared type would otherwise become null "
        "unseen. Rows count from 1, without the header. Mend the data, or declare the column as string.",
    ),
    Code(
        "MLC374",
        "dataset can't be read",
        "The files are damaged, empty, not of the declared format, or the query of the source fails. The note is "
        "what the database says. Mend `format`, `delimiter`, `header` or the query, or bring the file again.",
    ),
    Code(
        "MLC375",
        "contract of a column broken",
        "Rows break `required`, `unique`, `enum`, `minimum`, `maximum`, `pattern` or the primary key. The finding "
        "counts them and shows a few by key. Mend the data, or the contract where it asks too much.",
    ),
    Code(
        "MLC376",
        "data check failed",
        "A check of the dataset does not hold: too many rows break it, or a measured value is out of bounds. Mend "
        "the data, or the check; `severity: warning` reports without stopping the run.",
    ),
    Code(
        "MLC377",
        "data is not what the lock says",
        "A model's version names the data that it is trained from by digest, so that other data would make "
        "another model under the same version. Run `mlc lock` to train on the new data, or restore the files.",
    ),
    Code(
        "MLC378",
        "dataset is stale",
        "The newest row of a live table is older than `freshness` allows. The run goes on, since what it trains "
        "is sound for its data. Bring the data up to date, or close the table with `history.until`.",
    ),
    Code(
        "MLC379",
        "source not read here",
        "Runs on this machine read files: Parquet, CSV, JSON lines, and queries over them. Export a database's "
        "table, or copy remote files below the project.",
    ),
    Code(
        "MLC380",
        "feature query fails on the data",
        "The compiled query met values that it can't compute with, such as a text that is no number, or more "
        "memory than it may use. Mend the expression or the data, or give `train.resources` more memory.",
    ),
)
