"""Profiles of what a model was made from, as cells that live values are counted in the same way.

A cell is a bin between quantiles of the reference, a value that many reference rows share, a category, or the missing
values. The outer bins are open, so that one extreme value is one row in one cell however extreme it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import ScoreReference

COMMON = 0.05
"""Share of the present values from which on one value is a cell of its own: half of a tenth."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberProfile:
    """Cells of a number: the missing values, then those that `cuts` (rising, [C]) part: C + 2 cells.

    `counts` [C + 2] are the reference's. `knots` [C + 2] are the cells' ends within the reference's range, `spread` its
    standard deviation.
    """

    cuts: Array
    counts: Array
    knots: Array
    spread: float

    def count(self, column: Array) -> Array:
        """Return how many values of a column lie in each cell; NaN and infinite ones are missing."""
        values = column[np.isfinite(column)].astype(np.float64)
        cells = np.bincount(np.searchsorted(self.cuts, values, side="right"), minlength=len(self.cuts) + 1)
        return np.concatenate([[len(column) - len(values)], cells]).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CategoryProfile:
    """Cells of a category: the missing values, each of `values`, and all others, unseen ones among them."""

    values: tuple[str, ...]
    counts: Array

    def count(self, column: Array) -> Array:
        """Return how many values of a column are in each cell."""
        found = Counter(column.tolist())
        known = [found[""], *(found[value] for value in self.values)]
        return np.array([*known, len(column) - sum(known)], dtype=np.float64)


Profile = NumberProfile | CategoryProfile


def feature_profile(kept: Mapping[str, Any]) -> Profile:
    """Return the profile of a feature from its entry in a package's reference.json; raises KeyError, TypeError."""
    if kept["kind"] == "number":
        ties = kept.get("at_edges") or [0] * len(kept["edges"])
        return _number_profile(kept["edges"], kept["counts"], ties, kept["missing"], kept.get("std"))
    values = tuple(sorted(value for value in kept["counts"] if value != ""))
    counts = [kept["missing"], *(kept["counts"][value] for value in values), kept["others"]]
    return CategoryProfile(values, np.array(counts, dtype=np.float64))


def score_profile(reference: ScoreReference) -> NumberProfile | None:
    """Return the profile of a package's scores, None where it keeps none."""
    edges = list(reference.edges)
    return _number_profile(edges, list(reference.counts), [0] * len(edges), 0, None) if edges else None


def _number_profile(
    edges: list[float], counts: list[int], ties: list[int], missing: int, std: float | None
) -> NumberProfile:
    """Return the cells of bins; `ties` are the reference values equal to each edge, zeros where that is not known."""
    cuts = np.array(_cuts(edges, ties, sum(counts)), dtype=np.float64)
    places, amounts = _pieces(edges, counts, ties)
    cells = np.bincount(np.searchsorted(cuts, places, side="right"), amounts, len(cuts) + 1)
    knots = np.clip([edges[0], *cuts, edges[-1]], edges[0], edges[-1]) if edges else np.zeros(2)
    spread = _binned_spread(knots, cells) if std is None else float(std)
    return NumberProfile(cuts, np.concatenate([[missing], cells]).astype(np.float64), knots, spread)


def _cuts(edges: list[float], ties: list[int], total: int) -> list[float]:
    """Return the inner edges, and both sides of each value that is common."""
    cuts = set(edges[1:-1])
    for edge, count in zip(edges, ties, strict=True):
        if total and count >= COMMON * total:
            cuts |= {edge, float(np.nextafter(edge, np.inf))}
    return sorted(cuts)


def _pieces(edges: list[float], counts: list[int], ties: list[int]) -> tuple[Array, Array]:
    """Return where the reference's rows lie and how many: at each edge, and strictly between two."""
    places, amounts = list(edges), list(ties)
    for index, ((low, high), count) in enumerate(zip(pairwise(edges), counts, strict=True)):
        last = ties[-1] if index == len(counts) - 1 else 0  # the last bin holds its upper edge too
        places.append((low + high) / 2)
        amounts.append(count - ties[index] - last)
    return np.array(places, dtype=np.float64), np.array(amounts, dtype=np.float64)


def _binned_spread(knots: Array, cells: Array) -> float:
    """Return the standard deviation of rows that lie evenly within their cells: too large where a tail is long."""
    if not cells.sum():
        return 0.0
    shares, middles = cells / cells.sum(), (knots[:-1] + knots[1:]) / 2
    mean = float(shares @ middles)
    return float(np.sqrt(shares @ ((middles - mean) ** 2 + np.diff(knots) ** 2 / 12)))
