"""Encoding of features into the matrix that estimators see, with scikit-learn's transformers, in float32 throughout.

The packaged graph repeats it bit for bit: what a transformer subtracts or divides by is rounded to float32 after the
fit, since double arithmetic on float32 operands, rounded once, equals float32 arithmetic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlc_compiler.ir import Feature, Preprocessing
from mlc_compiler.records import dataclass
from mlc_targets.local.package.columns import Array
from mlc_targets.local.train.rows import Columns

Transformer = Any
"""A transformer of scikit-learn, which ships no annotations."""
NUMERIC_KINDS = frozenset({"number", "boolean", "timestamp"})
UNSEEN = -1
"""The ordinal code of a category that was not seen, or too seldom."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Fitted transformers: numbers first, then categories, each in the features' order."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    number_steps: tuple[Transformer, ...]  # scikit-learn transformers, fitted; none: numbers pass as they are
    category_encoder: Transformer  # OneHotEncoder or OrdinalEncoder, fitted; None where there are no categories

    def matrix(self, columns: Columns) -> Array:
        """Return float32 [N, M]."""
        parts = []
        if self.numbers:
            parts.append(self._numbers(number_matrix(columns, self.numbers)))
        if self.categories:
            parts.append(self.category_encoder.transform(category_matrix(columns, self.categories)))
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float32)

    def _numbers(self, values: Array) -> Array:
        for step in self.number_steps:
            values = step.transform(values)
        return values

    def width(self) -> dict[str, int]:
        """Return how many columns of the matrix each feature has; a null indicator counts to its feature."""
        indicated = self.indicated()
        widths = {name: 1 + (position in indicated) for position, name in enumerate(self.numbers)}
        for name, values in zip(self.categories, self.category_values(), strict=True):
            widths[name] = len(values) if self.one_hot else 1
        return widths

    @property
    def one_hot(self) -> bool:
        """Whether categories become one column a value."""
        return type(self.category_encoder).__name__ == "OneHotEncoder"

    def category_values(self) -> list[list[str]]:
        """Return the categories that each feature knows."""
        return [list(map(str, v)) for v in self.category_encoder.categories_] if self.categories else []

    def indicated(self) -> list[int]:
        """Return the positions of the numbers that have a null indicator."""
        imputer = next((s for s in self.number_steps if getattr(s, "add_indicator", False)), None)
        return [int(i) for i in imputer.indicator_.features_] if imputer is not None else []


def number_matrix(columns: Columns, names: Sequence[str]) -> Array:
    """Return float32 [N, P], nulls as NaN."""
    return np.column_stack([columns[name] for name in names]).astype(np.float32, copy=False)


def category_matrix(columns: Columns, names: Sequence[str]) -> Array:
    """Return str objects [N, C]."""
    return np.column_stack([columns[name] for name in names])


def fit_encoder(features: Sequence[Feature], how: Preprocessing, columns: Columns) -> Encoder:
    """Return the encoder fitted on these rows."""
    numbers = tuple(f.name for f in features if f.kind in NUMERIC_KINDS)
    categories = tuple(f.name for f in features if f.kind not in NUMERIC_KINDS)
    steps = _fit_steps(number_steps(how), number_matrix(columns, numbers)) if numbers else ()
    encoder = _fit_categories(how, columns, categories) if categories else None
    return Encoder(numbers, categories, steps, encoder)


def number_steps(how: Preprocessing) -> list[Transformer]:
    """Return unfitted transformers of numbers. Columns without any value are kept, as zeros."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    steps: list[Transformer] = []
    if how.impute != "none":
        strategy = {"zero": "constant"}.get(how.impute, how.impute)
        fill = 0.0 if how.impute == "zero" else None
        steps.append(
            SimpleImputer(strategy=strategy, fill_value=fill, add_indicator=how.indicator, keep_empty_features=True)
        )
    scalers = {"standard": StandardScaler, "min_max": MinMaxScaler, "robust": RobustScaler}
    if how.scale in scalers:
        steps.append(scalers[how.scale]())
    return steps


def _fit_steps(steps: Sequence[Transformer], values: Array) -> tuple[Transformer, ...]:
    for step in steps:
        step.fit(values)
        round_parameters(step)
        values = step.transform(values)
    return tuple(steps)


def round_parameters(step: object) -> None:
    """Round what a scaler or imputer computes with to float32, in place."""
    for name in ("statistics_", "mean_", "scale_", "center_", "min_"):
        value = getattr(step, name, None)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            setattr(step, name, value.astype(np.float32).astype(value.dtype))


def _fit_categories(how: Preprocessing, columns: Columns, names: Sequence[str]) -> Transformer:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    # Seldom categories are left out of the list, so that they are encoded as unseen ones, in the package too.
    known = [kept_categories(columns[name], how) for name in names]
    if how.encode == "one_hot":
        encoder: Transformer = OneHotEncoder(
            categories=known, handle_unknown="ignore", sparse_output=False, dtype=np.float32
        )  # fmt: skip
    else:
        encoder = OrdinalEncoder(
            categories=known, handle_unknown="use_encoded_value", unknown_value=UNSEEN, dtype=np.float32
        )
    return encoder.fit(category_matrix(columns, names))


def kept_categories(column: Array, how: Preprocessing) -> Array:
    """Return the categories that get a code of their own, sorted: frequent enough, and the most frequent of them."""
    counts = Counter(column.tolist())
    least = how.min_frequency or 0
    least = least * len(column) if isinstance(least, float) else least
    frequent = sorted((v for v in counts if counts[v] >= least), key=lambda v: (-counts[v], v))
    # A feature must keep one value, for an encoder without any can't be built.
    kept = frequent[: how.max_categories] or sorted(counts, key=lambda v: (-counts[v], v))[:1]
    return np.array(sorted(kept), dtype=object)
