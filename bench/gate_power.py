"""How often checks pass, predicted by `mlc validate` and simulated with the judge itself, side by side.

python bench/gate_power.py [repetitions] [word]     10,000 by default, for which it takes an hour; rows with the word
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import integrate, optimize, special, stats

from mlc_compiler.analysis.judging import bound_of, is_rough, pass_probability
from mlc_compiler.analysis.ratio_power import Clusters, ratio_pass_probability
from mlc_compiler.analysis.standard_errors import Rows
from mlc_compiler.ir import Gate, GateCheck
from mlc_compiler.metrics import metric
from mlc_targets.local.gates import Evaluation, judge

Sample = tuple[np.ndarray, np.ndarray]
Draw = Callable[[np.random.Generator], Sample]
Random = np.random.Generator
SHARES = (0.5, 0.3, 0.2)


@dataclass(frozen=True)
class Case:
    """A check, the true value of the model, and how its rows are drawn: labels and scores; row i is of day i modulo."""

    name: str
    limit: float
    value: float
    rows: Rows
    draw: Draw

    @property
    def words(self) -> str:
        sign = "<=" if metric(self.name).better == "lower" else ">="  # type: ignore[union-attr]  # a known name
        rows = f"{self.rows.rows:,} rows"
        if self.rows.positives is not None:
            rows += f", {self.rows.positives} positive"
        if self.rows.classes:
            rows += f" of {len(self.rows.classes)} classes"
        days = f", {self.rows.units} days" if self.rows.unit == "days" else ""
        icc = f", icc {self.rows.icc:g}" if self.rows.icc else ""
        return f"{self.name} {sign} {self.limit:.3g} | {self.value:.3g} | {rows}{days}{icc}"

    @property
    def figure(self) -> str:
        """Return the prediction as `mlc validate` prints it: none where moments do not give it to a point."""
        found = metric(self.name)
        assert found is not None
        bound = bound_of(found, self.limit, 0.95, found.better == "higher")
        if is_rough(bound, self.value, self.rows):
            return "none"
        return f"{100 * (pass_probability(bound, self.value, self.rows) or 0.0):.1f} %"

    @property
    def task(self) -> str:
        if self.rows.classes:
            return "multiclass_classification"
        return "regression" if self.rows.positives is None else "binary_classification"

    def passes(self, generator: Random, seed: int) -> bool:
        found = metric(self.name)
        assert found is not None
        sides = {"min": self.limit} if found.better == "higher" else {"max": self.limit}
        labels, scores = self.draw(generator)
        days = np.arange(len(labels)) % self.rows.units if self.rows.unit == "days" else None
        if not self.rows.icc:
            order = generator.permutation(len(labels))
            labels, scores = labels[order], scores[order]
        evaluation = Evaluation(
            self.task, "test", labels, scores, threshold=0.5, blocks=days, block_unit=self.rows.unit
        )  # fmt: skip
        gate = Gate("g", "test", (GateCheck("metric", self.name, **sides),))
        return judge([gate], {"test": evaluation}, seed)[0].status == "passed"


# --- rows that do not vary together ----------------------------------------------------------------------------------
def areas(value: float, positives: int, negatives: int) -> Draw:
    shift = math.sqrt(2) * stats.norm.ppf(value)
    labels = np.repeat([1, 0], [positives, negatives])
    return lambda g: (labels, g.normal(shift * labels, 1))


def decisions(rows: int, prevalence: float, found: float, false: float) -> Draw:
    def draw(generator: Random) -> Sample:
        labels = (generator.random(rows) < prevalence).astype(int)
        return labels, (generator.random(rows) < np.where(labels == 1, found, false)).astype(float)

    return draw


def by_class(positives: int, negatives: int, found: float, false: float) -> Draw:
    labels = np.repeat([1, 0], [positives, negatives])
    return lambda g: (labels, (g.random(len(labels)) < np.where(labels == 1, found, false)).astype(float))


def calibrated(rows: int, mean: float, size: float) -> Draw:
    def draw(generator: Random) -> Sample:
        scores = generator.beta(mean * size, (1 - mean) * size, rows)
        return (generator.random(rows) < scores).astype(int), scores

    return draw


def size_of_brier(mean: float, value: float) -> float:
    return mean * (1 - mean) / (mean * (1 - mean) - value) - 1


def size_of_log_loss(shares: tuple[float, ...], value: float) -> float:
    """Return the concentration of calibrated Dirichlet scores whose expected log loss this is."""

    def loss(log: float) -> float:
        size = math.exp(log)
        return -sum(p * (special.digamma(size * p + 1) - special.digamma(size + 1)) for p in shares) - value

    return math.exp(float(optimize.brentq(loss, -10, 10)))


def calibrated_classes(rows: int, size: float) -> Draw:
    def draw(generator: Random) -> Sample:
        scores = generator.dirichlet([size * p for p in SHARES], rows)
        return (generator.random((rows, 1)) > np.cumsum(scores, axis=1)).sum(axis=1).clip(0, len(SHARES) - 1), scores

    return draw


def confused(rows: int, recall: float) -> Draw:
    """Draw classes found equally often, the others of which are taken by their shares."""
    shares = np.array(SHARES)

    def draw(generator: Random) -> Sample:
        labels = generator.choice(len(SHARES), rows, p=shares)
        odds = np.where(np.eye(len(SHARES), dtype=bool), 0.0, shares)
        chances = recall * np.eye(len(SHARES)) + (1 - recall) * odds / odds.sum(axis=1, keepdims=True)
        guesses = (generator.random((rows, 1)) > np.cumsum(chances, axis=1)[labels]).sum(axis=1)
        return labels, np.eye(len(SHARES))[guesses.clip(0, len(SHARES) - 1)]

    return draw


def macro_f1_of(recall: float) -> float:
    chosen = [p * recall + sum(q * (1 - recall) * p / (1 - q) for q in SHARES if q != p) for p in SHARES]
    return float(np.mean([2 * recall * p / (p + c) for p, c in zip(SHARES, chosen, strict=True)]))


def errors(rows: int, scale: float) -> Draw:
    return lambda g: (np.zeros(rows), g.normal(0, scale, rows))


def explained(rows: int, share: float) -> Draw:
    def draw(generator: Random) -> Sample:
        scores = generator.normal(10, math.sqrt(share), rows)
        return scores + generator.normal(0, math.sqrt(1 - share), rows), scores

    return draw


def apart(rows: int, mean: float, std: float, share: float) -> Draw:
    """Draw labels of this mean and errors that are this share of it."""

    def draw(generator: Random) -> Sample:
        labels = generator.normal(mean, std, rows)
        return labels, labels + generator.normal(0, share * mean * math.sqrt(math.pi / 2), rows)

    return draw


def precision_under_normal_scores(area: float, prevalence: float) -> float:
    """Return the average precision that normal scores of this area have."""
    shift = math.sqrt(2) * stats.norm.ppf(area)

    def precision(recall: float) -> float:
        false = stats.norm.sf(stats.norm.isf(recall) + shift)
        return prevalence * recall / (prevalence * recall + (1 - prevalence) * false)

    return float(integrate.quad(precision, 1e-9, 1)[0])


# --- rows of a day that do -------------------------------------------------------------------------------------------
def of_days(generator: Random, mean: float, icc: float, days: int, rows: int) -> np.ndarray:
    """Draw the chance of each row, which is beta from day to day."""
    size = 1 / icc - 1
    return np.tile(generator.beta(mean * size, (1 - mean) * size, days), -(-rows // days))[:rows]


def clustered_hits(rows: int, days: int, value: float, icc: float) -> Draw:
    def draw(generator: Random) -> Sample:
        labels = generator.integers(0, 2, rows)
        right = generator.random(rows) < of_days(generator, value, icc, days, rows)
        return labels, np.where(right, labels, 1 - labels).astype(float)

    return draw


def clustered_finds(rows: int, days: int, prevalence: float, value: float, icc: float) -> Draw:
    def draw(generator: Random) -> Sample:
        labels = (generator.random(rows) < of_days(generator, prevalence, icc, days, rows)).astype(int)
        found = generator.random(rows) < of_days(generator, value, icc, days, rows)
        return labels, np.where(labels == 1, found, False).astype(float)

    return draw


def clustered_areas(rows: int, days: int, prevalence: float, value: float, icc: float) -> Draw:
    """Draw scores of positives that are higher on some days; the area is that of independent ones.

    The icc is that of how many negatives a positive ranks above, as in `clustered_errors` of the error itself.
    """
    shift = math.sqrt(2) * stats.norm.ppf(value)
    shared = score_correlation(value, icc)

    def draw(generator: Random) -> Sample:
        labels = (generator.random(rows) < of_days(generator, prevalence, icc, days, rows)).astype(int)
        daily = np.tile(generator.normal(0, math.sqrt(shared), days), -(-rows // days))[:rows]
        raised = shift + daily + generator.normal(0, math.sqrt(1 - shared), rows)
        return labels, np.where(labels == 1, raised, generator.normal(0, 1, rows))

    return draw


def score_correlation(value: float, icc: float) -> float:
    """Return the correlation of two normal scores whose ranks among the negatives correlate by the icc."""
    place = stats.norm.ppf(value)

    def together(correlation: float) -> float:
        both = stats.multivariate_normal([0, 0], [[1, correlation / 2], [correlation / 2, 1]])
        return float(both.cdf([place, place])) - value**2

    return float(optimize.brentq(lambda correlation: together(correlation) - icc * together(1.0), 0.0, 0.999))


def clustered_errors(rows: int, days: int, value: float, icc: float) -> Draw:
    """Draw sizes of normal errors that are alike within a day; their mean is the value."""
    shared = latent_correlation(icc)

    def draw(generator: Random) -> Sample:
        daily = np.tile(generator.normal(0, math.sqrt(shared), days), -(-rows // days))[:rows]
        latent = daily + generator.normal(0, math.sqrt(1 - shared), rows)
        return np.zeros(rows), size_of_error(latent) * value / math.sqrt(2 / math.pi)

    return draw


def size_of_error(latent: np.ndarray) -> np.ndarray:
    """Return the sizes of normal errors that are as rare as the values of another normal variable."""
    return np.asarray(stats.norm.isf(stats.norm.sf(latent) / 2))


def latent_correlation(icc: float) -> float:
    """Return the correlation of normal variables that makes sizes of errors have this one: a series of Hermite's."""
    points, weights = special.roots_hermitenorm(80)
    weights = weights / weights.sum()
    sizes = size_of_error(points)
    parts = [float((weights * sizes * special.eval_hermitenorm(k, points)).sum()) ** 2 for k in range(1, 12)]
    parts = [part / math.factorial(k) for k, part in enumerate(parts, start=1)]
    series = lambda r: sum(part * r**k for k, part in enumerate(parts, start=1)) / sum(parts) - icc  # noqa: E731
    return float(optimize.brentq(series, 0, 1))


