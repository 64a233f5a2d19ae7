"""Fairness ratios agree with fairlearn, and their lower bounds hold in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_ratio,
    equal_opportunity_ratio,
    equalized_odds_ratio,
)
from sklearn.metrics import precision_score

from mlc_compiler.ir import Gate, GateCheck
from mlc_compiler.metrics import BINARY, FAIRNESS
from mlc_targets.local.gates import Evaluation, Verdict, judge
from mlc_targets.local.gates.fairness import Composite, composite, rate_names
from mlc_targets.local.gates.statistic import Sample

GROUPS = np.array(["EWR", "JFK", "LGA", "HVN"])


def a_sample(
    seed: int = 0, rows: int = 4000, levels: tuple[float, ...] = (0.0, 0.3, -0.2, 0.1)
) -> tuple[Sample, np.ndarray]:
    random = np.random.default_rng(seed)
    group = random.choice(4, rows, p=[0.4, 0.3, 0.28, 0.02])
    x = random.normal(size=rows) + np.array(levels)[group]
    y = (random.random(rows) < 1 / (1 + np.exp(1 - x))) * 1.0
    return Sample(y, 1 / (1 + np.exp(1 - x)), 0.35, random.integers(0, 40, rows), 40), GROUPS[group]


def value(found: Composite) -> float:
    assert found.statistic is not None, found.reason
    return found.statistic.value


def test_ratios_agree_with_fairlearn() -> None:
    sample, groups = a_sample()
    guess = sample.scores >= sample.threshold
    given = {"sensitive_features": groups}
    precision = MetricFrame(metrics=precision_score, y_true=sample.y, y_pred=guess, **given)
    expected = {
        "demographic_parity": demographic_parity_ratio(sample.y, guess, **given),
        "disparate_impact": demographic_parity_ratio(sample.y, guess, **given),
        "equal_opportunity": equal_opportunity_ratio(sample.y, guess, **given),
        "equalized_odds": equalized_odds_ratio(sample.y, guess, **given),
        "predictive_parity": precision.ratio(method="between_groups"),
    }
    assert {r.name: value(composite(r.name, sample, groups, 1)) for r in FAIRNESS} == pytest.approx(expected, abs=1e-12)


def test_groups_under_the_least_number_of_rows_are_left_out_and_listed() -> None:
    sample, groups = a_sample()
    found = composite("demographic_parity", sample, groups, 200)
    kept = groups != "HVN"
    guess = sample.scores >= sample.threshold
    expected = demographic_parity_ratio(sample.y[kept], guess[kept], sensitive_features=groups[kept])
    assert value(found) == pytest.approx(expected, abs=1e-12)
    assert found.small == (("HVN", int((groups == "HVN").sum())),)


def test_one_group_is_no_ratio() -> None:
    sample, groups = a_sample()
    found = composite("equal_opportunity", sample, np.full(len(groups), "all"), 1)
    assert found.statistic is None
    assert found.reason == "1 groups have 1 rows or more; a ratio needs two"


def test_a_group_without_positives_is_named() -> None:
    sample, groups = a_sample()
    y = np.where(groups == "LGA", 0.0, sample.y)
    found = composite("equal_opportunity", Sample(y, sample.scores, 0.35, sample.codes, 40), groups, 1)
    assert found.reason == "rates without rows to count: LGA (true_positive)"


def test_nobody_selected_is_undecided_not_fair() -> None:
    sample, groups = a_sample()
    found = composite("demographic_parity", Sample(sample.y, sample.scores, 2.0, sample.codes, 40), groups, 1)
    assert found.reason == "the selection rate is 0 in every group"


def test_an_unknown_ratio_is_refused() -> None:
    with pytest.raises(KeyError):
        rate_names("karma")


def verdict_of(seed: int, levels: tuple[float, ...], bound: float, rows: int = 4000) -> Verdict:
    sample, groups = a_sample(seed, rows, levels)
    evaluation = Evaluation(BINARY, "test", sample.y, sample.scores, blocks=sample.codes, block_unit="days",
                            threshold=0.35, slices={"origin": groups})  # fmt: skip
    check = GateCheck("fairness", "equal_opportunity", min=bound, group="origin", min_rows=200)
    return judge((Gate("g", "test", (check,)),), {"test": evaluation}, seed)[0]


def test_a_fairness_verdict_shows_the_groups_behind_it() -> None:
    verdict = verdict_of(0, (0.0, 0.3, -0.2, 0.1), 0.5)
    assert verdict.status == "passed"
    assert verdict.reason.startswith("equal_opportunity 0.759 (true positive LGA 0.552 / JFK 0.727) [0.671, 0.885]")
    assert [g.title for g in verdict.groups] == [
        "origin = EWR: true positive rate",
        "origin = JFK: true positive rate",
        "origin = LGA: true positive rate",
        "origin = HVN",
    ]
    assert all(g.status == "reported" for g in verdict.groups)


@pytest.mark.slow
@pytest.mark.parametrize("levels", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.4, -0.4, 0.0)])
def test_the_lower_bound_of_a_ratio_rarely_exceeds_the_truth(levels: tuple[float, ...]) -> None:
    """The careful side: a model as unfair as the limit passes in at most 2.5 % of runs."""
    sample, groups = a_sample(10**6, 2_000_000, levels)
    truth, sims = value(composite("equal_opportunity", sample, groups, 10**5)), 300
    passed = sum(verdict_of(seed, levels, truth).status == "passed" for seed in range(sims))
    assert passed / sims <= 0.025 + 3 * (0.025 * 0.975 / sims) ** 0.5
