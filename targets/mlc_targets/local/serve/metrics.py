"""What the server exports to Prometheus, in the names that rules, dashboards and rollouts are written from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client import disable_created_metrics as leave_out_creation_times

from mlc_compiler import conventions as names
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.serve.answer import class_text
from mlc_targets.local.serve.drift import ScoreWindow
from mlc_targets.local.serve.scoring import Scored

_LABELS = ("model", "version")
_CODES = ("200", "400", "422", "500", "503")  # what predictions are answered with as a rule
_PROTOCOLS = ("json", "v2")


class Metrics:
    """One registry of one model's metrics; label values are bound once."""

    def __init__(self, manifest: PackageManifest, window: ScoreWindow, written: Callable[[], float | None]) -> None:
        """`written` returns when the snapshot in use was made current (epoch seconds), None while there is none."""
        leave_out_creation_times()  # type: ignore[no-untyped-call]  # prometheus-client does not annotate it
        self.registry = CollectorRegistry()
        self._identity = {"model": manifest.model, "version": names.short(manifest.version)}
        self._window = window
        ProcessCollector(registry=self.registry)
        self._count_requests()
        self._count_predictions(manifest)
        self._watch(manifest, window, written)

    def _count_requests(self) -> None:
        self._requests = Counter(
            _family(names.METRIC_REQUESTS), "Prediction requests answered, by HTTP status and protocol (json, v2).",
            (*_LABELS, "code", "protocol"), registry=self.registry,
        )  # fmt: skip
        # A counter that begins with its first error shows no rise: the rate of that error would be none.
        for code, protocol in product(_CODES, _PROTOCOLS):
            self._requests.labels(**self._identity, code=code, protocol=protocol)
        latency = Histogram(
            names.METRIC_LATENCY, "Time from a prediction request's headers to its answer, in seconds.",
            _LABELS, buckets=names.LATENCY_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._latency = latency.labels(**self._identity)
        flight = Gauge(
            names.METRIC_IN_FLIGHT, "Prediction requests being answered now.", _LABELS, registry=self.registry
        )
        self.in_flight = flight.labels(**self._identity)

    def _count_predictions(self, manifest: PackageManifest) -> None:
        help_text = "Scores: probability of the positive or predicted class, or the predicted value."
        values = Histogram(
            names.METRIC_PREDICTION, help_text, _LABELS, buckets=_score_buckets(manifest), registry=self.registry
        )
        self._values = values.labels(**self._identity)
        classes = Counter(
            _family(names.METRIC_PREDICTED_CLASS), "Rows predicted, by class.", (*_LABELS, "class"),
            registry=self.registry,
        )  # fmt: skip
        self._classes = {v: classes.labels(**self._identity, **{"class": class_text(v)}) for v in manifest.classes}
        misses = Counter(
            _family(names.METRIC_LOOKUP_MISSES), "Rows without an entry in a lookup of the online snapshot.",
            (*_LABELS, "lookup"), registry=self.registry,
        )  # fmt: skip
        self._misses = {x.name: misses.labels(**self._identity, lookup=x.name) for x in manifest.lookups}

    def _watch(self, manifest: PackageManifest, window: ScoreWindow, written: Callable[[], float | None]) -> None:
        model = Gauge(names.METRIC_MODEL_INFO, "The model that is served.", (*_LABELS, "task"), registry=self.registry)
        model.labels(**self._identity, task=manifest.task).set(1)
        drift = Gauge(
            names.METRIC_PREDICTION_DRIFT,
            "Population stability index of the latest scores against the packaged reference; NaN below 100 scores.",
            _LABELS, registry=self.registry,
        )  # fmt: skip
        drift.labels(**self._identity).set_function(window.value)
        if manifest.lookups:
            age = Gauge(
                names.METRIC_ONLINE_AGE, "Seconds since the online snapshot in use was written; NaN without one.",
                _LABELS, registry=self.registry,
            )  # fmt: skip
            age.labels(**self._identity).set_function(lambda: _age(written()))

    def answered(self, protocol: str, code: int, seconds: float) -> None:
        """Count one answered prediction request."""
        self._requests.labels(**self._identity, code=str(code), protocol=protocol).inc()
        self._latency.observe(seconds)

    def scored(self, scored: Scored) -> None:
        """Count the rows of one request."""
        for value in scored.decided.live.tolist():
            self._values.observe(value)
        self._window.add(scored.decided.live)
        for label in scored.decided.labels or ():
            self._classes[label].inc()
        self._count_misses(scored.misses)

    def _count_misses(self, misses: Mapping[str, int]) -> None:
        for lookup, count in misses.items():
            if count:
                self._misses[lookup].inc(count)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def _family(name: str) -> str:
    """Return a counter's name as prometheus-client wants it: it adds `_total` itself."""
    return name.removesuffix("_total")


def _score_buckets(manifest: PackageManifest) -> tuple[float, ...]:
    if manifest.classifies or not manifest.reference.edges:
        return names.SCORE_BUCKETS
    return manifest.reference.edges


def _age(written: float | None) -> float:
    return math.nan if written is None else max(0.0, time.time() - written)