# --- cases -----------------------------------------------------------------------------------------------------------
def score_cases() -> Iterator[Case]:
    for limit, value in ((0.75, 0.75), (0.75, 0.77), (0.75, 0.8), (0.65, 0.7)):
        yield Case("roc_auc", limit, value, Rows(1000, 200, 1000, "rows"), areas(value, 200, 800))
        yield Case("roc_auc", limit, value, Rows(2000, 500, 50, "days"), areas(value, 500, 1500))
    yield Case("roc_auc", 0.8, 0.85, Rows(1000, 50, 1000, "rows"), areas(0.85, 50, 950))
    precise = precision_under_normal_scores(0.85, 0.2)
    for below in (0.0, 0.03, 0.06, 0.1):
        yield Case("average_precision", precise - below, precise, Rows(1000, 200, 1000, "rows"), areas(0.85, 200, 800))
    for unit, units in (("rows", 1000), ("days", 40)):
        for value in (0.15, 0.16):
            scores = calibrated(1000, 0.25, size_of_brier(0.25, value))
            yield Case("brier", 0.16, value, Rows(1000, 250, units, unit), scores)
        for value in (0.47, 0.5):
            scores = calibrated(1000, 0.25, size_of_log_loss((0.25, 0.75), value))
            yield Case("log_loss", 0.5, value, Rows(1000, 250, units, unit), scores)


