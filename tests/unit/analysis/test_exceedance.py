"""Shares of random traffic above a bound: exact sums against scipy and simulation, approximations against the sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlc_compiler.analysis.exceedance import drift_exceeds, exceeds, fewer


def _by_scipy(requests: float, share: float, bound: float, least: int = 1) -> float:
    """Sum over the number of requests: the failed ones of n are binomial."""
    most = int(requests + 12 * math.sqrt(requests) + 30)
    number = np.arange(max(least, 1), most)
    failing = stats.binom.sf(np.floor(number * bound + 1e-9), number, share)
    return float(failing @ stats.poisson.pmf(number, requests))


@pytest.mark.parametrize("requests", [0.3, 6, 60, 600, 3000])
@pytest.mark.parametrize(("share", "bound"), [(0.005, 0.01), (0.02, 0.01), (0.01, 0.01), (0.3, 0.25), (0.0, 0.01)])
@pytest.mark.parametrize("least", [1, 50])
def test_the_share_of_windows_above_a_bound_is_exact(requests: float, share: float, bound: float, least: int) -> None:
    assert exceeds(requests, share, bound, least) == pytest.approx(_by_scipy(requests, share, bound, least), abs=1e-9)


@pytest.mark.parametrize("requests", [5e4, 2e6, 1e8])
@pytest.mark.parametrize("shift", [-3, -1, 0, 0.5, 2])
def test_so_many_that_sums_would_take_long_are_approximated(requests: float, shift: float) -> None:
    share = 0.02
    bound = share + shift * math.sqrt(share * (1 - share) / requests)
    assert exceeds(requests, share, bound) == pytest.approx(_simulated(requests, share, bound), abs=0.008)


def _simulated(requests: float, share: float, bound: float) -> float:
    random = np.random.default_rng(7)
    failed, fine = random.poisson(requests * share, 40_000), random.poisson(requests * (1 - share), 40_000)
    return float(np.mean(failed > bound * (failed + fine)))


def test_a_bound_on_whole_requests_is_where_a_fixed_number_would_mislead() -> None:
    fixed = stats.binom.sf(6, 600, 0.005)
    assert fixed == pytest.approx(0.033, abs=0.001)
    assert exceeds(600, 0.005, 0.01) == pytest.approx(0.056, abs=0.001)


@pytest.mark.parametrize(("requests", "needed"), [(6.0, 1), (6.0, 10), (0.3, 1), (500.0, 480), (5e6, 4_990_000)])
def test_windows_with_too_few_requests(requests: float, needed: int) -> None:
    assert fewer(requests, needed) == pytest.approx(stats.poisson.cdf(needed - 1, requests), abs=1e-4)


@pytest.mark.parametrize("apart", [0.001, 0.02])
@pytest.mark.parametrize("shift", [0.0, 0.05, 0.4])
@pytest.mark.parametrize("bound", [0.01, 0.1, 0.4])
def test_drift_is_a_scaled_chi_square_with_a_centre(apart: float, shift: float, bound: float) -> None:
    exact = stats.ncx2.sf(bound / apart, 9, shift / apart) if shift else stats.chi2.sf(bound / apart, 9)
    assert drift_exceeds(apart, 10, bound, shift) == pytest.approx(float(exact), abs=0.01)


@pytest.mark.parametrize("requests", [0.0, 1e-300, 1e-9, 1.0, 1e12, 1e300, math.inf])
@pytest.mark.parametrize("share", [0.0, 1e-12, 0.5, 1.0])
@pytest.mark.parametrize("bound", [-1.0, 0.0, 1e-12, 0.5, 1.0, 1e9])
def test_hostile_numbers_give_a_probability(requests: float, share: float, bound: float) -> None:
    assert 0.0 <= exceeds(requests, share, bound) <= 1.0
    assert 0.0 <= fewer(requests, 1) <= 1.0
    assert 0.0 <= drift_exceeds(requests, 10, bound, share) <= 1.0
