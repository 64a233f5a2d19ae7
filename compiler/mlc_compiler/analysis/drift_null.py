"""What drift measures show of data that has not drifted: their distribution under the null hypothesis.

Over k cells, n rows against a reference of m, the stability index is about 1/n + 1/m times chi-square on k - 1 degrees.
Jensen-Shannon (in bits) and Cramér's V are alike to second order, the index being 8 ln 2 and 4 times their square.
"""

from __future__ import annotations

import math
from functools import lru_cache

from mlc_compiler.analysis.exceedance import drift_exceeds
from mlc_compiler.probability import chi_square_quantile, normal_cdf, normal_quantile

BINS = 10
"""Cells of a number: between tenths of the reference."""
SERVER_WINDOW, SERVER_LEAST = 1000, 100
"""Latest scores that a server's own index is of, and the fewest of which it has a value."""
_SMALL_SHARE = 1e-15
_INDEX = {"psi": (1.0, 1.0), "jensen_shannon": (8 * math.log(2), 2.0), "chi_square": (4.0, 2.0)}


def server_apart(rows: float, reference: float, cells: int = BINS) -> float:
    """Return the scale of the server's index, in which half a count is added to each cell."""
    return _corrected(rows / (rows + cells / 2) ** 2, reference / (reference + cells / 2) ** 2, rows, cells)


@lru_cache(maxsize=4096)
def exceeds_by_chance(method: str, rows: float, reference: float, cells: int, bound: float) -> float:
    """Return the probability that a window without drift is beyond its bound; 0 for methods without a null here."""
    if rows <= 0 or reference <= 0 or cells < 2:
        return 0.0
    if bound <= 0:
        return 1.0
    if method == "ks":
        return min(1.0, 2 * math.exp(-2 * bound * bound / (1 / rows + 1 / reference)))
    if method == "wasserstein":
        return 2 * (1 - normal_cdf(bound / math.sqrt(1 / rows + 1 / reference)))
    if method not in _INDEX:
        return 0.0
    factor, power = _INDEX[method]
    return drift_exceeds(_corrected(1 / rows, 1 / reference, rows, cells), cells, factor * bound**power)


@lru_cache(maxsize=1024)
def bound_for(method: str, rows: float, reference: float, cells: int, chance: float) -> float:
    """Return the bound that a window without drift exceeds with that probability."""
    chance = min(max(chance, _SMALL_SHARE), 0.5)
    apart = 1 / rows + 1 / reference
    if method == "ks":
        return math.sqrt(-math.log(chance / 2) / 2 * apart)
    if method == "wasserstein":
        return normal_quantile(1 - chance / 2) * math.sqrt(apart)
    factor, power = _INDEX[method]
    index = _corrected(1 / rows, 1 / reference, rows, cells) * chi_square_quantile(1 - chance, cells - 1)
    return float((index / factor) ** (1 / power))


def _corrected(live: float, kept: float, rows: float, cells: int) -> float:
    """Return the scale with the index's third and fourth order: with few rows a cell its mean is above chi-square's."""
    return (live + kept) * (1 + cells * cells / (2 * rows * max(cells - 1, 1)))
