"""Decides on a release: metrics with intervals, fairness ratios, and the verdict on every check of its gates."""

from mlc_targets.local.gates.evaluation import Estimate, Evaluation, Source
from mlc_targets.local.gates.judge import judge
from mlc_targets.local.gates.measure import measure, measure_all, measure_slices
from mlc_targets.local.gates.verdict import Verdict, blocking

__all__ = [
    "Estimate",
    "Evaluation",
    "Source",
    "Verdict",
    "blocking",
    "judge",
    "measure",
    "measure_all",
    "measure_slices",
]
