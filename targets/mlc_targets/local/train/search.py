"""The trials of a parameter search: the same ones in the same order for the same seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mlc_compiler.ir import Frozen, Search, SearchDimension

if TYPE_CHECKING:
    import numpy as np

_GRID_POINTS = 5
_DIGITS = 6  # significant ones, so that a parameter reads well and has one text


def trials(search: Search, seed: int) -> tuple[Mapping[str, Frozen], ...]:
    """Return the parameters of each trial. A grid takes all values of `choice`, and five points of a range."""
    if search.method == "grid":
        grids = [[(d.name, value) for value in _grid(d)] for d in search.space]
        return tuple(dict(point) for point in itertools.islice(itertools.product(*grids), search.trials))
    import numpy as np

    generator = np.random.default_rng(seed)
    return tuple({d.name: _draw(d, generator) for d in search.space} for _ in range(search.trials))


def _grid(dimension: SearchDimension) -> Iterator[Frozen]:
    if dimension.kind == "choice":
        yield from dimension.values
        return
    low, high = _bounds(dimension)
    for step in range(_GRID_POINTS):
        share = step / (_GRID_POINTS - 1)
        yield _at(dimension, low, high, share)


def _draw(dimension: SearchDimension, generator: np.random.Generator) -> Frozen:
    if dimension.kind == "choice":
        return dimension.values[int(generator.integers(len(dimension.values)))]
    low, high = _bounds(dimension)
    if dimension.kind == "int_uniform":
        return int(generator.integers(int(low), int(high) + 1))
    return _at(dimension, low, high, float(generator.random()))


def _bounds(dimension: SearchDimension) -> tuple[float, float]:
    low, high = (float(str(value)) for value in dimension.values)
    return low, high


def _at(dimension: SearchDimension, low: float, high: float, share: float) -> Frozen:
    if dimension.kind == "log_uniform":
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    return round(value) if dimension.kind == "int_uniform" else float(f"{value:.{_DIGITS}g}")
