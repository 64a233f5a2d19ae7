"""Distributions that the analyses reckon with: plain numbers in and out, no ML library on the compiler's path.

Each agrees with scipy.stats to 1e-8 absolutely (`tests/unit/test_probability.py`). Formulas: Abramowitz and Stegun
26.2 (normal), 6.5 and 26.4 (gamma), 26.5 (beta); the continued fractions are evaluated by Lentz's method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

_TINY = 1e-300
_EPSILON = 1e-15
_MOST_TERMS = 10_000
_HALVINGS = 200
_STEPS = 128
_ASYMPTOTIC = 10.0
_MANY = 4.0
_RARE = 1e-4
_NEWTON = 12


def normal_cdf(z: float) -> float:
    """Return P(Z <= z) of a standard normal variable.

    >>> round(normal_cdf(1.96), 4)
    0.975
    """
    return 0.5 * math.erfc(-z / math.sqrt(2))


@lru_cache(maxsize=256)
def normal_quantile(p: float) -> float:
    """Return z with P(Z <= z) = p; infinite at 0 and 1; raises ValueError outside of [0, 1]."""
    _check_probability(p)
    if p in (0.0, 1.0):
        return math.copysign(math.inf, p - 0.5)
    return _normal_near(p) if _RARE < p < 1 - _RARE else _bisect(normal_cdf, p, -40.0, 40.0)


def _normal_near(p: float) -> float:
    """Return the quantile by Halley's steps from a ratio of polynomials (Abramowitz and Stegun 26.2.22)."""
    root = math.sqrt(-2 * math.log(min(p, 1 - p)))
    z = math.copysign(root - (2.30753 + 0.27061 * root) / (1 + root * (0.99229 + 0.04481 * root)), p - 0.5)
    for _ in range(3):
        step = (normal_cdf(z) - p) * math.sqrt(2 * math.pi) * math.exp(z * z / 2)
        z -= step / (1 + z * step / 2)
    return z


@lru_cache(maxsize=4096)
def binomial_cdf(k: int, n: int, p: float) -> float:
    """Return P(X <= k) of X ~ Binomial(n, p); raises ValueError for a probability outside of [0, 1]."""
    _check_probability(p)
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    return beta_cdf(1.0 - p, n - k, k + 1.0)


def binomial_sf(k: int, n: int, p: float) -> float:
    """Return P(X > k) of X ~ Binomial(n, p)."""
    _check_probability(p)
    if k < 0:
        return 1.0
    return 0.0 if k >= n else beta_cdf(p, k + 1.0, n - k)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), for a, b > 0."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1 - x, b, a) / b


@lru_cache(maxsize=1024)
def beta_quantile(p: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = p: with (k, n-k+1) and (k+1, n-k) the Clopper-Pearson bounds of k of n."""
    _check_probability(p)
    if p in (0.0, 1.0):
        return p
    return _bisect(lambda x: beta_cdf(x, a, b), p, 0.0, 1.0)


def chi_square_cdf(x: float, degrees: float) -> float:
    """Return P(X <= x) of a chi-square variable."""
    return _gamma_p(degrees / 2, x / 2) if x > 0 else 0.0


@lru_cache(maxsize=256)
def chi_square_quantile(p: float, degrees: float) -> float:
    """Return x with P(X <= x) = p; infinite at 1."""
    _check_probability(p)
    if p == 1.0:
        return math.inf
    high = max(degrees, 1.0)
    while chi_square_cdf(high, degrees) < p:
        high *= 2
    return _bisect(lambda x: chi_square_cdf(x, degrees), p, 0.0, high)


def spread_cdf(ratio: float, degrees: float) -> float:
    """Return P(S <= ratio), S the root of a chi-square over its degrees, within 0.005 from 4 degrees on.

    Wilson and Hilferty 1931: its cube root is nearly normal.
    """
    if ratio <= 0:
        return 0.0
    spread = 2 / (9 * degrees)
    return normal_cdf((math.cbrt(ratio * ratio) - 1 + spread) / math.sqrt(spread))


@lru_cache(maxsize=1024)
def t_quantile(p: float, degrees: float) -> float:
    """Return t with P(T <= t) = p of Student's distribution; infinite at 0 and 1."""
    _check_probability(p)
    if p in (0.0, 1.0):
        return math.copysign(math.inf, p - 0.5)
    if degrees >= _MANY and _RARE < p < 1 - _RARE:
        return _t_near(p, degrees)
    tail = beta_quantile(2 * min(p, 1 - p), degrees / 2, 0.5)
    return math.copysign(math.sqrt(degrees * (1 - tail) / tail), p - 0.5) if tail > 0 else math.inf * (p - 0.5)


def _t_near(p: float, degrees: float) -> float:
    """Return the quantile by Newton's steps from the normal one (Abramowitz and Stegun 26.7.5)."""
    z = normal_quantile(p)
    t = z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees * degrees)
    front = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2
    for _ in range(_NEWTON):
        tail = beta_cdf(degrees / (degrees + t * t), degrees / 2, 0.5) / 2
        density = math.exp(front - (degrees + 1) / 2 * math.log1p(t * t / degrees))
        step = ((1 - tail if t > 0 else tail) - p) / density
        t -= step
        if abs(step) < _EPSILON * (1 + abs(t)):
            break
    return t


