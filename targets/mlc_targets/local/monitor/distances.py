"""How far live rows lie from the reference, by each method that a signal may name, and how far chance alone takes them.

All methods read the same cells, the missing values' among them, so nothing depends on the size of an extreme value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from statistics import NormalDist
from types import MappingProxyType

import numpy as np

from mlc_targets.local.monitor.profiles import CategoryProfile, NumberProfile, Profile
from mlc_targets.local.package.columns import Array

FLOOR = 1e-4
"""The least share that the stability index takes a cell to have, since it divides by shares."""


class UndefinedError(ValueError):
    """A value that can't be computed; the message says why."""


def distance(method: str, profile: Profile, column: Array) -> float:
    """Return the distance of a feature's live values [N] from the reference, 0 or more.

    Raises UndefinedError where there is nothing to compare.
    """
    live = profile.count(column)
    if not profile.counts.sum():
        raise UndefinedError("the reference has no rows")
    if not live.sum():
        raise UndefinedError("there are no rows")
    if method == "wasserstein" and isinstance(profile, NumberProfile):
        return _wasserstein(profile, column)
    if method == "ks" and isinstance(profile, CategoryProfile):
        return float(np.abs(_shares(profile.counts) - _shares(live)).max())
    return _METHODS[method](_shares(profile.counts), _shares(live))


def _shares(counts: Array) -> Array:
    return np.asarray(counts / counts.sum())


def stability_index(p: Array, q: Array) -> float:
    """Return the population stability index of shares, sum((q - p) ln(q / p)); no share is below 1e-4."""
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(p: Array, q: Array) -> float:
    """Return the Jensen-Shannon distance of shares: the root of the divergence in bits, 0 to 1."""
    middle = (p + q) / 2
    divergence = sum(float(np.sum(s[s > 0] * np.log2(s[s > 0] / middle[s > 0]))) for s in (p, q)) / 2
    return math.sqrt(max(divergence, 0.0))


def cramers_v(p: Array, q: Array) -> float:
    """Return Cramér's V of the table of both samples, 0 to 1: the effect size of the chi-square test.

    Both samples weigh alike. With their own sizes V would tell how unequal these are: 500 rows without one category
    in common with 200,000 reference rows would have a V of 0.05.
    """
    both = p + q
    return math.sqrt(float(np.sum((p - q)[both > 0] ** 2 / both[both > 0])) / 2)


def kolmogorov_smirnov(p: Array, q: Array) -> float:
    """Return the largest difference of the cumulative shares at the cells' ends; missing values come before all others.

    The exact statistic, over all values, is never smaller. Of categories, which have no order, `distance` takes the
    largest difference of one share (as TensorFlow Data Validation does).
    """
    return float(np.abs(np.cumsum(p - q)).max())


def total_variation(p: Array, q: Array) -> float:
    """Return half the sum of the differences: the Wasserstein distance of categories, each at distance 1 of others."""
    return float(np.abs(p - q).sum() / 2)


_METHODS: Mapping[str, Callable[[Array, Array], float]] = MappingProxyType({
    "psi": stability_index,
    "jensen_shannon": jensen_shannon,
    "chi_square": cramers_v,
    "ks": kolmogorov_smirnov,
    "wasserstein": total_variation,
})  # fmt: skip


def _wasserstein(profile: NumberProfile, column: Array) -> float:
    """Return the first Wasserstein distance of the present values, in standard deviations of the reference.

    It is the area between the cumulative shares, taken as straight between two values of the grid, and ends with the
    grid: at the quantiles 0.005 and 0.995 of the reference, or at its extremes where a package keeps no quantiles.
    """
    values = np.sort(column[np.isfinite(column)].astype(np.float64))
    if profile.spread <= 0:
        raise UndefinedError("the reference is constant: there is no standard deviation to measure in")
    if not len(values):
        raise UndefinedError("all values are missing")
    before = profile.below - np.searchsorted(values, profile.grid, side="left") / len(values)
    after = before
    if profile.up_to is not None:
        after = profile.up_to - np.searchsorted(values, profile.grid, side="right") / len(values)
    return float(np.sum(np.diff(profile.grid) * _mean_size(after[:-1], before[1:])) / profile.spread)


def _mean_size(a: Array, b: Array) -> Array:
    """Return the mean of the absolute value along a line from a to b."""
    size = np.abs(a) + np.abs(b)
    crossing = np.divide(a**2 + b**2, 2 * size, out=np.zeros_like(size), where=size > 0)
    return np.where(a * b >= 0, size / 2, crossing)


# --- chance ----------------------------------------------------------------------------------------------------------
def by_chance(method: str, profile: Profile, column: Array, alpha: float) -> float:
    """Return what a column's distance exceeds with probability `alpha` if nothing has changed and rows are independent.

    Over k cells, chi-square on k - 1 degrees times 1/n + 1/m bounds the stability index; the other methods follow
    from it, since all are alike to second order, empty cells aside. For order statistics it is Kolmogorov's bound; for
    the Wasserstein distance of numbers that of a difference of means, which is never the larger of the two.
    """
    live = profile.count(column)
    apart = float(1 / profile.counts.sum() + 1 / live.sum())
    if method == "ks":
        return math.sqrt(-math.log(alpha / 2) / 2 * apart)
    if method == "wasserstein" and isinstance(profile, NumberProfile):
        present = float(1 / profile.counts[1:].sum() + 1 / live[1:].sum())
        return NormalDist().inv_cdf(1 - alpha / 2) * math.sqrt(present)
    cells = int(((profile.counts > 0) | (live > 0)).sum())
    index, p = _chi_square(cells - 1, alpha) * apart, _shares(profile.counts)
    empty = partial(_of_empty_cells, p, float(live.sum()), alpha)
    if method == "psi":
        return index + empty(np.log(np.maximum(p, FLOOR) / FLOOR))
    if method == "jensen_shannon":
        return math.sqrt(index / (8 * math.log(2)) + empty(np.full(len(p), 1 / 2 - 1 / (8 * math.log(2)))))
    return math.sqrt(index / 4 + empty(np.full(len(p), 1 / 4)))


def _of_empty_cells(p: Array, rows: float, alpha: float, weight: Array) -> float:
    """Return what cells that few rows leave empty add to chance, `weight` times their share each.

    There the methods are not alike: a normal upper bound of the sum over cells.
    """
    added, empty = weight * p, (1 - p) ** rows
    spread = math.sqrt(float(added**2 @ (empty * (1 - empty))))
    return float(added @ empty) + NormalDist().inv_cdf(1 - alpha) * spread


def _chi_square(degrees: int, alpha: float) -> float:
    """Return the upper quantile of the chi-square distribution, within 1 % (Wilson and Hilferty 1931)."""
    if degrees < 1:
        return 0.0
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + NormalDist().inv_cdf(1 - alpha) * math.sqrt(part)) ** 3)
