"""Split thresholds of trees: rounded to what ONNX stores, and listed to test the package beside them.

ONNX keeps thresholds as float32. Inputs are float32 too, so that rounding a threshold down to float32 moves no row to
the other side in scikit-learn, and both then agree.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlc_targets.local.package.columns import Array


def round_thresholds(estimator: object) -> None:
    """Round the thresholds of histogram gradient boosting down to float32, in place."""
    for nodes in _histogram_nodes(estimator):
        nodes["num_threshold"] = floor_float32(nodes["num_threshold"])


def floor_float32(values: Array) -> Array:
    """Return the greatest float32 values that are no greater, as float64; what is beyond float32 stays.

    >>> float(floor_float32(np.array([0.1]))[0]) <= 0.1
    True
    """
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
        lower = np.nextafter(rounded, np.float32(-np.inf))
    floored = np.where(rounded > values, lower, rounded).astype(np.float64)
    return np.where(np.isfinite(values), floored, values)


def split_thresholds(estimator: object) -> dict[int, Array]:
    """Return the thresholds by column of the encoded matrix, sorted; empty for what does not split."""
    found: dict[int, list[Array]] = {}
    for features, thresholds in _splits(estimator):
        for feature in np.unique(features):
            found.setdefault(int(feature), []).append(thresholds[features == feature])
    return {feature: np.unique(np.concatenate(parts)) for feature, parts in sorted(found.items())}


def _splits(estimator: object) -> list[tuple[Array, Array]]:
    splits = []
    for nodes in _histogram_nodes(estimator):
        inner = nodes[nodes["is_leaf"] == 0]
        splits.append((inner["feature_idx"].astype(np.int64), inner["num_threshold"]))
    for tree in _trees(estimator):
        inner = tree.children_left >= 0
        splits.append((tree.feature[inner], tree.threshold[inner]))
    return splits


def _histogram_nodes(estimator: object) -> list[Array]:
    iterations = getattr(estimator, "_predictors", None)  # scikit-learn has no public way to them
    return [predictor.nodes for predictors in iterations or () for predictor in predictors]


def _trees(estimator: object) -> list[Any]:
    if hasattr(estimator, "tree_"):
        return [estimator.tree_]
    members = getattr(estimator, "estimators_", ())
    flat = members.ravel().tolist() if isinstance(members, np.ndarray) else list(members)
    return [member.tree_ for member in flat if hasattr(member, "tree_")]
