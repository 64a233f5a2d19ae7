"""What `mlc lock` measures of a model's rows: folds, prevalence, groups, label delay, by the code that runs split by.

No feature is computed: the query is asked for keys, times, labels and slices alone. Sums are exactly rounded, so that
the same rows give the same bytes on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlc_compiler.backend.target import ExecutionError, ModelStatistics
from mlc_compiler.ir import Model, ProjectRelease
from mlc_compiler.records import dataclass
from mlc_targets.local.data.days import local_days, slice_texts
from mlc_targets.local.data.features import LABEL, LABEL_KNOWN_AT, PREDICT_AT, query_refused
from mlc_targets.local.data.files import with_reads
from mlc_targets.local.data.relations import open_datasets, quote
from mlc_targets.local.data.split import FOLDS, Array, Rows, assign, rows_of, stored
from mlc_targets.local.findings import findings_of

if TYPE_CHECKING:
    import duckdb

_ROWS = "__rows"
_MICROSECONDS = 1_000_000
_MOST_GROUPS = 500  # a column of more values is no column of groups
_DIGITS = 9
Entry = dict[str, object]


def measure_models(project: ProjectRelease, models: Sequence[Model], root: Path) -> tuple[ModelStatistics, ...]:
    """Return the statistics of models in their order; one whose query fails has findings in their place."""
    return tuple(_measured(model, root, project.project.timezone) for model in models)


def _measured(model: Model, root: Path, timezone: str) -> ModelStatistics:
    try:
        return ModelStatistics(model.name, _sample(model, root, timezone).entry())
    except ExecutionError as failure:
        return ModelStatistics(model.name, findings=findings_of(failure))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A model's rows in order of prediction time: N labels, folds, days, and values of the columns that gates name."""

    model: Model
    rows: Rows
    labels: Array
    fold: Array
    dropped: Mapping[str, int]
    days: Array
    groups: Mapping[str, Array]
    classes: tuple[Any, ...]

    def entry(self) -> Entry:
        """Return what the lock keeps."""
        total = len(self.days)
        mature = total - sum(self.dropped[reason] for reason in ("immature", "missing", "unknown"))
        span = int(self.days.max() - self.days.min()) + 1 if total else 0
        return {
            "rows": total,
            "mature": mature,
            "per_day": _rounded(total / span if span else 0.0, 4),
            "label_delay": self._delay(),
            "folds": {name: self._counted(self.fold == index) for index, name in enumerate(FOLDS)},
            "groups": {name: self._groups(values) for name, values in self.groups.items()},
        }

    def _delay(self) -> Entry:
        """Return quantiles of the seconds from a prediction until its label is known."""
        known = self.rows.labelled & (self.rows.known_at < np.iinfo(np.int64).max)
        delays = np.sort(self.rows.known_at[known] - self.rows.predict_at[known])
        at = {q: delays[max(math.ceil(q * len(delays)) - 1, 0)] for q in (0.5, 0.95)} if len(delays) else {}
        return {f"p{round(100 * q)}": round(int(delay) / _MICROSECONDS) for q, delay in at.items()}

    def _groups(self, values: Array) -> dict[str, Entry]:
        """Return each group of the test fold, none where there are too many to be groups."""
        test = self.fold == FOLDS.index("test")
        names = np.unique(values[test])
        return {str(n): self._counted(test & (values == n)) for n in names} if len(names) <= _MOST_GROUPS else {}

    def _counted(self, members: Array) -> Entry:
        """Return rows, the days that they lie on, and what their labels are like."""
        counted: Entry = {"rows": int(members.sum()), "days": len(np.unique(self.days[members]))}
        labels = self.labels[members].tolist()
        if self.model.split.strategy == "group":
            counted["blocks"] = len(np.unique(self.rows.share[members]))
        counted |= self._clustering(members)
        if not self.classes:
            return counted | _moments([float(value) for value in labels])
        if self.model.task == "binary_classification":
            return counted | ({"positives": labels.count(self.classes[1])} if len(self.classes) == 2 else {})
        return counted | {"classes": {_text(c): labels.count(c) for c in self.classes}}

    def _clustering(self, members: Array) -> Entry:
        """Return how labels of one day, or of one group, vary together: nothing where each row stands for itself."""
        units = {"time": self.days, "group": self.rows.share}.get(self.model.split.strategy)
        if units is None:
            return {}
        labels = self.labels[members]
        columns = [(labels == c).astype(np.float64) for c in self.classes] if self.classes else [labels]
        icc = intraclass_correlation([c.astype(np.float64) for c in columns], units[members])
        return {} if icc is None else {"icc": _rounded(icc, 4)}


