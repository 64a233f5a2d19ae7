"""How often rollouts abort, predicted by `mlc validate` and simulated by Argo's way of counting, side by side.

python bench/rollout_power.py [repetitions]     10,000 by default: half a minute
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlc_compiler.analysis.decisions import any_abort
from mlc_compiler.analysis.mean_power import abort_chance
from mlc_compiler.analysis.measurements import Look
from mlc_compiler.analysis.trials import Watch
from mlc_compiler.spec.model import Replicas, Serving
from mlc_compiler.spec.rollout import Rollout

Random = np.random.Generator
Fails = Callable[[Random, Look, int], np.ndarray]
REFERENCE = 50_000


@dataclass(frozen=True)
class Case:
    """An analysis in steps of weight and hold, under so many requests a second; labels spread by so much."""

    rate: float
    analysis: dict[str, object]
    steps: tuple[tuple[float, str], ...] = ((5, "10m"),)
    no_data: str = "hold"
    labels: float | None = None

    @property
    def watch(self) -> Watch:
        held = [{"weight": weight, "hold": hold} for weight, hold in self.steps]
        spec = Rollout.model_validate({
            "model": "m", "no_data": self.no_data, "traffic": {"requests_per_second": self.rate},
            "steps": [*held, {"weight": 100}], "analysis": [self.analysis],
        })  # fmt: skip
        return Watch(spec, spec.analysis[0], Serving(replicas=Replicas(min=1, max=1)), reference=float(REFERENCE))

    @property
    def words(self) -> str:
        said = ", ".join(f"{k} {v}" for k, v in self.analysis.items() if k != "metric")
        held = ", ".join(f"{w:g} % for {h}" for w, h in self.steps)
        rest = f", labels +- {self.labels:g}" if self.labels else ""
        return f"{self.analysis['metric']}: {said} | {self.rate:,} requests/s, {held}{rest}"


def simulated(case: Case, repetitions: int, fails: Fails) -> float:
    """Return how often a rollout aborts whose measurements fail so."""
    watch, random = case.watch, np.random.default_rng(1)
    going = np.ones(repetitions, dtype=bool)
    for look in watch.looks:
        failed = fails(random, look, repetitions)
        going &= failed.sum(axis=1) <= watch.analysis.failure_limit  # each step counts anew
    return float(1 - going.mean())


def shares(watch: Watch, share: float) -> Fails:
    def fails(random: Random, look: Look, repetitions: int) -> np.ndarray:
        shape = (repetitions, look.count)
        failed = random.poisson(look.requests * share, shape)
        total = failed + random.poisson(look.requests * (1 - share), shape)
        out = (total >= watch.least) & (failed > watch.bound * total)
        return out | (total < watch.least) if watch.rollout.no_data == "fail" else out

    return fails


def drifts(watch: Watch, index: float) -> Fails:
    """Draw the server's index of windows that touch; of a shift, tenths of the reference tilted until they have it."""
    tilt = np.linspace(-1, 1, 10)
    low, high = 0.0, 0.9
    for _ in range(60):
        middle = (low + high) / 2
        p = 0.1 * (1 + middle * tilt)
        low, high = (middle, high) if float(((p - 0.1) * np.log(p / 0.1)).sum()) < index else (low, middle)
    chances = 0.1 * (1 + low * tilt)

    def fails(random: Random, look: Look, repetitions: int) -> np.ndarray:
        # Tenths of a sample hold a tenth of the scores to come but for chance, the same for all of one rollout.
        tenths = random.dirichlet(np.full(10, REFERENCE / 10), repetitions) * 10 * chances
        tenths = np.repeat(tenths[:, None] / tenths.sum(axis=-1)[:, None, None], look.count, axis=1)
        live = random.multinomial(1000, tenths) + 0.5
        q = live / live.sum(axis=-1, keepdims=True)
        return np.asarray(((q - 0.1) * np.log(q / 0.1)).sum(axis=-1) > watch.bound)

    return fails


def means(watch: Watch, mean: float, labels: float | None) -> Fails:
    analysis = watch.analysis

    def fails(random: Random, look: Look, repetitions: int) -> np.ndarray:
        counts = random.poisson(look.requests, (repetitions, look.count)).clip(1)
        if labels is None:
            shown = random.binomial(counts, mean) / counts
        else:
            shown = mean + random.normal(0, 1, counts.shape) * labels / np.sqrt(counts)
        return (shown > (math.inf if analysis.max is None else analysis.max)) | (shown < (analysis.min or -math.inf))

    return fails


def cases() -> Iterator[Case]:
    for rate in (2, 20, 200):
        for limit in (0, 3):
            yield Case(rate, {"metric": "error_rate", "baseline": "0.5%", "max": "1%", "failure_limit": limit})
    errors = {"metric": "error_rate", "baseline": "0.5%", "max": "1%", "failure_limit": 3}
    yield Case(200, errors, ((5, "30m"), (25, "1h")))
    yield Case(3, {**errors, "failure_limit": 2}, no_data="fail")
    yield Case(20, {**errors, "baseline": "0.9%", "interval": "5m", "failure_limit": 0})
    yield Case(50, {"metric": "latency_p99", "baseline": "40ms", "max": "50ms", "failure_limit": 2})
    yield Case(20, {"metric": "latency_p95", "baseline": "40ms", "max": "50ms", "failure_limit": 4})
    yield Case(400, {"metric": "prediction_drift", "max": 0.02, "failure_limit": 0})
    yield Case(400, {"metric": "prediction_drift", "max": 0.014, "harmful": 0.02, "failure_limit": 3})
    mean = {"metric": "prediction_mean", "baseline": 0.2, "harmful": 0.23, "max": 0.22, "interval": "5m"}
    yield Case(100, {**mean, "failure_limit": 0})
    yield Case(100, {**mean, "min": 0.18, "interval": "1m", "failure_limit": 1})
    hours = {"metric": "prediction_mean", "baseline": 100.0, "harmful": 102.0, "max": 101.5, "failure_limit": 1}
    yield Case(100, hours, labels=12.0)


def outcomes(case: Case, repetitions: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return P(false abort) and P(miss), each predicted and simulated."""
    watch = case.watch
    if watch.means:
        healthy, harmful = float(watch.analysis.baseline or 0), float(watch.analysis.harmful or 0)
        chances = [abort_chance(watch, value, case.labels).high for value in (healthy, harmful)]
        draws = [means(watch, value, case.labels) for value in (healthy, harmful)]
    else:
        trials = tuple(watch.trials())
        draw = drifts if watch.drifts else shares
        limit = watch.analysis.failure_limit
        chances = [
            any_abort([(t.count, t.healthy or 0.0) for t in trials], limit).high,
            any_abort([(t.count, t.harmful) for t in trials], limit).high,
        ]
        draws = [draw(watch, watch.healthy or 0.0), draw(watch, watch.harmful)]
    aborted, caught = (simulated(case, repetitions, d) for d in draws)
    return (chances[0], aborted), (1 - chances[1], 1 - caught)


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print("| analysis | steps | healthy aborted: predicted | simulated | harmful missed: predicted | simulated |")
    print("|---|---|---|---|---|---|")
    for case in cases():
        found = (f"{100 * share:.1f} %" for pair in outcomes(case, repetitions) for share in pair)
        print(f"| {case.words} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
