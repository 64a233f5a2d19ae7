"""What each analysis of a rollout sees of a healthy and of a harmful version, step by step.

Healthy is what `baseline` says, else what the service promises; harmful what `harmful` says, else twice the bound.
Latencies are taken to have an exponential tail through the stated quantile: a p99 of 25ms puts 0.01 % above 50ms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

from mlc_compiler.analysis.decisions import Trial
from mlc_compiler.analysis.drift_null import BINS, SERVER_LEAST, SERVER_WINDOW, server_apart
from mlc_compiler.analysis.exceedance import drift_exceeds, exceeds, fewer
from mlc_compiler.analysis.figures import amount, rate
from mlc_compiler.analysis.measurements import Look, looks, overlap, window
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.records import dataclass
from mlc_compiler.spec.model import Serving
from mlc_compiler.spec.rollout import Analysis, Rollout

_ABOVE = {"latency_p50": 0.5, "latency_p95": 0.05, "latency_p99": 0.01}
_PLENTY = 1e6


@dataclass(frozen=True)
class Watch:
    """One analysis of a rollout; `availability` is the objective of the service, `reference` the scores' rows."""

    rollout: Rollout
    analysis: Analysis
    serving: Serving
    availability: float | None = None
    reference: float = _PLENTY

    @cached_property
    def looks(self) -> tuple[Look, ...]:
        return looks(self.rollout, self.analysis)

    @property
    def judged(self) -> bool:
        """Tell whether there is anything that chance could be reckoned of."""
        return not self.means and self.analysis.max is not None and self.analysis.method == "threshold"

    @property
    def means(self) -> bool:
        return self.analysis.metric == "prediction_mean" and self.analysis.method == "threshold"

    @property
    def drifts(self) -> bool:
        return self.analysis.metric == "prediction_drift"

    @property
    def bound(self) -> float:
        """Return the share of requests that a measurement may show, of drift the index."""
        bound = self.analysis.max or 0.0
        return _ABOVE.get(self.analysis.metric, bound)

    @property
    def healthy(self) -> float | None:
        """Return the share that a healthy version shows (of drift the index), None where nothing says so."""
        stated = self.analysis.baseline
        if self.analysis.metric in _ABOVE:
            promised = self.serving.latency_p99 if self.analysis.metric == "latency_p99" else None
            usual = stated if stated is not None else promised
            most = self.analysis.max or 0.0
            return _beyond(self.bound, most, usual) if usual is not None and (stated or usual < most) else None
        if self.drifts:
            return stated or 0.0
        return stated if stated is not None or self.availability is None else min(1.0 - self.availability, self.bound)

    @property
    def harmful(self) -> float:
        """Return the share that a harmful version shows, of drift the index."""
        most, stated = self.analysis.max or 0.0, self.analysis.harmful
        if self.analysis.metric in _ABOVE:
            return _beyond(self.bound, most, stated if stated is not None else 2 * most)
        if self.drifts or stated is not None:
            return stated if stated is not None else 2 * most
        return 2 * most if 2 * most < 1 else (1 + most) / 2

    @property
    def overlap(self) -> int:
        """Return how many measurements in a row see the same requests."""
        if not self.drifts:
            return overlap(self.analysis)
        new = min((self._arriving(look) * self.analysis.interval for look in self.looks), default=math.inf)
        return max(1, math.ceil(SERVER_WINDOW / new)) if new > 1 else SERVER_WINDOW

    def trials(self) -> Iterator[Trial]:
        """Yield what each step measures."""
        healthy = self.healthy
        for look in self.looks:
            quiet = self.silent(look) if self.rollout.no_data == "fail" else 0.0
            of_healthy = None if healthy is None else min(1.0, self.fails(look, healthy) + quiet)
            yield Trial(look.count, of_healthy, min(1.0, self.fails(look, self.harmful) + quiet))

    def fails(self, look: Look, share: float) -> float:
        """Return the probability that a measurement fails of a version that shows that share."""
        if self.drifts:
            apart = server_apart(max(self.scores(look), 1.0), self.reference)
            return drift_exceeds(apart, BINS, self.bound, share)
        return exceeds(look.requests, min(share, 1.0), self.bound, self.least)

    @property
    def least(self) -> int:
        """Return how many requests a measurement must have to count."""
        return max(1, self.rollout.min_requests)

    def silent(self, look: Look) -> float:
        """Return the probability that a measurement has no data; of drift the first, which has the least."""
        if self.drifts:
            return fewer(self._arriving(look) * window(self.analysis), SERVER_LEAST)
        return fewer(look.requests, self.least)

    def scores(self, look: Look) -> float:
        """Return how many scores a server's index is of, once the step has been measured to its end."""
        seconds = window(self.analysis) + (look.count - 1) * self.analysis.interval
        return min(float(SERVER_WINDOW), self._arriving(look) * seconds)

    def _arriving(self, look: Look) -> float:
        """Return the scores that one server of the new version gets in a second."""
        traffic = self.rollout.traffic
        return (traffic.requests_per_second if traffic else 0.0) * look.weight / 100 / self.pods(look)

    def pods(self, look: Look) -> int:
        """Return how many servers of the new version a step has."""
        return max(1, math.ceil(self.serving.replicas.min * look.weight / 100))

    # --- in words ----------------------------------------------------------------------------------------------------
    def shows(self, value: float, stated: float | None) -> str:
        """Return what a version shows, in words: `0.5 % errors`, `a p99 of 20ms`."""
        if self.analysis.metric in _ABOVE:
            name = self.analysis.metric.removeprefix("latency_")
            seconds = stated if stated is not None else (self.serving.latency_p99 or 0.0)
            return f"{name} {duration_text(seconds)}, {rate(float(f'{value:.2g}'))} above {self.limit}"
        return f"index {number_text(value)}" if self.drifts else f"{rate(value)} errors"

    @property
    def limit(self) -> str:
        """Return the bound in words."""
        most = self.analysis.max or 0.0
        if self.analysis.metric in _ABOVE:
            return duration_text(most)
        return number_text(most) if self.drifts else rate(most)

    def arithmetic(self, look: Look) -> str:
        """Return how many requests a measurement has, as a calculation."""
        traffic = self.rollout.traffic
        each = number_text(traffic.requests_per_second) if traffic else "0"
        start = f"{each} requests/s x {number_text(look.weight)} %"
        if self.drifts:
            pods = self.pods(look)
            servers = f" / {pods} servers" if pods > 1 else ""
            return f"{start}{servers}: an index of the last {amount(self.scores(look))} scores"
        return f"{start} x {duration_text(window(self.analysis))} = {amount(look.requests)} requests a measurement"


def _beyond(above: float, most: float, usual: float) -> float:
    """Return the share beyond `most` of an exponential tail of which the share `above` is beyond `usual`."""
    return above ** min(most / usual, 1000.0) if usual > 0 else 0.0