@lru_cache(maxsize=16384)
def noncentral_t_sf(t: float, degrees: float, shift: float) -> float:
    """Return P((Z + shift) / S > t), S the root of a chi-square over its degrees: the power of a t interval.

    Simpson's rule over S, whose density is negligible beyond eight standard deviations.
    """
    spread = 8 / math.sqrt(2 * degrees)
    low, high = max(1 - spread, 0.0), 1 + spread * (1 + 2 / degrees)
    step = (high - low) / _STEPS
    log_front = math.log(2) + degrees / 2 * math.log(degrees / 2) - math.lgamma(degrees / 2)
    total = 0.0
    for i in range(_STEPS + 1):
        s = low + i * step
        if s <= 0:
            continue
        density = math.exp(log_front + (degrees - 1) * math.log(s) - degrees * s * s / 2)
        total += (1 if i in (0, _STEPS) else 4 if i % 2 else 2) * density * normal_cdf(shift - t * s)
    return min(1.0, total * step / 3)


def digamma(x: float) -> float:
    """Return the derivative of log gamma, for x > 0 (Abramowitz and Stegun 6.3.5, 6.3.18)."""
    shifted = 0.0
    while x < _ASYMPTOTIC:
        shifted -= 1 / x
        x += 1
    square = 1 / (x * x)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return shifted + math.log(x) - 0.5 / x - series


def trigamma(x: float) -> float:
    """Return the second derivative of log gamma, for x > 0 (Abramowitz and Stegun 6.4.6, 6.4.12)."""
    shifted = 0.0
    while x < _ASYMPTOTIC:
        shifted += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    series = 1 / 6 - square * (1 / 30 - square * (1 / 42 - square * (1 / 30 - square * 5 / 66)))
    return shifted + (1 + 0.5 / x + square * series) / x


def tetragamma(x: float) -> float:
    """Return the third derivative of log gamma, for x > 0 (Abramowitz and Stegun 6.4.6, 6.4.13)."""
    shifted = 0.0
    while x < _ASYMPTOTIC:
        shifted -= 2 / (x * x * x)
        x += 1
    square = 1 / (x * x)
    series = 0.5 - square * (1 / 6 - square * (1 / 6 - square * (0.3 - square * 5 / 6)))
    return shifted - square * (1 + 1 / x + square * series)


def poisson_cdf(k: int, mean: float) -> float:
    """Return P(X <= k) of a Poisson variable."""
    if k < 0:
        return 0.0
    return 1.0 - _gamma_p(k + 1.0, mean) if mean > 0 else 1.0


def _check_probability(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{p} is no probability")


def _bisect(cdf: Callable[[float], float], p: float, low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if cdf(middle) < p else (low, middle)
    return (low + high) / 2


def _beta_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, _inverse(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = _inverse(1 + term * d)
            c = 1 + term / c or _TINY
            value *= d * c
        if abs(d * c - 1) < _EPSILON:
            break
    return value


def _inverse(value: float) -> float:
    return 1 / (value or _TINY)


def _gamma_p(a: float, x: float) -> float:
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, _MOST_TERMS):
            term *= x / (a + n)
            total += term
            if term < total * _EPSILON:
                break
        return min(1.0, front * total)
    return 1.0 - front * _gamma_fraction(a, x)


def _gamma_fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c, d = 1 / _TINY, _inverse(b)
    value = d
    for n in range(1, _MOST_TERMS):
        term = -n * (n - a)
        b += 2
        d = _inverse(term * d + b)
        c = b + term / c or _TINY
        value *= d * c
        if abs(d * c - 1) < _EPSILON:
            break
    return value
