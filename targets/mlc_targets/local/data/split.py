"""Step split: which row is in which fold. Rows without a known label are in none, and are counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlc_compiler.diagnostics import Finding
from mlc_compiler.ir import Model, Split
from mlc_compiler.records import dataclass
from mlc_targets.local.data.features import FEATURES_FILE, LABEL, LABEL_KNOWN_AT, PREDICT_AT
from mlc_targets.local.data.relations import connect, literal, quote
from mlc_targets.local.findings import RefusedError, error, refuse
from mlc_targets.local.job import Outcome, Run

if TYPE_CHECKING:
    import duckdb

FOLDS_FILE = "folds.npy"
FOLDS = ("train", "validation", "test")
_DROPPED = -1
_MICROSECONDS = 1_000_000
Array = Any
"""A numpy array; numpy is imported only where something runs."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What splitting needs of each row, in order of prediction time. Times are microseconds."""

    predict_at: Array  # int64 [N]
    known_at: Array  # int64 [N], the largest value where it is unknown
    labelled: Array  # bool [N]
    immature: Array  # bool [N]: no label, though one is to come
    share: Array  # float64 [N] in [0, 1): the hash of the group or key; empty for time splits


def split(run: Run, out: Path) -> Outcome:
    """Write each row's fold (int8: 0 train, 1 validation, 2 test, -1 none) and return what was counted."""
    import numpy as np

    rows = read_rows(run.model, run.folder("features") / FEATURES_FILE)
    folds, dropped = assign(rows, run.model.split)
    counts = {name: int((folds == index).sum()) for index, name in enumerate(FOLDS)}
    _refuse_empty(run.model, counts)
    classes = _classes(run, folds) if run.model.task.endswith("classification") else []
    np.save(out / FOLDS_FILE, folds)
    outputs = {
        "folds": {name: _describe(rows, folds == index) for index, name in enumerate(FOLDS)},
        "dropped": dropped,
        "classes": classes,
    }
    return Outcome(outputs, detail=", ".join(f"{name} {count:,}" for name, count in counts.items()))


def read_rows(model: Model, path: Path) -> Rows:
    """Return what splitting needs, in the rows' order."""
    connection = connect(1)
    try:
        return rows_of(connection, model, f"read_parquet({literal(str(path))})")
    finally:
        connection.close()


def rows_of(connection: duckdb.DuckDBPyConnection, model: Model, relation: str) -> Rows:
    """Return what splitting needs of a relation that holds the rows of the feature query."""
    import numpy as np

    group = model.split.group or model.features.primary_key
    key = " || '\x1f' || ".join(f"coalesce(CAST({quote(column)} AS VARCHAR), '')" for column in stored(model, group))
    items = [
        f"epoch_us({PREDICT_AT}) AS predict_at",
        f"coalesce(epoch_us({LABEL_KNOWN_AT}), 9223372036854775807) AS known_at",
        f"{LABEL} IS NOT NULL AS labelled",
        f"{LABEL} IS NULL AND {LABEL_KNOWN_AT} IS NOT NULL AS immature",
    ]
    if model.split.strategy != "time":
        items.append(f"md5({key}) AS hash")
    found = connection.sql(f"SELECT {', '.join(items)} FROM {relation}").to_arrow_table()
    hashes = found.column("hash").to_pylist() if "hash" in found.column_names else []
    share = np.array([int(text[:13], 16) / 16**13 for text in hashes])
    columns = {name: found.column(name).to_numpy() for name in ("predict_at", "known_at", "labelled", "immature")}
    return Rows(**columns, share=share)


def stored(model: Model, columns: tuple[str, ...]) -> list[str]:
    """Return the names under which the feature query keeps columns of the spine."""
    key = set(model.features.primary_key)
    return [c if c in key else f"__slice_{c}" for c in columns]


def assign(rows: Rows, split: Split) -> tuple[Array, dict[str, int]]:
    """Return each row's fold and how many rows were left out, by reason."""
    import numpy as np

    usable = rows.labelled & ((rows.known_at < np.iinfo(np.int64).max) | (split.strategy != "time"))
    folds = np.full(len(rows.labelled), _DROPPED, dtype=np.int8)
    counted = {
        "immature": int(rows.immature.sum()),
        "missing": int((~rows.labelled & ~rows.immature).sum()),
        "unknown": int((rows.labelled & ~usable).sum()),
        "not_mature": 0,
        "gap": 0,
    }
    if split.strategy == "time":
        _by_time(rows, split, usable, folds, counted)
    else:
        bounds = np.array([split.train, split.train + split.validation])
        folds[usable] = np.searchsorted(bounds, rows.share[usable], side="right").astype(np.int8)
    return folds, counted


