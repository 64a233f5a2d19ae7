"""The distributions agree with scipy over the ranges that the analyses use, ends included."""

from __future__ import annotations

import math

import pytest
from scipy import special, stats

from mlc_compiler import probability as ours

TOLERANCE = 1e-8
PROBABILITIES = (0.0, 1e-12, 0.001, 0.05, 0.3, 0.5, 0.8, 0.975, 0.9999, 1.0)


@pytest.mark.parametrize("z", [-38.0, -6.0, -1.96, 0.0, 0.5, 3.0, 9.0, math.inf, -math.inf])
def test_the_normal_distribution_is_scipys(z: float) -> None:
    assert ours.normal_cdf(z) == pytest.approx(stats.norm.cdf(z), abs=TOLERANCE)


@pytest.mark.parametrize("p", PROBABILITIES)
def test_normal_quantiles_are_scipys(p: float) -> None:
    assert ours.normal_quantile(p) == pytest.approx(stats.norm.ppf(p), abs=1e-9)


@pytest.mark.parametrize("n", [0, 1, 6, 60, 600, 36_000, 1_000_000])
@pytest.mark.parametrize("p", [0.0, 1e-6, 0.005, 0.02, 0.5, 0.97, 1.0])
def test_the_binomial_distribution_is_scipys(n: int, p: float) -> None:
    for k in {-1, 0, 1, round(n * p) - 1, round(n * p), round(n * p) + 3, n - 1, n, n + 1}:
        assert ours.binomial_cdf(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), abs=TOLERANCE)
        assert ours.binomial_sf(k, n, p) == pytest.approx(stats.binom.sf(k, n, p), abs=TOLERANCE)


@pytest.mark.parametrize("degrees", [1, 2, 9, 100, 2_000])
def test_the_chi_square_distribution_is_scipys(degrees: int) -> None:
    for x in (0.0, 0.01, 1.0, degrees * 0.9, degrees * 1.2, degrees * 4.0):
        assert ours.chi_square_cdf(x, degrees) == pytest.approx(stats.chi2.cdf(x, degrees), abs=TOLERANCE)
    for p in PROBABILITIES:
        assert ours.chi_square_quantile(p, degrees) == pytest.approx(stats.chi2.ppf(p, degrees), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.5), (3.0, 998.0), (5_000.0, 200.0)])
def test_beta_quantiles_are_scipys(a: float, b: float) -> None:
    for p in PROBABILITIES:
        assert ours.beta_quantile(p, a, b) == pytest.approx(stats.beta.ppf(p, a, b), abs=1e-7)


@pytest.mark.parametrize("x", [1e-6, 0.01, 0.5, 1.0, 3.7, 9.99, 10.0, 80.0, 1e6])
def test_polygamma_functions_are_scipys(x: float) -> None:
    for order, function in enumerate((ours.digamma, ours.trigamma, ours.tetragamma)):
        assert function(x) == pytest.approx(float(special.polygamma(order, x)), rel=1e-9)


@pytest.mark.parametrize("mean", [0.0, 0.1, 3.0, 700.0])
def test_the_poisson_distribution_is_scipys(mean: float) -> None:
    for k in (-1, 0, 1, 5, round(mean), round(mean) + 40):
        assert ours.poisson_cdf(k, mean) == pytest.approx(stats.poisson.cdf(k, mean), abs=TOLERANCE)


@pytest.mark.parametrize(("degrees", "nearly"), [(4, 0.005), (9.5, 0.002), (55, 0.001), (5_000, 0.001)])
def test_the_spread_of_an_estimated_error_is_nearly_a_root_of_scipys_chi_square(degrees: float, nearly: float) -> None:
    for ratio in (-1.0, 0.0, 0.2, 0.7, 0.95, 1.0, 1.1, 1.6, 4.0):
        expected = stats.chi2.cdf(degrees * max(ratio, 0.0) ** 2, degrees)
        assert ours.spread_cdf(ratio, degrees) == pytest.approx(expected, abs=nearly)


@pytest.mark.parametrize("degrees", [1, 4, 9, 55, 199, 5_000])
def test_the_t_distribution_is_scipys(degrees: int) -> None:
    for p in PROBABILITIES:
        assert ours.t_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("degrees", [4, 9, 55, 199, 5_000])
def test_the_noncentral_t_distribution_is_scipys(degrees: int) -> None:
    for shift in (-2.0, 0.0, 0.5, 2.0, 4.0, 8.0):
        for t in (0.5, 2.0, 3.0):
            assert ours.noncentral_t_sf(t, degrees, shift) == pytest.approx(stats.nct.sf(t, degrees, shift), abs=2e-6)


@pytest.mark.parametrize("p", [-0.1, 1.5, math.nan])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="no probability"):
        ours.binomial_cdf(1, 2, p)
