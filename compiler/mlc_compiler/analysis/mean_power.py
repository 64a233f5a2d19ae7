"""How often chance takes the mean of predictions out of its bounds: at most, for predictions spread less than labels.

What the model will answer is not known before its training. Labels are: predictions that are right on average vary no
more than they do (the law of total variance), so that their spread gives the most false aborts and misses there can be.
"""

from __future__ import annotations

import math
from functools import lru_cache

from mlc_compiler.analysis.decisions import FALSE_ABORTS, MISSES, Chance, any_abort
from mlc_compiler.analysis.exceedance import exceeds
from mlc_compiler.analysis.figures import amount, percent
from mlc_compiler.analysis.trials import Watch
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Place, Sink
from mlc_compiler.probability import normal_cdf, normal_quantile

FEWEST = 30
"""Predictions of a measurement from which on their mean is normal."""
_PARTS = 25


@lru_cache(maxsize=4096)
def outside(requests: float, mean: float, labels: float | None, low: float | None, high: float | None) -> float:
    """Return the chance that the mean of about so many predictions is out of bounds; how many come is random.

    Labels spread by this much, or are yes and no.
    """
    if labels is None:
        above = 0.0 if high is None else exceeds(requests, mean, high)
        return min(1.0, above + (0.0 if low is None else exceeds(requests, 1 - mean, 1 - low)))
    total = 0.0
    for part in range(_PARTS):
        count = max(requests + normal_quantile((part + 0.5) / _PARTS) * math.sqrt(requests), 1.0)
        error = max(labels / math.sqrt(count), 1e-12)
        total += 0.0 if high is None else normal_cdf((mean - high) / error)
        total += 0.0 if low is None else normal_cdf((low - mean) / error)
    return min(total / _PARTS, 1.0)


def widest(mean: float, labels: float | None) -> float:
    """Return how far predictions of this mean spread at most: as labels do, as yes and no where they are shares."""
    return labels if labels is not None else math.sqrt(max(mean * (1 - mean), 0.0))


def abort_chance(watch: Watch, mean: float, labels: float | None) -> Chance:
    """Return how often a version of this mean is sent back, were its predictions spread as widely as can be."""
    analysis, mean = watch.analysis, mean if labels is not None else min(max(mean, 0.0), 1.0)
    pairs = [
        (look.count, min(1.0, outside(look.requests, mean, labels, analysis.min, analysis.max) + _quiet(watch, index)))
        for index, look in enumerate(watch.looks)
    ]
    return any_abort(pairs, analysis.failure_limit, watch.overlap)


def _quiet(watch: Watch, index: int) -> float:
    return watch.silent(watch.looks[index]) if watch.rollout.no_data == "fail" else 0.0


def check_mean(watch: Watch, at: Place, where: str, labels: float | None, sink: Sink) -> None:
    """Tell of what is not known of an analysis of the mean, nothing where chance hardly decides whatever the spread."""
    analysis = watch.analysis
    if analysis.max is None and analysis.min is None:
        return
    if analysis.baseline is None and analysis.harmful is None:
        _tell(at, f"{where}neither `baseline` nor `harmful` says what means versions have", "state them", sink)
        return
    fewest = min(look.requests for look in watch.looks)
    if fewest < FEWEST:
        few = f"{where}a measurement has {amount(fewest)} predictions, and how they spread is known of a run alone"
        _tell(at, few, "measure over a longer `interval`, or send more", sink)
        return
    if analysis.baseline is not None:
        aborted = abort_chance(watch, analysis.baseline, labels).high
        if aborted > FALSE_ABORTS:
            words = _words(aborted, "healthy", analysis.baseline, "sent back", labels)
            _tell(at, where + words, "measure over a longer `interval`, or raise `failure_limit`", sink)
    if analysis.harmful is not None:
        missed = 1 - abort_chance(watch, analysis.harmful, labels).low
        if missed > MISSES:
            words = _words(missed, "harmful", analysis.harmful, "let through", labels)
            _tell(at, where + words, "measure over a longer `interval`, or lower `failure_limit`", sink)


def _words(chance: float, kind: str, mean: float, fate: str, labels: float | None) -> str:
    spread = number_text(float(f"{widest(mean, labels):.2g}"))
    versions = f"{percent(chance)} of {kind} versions, of mean {number_text(mean)}, are {fate}"
    return f"up to {versions}, were predictions to vary as labels do, by {spread}"


def _tell(at: Place, message: str, help: str, sink: Sink) -> None:
    sink.info("MLC619", at, f"how often chance decides by prediction_mean is not known: {message}", help=help)