def _by_time(rows: Rows, split: Split, usable: Array, folds: Array, counted: dict[str, int]) -> None:
    """Cut at the shares of usable rows, ties in the later fold, then drop what was not known in time."""
    import numpy as np

    times = rows.predict_at[usable]
    starts = [_start(times, share) for share in (split.train, split.train + split.validation)]
    folds[usable] = np.searchsorted(np.array(starts), times, side="right").astype(np.int8)
    gap = round(split.gap * _MICROSECONDS)
    for fold, start in enumerate(starts):
        if not ((folds > fold) & usable).any():
            continue  # nothing lies after it, so nothing can leak
        members = folds == fold
        late = members & (rows.known_at > start)
        near = members & ~late & (rows.known_at > start - gap)
        folds[late | near] = _DROPPED
        counted["not_mature"] += int(late.sum())
        counted["gap"] += int(near.sum())


def _start(times: Array, share: float) -> int:
    """Return the first prediction time of the fold that starts after a share of the rows; the end where none does."""
    position = round(share * len(times))
    return int(times[position]) if position < len(times) else int(times[-1]) + 1 if len(times) else 0


def _describe(rows: Rows, members: Array) -> dict[str, object]:
    import numpy as np

    times = rows.predict_at[members]
    if not len(times):
        return {"rows": 0, "start": None, "end": None}
    first, last = (str(np.datetime64(int(t), "us").astype("datetime64[s]")) for t in (times[0], times[-1]))
    return {"rows": len(times), "start": f"{first}Z", "end": f"{last}Z"}


# --- refusals --------------------------------------------------------------------------------------------------------
def _classes(run: Run, folds: Array) -> list[Any]:
    """Return the label's classes, sorted; refuse a fold that can't be learned from or judged."""
    labels = read_labels(run.folder("features") / FEATURES_FILE)
    used = labels[folds != _DROPPED]
    classes = sorted(set(used.tolist()))
    model = run.model
    if model.task == "binary_classification" and len(classes) > 2:
        raise refuse(
            "MLC462",
            model.label.origin,
            f"the label of `{model.name}` has {len(classes)} values, and a binary classification has two",
            note=f"such as {', '.join(repr(c) for c in classes[:5])}",
            help="write a condition, such as `arr_delay > 15`, or use task multiclass_classification",
        )
    counts = {name: _count(labels[folds == index]) for index, name in enumerate(FOLDS)}
    if findings := [_one_class(model, name, counts[name]) for name in ("train", "test") if len(counts[name]) == 1]:
        raise RefusedError(tuple(findings))
    return classes


def _one_class(model: Model, fold: str, counts: Mapping[Any, int]) -> Finding:
    value, rows = next(iter(counts.items()))
    return error(
        "MLC453",
        model.label.origin,
        f"the label of `{model.name}` has one class in the {fold} fold: all {rows:,} rows are {value!r}",
        note="a classifier needs rows of each class to learn from, and to be judged by",
        help="mend the label's expression, or take a wider range of data or other shares of the split",
    )


def _count(labels: Array) -> dict[Any, int]:
    from collections import Counter

    return dict(Counter(labels.tolist()))


def read_labels(path: Path) -> Array:
    """Return the labels as they were computed: bool, numbers or texts; None where there is none."""
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=[LABEL]).column(0).to_numpy(zero_copy_only=False)


def _refuse_empty(model: Model, counts: Mapping[str, int]) -> None:
    shares = {"train": model.split.train, "validation": model.split.validation, "test": model.split.test}
    empty = [name for name in FOLDS if shares[name] and not counts[name]]
    if not empty:
        return
    have = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    raise RefusedError(tuple(
        error(
            "MLC454", model.split.origin, f"the {name} fold of `{model.name}` has no rows",
            note=f"after rows without a known label were left out: {have}",
            help="see how many labels are missing or not mature, and the gap, with `mlc run --until split`",
        )
        for name in empty
    ))  # fmt: skip
