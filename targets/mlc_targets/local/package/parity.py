"""How far a package's scores are from the trained model's: on real rows, on odd ones, and beside split thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mlc_targets.local.package.bundle import Package
from mlc_targets.local.package.columns import Array
from mlc_targets.local.train.fitted import Fitted
from mlc_targets.local.train.rows import Columns
from mlc_targets.local.train.thresholds import split_thresholds

_BESIDE = 20_000
_SEED = 20130913
UNSEEN_CATEGORY = "\x7funseen"


def difference(package: Package, fitted: Fitted, columns: Columns) -> tuple[float, int]:
    """Return the largest difference of scores and how many rows were compared.

    For values (regression) the difference is relative to the largest prediction, or to 1 where that is smaller.
    """
    largest, rows = 0.0, 0
    for part in (columns, *_odd_rows(columns), *_beside_thresholds(fitted, columns)):
        ours, theirs = fitted.scores(part), package.predict(part)
        if not len(ours):
            continue
        scale = 1.0 if fitted.task.endswith("classification") else max(1.0, float(np.abs(ours).max()))
        worst = float(np.abs(ours - theirs).max()) / scale
        largest = max(largest, worst) if math.isfinite(worst) else math.inf
        rows += len(ours)
    return largest, rows


def rounded_up(value: float) -> float:
    """Return a number rounded up to one significant digit, since the last digits differ from machine to machine.

    >>> rounded_up(5.71e-07)
    6e-07
    """
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.ceil(round(value / unit, 6)) * unit:.0e}")


def _odd_rows(columns: Columns) -> Iterator[dict[str, Array]]:
    """Return a few rows where everything is missing, and where every category is one that training never saw."""
    few = {name: column[:100] for name, column in columns.items()}
    yield {n: np.full(1, np.nan, np.float32) if c.dtype.kind == "f" else _texts("", 1) for n, c in columns.items()}
    yield {n: c if c.dtype.kind == "f" else _texts(UNSEEN_CATEGORY, len(c)) for n, c in few.items()}


def _texts(value: str, rows: int) -> Array:
    return np.array([value] * rows, dtype=object)


def _beside_thresholds(fitted: Fitted, columns: Columns) -> Iterator[dict[str, Array]]:
    """Return rows with one number set to a split's threshold, or to the float32 value below or above it."""
    total = len(next(iter(columns.values())))
    encoder = fitted.encoder
    thresholds = {f: t for f, t in split_thresholds(fitted.estimator).items() if f < len(encoder.numbers)}
    if not thresholds or not total:
        return
    generator = np.random.default_rng(_SEED)
    share = max(1, _BESIDE // len(thresholds))
    for position, values in thresholds.items():
        rows = generator.integers(0, total, share)
        part = {name: column[rows] for name, column in columns.items()}
        part[encoder.numbers[position]] = _beside(_decoded(fitted, position, values), share, generator)
        yield part


def _beside(values: Array, rows: int, generator: np.random.Generator) -> Array:
    finite = values[np.isfinite(values)].astype(np.float32)
    if not len(finite):
        return np.full(rows, np.nan, np.float32)
    chosen = finite[generator.integers(0, len(finite), rows)]
    aside = np.array([-np.inf, 0, np.inf], dtype=np.float32)[generator.integers(0, 3, rows)]
    moved: Array = np.where(aside == 0, chosen, np.nextafter(chosen, aside))
    return moved


def _decoded(fitted: Fitted, position: int, values: Array) -> Array:
    """Return thresholds of an encoded number in the number's own unit."""
    for step in reversed(fitted.encoder.number_steps):
        name = type(step).__name__
        if name == "MinMaxScaler":
            values = (values - step.min_[position]) / step.scale_[position]
        elif name in {"StandardScaler", "RobustScaler"}:
            centre = step.mean_ if name == "StandardScaler" else step.center_
            values = values * step.scale_[position] + centre[position]
    return values