def decision_cases() -> Iterator[Case]:
    for unit, units in (("rows", 500), ("days", 50)):
        for value in (0.8, 0.82):
            yield Case("accuracy", 0.8, value, Rows(500, 250, units, unit), decisions(500, 0.5, value, 1 - value))
        yield Case("recall", 0.6, 0.7, Rows(400, 100, units - 10, unit), by_class(100, 300, 0.7, 0.2))
        yield Case("false_positive_rate", 0.25, 0.2, Rows(400, 100, units - 10, unit), by_class(100, 300, 0.7, 0.2))
    rows = Rows(1000, 200, 1000, "rows")
    for value in (0.75, 0.8):
        rates = by_class(100, 300, value, 1 - value)
        yield Case("balanced_accuracy", 0.75, value, Rows(400, 100, 400, "rows"), rates)
    for limit in (0.6, 0.7):
        yield Case("precision", limit, 0.7, rows, decisions(1000, 0.2, 0.7, 0.075))
    for limit in (0.65, 0.7):
        yield Case("f1", limit, 0.7, rows, decisions(1000, 0.2, 0.7, 0.075))


def other_cases() -> Iterator[Case]:
    for unit, units in (("rows", 300), ("days", 40)):
        rows = Rows(300, None, units, unit, 5.0)
        for value in (2.0, 2.2):
            yield Case("rmse", 2.2, value, rows, errors(300, value))
            yield Case("mae", 2.2, value, rows, errors(300, value * math.sqrt(math.pi / 2)))
        for value in (0.5, 0.6):
            yield Case("r2", 0.5, value, rows, explained(300, value))
        for value in (0.1, 0.11):
            yield Case("wape", 0.11, value, Rows(300, None, units, unit, 12.0, 50.0), apart(300, 50, 12, value))
        classes = Rows(600, None, 2 * units, unit, classes=tuple(round(600 * p) for p in SHARES))
        for value in (0.6, 0.66):
            scores = calibrated_classes(600, size_of_log_loss(SHARES, value))
            yield Case("log_loss", 0.66, value, classes, scores)
        for recall in (0.7, 0.75):
            value = macro_f1_of(recall)
            yield Case("macro_f1", macro_f1_of(0.7), value, classes, confused(600, recall))
            yield Case("accuracy", 0.7, recall, classes, confused(600, recall))


