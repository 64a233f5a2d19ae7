"""How often chance alone takes a measurement over its bound: shares of requests, and the drift of their scores.

Requests come at random: which version answers one is drawn for each, so a window that expects n holds a Poisson number
of them, and given that number the failed ones are binomial. That matters where the bound times n is a whole number:
of exactly 600 requests 3 % show more than 1 % of errors if 0.5 % fail, of about 600 it is 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from mlc_compiler.probability import chi_square_cdf, normal_cdf

_FAR = 9.0  # standard deviations beyond which a tail is less than 1e-18
_SUMMED = 10_000.0  # events up to which sums are exact; above, a normal distribution corrected for skewness is

_MOST = 1e15  # requests of a window; more would change nothing but the floats


@lru_cache(maxsize=4096)
def exceeds(requests: float, share: float, bound: float, least: int = 1) -> float:
    """Return P(events / N > bound and N >= least): N ~ Poisson(requests), each of them an event with P `share`."""
    if requests <= 0 or bound >= 1:
        return 0.0
    if bound < 0:
        return 1.0 - fewer(requests, least)
    requests = min(requests, _MOST)
    events, others = requests * share, requests * (1.0 - share)
    if events > _SUMMED:
        return _exceeds_by_much(events, others, bound) if requests > least else 0.0
    rest, chance = _cumulative(others), _probabilities(events)
    total = 0.0
    for count, probability in chance:
        below = rest(least - count - 1)
        total += probability * max(0.0, rest(_most_others(count, bound)) - below)
    return min(1.0, total)


@lru_cache(maxsize=1024)
def fewer(requests: float, needed: int) -> float:
    """Return the probability that a window that expects `requests` holds fewer than `needed`."""
    return _cumulative(min(requests, _MOST))(needed - 1) if requests > 0 else float(needed > 0)


@lru_cache(maxsize=1024)
def drift_exceeds(apart: float, cells: int, bound: float, shift: float = 0.0) -> float:
    """Return the probability that a stability index over `cells` is above `bound`, `shift` being the true one.

    `apart` is 1/n + 1/m for n rows against a reference of m: the index is about apart times chi-square on cells - 1
    degrees, not central where something has shifted (Patnaik's two-moment approximation, Biometrika 36, 1949).
    """
    degrees = cells - 1
    if degrees < 1 or apart <= 0 or not math.isfinite(apart):
        return float(shift > bound)
    centre = min(shift / apart, _MOST)
    scale = (degrees + 2 * centre) / (degrees + centre)
    value, freedom = bound / apart / scale, (degrees + centre) * (degrees + centre) / (degrees + 2 * centre)
    if freedom > _SUMMED or value > 1e6:
        return 1.0 - normal_cdf((value - freedom) / math.sqrt(2 * freedom))
    return 1.0 - chi_square_cdf(value, freedom)


def _most_others(events: int, bound: float) -> float:
    """Return with how many other requests at most the events are still more than their bound."""
    if events == 0:
        return -1.0
    if bound <= 0:
        return math.inf
    limit = events * (1.0 - bound) / bound
    return math.ceil(limit - 1e-9 * max(1.0, limit)) - 1.0


def _exceeds_by_much(events: float, others: float, bound: float) -> float:
    """Return P((1 - bound) E > bound S) of so many events that the sum is all but normal."""
    mean = (1 - bound) * events - bound * others
    variance = (1 - bound) ** 2 * events + bound**2 * others
    third = (1 - bound) ** 3 * events - bound**3 * others
    return 1.0 - _skewed(-mean / math.sqrt(variance), third / variance**1.5)


def _skewed(z: float, skewness: float) -> float:
    """Return P(Z <= z), by Edgeworth's first term."""
    if abs(z) > _FAR:
        return float(z > 0)
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return min(1.0, max(0.0, normal_cdf(z) - skewness / 6 * (z * z - 1) * density))


def _probabilities(mean: float) -> list[tuple[int, float]]:
    """Return the counts that a Poisson variable takes, with their probabilities; what is too rare is left out."""
    if mean <= 0:
        return [(0, 1.0)]
    low, high = _range(mean)
    probability = math.exp(low * math.log(mean) - mean - math.lgamma(low + 1))
    found = []
    for count in range(low, high + 1):
        found.append((count, probability))
        probability *= mean / (count + 1)
    return found


def _range(mean: float) -> tuple[int, int]:
    spread = _FAR * math.sqrt(mean)
    return max(0, math.floor(mean - spread) - 10), math.ceil(mean + spread) + 20


def _cumulative(mean: float) -> Callable[[float], float]:
    """Return P(X <= k) of a Poisson variable as a function of k."""
    if mean > _SUMMED:
        return lambda k: _skewed((k + 0.5 - mean) / math.sqrt(mean), 1 / math.sqrt(mean))
    table, total = [], 0.0
    for _, probability in _probabilities(mean):
        total += probability
        table.append(total)
    low, high = _range(mean) if mean > 0 else (0, 0)

    def at(k: float) -> float:
        if k < low:
            return 0.0
        return 1.0 if k >= high else table[int(k) - low]

    return at
