"""Fairness ratios between groups: the smallest rate over the largest, with an interval of the composite.

Definitions are fairlearn's (`method="between_groups"`, `agg="worst_case"`); groups under `min_rows` are left out,
because the ratio of two rates of ten rows says nothing. The value itself is biased towards inequality: its interval
is that of the pair of groups that is furthest apart (see `ratios`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from mlc_compiler.metrics import FAIRNESS
from mlc_compiler.records import dataclass
from mlc_targets.local.gates.evaluation import Array
from mlc_targets.local.gates.intervals import Bounds
from mlc_targets.local.gates.metrics import Measure, false_positive_rate, precision, recall, selection_rate
from mlc_targets.local.gates.ratios import ratio_bounds
from mlc_targets.local.gates.statistic import Sample, Statistic, combined

RATES: Mapping[str, Measure] = MappingProxyType(
    {
        "selection": selection_rate,
        "true_positive": recall,
        "false_positive": false_positive_rate,
        "precision": precision,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """A ratio over groups: its statistic, None with a reason where it has none, and the rates behind it by group."""

    statistic: Statistic | None
    reason: str
    rates: tuple[tuple[str, str, Statistic], ...]  # group, rate, statistic
    small: tuple[tuple[str, int], ...]  # groups under min_rows, with their rows

    def bounds(self, confidence: float, *, independent: bool) -> Bounds:
        """Return the interval of the ratio; `independent` tells that every row is its own block."""
        names = dict.fromkeys(name for _, name, _ in self.rates)
        rates = [[s for _, rate, s in self.rates if rate == name] for name in names]
        return ratio_bounds(rates, confidence, independent=independent)


def rate_names(name: str) -> tuple[str, ...]:
    """Return the rates that a fairness ratio compares; raises KeyError for an unknown name."""
    return {ratio.name: ratio.rates for ratio in FAIRNESS}[name]


def composite(name: str, sample: Sample, groups: np.ndarray, min_rows: int) -> Composite:
    """Return a fairness ratio over the values of `groups` [N] that have at least `min_rows` rows."""
    values, counts = np.unique(groups, return_counts=True)
    large = [str(v) for v, n in zip(values, counts, strict=True) if n >= min_rows]
    small = tuple((str(v), int(n)) for v, n in zip(values, counts, strict=True) if n < min_rows)
    parts = {group: sample.at(groups == group) for group in large}
    rates = tuple((g, rate, RATES[rate](part)) for g, part in parts.items() for rate in rate_names(name))
    reason = _why_none(large, min_rows, rates)
    return Composite(None if reason else _worst(rates, rate_names(name)), reason, rates, small)


def _why_none(large: Sequence[str], min_rows: int, rates: Sequence[tuple[str, str, Statistic]]) -> str:
    if len(large) < 2:
        return f"{len(large)} groups have {min_rows:,} rows or more; a ratio needs two"
    undefined = [f"{group or '(missing)'} ({rate})" for group, rate, s in rates if not np.isfinite(s.value)]
    if undefined:
        return f"rates without rows to count: {', '.join(undefined[:5])}"
    nobody = {rate for _, rate, _ in rates} - {rate for _, rate, s in rates if s.value > 0}
    return f"the {sorted(nobody)[0].replace('_', ' ')} rate is 0 in every group" if nobody else ""


def _worst(rates: Sequence[tuple[str, str, Statistic]], names: tuple[str, ...]) -> Statistic:
    """Return the smallest over the rates of smallest over largest group."""
    rows = [[i for i, (_, rate, _) in enumerate(rates) if rate == name] for name in names]

    def combine(values: Array) -> Array:
        ratios = [values[r].min(axis=0) / values[r].max(axis=0) for r in rows]
        return np.asarray(np.min(ratios, axis=0))

    return combined([s for _, _, s in rates], combine, smooth=False)
