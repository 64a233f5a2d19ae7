"""The rows that models learn from and are judged by: encoded features, labels, folds, slices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mlc_compiler.ir import Feature, Scalar
from mlc_compiler.records import dataclass
from mlc_targets.local.data.features import FEATURES_FILE, LABEL, PREDICT_AT
from mlc_targets.local.data.split import FOLDS, FOLDS_FILE
from mlc_targets.local.job import Run
from mlc_targets.local.package.columns import Array, encode_columns
from mlc_targets.local.package.manifest import PackagedFeature

Columns = Mapping[str, Array]
"""Encoded features by name, [N] each: float32, or object arrays of str."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in order of prediction time. `y` is the index of the class, or the value; folds as in step split."""

    columns: Columns
    y: Array  # int64 or float64 [N]
    fold: Array  # int8 [N]
    predict_at: Array  # datetime64[us] [N], UTC
    classes: tuple[Scalar, ...]

    def of(self, *folds: str) -> Rows:
        """Return the rows of some folds."""
        return self.take(np.isin(self.fold, [FOLDS.index(name) for name in folds]))

    def take(self, chosen: Array) -> Rows:
        """Return some rows, by mask or position."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return Rows(columns, self.y[chosen], self.fold[chosen], self.predict_at[chosen], self.classes)

    def __len__(self) -> int:
        return len(self.y)


def packaged_features(features: tuple[Feature, ...]) -> tuple[PackagedFeature, ...]:
    """Return features as packages describe them, in the model's order."""
    return tuple(PackagedFeature(f.name, f.kind, f.type) for f in features)


def load_rows(run: Run) -> Rows:
    """Return the rows that are in a fold, as steps features and split left them."""
    folder, outputs = run.folder("features"), run.outputs("split")
    fold = np.load(run.folder("split") / FOLDS_FILE)
    features = run.model.features.features
    table = read_columns(folder / FEATURES_FILE, [LABEL, PREDICT_AT, *(f.name for f in features)], fold >= 0)
    classes = tuple(outputs["classes"])
    return Rows(
        encode_columns(packaged_features(features), table),
        label_values(table[LABEL], classes),
        fold[fold >= 0],
        table[PREDICT_AT].astype("datetime64[us]"),
        classes,
    )


def read_columns(path: Path, names: list[str], mask: Array | None = None) -> dict[str, Array]:
    """Return columns of a Parquet file as numpy arrays, the rows of the mask only."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=list(dict.fromkeys(names)))
    if mask is not None:
        table = table.filter(pa.array(mask))
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


def label_values(labels: Array, classes: tuple[Scalar, ...]) -> Array:
    """Return labels as class indices, or as floats where there are no classes."""
    if not classes:
        return labels.astype(np.float64)
    index = {value: position for position, value in enumerate(classes)}
    return np.array([index[value] for value in labels.tolist()], dtype=np.int64)
