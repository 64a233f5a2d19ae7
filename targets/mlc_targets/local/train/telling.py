"""Features that tell the label by themselves: what no proof over specs can see, a proxy of the outcome, shows here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.ir import Model
from mlc_targets.local.findings import place
from mlc_targets.local.package.columns import Array
from mlc_targets.local.train.rows import Rows

SUSPECT = 0.98
"""Area under the ROC curve of one feature alone from which on it is more likely the outcome than its cause."""
FEWEST = 50
"""Rows of each class below which such an area is chance."""


def telling_features(model: Model, rows: Rows) -> Iterator[Finding]:
    """Yield a warning for each feature that separates the classes almost without the others."""
    if model.task != "binary_classification" or min((rows.y == 1).sum(), (rows.y == 0).sum()) < FEWEST:
        return
    for feature in model.features.features:
        area = area_alone(rows.columns[feature.name], rows.y)
        if area > SUSPECT:
            yield Finding(
                "MLC381",
                f"`{feature.name}` alone tells the label: the area under its ROC curve is {area:.4f} on "
                f"{len(rows):,} rows, more than {SUSPECT}",
                place(feature.origin),
                "the outcome itself, or something written down after it?",
                (),
                "see when its columns are known (`known_at`), or leave it out; if it is sound, say so in the card",
                Severity.WARNING,
            )


def area_alone(values: Array, positive: Array) -> float:
    """Return the area under the ROC curve of one column, in whichever direction it is larger; nulls are a value.

    Texts have no order: the rate of each on every other row orders it on the rest, so that rare texts tell nothing.
    """
    y = positive == 1
    if values.dtype.kind != "O":
        return max(area := _area(np.nan_to_num(values.astype(np.float64), nan=-np.inf), y), 1 - area)
    learned, judged = slice(0, None, 2), slice(1, None, 2)
    names, codes = np.unique(values.astype(str), return_inverse=True)
    seen = np.bincount(codes[learned], minlength=len(names))
    hits = np.bincount(codes[learned], weights=y[learned], minlength=len(names))
    rates = np.where(seen > 0, hits / np.maximum(seen, 1), y[learned].mean())
    return _area(rates[codes[judged]], y[judged])


def _area(scores: Array, y: Array) -> float:
    """Return the share of positive-negative pairs in order, ties counting half; a half where a class is missing."""
    _, codes = np.unique(scores, return_inverse=True)
    good, bad = np.bincount(codes, weights=y), np.bincount(codes, weights=~y)
    if not good.sum() or not bad.sum():
        return 0.5
    below = np.cumsum(bad) - bad
    return float((good * (below + bad / 2)).sum() / (good.sum() * bad.sum()))
