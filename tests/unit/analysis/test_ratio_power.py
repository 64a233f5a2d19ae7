"""Fairness ratios pass as often as all outcomes of the judge's rule do, which is that of a reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import test_proportions_2indep as compared

from mlc_compiler.analysis.ratio_power import Clusters, rate_rows_needed, ratio_pass_probability, score

Pair = tuple[float, float]
Counts = tuple[int, int]


@pytest.mark.parametrize("hits", [(20.0, 500.0), (10.0, 30.0), (0.0, 3.0), (49.0, 1400.0), (0.0, 0.0)])
@pytest.mark.parametrize("ratio", [0.5, 0.8, 0.99])
def test_the_score_is_that_of_miettinen_and_nurminen(hits: Pair, ratio: float) -> None:
    counts = (50, 1500)
    if sum(hits) == 0:
        assert score(ratio, hits, counts) in (math.inf, -math.inf)
        return
    reference = compared(
        hits[0], counts[0], hits[1], counts[1], value=ratio, compare="ratio", method="score", correction=False
    )
    assert score(ratio, hits, counts) == pytest.approx(float(reference.statistic), abs=1e-8)


@pytest.mark.parametrize(
    ("limit", "rates", "counts"),
    [
        (0.5, (0.3, 0.3), (60, 90)),
        (0.6, (0.5, 0.5), (50, 50)),
        (0.5, (0.2, 0.4), (70, 50)),
        (0.8, (0.9, 0.8), (40, 80)),
    ],
)
def test_independent_rows_pass_as_often_as_all_outcomes_do(limit: float, rates: Pair, counts: Counts) -> None:
    """Every pair of counts, weighed by its binomial probability, decided by the score test both ways."""
    z, total = float(stats.norm.ppf(0.975)), 0.0
    weights = [stats.binom(n, p).pmf(range(n + 1)) for n, p in zip(counts, rates, strict=True)]
    for k in range(counts[0] + 1):
        for j in range(counts[1] + 1):
            both = score(limit, (k, j), counts) >= z and score(limit, (j, k), counts[::-1]) >= z
            total += weights[0][k] * weights[1][j] * both
    assert ratio_pass_probability(limit, rates, counts, 0.95) == pytest.approx(float(total), abs=1e-6)


@pytest.mark.parametrize("counts", [(420, 2_600), (2_600, 420), (3_000, 5_700)])
@pytest.mark.parametrize("limit", [0.8, 0.9])
def test_stretches_of_counts_stand_for_all_of_them(limit: float, counts: Counts) -> None:
    """The first group's counts that pass are a range for each count of the second."""
    z, total = float(stats.norm.ppf(0.975)), 0.0
    first, second = (stats.binom(n, 0.3) for n in counts)
    for hits in range(int(second.ppf(1e-9)), int(second.ppf(1 - 1e-9))):
        inside = [score(limit, (k, hits), counts) >= z for k in range(int(first.ppf(1e-9)), int(first.ppf(1 - 1e-9)))]
        least = int(first.ppf(1e-9)) + (inside.index(True) if True in inside else len(inside))
        most = int(limit_above(limit, hits, counts, z))
        total += float(second.pmf(hits)) * max(float(first.cdf(most) - first.cdf(least - 1)), 0.0)
    assert ratio_pass_probability(limit, (0.3, 0.3), counts, 0.95) == pytest.approx(total, abs=0.002)


def limit_above(limit: float, hits: int, counts: Counts, z: float) -> int:
    """The largest count of the first group with which the second is not below the limit, by halving."""
    low, high = -1, counts[0] + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if score(limit, (hits, middle), counts[::-1]) >= z else (low, middle)
    return low


def test_rates_far_inside_pass_in_all_but_one_of_two_hundred_drawings() -> None:
    generator = np.random.default_rng(1)
    for rate, counts in ((0.3, (1_500, 9_000)), (0.5, (700, 700)), (0.9, (350, 2_000))):
        limit = next(
            x / 100 for x in range(99, 1, -1) if ratio_pass_probability(x / 100, (rate, rate), counts, 0.95) == 1
        )
        hits = [generator.binomial(n, rate, 2_000) for n in counts]
        z = float(stats.norm.ppf(0.975))
        passed = [
            score(limit, (k, j), counts) >= z and score(limit, (j, k), counts[::-1]) >= z
            for k, j in zip(*hits, strict=True)
        ]
        assert np.mean(passed) > 0.995


def test_a_group_at_the_limit_passes_in_the_tail_whatever_the_rows() -> None:
    for counts in ((50, 500), (300, 300), (2_000, 20_000), (100_000, 900_000)):
        assert ratio_pass_probability(0.8, (0.24, 0.3), counts, 0.95) <= 0.03
        assert ratio_pass_probability(0.8, (0.24, 0.3), counts, 0.95, Clusters(30)) <= 0.03
    assert ratio_pass_probability(0.8, (0.24, 0.3), (2_000, 20_000), 0.95) == pytest.approx(0.025, abs=0.002)
    assert ratio_pass_probability(0.8, (0.24, 0.3), (100, 1_000), 0.95) == pytest.approx(0.0, abs=0.01)


def test_days_that_vary_take_power_and_shared_days_give_some_back() -> None:
    case = (0.8, (0.3, 0.3), (600, 2_000), 0.95)
    rows, days = ratio_pass_probability(*case), ratio_pass_probability(*case, Clusters(50))
    apart = ratio_pass_probability(*case, Clusters(50, (2.0, 4.0)))
    together = ratio_pass_probability(*case, Clusters(50, (2.0, 4.0), 0.05))
    assert rows > days > apart
    assert together > apart


def test_the_rows_needed_are_enough_and_hardly_more() -> None:
    rates = (0.3, 0.3)
    needed = rate_rows_needed(0.8, rates, 5_000, 0.95, lambda _: None, 0.8)
    assert needed is not None
    assert ratio_pass_probability(0.8, rates, (needed, 5_000), 0.95) >= 0.8
    assert ratio_pass_probability(0.8, rates, (round(0.95 * needed), 5_000), 0.95) < 0.8
    assert rate_rows_needed(0.99, rates, 5_000, 0.95, lambda _: None, 0.8) is None


@pytest.mark.parametrize("clusters", [None, Clusters(0), Clusters(5), Clusters(5, (3.0, 3.0), 0.2)])
@pytest.mark.parametrize("counts", [(0, 0), (1, 1), (5, 10**7), (10**9, 10**9)])
@pytest.mark.parametrize("limit", [0.0, 1e-9, 0.8, 1.0, 2.0])
def test_the_smallest_and_the_largest_groups_are_no_error(
    clusters: Clusters | None, counts: Counts, limit: float
) -> None:
    for rates in ((0.01, 0.01), (0.5, 0.5), (0.99, 0.99)):
        assert 0 <= ratio_pass_probability(limit, rates, counts, 0.95, clusters) <= 1
