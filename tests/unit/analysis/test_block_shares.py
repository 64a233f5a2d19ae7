"""Shares of rows that come in days pass as often as simulated days do under the judge's rule, to a point."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlc_compiler.analysis.block_shares import Outcomes, _block, is_rough, share_pass_probability

REPETITIONS = 10_000
POINT = 0.01 + 2 * math.sqrt(0.25 / REPETITIONS)  # one point, and what the simulation itself may be off by


def _days(of: Outcomes, value: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw hits and outcomes of each day: [R, days], with chances that are beta from day to day."""
    generator = np.random.default_rng(of.rows)
    shape, size, rows = (REPETITIONS, of.units), 1 / of.icc - 1 if of.icc else 1e9, of.rows // of.units
    share = of.count / of.rows
    counts = np.full(shape, rows)
    if share < 1:
        counts = generator.binomial(rows, generator.beta(share * size, (1 - share) * size, shape))
    return generator.binomial(counts, generator.beta(value * size, (1 - value) * size, shape)), counts


def _careful_end(hits: np.ndarray, counts: np.ndarray, side: int) -> np.ndarray:
    """Return the careful end of the judge's interval: the wider of the jackknife's over days and of Wilson's."""
    total, found = counts.sum(axis=1), hits.sum(axis=1)
    value, informs = found / total, counts > 0
    without = (found[:, None] - hits) / (total[:, None] - counts)
    scaled = np.where(informs, np.log(without / (1 - without)) if side > 0 else without, np.nan)
    support = informs.sum(axis=1)
    apart = scaled - np.nanmean(scaled, axis=1)[:, None]
    half = stats.t.ppf(0.975, support - 1) * np.sqrt((support - 1) / support * np.nansum(apart**2, axis=1))
    end = 1 / (1 + np.exp(half - np.log(value / (1 - value)))) if side > 0 else value + half
    z = stats.norm.ppf(0.975)
    middle, spread = value + z * z / (2 * total), z * np.sqrt(value * (1 - value) / total + (z / total) ** 2 / 4)
    wilson = (middle - side * spread) / (1 + z * z / total)
    return np.asarray(np.minimum(end, wilson) if side > 0 else np.maximum(end, wilson))


@pytest.mark.parametrize("icc", [0.0, 0.01, 0.05, 0.1])
@pytest.mark.parametrize(("days", "rows"), [(20, 40), (50, 40), (100, 10)])
@pytest.mark.parametrize("share", [1.0, 0.25])
def test_a_share_of_days_passes_as_often_as_the_judge_lets_it(share: float, days: int, rows: int, icc: float) -> None:
    """All rows, as of an accuracy, and a quarter of them, as of a recall; bounds near and far."""
    of, value = Outcomes(round(share * days * rows), days * rows, days, icc), 0.75
    assert not is_rough(value, of, higher=True)
    error, ends = _block(share, rows, value, icc).error / math.sqrt(days), _careful_end(*_days(of, value), 1)
    for far in (0.0, 1.5, 3.0):
        limit, simulated = value - far * error, float((ends >= value - far * error).mean())
        assert share_pass_probability(limit, value, of, 0.95, higher=True) == pytest.approx(simulated, abs=POINT)


@pytest.mark.parametrize("limit", [0.2, 0.26, 0.3])
def test_a_share_under_a_max_passes_as_often_as_the_judge_lets_it(limit: float) -> None:
    of = Outcomes(1_500, 2_000, 50, 0.05)
    simulated = float((_careful_end(*_days(of, 0.2), -1) <= limit).mean())
    assert share_pass_probability(limit, 0.2, of, 0.95, higher=False) == pytest.approx(simulated, abs=POINT)


@pytest.mark.parametrize("value", [0.3, 0.75, 0.9])
@pytest.mark.parametrize("share", [1.0, 0.25])
@pytest.mark.parametrize("icc", [0.0, 0.1])
def test_the_moments_of_a_block_are_those_of_simulated_ones(share: float, icc: float, value: float) -> None:
    of = Outcomes(round(share * 800), 800, 20, icc)
    hits, counts = (x.ravel() for x in _days(of, value))
    apart, block = hits - value * counts, _block(share, 40, value, icc)
    assert block.error == pytest.approx(apart.std() / counts.mean(), rel=0.02)
    assert block.skewness == pytest.approx(float(stats.skew(apart)), abs=0.03)
    assert block.kurtosis + 3 * block.weights == pytest.approx(float(stats.kurtosis(apart)), rel=0.05, abs=0.15)
    assert block.sizes == pytest.approx((counts.std() / counts.mean()) ** 2, abs=0.01)
    assert block.empty == pytest.approx(float((counts == 0).mean()), abs=0.002)


def test_few_misses_and_few_uneven_days_give_no_figure() -> None:
    assert is_rough(0.9, Outcomes(100, 400, 20, 0.0), higher=True)
    assert is_rough(0.9, Outcomes(500, 2_000, 20, 0.2), higher=True)
    assert not is_rough(0.9, Outcomes(2_000, 2_000, 50, 0.05), higher=True)
    assert not is_rough(0.8, Outcomes(49_113, 49_113, 56, 0.13), higher=True)


@pytest.mark.parametrize("of", [Outcomes(0, 0, 0, 0.0), Outcomes(1, 5, 1, 1.0), Outcomes(3, 5, 5, 1.0)])
@pytest.mark.parametrize("count", [1, 10**9])
def test_the_smallest_and_the_largest_folds_are_no_error(of: Outcomes, count: int) -> None:
    larger = Outcomes(of.count * count, of.rows * count, of.units, of.icc)
    for limit in (0.0, 1e-9, 0.5, 1.0):
        for value in (0.0, 1e-6, 0.5, 1 - 1e-6, 1.0):
            for higher in (True, False):
                assert 0 <= share_pass_probability(limit, value, larger, 0.95, higher=higher) <= 1
                assert is_rough(value, larger, higher=higher) in (True, False)
