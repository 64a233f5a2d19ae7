"""Intervals of fairness ratios: a reference's of two proportions, the tail at the limit, strange groups."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from mlc_targets.local.gates.intervals import Bounds
from mlc_targets.local.gates.ratios import ratio_bounds
from mlc_targets.local.gates.statistic import Statistic, quotient

Array = np.ndarray


def a_rate(hits: Array, trials: Array) -> Statistic:
    """A rate from hits and trials of each block."""
    sums = np.stack([hits, trials], axis=1).astype(float)
    return Statistic(sums, quotient, int(np.count_nonzero(trials)), float(trials.sum()), proportion=True)


def a_whole(hits: int, trials: int) -> Statistic:
    return a_rate(np.array([hits]), np.array([trials]))


def of_rows(*groups: tuple[int, int], confidence: float = 0.95) -> Bounds:
    return ratio_bounds([[a_whole(*group) for group in groups]], confidence, independent=True)


@pytest.mark.parametrize("groups", [((15, 50), (500, 1500)), ((10, 100), (30, 100)), ((3, 9), (40, 60))])
@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_two_groups_of_rows_have_koopmans_lower_end(
    groups: tuple[tuple[int, int], tuple[int, int]], confidence: float
) -> None:
    low, _ = confint_proportions_2indep(
        *groups[0], *groups[1], method="score", compare="ratio", correction=False, alpha=1 - confidence
    )
    assert of_rows(*groups, confidence=confidence).low == pytest.approx(float(low), abs=1e-7)


def test_the_lower_end_is_that_of_the_worst_pair() -> None:
    groups = [(300, 1000), (280, 1000), (20, 100)]
    pairs = [of_rows(a, b).low for a in groups for b in groups if a != b]
    assert of_rows(*groups).low == pytest.approx(min(pairs))
    assert of_rows(*groups).high >= max(of_rows(groups[0], groups[2]).high, 0.2 / 0.3)


@pytest.mark.parametrize("unit", ["rows", "days"])
@pytest.mark.parametrize("rates", [(0.24, 0.3), (0.64, 0.8)])
def test_groups_at_the_limit_pass_in_the_tail_alone(unit: str, rates: tuple[float, float]) -> None:
    """Days that both groups share: 12 of them, each with its own level."""
    random, sims, days, passed = np.random.default_rng(0), 250, 12, 0
    for _ in range(sims):
        level = random.normal(0, 0.1, days) if unit == "days" else np.zeros(days)
        trials = [random.poisson(n / days, days) for n in (240, 900)]
        chances = [np.clip(p * (1 + level + random.normal(0, 0.1, days) * (unit == "days")), 0, 1) for p in rates]
        groups = [a_rate(random.binomial(n, p), n) for n, p in zip(trials, chances, strict=True)]
        if unit == "rows":
            groups = [a_whole(*(int(x) for x in g.sums.sum(axis=0))) for g in groups]
        passed += ratio_bounds([groups], 0.95, independent=unit == "rows").low >= 0.8
    assert passed <= stats.binom.ppf(0.999, sims, 0.03)


def test_an_interval_of_many_groups_misses_the_truth_as_seldom_as_it_says() -> None:
    random, sims, missed = np.random.default_rng(1), 200, 0
    rates = np.array([0.3, 0.3, 0.28, 0.25, 0.3, 0.29])
    for _ in range(sims):
        found = of_rows(*((int(k), 400) for k in random.binomial(400, rates)))
        missed += not found.low <= 0.25 / 0.3 <= found.high
    assert missed / sims <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / sims)


@pytest.mark.parametrize("groups", [((0, 50), (3, 50)), ((0, 50), (0, 50)), ((50, 50), (50, 50)), ((50, 50), (0, 50))])
def test_groups_of_which_none_or_all_were_chosen_have_an_interval(groups: tuple[tuple[int, int], ...]) -> None:
    found = of_rows(*groups)
    assert 0 <= found.low <= found.high <= 1
    days = [a_rate(np.full(10, k / 10), np.full(10, n / 10)) for k, n in groups]
    assert ratio_bounds([days], 0.95, independent=False).low <= found.low + 1e-9


def test_blocks_that_are_all_alike_give_the_score_interval() -> None:
    days = [a_rate(np.full(20, k), np.full(20, 50)) for k in (14, 15)]
    assert ratio_bounds([days], 0.95, independent=False).low == pytest.approx(of_rows((280, 1000), (300, 1000)).low)


def test_a_group_on_too_few_blocks_or_rows_has_no_interval() -> None:
    few = [a_rate(np.array([1, 2, 0, 0]), np.array([5, 5, 5, 0])), a_rate(np.ones(4), np.full(4, 9))]
    assert math.isnan(ratio_bounds([few], 0.95, independent=False).low)
    assert ratio_bounds([few], 0.95, independent=False).reason == "3 blocks inform a group; an interval needs 5"
    assert math.isnan(of_rows((2, 4), (20, 40)).low)


def test_the_worse_of_two_rates_decides() -> None:
    fair, unfair = [a_whole(30, 100), a_whole(30, 100)], [a_whole(10, 100), a_whole(30, 100)]
    both = ratio_bounds([fair, unfair], 0.95, independent=True)
    assert both.low == pytest.approx(ratio_bounds([unfair], 0.95, independent=True).low)
