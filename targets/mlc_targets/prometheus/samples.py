"""Series of the scenarios: what servers and jobs of the model export, and latencies whose quantile is known."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.series import escaped
from mlc_targets.prometheus.rules import Scope

VERSION = "1a2b3c4d5e6f"
_OBSERVED = 1000  # latencies a minute
_SLOWEST = 10  # of them above the 99th percentile


def sample(scope: Scope, metric: str, **labels: str) -> str:
    """Return a series as a server of the model exports it, here with its usual labels."""
    series = scope.series
    own = {series.namespace_label: scope.release.environment.namespace}
    own[series.pod_label] = f"{scope.model.name}-7d4b9c6f5d-x2x4z"
    if scope.model.serving.runtime is None:
        own |= {"model": scope.model.name, "version": VERSION}
    return _series(str(series.named(metric)), {**own, **labels})


def job_sample(scope: Scope, metric: str, **labels: str) -> str:
    """Return a series as the monitor job of the model exports it."""
    own = {
        scope.series.namespace_label: scope.release.environment.namespace,
        "model": scope.model.name,
        "version": VERSION,
    }
    return _series(metric, {**own, **labels})


def _series(name: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f'{label}="{escaped(value)}"' for label, value in labels.items())
    return f"{name}{{{pairs}}}"


# --- latencies -------------------------------------------------------------------------------------------------------
def quantile_near(bound: float, exceeds: bool) -> tuple[float, tuple[tuple[str, str], ...]]:
    """Return a 99th percentile just above or below a bound, in seconds, with the buckets that have it.

    Buckets are pairs of `le` and promtool's notation. The percentile is what `histogram_quantile` interpolates: the
    bucket `(low, high]` that holds n of 1000 latencies, the slowest, has it at low + (high - low) * (n - 10) / n.
    """
    found = [c for c in _candidates() if (c[0] > bound if exceeds else c[0] < bound)]
    value, bucket, inside = min(found) if exceeds else max(found)
    edges = (*conventions.LATENCY_BUCKETS, float("inf"))
    counts = [_OBSERVED if index >= bucket else _OBSERVED - inside for index in range(len(edges))]
    texts = ["+Inf" if edge == float("inf") else conventions.number_text(edge) for edge in edges]
    return value, tuple((text, f"0+{count}") for text, count in zip(texts, counts, strict=True))


def _candidates() -> Iterator[tuple[float, int, int]]:
    """Yield percentiles with the bucket that holds them and its count; beyond the last edge it is that edge."""
    low = 0.0
    for bucket, high in enumerate(conventions.LATENCY_BUCKETS):
        for inside in (11, 12, 15, 20, 40, 100, 1000):
            yield low + (high - low) * (inside - _SLOWEST) / inside, bucket, inside
        low = high
    yield low, len(conventions.LATENCY_BUCKETS), _OBSERVED
