"""Null quantiles of drift measures against simulation, and against what the server and the monitor job compute."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from mlc_compiler.analysis.drift_null import BINS, bound_for, exceeds_by_chance, server_apart
from mlc_compiler.analysis.exceedance import drift_exceeds
from mlc_targets.local.monitor import distances
from mlc_targets.local.serve import drift

REPETITIONS = 4000
SIZES = ((200, 10_000), (500, 10_000), (1000, 2_000))


@functools.cache
def _samples(rows: int, reference: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    shares = np.full(BINS, 1 / BINS)
    return random.multinomial(reference, shares, REPETITIONS), random.multinomial(rows, shares, REPETITIONS)


@pytest.mark.parametrize(("rows", "reference"), SIZES)
@pytest.mark.parametrize("chance", [0.3, 0.05, 0.01])
def test_the_servers_index_exceeds_its_null_quantile_as_often_as_it_says(
    rows: int, reference: int, chance: float
) -> None:  # fmt: skip
    kept, live = _samples(rows, reference)
    bound = bound_for("psi", rows, reference, BINS, chance)
    found = np.mean([
        drift.stability_index(a, b) > bound for a, b in zip(kept.astype(float), live.astype(float), strict=True)
    ])  # fmt: skip
    assert drift_exceeds(server_apart(rows, reference), BINS, bound) == pytest.approx(found, abs=0.025)


@pytest.mark.parametrize("method", ["psi", "jensen_shannon", "chi_square"])
@pytest.mark.parametrize(("rows", "reference"), SIZES)
@pytest.mark.parametrize("chance", [0.3, 0.05, 0.01])
def test_the_jobs_measures_exceed_theirs(method: str, rows: int, reference: int, chance: float) -> None:
    kept, live = _samples(rows, reference)
    measure = distances._METHODS[method]
    bound = bound_for(method, rows, reference, BINS, chance)
    found = np.mean([measure(a, b) > bound for a, b in zip(kept / reference, live / rows, strict=True)])
    assert exceeds_by_chance(method, rows, reference, BINS, bound) == pytest.approx(chance, abs=1e-9)
    assert found == pytest.approx(chance, abs=0.03 if chance > 0.1 else 0.012)


@pytest.mark.parametrize("method", ["ks", "wasserstein"])
def test_order_statistics_are_bounded_from_above(method: str) -> None:
    random = np.random.default_rng(5)
    bound = bound_for(method, 300, 5000, BINS, 0.05)
    kept, live = np.sort(random.normal(size=(300, 5000))), np.sort(random.normal(size=(300, 300)))
    beyond = [_apart(method, a, b) > bound for a, b in zip(kept, live, strict=True)]
    assert np.mean(beyond) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def _apart(method: str, kept: np.ndarray, live: np.ndarray) -> float:
    from scipy import stats

    if method == "ks":
        return float(stats.ks_2samp(kept, live).statistic)
    return float(abs(kept.mean() - live.mean()) / kept.std())


def test_the_figure_of_the_literature_holds() -> None:
    """Of 100 rows against 10,000 a third or more is above 0.1 without any drift, of 500 none."""
    assert exceeds_by_chance("psi", 100, 10_000, 10, 0.1) == pytest.approx(0.40, abs=0.03)
    assert exceeds_by_chance("psi", 500, 10_000, 10, 0.1) < 0.001


@pytest.mark.parametrize("method", ["psi", "jensen_shannon", "chi_square", "ks", "wasserstein", "missing_rate"])
@pytest.mark.parametrize("rows", [0.0, 1e-9, 1.0, 1e15])
@pytest.mark.parametrize("bound", [0.0, 1e-9, 0.2, 1e9])
def test_hostile_numbers_give_a_probability(method: str, rows: float, bound: float) -> None:
    assert 0.0 <= exceeds_by_chance(method, rows, 1000, 10, bound) <= 1.0
    assert exceeds_by_chance(method, rows, 0, 10, bound) == 0.0
