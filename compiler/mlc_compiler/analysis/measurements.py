"""What a rollout measures, step by step: how often, of how many requests, and how long a breach goes on.

The numbers are those of the analysis that is emitted: a measurement looks back one interval, four scrapes at least, and
the first comes when its window has filled.
"""

from __future__ import annotations

import math

from mlc_compiler import conventions
from mlc_compiler.records import dataclass
from mlc_compiler.spec.rollout import Analysis, Rollout

SCRAPES = 4
"""Scrapes that a rate needs in its window."""
PREVIEW_SECONDS = 600.0
"""How long a blue_green switch is measured where the spec does not say."""
PROPAGATION_SECONDS = 30.0
"""From the last measurement that fails to the last request answered by the version that is sent back: the scrape that
it waited for, the controller's turn and the route's update."""
PROGRESSIVE = ("canary", "blue_green")


@dataclass(frozen=True, slots=True)
class Look:
    """One step as one analysis sees it: `requests` are those that a measurement expects."""

    step: int
    weight: float
    hold: float
    requests: float
    count: int


def window(analysis: Analysis, scrape: float = conventions.SCRAPE_INTERVAL_SECONDS) -> float:
    """Return the seconds that one measurement looks back."""
    return max(analysis.interval, SCRAPES * scrape)


def measurements(analysis: Analysis, hold: float) -> int:
    """Return how many measurements a hold has time for, 0 where it is shorter than one."""
    left = hold - window(analysis)
    return math.floor(left / analysis.interval + 1e-9) + 1 if left >= 0 else 0


def looks(rollout: Rollout, analysis: Analysis) -> tuple[Look, ...]:
    """Return the steps in which a new version is measured."""
    rate = rollout.traffic.requests_per_second if rollout.traffic else 0.0
    return tuple(
        Look(number, weight, hold, rate * weight / 100 * window(analysis), count)
        for number, weight, hold in held(rollout)
        if (count := measurements(analysis, hold)) > 0
    )


def held(rollout: Rollout) -> tuple[tuple[int, float, float], ...]:
    """Return number, weight and hold of each step that holds; of blue_green the time after its switch."""
    if rollout.strategy == "blue_green":
        preview = PREVIEW_SECONDS if rollout.preview is None else rollout.preview
        return ((0, 100.0, preview),) if preview else ()
    return tuple((n, s.weight, s.hold) for n, s in enumerate(rollout.steps) if s.hold and s.weight)


def overlap(analysis: Analysis) -> int:
    """Return how many measurements in a row see the same request: 1 where windows only touch."""
    return math.ceil(window(analysis) / analysis.interval - 1e-9)


def seconds_to_abort(analysis: Analysis) -> float:
    """Return the longest time from a breach to its abort: measurements that fail, the window of the first included."""
    return window(analysis) + analysis.failure_limit * analysis.interval


def seconds_to_rollback(analysis: Analysis) -> float:
    """Return the longest time from a breach to the last request that the version sent back answers."""
    return seconds_to_abort(analysis) + PROPAGATION_SECONDS