def intraclass_correlation(columns: Sequence[Array], units: Array) -> float | None:
    """Return the share of the columns' variance that lies between units, None where rows don't tell.

    The estimator of the analysis of variance (Fisher 1925; Donner 1986); of several columns, one a class, pooled.
    """
    _, codes = np.unique(units, return_inverse=True)
    sizes = np.bincount(codes).astype(np.float64)
    rows, count = len(codes), len(sizes)
    if count < 2 or rows <= count:
        return None
    between = total = 0.0
    ends = np.cumsum(np.bincount(codes))[:-1]
    order = np.argsort(codes, kind="stable")
    for column in columns:
        apart = column - math.fsum(column.tolist()) / rows
        sums = [math.fsum(part.tolist()) for part in np.split(apart[order], ends)]
        between += math.fsum(s * s / n for s, n in zip(sums, sizes.tolist(), strict=True))
        total += math.fsum((apart * apart).tolist())
    usual = (rows - float((sizes * sizes).sum()) / rows) / (count - 1)
    across, within = between / (count - 1), max(total - between, 0.0) / (rows - count)
    spread = across + (usual - 1) * within
    return (across - within) / spread if spread > 0 else None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _moments(values: list[float]) -> Entry:
    if not values:
        return {}
    mean = math.fsum(values) / len(values)
    spread = math.fsum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1)
    return {"mean": _rounded(mean, _DIGITS), "std": _rounded(math.sqrt(spread), _DIGITS)}


def _rounded(value: float, digits: int) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _sample(model: Model, root: Path, timezone: str) -> Sample:
    import duckdb

    query = model.features
    named = {name for g in model.gates for c in g.checks for name in (*c.slices, c.group or "")}
    groups = [name for name in query.slices if name in named]
    kept = [*query.primary_key, *stored(model, (*groups, *model.split.group))]
    connection = open_datasets(with_reads(query.datasets, model.datasets), root)
    try:
        items = ", ".join([PREDICT_AT, LABEL, LABEL_KNOWN_AT, *map(quote, dict.fromkeys(kept))])
        order = ", ".join([PREDICT_AT, *map(quote, query.primary_key)])
        connection.execute(f"CREATE TEMP TABLE {_ROWS} AS SELECT {items} FROM ({query.training_sql}) ORDER BY {order}")
        rows = rows_of(connection, model, _ROWS)
        fold, dropped = assign(rows, model.split)
        columns = stored(model, tuple(groups))
        labels, *values = _columns(connection, [LABEL, *columns])
    except duckdb.Error as failure:
        raise query_refused(model, failure) from failure
    finally:
        connection.close()
    days = local_days(rows.predict_at.astype("datetime64[us]"), timezone)
    texts = {name: slice_texts(column) for name, column in zip(groups, values, strict=True)}
    return Sample(model, rows, labels, fold, dropped, days, texts, _classes(model, labels[fold >= 0]))


def _columns(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[Array]:
    table = connection.sql(f"SELECT {', '.join(map(quote, names))} FROM {_ROWS}").to_arrow_table()
    return [table.column(index).to_numpy(zero_copy_only=False) for index in range(len(names))]


def _classes(model: Model, labels: Array) -> tuple[Any, ...]:
    return tuple(sorted(set(labels.tolist()))) if model.task.endswith("classification") else ()
