"""How often checks pass, predicted by `mlc validate` and simulated with the judge itself, side by side.

python bench/gate_power.py [repetitions]     10,000 by default, for which it takes some ten minutes
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import integrate, stats

from mlc_compiler.analysis.judging import bound_of, pass_probability, ratio_pass_probability
from mlc_compiler.analysis.standard_errors import Rows
from mlc_compiler.ir import Gate, GateCheck
from mlc_compiler.metrics import metric
from mlc_targets.local.gates import Evaluation, judge

Sample = tuple[np.ndarray, np.ndarray]
Draw = Callable[[np.random.Generator], Sample]


@dataclass(frozen=True)
class Case:
    """A check, the true value of the model, and how its rows are drawn: labels and scores."""

    name: str
    limit: float
    value: float
    rows: Rows
    draw: Draw

    @property
    def predicted(self) -> float:
        found = metric(self.name)
        assert found is not None
        bound = bound_of(found, self.limit, 0.95, found.better == "higher")
        return pass_probability(bound, self.value, self.rows) or 0.0

    def passes(self, generator: np.random.Generator, seed: int) -> bool:
        found = metric(self.name)
        assert found is not None
        sides = {"min": self.limit} if found.better == "higher" else {"max": self.limit}
        labels, scores = self.draw(generator)
        order = generator.permutation(len(labels))
        task = "regression" if self.rows.positives is None else "binary_classification"
        days = np.arange(len(labels)) % self.rows.units if self.rows.unit == "days" else None
        evaluation = Evaluation(
            task, "test", labels[order], scores[order], threshold=0.5, blocks=days, block_unit=self.rows.unit
        )
        gate = Gate("g", "test", (GateCheck("metric", self.name, **sides),))
        return judge([gate], {"test": evaluation}, seed)[0].status == "passed"


def areas(value: float, positives: int, negatives: int) -> Draw:
    shift = math.sqrt(2) * stats.norm.ppf(value)
    labels = np.repeat([1, 0], [positives, negatives])
    return lambda g: (labels, g.normal(shift * labels, 1))


def decisions(rows: int, prevalence: float, found: float, false: float) -> Draw:
    def draw(generator: np.random.Generator) -> Sample:
        labels = (generator.random(rows) < prevalence).astype(int)
        return labels, (generator.random(rows) < np.where(labels == 1, found, false)).astype(float)

    return draw


def by_class(positives: int, negatives: int, found: float, false: float) -> Draw:
    labels = np.repeat([1, 0], [positives, negatives])
    return lambda g: (labels, (g.random(len(labels)) < np.where(labels == 1, found, false)).astype(float))


def calibrated(rows: int, mean: float, value: float) -> Draw:
    size = mean * (1 - mean) / (mean * (1 - mean) - value) - 1

    def draw(generator: np.random.Generator) -> Sample:
        scores = generator.beta(mean * size, (1 - mean) * size, rows)
        return (generator.random(rows) < scores).astype(int), scores

    return draw


def errors(rows: int, scale: float) -> Draw:
    return lambda g: (np.zeros(rows), g.normal(0, scale, rows))


def precision_under_normal_scores(area: float, prevalence: float) -> float:
    """Return the average precision that normal scores of this area have."""
    shift = math.sqrt(2) * stats.norm.ppf(area)

    def precision(recall: float) -> float:
        false = stats.norm.sf(stats.norm.isf(recall) + shift)
        return prevalence * recall / (prevalence * recall + (1 - prevalence) * false)

    return float(integrate.quad(precision, 1e-9, 1)[0])


def cases() -> Iterator[Case]:
    for limit, value in ((0.75, 0.75), (0.75, 0.77), (0.75, 0.8), (0.65, 0.7)):
        yield Case("roc_auc", limit, value, Rows(1000, 200, 1000, "rows"), areas(value, 200, 800))
        yield Case("roc_auc", limit, value, Rows(2000, 500, 50, "days"), areas(value, 500, 1500))
    yield Case("roc_auc", 0.8, 0.85, Rows(1000, 50, 1000, "rows"), areas(0.85, 50, 950))
    precise = precision_under_normal_scores(0.85, 0.2)
    for below in (0.03, 0.06, 0.1):
        yield Case("average_precision", precise - below, precise, Rows(1000, 200, 1000, "rows"), areas(0.85, 200, 800))
    for unit, units in (("rows", 500), ("days", 50)):
        yield Case("accuracy", 0.8, 0.82, Rows(500, 250, units, unit), decisions(500, 0.5, 0.82, 0.18))
        yield Case("recall", 0.6, 0.7, Rows(400, 100, units - 10, unit), by_class(100, 300, 0.7, 0.2))
        yield Case("false_positive_rate", 0.25, 0.2, Rows(400, 100, units - 10, unit), by_class(100, 300, 0.7, 0.2))
    rows = Rows(1000, 200, 1000, "rows")
    yield Case("balanced_accuracy", 0.75, 0.8, Rows(400, 100, 400, "rows"), by_class(100, 300, 0.8, 0.2))
    yield Case("precision", 0.6, 0.7, rows, decisions(1000, 0.2, 0.7, 0.075))
    yield Case("f1", 0.65, 0.7, rows, decisions(1000, 0.2, 0.7, 0.075))
    for unit, units in (("rows", 1000), ("days", 40)):
        yield Case("brier", 0.16, 0.15, Rows(1000, 250, units, unit), calibrated(1000, 0.25, 0.15))
        yield Case("rmse", 2.2, 2.0, Rows(300, None, min(units, 300), unit, 5.0), errors(300, 2.0))
        yield Case(
            "mae", 2.2, 2.0, Rows(300, None, min(units, 300), unit, 5.0), errors(300, 2.0 * math.sqrt(math.pi / 2))
        )


def ratios(repetitions: int) -> Iterator[tuple[str, float, float]]:
    """Yield two groups treated alike, or nearly so, under the four-fifths rule: words, predicted, simulated."""
    for rates, counts in (((0.3, 0.3), (600, 2000)), ((0.5, 0.5), (300, 2000)), ((0.4, 0.44), (1000, 1000))):
        generator = np.random.default_rng(5)
        gate = Gate("g", "test", (GateCheck("fairness", "disparate_impact", min=0.8, group="g"),))
        groups, labels = np.repeat(["a", "b"], counts), np.arange(sum(counts)) % 2
        passed = 0
        for seed in range(repetitions):
            scores = (generator.random(sum(counts)) < np.repeat(rates, counts)).astype(float)
            evaluation = Evaluation(
                "binary_classification", "test", labels, scores, threshold=0.5, slices={"g": groups}
            )  # fmt: skip
            passed += judge([gate], {"test": evaluation}, seed)[0].status == "passed"
        words = f"disparate_impact >= 0.8, rates {rates}, {counts[0]:,} and {counts[1]:,} rows"
        yield words, ratio_pass_probability(0.8, rates, counts, 0.95, 200), passed / repetitions


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print("| check | true value | rows | predicted | simulated | difference |\n|---|---|---|---|---|---|")
    for case in cases():
        generator = np.random.default_rng(2)
        simulated = sum(case.passes(generator, seed) for seed in range(repetitions)) / repetitions
        rows = f"{case.rows.rows:,}, {case.rows.positives} positive, {case.rows.units} {case.rows.unit}"
        _print(f"{case.name} {case.limit:.3g} | {case.value:.3g} | {rows}", case.predicted, simulated)
    for words, predicted, simulated in ratios(max(repetitions // 4, 1)):
        _print(f"{words} | | ", predicted, simulated)


def _print(words: str, predicted: float, simulated: float) -> None:
    print(f"| {words} | {predicted:.1%} | {simulated:.1%} | {100 * (simulated - predicted):+.1f} |", flush=True)


if __name__ == "__main__":
    main()
