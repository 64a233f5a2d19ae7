"""What a package keeps of the data that it was made from, so that live inputs and scores can be compared with it."""

from __future__ import annotations

from collections import Counter

import numpy as np

from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import ScoreReference
from mlc_targets.local.train.rows import Columns

QUANTILES = (0.005, *(step / 50 for step in range(1, 50)), 0.995)
"""Shares whose quantiles a number's profile keeps: the outermost values stand for their size and nothing else."""
_BINS = 10
_MOST_CATEGORIES = 100


def feature_profiles(columns: Columns) -> dict[str, object]:
    """Return a profile of each feature: quantile bins of numbers, counts of categories, and how many are missing.

    The outer bins are open-ended; `at_edges` counts the values equal to each edge, so that a value that many rows share
    is told from its bin. Categories beyond the hundred most frequent are counted together.
    """
    return {
        name: _numbers(column) if column.dtype.kind == "f" else _categories(column) for name, column in columns.items()
    }


def _numbers(column: Array) -> dict[str, object]:
    finite = column[np.isfinite(column)].astype(np.float64)
    edges = rising_edges(finite)
    counts = [int(count) for count in np.histogram(finite, bins=edges)[0]] if edges else []
    return {
        "kind": "number",
        "edges": edges,
        "counts": counts,
        "at_edges": [int((finite == edge).sum()) for edge in edges],
        "quantiles": [float(value) for value in np.quantile(finite, QUANTILES)] if len(finite) else [],
        "std": float(finite.std()) if len(finite) else 0.0,
        "missing": len(column) - len(finite),
    }


def _categories(column: Array) -> dict[str, object]:
    counts = Counter(column.tolist())
    missing = counts.pop("", 0)
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    kept = {value: counts[value] for value in ordered[:_MOST_CATEGORIES]}
    return {
        "kind": "category",
        "counts": kept,
        "others": sum(counts.values()) - sum(kept.values()),
        "missing": missing,
    }


def score_reference(scores: Array) -> ScoreReference:
    """Return the histogram that live scores are compared with; of the likeliest class where there are several."""
    values = scores.max(axis=1) if scores.ndim == 2 else scores
    edges = rising_edges(values)
    if not edges:
        return ScoreReference()
    return ScoreReference(tuple(edges), tuple(int(c) for c in np.histogram(values, bins=edges)[0]))


def rising_edges(values: Array) -> list[float]:
    """Return up to eleven quantiles, strictly rising; none where there is no value.

    >>> rising_edges(np.array([1.0, 1.0, 1.0]))
    [1.0, 2.0]
    """
    if not len(values):
        return []
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    if len(edges) == 1:
        edges = np.array([edges[0], edges[0] + 1.0])
    return [float(edge) for edge in edges]
