"""Profiles of what a model was made from, as cells that live values are counted in the same way.

A cell is a bin between quantiles of the reference, a value that many reference rows share, a category, or the missing
values. The outer bins are open, so that one extreme value is one row in one cell however extreme it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from mlc_compiler.records import dataclass
from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import ScoreReference
from mlc_targets.local.package.reference import QUANTILES

COMMON = 0.05
"""Share of the present values from which on one value is a cell of its own: half of a tenth."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberProfile:
    """Cells of a number: the missing values, then those that `cuts` (rising, [C]) part: C + 2 cells.

    `counts` [C + 2] are the reference's, `spread` its standard deviation. Of its present values, `below` and `up_to`
    [G] are the shares below and up to each value of `grid` (rising, [G]); `up_to` is None where it is not known how
    many values equal one of the grid.
    """

    cuts: Array
    counts: Array
    spread: float
    grid: Array
    below: Array
    up_to: Array | None = None

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
        return _kept_number(kept)
    values = tuple(sorted(value for value in kept["counts"] if value != ""))
    counts = [kept["missing"], *(kept["counts"][value] for value in values), kept["others"]]
    return CategoryProfile(values, np.array(counts, dtype=np.float64))


def score_profile(reference: ScoreReference) -> NumberProfile | None:
    """Return the profile of a package's scores, None where it keeps none."""
    return _binned(list(reference.edges), list(reference.counts)) if reference.edges else None


def _kept_number(kept: Mapping[str, Any]) -> NumberProfile:
    profile = _binned(kept["edges"], kept["counts"], kept.get("at_edges"), kept["missing"])
    if not kept.get("quantiles"):
        return profile
    values = np.array(kept["quantiles"], dtype=np.float64)
    grid, shares = np.unique(values), np.array(QUANTILES)
    below = shares[np.searchsorted(values, grid, side="left")]
    up_to = shares[np.searchsorted(values, grid, side="right") - 1]
    return replace(profile, spread=float(kept["std"]), grid=grid, below=below, up_to=up_to)


def _binned(
    edges: list[float], counts: list[int], at_edges: list[int] | None = None, missing: int = 0
) -> NumberProfile:  # fmt: skip
    """Return the profile of bins. `at_edges` are the reference values equal to each edge, None where not known."""
    ties = at_edges or [0] * len(edges)
    cuts = np.array(_cuts(edges, ties, sum(counts)), dtype=np.float64)
    places, amounts = _pieces(edges, counts, ties)
    cells = np.bincount(np.searchsorted(cuts, places, side="right"), amounts, len(cuts) + 1)
    shares = np.cumsum([0, *counts])[: len(edges)] / max(sum(counts), 1)
    spread = _binned_spread(np.array(edges), np.array(counts))
    return NumberProfile(cuts, np.concatenate([[missing], cells]), spread, np.array(edges), shares)


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


def _binned_spread(edges: Array, counts: Array) -> float:
    """Return the standard deviation of rows that lie evenly within their bins: too large where a tail is long."""
    if not counts.sum():
        return 0.0
    shares, middles = counts / counts.sum(), (edges[:-1] + edges[1:]) / 2
    mean = float(shares @ middles)
    return float(np.sqrt(shares @ ((middles - mean) ** 2 + np.diff(edges) ** 2 / 12)))