def clustered_cases() -> Iterator[Case]:
    for days, a_day, icc in ((50, 40, 0.05), (20, 20, 0.1), (100, 10, 0.2), (20, 100, 0.01), (100, 50, 0.1)):
        rows = Rows(days * a_day, days * a_day // 4, days, "days", icc=icc)
        for value in (0.7, 0.75):
            yield Case("accuracy", 0.7, value, rows, clustered_hits(rows.rows, days, value, icc))
            yield Case("recall", 0.7, value, rows, clustered_finds(rows.rows, days, 0.25, value, icc))
            yield Case("roc_auc", 0.7, value, rows, clustered_areas(rows.rows, days, 0.25, value, icc))
        yield from far_cases(rows, days, icc)
        numbers = Rows(days * a_day, None, days, "days", 5.0, icc=icc / 2)
        for value in (1.8, 2.0):
            yield Case("mae", 2.0, value, numbers, clustered_errors(rows.rows, days, value, icc / 2))


def far_cases(rows: Rows, days: int, icc: float) -> Iterator[Case]:
    """Yield shares far above their bounds, and near one, where days of few hits decide."""
    yield Case("accuracy", 0.6, 0.75, rows, clustered_hits(rows.rows, days, 0.75, icc))
    yield Case("recall", 0.6, 0.75, rows, clustered_finds(rows.rows, days, 0.25, 0.75, icc))
    yield Case("accuracy", 0.84, 0.9, rows, clustered_hits(rows.rows, days, 0.9, icc))
    yield Case("recall", 0.82, 0.9, rows, clustered_finds(rows.rows, days, 0.25, 0.9, icc))


# --- ratios ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Ratio:
    """Two groups under a floor for the ratio of their selection rates; with an icc, both share what a day brings."""

    limit: float
    rates: tuple[float, float]
    counts: tuple[int, int]
    days: int = 0
    icc: float = 0.0

    @property
    def words(self) -> str:
        days = f", {self.days} days" if self.days else ""
        icc = f", icc {self.icc:g}" if self.icc else ""
        rates, counts = ("{} and {}".format(*(f"{x:,}" for x in pair)) for pair in (self.rates, self.counts))
        return f"disparate_impact >= {self.limit} | rates {rates} | {counts} rows{days}{icc}"

    @property
    def figure(self) -> str:
        clusters = None
        if self.days:
            first, second = (1 + max(n / self.days - 1, 0) * self.icc for n in self.counts)
            clusters = Clusters(self.days, (first, second), self.icc)
        return f"{100 * ratio_pass_probability(self.limit, self.rates, self.counts, 0.95, clusters):.1f} %"

    def passes(self, generator: Random, seed: int) -> bool:
        groups, rows = np.repeat(["a", "b"], self.counts), sum(self.counts)
        chances = np.repeat(self.rates, self.counts)
        days = np.concatenate([np.arange(n) % self.days for n in self.counts]) if self.days else None
        if self.icc and days is not None:
            size, level = 1 / self.icc - 1, generator.random(self.days)
            daily = np.stack([stats.beta.ppf(level, p * size, (1 - p) * size) for p in self.rates])
            chances = daily[np.repeat([0, 1], self.counts), days]
        scores = (generator.random(rows) < chances).astype(float)
        evaluation = Evaluation(
            "binary_classification", "test", np.arange(rows) % 2, scores, threshold=0.5, slices={"g": groups},
            blocks=days, block_unit="days" if self.days else "rows",
        )  # fmt: skip
        gate = Gate("g", "test", (GateCheck("fairness", "disparate_impact", min=self.limit, group="g"),))
        return judge([gate], {"test": evaluation}, seed)[0].status == "passed"


RATIOS = (
    Ratio(0.8, (0.3, 0.3), (600, 2000)),
    Ratio(0.8, (0.5, 0.5), (300, 2000)),
    Ratio(0.8, (0.4, 0.44), (1000, 1000)),
    Ratio(0.8, (0.24, 0.3), (600, 2000)),
    Ratio(0.5, (0.3, 0.3), (100, 500)),
    Ratio(0.5, (0.3, 0.3), (50, 300)),
    Ratio(0.5, (0.15, 0.3), (50, 500)),
    Ratio(0.8, (0.3, 0.3), (600, 2000), 50),
    Ratio(0.6, (0.3, 0.3), (200, 500), 20),
    Ratio(0.6, (0.3, 0.3), (200, 500), 10),
    Ratio(0.5, (0.3, 0.3), (50, 500), 10),
    Ratio(0.6, (0.18, 0.3), (200, 500), 10),
    Ratio(0.8, (0.3, 0.3), (600, 2000), 50, 0.05),
    Ratio(0.8, (0.25, 0.3), (600, 2000), 20, 0.1),
    Ratio(0.8, (0.24, 0.3), (600, 2000), 20, 0.1),
)


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    print("| check | true value | test fold | predicted | simulated |\n|---|---|---|---|---|")
    for case in (*RATIOS, *clustered_cases(), *other_cases(), *decision_cases(), *score_cases()):
        if word in case.words:
            generator = np.random.default_rng(2)
            simulated = sum(case.passes(generator, seed) for seed in range(repetitions)) / repetitions
            print(f"| {case.words} | {case.figure} | {100 * simulated:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
