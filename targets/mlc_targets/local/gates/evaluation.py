"""What the gates judge: one split's labels, scores, comparisons and blocks, and what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlc_compiler.records import dataclass

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Source = Literal["model", "baseline", "champion"]
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One split, scored. N rows, K classes; every array has N entries along its first axis.

    `y_true` is 0 or 1 (binary), an index into `classes` (multiclass) or the actual value; `scores` is the probability
    of the positive class [N], of each class [N, K], or the prediction [N]. `blocks` are what may be exchanged when the
    rows are not independent: days since 1970-01-01 in the project's time zone for time splits, group codes for group
    splits. `slices` maps a column to its values, "" where null. `latencies` are seconds of one prediction each.
    """

    task: str
    split: str
    y_true: NDArray[Any]
    scores: NDArray[Any]
    baseline_scores: NDArray[Any] | None = None
    champion_scores: NDArray[Any] | None = None
    champion_version: str | None = None
    blocks: NDArray[Any] | None = None
    block_unit: str = "rows"
    slices: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    positive: int = 1
    threshold: float | None = None
    baseline_threshold: float | None = None
    champion_threshold: float | None = None
    latencies: NDArray[Any] | None = None
    parity_difference: float | None = None

    @property
    def rows(self) -> int:
        return len(self.y_true)

    def scores_of(self, source: Source) -> NDArray[Any] | None:
        """Return the scores of the model, of its baseline or of the champion; None where there is none."""
        if source == "model":
            return self.scores
        return self.baseline_scores if source == "baseline" else self.champion_scores

    def threshold_of(self, source: Source) -> float:
        """Return the operating point of a source; 0.5 where none was chosen."""
        chosen = {"model": self.threshold, "baseline": self.baseline_threshold, "champion": self.champion_threshold}
        value = chosen[source]
        return DEFAULT_THRESHOLD if value is None else value

    def problem(self, source: Source = "model") -> str:
        """Return why nothing can be measured on these rows, or an empty text."""
        scores = self.scores_of(source)
        if scores is None:
            return f"there is no {source} to score"
        if not self.rows:
            return "there are no rows"
        if len(scores) != self.rows:
            return f"{len(scores):,} {source} scores for {self.rows:,} labels"
        return _not_finite("labels", self.y_true) or _not_finite(f"{source} scores", scores)


def _not_finite(what: str, values: NDArray[Any]) -> str:
    """Return how many of the values are null or infinite, in words; empty when none is."""
    numbers = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    bad = int((~np.isfinite(numbers).all(axis=1)).sum())
    return f"{bad:,} of {len(values):,} {what} are null or infinite" if bad else ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value and its two-sided interval; `reason` says why one of them is missing."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    confidence: float
    rows: int
    blocks: int
    unit: str
    reason: str = ""

    def to_json(self) -> dict[str, object]:
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "rows": self.rows,
            "blocks": self.blocks,
            "unit": self.unit,
            **({"reason": self.reason} if self.reason else {}),
        }
